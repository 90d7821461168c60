package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// wideSchema has n features that may be missing.
func wideSchema(t testing.TB, n int) *schema.Schema {
	t.Helper()
	var doc schema.Document
	for i := range n {
		doc.Features = append(doc.Features, schema.Feature{Name: fmt.Sprintf("f%d", i), Missing: schema.Allow})
	}
	s, err := schema.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// repeating writes rows of which share are written as earlier ones; some of
// the others differ in their last digit only, or are not valid.
func repeating(rng *rand.Rand, rows, features int, share float64) string {
	var out []string
	for range rows {
		if len(out) > 0 && rng.Float64() < share {
			out = append(out, out[rng.IntN(len(out))])
			continue
		}
		cells := make([]string, features)
		for c := range cells {
			cells[c] = fmt.Sprintf(`"f%d":%.4f`, c, rng.NormFloat64())
		}
		row := "{" + strings.Join(cells, ",") + "}"
		switch rng.IntN(8) {
		case 0:
			row = strings.Replace(row, `"f3"`, `"f4"`, 1) // stands twice
		case 1:
			row = row[:len(row)-2] + "7}"
			out = append(out, row[:len(row)-2]+"8}")
		case 2:
			row = strings.Replace(row, `,"f5"`, `, "f5"`, 1)
		case 3:
			row = row[:len(row)-1] + `,"x":[{"y":"}"}]}` // unknown
		}
		out = append(out, row)
	}
	return "[" + strings.Join(out, ",") + "]"
}

// TestRepeatedRows holds the way that copies repeated rows to the one that reads
// them: values, faults and errors.
func TestRepeatedRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	s := wideSchema(t, 12)
	hits := 0
	for i := range 60 {
		body := repeating(rng, 900, 12, []float64{0, 0.02, 0.4, 0.95}[i%4])
		switch i % 7 {
		case 5:
			body = body[:len(body)-rng.IntN(300)]
		case 6:
			body = strings.Replace(body, ":-1", ":-x", 1)
		}
		same(t, s, []byte(body), &hits)
	}
	if hits < 5000 {
		t.Errorf("%d rows were copied", hits)
	}
}

func same(t *testing.T, s *schema.Schema, body []byte, hits *int) {
	t.Helper()
	if len(body) < repeatBody {
		t.Fatalf("a body of %d bytes is read plainly", len(body))
	}
	var fast, plain Decoder
	var got, want frame.Frame
	o := Options{}
	_, gotErr := fast.Batch(body, JSON, s, &o, &got)
	*hits += fast.repeats.hits
	// The twin: the same decoder on a body that is told to have no repeats.
	plain.begin(body, s, &o, &want)
	plain.repeats.on = false
	want.Reset(s.NumFeatures())
	plain.rows(0, 0)
	wantErr := plain.end()
	if (gotErr == nil) != (wantErr == nil) || gotErr != nil && *gotErr != *wantErr {
		t.Fatalf("got %v, want %v", gotErr, wantErr)
	}
	if got.Rows != want.Rows || len(got.Faults) != len(want.Faults) {
		t.Fatalf("got %d rows, %d faults, want %d, %d", got.Rows, len(got.Faults), want.Rows, len(want.Faults))
	}
	for i := range got.Values {
		if math.Float64bits(got.Values[i]) != math.Float64bits(want.Values[i]) {
			t.Fatalf("value %d: got %v, want %v", i, got.Values[i], want.Values[i])
		}
	}
	for i := range got.Faults {
		if got.Faults[i] != want.Faults[i] {
			t.Fatalf("fault %d: got %v, want %v", i, got.Faults[i], want.Faults[i])
		}
	}
}

// TestRepeatsGiveUp: a body without equal rows is soon read plainly.
func TestRepeatsGiveUp(t *testing.T) {
	var d Decoder
	var f frame.Frame
	body := repeating(rand.New(rand.NewPCG(1, 2)), 5000, 12, 0)
	if _, err := d.Batch([]byte(body), JSON, wideSchema(t, 12), &Options{}, &f); err != nil {
		t.Fatal(err)
	}
	if d.repeats.on || d.repeats.tries != repeatTrial {
		t.Errorf("on %v after %d tries", d.repeats.on, d.repeats.tries)
	}
}

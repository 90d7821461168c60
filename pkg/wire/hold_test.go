package wire

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// read is a way into the twin, by name: row, batch, csv or lines.
func (t *twin) read(how string, body []byte) ([]string, *fault.Error) {
	return t.run(func() []string {
		switch how {
		case "row":
			return t.single(body)
		case "batch":
			return t.batch(body)
		case "csv":
			return t.csv(body)
		}
		return t.lines(body)
	})
}

func read(d *Decoder, how string, body []byte, s *schema.Schema, o *Options, f *frame.Frame) ([]string, *fault.Error) {
	switch how {
	case "row":
		return d.Row(body, s, o, f)
	case "csv":
		return d.Batch(body, CSV, s, o, f)
	case "lines":
		return d.Batch(body, NDJSON, s, o, f)
	}
	return d.Batch(body, JSON, s, o, f)
}

// hold reads a body with both decoders and compares all that they find.
func hold(t *testing.T, d *Decoder, how string, body []byte, s *schema.Schema, o Options) {
	t.Helper()
	var got, want frame.Frame
	ids, err := read(d, how, body, s, &o, &got)
	slow := twin{s: s, o: o, f: &want}
	wantIDs, wantErr := slow.read(how, body)
	if (err == nil) != (wantErr == nil) || err != nil && err.Code != wantErr.Code {
		t.Fatalf("%s %q %+v: got error %v, want %v", how, body, o, err, wantErr)
	}
	if strings.Join(ids, "|") != strings.Join(wantIDs, "|") || (ids == nil) != (wantIDs == nil) {
		t.Fatalf("%s %q: got ids %q, want %q", how, body, ids, wantIDs)
	}
	holdFrames(t, how, body, &got, &want)
}

func holdFrames(t *testing.T, how string, body []byte, got, want *frame.Frame) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols || len(got.Values) != len(want.Values) {
		t.Fatalf("%s %q: got %d×%d, want %d×%d", how, body, got.Rows, got.Cols, want.Rows, want.Cols)
	}
	for i, x := range got.Values {
		y := want.Values[i]
		if math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y) {
			t.Fatalf("%s %q: row %d column %d: got %v, want %v", how, body, i/got.Cols, i%got.Cols, x, y)
		}
	}
	for i := range min(len(got.Faults), len(want.Faults)) {
		g, w := got.Faults[i], want.Faults[i]
		if g.Code != w.Code || g.Row != w.Row || g.Field != w.Field || g.Rule != w.Rule {
			t.Fatalf("%s %q: fault %d: got %+v, want %+v", how, body, i, g, w)
		}
		if g.Message == "" || !utf8.ValidString(g.Message) {
			t.Fatalf("%s %q: fault %d has the message %q", how, body, i, g.Message)
		}
	}
	if len(got.Faults) != len(want.Faults) {
		t.Fatalf("%s %q: got %d faults, want %d", how, body, len(got.Faults), len(want.Faults))
	}
	for r, bad := range got.Bad {
		if bad != want.Bad[r] {
			t.Fatalf("%s %q: row %d: got bad %v, want %v", how, body, r, bad, want.Bad[r])
		}
	}
}

func TestTwins(t *testing.T) {
	schemas := []*schema.Schema{mixed(t), flat(t, irisNames...), flat(t, "id", "ids", "a"), flat(t, "a")}
	var d Decoder
	for _, s := range schemas {
		for _, o := range options() {
			for _, c := range seeds() {
				hold(t, &d, c.how, []byte(c.body), s, o)
			}
		}
	}
}

func FuzzRow(f *testing.F)   { fuzzTwins(f, "row") }
func FuzzBatch(f *testing.F) { fuzzTwins(f, "batch") }
func FuzzCSV(f *testing.F)   { fuzzTwins(f, "csv") }
func FuzzLines(f *testing.F) { fuzzTwins(f, "lines") }

func fuzzTwins(f *testing.F, how string) {
	for i, c := range seeds() {
		if c.how == how {
			f.Add(uint8(i), []byte(c.body))
		}
	}
	schemas := []*schema.Schema{mixed(f), flat(f, irisNames...), flat(f, "id", "ids", "a"), flat(f, "a")}
	all := options()
	var d Decoder
	f.Fuzz(func(t *testing.T, setting uint8, body []byte) {
		n := int(setting)
		hold(t, &d, how, body, schemas[n%len(schemas)], all[n/len(schemas)%len(all)])
	})
}

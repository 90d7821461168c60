package wire

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
)

func TestPrediction(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		outputs int
		labels  string
		values  []float64
		want    string
	}{
		{1, "", []float64{1.5}, "-1 "},
		{1, "no,yes", []float64{0.5}, "0 no"}, {1, "no,yes", []float64{0.50000001}, "1 yes"}, {1, "no,yes", []float64{nan}, "0 no"},
		{2, "no,yes", []float64{0.5, 0.5}, "0 no"}, {3, "a,b,c", []float64{1, 3, 3}, "1 b"}, {3, "a,b,c", []float64{nan, 1, nan}, "1 b"},
		{3, "a,b,c", []float64{nan, nan, nan}, "0 a"}, {3, "a,b,c", []float64{-inf, -inf, -1}, "2 c"}, {3, "a,b", []float64{1, 2, 3}, "-1 "},
	} {
		var labels []string
		if c.labels != "" {
			labels = strings.Split(c.labels, ",")
		}
		i, label := NewFormatter(Shape{Outputs: c.outputs, Labels: labels}).Prediction(c.values)
		if got := fmt.Sprint(i, " ", label); got != c.want {
			t.Errorf("%v %v: got %q, want %q", c.labels, c.values, got, c.want)
		}
	}
}

func TestAppendAnswer(t *testing.T) {
	for _, c := range []struct {
		s      Shape
		values []float64
		want   string
	}{
		{Shape{Outputs: 1}, []float64{1.5}, `{"prediction":1.5}`},
		{Shape{Outputs: 1, Single: true}, []float64{float64(float32(0.1))}, `{"prediction":0.1}`},
		{Shape{Outputs: 1}, []float64{math.NaN()}, `{"prediction":null}`},
		{Shape{Outputs: 1}, []float64{math.Copysign(0, -1)}, `{"prediction":-0}`},
		{Shape{Outputs: 2}, []float64{1, math.Inf(-1)}, `{"prediction":[1,null]}`},
		{Shape{Outputs: 1, Labels: []string{"0", "1"}, Single: true}, []float64{float64(float32(0.9))}, `{"prediction":"1","probabilities":{"0":0.100000024,"1":0.9}}`},
		{Shape{Outputs: 1, Labels: []string{"0", "1"}}, []float64{0.9}, `{"prediction":"1","probabilities":{"0":0.09999999999999998,"1":0.9}}`},
		{Shape{Outputs: 3, Labels: []string{`a"`, "<ü>", "c\n\x00\xff"}}, []float64{0, 1e-7, 1e21}, `{"prediction":"c\u000a\u0000�","probabilities":{"a\"":0,"<ü>":1e-7,"c\u000a\u0000�":1e+21}}`},
	} {
		if got := string(NewFormatter(c.s).AppendAnswer(nil, c.values)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// TestShortest holds numbers to encoding/json, in both precisions, and to
// reading back to the same bits.
func TestShortest(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	values := []float64{0, 1, 0.1, 1e-6, 9.999999e-7, 1e20, 1e21, 1e-9, 1e-10, 1e-100, 123456789, math.MaxFloat32, math.SmallestNonzeroFloat32, math.MaxFloat64, 5e-324, 16777216, 0.3}
	for range 50_000 {
		values = append(values, math.Float64frombits(rng.Uint64()), rng.Float64(), float64(math.Float32frombits(rng.Uint32())))
	}
	for _, x := range values {
		for _, single := range []bool{false, true} {
			y := any(x)
			if single {
				x = float64(float32(x))
				y = float32(x)
			}
			if math.IsNaN(x) || math.IsInf(x, 0) {
				continue
			}
			want, err := json.Marshal(y)
			if err != nil {
				t.Fatal(err)
			}
			got := appendShortest(nil, x, single)
			if !bytes.Equal(got, want) {
				t.Fatalf("%v: got %s, want %s", x, got, want)
			}
			back, err := strconv.ParseFloat(string(got), map[bool]int{true: 32, false: 64}[single])
			if err != nil || math.Float64bits(back) != math.Float64bits(x) {
				t.Fatalf("%v: %s reads back as %v (%v)", x, got, back, err)
			}
		}
	}
}

// TestFew holds the short way of writing a number to the general one: for all
// numbers of up to five digits behind the point and their neighbours.
func TestFew(t *testing.T) {
	taken := 0
	for n := -2; n <= 200_002; n++ {
		x := float64(n) / 1e5
		for _, y := range []float64{x, math.Nextafter(x, 2), math.Nextafter(x, -2), float64(float32(x)),
			float64(math.Nextafter32(float32(x), 2)), math.Copysign(x, -1)} {
			for _, single := range []bool{false, true} {
				if single {
					y = float64(float32(y))
				}
				got, ok := appendFew(nil, y, single)
				if !ok {
					continue
				}
				taken++
				if want := appendShortest(nil, y, single); !bytes.Equal(got, want) {
					t.Fatalf("%v: got %s, want %s", y, got, want)
				}
			}
		}
	}
	if taken < 20_000 {
		t.Errorf("the short way took %d numbers", taken)
	}
}

func FuzzFew(f *testing.F) {
	f.Add(uint64(0x3fe0000000000000), false)
	f.Add(math.Float64bits(0.1), true)
	f.Fuzz(func(t *testing.T, bits uint64, single bool) {
		x := math.Float64frombits(bits)
		if single {
			x = float64(float32(x))
		}
		if got, ok := appendFew(nil, x, single); ok && !bytes.Equal(got, appendShortest(nil, x, single)) {
			t.Errorf("%v: got %s, want %s", x, got, appendShortest(nil, x, single))
		}
	})
}

// three are four rows of a model of three classes: two equal, one bad twice.
func three() (*Formatter, *frame.Frame, *frame.Answers) {
	w := NewFormatter(Shape{Outputs: 3, Labels: []string{"setosa", "x,y", "z"}, Single: true, Name: "iris", Digest: "sha256:ab"})
	f := &frame.Frame{}
	f.Reset(1)
	for range 4 {
		f.Append()[0] = 0
	}
	f.Fail(fault.Error{Code: fault.OutOfRange, Row: 2, Field: "b", Rule: "lte=10", Message: "b must be at most 10 cm"})
	f.Fail(fault.Error{Code: fault.UnknownField, Row: 2, Field: `q\u0022`, Message: `unknown "q"`})
	return w, f, &frame.Answers{Outputs: 3, Values: []float64{0.5, 0.25, 0.25, 0, 1, 0}, Index: []int32{0, 1, frame.Bad, 0},
		Stats: frame.Stats{Rows: 4, Valid: 3, Unique: 2, Cached: 1, Scored: 1}}
}

const (
	answer0 = `"prediction":"setosa","probabilities":{"setosa":0.5,"x,y":0.25,"z":0.25}`
	answer1 = `"prediction":"x,y","probabilities":{"setosa":0,"x,y":1,"z":0}`
	answer2 = `"error":{"code":"out_of_range","field":"b","rule":"lte=10","message":"b must be at most 10 cm","more":[{"code":"unknown_field","field":"q\\u0022","message":"unknown \"q\""}]}`
	modelIs = `"model":{"name":"iris","digest":"sha256:ab"}`
)

func TestReplies(t *testing.T) {
	w, f, a := three()
	var e Encoder
	write := func(what string, want string, to func(io.Writer) error) {
		t.Helper()
		var out bytes.Buffer
		if err := to(&out); err != nil || out.String() != want {
			t.Errorf("%s: got %s (%v), want %s", what, out.String(), err, want)
		}
	}
	write("reply", "{"+answer0+","+modelIs+"}", func(out io.Writer) error {
		_, err := out.Write(e.AppendReply(nil, w, a))
		return err
	})
	write("batch", `{"predictions":[{`+answer0+`},{`+answer1+`},{`+answer2+`},{`+answer0+`}],"stats":{"rows":4,"valid":3,"unique":2,"cached":1,"scored":1},`+modelIs+`}`,
		func(out io.Writer) error { return e.Batch(out, JSON, w, f, a) })
	write("lines", `{"row":0,`+answer0+"}\n"+`{"row":1,`+answer1+"}\n"+`{"row":2,`+answer2+"}\n"+`{"row":3,`+answer0+"}\n",
		func(out io.Writer) error { return e.Batch(out, NDJSON, w, f, a) })
	write("csv", "prediction,probability_setosa,\"probability_x,y\",probability_z,error\nsetosa,0.5,0.25,0.25,\n\"x,y\",0,1,0,\n,,,,\"out_of_range: b must be at most 10 cm; unknown_field: unknown \"\"q\"\"\"\nsetosa,0.5,0.25,0.25,\n",
		func(out io.Writer) error { return e.Batch(out, CSV, w, f, a) })
	write("part", `{"predictions":[{`+answer2+`},{`+answer0+`}],"stats":{"rows":2,"valid":1,"unique":1,"cached":0,"scored":1},`+modelIs+`,"source":{"kind":"sqs"}}`,
		func(out io.Writer) error {
			return e.Reply(out, w, f, a, Part{From: 2, To: 4, Scored: []int32{0}, Extra: []byte(`"source":{"kind":"sqs"}`)})
		})
	write("part of lines", `{"row":10,`+answer1+`,"source":1}`+"\n"+`{"row":11,`+answer2+`,"source":1}`+"\n",
		func(out io.Writer) error {
			return e.Lines(out, NDJSON, Prediction, w, f, a, Part{From: 1, To: 3, First: 10, Extra: []byte(`"source":1`)})
		})
	write("no rows", `{"predictions":[],"stats":{"rows":0,"valid":0,"unique":0,"cached":0,"scored":0},`+modelIs+`}`,
		func(out io.Writer) error { return e.Reply(out, w, f, a, Part{}) })
	a.Index[0] = frame.Bad
	write("no answer and no fault", `{"row":0,"error":{"code":"internal","message":"the row has no answer"}}`+"\n",
		func(out io.Writer) error { return e.Lines(out, NDJSON, Prediction, w, f, a, Part{To: 1}) })
}

func TestKinds(t *testing.T) {
	w := NewFormatter(Shape{Outputs: 2, Labels: []string{"no", "yes"}, Single: true})
	f := &frame.Frame{}
	f.Reset(1)
	f.Append()
	f.Append()
	f.Fail(fault.Error{Code: fault.Missing, Row: 1, Field: "a", Rule: "required", Message: "a is required"})
	a := &frame.Answers{Outputs: 2, Values: []float64{0.1, math.Inf(1)}, Index: []int32{0, frame.Bad}}
	leaves := &frame.Answers{Outputs: 2, Values: []float64{7, 123456789}, Index: a.Index}
	const bad = `"error":{"code":"missing","field":"a","rule":"required","message":"a is required"}`
	var e Encoder
	for _, c := range []struct {
		k        Kind
		a        *frame.Answers
		json     string
		csv, top string
	}{
		{Values, a, `"values":[0.1,null]`, "0.1,inf,", "values_0,values_1,error\n"},
		{Margin, a, `"margin":[0.1,null]`, "0.1,inf,", "margin_0,margin_1,error\n"},
		{Leaf, leaves, `"leaf":[7,123456789]`, "7,123456789,", "leaf_0,leaf_1,error\n"},
	} {
		var lines, table bytes.Buffer
		if err := e.Lines(&lines, NDJSON, c.k, w, f, c.a, All(f)); err != nil {
			t.Fatal(err)
		}
		if want := `{"row":0,` + c.json + "}\n" + `{"row":1,` + bad + "}\n"; lines.String() != want {
			t.Errorf("%v: got %s, want %s", c.k, lines.String(), want)
		}
		table.Write(w.AppendHeader(nil, c.k, 2))
		if err := e.Lines(&table, CSV, c.k, w, f, c.a, All(f)); err != nil {
			t.Fatal(err)
		}
		if want := c.top + c.csv + "\n,,missing: a is required\n"; table.String() != want {
			t.Errorf("%v: got %q, want %q", c.k, table.String(), want)
		}
	}
	if got := string(NewFormatter(Shape{Outputs: 1}).AppendHeader(nil, Prediction, 1)); got != "prediction,error\n" {
		t.Errorf("got header %q", got)
	}
}

// blocks records the sizes of writes.
type blocks struct {
	sizes []int
	total int
	fail  error
}

func (b *blocks) Write(p []byte) (int, error) {
	b.sizes = append(b.sizes, len(p))
	b.total += len(p)
	return len(p), b.fail
}

// TestBlocks asks for a reply of 100,000 rows of 100 classes and looks at how
// it is written and what memory stays.
func TestBlocks(t *testing.T) {
	labels := make([]string, 100)
	for i := range labels {
		labels[i] = fmt.Sprintf("class %d", i)
	}
	w := NewFormatter(Shape{Outputs: 100, Labels: labels})
	f, a := answersOf(20_000, 10_000, 100, false)
	var e Encoder
	for _, m := range []Media{JSON, CSV, NDJSON} {
		var out blocks
		if err := e.Batch(&out, m, w, f, a); err != nil {
			t.Fatal(err)
		}
		for i, n := range out.sizes {
			if n > 2*writeBlock || n < writeBlock && i > 0 && i < len(out.sizes)-1 {
				t.Fatalf("%v: block %d has %d bytes", m, i, n)
			}
		}
		if kept := cap(e.texts) + cap(e.out); kept > 4*maxTexts {
			t.Errorf("%v: %d bytes stay after a reply of %d", m, kept, out.total)
		}
	}
	failure := errors.New("closed")
	if err := e.Batch(&blocks{fail: failure}, JSON, w, f, a); err != failure {
		t.Errorf("got error %v, want %v", err, failure)
	}
}

// TestRepeats holds replies to those of an encoder that remembers nothing.
func TestRepeats(t *testing.T) {
	w := NewFormatter(Shape{Outputs: 3, Labels: []string{"a", "b", "c"}})
	f, a := answersOf(30_000, 15_000, 3, false)
	var e Encoder
	var got bytes.Buffer
	if err := e.Batch(&got, NDJSON, w, f, a); err != nil {
		t.Fatal(err)
	}
	r := 0
	for line := range bytes.Lines(got.Bytes()) {
		want := append(strconv.AppendInt([]byte(`{"row":`), int64(r), 10), ',')
		want = append(append(want, w.AppendAnswer(nil, a.Value(a.Index[r]))[1:]...), '\n')
		if !bytes.Equal(line, want) {
			t.Fatalf("row %d: got %s, want %s", r, line, want)
		}
		r++
	}
	if r != f.Rows {
		t.Errorf("got %d lines, want %d", r, f.Rows)
	}
}

func TestEncodeAllocs(t *testing.T) {
	w := NewFormatter(Shape{Outputs: 3, Labels: []string{"a", "b", "c"}, Single: true})
	f, a := answersOf(1000, 600, 3, true)
	var e Encoder
	out := &blocks{sizes: make([]int, 0, 1<<16)}
	for _, m := range []Media{JSON, CSV, NDJSON} {
		if got := testing.AllocsPerRun(10, func() { _ = e.Batch(out, m, w, f, a) }); got > 0 {
			t.Errorf("%v: got %v allocations, want 0", m, got)
		}
	}
}

// FuzzReply writes whatever names, labels and faults there are and reads the
// reply back.
func FuzzReply(f *testing.F) {
	f.Add("iris", "setosa", "b", "b must be 1", 0.5, true)
	f.Add("\xff\"\\", "a,b\n", "\u2028", "\x00", math.Inf(1), false)
	f.Fuzz(func(t *testing.T, name, label, field, message string, x float64, single bool) {
		if single {
			x = float64(float32(x))
		}
		w := NewFormatter(Shape{Outputs: 1, Labels: []string{label, label + "2"}, Name: name, Digest: name, Single: single})
		fr := &frame.Frame{}
		fr.Reset(1)
		fr.Append()
		fr.Append()
		fr.Fail(fault.Error{Code: fault.Missing, Row: 1, Field: field, Rule: field, Message: message})
		a := &frame.Answers{Outputs: 1, Values: []float64{x}, Index: []int32{0, frame.Bad}}
		var e Encoder
		var out bytes.Buffer
		if err := e.Batch(&out, JSON, w, fr, a); err != nil || !json.Valid(out.Bytes()) {
			t.Fatalf("%v: not JSON: %s", err, out.Bytes())
		}
		var reply struct {
			Predictions []struct {
				Prediction string
				Error      struct{ Field, Message string }
			}
			Model struct{ Name string }
		}
		if err := json.Unmarshal(out.Bytes(), &reply); err != nil {
			t.Fatal(err)
		}
		valid := func(s string) string { return strings.ToValidUTF8(strings.Join(strings.Split(s, ""), ""), "\ufffd") }
		if got, want := reply.Predictions[1].Error.Message, valid(message); len(got) < len(want) {
			t.Errorf("got message %q, want %q", got, want)
		}
		out.Reset()
		if err := e.Batch(&out, CSV, w, fr, a); err != nil {
			t.Fatal(err)
		}
		if rows, err := csv.NewReader(&out).ReadAll(); err != nil || len(rows) != 3 {
			t.Errorf("the CSV reads back as %q: %v", rows, err)
		}
	})
}

// TestAnswersOfOtherLibraries: models that name the class themselves, and
// libraries whose predict returns something else than the values.
func TestAnswersOfOtherLibraries(t *testing.T) {
	abc := []string{"a", "b", "c"}
	for _, tt := range []struct {
		name                string
		shape               Shape
		answer              []float64
		prediction, values  string
		csvHeads, csvValues string
	}{
		{"class and probabilities", Shape{Outputs: 3, Labels: abc, Classed: true}, []float64{0.5, 0.25, 0.25, 2},
			`"prediction":"c","probabilities":{"a":0.5,"b":0.25,"c":0.25}`, `"values":[0.5,0.25,0.25]`,
			"prediction,probability_a,probability_b,probability_c,error\n", "values_0,values_1,values_2,error\n"},
		{"class alone", Shape{Outputs: 1, Labels: abc, Classed: true}, []float64{-1.5, 1},
			`"prediction":"b"`, `"values":[-1.5]`, "prediction,error\n", "values_0,error\n"},
		{"class beyond the labels", Shape{Outputs: 1, Labels: abc, Classed: true}, []float64{0, 9},
			`"prediction":"c"`, `"values":[0]`, "prediction,error\n", "values_0,error\n"},
		{"returns the class", Shape{Outputs: 3, Labels: abc, Returns: ir.ReturnsClass}, []float64{0.25, 0.5, 0.25},
			`"prediction":"b","probabilities":{"a":0.25,"b":0.5,"c":0.25}`, `"values":[1]`,
			"prediction,probability_a,probability_b,probability_c,error\n", "values_0,error\n"},
		{"returns both", Shape{Outputs: 1, Labels: abc[:2], Returns: ir.ReturnsBoth}, []float64{0.75},
			`"prediction":"b","probabilities":{"a":0.25,"b":0.75}`, `"values":[0.25,0.75]`,
			"prediction,probability_a,probability_b,error\n", "values_0,values_1,error\n"},
	} {
		w := NewFormatter(tt.shape)
		if got := string(w.appendMembers(nil, Prediction, tt.answer)); got != tt.prediction {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.prediction)
		}
		if got := string(w.appendMembers(nil, Values, tt.answer)); got != tt.values {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.values)
		}
		for k, want := range map[Kind]string{Prediction: tt.csvHeads, Values: tt.csvValues} {
			head := string(w.AppendHeader(nil, k, len(tt.answer)))
			line := string(w.appendLine(nil, k, tt.answer))
			if head != want || strings.Count(line, ",") != strings.Count(head, ",") || w.columns(k, len(tt.answer)) != strings.Count(line, ",") {
				t.Errorf("%s: header %q, want %q; line %q", tt.name, head, want, line)
			}
		}
	}
}

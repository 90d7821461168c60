package schema

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/go-playground/validator/v10"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
)

// one returns a schema of a single feature.
func one(t testing.TB, f Feature) *Schema {
	t.Helper()
	if f.Name == "" {
		f.Name = "x"
	}
	s, err := New(Document{Features: []Feature{f}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judgeOne validates a single value and returns the code's name, or "".
func judgeOne(s *Schema, x float64) string {
	var f frame.Frame
	f.Reset(1)
	f.Append()[0] = x
	s.Validate(&f)
	if len(f.Faults) == 0 {
		return ""
	}
	return f.Faults[0].Code.String() + " " + f.Faults[0].Rule
}

func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name string
		f    Feature
		x    float64
		want string
	}{
		{"inside", Feature{Rules: "gte=0,lte=10"}, 5, ""},
		{"lower edge", Feature{Rules: "gte=0,lte=10"}, 0, ""},
		{"negative zero", Feature{Rules: "gte=0,lte=10"}, math.Copysign(0, -1), ""},
		{"upper edge", Feature{Rules: "gte=0,lte=10"}, 10, ""},
		{"over", Feature{Rules: "gte=0,lte=10"}, math.Nextafter(10, 11), "out_of_range lte=10"},
		{"under", Feature{Rules: "gte=0,lte=10"}, -1e-300, "out_of_range gte=0"},
		{"open edge", Feature{Rules: "gt=0"}, 0, "out_of_range gt=0"},
		{"just over an open edge", Feature{Rules: "gt=0"}, 5e-324, ""},
		{"exactly", Feature{Rules: "eq=3"}, 3, ""},
		{"not exactly", Feature{Rules: "eq=3"}, 4, "out_of_range eq=3"},
		{"validator's own rule", Feature{Rules: "oneof=1 2 3", Type: Integer}, 4, "out_of_range oneof=1 2 3"},
		{"ne", Feature{Rules: "ne=7"}, 7, "out_of_range ne=7"},
		{"infinity without a rule", Feature{}, inf, ""},
		{"infinity against a rule", Feature{Rules: "lte=10"}, inf, "out_of_range lte=10"},
		{"missing", Feature{}, nan, "missing required"},
		{"missing allowed", Feature{Missing: Allow, Rules: "gte=0"}, nan, ""},
		{"missing filled", Feature{Missing: Fill, Default: 1.0, Rules: "gte=0"}, nan, ""},
		{"fraction", Feature{Type: Integer}, 1.5, "not_an_integer integer"},
		{"whole", Feature{Type: Integer}, -3, ""},
		{"infinite integer", Feature{Type: Integer}, inf, "not_an_integer integer"},
		{"boolean", Feature{Type: Boolean}, 1, ""},
		{"no boolean", Feature{Type: Boolean}, 2, "wrong_type boolean"},
		{"half a boolean", Feature{Type: Boolean}, 0.5, "wrong_type boolean"},
		{"category", Feature{Type: Category, Categories: []string{"a", "b"}}, 1, ""},
		{"finite", Feature{Finite: true}, math.Inf(-1), "not_finite finite"},
		{"finite and finite", Feature{Finite: true}, -math.MaxFloat64, ""},
		{"no category", Feature{Type: Category, Categories: []string{"a", "b"}}, 2, "unknown_category category"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judgeOne(one(t, tt.f), tt.x); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// edges are values at which comparisons go wrong, for a bound b.
func edges(b float64) []float64 {
	return []float64{b, math.Nextafter(b, math.Inf(1)), math.Nextafter(b, math.Inf(-1)), -b, b + 1, b - 1,
		0, math.Copysign(0, -1), 5e-324, -5e-324, math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1)}
}

// TestRangesAgreeWithValidator holds the compiled range of random rules equal
// to validator/v10 itself, on random and on edge values.
func TestRangesAgreeWithValidator(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	v := validator.New()
	names := []string{"gte", "gt", "lte", "lt", "min", "max", "eq", "ne"}
	params := []string{"0", "-0", "10", "-3.5", "1e-300", "0.1", "1e308", "5", "-5"}
	checked := 0
	for range 3000 {
		var parts []string
		var values []float64
		for range 1 + r.IntN(3) {
			p := params[r.IntN(len(params))]
			parts = append(parts, names[r.IntN(len(names))]+"="+p)
			var b float64
			if err := json.Unmarshal([]byte(strings.Replace(p, "-0", "0", 1)), &b); err == nil {
				values = append(values, edges(b)...)
			}
		}
		tag := strings.Join(parts, ",")
		s, err := New(Document{Features: []Feature{{Name: "x", Rules: tag}}})
		if err != nil {
			if !strings.Contains(err.Error(), "no number fits") {
				t.Fatalf("%s: %v", tag, err)
			}
			for _, x := range values {
				if v.Var(x, tag) == nil {
					t.Fatalf("%s was refused as empty, but validator accepts %v", tag, x)
				}
			}
			continue
		}
		for range 20 {
			values = append(values, r.NormFloat64()*math.Pow(10, float64(r.IntN(8)-2)))
		}
		for _, x := range values {
			got, want := judgeOne(s, x) == "", v.Var(x, tag) == nil
			if got != want {
				t.Fatalf("%s on %v: compiled %v, validator %v", tag, x, got, want)
			}
			checked++
		}
	}
	t.Logf("%d values agree", checked)
}

func FuzzRangesAgreeWithValidator(f *testing.F) {
	f.Add("gte", "0", 0.0)
	f.Add("lt", "1e308", math.MaxFloat64)
	f.Add("max", "-3.5", -3.5)
	v := validator.New()
	f.Fuzz(func(t *testing.T, name, param string, x float64) {
		if _, ok := bounds(name, 0); !ok || math.IsNaN(x) || strings.ContainsAny(param, ",|=") {
			t.Skip()
		}
		tag := name + "=" + param
		s, err := New(Document{Features: []Feature{{Name: "x", Rules: tag}}})
		if err != nil {
			t.Skip()
		}
		if got, want := judgeOne(s, x) == "", v.Var(x, tag) == nil; got != want {
			t.Fatalf("%s on %v: compiled %v, validator %v", tag, x, got, want)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ doc, want string }{
		{`{"features":[]}`, "min=1"},
		{`{"features":[{"name":""}]}`, "required"},
		{`{"features":[{"name":"a"},{"name":"a"}]}`, `"a" stands twice`},
		{`{"features":[{"name":"a","type":"decimal"}]}`, "oneof"},
		{`{"features":[{"name":"a","rules":"gte=x"}]}`, `feature "a"`},
		{`{"features":[{"name":"a","rules":"gte=NaN"}]}`, "finite"},
		{`{"features":[{"name":"a","rules":"nonsense"}]}`, "nonsense"},
		{`{"features":[{"name":"a","rules":"gte=2,lte=1"}]}`, "no number fits"},
		{`{"features":[{"name":"a","type":"category"}]}`, "needs its categories"},
		{`{"features":[{"name":"a","type":"category","categories":["u","u"]}]}`, "stands twice"},
		{`{"features":[{"name":"a","type":"category","categories":["u"],"rules":"gte=0"}]}`, "takes no rules"},
		{`{"features":[{"name":"a","categories":["u"]}]}`, "categories need"},
		{`{"features":[{"name":"a","default":1}]}`, "default needs"},
		{`{"features":[{"name":"a","missing":"fill"}]}`, `needs a default`},
		{`{"features":[{"name":"a","rules":"lte=1","example":2}]}`, "example: a must be at most 1"},
		{`{"features":[{"name":"a"}],"fetures":[]}`, "unknown field"},
		{`{"features":[{"name":"a"}]} {}`, "more than one"},
		{`[`, "schema:"},
	}
	for _, tt := range tests {
		_, err := Parse([]byte(tt.doc))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want …%s…", tt.doc, err, tt.want)
		}
	}
}

// TestReopen holds a schema that comes back from a bundle equal to the one
// that went in.
func TestReopen(t *testing.T) {
	s := one(t, Feature{Rules: "gte=0,ne=4", Unit: "cm", Example: 2.5})
	data, err := s.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Reopen(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []float64{-1, 0, 4, 5, math.NaN()} {
		if got, want := judgeOne(again, x), judgeOne(s, x); got != want {
			t.Errorf("%v: got %q, want %q", x, got, want)
		}
	}
	if !reflect.DeepEqual(again.Document(), s.Document()) {
		t.Errorf("got %+v, want %+v", again.Document(), s.Document())
	}
	unknown := Schema{doc: Document{Features: []Feature{{Name: "a", Type: Number, Rules: "nonsense", Missing: Refuse}}}}
	if data, err = unknown.AppendRecord(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Reopen(data); err == nil {
		t.Error("a rule that nobody knows was taken")
	}
	for i := range data {
		if _, err := Reopen(data[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
}

func FuzzReopen(f *testing.F) {
	s := one(f, Feature{Type: Category, Categories: []string{"u", "v"}, Missing: Fill, Default: "u", Example: "v"})
	data, err := s.AppendRecord(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Reopen(data)
		if err != nil {
			return
		}
		again, err := s.AppendRecord(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Reopen(again); err != nil {
			t.Errorf("what was read and written cannot be read: %v", err)
		}
	})
}

func TestMessagesNameTheRuleAndTheUnit(t *testing.T) {
	s := one(t, Feature{Name: "sepal_width", Rules: "gte=0,lte=10", Unit: "cm"})
	var f frame.Frame
	f.Reset(1)
	f.Append()[0] = 51
	s.Validate(&f)
	want := fault.Error{Code: fault.OutOfRange, Field: "sepal_width", Rule: "lte=10",
		Message: "sepal_width must be at most 10 cm"}
	if len(f.Faults) != 1 || f.Faults[0] != want {
		t.Errorf("got %+v, want %+v", f.Faults, want)
	}
}

// TestAllFaultsOfARow wants every bad feature of a row, but not a second
// complaint about one that the decoder could not read, nor any about a row
// that is no row.
func TestAllFaultsOfARow(t *testing.T) {
	s, err := New(Document{Features: []Feature{{Name: "a", Rules: "gte=0"}, {Name: "b", Rules: "gte=0"}}})
	if err != nil {
		t.Fatal(err)
	}
	var f frame.Frame
	f.Reset(2)
	add := func(a, b float64) { copy(f.Append(), []float64{a, b}) }
	add(-1, -1)
	add(1, 1)
	add(math.NaN(), -1)
	f.Fail(fault.Error{Code: fault.WrongType, Row: 2, Field: "a"})
	add(math.NaN(), math.NaN())
	f.Fail(fault.Error{Code: fault.NotAnObject, Row: 3})
	s.Validate(&f)
	var got []string
	for _, e := range f.Faults {
		got = append(got, e.Code.String()+" "+e.Field+" "+string(rune('0'+e.Row)))
	}
	want := "wrong_type a 2|not_an_object  3|out_of_range a 0|out_of_range b 0|out_of_range b 2"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, "|"), want)
	}
}

func TestClean(t *testing.T) {
	s, err := New(Document{Features: []Feature{
		{Name: "length", Unit: "mm", Scale: 0.1},
		{Name: "filled", Missing: Fill, Default: 2.0, Scale: 10, Offset: 1},
		{Name: "open", Missing: Allow},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var f frame.Frame
	f.Reset(3)
	odd := math.Float64frombits(0x7ff8000000000123)
	copy(f.Append(), []float64{51, math.NaN(), odd})
	s.Clean(&f, false)
	millimetres, scale := 51.0, 0.1
	want := []float64{millimetres * scale, 21, math.NaN()}
	for i := range want {
		if math.Float64bits(f.Values[i]) != math.Float64bits(want[i]) {
			t.Errorf("value %d: got %v (%x), want %v", i, f.Values[i], math.Float64bits(f.Values[i]), want[i])
		}
	}
}

func TestCleanRoundsToSingle(t *testing.T) {
	s := one(t, Feature{Missing: Allow})
	var f frame.Frame
	f.Reset(1)
	for _, x := range []float64{0.1, 1e300, math.Inf(1), math.NaN()} {
		f.Append()[0] = x
	}
	s.Clean(&f, true)
	if f.Values[0] != float64(float32(0.1)) {
		t.Errorf("0.1: got %v", f.Values[0])
	}
	if len(f.Faults) != 1 || f.Faults[0].Row != 1 || f.Faults[0].Code != fault.NotFinite {
		t.Errorf("faults: got %+v, want row 1 beyond float32", f.Faults)
	}
}

// TestKeep: a feature that is looked up is not rounded, and others beside it
// are, or fail.
func TestKeep(t *testing.T) {
	s, err := New(Document{Features: []Feature{{Name: "kept", Type: Number, Missing: Allow}, {Name: "rounded", Type: Number, Missing: Allow}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Keep(0)
	var f frame.Frame
	f.Reset(2)
	for _, x := range []float64{0.1, math.NaN(), 1e39} {
		row := f.Append()
		row[0], row[1] = x, x
	}
	s.Clean(&f, true)
	if got, want := f.Values[:2], []float64{0.1, float64(float32(0.1))}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("0.1: got %v, want %v", got, want)
	}
	one := math.Float64bits(math.NaN())
	if got := f.Values[2:4]; math.Float64bits(got[0]) != one || math.Float64bits(got[1]) != one {
		t.Errorf("missing: got %v", got)
	}
	if len(f.Faults) != 1 || f.Faults[0].Row != 2 || f.Faults[0].Field != "rounded" {
		t.Errorf("faults: got %+v, want row 2, rounded", f.Faults)
	}
}

func TestBeyondSingle(t *testing.T) {
	for _, x := range []float64{beyondSingle, -beyondSingle, math.Nextafter(beyondSingle, 0), -math.Nextafter(beyondSingle, 0)} {
		s := one(t, Feature{})
		var f frame.Frame
		f.Reset(1)
		f.Append()[0] = x
		s.Clean(&f, true)
		if got, want := f.Values[0], float64(float32(x)); got != want {
			t.Errorf("%v: got %v, want %v", x, got, want)
		}
		if got, want := len(f.Faults) == 1, math.IsInf(float64(float32(x)), 0); got != want {
			t.Errorf("%v: fault %v, want %v", x, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	s := one(t, Feature{Type: Category, Categories: []string{"red", "café", " two words "}})
	tests := []struct {
		text string
		want float64
		ok   bool
	}{
		{"red", 0, true},
		{"  red\t", 0, true},
		{"cafe\u0301", 1, true}, // decomposed
		{"two words", 2, true},
		{"Red", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		got, ok := s.Code(0, []byte(tt.text))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: got %v %v, want %v %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
	text := []byte("red")
	if n := testing.AllocsPerRun(100, func() { s.Code(0, text) }); n != 0 {
		t.Errorf("a known category costs %v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"features":[{"name":"a","rules":"gte=0,lte=10","unit":"cm","example":1}]}`))
	f.Add([]byte(`{"features":[{"name":"c","type":"category","categories":["x","y"],"missing":"fill","default":"x"}],"labels":["u","v"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		var fr frame.Frame
		fr.Reset(s.NumFeatures())
		clear(fr.Append())
		s.Validate(&fr)
		s.Clean(&fr, true)
	})
}

func BenchmarkValidateClean(b *testing.B) {
	const rows, cols = 1000, 30
	doc := Document{}
	for i := range cols {
		doc.Features = append(doc.Features, Feature{Name: "f" + string(rune('a'+i)), Rules: "gte=-100,lte=100"})
	}
	s, err := New(doc)
	if err != nil {
		b.Fatal(err)
	}
	var f frame.Frame
	f.Reset(cols)
	for range rows {
		for c, row := 0, f.Append(); c < cols; c++ {
			row[c] = float64(c)
		}
	}
	for b.Loop() {
		s.Validate(&f)
		s.Clean(&f, true)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// TestOneOf: a message lists the categories, some of them if they are many or
// long.
func TestOneOf(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	long := strings.Repeat("x", 150)
	for _, c := range []struct {
		categories []string
		want       string
	}{
		{[]string{"red", "grün", `"q"`}, `must be one of "red", "grün", "\"q\""`},
		{many, `must be one of "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" … (12 categories)`},
		{[]string{long, long + "y", "z"}, `must be one of "` + long + `" … (3 categories)`},
		{[]string{long + long, "z"}, `must be one of its 2 categories`},
		{[]string{"bad\xff"}, `must be one of "bad\xff"`},
	} {
		s := one(t, Feature{Type: Category, Categories: c.categories})
		got := s.UnknownCategory(3, 0)
		name := s.Feature(0).Name
		if got.Message != name+" "+c.want || got.Row != 3 || got.Field != name || got.Code != fault.UnknownCategory {
			t.Errorf("got %+v, want %s", got, c.want)
		}
		var f frame.Frame
		f.Reset(1)
		f.Append()[0] = float64(len(c.categories))
		if s.Validate(&f); len(f.Faults) != 1 || f.Faults[0].Message != got.Message {
			t.Errorf("a code: got %+v, want %s", f.Faults, got.Message)
		}
	}
}

// TestUnknownCategory: a text outside the categories is an error, or missing;
// texts that are alike when cleaned keep their codes.
func TestUnknownCategory(t *testing.T) {
	s := one(t, Feature{Name: "c", Type: Category, Categories: []string{" a", "a", "b"}, Missing: Allow, Unknown: UnknownMissing})
	for text, want := range map[string]float64{" a": 0, "a": 1, "a ": 1, " b": 2, "z": math.NaN(), "": math.NaN()} {
		code, ok := s.Code(0, []byte(text))
		if !ok || code != want && !(math.IsNaN(code) && math.IsNaN(want)) {
			t.Errorf("%q: got %v, %v, want %v", text, code, ok, want)
		}
	}
	again, err := s.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Reopen(again); err != nil {
		t.Fatal(err)
	}
	if code, ok := s.Code(0, []byte("z")); !ok || !math.IsNaN(code) {
		t.Errorf("reopened: got %v, %v, want NaN", code, ok)
	}
	s = one(t, Feature{Name: "c", Type: Category, Categories: []string{"a"}, Unknown: UnknownRefuse})
	if _, ok := s.Code(0, []byte("z")); ok {
		t.Error("an unknown text is a category")
	}
}

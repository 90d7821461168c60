package xgboost

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/portable"
	"example.com/copse/pkg/schema"
)

// whole is what Read returns.
type whole struct {
	m   *ir.Model
	doc schema.Document
}

func readAll(r io.Reader) (whole, error) {
	m, doc, err := Read(bufio.NewReader(r))
	return whole{m, doc}, err
}

func same(a, b whole) bool { return reflect.DeepEqual(a, b) }

// TestCases holds the reader to what XGBoost itself answered, for every
// generation of its files.
func TestCases(t *testing.T) { casetest.Run(t, Library, Read) }

// generic reads JSON as members, so that it can be written another way.
func generic(t *testing.T, data []byte) any {
	t.Helper()
	in := newInput(bytes.NewReader(data))
	d := newDocument(in, newJSON(in))
	v := genericValue(d)
	if d.end(); d.err != nil {
		t.Fatal(d.err)
	}
	return v
}

func genericValue(d *document) any {
	switch t, s := d.syntax.value(true); t {
	case object:
		out := members{}
		d.members(func(key []byte) {
			name := string(key)
			out = append(out, pair{name, genericValue(d)})
		})
		return out
	case array:
		out := list{}
		d.elements(func(int) { out = append(out, genericValue(d)) })
		return out
	case text:
		return string(s.text)
	case truth:
		return s.yes
	case number:
		if s.exact {
			return int(s.whole)
		}
		return s.float
	}
	return nil
}

// TestSameModel: the order of members, white space, and the form of a file make
// no difference.
func TestSameModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, path := range casetest.Models(t, Library) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(path, ".json") {
			continue
		}
		want, err := readAll(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		v := generic(t, data)
		for form, data := range map[string][]byte{
			"JSON, shuffled, wide": appendJSON(nil, shuffled(v, r), true),
			"UBJSON":               asUBJSON(v),
			"UBJSON, shuffled":     style{small: true}.appendUBJSON(nil, shuffled(v, r)),
		} {
			got, err := readAll(bytes.NewReader(data))
			if err != nil {
				t.Errorf("%s: %s: %v", path, form, err)
			} else if !same(got, want) {
				t.Errorf("%s: %s is another model", path, form)
			}
		}
	}
}

// TestForms: typed arrays and lists are the same to the reader.
func TestForms(t *testing.T) {
	m := makeModel(3, 4, 6)
	want, err := readAll(reader(asJSON(m)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []style{asXGBoost, {}, {small: true}, {typed: true}, {counted: true, small: true}} {
		got, err := readAll(reader(s.appendUBJSON(nil, m)))
		if err != nil || !same(got, want) {
			t.Errorf("%+v: another model, or %v", s, err)
		}
	}
}

// TestReadsAsItSays: names, types, classes, iterations and versions.
func TestReadsAsItSays(t *testing.T) {
	m, doc, err := Read(bufio.NewReader(reader(asJSON(makeModel(3, 2, 4).
		set(list{"a", "b", "c", "d"}, "learner", "feature_names").
		set(list{"float", "i", "c", "int"}, "learner", "feature_types").
		set(members{{"best_iteration", "1"}, {"mine", "x"}}, "learner", "attributes")))))
	if err != nil {
		t.Fatal(err)
	}
	if m.Library != "xgboost" || m.Version != "3.2.0" || m.Objective != "binary:logistic" || m.BestIteration != 1 ||
		!reflect.DeepEqual(m.Iterations, []int32{0, 1, 2, 3}) || !reflect.DeepEqual(m.Labels, []string{"0", "1"}) ||
		!reflect.DeepEqual(m.FeatureNames, []string{"a", "b", "c", "d"}) || !reflect.DeepEqual(doc.Labels, m.Labels) {
		t.Errorf("got %+v", m)
	}
	want := []schema.Feature{
		{Name: "a", Type: schema.Number, Missing: schema.Allow, Finite: true},
		{Name: "b", Type: schema.Boolean, Missing: schema.Allow},
		{Name: "c", Type: schema.Number, Missing: schema.Allow, Finite: true},
		{Name: "d", Type: schema.Number, Missing: schema.Allow, Finite: true},
	}
	if !reflect.DeepEqual(doc.Features, want) {
		t.Errorf("got %+v, want %+v", doc.Features, want)
	}
}

// TestCategories: texts by name where they are readable, numbers by their
// place, else codes.
func TestCategories(t *testing.T) {
	text := func(offsets []int32, values string) members {
		bytes := []int32{}
		for _, c := range []byte(values) {
			bytes = append(bytes, int32(int8(c)))
		}
		return members{{"offsets", offsets}, {"values", bytes}}
	}
	numbers := func(typ int, values any) members { return members{{"type", typ}, {"values", values}} }
	for _, tt := range []struct {
		name    string
		cat     members
		version []int32
		want    schema.Feature
		recode  []float64
	}{
		{"texts", text([]int32{0, 1, 4}, "aBCD"), []int32{3, 1, 0}, schema.Feature{Type: schema.Category, Categories: []string{"a", "BCD"}}, nil},
		{"beyond ASCII", text([]int32{0, 2, 3}, "éa"), []int32{3, 4, 0}, schema.Feature{Type: schema.Category, Categories: []string{"é", "a"}}, nil},
		{"cut short", text([]int32{0, 2, 3}, "éa"), []int32{3, 2, 0}, schema.Feature{Type: schema.Number, Finite: true, Description: unreadable}, nil},
		{"not UTF-8", text([]int32{0, 1, 2}, "\xff!"), []int32{4, 0, 0}, schema.Feature{Type: schema.Number, Finite: true, Description: unreadable}, nil},
		{"whole numbers", numbers(15, []int32{30, 10, -20}), []int32{3, 2, 0}, schema.Feature{Type: schema.Integer, Finite: true, Rules: "oneof=30 10 -20"}, []float64{30, 10, -20}},
		{"numbers", numbers(9, []float32{0.1, 2}), []int32{3, 2, 0}, schema.Feature{Type: schema.Number, Finite: true}, []float64{float64(float32(0.1)), 2}},
		{"none", numbers(9, []float32{}), []int32{3, 2, 0}, schema.Feature{Type: schema.Number, Finite: true}, nil},
	} {
		m := makeModel(1, 2, 1).set(list{"c"}, "learner", "feature_types").set(tt.version, "version").
			set(list{tt.cat}, "learner", "gradient_booster", "model", "cats", "enc")
		tt.want.Name, tt.want.Missing = "f0", schema.Allow
		for form, data := range map[string][]byte{"JSON": asJSON(m), "UBJSON": asUBJSON(m)} {
			got, err := readAll(reader(data))
			if err != nil {
				t.Errorf("%s, %s: %v", tt.name, form, err)
				continue
			}
			if !reflect.DeepEqual(got.doc.Features[0], tt.want) {
				t.Errorf("%s, %s: got %+v, want %+v", tt.name, form, got.doc.Features[0], tt.want)
			}
			if tt.recode == nil != (got.m.Recode == nil) || tt.recode != nil && !reflect.DeepEqual(got.m.Recode[0], tt.recode) {
				t.Errorf("%s, %s: got %v, want %v", tt.name, form, got.m.Recode, tt.recode)
			}
		}
	}
}

// TestObjectives: what each objective makes of a base score of 0.5, of one
// output and of three.
func TestObjectives(t *testing.T) {
	ln2 := math.Log(2)
	for _, tt := range []struct {
		name    string
		link    ir.Link
		returns ir.Returns
		base    float64
		one     int // labels of one output
		three   int
	}{
		{"reg:squarederror", ir.Identity, ir.ReturnsValues, 0.5, 0, 0},
		{"reg:linear", ir.Identity, ir.ReturnsValues, 0.5, 0, 0},
		{"reg:quantileerror", ir.Identity, ir.ReturnsValues, 0.5, 0, 0},
		{"reg:expectileerror", ir.Expectiles, ir.ReturnsValues, 0.5, 0, 0},
		{"rank:ndcg", ir.Identity, ir.ReturnsValues, 0.5, 0, 0},
		{"reg:logistic", ir.Logistic, ir.ReturnsValues, 0, 0, 0},
		{"binary:logistic", ir.Logistic, ir.ReturnsValues, 0, 2, 0},
		{"binary:logitraw", ir.Logistic, ir.ReturnsMargin, 0.5, 2, 0},
		{"binary:hinge", ir.Hinge, ir.ReturnsValues, 0.5, 2, 0},
		{"multi:softprob", ir.Softmax, ir.ReturnsValues, 0.5, 1, 3},
		{"multi:softmax", ir.Softmax, ir.ReturnsClass, 0.5, 1, 3},
		{"count:poisson", ir.Exp, ir.ReturnsValues, -ln2, 0, 0},
		{"survival:aft", ir.Exp, ir.ReturnsValues, -ln2, 0, 0},
		{"own:loss", ir.Identity, ir.ReturnsValues, 0.5, 0, 0},
	} {
		for _, outputs := range []string{"1", "3"} {
			m, doc, err := Read(bufio.NewReader(reader(asJSON(makeModel(1, 1, 2).
				set(tt.name, "learner", "objective", "name").
				set(outputs, "learner", "learner_model_param", "num_target")))))
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			labels := tt.one
			if outputs == "3" {
				labels = tt.three
			}
			if m.Link != tt.link || m.Returns != tt.returns || m.Base[0] != float64(float32(tt.base)) || len(m.Labels) != labels {
				t.Errorf("%s, %s outputs: got %v, %v, base %v, labels %v", tt.name, outputs, m.Link, m.Returns, m.Base, m.Labels)
			}
			if known := doc.Description == ""; known == (tt.name == "own:loss") {
				t.Errorf("%s: the description is %q", tt.name, doc.Description)
			}
		}
	}
}

// TestBaseScores: forms of base_score, and scores that an objective refuses.
func TestBaseScores(t *testing.T) {
	for _, tt := range []struct {
		objective string
		score     any
		outputs   string
		want      []float64 // nil: an error
	}{
		{"reg:squarederror", "5E-1", "1", []float64{0.5}},
		{"reg:squarederror", "0.5", "2", []float64{0.5, 0.5}},
		{"reg:squarederror", "[1E0,-2.5E0]", "2", []float64{1, -2.5}},
		{"reg:squarederror", "[1E0]", "2", []float64{1, 1}},
		{"reg:squarederror", float32(0.25), "1", []float64{0.25}},
		{"reg:squarederror", 2, "1", []float64{2}},
		{"reg:squarederror", "[1E0,2E0]", "1", nil},
		{"reg:squarederror", "[1E0,2E0]", "3", nil},
		{"reg:squarederror", "1E0,2E0", "2", nil},
		{"reg:squarederror", "", "1", nil},
		{"reg:squarederror", "[]", "1", nil},
		{"reg:squarederror", "[1E0,]", "1", nil},
		{"reg:squarederror", "NaN", "1", nil},
		{"reg:squarederror", "1E39", "1", nil},
		{"reg:squarederror", true, "1", nil},
		{"binary:logistic", "0E0", "1", []float64{float64(-(portable.Log32(1/tiny - 1)))}},
		{"binary:logistic", "1E0", "1", []float64{float64(-(portable.Log32(1/(1-tiny) - 1)))}},
		{"binary:logistic", "1.1E0", "1", nil},
		{"binary:logistic", "-1E-1", "1", nil},
		{"count:poisson", "0E0", "1", nil},
		{"count:poisson", "-1E0", "1", nil},
		{"reg:expectileerror", "[1E0,1E0]", "2", []float64{1, float64(tiny + portable.Log32(-float32(math.Expm1(-float64(tiny)))))}},
	} {
		m, _, err := Read(bufio.NewReader(reader(asJSON(makeModel(1, 1, 2).
			set(tt.objective, "learner", "objective", "name").
			set(tt.score, "learner", "learner_model_param", "base_score").
			set(tt.outputs, "learner", "learner_model_param", "num_target")))))
		switch {
		case tt.want == nil && (err == nil || !strings.Contains(err.Error(), "base_score")):
			t.Errorf("%s, %v: got %v", tt.objective, tt.score, err)
		case tt.want != nil && (err != nil || !reflect.DeepEqual(m.Base, tt.want)):
			t.Errorf("%s, %v: got %+v, %v, want %v", tt.objective, tt.score, m, err, tt.want)
		}
	}
}

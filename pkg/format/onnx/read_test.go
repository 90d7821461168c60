package onnx_test

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/format/onnx"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// mustRead reads a model that is sound.
func mustRead(t *testing.T, file []byte) (*ir.Model, schema.Document) {
	t.Helper()
	m, doc, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.New(doc); err != nil {
		t.Fatal(err)
	}
	return m, doc
}

// ask gives a model's values for a row, and its class, or -1.
func ask(m *ir.Model, row ...float64) (values []float64, class int) {
	values = make([]float64, m.Width())
	m.Eval(row, make([]float64, m.Outputs), values)
	if len(values) == m.Outputs {
		return values, -1
	}
	return values[:m.Outputs], int(values[m.Outputs])
}

func TestFeatures(t *testing.T) {
	text := input("colour", 8, -1, 1)
	m, doc := mustRead(t, model(graph(
		input("x", 1, -1, 2), input("age", 11, -1, 1), input("count", 7, -1, 1), input("flag", 9, -1, 1), text, input("ignored", 8, -1, 1), output("Y"),
		node("Cast", x("age"), x("a"), anInt("to", 1)), node("Cast", x("count"), x("c"), anInt("to", 1)), node("Cast", x("flag"), x("f"), anInt("to", 1)),
		ml("LabelEncoder", x("colour"), x("l"), texts("keys_strings", "red", "blue"), floats("values_floats", 5, 6), aFloat("default_float", 7)),
		node("Concat", x("x", "a", "c", "f", "l"), x("Y"), anInt("axis", 1)))))
	want := []schema.Feature{
		{Name: "x_0", Type: schema.Number, Missing: schema.Refuse},
		{Name: "x_1", Type: schema.Number, Missing: schema.Refuse},
		{Name: "age", Type: schema.Number, Missing: schema.Refuse},
		{Name: "count", Type: schema.Integer, Missing: schema.Refuse},
		{Name: "flag", Type: schema.Boolean, Missing: schema.Refuse},
		{Name: "colour", Type: schema.Category, Missing: schema.Allow, Unknown: schema.UnknownMissing, Categories: []string{"red", "blue"}},
		{Name: "ignored", Type: schema.Category, Missing: schema.Allow, Unknown: schema.UnknownMissing, Categories: []string{"any"},
			Description: "the model does not look at it"},
	}
	if len(doc.Features) != len(want) {
		t.Fatalf("got %d features, want %d", len(doc.Features), len(want))
	}
	for i, f := range doc.Features {
		w := want[i]
		if f.Name != w.Name || f.Type != w.Type || f.Missing != w.Missing || f.Unknown != w.Unknown ||
			!slices.Equal(f.Categories, w.Categories) || f.Description != w.Description {
			t.Errorf("feature %d: got %+v, want %+v", i, f, w)
		}
		if m.FeatureNames[i] != f.Name {
			t.Errorf("feature %d: the model's name is %q", i, m.FeatureNames[i])
		}
	}
	if m.Input != ir.Float64 {
		t.Error("the row is float32, but a double is among the inputs")
	}
	if got, _ := ask(m, 0.1, 2, 0.1, 4, 1, 1, math.NaN()); !slices.Equal(got, []float64{float64(float32(0.1)), 2, float64(float32(0.1)), 4, 1, 6}) {
		t.Errorf("got %v", got)
	}
	if got, _ := ask(m, 0, 0, 0, 0, 0, math.NaN(), 0); got[5] != 7 {
		t.Errorf("an unseen text: got %v, want the default 7", got[5])
	}
}

func TestOneInput(t *testing.T) {
	m, doc := mustRead(t, model(graph(input("anything", 1, -1, 2), output("Y"), node("Relu", x("anything"), x("Y")))))
	if doc.Features[0].Name != "f0" || doc.Features[1].Name != "f1" || m.Input != ir.Float32 || m.Sum != ir.Float32 {
		t.Errorf("got the features %v, input %d, sum %d", m.FeatureNames, m.Input, m.Sum)
	}
}

// TestMissing says which features may be NaN: those that a step waits for that
// knows what to do.
func TestMissing(t *testing.T) {
	_, doc := mustRead(t, model(graph(input("X", 1, -1, 4), output("Y"),
		node("Split", x("X", "s"), x("a", "b", "c", "d"), anInt("axis", 1)), whole("s", 1, 1, 1, 1), numbers("z", 0),
		ml("Imputer", x("a"), x("i"), floats("imputed_value_floats", 1), aFloat("replaced_value_float", float32(math.NaN()))),
		node("IsNaN", x("b"), x("n")), node("Where", x("n", "z", "b"), x("w")),
		ml("TreeEnsembleRegressor", x("c"), x("t"), anInt("n_targets", 1), ints("nodes_treeids", 0), ints("nodes_nodeids", 0), ints("nodes_featureids", 0),
			floats("nodes_values", 0), texts("nodes_modes", "LEAF"), ints("nodes_truenodeids", 0), ints("nodes_falsenodeids", 0),
			ints("target_treeids", 0), ints("target_nodeids", 0), ints("target_ids", 0), floats("target_weights", 2)),
		node("Neg", x("d"), x("m")), node("Concat", x("i", "w", "t", "m"), x("Y"), anInt("axis", 1)))))
	for i, want := range []schema.Missing{schema.Allow, schema.Allow, schema.Allow, schema.Refuse} {
		if got := doc.Features[i].Missing; got != want {
			t.Errorf("feature %d: got %q, want %q", i, got, want)
		}
	}
}

// TestStrictEncoders: what an encoder refuses, the schema refuses.
func TestStrictEncoders(t *testing.T) {
	m, doc := mustRead(t, model(graph(input("t", 8, -1, 1), input("n", 7, -1, 2), input("k", 7, -1, 1), output("Y"),
		ml("OneHotEncoder", x("t"), x("a"), texts("cats_strings", "r", "g"), anInt("zeros", 0)),
		ml("OneHotEncoder", x("n"), x("b"), ints("cats_int64s", 7, -1, 3), anInt("zeros", 0)),
		ml("OneHotEncoder", x("k"), x("c"), ints("cats_int64s", 2, 1, 3), anInt("zeros", 0)),
		whole("s", -1, 1, 12), node("Flatten", x("a"), x("d")), node("Flatten", x("b"), x("e")), node("Flatten", x("c"), x("f")),
		node("Concat", x("d", "e", "f"), x("Y"), anInt("axis", 1)))))
	want := []schema.Feature{
		{Missing: schema.Refuse, Categories: []string{"r", "g"}}, {Missing: schema.Refuse, Rules: "oneof=-1 3 7"},
		{Missing: schema.Refuse, Rules: "oneof=-1 3 7"}, {Missing: schema.Refuse, Rules: "gte=1,lte=3"},
	}
	for i, f := range doc.Features {
		if f.Missing != want[i].Missing || f.Unknown == schema.UnknownMissing || f.Rules != want[i].Rules || !slices.Equal(f.Categories, want[i].Categories) {
			t.Errorf("feature %d: got %+v, want %+v", i, f, want[i])
		}
	}
	if got, _ := ask(m, 1, 3, 7, 2); !slices.Equal(got, []float64{0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0}) {
		t.Errorf("got %v", got)
	}
}

func TestDictVectorizer(t *testing.T) {
	mapped := message(nil).sub(5, message(nil).num(1, 8).sub(2, message(nil).sub(1, message(nil).num(1, 1))))
	m, doc := mustRead(t, model(graph(message(nil).sub(11, message(nil).text(1, "X").sub(2, mapped)), output("Y"),
		ml("DictVectorizer", x("X"), x("V"), texts("string_vocabulary", "b", "a")), numbers("c", 10, 100), node("Mul", x("V", "c"), x("Y")))))
	if !slices.Equal(m.FeatureNames, []string{"b", "a"}) || doc.Features[0].Missing != schema.Fill || doc.Features[0].Default != 0.0 {
		t.Errorf("got %+v", doc.Features)
	}
	if got, _ := ask(m, 1, 2); !slices.Equal(got, []float64{10, 200}) {
		t.Errorf("got %v", got)
	}
}

// TestLabels follows a label through the steps that converters put after it.
func TestLabels(t *testing.T) {
	scores := []message{input("X", 1, -1, 3), output("L"), output("X"), node("ArgMax", x("X"), x("i"), anInt("axis", 1), anInt("keepdims", 0))}
	for _, c := range []struct {
		name  string
		nodes []message
		want  []string
	}{
		{"an index", []message{node("Identity", x("i"), x("L"))}, []string{"0", "1", "2"}},
		{"looked up", []message{whole("c", 7, 5, 9), ml("ArrayFeatureExtractor", x("c", "i"), x("L"))}, []string{"7", "5", "9"}},
		{"cast and reshaped", []message{numbers("c", 7, 5, 9), ml("ArrayFeatureExtractor", x("c", "i"), x("f")), whole("s", -1),
			node("Cast", x("f"), x("k"), anInt("to", 7)), node("Reshape", x("k", "s"), x("L"))}, []string{"7", "5", "9"}},
		{"texts", []message{initial(textTensor("c", []int64{3}, "a", "b", "c")), ml("ArrayFeatureExtractor", x("c", "i"), x("L"))}, []string{"a", "b", "c"}},
		{"to texts", []message{node("Cast", x("i"), x("L"), anInt("to", 8))}, []string{"0", "1", "2"}},
		{"encoded", []message{ml("LabelEncoder", x("i"), x("L"), ints("keys_int64s", 0, 1, 2), texts("values_strings", "x", "y", "z"))}, []string{"x", "y", "z"}},
		{"computed", []message{whole("two", 2), node("Mul", x("i", "two"), x("m")), node("Neg", x("m"), x("L"))}, []string{"0", "-2", "-4"}},
		{"a gather", []message{whole("c", 7, 5, 9), node("Gather", x("c", "i"), x("L"))}, []string{"7", "5", "9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, doc := mustRead(t, model(graph(append(slices.Clone(scores), c.nodes...)...)))
			if !slices.Equal(m.Labels, c.want) || !slices.Equal(doc.Labels, c.want) {
				t.Errorf("got the labels %v, want %v", m.Labels, c.want)
			}
			values, class := ask(m, 1, 5, 2)
			if class != 1 || !slices.Equal(values, []float64{1, 5, 2}) {
				t.Errorf("got the class %d and the values %v", class, values)
			}
		})
	}
}

// TestLabelOrder: the names of a ZipMap say in which order the values stand.
func TestLabelOrder(t *testing.T) {
	m, _ := mustRead(t, model(graph(input("X", 1, -1, 3), output("L"), output("P"),
		node("ArgMin", x("X"), x("i"), anInt("axis", 1), anInt("keepdims", 0)),
		initial(textTensor("c", []int64{3}, "c", "a", "b")), ml("ArrayFeatureExtractor", x("c", "i"), x("L")),
		ml("ZipMap", x("X"), x("P"), texts("classlabels_strings", "a", "b", "c")))))
	if !slices.Equal(m.Labels, []string{"a", "b", "c"}) {
		t.Errorf("got the labels %v", m.Labels)
	}
	if _, class := ask(m, 0, 1, 2); m.Labels[class] != "c" {
		t.Errorf("got the label %q, want c", m.Labels[class])
	}
}

// TestOnlyLabel: a graph that answers with a label only has it as its value.
func TestOnlyLabel(t *testing.T) {
	number, _ := mustRead(t, model(graph(input("X", 1, -1, 3), output("L"), whole("c", 7, 5, 9),
		node("ArgMax", x("X"), x("i"), anInt("axis", 1), anInt("keepdims", 0)), ml("ArrayFeatureExtractor", x("c", "i"), x("L")))))
	if values, class := ask(number, 0, 1, 2); class != 2 || values[0] != 9 {
		t.Errorf("got %v and the class %d", values, class)
	}
	text, _ := mustRead(t, model(graph(input("X", 8, -1, 1), output("L"),
		ml("LabelEncoder", x("X"), x("L"), texts("keys_strings", "a", "b"), texts("values_strings", "one", "two"), aText("default_string", "none")))))
	for code, want := range map[float64]string{0: "one", 1: "two"} {
		if _, class := ask(text, code); text.Labels[class] != want {
			t.Errorf("code %v: got %q, want %q", code, text.Labels[class], want)
		}
	}
	if _, class := ask(text, math.NaN()); text.Labels[class] != "none" {
		t.Errorf("an unseen text: got %q", text.Labels[class])
	}
}

// TestFewSteps: what is known at load costs nothing later.
func TestFewSteps(t *testing.T) {
	m, _ := mustRead(t, model(graph(input("X", 1, -1, 4), output("Y"),
		node("Shape", x("X"), x("s")), whole("zero", 0), node("Gather", x("s", "zero"), x("n")), whole("two", 2, 2),
		node("Concat", x("n", "two"), x("t"), anInt("axis", 0)), node("Reshape", x("X", "t"), x("r")),
		node("Transpose", x("r"), x("p"), ints("perm", 0, 2, 1)), node("Transpose", x("p"), x("q"), ints("perm", 0, 2, 1)),
		node("Flatten", x("q"), x("f")), initial(tensorOf("w", 1, []int64{4, 1}, 1, 2, 3, 4)), numbers("b", 0.5),
		node("Neg", x("b"), x("c")), node("MatMul", x("f", "w"), x("m")), node("Add", x("m", "c"), x("Y")),
		node("Relu", x("X"), x("unused")))))
	if len(m.Program.Steps) != 1 || m.Program.Steps[0].Kind != ir.MatMul || len(m.Program.Constants) != 0 {
		t.Errorf("got %d steps and %d constants, want one product", len(m.Program.Steps), len(m.Program.Constants))
	}
	if got, _ := ask(m, 1, 1, 1, 1); got[0] != 9.5 {
		t.Errorf("got %v, want 9.5", got[0])
	}
}

// TestSharedNodes: trees whose nodes stand below several parents.
func TestSharedNodes(t *testing.T) {
	m, _ := mustRead(t, model(graph(input("X", 1, -1, 2), output("Y"),
		ml("TreeEnsembleRegressor", x("X"), x("Y"), anInt("n_targets", 1), ints("nodes_treeids", 0, 0, 0, 0, 0), ints("nodes_nodeids", 0, 1, 2, 3, 4),
			ints("nodes_featureids", 0, 0, 1, 0, 0), floats("nodes_values", 1, 3, 0, 0, 0), texts("nodes_modes", "BRANCH_EQ", "BRANCH_EQ", "BRANCH_LEQ", "LEAF", "LEAF"),
			ints("nodes_truenodeids", 2, 2, 3, 0, 0), ints("nodes_falsenodeids", 1, 4, 4, 0, 0),
			ints("target_treeids", 0, 0), ints("target_nodeids", 3, 4), ints("target_ids", 0, 0), floats("target_weights", 10, 20)))))
	for _, c := range []struct{ a, b, want float64 }{{1, -1, 10}, {3, -1, 10}, {1, 1, 20}, {2, -1, 20}, {math.NaN(), -1, 20}} {
		if got, _ := ask(m, c.a, c.b); got[0] != c.want {
			t.Errorf("%v, %v: got %v, want %v", c.a, c.b, got[0], c.want)
		}
	}
	if n := len(m.Program.Steps[0].Model.Trees[0].Nodes); n != 5 {
		t.Errorf("got %d nodes, want 5: a set and a comparison", n)
	}
}

// TestDocs holds the list of operators in docs/onnx.md to the code.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../../docs/onnx.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if !ok || !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, m := range regexp.MustCompile("`([A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(first, -1) {
			listed = append(listed, m[1])
		}
	}
	want := onnx.Operators()
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("docs/onnx.md lists\n%v\nthe code has\n%v", listed, want)
	}
}

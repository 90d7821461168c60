package onnx_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/format/onnx"
)

// TestOperators computes small graphs over X, rows of four floats, for the row
// 1 2 3 4. What the fixtures and ONNX's own tests cover is not repeated.
func TestOperators(t *testing.T) {
	shape := func(nodes ...message) []message { return append([]message{node("Shape", x("X"), x("s"))}, nodes...) }
	at := func(list []int64, values ...float64) message { return initial(tensorOf("w", 1, list, values...)) }
	for _, c := range []struct {
		name  string
		parts []message
		want  []float64
	}{
		{"constants of all kinds", []message{
			node("Constant", x(), x("a"), floats("value_floats", 1, 2, 3, 4)), node("Constant", x(), x("b"), aFloat("value_float", 10)),
			node("Constant", x(), x("i"), anInt("value_int", 1)), node("Constant", x(), x("l"), ints("value_ints", 0, 3)),
			node("Constant", x(), x("t"), aTensor("value", tensorOf("", 1, []int64{1}, 100))),
			node("Mul", x("X", "a"), x("p")), node("Add", x("p", "b"), x("q")), node("Add", x("q", "t"), x("r")),
			node("Gather", x("r", "l"), x("g"), anInt("axis", 1)), node("Gather", x("r", "i"), x("h"), anInt("axis", 1)),
			node("Unsqueeze", x("h", "one"), x("u")), whole("one", 1), node("Concat", x("g", "u"), x("Y"), anInt("axis", 1))},
			[]float64{111, 126, 114}},
		{"a size of the row", []message{node("Split", x("X"), x("a", "b"), anInt("axis", 1)), node("Size", x("c"), x("n")), numbers("c", 1, 2, 3),
			node("Cast", x("n"), x("f"), anInt("to", 1)), node("Mul", x("b", "f"), x("Y"))}, []float64{9, 12}},
		{"sizes in arithmetic", shape(node("Size", x("X"), x("all")), whole("i", 0), whole("j", 1), node("Gather", x("s", "i"), x("n")),
			node("Div", x("all", "two"), x("half")), whole("two", 2), node("Div", x("half", "n1"), x("unused")), whole("n1", 2),
			node("Add", x("n", "n"), x("twice")), node("Sub", x("twice", "n"), x("once")), node("Mul", x("once", "j"), x("m")),
			node("Concat", x("m", "two", "two"), x("t"), anInt("axis", 0)), node("Reshape", x("X", "t"), x("r")),
			node("ReduceSum", x("r", "two"), x("Y"), anInt("keepdims", 0))), []float64{3, 7}},
		{"a product of sizes", shape(node("ReduceProd", x("s"), x("p"), anInt("keepdims", 1)), whole("four", 4), node("Div", x("p", "four"), x("n")),
			node("Concat", x("n", "four"), x("t"), anInt("axis", 0)), node("Reshape", x("X", "t"), x("Y"))), []float64{1, 2, 3, 4}},
		{"a slice of sizes", shape(whole("a", 0), whole("b", 1), node("Slice", x("s", "a", "b"), x("n")), node("Reshape", x("n", "m"), x("k")), whole("m", -1),
			node("Squeeze", x("k", "a"), x("q")), node("Unsqueeze", x("q", "a"), x("e")), whole("d", 2, 2),
			node("Concat", x("e", "d"), x("t"), anInt("axis", 0)), node("Reshape", x("X", "t"), x("r")), node("Flatten", x("r"), x("Y"))), []float64{1, 2, 3, 4}},
		{"all rows by a slice", shape(whole("i", 0), node("Gather", x("s", "i"), x("n")), whole("z", 0), node("Slice", x("X", "z", "n", "z"), x("Y"))), []float64{1, 2, 3, 4}},
		{"expanded by sizes", shape(node("Expand", x("w", "s"), x("e")), at([]int64{1, 1}, 10), node("Add", x("X", "e"), x("Y"))), []float64{11, 12, 13, 14}},
		{"expanded features", []message{node("Split", x("X"), x("a", "b", "c", "d"), anInt("axis", 1)), whole("n", 1, 3), node("Expand", x("b", "n"), x("Y"))}, []float64{2, 2, 2}},
		{"backwards", []message{whole("a", -1), whole("b", math.MinInt32), whole("c", 1), whole("d", -2), node("Slice", x("X", "a", "b", "c", "d"), x("Y"))}, []float64{4, 2}},
		{"an empty part", []message{whole("a", 2), whole("b", 1), whole("c", 1), node("Slice", x("X", "a", "b", "c"), x("e")),
			node("Concat", x("e", "X", "e"), x("Y"), anInt("axis", 1))}, []float64{1, 2, 3, 4}},
		{"axes apart", []message{whole("t", -1, 2, 2, 1), node("Reshape", x("X", "t"), x("r")), node("Concat", x("r", "r"), x("c"), anInt("axis", 3)),
			node("ReduceSum", x("c", "ax"), x("k"), anInt("keepdims", 1)), whole("ax", 1, 3), node("Flatten", x("k"), x("Y"))}, []float64{8, 12}},
		{"axes apart, dropped", []message{whole("t", -1, 2, 2, 1), node("Reshape", x("X", "t"), x("r")), node("ReduceMax", x("r"), x("Y"), ints("axes", 1, 3), anInt("keepdims", 0))}, []float64{3, 4}},
		{"nothing reduced", []message{whole("e"), node("ReduceSum", x("X", "e"), x("Y"), anInt("noop_with_empty_axes", 1))}, []float64{1, 2, 3, 4}},
		{"picked by the row", []message{node("ArgMax", x("X"), x("i"), anInt("axis", 1)), node("Neg", x("X"), x("m")),
			node("GatherElements", x("m", "i"), x("Y"), anInt("axis", 1))}, []float64{-4}},
		{"a column of a table", []message{node("ArgMax", x("X"), x("i"), anInt("axis", 1), anInt("keepdims", 0)), at([]int64{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8),
			node("Gather", x("w", "i"), x("g"), anInt("axis", 1)), node("Transpose", x("g"), x("Y"))}, []float64{4, 8}},
		{"places of two", []message{whole("k", 2), node("TopK", x("X", "k"), x("v", "i")), at([]int64{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8), node("Gather", x("w", "i"), x("g"), anInt("axis", 1)),
			whole("t", 0, 0, 0), node("Transpose", x("g"), x("Y"), ints("perm", 1, 0, 2))}, []float64{4, 3, 8, 7}},
		{"a vector on the right", []message{numbers("v", 1, 10, 100, 1000), node("MatMul", x("X", "v"), x("m")), whole("o", 1), node("Unsqueeze", x("m", "o"), x("Y"))}, []float64{4321}},
		{"known on the left", []message{at([]int64{2, 4}, 1, 0, 0, 0, 0, 0, 0, 1), node("Transpose", x("X"), x("t")), node("MatMul", x("w", "t"), x("m")), node("Transpose", x("m"), x("Y"))}, []float64{1, 4}},
		{"a matrix a row", []message{whole("s", -1, 2, 2), node("Reshape", x("X", "s"), x("r")), node("MatMul", x("r", "r"), x("m")), node("Flatten", x("m"), x("Y"))}, []float64{7, 10, 15, 22}},
		{"the last of equals", []message{numbers("z", 0), node("Mul", x("X", "z"), x("m")), node("ArgMax", x("m"), x("i"), anInt("axis", 1), anInt("select_last_index", 1)),
			node("Cast", x("i"), x("Y"), anInt("to", 1))}, []float64{3}},
		{"the mean of tensors", []message{node("Neg", x("X"), x("m")), node("Mean", x("X", "X", "m", "X"), x("Y"))}, []float64{0.5, 1, 1.5, 2}},
		{"squares", []message{numbers("two", 2), node("Pow", x("X", "two"), x("Y"))}, []float64{1, 4, 9, 16}},
		{"cast like", []message{whole("i", 1), numbers("h", 0.5), node("Add", x("X", "h"), x("f")), node("CastLike", x("f", "i"), x("k")), node("Cast", x("k"), x("Y"), anInt("to", 1))}, []float64{1, 2, 3, 4}},
		{"joined and parted", []message{node("Neg", x("X"), x("m")), node("Concat", x("X", "m"), x("j"), anInt("axis", 0)), whole("s", 2, -1, 4), node("Reshape", x("j", "s"), x("r")),
			node("Transpose", x("r"), x("t"), ints("perm", 1, 2, 0)), node("Flatten", x("t"), x("Y"))}, []float64{1, -1, 2, -2, 3, -3, 4, -4}},
		{"texts to numbers and back", []message{node("ArgMin", x("X"), x("i"), anInt("axis", 1)), initial(textTensor("c", []int64{4}, "10", "20", "30", "40")),
			ml("ArrayFeatureExtractor", x("c", "i"), x("e")), node("Cast", x("e"), x("Y"), anInt("to", 1))}, []float64{10}},
		{"dropout is nothing", []message{node("Dropout", x("X"), x("Y"))}, []float64{1, 2, 3, 4}},
		{"normalised", []message{node("LpNormalization", x("X"), x("Y"), anInt("p", 1))}, []float64{float64(float32(0.1)), float64(float32(0.2)), float64(float32(0.3)), float64(float32(0.4))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := mustRead(t, model(graph(append(c.parts, rows4, output("Y"))...)))
			if got, _ := ask(m, 1, 2, 3, 4); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestOldLabelEncoder is version 1: places and texts.
func TestOldLabelEncoder(t *testing.T) {
	m, doc := mustRead(t, modelOf(graph(input("X", 8, -1, 2), output("Y"),
		ml("LabelEncoder", x("X"), x("l"), texts("classes_strings", "a", "b", "c"), anInt("default_int64", -3)), node("Cast", x("l"), x("Y"), anInt("to", 1))), 9, 1))
	if !slices.Equal(doc.Features[1].Categories, []string{"a", "b", "c"}) {
		t.Errorf("got the categories %v", doc.Features[1].Categories)
	}
	if got, _ := ask(m, 2, math.NaN()); !slices.Equal(got, []float64{2, -3}) {
		t.Errorf("got %v", got)
	}
	back, _ := mustRead(t, modelOf(graph(input("X", 7, -1, 1), output("L"), ml("LabelEncoder", x("X"), x("L"), texts("classes_strings", "a", "b", "c"))), 9, 1))
	for in, want := range map[float64]string{0: "a", 2: "c", 7: "_Unused"} {
		if _, class := ask(back, in); back.Labels[class] != want {
			t.Errorf("%v: got %q, want %q", in, back.Labels[class], want)
		}
	}
}

// TestRawTensors reads whole numbers of all types from raw bytes.
func TestRawTensors(t *testing.T) {
	for _, c := range []struct {
		elem int64
		raw  string
		want float64
	}{
		{1, "\x00\x00\x80\x3f", 1}, {2, "\xff", 255}, {3, "\xff", -1}, {4, "\xff\xff", 65535}, {5, "\xfe\xff", -2}, {6, "\xfd\xff\xff\xff", -3},
		{7, "\xfc\xff\xff\xff\xff\xff\xff\xff", -4}, {9, "\x01", 1}, {11, "\x00\x00\x00\x00\x00\x00\xf0\x3f", 1}, {12, "\x00\x00\x00\x80", 1 << 31},
		{13, "\x00\x00\x00\x00\x00\x00\x00\x80", 1 << 63},
	} {
		t.Run(fmt.Sprint(c.elem), func(t *testing.T) {
			raw := message(nil).num(1, 1).num(2, c.elem).text(8, "w").text(9, c.raw)
			m, _ := mustRead(t, model(graph(rows4, output("Y"), initial(raw), node("Cast", x("w"), x("f"), anInt("to", 11)),
				node("Cast", x("X"), x("d"), anInt("to", 11)), node("Mul", x("d", "f"), x("Y")))))
			if got, _ := ask(m, 1, 2, 3, 4); got[0] != c.want || got[3] != 4*c.want {
				t.Errorf("got %v, want %v and its multiples", got, c.want)
			}
			short := message(nil).num(1, 1).num(2, c.elem).text(8, "w").text(9, c.raw+"\x00\x00\x00")
			if _, _, err := read(model(graph(rows4, output("Y"), initial(short), node("Cast", x("w"), x("f"), anInt("to", 1)), node("Mul", x("X", "f"), x("Y"))))); err == nil {
				t.Error("no error for a tensor with other bytes than its sizes say")
			}
		})
	}
}

// TestScatteredNodes: nodes need not stand at the place of their number.
func TestScatteredNodes(t *testing.T) {
	tree := func(ids, leaves []int64) []byte {
		return model(graph(rows4, output("Y"), ml("TreeEnsembleRegressor", x("X"), x("Y"), anInt("n_targets", 1), ints("nodes_treeids", 7, 7, 7), ints("nodes_nodeids", ids...),
			ints("nodes_featureids", 0, 0, 0), floats("nodes_values", 2, 0, 0), texts("nodes_modes", "BRANCH_LEQ", "LEAF", "LEAF"),
			ints("nodes_truenodeids", 30, 0, 0), ints("nodes_falsenodeids", 20, 0, 0),
			ints("target_treeids", 7, 7), ints("target_nodeids", leaves...), ints("target_ids", 0, 0), floats("target_weights", 1, 2))))
	}
	m, _ := mustRead(t, tree([]int64{10, 20, 30}, []int64{30, 20}))
	for in, want := range map[float64]float64{2: 1, 3: 2} {
		if got, _ := ask(m, in, 0, 0, 0); got[0] != want {
			t.Errorf("%v: got %v, want %v", in, got[0], want)
		}
	}
	for _, c := range []struct {
		ids, leaves []int64
		want        string
	}{
		{[]int64{10, 20, 20}, []int64{30, 20}, "stands twice"},
		{[]int64{10, 20, 31}, []int64{30, 20}, "the child 30, which is not there"},
		{[]int64{10, 20, 30}, []int64{10, 20}, "which is no leaf"},
	} {
		if _, _, err := read(tree(c.ids, c.leaves)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got the error %v, want one with %q", err, c.want)
		}
	}
}

func TestIs(t *testing.T) {
	for _, c := range []struct {
		head string
		want bool
	}{
		{"\x08\x08\x12\x08skl2onnx", true}, {"\x08\x0a\x3a\x05", true}, {"\x08\x07\x42\x02", true}, {"", false}, {"\x08", false}, {"\x08\x08", false},
		{"\x08\x00\x12", false}, {"\x08\x99\x12", false}, {"{\"learner\"", false}, {"tree\n", false}, {"\x08\x08\x08", false},
	} {
		if got := onnx.Is([]byte(c.head)); got != c.want {
			t.Errorf("%q: got %v, want %v", c.head, got, c.want)
		}
	}
}

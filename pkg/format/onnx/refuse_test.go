package onnx_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/copse/pkg/format/readerr"
)

// rows4 is an input of rows of four floats.
var rows4 = input("X", 1, -1, 4)

// TestRefuses lists what is refused at load, and that the message names the
// node and says what is wrong.
func TestRefuses(t *testing.T) {
	one := func(n message, more ...message) []byte { return model(graph(append(more, rows4, output("Y"), n)...)) }
	plain := func(op string, attributes ...message) []byte { return one(node(op, x("X"), x("Y"), attributes...)) }
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"unknown operator", plain("Einsum"), `node 0 Einsum "the node": the operator is not supported: docs/onnx.md lists`},
		{"unknown domain", one(nodeOf("com.example", "Scaler", x("X"), x("Y"))), "com.example.Scaler"},
		{"unknown attribute", plain("Relu", anInt("mode", 1)), `its attribute "mode" is not supported`},
		{"loop", plain("Loop"), "the operator is not supported"},
		{"no graph", message(nil).num(1, 8).text(2, "x"), "no graph"},
		{"no inputs", model(graph(output("Y"), node("Constant", x(), x("Y"), aFloat("value_float", 1)))), "no inputs"},
		{"no outputs", model(graph(rows4, node("Relu", x("X"), x("Y")))), "no outputs"},
		{"constant output", model(graph(rows4, output("Y"), node("Constant", x(), x("Y"), aFloat("value_float", 1)))), "the same for all rows"},
		{"missing input", one(node("Add", x("X", "Z"), x("Y"))), `input "Z" is nowhere`},
		{"out of order", one(node("Relu", x("A"), x("Y")), node("Relu", x("X"), x("B"))), `input "A" is nowhere`},
		{"too few inputs", one(node("Add", x("X"), x("Y"))), "1 inputs"},
		{"too many inputs", one(node("Relu", x("X", "X"), x("Y"))), "2 inputs"},
		{"second output", model(graph(rows4, output("Z"), node("Relu", x("X"), x("Y", "Z")))), "output 1 is not supported"},
		{"name twice", one(node("Relu", x("X"), x("X", "Y"))), `output "X" stands twice`},
		{"open features", model(graph(input("X", 1, -1, -1), output("Y"), node("Relu", x("X"), x("Y")))), "FloatTensorType([None, 4])"},
		{"no shape", model(graph(message(nil).sub(11, message(nil).text(1, "X").sub(2, message(nil).sub(1, message(nil).num(1, 1)))), output("Y"), node("Relu", x("X"), x("Y")))), "shape"},
		{"float16", model(graph(input("X", 10, -1, 4), output("Y"), node("Relu", x("X"), x("Y")))), "float16 are not supported"},
		{"complex", model(graph(input("X", 14, -1, 4), output("Y"), node("Relu", x("X"), x("Y")))), "complex64"},
		{"sequence input", model(graph(message(nil).sub(11, message(nil).text(1, "X").sub(2, message(nil).sub(4, nil))), output("Y"), node("Relu", x("X"), x("Y")))), "sequence"},
		{"external data", one(node("Add", x("X", "W"), x("Y")), initial(tensorOf("W", 1, []int64{4}).num(14, 1))), "external data"},
		{"sparse", one(node("Relu", x("X"), x("Y")), message(nil).text(15, "")), "sparse"},
		{"look up in nothing", one(append(node("ArgMax", x("X"), x("I"), anInt("axis", 1)), ml("ArrayFeatureExtractor", x("W", "I"), x("Y"))...), initial(tensorOf("W", 1, []int64{0, 4}))), "looks something up in nothing"},
		{"functions", append(model(graph(rows4, output("Y"), node("Relu", x("X"), x("Y")))), message(nil).text(25, "f")...), "inline"},
		{"tensor too short", one(node("Add", x("X", "W"), x("Y")), initial(tensorOf("W", 1, []int64{4}, 1))), "1 values for the sizes [4]"},
		{"tensor of negative size", one(node("Add", x("X", "W"), x("Y")), initial(tensorOf("W", 1, []int64{-4}))), "-4 places"},
		{"types differ", one(node("Add", x("X", "W"), x("Y")), initial(tensorOf("W", 11, []int64{1}, 1))), "float and double"},
		{"sizes differ", one(node("Add", x("X", "W"), x("Y")), numbers("W", 1, 2, 3)), "sizes 4 and 3"},
		{"rows against a constant", one(node("Add", x("X", "W"), x("Y")), initial(tensorOf("W", 1, []int64{2, 1}, 1, 2))), "rows would be treated differently"},
		{"rows against columns", one(append(node("Transpose", x("X"), x("T")), node("Add", x("X", "T"), x("Y"))...)), "rows would be mixed"},
		{"sum over rows", plain("ReduceSum"), "the answer for a row would depend on the others"},
		{"mean over rows", one(node("ReduceMean", x("X"), x("Y"), ints("axes", 0))), "depend on the others"},
		{"arg over rows", plain("ArgMax"), "depend on the others"},
		{"softmax over rows", plain("Softmax", anInt("axis", 0)), "depend on the others"},
		{"rows × rows", one(append(node("Transpose", x("X"), x("T")), node("MatMul", x("X", "T"), x("Y"))...)), "more than one matrix a row"},
		{"sum by product", one(node("MatMul", x("T", "X"), x("Y")), node("Transpose", x("X"), x("T"))), "adds over the rows"},
		{"inner sizes", one(node("MatMul", x("X", "W"), x("Y")), initial(tensorOf("W", 1, []int64{3, 1}, 1, 2, 3))), "4 columns with 3 rows"},
		{"rows joined", one(node("Concat", x("X", "X"), x("Y"), anInt("axis", 0))), "not a tensor of numbers"},
		{"rows joined and used", one(node("Relu", x("J"), x("Y")), node("Concat", x("X", "X"), x("J"), anInt("axis", 0))), "one below the other"},
		{"some rows", one(node("Slice", x("X", "a", "b"), x("Y")), whole("a", 1), whole("b", 3)), "some of the rows"},
		{"a row", one(node("Gather", x("X", "a"), x("Y")), whole("a", 0)), "some of the rows"},
		{"split rows", one(node("Split", x("X"), x("Y", "Z"))), "splits the rows"},
		{"fixed rows", one(node("Reshape", x("X", "s"), x("Y")), whole("s", 2, 2)), "fixes the number of rows"},
		{"mixing reshape", one(node("Reshape", x("X", "s"), x("Y")), whole("s", 4, -1)), "would mix the rows"},
		{"squeezed rows", one(node("Squeeze", x("X", "a"), x("Y")), whole("a", 0)), "takes away the axis of the rows"},
		{"squeezed features", one(node("Squeeze", x("X", "a"), x("Y")), whole("a", 1)), "4 places"},
		{"no such axis", one(node("Squeeze", x("X", "a"), x("Y")), whole("a", 7)), "no axis 7 of 2"},
		{"repeated rows", one(node("Tile", x("X", "r"), x("Y")), whole("r", 2, 1)), "repeats rows"},
		{"shape by data", one(node("Reshape", x("X", "s"), x("Y")), node("Cast", x("X"), x("s"), anInt("to", 7))), "depends on the data"},
		{"sizes in arithmetic", one(graph(node("Shape", x("X"), x("s")), node("Cast", x("s"), x("c"), anInt("to", 1)), node("Add", x("X", "c"), x("Y")))), "casts the number of rows"},
		{"cast to float16", plain("Cast", anInt("to", 10)), "casts to float16"},
		{"cast to text", plain("Cast", anInt("to", 8)), "casts float to texts"},
		{"k too large", one(node("TopK", x("X", "k"), x("V", "Y")), whole("k", 9)), "takes 9 of 4"},
		{"dropout in training", one(node("Dropout", x("X", "", "t"), x("Y")), initial(tensorOf("t", 9, nil, 1))), "training mode"},
		{"norm", one(ml("Normalizer", x("X"), x("Y"), aText("norm", "L3"))), `norm "L3"`},
		{"p", plain("LpNormalization", anInt("p", 3)), "p is 3"},
		{"clip bound", one(node("Clip", x("X", "b"), x("Y")), numbers("b", 1, 2)), "bound of 2 numbers"},
		{"scan", one(node("Scan", x("X", "X"), x("Y"), aGraph("body", graph()))), "only for distances"},
		{"scaler", one(ml("Scaler", x("X"), x("Y"), floats("offset", 1, 2), floats("scale", 1, 2))), "2 numbers offset for 4 columns"},
		{"scaler without", one(ml("Scaler", x("X"), x("Y"))), "no offset or no scale"},
		{"imputer", one(ml("Imputer", x("X"), x("Y"), floats("imputed_value_floats", 1, 2))), "2 values for 4 columns"},
		{"one-hot zeros", one(ml("OneHotEncoder", x("X"), x("Y"), ints("cats_int64s", 1), anInt("zeros", 0))), "handle_unknown='ignore'"},
		{"one-hot of nothing", one(ml("OneHotEncoder", x("X"), x("Y"), texts("cats_strings", "a"))), "no categories"},
		{"encoder of texts", one(ml("LabelEncoder", x("X"), x("Y"), texts("keys_strings", "a"), ints("values_int64s", 1))), "keys are string, its input is float"},
		{"encoder without values", one(ml("LabelEncoder", x("X"), x("Y"), floats("keys_floats", 1))), "no values"},
		{"encoder sizes", one(ml("LabelEncoder", x("X"), x("Y"), floats("keys_floats", 1, 2), floats("values_floats", 1))), "2 keys and 1 values"},
		{"linear coefficients", one(ml("LinearRegressor", x("X"), x("Y"), floats("coefficients", 1, 2))), "2 coefficients for 1 outputs of 4 features"},
		{"linear without labels", one(ml("LinearClassifier", x("X"), x("Y"), floats("coefficients", 1, 2, 3, 4), floats("intercepts", 1))), "no class labels"},
		{"linear without intercepts", one(ml("LinearClassifier", x("X"), x("Y"), floats("coefficients", 1, 2, 3, 4), ints("classlabels_ints", 0, 1))), "no intercepts"},
		{"kernel", one(ml("SVMRegressor", x("X"), x("Y"), aText("kernel_type", "COSINE"), floats("rho", 1), floats("coefficients", 1), anInt("n_supports", 1))), `kernel "COSINE"`},
		{"support vectors", one(ml("SVMRegressor", x("X"), x("Y"), floats("rho", 1), floats("coefficients", 1), anInt("n_supports", 1), floats("support_vectors", 1))), "1 numbers of 1 support vectors of 4 features"},
		{"zip map", one(ml("ZipMap", x("X"), x("Y"), ints("classlabels_int64s", 1, 2))), "names 2 columns of 4"},
		{"large label", one(ml("ZipMap", x("X"), x("Y"), ints("classlabels_int64s", 1, 2, 3, 1<<53+1))), "too large"},
		{"text arithmetic", model(graph(input("X", 8, -1, 2), output("Y"), node("Add", x("X", "X"), x("Y")))), "computes with texts"},
		{"texts as answers", model(graph(input("X", 8, -1, 2), output("Y"), node("Identity", x("X"), x("Y")))), "texts are supported only"},
		{"texts compared", model(graph(input("A", 8, -1, 1), input("B", 8, -1, 1), output("Y"), node("Equal", x("A", "B"), x("Y")))), "texts of two features"},
		{"texts as numbers", model(graph(input("X", 8, -1, 2), output("Y"), node("Cast", x("X"), x("Y"), anInt("to", 1)))), "send them as numbers"},
		{"feature names", model(graph(input("a", 1, -1, 2), input("a_0", 1, -1, 1), output("Y"), node("Concat", x("a", "a_0"), x("Y"), anInt("axis", 1)))), "rename the graph's inputs"},
		{"categories alike", model(graph(input("X", 8, -1, 1), output("Y"), ml("OneHotEncoder", x("X"), x("Y"), texts("cats_strings", "a", "a ")))), "but for white space"},
		{"map input", model(graph(message(nil).sub(11, message(nil).text(1, "X").sub(2, message(nil).sub(5, message(nil).num(1, 8).sub(2, message(nil).sub(1, message(nil).num(1, 1)))))), output("Y"), node("Relu", x("X"), x("Y")))), "DictVectorizer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := read(c.file)
			var e *readerr.Error
			if !errors.As(err, &e) {
				t.Fatalf("got the error %v, want a *readerr.Error", err)
			}
			if !strings.Contains(e.Error(), c.want) {
				t.Errorf("got  %s\nwant …%s…", e, c.want)
			}
		})
	}
}

// TestTruncated cuts a model off everywhere.
func TestTruncated(t *testing.T) {
	whole := model(graph(rows4, output("Y"), numbers("W", 1, 2, 3, 4), node("Add", x("X", "W"), x("Y"))))
	if _, _, err := read(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		_, _, err := read(whole[:n])
		var e *readerr.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%d bytes: got the error %v, want a *readerr.Error", n, err)
		}
	}
}

// TestHostile gives small files that ask for much: each is refused, or read, in
// a second and without much memory.
func TestHostile(t *testing.T) {
	doubled := []message{rows4, output("Y")}
	name := "X"
	for i := range 40 {
		next := "Y" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		doubled = append(doubled, node("Concat", x(name, name), x(next), anInt("axis", 1)))
		name = next
	}
	doubled = append(doubled, node("Identity", x(name), x("Y")))
	tiles := []message{rows4, output("Y"), whole("r", 1, 1<<20)}
	name = "X"
	for range 8 {
		tiles = append(tiles, node("Tile", x(name, "r"), x(name+"t")))
		name += "t"
	}
	tiles = append(tiles, node("Identity", x(name), x("Y")))
	many := []message{rows4, output("Y")}
	name = "X"
	for range 20000 {
		many = append(many, node("Neg", x(name), x(name + "'")[:1]))
	}
	deep := graph(rows4, output("Y"), node("Relu", x("X"), x("Y")))
	for range 50 {
		deep = graph(rows4, output("Y"), node("Scan", x("X", "X"), x("Y"), aGraph("body", deep)))
	}
	constant := func(n ...float64) []byte {
		return model(graph(rows4, output("Y"), whole("s", n...), node("ConstantOfShape", x("s"), x("c")), node("Add", x("X", "c"), x("Y"))))
	}
	roots := make([]int64, 1<<16)
	cycle := func(roots []int64) []byte {
		return modelOf(graph(rows4, output("Y"), ml("TreeEnsemble", x("X"), x("Y"), anInt("n_targets", 2), ints("tree_roots", roots...),
			aTensor("nodes_splits", tensorOf("", 1, []int64{2}, 1, 2)), aTensor("nodes_modes", tensorOf("", 2, []int64{2}, 0, 0)),
			aTensor("leaf_weights", tensorOf("", 1, []int64{1}, 1)), ints("leaf_targetids", 0), ints("nodes_featureids", 0, 0),
			ints("nodes_truenodeids", 1, 0), ints("nodes_falsenodeids", 1, 0), ints("nodes_trueleafs", 0, 0), ints("nodes_falseleafs", 0, 0))), 21, 5)
	}
	for _, c := range []struct {
		name string
		file []byte
		want string // of the error; "" may be read
	}{
		{"doubled forty times", model(graph(doubled...)), "more numbers than its size allows"},
		{"tiles of tiles", model(graph(tiles...)), "more numbers than its size allows"},
		{"twenty thousand nodes", model(graph(many...)), ""},
		{"graphs in graphs", model(deep), "more than 4 deep"},
		{"a large constant", constant(1<<26, 4), "more"},
		{"a larger constant", constant(1<<40, 1<<40), "places along an axis"},
		{"a constant within bounds", constant(1<<23, 1<<2), "more"},
		{"many features", model(graph(input("X", 1, -1, 1<<40), output("Y"), node("Relu", x("X"), x("Y")))), "features"},
		{"many axes", model(graph(input("X", 1, -1, 1<<20, 1<<20, 1<<20), output("Y"), node("Relu", x("X"), x("Y")))), "features"},
		{"trees in a cycle", cycle([]int64{0}), "more numbers than its size allows"},
		{"many trees in a cycle", cycle(roots), "more numbers than its size allows"},
		{"many targets", model(graph(rows4, output("Y"), ml("TreeEnsembleRegressor", x("X"), x("Y"), anInt("n_targets", 1<<40)))), "different lengths"},
		{"a tensor that lies", model(graph(rows4, output("Y"), initial(tensorOf("W", 1, []int64{1 << 40}, 1)), node("Add", x("X", "W"), x("Y")))), "places along an axis"},
		{"a length that lies", append(message(nil).num(1, 8), 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f), "cut off"},
		{"a varint without end", append(message(nil).num(1, 8), 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "cut off"},
		{"a group", append(message(nil).num(1, 8), 0x3b, 0x3c), "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _, err := read(c.file)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			switch {
			case c.want == "" && err != nil:
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got the error %v, want one with %q", err, c.want)
			}
			const most = 1 << 30 // allocated in all, not at once
			if grown := after.TotalAlloc - before.TotalAlloc; grown > most {
				t.Errorf("allocated %d MiB for a file of %d bytes", grown>>20, len(c.file))
			}
			if took > 2*time.Second {
				t.Errorf("took %v for a file of %d bytes", took, len(c.file))
			}
		})
	}
}

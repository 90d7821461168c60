package lightgbm_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// TestCases holds the reader to what LightGBM itself answered.
func TestCases(t *testing.T) { casetest.Run(t, lightgbm.Library, lightgbm.Read) }

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"tree\nversion=v4\n": true, "tree\r\n": true, "tree": false, "trees\n": false, " tree\n": false, "": false, "{}": false,
	} {
		if got := lightgbm.Is([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// files are the fixtures' model files.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, path := range casetest.Models(t, lightgbm.Library) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(path))] = text
	}
	return out
}

func read(text string) (*ir.Model, schema.Document, error) {
	return lightgbm.Read(bufio.NewReader(strings.NewReader(text)))
}

// small has every kind of node: a category, each kind of missing, a tree of one
// leaf, a linear tree.
const small = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=2
objective=binary sigmoid:0.5
feature_names=a b c
monotone_constraints=0 0 0
feature_infos=[0:9] 0:1:40 none
tree_sizes=1 1 1
something_new=1 2 3

Tree=0
num_leaves=4
num_cat=1
split_feature=1 0 0
split_gain=3 2 1
threshold=0 0.5 -1.5
decision_type=1 10 4
left_child=1 -1 -2
right_child=2 -3 -4
leaf_value=0.25 -0.125 1e-05 -7
leaf_weight=1 1 1 1
cat_boundaries=0 2
cat_threshold=3 256
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.75
shrinkage=1


Tree=2
num_leaves=2
num_cat=0
split_feature=2
threshold=inf
decision_type=0
left_child=-1
right_child=-2
leaf_value=1 2
is_linear=1
leaf_const=0.5 0.25
num_features=2 0
leaf_features=0 2  
leaf_coeff=1.5 -2.5  
shrinkage=1


end of trees

feature_importances:
a=2

parameters:
[boosting: gbdt]
[categorical_feature: 1]
end of parameters

pandas_categorical:null
`

func TestRead(t *testing.T) {
	m, doc, err := read(small)
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Check(m); err != nil {
		t.Error(err)
	}
	leaf := func(i int32) ir.Node { return ir.Node{Feature: ir.Leaf, Value: i, ID: i} }
	want := &ir.Model{
		Library: "lightgbm", Version: "v4", Objective: "binary",
		FeatureNames: []string{"a", "b", "c"}, Labels: []string{"0", "1"},
		ZeroBand: true, Codes: ir.CodeCast,
		Outputs: 1, LeafWidth: 1, Base: []float64{0},
		Trees: []ir.Tree{
			{
				Nodes: []ir.Node{
					{Feature: 1, Op: ir.In, Left: 1, Right: 2},
					{Feature: 0, Op: ir.LE, Threshold: 0.5, Missing: ir.MissingNaN, MissingLeft: true, Left: 3, Right: 5},
					{Feature: 0, Op: ir.LE, Threshold: -1.5, Missing: ir.MissingZero, Left: 4, Right: 6},
					leaf(0), leaf(1), leaf(2), leaf(3),
				},
				Values: []float64{0.25, -0.125, 1e-05, -7},
				Sets:   [][]int32{{0, 1, 40}},
			},
			{Nodes: []ir.Node{leaf(0)}, Values: []float64{0.75}},
			{
				Nodes: []ir.Node{
					{Feature: 2, Op: ir.LE, Threshold: inf(1), Missing: ir.MissingNone, Left: 1, Right: 2}, leaf(0), leaf(1),
				},
				Values: []float64{1, 2},
				Linear: []ir.Linear{
					{Const: 0.5, Features: []int32{0, 2}, Coeffs: []float64{1.5, -2.5}},
					{Const: 0.25, Features: []int32{}, Coeffs: []float64{}},
				},
			},
		},
		Iterations: []int32{0, 1, 2, 3}, BestIteration: -1,
		Finish: ir.Finish{Link: ir.Sigmoid, Param: 0.5},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	for i, name := range []string{"a", "b", "c"} {
		if got, want := doc.Features[i], (schema.Feature{Name: name, Type: schema.Number, Missing: schema.Allow}); !reflect.DeepEqual(got, want) {
			t.Errorf("feature %d is %+v, want %+v", i, got, want)
		}
	}
}

// TestObjectives: what each objective's margins become.
func TestObjectives(t *testing.T) {
	for _, tt := range []struct {
		line string
		want ir.Finish
	}{
		{"objective=regression", ir.Finish{}},
		{"objective=regression sqrt", ir.Finish{Link: ir.SignedSquare}},
		{"objective=regression_l1 sqrt", ir.Finish{Link: ir.SignedSquare}},
		{"objective=huber sqrt", ir.Finish{}}, // LightGBM drops it
		{"objective=fair", ir.Finish{}},
		{"objective=quantile alpha:0.3", ir.Finish{}},
		{"objective=mape", ir.Finish{}},
		{"objective=poisson sqrt", ir.Finish{Link: ir.Exp}},
		{"objective=gamma", ir.Finish{Link: ir.Exp}},
		{"objective=tweedie tweedie_variance_power:1.5", ir.Finish{Link: ir.Exp}},
		{"objective=binary sigmoid:1", ir.Finish{Link: ir.Sigmoid, Param: 1}},
		{"objective=cross_entropy", ir.Finish{Link: ir.Sigmoid, Param: 1}},
		{"objective=xentropy", ir.Finish{Link: ir.Sigmoid, Param: 1}},
		{"objective=cross_entropy_lambda", ir.Finish{Link: ir.Log1pExp}},
		{"objective=xentlambda", ir.Finish{Link: ir.Log1pExp}},
		{"objective=lambdarank", ir.Finish{}},
		{"objective=rank_xendcg", ir.Finish{}},
		{"objective=custom", ir.Finish{}},
		{"objective=", ir.Finish{}},
		{"", ir.Finish{}},
		{"average_output\nobjective=regression", ir.Finish{Average: 3}},
	} {
		m, _, err := read(strings.Replace(small, "objective=binary sigmoid:0.5", tt.line, 1))
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
		} else if !reflect.DeepEqual(m.Finish, tt.want) {
			t.Errorf("%q: %+v, want %+v", tt.line, m.Finish, tt.want)
		}
	}
}

// TestSlowReaders: how the bytes arrive does not matter, and an error of the
// reader is told.
func TestSlowReaders(t *testing.T) {
	for name, text := range files(t) {
		want, _, err := lightgbm.Read(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		for kind, wrap := range map[string]func(io.Reader) io.Reader{
			"bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
		} {
			got, _, err := lightgbm.Read(bufio.NewReaderSize(wrap(bytes.NewReader(text)), 16))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s in %s: another model, %v", name, kind, err)
			}
		}
		broken := io.MultiReader(bytes.NewReader(text[:len(text)/2]), iotest.ErrReader(io.ErrClosedPipe))
		if _, _, err := lightgbm.Read(bufio.NewReader(broken)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: the reader's error is lost: %v", name, err)
		}
	}
}

// TestLongLines: lines of many windows, with words across their borders.
func TestLongLines(t *testing.T) {
	const n = 30_000
	names := make([]string, n)
	infos := make([]string, n)
	for i := range names {
		names[i] = "name_of_a_feature_" + strings.Repeat("x", i%40)
		infos[i] = "[-1.5:2.25]"
	}
	infos[1] = "0:1:40:" + strings.Repeat("123456:", 40_000) + "2"
	text := small
	for _, r := range [][2]string{
		{"max_feature_idx=2", "max_feature_idx=29999"},
		{"feature_names=a b c", "feature_names=" + strings.Join(names, " ")},
		{"feature_infos=[0:9] 0:1:40 none", "feature_infos=" + strings.Join(infos, " ")},
		{"something_new=1", "something_new=" + strings.Repeat("1 ", 100_000)},
		{"leaf_weight=1 1 1 1", "leaf_weight=" + strings.Repeat("y", 200_000)},
	} {
		text = strings.Replace(text, r[0], r[1], 1)
	}
	m, _, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.FeatureNames, names) {
		t.Error("the names are not those in the file")
	}
	if want, _, _ := read(small); !reflect.DeepEqual(m.Trees, want.Trees) {
		t.Error("the trees are not those in the file")
	}
}

// TestCut: a file that breaks off is not taken for a whole one, but where all
// that matters has been read and no line says that more must come.
func TestCut(t *testing.T) {
	for name, text := range files(t) {
		find := func(line string) int { return bytes.Index(text, []byte(line)) }
		trees, from, to := find("end of trees"), find("parameters:")+len("parameters:"), find("end of parameters")
		for at := 0; at < to; at += 1 + at/9 {
			if at >= trees && at < from {
				continue
			}
			_, _, err := lightgbm.Read(bufio.NewReader(bytes.NewReader(text[:at])))
			var e *readerr.Error
			if !errors.As(err, &e) {
				t.Errorf("%s cut at byte %d of %d: %v", name, at, len(text), err)
			}
		}
	}
}

// FuzzRead: whatever the bytes are, the answer is a sound model with a schema
// or an error.
func FuzzRead(f *testing.F) {
	for _, text := range files(f) {
		f.Add(text)
	}
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, doc, err := lightgbm.Read(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			var e *readerr.Error
			if !errors.As(err, &e) || e.Format != lightgbm.Library || m != nil {
				t.Fatalf("model %v, error %v", m, err)
			}
			return
		}
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		if len(doc.Features) != len(m.FeatureNames) {
			t.Fatalf("%d features in the schema, %d in the model", len(doc.Features), len(m.FeatureNames))
		}
		row := make([]float64, len(m.FeatureNames))
		margin, values, leaves := make([]float64, m.Outputs), make([]float64, m.Width()), make([]int32, len(m.Trees))
		m.Eval(row, margin, values)
		m.EvalLeaf(row, leaves)
	})
}

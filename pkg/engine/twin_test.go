package engine

import (
	"math"
	"math/rand/v2"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// twin is a model with its engine and a scratch that remembers other batches.
type twin struct {
	model  *ir.Model
	engine *Engine
	s      Scratch
}

func newTwin(t testing.TB, m *ir.Model) *twin {
	t.Helper()
	a, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckTrees(a); err != nil {
		t.Fatal(err)
	}
	return newTwinOf(t, m, *a)
}

func newTwinOf(t testing.TB, m *ir.Model, a Arrays) *twin {
	t.Helper()
	e, err := New(a)
	if err != nil {
		t.Fatal(err)
	}
	return &twin{model: m, engine: e}
}

// compare holds engine and reference equal on n rows, in all three outputs.
func (w *twin) compare(t testing.TB, rows []float64, n int) {
	t.Helper()
	m := w.model
	width, trees := len(m.FeatureNames), len(m.Trees)
	margin, values := make([]float64, n*m.Outputs), make([]float64, n*m.Outputs)
	leaf := make([]int32, n*trees)
	w.engine.Margin(rows, n, margin, &w.s)
	w.engine.Score(rows, n, values, &w.s)
	w.engine.Leaf(rows, n, leaf, &w.s)

	wantMargin, wantValues := make([]float64, m.Outputs), make([]float64, m.Outputs)
	wantLeaf := make([]int32, trees)
	for i := range n {
		row := rows[i*width : (i+1)*width]
		m.Eval(row, wantMargin, wantValues)
		m.EvalLeaf(row, wantLeaf)
		same(t, "margin", i, n, margin[i*m.Outputs:][:m.Outputs], wantMargin)
		same(t, "value", i, n, values[i*m.Outputs:][:m.Outputs], wantValues)
		for k, want := range wantLeaf {
			if got := leaf[i*trees+k]; got != want {
				t.Fatalf("row %d of %d, tree %d: leaf %d, want %d", i, n, k, got, want)
			}
		}
	}
}

func same(t testing.TB, what string, row, n int, got, want []float64) {
	t.Helper()
	for o := range want {
		if math.Float64bits(got[o]) != math.Float64bits(want[o]) {
			t.Fatalf("row %d of %d, output %d: %s %x, want %x", row, n, o, what, got[o], want[o])
		}
	}
}

// batch sizes around every border of the kernels.
var batches = []int{0, 1, 2, 5, 6, 7, 8, 9, 13, 14, 16, 17, 31, 127, 128, 129, 134, 300}

func TestTwinWild(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 0))
		w := newTwin(t, irtest.Wild(rng))
		n := batches[seed%uint64(len(batches))]
		w.compare(t, irtest.WildRows(rng, w.model, n), n)
	}
}

func FuzzTwin(f *testing.F) {
	for i, n := range batches {
		f.Add(uint64(i), uint16(n))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint16) {
		rng := rand.New(rand.NewPCG(seed, 0))
		w := newTwin(t, irtest.Wild(rng))
		rows := int(n % 301)
		w.compare(t, irtest.WildRows(rng, w.model, rows), rows)
	})
}

// stumps is a model of one tree a feature, each with its own threshold.
func stumps(features int, input ir.Precision) *ir.Model {
	m := irtest.Forest(irtest.Shape{Trees: features, Depth: 1, Features: features, Precision: input})
	for t := range m.Trees {
		m.Trees[t].Nodes[0].Feature = int32(t)
	}
	return m
}

// chain is a tree that is as deep as it has inner nodes.
func chain(depth int) *ir.Model {
	m := irtest.Forest(irtest.Shape{Trees: 1, Depth: 1, Features: 3})
	tree := &m.Trees[0]
	tree.Nodes, tree.Values = nil, nil
	for i := range depth {
		at := int32(len(tree.Nodes))
		tree.Nodes = append(tree.Nodes,
			ir.Node{Feature: int32(i % 3), Left: at + 2, Right: at + 1, Threshold: float64(depth - i), Op: ir.Op(i % 2), MissingLeft: i%2 == 0},
			ir.Node{Feature: ir.Leaf, Value: int32(i), ID: int32(-i)})
		tree.Values = append(tree.Values, float64(i))
	}
	tree.Nodes = append(tree.Nodes, ir.Node{Feature: ir.Leaf, Value: int32(depth), ID: int32(depth)})
	tree.Values = append(tree.Values, -1)
	return m
}

// TestTwinForms meets every form of nodes and every way to sum.
func TestTwinForms(t *testing.T) {
	forest := func(s irtest.Shape) *ir.Model { return irtest.Forest(s) }
	mixed := func(input, sum ir.Precision) *ir.Model {
		m := forest(irtest.Shape{Trees: 13, Depth: 5, Missing: true, Precision: input})
		m.Sum = sum
		return m
	}
	for _, c := range []struct {
		name  string
		model *ir.Model
		form  string
	}{
		{"float32", mixed(ir.Float32, ir.Float32), "Nodes32"},
		{"float32 summed in float64", mixed(ir.Float32, ir.Float64), "Nodes32"},
		{"float64", mixed(ir.Float64, ir.Float64), "Steps32"},
		{"float64 summed in float32", mixed(ir.Float64, ir.Float32), "Steps32"},
		{"as many columns as the narrow form holds", stumps(narrowColumns, ir.Float32), "Nodes32"},
		{"one column more", stumps(narrowColumns+1, ir.Float32), "Steps64"},
		{"one column more in float64", stumps(narrowColumns+1, ir.Float64), "Steps64"},
		{"an offset that fits", forest(irtest.Shape{Trees: 2, Depth: 15, Precision: ir.Float32}), "Nodes32"},
		{"an offset too far", forest(irtest.Shape{Trees: 2, Depth: 17, Precision: ir.Float32}), "Steps64"},
		{"an offset too far in float64", forest(irtest.Shape{Trees: 2, Depth: 17, Missing: true}), "Steps64"},
		{"a chain", chain(300), "Steps32"},
		{"the deepest chain", chain(ir.MaxDepth), "Steps32"},
		{"two outputs by turns", forest(irtest.Shape{Trees: 11, Outputs: 2}), "Steps32"},
		{"two votes", forest(irtest.Shape{Trees: 11, Outputs: 2, Votes: true}), "Steps32"},
		{"three votes", forest(irtest.Shape{Trees: 90, Outputs: 3, Votes: true}), "Steps32"},
		{"four votes in float32", forest(irtest.Shape{Trees: 9, Outputs: 4, Votes: true, Precision: ir.Float32}), "Nodes32"},
		{"nine votes", forest(irtest.Shape{Trees: 9, Outputs: 9, Votes: true}), "Steps32"},
		{"more trees than a chunk", forest(irtest.Shape{Trees: 2*treeChunk + 3, Depth: 2}), "Steps32"},
		{"no trees", forest(irtest.Shape{Trees: -1}), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTwin(t, c.model)
			if got := form(&w.engine.a); got != c.form {
				t.Errorf("nodes are in %s, want %s", got, c.form)
			}
			for _, n := range []int{1, 7, 20, 150} {
				if len(c.model.Trees) > 1000 && n > 20 {
					continue
				}
				rng := rand.New(rand.NewPCG(uint64(n), 3))
				w.compare(t, irtest.WildRows(rng, c.model, n), n)
				w.compare(t, irtest.Rows(c.model, n, 4), n)
			}
		})
	}
}

func form(a *Arrays) string {
	switch {
	case len(a.Nodes32) > 0:
		return "Nodes32"
	case len(a.Steps32) > 0:
		return "Steps32"
	case len(a.Steps64) > 0:
		return "Steps64"
	}
	return "none"
}

// TestAnyBatch scores the same rows in batches of all sizes: no bit of an
// answer depends on what it was scored with.
func TestAnyBatch(t *testing.T) {
	const total = 300
	m := irtest.Forest(irtest.Shape{Trees: 21, Depth: 4, Features: 5, Missing: true, Precision: ir.Float32})
	rows := irtest.WildRows(rand.New(rand.NewPCG(1, 1)), m, total)
	e := newTwin(t, m).engine
	var s Scratch
	want := make([]float64, total)
	e.Score(rows, total, want, &s)
	for size := 1; size <= total; size++ {
		got := make([]float64, total)
		for at := 0; at < total; at += size {
			n := min(size, total-at)
			e.Score(rows[at*5:], n, got[at:], &s)
		}
		same(t, "value", 0, size, got, want)
	}
}

// TestUnrounded scores rows that nobody has rounded to the model's precision.
func TestUnrounded(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Precision: ir.Float32})
	threshold := m.Trees[0].Nodes[0].Threshold
	var rows []float64
	for _, x := range []float64{
		threshold, math.Nextafter(threshold, 9), math.Nextafter(threshold, -9), 1e300, -1e300, 1e-300, math.MaxFloat64,
	} {
		rows = append(rows, x, -x)
	}
	newTwin(t, m).compare(t, rows, len(rows)/2)
}

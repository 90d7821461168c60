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

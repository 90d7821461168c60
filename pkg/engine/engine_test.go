package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

func TestCompileIsDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		first, err1 := Compile(irtest.Wild(rand.New(rand.NewPCG(seed, 0))))
		again, err2 := Compile(irtest.Wild(rand.New(rand.NewPCG(seed, 0))))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if !reflect.DeepEqual(first, again) {
			t.Fatalf("seed %d: the same model gave other arrays", seed)
		}
	}
}

// TestColumns: only features that the model looks at have columns, and two
// only where missing values go both ways.
func TestColumns(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: 3, Depth: 1, Features: 9})
	for i, root := range []ir.Node{{Feature: 7, MissingLeft: true}, {Feature: 7}, {Feature: 2}} {
		n := &m.Trees[i].Nodes[0]
		n.Feature, n.MissingLeft = root.Feature, root.MissingLeft
	}
	a, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Columns, []uint32{2 | NaNAbove, 7, 7 | NaNAbove}; !reflect.DeepEqual(got, want) {
		t.Errorf("got columns %x, want %x", got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: 1, Depth: 1})
	m.Trees[0].Nodes[0].Threshold = math.NaN()
	_, err := Compile(m)
	var typed *ir.Error
	if !errors.As(err, &typed) || typed.Path != "tree 0: node 0" {
		t.Errorf("got error %v, want an *ir.Error of tree 0: node 0", err)
	}
}

// TestNoAllocation: scoring with a scratch that has seen the batch size
// allocates nothing.
func TestNoAllocation(t *testing.T) {
	for _, s := range shapes[:6] {
		m := irtest.Forest(s.Shape)
		e := newTwin(t, m).engine
		for _, n := range []int{1, 5, 8, 130} {
			rows := irtest.Rows(m, n, 1)
			out, ids := make([]float64, n*m.Outputs), make([]int32, n*len(m.Trees))
			var scratch Scratch
			got := testing.AllocsPerRun(10, func() {
				e.Margin(rows, n, out, &scratch)
				e.Score(rows, n, out, &scratch)
				e.Leaf(rows, n, ids, &scratch)
			})
			if got != 0 {
				t.Errorf("%s: %v allocations for %d rows, want 0", s.name, got, n)
			}
		}
	}
}

// TestShared: one engine serves many goroutines, each with its own scratch.
func TestShared(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: 20, Depth: 4, Features: 5, Outputs: 3, Votes: true, Missing: true})
	e := newTwin(t, m).engine
	var wait sync.WaitGroup
	for seed := range uint64(4) {
		wait.Go(func() {
			w := &twin{model: m, engine: e}
			for n := range 30 {
				w.compare(t, irtest.Rows(m, n, seed), n)
			}
		})
	}
	wait.Wait()
}

// TestWorkers: large batches are shared, with the same bits as alone.
func TestWorkers(t *testing.T) {
	const n = 1500
	m := irtest.Forest(irtest.Shape{Trees: 200, Precision: ir.Float32})
	e := newTwin(t, m).engine
	rows := irtest.Rows(m, n, 1)
	alone, shared := make([]float64, n), make([]float64, n)
	e.Score(rows, n, alone, &Scratch{Workers: 1})
	many := &Scratch{Workers: 3}
	if got := e.workers(n, many.Workers); got < 2 {
		t.Fatalf("%d worker for %d rows of %.0f ns, want more", got, n, e.RowCost())
	}
	e.Score(rows, n, shared, many)
	same(t, "value", 0, n, shared, alone)

	aloneIDs, sharedIDs := make([]int32, n*200), make([]int32, n*200)
	e.Leaf(rows, n, aloneIDs, &Scratch{Workers: 1})
	e.Leaf(rows, n, sharedIDs, many)
	if !reflect.DeepEqual(sharedIDs, aloneIDs) {
		t.Error("leaves differ between one goroutine and more")
	}
}

func TestWorkersAreWorthIt(t *testing.T) {
	small := newTwin(t, irtest.Forest(irtest.Shape{Trees: 50, Depth: 4, Features: 4})).engine
	large := newTwin(t, irtest.Forest(irtest.Shape{Trees: 300})).engine
	for _, c := range []struct {
		name           string
		e              *Engine
		n, limit, want int
	}{
		{"one row", large, 1, 8, 1},
		{"a small batch", large, 127, 8, 1},
		{"a cheap model", small, 1000, 8, 1},
		{"a large batch", large, 100_000, 8, 8},
		{"a large batch on one", large, 100_000, 1, 1},
	} {
		if got := c.e.workers(c.n, c.limit); got != c.want {
			t.Errorf("%s: %d workers, want %d", c.name, got, c.want)
		}
	}
}

// TestWorkerPanic: a panic in a worker comes out on the caller's goroutine,
// after all workers have ended.
func TestWorkerPanic(t *testing.T) {
	const n = 4000
	m := irtest.Forest(irtest.Shape{Trees: 100})
	e := newTwin(t, m).engine
	e.walker = brokenWalker{}
	defer func() {
		err, ok := recover().(error)
		if !ok || !strings.Contains(err.Error(), "broken on purpose") {
			t.Errorf("recovered %v, want the walker's panic", err)
		}
	}()
	e.Score(irtest.Rows(m, n, 1), n, make([]float64, n), &Scratch{Workers: 4})
	t.Error("no panic")
}

type brokenWalker struct{}

func (brokenWalker) walk([]float64, int, *Scratch, sink) { panic("broken on purpose") }

func TestKernel(t *testing.T) {
	e := newTwin(t, irtest.Forest(irtest.Shape{Trees: 1, Depth: 1})).engine
	for n, want := range map[int]string{1: "eight-trees", padFrom - 1: "eight-trees", padFrom: "eight-rows", 8: "eight-rows", 1000: "eight-rows"} {
		if got := e.Kernel(n); got != want {
			t.Errorf("Kernel(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestCost: what makes a model dearer makes its estimate larger, and a wide
// model has smaller blocks.
func TestCost(t *testing.T) {
	cost := func(s irtest.Shape) cost { return newTwin(t, irtest.Forest(s)).engine.cost }
	base := cost(irtest.Shape{Trees: 10, Depth: 4})
	for name, s := range map[string]irtest.Shape{
		"more trees":    {Trees: 20, Depth: 4},
		"deeper trees":  {Trees: 10, Depth: 5},
		"votes":         {Trees: 10, Depth: 4, Outputs: 3, Votes: true},
		"NaN both ways": {Trees: 10, Depth: 4, Missing: true},
	} {
		if got := cost(s); got.row <= base.row {
			t.Errorf("%s: %.0f ns a row, want more than %.0f", name, got.row, base.row)
		}
	}
	if base.block != maxBlock {
		t.Errorf("blocks of %d rows, want %d", base.block, maxBlock)
	}
	wide := newTwin(t, stumps(3000, ir.Float64)).engine.cost
	if wide.block != minBlock {
		t.Errorf("blocks of %d rows for 3,000 columns, want %d", wide.block, minBlock)
	}
}

// TestNothing: no rows and no trees need no memory from the caller.
func TestNothing(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: -1, Features: 2})
	m.Base[0] = 0.25
	e := newTwin(t, m).engine
	var s Scratch
	e.Leaf(make([]float64, 2*300), 300, nil, &s)
	e.Leaf(nil, 0, nil, &s)
	e.Score(nil, 0, nil, &s)
	out := make([]float64, 3)
	e.Score(make([]float64, 2*3), 3, out, &s)
	if want := []float64{0.25, 0.25, 0.25}; !reflect.DeepEqual(out, want) {
		t.Errorf("got %v, want the base, %v", out, want)
	}
}

// TestCompileMemory: what Compile allocates in all is at most twice what it
// returns.
func TestCompileMemory(t *testing.T) {
	for _, s := range []irtest.Shape{
		{Trees: 200, Depth: 10, Precision: ir.Float32},
		{Trees: 200, Depth: 10, Op: ir.LE},
		{Trees: 200, Depth: 10, Categories: 20, Op: ir.LE, Missing: true},
		{Trees: 200, Depth: 8, Linear: 3},
		{Trees: 200, Depth: 8, Outputs: 3, Votes: true},
	} {
		m := irtest.Forest(s)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Compile(m)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		size := 8*(len(a.Nodes32)+len(a.Keys64)+len(a.Steps64)+len(a.Leaves64)+len(a.Masks64)+len(a.LinearCoeffs)) +
			4*(len(a.Steps32)+len(a.Leaves32)+len(a.LeafIDs)+len(a.Masks32)+len(a.SetWords)+len(a.LinearStarts)+len(a.LinearFeatures))
		if got := int(after.TotalAlloc - before.TotalAlloc); got > 2*size {
			t.Errorf("%+v: %d bytes for a model of %d", s, got, size)
		}
	}
}

package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// TestEights: every tree of a chunk stands in one place, flat trees with flat
// ones, and the last one fills up.
func TestEights(t *testing.T) {
	for _, trees := range []int{0, 1, 7, 8, 9, treeChunk - 1, treeChunk, treeChunk + 1, 3*treeChunk + 13} {
		rng := rand.New(rand.NewPCG(uint64(trees), 0))
		a := &Arrays{}
		for i := range trees {
			a.Roots = append(a.Roots, uint32(10*i))
			a.Depths = append(a.Depths, uint32(1+rng.IntN(12)))
		}
		list := eights(a)
		if got, want := len(list), (trees+lanes-1)/lanes; got != want {
			t.Fatalf("%d trees: %d eights, want %d", trees, got, want)
		}
		seen := make([]int, trees)
		for i, e := range list {
			chunk := i * lanes / treeChunk * treeChunk
			deepest := uint32(0)
			for k, place := range e.place {
				tree := chunk + int(place)
				seen[tree]++
				deepest = max(deepest, a.Depths[tree])
				if e.roots[k] != a.Roots[tree] {
					t.Errorf("%d trees: eight %d has root %d for tree %d", trees, i, e.roots[k], tree)
				}
			}
			if e.depth != deepest {
				t.Errorf("%d trees: eight %d has depth %d, want %d", trees, i, e.depth, deepest)
			}
			if i*lanes%treeChunk != 0 && e.depth < list[i-1].depth {
				t.Errorf("%d trees: eight %d is flatter than the one before it", trees, i)
			}
		}
		if i := slices.Index(seen, 0); i >= 0 {
			t.Errorf("%d trees: tree %d stands nowhere", trees, i)
		}
	}
}

// walks lets both kernels of a model walk the same rows, and compares the leaf
// numbers with those of follow.
func walks[K, S, KP, SP word](t *testing.T, a *Arrays, f *forest[K, S, KP, SP], rows []float64, n int) {
	t.Helper()
	width := f.constant + lanes
	groups := (n + lanes - 1) / lanes
	x := make([]K, groups*width)
	for g := range groups {
		f.fill(x[g*width:], rows[g*lanes*f.features:], min(lanes, n-g*lanes))
	}
	want := make([][]uint64, n)
	for i := range want {
		want[i] = follow(a, rows[i*f.features:][:f.features])
	}
	leaves := make([]uint32, groups*lanes)
	eightRows, eightTrees := f.eightRows, f.eightTrees
	if f.masks != nil {
		eightRows, eightTrees = f.eightRowsMasked, f.eightTreesMasked
	}
	for tree := range f.roots {
		eightRows(tree, x, leaves)
		f.numbers(leaves)
		for i := range n {
			if got := uint64(leaves[i]); got != want[i][tree] {
				t.Fatalf("eight rows: row %d, tree %d: leaf %d, want %d", i, tree, got, want[i][tree])
			}
		}
	}
	for i := range n {
		f.fillLane(x, rows[i*f.features:][:f.features])
		chunk := make([]uint32, min(treeChunk, len(f.roots)))
		eightTrees(f.eights[:(len(chunk)+lanes-1)/lanes], x, chunk)
		f.numbers(chunk)
		for tree, got := range chunk {
			if uint64(got) != want[i][tree] {
				t.Fatalf("eight trees: row %d, tree %d: leaf %d, want %d", i, tree, got, want[i][tree])
			}
		}
	}
}

// TestKernels walks trees whose depths lie around the borders of bursts, in
// all forms of nodes.
func TestKernels(t *testing.T) {
	const n = 21
	for _, input := range []ir.Precision{ir.Float32, ir.Float64} {
		for _, depth := range []int{1, 2, burst - 1, burst, burst + 1, 2*burst - 1, 2 * burst, 2*burst + 1, 5 * burst} {
			m := chain(depth)
			m.Input = input
			for len(m.Trees) < 2*lanes+3 {
				m.Trees = append(m.Trees, m.Trees[0])
			}
			// A bush and a leaf among the chains.
			m.Trees[4] = irtest.Forest(irtest.Shape{Trees: 1, Depth: 3, Features: 3}).Trees[0]
			m.Trees[5] = ir.Tree{Nodes: []ir.Node{{Feature: ir.Leaf}}, Values: []float64{1}}
			rows := make([]float64, 0, n*3)
			rng := rand.New(rand.NewPCG(uint64(depth), 0))
			for range n * 3 {
				rows = append(rows, float64(rng.IntN(depth+2)))
			}
			t.Run(fmt.Sprintf("input %d, depth %d", input, depth), func(t *testing.T) {
				a, err := Compile(m)
				if err != nil {
					t.Fatal(err)
				}
				walkAll(t, a, rows, n)
				walkAll(t, widened(a), rows, n)
			})
		}
	}
}

func walkAll(t *testing.T, a *Arrays, rows []float64, n int) {
	t.Helper()
	e, err := New(*a)
	if err != nil {
		t.Fatal(err)
	}
	switch f := e.walker.(type) {
	case *forest[uint32, uint32, uint64, uint64]:
		walks(t, a, f, rows, n)
	case *forest[uint64, uint32, uint64, uint32]:
		walks(t, a, f, rows, n)
	case *forest[uint64, uint64, uint64, uint64]:
		walks(t, a, f, rows, n)
	default:
		t.Fatalf("no such walker: %T", f)
	}
}

// widened has the same nodes in the wide form.
func widened(a *Arrays) *Arrays {
	wide := clone(*a)
	wide.Nodes32, wide.Keys64, wide.Steps32, wide.Masks32 = nil, nil, nil, nil
	for _, m := range a.Masks32 {
		wide.Masks64 = append(wide.Masks64, uint64(m))
	}
	for i := range a.nodes() {
		key, offset, column := a.node(uint32(i))
		wide.Keys64 = append(wide.Keys64, key)
		wide.Steps64 = append(wide.Steps64, offset<<32|column)
	}
	return &wide
}

// TestWideIsNarrow: the form of the nodes does not show in any answer.
func TestWideIsNarrow(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := irtest.Wild(rng)
		a, err := Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		n := batches[seed%uint64(len(batches))]
		newTwinOf(t, m, *widened(a)).compare(t, irtest.WildRows(rng, m, n), n)
	}
}

func TestResting(t *testing.T) {
	steps := []uint32{8, 1<<16 | 8, 8, 8}
	base := unsafe.Pointer(unsafe.SliceData(steps))
	for _, c := range []struct {
		nodes [lanes]uint32
		want  bool
	}{
		{[lanes]uint32{}, true},
		{[lanes]uint32{0, 2, 3, 0, 2, 3, 0, 2}, true},
		{[lanes]uint32{1, 0, 0, 0, 0, 0, 0, 0}, false},
		{[lanes]uint32{0, 0, 0, 0, 0, 0, 0, 1}, false},
	} {
		if got := resting[uint32, uint32](base, &c.nodes); got != c.want {
			t.Errorf("nodes %v: resting %v, want %v", c.nodes, got, c.want)
		}
	}
}

// TestFill: lanes side by side, columns after each other, lanes without a row
// repeating the last one, the constant column 0.
func TestFill(t *testing.T) {
	f := newForest[uint64, uint64, uint64, uint64](&Arrays{Features: 2, Columns: []uint32{0, 1 | NaNAbove}}, nil, nil)
	rows := []float64{1, 2, 3, 4, 5, 6}
	keys := make([]uint64, 3*lanes)
	for i := range keys {
		keys[i] = 99
	}
	f.fill(keys, rows, 3)
	for lane := range lanes {
		row := rows[2*min(lane, 2):]
		for c, want := range []uint64{key64(row[0], 0), key64(row[1], 0), 0} {
			if got := keys[c*lanes+lane]; got != want {
				t.Errorf("lane %d, column %d: key %x, want %x", lane, c, got, want)
			}
		}
	}
}

func TestRowGroups(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 0, padFrom - 1: 0, padFrom: 1, 8: 1, 9: 1, 8 + padFrom: 2, 128: 16} {
		if got := rowGroups(n); got != want {
			t.Errorf("%d rows: %d groups, want %d", n, got, want)
		}
	}
}

package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"example.com/copse/pkg/ir"
)

// sums adds the same leaves tree by tree, row by row, and as plainly as it
// gets, in one precision.
func sums[F float32 | float64](t *testing.T, outputs, width, trees, rows int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(outputs*100+trees), uint64(rows)))
	const leaves = 40
	values, base := make([]F, leaves*width), make([]F, outputs)
	for i := range values {
		values[i] = F(rng.NormFloat64()) * F(rng.IntN(1000))
	}
	for i := range base {
		base[i] = F(rng.NormFloat64())
	}
	a := &Arrays{Outputs: outputs, LeafWidth: width}
	for range trees {
		a.Groups = append(a.Groups, uint32(rng.IntN(outputs)))
	}
	reached := make([][]uint32, trees) // of each tree, the leaf of each row
	for k := range reached {
		reached[k] = make([]uint32, rows)
		for i := range reached[k] {
			reached[k][i] = uint32(rng.IntN(leaves))
		}
	}

	want := make([]F, rows*outputs)
	for i := range rows {
		margin := want[i*outputs:][:outputs]
		copy(margin, base)
		for k := range trees {
			v := values[int(reached[k][i])*width:][:width]
			for o, x := range v {
				if width == 1 {
					o = int(a.Groups[k])
				}
				margin[o] += x
			}
		}
	}

	var s sum[F]
	byTree, byRow := make([]F, len(want)), make([]F, len(want))
	s.start(a, values, base, byTree)
	for k := 0; k < trees; k += treeBatch {
		var b block
		count := min(treeBatch, trees-k)
		for j := range count {
			copy(b[j][:], reached[k+j])
		}
		s.trees(k, count, rows, &b)
	}
	s.start(a, values, base, byRow)
	for i := range rows {
		for k := 0; k < trees; k += 5 {
			var some []uint32
			for _, of := range reached[k:min(k+5, trees)] {
				some = append(some, of[i])
			}
			s.row(i, k, some)
		}
	}
	for i := range want {
		if byTree[i] != want[i] || byRow[i] != want[i] {
			t.Fatalf("row %d, output %d: %v by tree, %v by row, want %v", i/outputs, i%outputs, byTree[i], byRow[i], want[i])
		}
	}
}

func TestSums(t *testing.T) {
	for outputs := 1; outputs <= 9; outputs++ {
		for _, width := range []int{1, outputs} {
			for _, trees := range []int{0, 1, 3, 4, 5, 8, 11} {
				for _, rows := range []int{1, 8, maxBlock} {
					t.Run(fmt.Sprintf("%d outputs, width %d, %d trees, %d rows", outputs, width, trees, rows), func(t *testing.T) {
						sums[float32](t, outputs, width, trees, rows)
						sums[float64](t, outputs, width, trees, rows)
					})
				}
			}
		}
	}
}

// TestLeafIDs: leaf numbers go to their row and tree, by either way.
func TestLeafIDs(t *testing.T) {
	const trees, rows = 6, 3
	ids := []int32{100, 101, 102, 103, 104, 105, 106, 107}
	byTree, byRow := make([]int32, rows*trees), make([]int32, rows*trees)
	leaf := func(i, t int) uint32 { return uint32((i + 2*t) % len(ids)) }

	l := leafIDs{ids: ids, all: trees, out: byTree}
	for at := 0; at < trees; at += treeBatch {
		var b block
		count := min(treeBatch, trees-at)
		for k := range count {
			for i := range rows {
				b[k][i] = leaf(i, at+k)
			}
		}
		l.trees(at, count, rows, &b)
	}
	l.out = byRow
	for i := range rows {
		l.row(i, 0, []uint32{leaf(i, 0), leaf(i, 1)})
		l.row(i, 2, []uint32{leaf(i, 2), leaf(i, 3), leaf(i, 4), leaf(i, 5)})
	}
	for i := range rows {
		for k := range trees {
			want := ids[leaf(i, k)]
			if got := byTree[i*trees+k]; got != want {
				t.Errorf("by tree: row %d, tree %d: %d, want %d", i, k, got, want)
			}
			if got := byRow[i*trees+k]; got != want {
				t.Errorf("by row: row %d, tree %d: %d, want %d", i, k, got, want)
			}
		}
	}
}

// TestOverflow: a sum beyond float32 is infinite in engine and reference
// alike, and the link keeps it.
func TestOverflow(t *testing.T) {
	m := chain(1)
	m.Sum, m.Average = ir.Float32, 3
	m.Trees[0].Values = []float64{3e38, 3e38}
	m.Trees = append(m.Trees, m.Trees[0], m.Trees[0])
	newTwin(t, m).compare(t, []float64{1, 2, 3, 0, 0, 0}, 2)
}

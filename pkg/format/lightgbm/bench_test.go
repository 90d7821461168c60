package lightgbm_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/ir"
)

func itoa(n int) string { return strconv.Itoa(n) }

func ftoa(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// big is a model file as LightGBM writes it, of random trees.
func big(trees, leaves int) string {
	rng := rand.New(rand.NewPCG(5, 6))
	const features = 50
	var b strings.Builder
	line := func(key string, n int, value func(i int) string) {
		b.WriteString(key)
		b.WriteByte('=')
		for i := range n {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(value(i))
		}
		b.WriteByte('\n')
	}
	whole := func(most int) func(int) string {
		return func(int) string { return itoa(rng.IntN(most)) }
	}
	real := func(scale float64) func(int) string {
		return func(int) string { return fmt.Sprintf("%.17g", rng.NormFloat64()*scale) }
	}
	short := func(int) string { return fmt.Sprintf("%g", float32(rng.ExpFloat64()*100)) }
	b.WriteString("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=" + itoa(features-1) + "\nobjective=regression\n")
	line("feature_names", features, func(i int) string { return "Column_" + itoa(i) })
	line("feature_infos", features, func(int) string { return "[-4.0395370764961722:3.9513515279068461]" })
	line("tree_sizes", trees, whole(9000))
	b.WriteByte('\n')
	for t := range trees {
		inner := leaves - 1
		// Each split takes a leaf that there is, as training does.
		left, right := make([]int, inner), make([]int, inner)
		type slot struct{ node, side int }
		at := []slot{{-1, 0}}
		for n := range inner {
			leaf := rng.IntN(len(at))
			if s := at[leaf]; s.node >= 0 {
				[2][]int{left, right}[s.side][s.node] = n
			}
			left[n], right[n] = ^leaf, ^len(at)
			at[leaf] = slot{n, 0}
			at = append(at, slot{n, 1})
		}
		fmt.Fprintf(&b, "Tree=%d\nnum_leaves=%d\nnum_cat=0\n", t, leaves)
		line("split_feature", inner, whole(features))
		line("split_gain", inner, short)
		line("threshold", inner, real(1))
		line("decision_type", inner, func(int) string { return "2" })
		line("left_child", inner, func(i int) string { return itoa(left[i]) })
		line("right_child", inner, func(i int) string { return itoa(right[i]) })
		line("leaf_value", leaves, real(0.01))
		line("leaf_weight", leaves, whole(9000))
		line("leaf_count", leaves, whole(9000))
		line("internal_value", inner, short)
		line("internal_weight", inner, whole(9000))
		line("internal_count", inner, whole(9000))
		b.WriteString("is_linear=0\nshrinkage=0.02\n\n\n")
	}
	b.WriteString("end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\nend of parameters\n\npandas_categorical:null\n")
	return b.String()
}

// size is what a model's trees take.
func size(m *ir.Model) (bytes uint64) {
	for i := range m.Trees {
		t := &m.Trees[i]
		bytes += uint64(unsafe.Sizeof(*t)) + uint64(len(t.Nodes))*uint64(unsafe.Sizeof(ir.Node{})) + 8*uint64(len(t.Values))
	}
	return bytes
}

// TestAllocated: reading takes at most twice the memory of the model, garbage
// counted.
func TestAllocated(t *testing.T) {
	for _, tt := range []struct{ trees, leaves int }{{300, 31}, {30, 1000}, {1, 150_000}} {
		text := []byte(big(tt.trees, tt.leaves))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, _, err := lightgbm.Read(bufio.NewReader(bytes.NewReader(text)))
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		got, model := after.TotalAlloc-before.TotalAlloc, size(m)
		t.Logf("%d trees of %d leaves: %.2f times the model's %d bytes", tt.trees, tt.leaves, float64(got)/float64(model), model)
		if got > 2*model {
			t.Errorf("%d trees of %d leaves: %d bytes for a model of %d", tt.trees, tt.leaves, got, model)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, bm := range []struct{ trees, leaves int }{{100, 31}, {1000, 31}, {100, 1000}} {
		b.Run(fmt.Sprintf("%dx%d", bm.trees, bm.leaves), func(b *testing.B) {
			text := []byte(big(bm.trees, bm.leaves))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := lightgbm.Read(bufio.NewReader(bytes.NewReader(text))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

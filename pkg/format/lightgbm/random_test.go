package lightgbm_test

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/ir"
)

// TestRandomModels writes random models as LightGBM would and reads them again.
func TestRandomModels(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		want := randomModel(rng)
		if err := ir.Check(want); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		text := format(rng, want)
		got, _, err := lightgbm.Read(bufio.NewReaderSize(iotest.HalfReader(strings.NewReader(text)), 16))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got\n%+v\nwant\n%+v\n%s", seed, got, want, text)
		}
	}
}

// randomModel has trees of all kinds.
func randomModel(rng *rand.Rand) *ir.Model {
	classes := 1 + rng.IntN(3)
	m := &ir.Model{
		Library: "lightgbm", Version: fmt.Sprintf("v%d", 2+rng.IntN(3)),
		ZeroBand: true, Outputs: classes, LeafWidth: 1, Base: make([]float64, classes), BestIteration: -1,
	}
	for i := range 1 + rng.IntN(5) {
		m.FeatureNames = append(m.FeatureNames, fmt.Sprintf("f%d_é", i))
	}
	rounds := rng.IntN(4)
	for range rounds * classes {
		m.Trees = append(m.Trees, randomTree(rng, len(m.Trees)%classes, len(m.FeatureNames)))
	}
	for i := range rounds + 1 {
		m.Iterations = append(m.Iterations, int32(i*classes))
	}
	if rng.IntN(3) == 0 {
		m.Average = rounds
	}
	return m
}

// randomTree grows as LightGBM's do: each split takes a leaf, which stays its
// left child, and the new leaf is its right.
func randomTree(rng *rand.Rand, group, features int) ir.Tree {
	leaves := 1 + rng.IntN(12)
	inner := leaves - 1
	tree := ir.Tree{Group: group, Nodes: make([]ir.Node, leaves+inner)}
	place := []*int32{new(int32)} // where each leaf hangs
	for n := range inner {
		node := &tree.Nodes[n]
		randomSplit(rng, &tree, node, features)
		leaf := rng.IntN(len(place))
		*place[leaf] = int32(n)
		place[leaf] = &node.Left
		place = append(place, &node.Right)
	}
	for i, p := range place {
		*p = int32(inner + i)
		tree.Nodes[inner+i] = ir.Node{Feature: ir.Leaf, Value: int32(i), ID: int32(i)}
		tree.Values = append(tree.Values, rng.NormFloat64())
	}
	if rng.IntN(3) == 0 {
		for range leaves {
			l := ir.Linear{Const: rng.NormFloat64(), Features: []int32{}, Coeffs: []float64{}}
			for f := range features {
				if rng.IntN(2) == 0 {
					l.Features, l.Coeffs = append(l.Features, int32(f)), append(l.Coeffs, rng.NormFloat64())
				}
			}
			tree.Linear = append(tree.Linear, l)
		}
	}
	return tree
}

func randomSplit(rng *rand.Rand, tree *ir.Tree, n *ir.Node, features int) {
	n.Feature, n.Op = int32(rng.IntN(features)), ir.LE
	if rng.IntN(3) > 0 {
		n.Threshold = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(80)-40))
		n.MissingLeft = rng.IntN(2) == 0
		n.Missing = []ir.Missing{ir.MissingNone, ir.MissingZero, ir.MissingNaN}[rng.IntN(3)]
		return
	}
	n.Op, n.Value = ir.In, int32(len(tree.Sets))
	var set []int32
	for range 1 + rng.IntN(9) {
		set = append(set, int32(rng.IntN(200)))
	}
	slices.Sort(set)
	tree.Sets = append(tree.Sets, slices.Compact(set))
}

// format writes a model as a file, with what the reader passes over.
func format(rng *rand.Rand, m *ir.Model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tree\nversion=%s\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\nmax_feature_idx=%d\n",
		m.Version, m.Outputs, m.Outputs, len(m.FeatureNames)-1)
	if m.Average > 0 || len(m.Trees) == 0 && rng.IntN(2) == 0 {
		b.WriteString("average_output\n")
	}
	fmt.Fprintf(&b, "feature_names=%s\nfeature_infos=%s\ntree_sizes=%s\n\n", strings.Join(m.FeatureNames, " "),
		list(m.FeatureNames, func(string) string { return "none" }), list(m.Trees, func(ir.Tree) string { return "99" }))
	for i := range m.Trees {
		fmt.Fprintf(&b, "Tree=%d\n", i)
		formatTree(&b, &m.Trees[i])
		b.WriteString(strings.Repeat("\n", 1+rng.IntN(3)))
	}
	b.WriteString("end of trees\n\nfeature_importances:\nf0=1\n\nparameters:\n[num_iterations: 3]\n\nend of parameters\n\npandas_categorical:[]\n")
	text := b.String()
	if rng.IntN(2) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

func formatTree(b *strings.Builder, t *ir.Tree) {
	inner := len(t.Values) - 1
	nodes := t.Nodes[:inner]
	child := func(c int32) string {
		if int(c) < inner {
			return itoa(int(c))
		}
		return itoa(inner - 1 - int(c))
	}
	fmt.Fprintf(b, "num_leaves=%d\nnum_cat=%d\n", len(t.Values), len(t.Sets))
	if inner > 0 {
		fmt.Fprintf(b, "split_feature=%s\nsplit_gain=%s\nthreshold=%s\ndecision_type=%s\nleft_child=%s\nright_child=%s\n",
			list(nodes, func(n ir.Node) string { return itoa(int(n.Feature)) }), list(nodes, func(ir.Node) string { return "1e-3" }),
			list(nodes, threshold), list(nodes, decision),
			list(nodes, func(n ir.Node) string { return child(n.Left) }), list(nodes, func(n ir.Node) string { return child(n.Right) }))
	}
	real := func(x float64) string { return fmt.Sprintf("%.17g", x) }
	fmt.Fprintf(b, "leaf_value=%s\n", list(t.Values, real))
	if len(t.Sets) > 0 {
		bounds, words := []int{0}, []uint32{}
		for _, set := range t.Sets {
			bits := make([]uint32, set[len(set)-1]/32+1)
			for _, code := range set {
				bits[code/32] |= 1 << (code % 32)
			}
			words = append(words, bits...)
			bounds = append(bounds, len(words))
		}
		fmt.Fprintf(b, "cat_boundaries=%s\ncat_threshold=%s\n", list(bounds, itoa), list(words, func(w uint32) string { return fmt.Sprint(w) }))
	}
	fmt.Fprintf(b, "is_linear=%d\n", min(1, len(t.Linear)))
	if len(t.Linear) > 0 {
		// LightGBM separates the leaves' lists by one space more.
		fmt.Fprintf(b, "leaf_const=%s\nnum_features=%s\nleaf_features=%s\nleaf_coeff=%s\n",
			list(t.Linear, func(l ir.Linear) string { return real(l.Const) }), list(t.Linear, func(l ir.Linear) string { return itoa(len(l.Features)) }),
			list(t.Linear, func(l ir.Linear) string { return list(l.Features, func(f int32) string { return itoa(int(f)) }) + " " }),
			list(t.Linear, func(l ir.Linear) string { return list(l.Coeffs, real) + " " }))
	}
	b.WriteString("shrinkage=0.1\n")
}

func threshold(n ir.Node) string {
	if n.Op == ir.In {
		return itoa(int(n.Value))
	}
	return fmt.Sprintf("%.17g", n.Threshold)
}

// decision is decision_type, by LightGBM's include/LightGBM/tree.h.
func decision(n ir.Node) string {
	if n.Op == ir.In {
		return "9"
	}
	d := map[ir.Missing]int{ir.MissingNone: 0, ir.MissingZero: 1, ir.MissingNaN: 2}[n.Missing] << 2
	if n.MissingLeft {
		d |= 2
	}
	return itoa(d)
}

func list[T any](items []T, text func(T) string) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = text(item)
	}
	return strings.Join(parts, " ")
}

package irtest

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/copse/pkg/ir"
)

// Wild makes a sound model in which everything that may differ does: trees of
// any form, comparisons, sets, kinds and directions of missing, precisions,
// widths, groups, linear leaves, aggregates, recoded features, and thresholds at
// the edges of the number line.
func Wild(rng *rand.Rand) *ir.Model {
	m := &ir.Model{
		Library: "synthetic", Objective: "none",
		FeatureNames: names(1 + rng.IntN(12)),
		Input:        ir.Precision(rng.IntN(2)), Sum: ir.Precision(rng.IntN(2)),
		Outputs: 1 + rng.IntN(6), LeafWidth: 1,
		ZeroBand: rng.IntN(3) == 0, Codes: ir.CodeRule(rng.IntN(3)), BestIteration: -1,
	}
	if rng.IntN(2) == 0 {
		m.Outputs = 1
	}
	if rng.IntN(2) == 0 {
		m.LeafWidth = m.Outputs
	}
	if rng.IntN(5) == 0 {
		m.Aggregate = ir.Aggregate(rng.IntN(3))
	}
	for range m.Outputs {
		m.Base = append(m.Base, leafValue(rng))
	}
	if rng.IntN(5) == 0 {
		wildFinish(rng, m)
	}
	if rng.IntN(4) == 0 {
		m.Recode = wildRecode(rng, len(m.FeatureNames))
	}
	trees := rng.IntN(40)
	if rng.IntN(2) == 0 {
		m.Average = trees
	}
	w := wild{rng: rng, m: m, sets: rng.IntN(2) == 0, missing: rng.IntN(2) == 0,
		linear: rng.IntN(4) == 0 && m.LeafWidth == 1 && m.Aggregate == ir.Sum}
	for t := range trees {
		if rng.IntN(3) == 0 || t == 0 {
			m.Iterations = append(m.Iterations, int32(t))
		}
		m.Trees = append(m.Trees, w.tree())
	}
	if trees > 0 {
		m.Iterations = append(m.Iterations, int32(trees))
	}
	return m
}

func wildFinish(rng *rand.Rand, m *ir.Model) {
	m.Scale = leafValue(rng)
	for range m.Outputs * rng.IntN(2) {
		m.Bias = append(m.Bias, leafValue(rng))
	}
	m.Link, m.Param = ir.Link(rng.IntN(int(ir.LogisticStable))), 0.5
}

func wildRecode(rng *rand.Rand, features int) [][]float64 {
	lists := make([][]float64, features)
	for i := range lists {
		for range rng.IntN(3) * rng.IntN(6) {
			if x := value(rng); !slices.Contains(lists[i], x) {
				lists[i] = append(lists[i], x)
			}
		}
	}
	return lists
}

// wild is what the trees of one model have in common.
type wild struct {
	rng                   *rand.Rand
	m                     *ir.Model
	sets, missing, linear bool
}

// tree grows a tree leaf by leaf: from one leaf to a bush or a chain.
func (w *wild) tree() ir.Tree {
	rng, m := w.rng, w.m
	tree := ir.Tree{Group: rng.IntN(m.Outputs), Nodes: []ir.Node{{Feature: ir.Leaf}}}
	splits, chain := rng.IntN(20), rng.IntN(3) == 0
	if rng.IntN(20) == 0 {
		splits *= 10
	}
	leaves := []int32{0}
	for range splits {
		at := len(leaves) - 1
		if !chain {
			at = rng.IntN(len(leaves))
		}
		i, first := leaves[at], int32(len(tree.Nodes))
		tree.Nodes = append(tree.Nodes, ir.Node{Feature: ir.Leaf}, ir.Node{Feature: ir.Leaf})
		tree.Nodes[i] = w.split(&tree, first)
		leaves[at] = first
		leaves = append(leaves, first+1)
	}
	linear := w.linear && rng.IntN(2) == 0
	for _, i := range leaves {
		tree.Nodes[i].ID = int32(rng.Uint32())
		tree.Nodes[i].Value = int32(len(tree.Values))
		for range m.LeafWidth {
			tree.Values = append(tree.Values, leafValue(rng))
		}
		if linear {
			tree.Linear = append(tree.Linear, w.leaf())
		}
	}
	return tree
}

// split makes an inner node whose children are first and the one after it.
func (w *wild) split(tree *ir.Tree, first int32) ir.Node {
	rng := w.rng
	left := int32(rng.IntN(2))
	n := ir.Node{
		Feature: int32(rng.IntN(len(w.m.FeatureNames))), Left: first + left, Right: first + 1 - left,
		Threshold: value(rng), Op: ir.Op(rng.IntN(2)), MissingLeft: rng.IntN(2) == 0,
	}
	if w.missing {
		n.Missing = ir.Missing(rng.IntN(3))
	}
	if w.sets && rng.IntN(3) == 0 {
		n.Threshold, n.Op, n.Value = 0, ir.In, int32(len(tree.Sets))
		tree.Sets = append(tree.Sets, wildSet(rng))
	}
	return n
}

// wildSet is a set of small codes, or of codes far apart.
func wildSet(rng *rand.Rand) []int32 {
	var set []int32
	for range rng.IntN(8) {
		set = append(set, int32(rng.IntN(10)))
	}
	if rng.IntN(10) == 0 {
		far := []int32{1<<24 - 1, 1 << 24, 1<<31 - 1, 1000, 70000}
		set = append(set, far[rng.IntN(len(far))])
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// leaf makes a linear leaf.
func (w *wild) leaf() ir.Linear {
	l := ir.Linear{Const: leafValue(w.rng)}
	for range w.rng.IntN(4) {
		l.Features = append(l.Features, int32(w.rng.IntN(len(w.m.FeatureNames))))
		l.Coeffs = append(l.Coeffs, leafValue(w.rng))
	}
	return l
}

// leafValue is finite in either precision.
func leafValue(rng *rand.Rand) float64 {
	for {
		if v := value(rng); !math.IsInf(float64(float32(v)), 0) {
			return v
		}
	}
}

// WildRows makes n rows of values that meet the thresholds, codes and recoded
// numbers of m exactly, miss them by one step of either precision, are missing,
// infinite, or anything.
func WildRows(rng *rand.Rand, m *ir.Model, n int) []float64 {
	met := meets(m)
	rows := make([]float64, n*len(m.FeatureNames))
	for i := range rows {
		rows[i] = wildValue(rng, met)
	}
	return rows
}

// meets are the numbers at which the model decides.
func meets(m *ir.Model) []float64 {
	var list []float64
	for t := range m.Trees {
		for _, node := range m.Trees[t].Nodes {
			if node.Feature != ir.Leaf && node.Op != ir.In {
				list = append(list, node.Threshold)
			}
		}
		for _, set := range m.Trees[t].Sets {
			for _, code := range set {
				list = append(list, float64(code))
			}
		}
	}
	for _, numbers := range m.Recode {
		list = append(list, numbers...)
	}
	return list
}

func wildValue(rng *rand.Rand, met []float64) float64 {
	kind := rng.IntN(8)
	if kind == 0 {
		// NaN in all its forms: signs and payloads must not matter.
		return math.Float64frombits(0x7ff0_0000_0000_0001 | rng.Uint64()&0x800f_ffff_ffff_ffff)
	}
	if kind > 5 || len(met) == 0 {
		return value(rng)
	}
	t := met[rng.IntN(len(met))]
	toward := math.Inf(rng.IntN(2)*2 - 1)
	switch kind {
	case 1:
		return math.Nextafter(t, toward)
	case 2:
		return float64(math.Nextafter32(float32(t), float32(toward)))
	case 3:
		return float64(float32(t))
	default:
		return t
	}
}

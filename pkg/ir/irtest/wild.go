package irtest

import (
	"math"
	"math/rand/v2"

	"example.com/copse/pkg/ir"
)

// Wild makes a sound model in which everything that may differ does: trees of
// any form, comparisons, missing directions, precisions, widths, groups, and
// thresholds at the edges of the number line.
func Wild(rng *rand.Rand) *ir.Model {
	m := &ir.Model{
		Library: "synthetic", Objective: "none",
		FeatureNames: names(1 + rng.IntN(12)),
		Input:        ir.Precision(rng.IntN(2)), Sum: ir.Precision(rng.IntN(2)),
		Outputs: 1 + rng.IntN(6), LeafWidth: 1,
	}
	if rng.IntN(2) == 0 {
		m.Outputs = 1
	}
	if rng.IntN(2) == 0 {
		m.LeafWidth = m.Outputs
	}
	for range m.Outputs {
		m.Base = append(m.Base, leafValue(rng))
	}
	trees := rng.IntN(40)
	if rng.IntN(2) == 0 {
		m.Average = trees
	}
	for range trees {
		m.Trees = append(m.Trees, wildTree(rng, m))
	}
	return m
}

// wildTree grows a tree leaf by leaf: from one leaf to a bush or a chain.
func wildTree(rng *rand.Rand, m *ir.Model) ir.Tree {
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
		left := int32(rng.IntN(2))
		tree.Nodes[i] = ir.Node{
			Feature: int32(rng.IntN(len(m.FeatureNames))), Left: first + left, Right: first + 1 - left,
			Threshold: value(rng), Op: ir.Op(rng.IntN(2)), MissingLeft: rng.IntN(2) == 0,
		}
		leaves[at] = first
		leaves = append(leaves, first+1)
	}
	for _, i := range leaves {
		tree.Nodes[i].ID = int32(rng.Uint32())
		tree.Nodes[i].Value = int32(len(tree.Values))
		for range m.LeafWidth {
			tree.Values = append(tree.Values, leafValue(rng))
		}
	}
	return tree
}

// leafValue is finite in either precision.
func leafValue(rng *rand.Rand) float64 {
	for {
		if v := value(rng); !math.IsInf(float64(float32(v)), 0) {
			return v
		}
	}
}

// WildRows makes n rows of values that meet the thresholds of m exactly, miss
// them by one step of either precision, are missing, infinite, or anything.
func WildRows(rng *rand.Rand, m *ir.Model, n int) []float64 {
	var thresholds []float64
	for t := range m.Trees {
		for _, node := range m.Trees[t].Nodes {
			if node.Feature != ir.Leaf {
				thresholds = append(thresholds, node.Threshold)
			}
		}
	}
	rows := make([]float64, n*len(m.FeatureNames))
	for i := range rows {
		rows[i] = wildValue(rng, thresholds)
	}
	return rows
}

func wildValue(rng *rand.Rand, thresholds []float64) float64 {
	kind := rng.IntN(8)
	if kind == 0 {
		// NaN in all its forms: signs and payloads must not matter.
		return math.Float64frombits(0x7ff0_0000_0000_0001 | rng.Uint64()&0x800f_ffff_ffff_ffff)
	}
	if kind > 5 || len(thresholds) == 0 {
		return value(rng)
	}
	t := thresholds[rng.IntN(len(thresholds))]
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

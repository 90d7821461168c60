// Package irtest makes synthetic models and rows for tests and benchmarks.
// The same arguments give the same model and the same rows on every machine.
package irtest

import (
	"math"
	"math/rand/v2"
	"strconv"

	"example.com/copse/pkg/ir"
)

// Shape says what a Forest is like.
type Shape struct {
	Trees, Depth, Features int // complete trees; 0: 100, 6 and 30; -1 trees: none
	// Leaves, if it is not 0, is the number of leaves of trees that grow leaf by
	// leaf wherever chance has it, as deep as they get; Depth then says nothing.
	Leaves int
	// Outputs is 1 if it is 0. Trees take turns adding to them, or add one
	// vote each where Votes is set.
	Outputs int
	Votes   bool
	// Precision is that of features and of sums.
	Precision ir.Precision
	Op        ir.Op
	// Missing sends NaN to the right at every second node; else it is always
	// sent to the left.
	Missing bool
	Seed    uint64
}

// Forest makes trees with normally distributed thresholds, so that Rows spread
// over the leaves.
func Forest(s Shape) *ir.Model {
	s.defaults()
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	m := &ir.Model{
		Library: "synthetic", Objective: "none",
		FeatureNames: names(s.Features),
		Input:        s.Precision, Sum: s.Precision,
		Outputs: s.Outputs, LeafWidth: 1,
		Base: make([]float64, s.Outputs),
	}
	if s.Votes {
		m.LeafWidth, m.Average = s.Outputs, max(0, s.Trees)
	}
	for t := range max(0, s.Trees) {
		m.Trees = append(m.Trees, tree(rng, &s, t))
	}
	return m
}

func (s *Shape) defaults() {
	for _, d := range []struct {
		field *int
		value int
	}{{&s.Trees, 100}, {&s.Depth, 6}, {&s.Features, 30}, {&s.Outputs, 1}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
}

// tree makes tree t: splits first, then leaves.
func tree(rng *rand.Rand, s *Shape, t int) ir.Tree {
	tree := ir.Tree{Nodes: []ir.Node{{Feature: ir.Leaf}}}
	if !s.Votes {
		tree.Group = t % s.Outputs
	}
	splits := 1<<s.Depth - 1
	if s.Leaves > 0 {
		splits = s.Leaves - 1
	}
	open := []int32{0}
	for range splits {
		at := 0 // breadth first: a complete tree
		if s.Leaves > 0 {
			at = rng.IntN(len(open))
		}
		i, child := open[at], int32(len(tree.Nodes))
		tree.Nodes = append(tree.Nodes, ir.Node{Feature: ir.Leaf}, ir.Node{Feature: ir.Leaf})
		tree.Nodes[i] = ir.Node{
			Feature: int32(rng.IntN(s.Features)), Left: child, Right: child + 1,
			Threshold: s.Precision.Round(rng.NormFloat64()), Op: s.Op,
			MissingLeft: !s.Missing || rng.IntN(2) == 0,
		}
		if s.Leaves > 0 {
			open[at] = open[len(open)-1]
			open = open[:len(open)-1]
		} else {
			open = open[1:]
		}
		open = append(open, child, child+1)
	}
	for i := range tree.Nodes {
		if n := &tree.Nodes[i]; n.Feature == ir.Leaf {
			n.Value, n.ID = int32(len(tree.Values)), int32(i)
			tree.Values = append(tree.Values, leaf(rng, s)...)
		}
	}
	return tree
}

// leaf makes one leaf's values.
func leaf(rng *rand.Rand, s *Shape) []float64 {
	if !s.Votes {
		return []float64{s.Precision.Round(rng.NormFloat64() / 10)}
	}
	votes := make([]float64, s.Outputs)
	votes[rng.IntN(s.Outputs)] = 1
	return votes
}

// Rows makes n normally distributed rows for m, rounded to its input.
func Rows(m *ir.Model, n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	rows := make([]float64, n*len(m.FeatureNames))
	for i := range rows {
		rows[i] = m.Input.Round(rng.NormFloat64())
	}
	return rows
}

func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "f" + strconv.Itoa(i)
	}
	return list
}

// edges are the values at which comparisons and roundings go wrong first.
var edges = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, float64(float32(0.1)),
	math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 0x1p-1022,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.SmallestNonzeroFloat32 / 2, 0x1p-126, 1e-46,
	math.MaxFloat32, -math.MaxFloat32, math.MaxFloat32 * (1 + 0x1p-25), math.MaxFloat32 * (1 + 0x1p-24), -2 * math.MaxFloat32,
	math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1),
	1 + 0x1p-24, 1 - 0x1p-25, 16777217,
}

// value draws from the edges and from ordinary numbers.
func value(rng *rand.Rand) float64 {
	switch rng.IntN(4) {
	case 0:
		return edges[rng.IntN(len(edges))]
	case 1:
		return float64(float32(rng.NormFloat64()))
	case 2:
		return float64(rng.IntN(9) - 4)
	default:
		return rng.NormFloat64()
	}
}

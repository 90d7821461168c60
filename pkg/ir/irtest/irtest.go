// Package irtest makes synthetic models and rows for tests and benchmarks.
// The same arguments give the same model and the same rows on every machine.
package irtest

import (
	"math"
	"math/rand/v2"
	"slices"
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
	// Kind is the kind of missing of all nodes, ZeroBand the model's.
	Kind     ir.Missing
	ZeroBand bool
	// Categories, if it is not 0, is the number of categories of every tenth
	// feature, whose splits are sets of half of them.
	Categories int
	// Linear gives each leaf so many terms of a linear function.
	Linear int
	Seed   uint64
}

// Forest makes trees with normally distributed thresholds, so that Rows spread
// over the leaves.
func Forest(s Shape) *ir.Model {
	s.defaults()
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	m := &ir.Model{
		Library: "synthetic", Objective: "none",
		FeatureNames: names(s.Features),
		Input:        s.Precision, Sum: s.Precision, ZeroBand: s.ZeroBand,
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
		tree.Nodes[i] = split(rng, s, &tree, child)
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
			if s.Linear > 0 {
				tree.Linear = append(tree.Linear, linear(rng, s))
			}
		}
	}
	return tree
}

// split makes an inner node with neighbouring children.
func split(rng *rand.Rand, s *Shape, tree *ir.Tree, child int32) ir.Node {
	n := ir.Node{
		Feature: int32(rng.IntN(s.Features)), Left: child, Right: child + 1,
		Threshold: s.Precision.Round(rng.NormFloat64()), Op: s.Op, Missing: s.Kind,
		MissingLeft: !s.Missing || rng.IntN(2) == 0,
	}
	if s.Categories > 0 && n.Feature%10 == 0 {
		n.Threshold, n.Op, n.Value = 0, ir.In, int32(len(tree.Sets))
		tree.Sets = append(tree.Sets, half(rng, s.Categories))
	}
	return n
}

// half is a set of half of n codes.
func half(rng *rand.Rand, n int) []int32 {
	set := make([]int32, 0, n/2)
	for _, code := range rng.Perm(n)[:n/2] {
		set = append(set, int32(code))
	}
	slices.Sort(set)
	return set
}

// linear makes a linear leaf of numeric features.
func linear(rng *rand.Rand, s *Shape) ir.Linear {
	l := ir.Linear{Const: s.Precision.Round(rng.NormFloat64() / 10)}
	for range s.Linear {
		f := rng.IntN(s.Features)
		if s.Categories > 0 && f%10 == 0 {
			f = (f + 1) % s.Features
		}
		l.Features = append(l.Features, int32(f))
		l.Coeffs = append(l.Coeffs, s.Precision.Round(rng.NormFloat64()/10))
	}
	return l
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

// Rows makes n normally distributed rows for m, rounded to its input; of
// features that the model splits by sets, codes of these sets.
func Rows(m *ir.Model, n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	codes := codes(m)
	rows := make([]float64, n*len(m.FeatureNames))
	for i := range rows {
		if k := codes[i%len(codes)]; k > 0 {
			rows[i] = float64(rng.IntN(k))
		} else {
			rows[i] = m.Input.Round(rng.NormFloat64())
		}
	}
	return rows
}

// codes is, of each feature, one more than the largest code in its sets, 0
// where it has none.
func codes(m *ir.Model) []int {
	list := make([]int, len(m.FeatureNames))
	for t := range m.Trees {
		for i := range m.Trees[t].Nodes {
			if n := &m.Trees[t].Nodes[i]; n.Feature != ir.Leaf && n.Op == ir.In {
				for _, code := range m.Trees[t].Sets[n.Value] {
					list[n.Feature] = max(list[n.Feature], int(code)+1)
				}
			}
		}
	}
	return list
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
	// Of codes and the zero band.
	-0.5, 0.5, -0.999, 1 << 24, 1<<24 - 1, 1<<31 - 1, 1 << 31, 1<<31 + 1, -1 << 31, 1 << 32, 1 << 62, 1 << 63, 1 << 64,
	ir.ZeroBand, -ir.ZeroBand, 1.0000000180025097e-35, -1.0000000180025097e-35, 1.0000000180025093e-35, 9e-36, -9e-36, 1.1e-35,
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

package ir_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// TestCheck breaks a sound model of two complete trees of depth 2 (nodes 0 to
// 2 inner, 3 to 6 leaves) in one place each.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(m *ir.Model)
		path  string
		want  string
	}{
		{"no features", func(m *ir.Model) { m.FeatureNames = nil }, "", "0 features"},
		{"too many features", func(m *ir.Model) { m.FeatureNames = make([]string, ir.MaxFeatures+1) }, "", "features, want"},
		{"no outputs", func(m *ir.Model) { m.Outputs = 0 }, "", "0 outputs"},
		{"too many trees", func(m *ir.Model) { m.Trees = make([]ir.Tree, ir.MaxTrees+1) }, "", "trees, want"},
		{"leaf width 0", func(m *ir.Model) { m.LeafWidth = 0 }, "", "leaves of 0 values"},
		{"leaf width 3 of 2", func(m *ir.Model) { m.LeafWidth = 3 }, "", "leaves of 3 values, want 1 or 2"},
		{"input", func(m *ir.Model) { m.Input = 2 }, "", "no such precision"},
		{"sum", func(m *ir.Model) { m.Sum = 2 }, "", "no such precision"},
		{"link", func(m *ir.Model) { m.Link = 99 }, "", "no such link"},
		{"returns", func(m *ir.Model) { m.Returns = 99 }, "", "no such link"},
		{"bias", func(m *ir.Model) { m.Bias = []float64{1} }, "", "or bias"},
		{"average", func(m *ir.Model) { m.Average = -1 }, "", "average (-1)"},
		{"labels", func(m *ir.Model) { m.Labels = []string{"a", "b", "c"} }, "", "3 labels"},
		{"base short", func(m *ir.Model) { m.Base = nil }, "base", "0 values, want 2"},
		{"base NaN", func(m *ir.Model) { m.Base[1] = math.NaN() }, "base 1", "not finite"},
		{"base beyond float32", func(m *ir.Model) { m.Sum, m.Base[0] = ir.Float32, 1e39 }, "base 0", "not finite"},
		{"group negative", func(m *ir.Model) { m.Trees[1].Group = -1 }, "tree 1", "output -1 of 2"},
		{"group too large", func(m *ir.Model) { m.Trees[1].Group = 2 }, "tree 1", "output 2 of 2"},
		{"no nodes", func(m *ir.Model) { m.Trees[1].Nodes = nil }, "tree 1", "no nodes"},
		{"child negative", func(m *ir.Model) { m.Trees[0].Nodes[1].Left = -1 }, "tree 0: node 1", "child -1"},
		{"child outside", func(m *ir.Model) { m.Trees[1].Nodes[2].Right = 7 }, "tree 1: node 2", "child 7 is not among the tree's 7"},
		{"cycle to the root", func(m *ir.Model) { m.Trees[0].Nodes[2].Left = 0 }, "tree 0: node 2", "child 0 has another way"},
		{"cycle to itself", func(m *ir.Model) { m.Trees[0].Nodes[2].Left = 2 }, "tree 0: node 2", "child 2 has another way"},
		{"shared child", func(m *ir.Model) { m.Trees[0].Nodes[1].Left = 6 }, "tree 0: node 1", "child 6 has another way"},
		{"twins", func(m *ir.Model) { m.Trees[0].Nodes[1].Left = 4 }, "tree 0: node 1", "child 4 has another way"},
		{"feature negative", func(m *ir.Model) { m.Trees[0].Nodes[1].Feature = -2 }, "tree 0: node 1", "feature -2 of 3"},
		{"feature too large", func(m *ir.Model) { m.Trees[0].Nodes[1].Feature = 3 }, "tree 0: node 1", "feature 3 of 3"},
		{"threshold NaN", func(m *ir.Model) { m.Trees[0].Nodes[0].Threshold = math.NaN() }, "tree 0: node 0", "not a number"},
		{"op", func(m *ir.Model) { m.Trees[0].Nodes[0].Op = 3 }, "tree 0: node 0", "no such comparison"},
		{"kind of missing", func(m *ir.Model) { m.Trees[0].Nodes[0].Missing = 3 }, "tree 0: node 0", "no such kind of missing"},
		{"no set", func(m *ir.Model) { m.Trees[0].Nodes[0].Op = ir.In }, "tree 0: node 0", "set 0 of 0"},
		{"set negative", func(m *ir.Model) { m.Trees[0].Nodes[0].Op, m.Trees[0].Nodes[0].Value = ir.In, -1 }, "tree 0: node 0", "set -1 of 0"},
		{"code negative", func(m *ir.Model) { m.Trees[1].Sets = [][]int32{{1}, {-1}} }, "tree 1: set 1", "code -1"},
		{"code twice", func(m *ir.Model) { m.Trees[1].Sets = [][]int32{{1, 1}} }, "tree 1: set 0", "code 1 comes after 1"},
		{"codes descend", func(m *ir.Model) { m.Trees[1].Sets = [][]int32{{7, 2}} }, "tree 1: set 0", "code 2 comes after 7"},
		{"code rule", func(m *ir.Model) { m.Codes = 3 }, "", "no such rule of codes (3)"},
		{"aggregate", func(m *ir.Model) { m.Aggregate = 3 }, "", "aggregate (3)"},
		{"linear short", func(m *ir.Model) { m.Trees[0].Linear = make([]ir.Linear, 3) }, "tree 0", "3 linear leaves for 4"},
		{"linear of vectors", func(m *ir.Model) { linearLeaves(m); m.LeafWidth = 2 }, "tree 0", "its leaves are vectors"},
		{"linear of the least", func(m *ir.Model) { linearLeaves(m); m.Aggregate = ir.Min }, "tree 0", "not summed"},
		{"linear feature", func(m *ir.Model) { linearLeaves(m)[2].Features[1] = 3 }, "tree 0: node 5", "feature 3 of 3"},
		{"linear feature negative", func(m *ir.Model) { linearLeaves(m)[2].Features[1] = -1 }, "tree 0: node 5", "feature -1 of 3"},
		{"linear coefficients", func(m *ir.Model) { linearLeaves(m)[2].Coeffs = nil }, "tree 0: node 5", "0 coefficients for 2"},
		{"linear coefficient", func(m *ir.Model) { linearLeaves(m)[2].Coeffs[1] = math.NaN() }, "tree 0: node 5", "of its term 1 is not finite"},
		{"linear constant", func(m *ir.Model) { linearLeaves(m)[2].Const = math.Inf(1) }, "tree 0: node 5", "constant is not finite"},
		{"iterations from 1", func(m *ir.Model) { m.Iterations = []int32{1, 2} }, "iteration 0", "starts at tree 1"},
		{"iterations backwards", func(m *ir.Model) { m.Iterations = []int32{0, 2, 1, 2} }, "iteration 2", "starts at tree 1, the one before at 2"},
		{"iterations short", func(m *ir.Model) { m.Iterations = []int32{0, 1} }, "iteration 1", "ends at tree 1 of 2"},
		{"recode short", func(m *ir.Model) { m.Recode = make([][]float64, 2) }, "recode", "2 lists, want 3"},
		{"recode NaN", func(m *ir.Model) { m.Recode = [][]float64{{1, math.NaN()}, nil, nil} }, "recode of feature 0", "NaN is not a number"},
		{"recode twice", func(m *ir.Model) { m.Recode = [][]float64{nil, {0, 5, math.Copysign(0, -1)}, nil} }, "recode of feature 1", "stands twice"},
		{"value negative", func(m *ir.Model) { m.Trees[0].Nodes[4].Value = -1 }, "tree 0: node 4", "values -1 to -1"},
		{"value outside", func(m *ir.Model) { m.Trees[0].Nodes[4].Value = 4 }, "tree 0: node 4", "values 4 to 4 are not among the tree's 4"},
		{"vector outside", func(m *ir.Model) { m.LeafWidth = 2 }, "tree 0: node 6", "values 3 to 4"},
		{"largest value index", func(m *ir.Model) { m.Trees[0].Nodes[4].Value = math.MaxInt32 }, "tree 0: node 4", "not among"},
		{"leaf infinite", func(m *ir.Model) { m.Trees[0].Values[0] = math.Inf(1) }, "tree 0: node 3", "value 0 is not finite"},
		{"leaf beyond float32", func(m *ir.Model) { m.Sum, m.Trees[0].Values[0] = ir.Float32, 1e39 }, "tree 0: node 3", "value 0 is not finite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := irtest.Forest(irtest.Shape{Trees: 2, Depth: 2, Features: 3, Outputs: 2})
			if err := ir.Check(m); err != nil {
				t.Fatalf("sound: %v", err)
			}
			c.spoil(m)
			var got *ir.Error
			if err := ir.Check(m); !errors.As(err, &got) {
				t.Fatalf("got error %v, want an *ir.Error", err)
			}
			if got.Path != c.path || !strings.Contains(got.Error(), c.want) {
				t.Errorf("got %q at %q, want %q at %q", got, got.Path, c.want, c.path)
			}
		})
	}
	if err := ir.Check(nil); err == nil {
		t.Error("no error for no model")
	}
}

// linearLeaves gives tree 0 linear leaves of two terms.
func linearLeaves(m *ir.Model) []ir.Linear {
	list := make([]ir.Linear, len(m.Trees[0].Values))
	for i := range list {
		list[i] = ir.Linear{Const: 1, Features: []int32{0, 2}, Coeffs: []float64{2, 3}}
	}
	m.Trees[0].Linear = list
	return list
}

// TestCheckAllows lists what looks odd and is sound.
func TestCheckAllows(t *testing.T) {
	for name, change := range map[string]func(m *ir.Model){
		"no trees": func(m *ir.Model) { m.Trees = nil },
		"infinite thresholds": func(m *ir.Model) {
			m.Trees[0].Nodes[0].Threshold = math.Inf(1)
			m.Trees[0].Nodes[1].Threshold = math.Inf(-1)
		},
		"a threshold of -0":  func(m *ir.Model) { m.Trees[0].Nodes[0].Threshold = math.Copysign(0, -1) },
		"shared leaf values": func(m *ir.Model) { m.Trees[0].Nodes[4].Value = 0 },
		"binary labels":      func(m *ir.Model) { m.Labels = []string{"no", "yes"} },
		"an empty set":       func(m *ir.Model) { m.Trees[0].Sets, m.Trees[0].Nodes[0].Op = [][]int32{{}}, ir.In },
		"a set's threshold": func(m *ir.Model) {
			m.Trees[0].Sets = [][]int32{{0, math.MaxInt32}}
			m.Trees[0].Nodes[0].Op, m.Trees[0].Nodes[0].Threshold = ir.In, math.NaN()
		},
		"linear leaves without terms": func(m *ir.Model) { m.Trees[0].Linear = make([]ir.Linear, 4) },
		"an iteration without trees":  func(m *ir.Model) { m.Iterations = []int32{0, 0, 2, 2} },
		"infinite recoded numbers":    func(m *ir.Model) { m.Recode = [][]float64{{math.Inf(1), math.Inf(-1)}, nil, {}} },
		"a leaf as the root":          func(m *ir.Model) { m.Trees[0].Nodes[0].Feature = ir.Leaf },
		"unreachable nonsense": func(m *ir.Model) {
			m.Trees[0].Nodes = append(m.Trees[0].Nodes, ir.Node{Feature: 99, Left: -5, Threshold: math.NaN()})
		},
	} {
		m := irtest.Forest(irtest.Shape{Trees: 2, Depth: 2, Features: 3})
		change(m)
		if err := ir.Check(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDepthLimit(t *testing.T) {
	chain := func(depth int) *ir.Model {
		m := irtest.Forest(irtest.Shape{Trees: 1, Depth: 1, Features: 1})
		nodes := make([]ir.Node, 0, 2*depth+1)
		for range depth {
			at := int32(len(nodes))
			nodes = append(nodes, ir.Node{Left: at + 1, Right: at + 2}, ir.Node{Feature: ir.Leaf})
		}
		m.Trees[0].Nodes = append(nodes, ir.Node{Feature: ir.Leaf})
		return m
	}
	if err := ir.Check(chain(ir.MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", ir.MaxDepth, err)
	}
	if err := ir.Check(chain(ir.MaxDepth + 1)); err == nil || !strings.Contains(err.Error(), "deeper than") {
		t.Errorf("depth %d: got error %v, want one about the depth", ir.MaxDepth+1, err)
	}
}

// FuzzCheck damages a sound model at random: Check refuses it, or it can be
// evaluated, and gives a number, or the one NaN.
func FuzzCheck(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint16(0), int32(0))
	f.Add(uint64(2), uint8(1), uint16(3), int32(-1))
	f.Add(uint64(3), uint8(4), uint16(0), int32(1<<30))
	f.Fuzz(func(t *testing.T, seed uint64, what uint8, at uint16, to int32) {
		rng := rand.New(rand.NewPCG(seed, 0))
		m := irtest.Wild(rng)
		rows := irtest.WildRows(rng, m, 4)
		width := len(m.FeatureNames)
		damage(m, what, int(at), to)
		if ir.Check(m) != nil {
			return
		}
		if len(m.FeatureNames) != width {
			return // the rows no longer fit
		}
		margin, values, leaves := make([]float64, m.Outputs), make([]float64, m.Outputs), make([]int32, len(m.Trees))
		for ; len(rows) > 0; rows = rows[width:] {
			m.Eval(rows[:width], margin, values)
			m.EvalLeaf(rows[:width], leaves)
			for o, v := range values {
				for _, x := range []float64{v, margin[o]} {
					if x != x && math.Float64bits(x) != math.Float64bits(math.NaN()) {
						t.Fatalf("output %d is the NaN %x", o, math.Float64bits(x))
					}
				}
			}
		}
	})
}

func damage(m *ir.Model, what uint8, at int, to int32) {
	switch what % 16 {
	case 7:
		m.Outputs = int(to)
		return
	case 8:
		m.LeafWidth = int(to)
		return
	case 9:
		m.FeatureNames = make([]string, at)
		return
	case 10:
		m.Aggregate, m.Codes = ir.Aggregate(to), ir.CodeRule(at)
		return
	case 11:
		m.Recode = [][]float64{{float64(to)}}
		return
	case 12:
		m.Iterations = append(m.Iterations, to)
		return
	}
	if len(m.Trees) == 0 {
		return
	}
	tree := &m.Trees[at%len(m.Trees)]
	n := &tree.Nodes[at%len(tree.Nodes)]
	switch what % 16 {
	case 0:
		n.Left = to
	case 1:
		n.Right = to
	case 2:
		n.Feature = to
	case 3:
		n.Value = to
	case 4:
		tree.Group = int(to)
	case 5:
		n.Op = ir.Op(to)
	case 6:
		n.Threshold = float64(math.Float32frombits(uint32(to)))
	case 13:
		n.Missing = ir.Missing(to)
	case 14:
		tree.Sets = append(tree.Sets, []int32{to, int32(at)})
	case 15:
		tree.Linear = make([]ir.Linear, len(tree.Values))
		if len(tree.Linear) > 0 {
			tree.Linear[at%len(tree.Linear)] = ir.Linear{Features: []int32{to}, Coeffs: []float64{float64(to)}}
		}
	}
}

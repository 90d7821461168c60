package catboost

import (
	"math"
	"slices"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/ir"
)

// maxDepth bounds oblivious trees, as CatBoost does (EMaxDepth 16): a tree has
// 2^depth leaves.
const maxDepth = 16

// tree reads a tree and counts what all of them hold.
func (f *file) tree(read func(*ir.Tree)) {
	if len(f.trees) >= ir.MaxTrees {
		f.Fail("more than %d trees", ir.MaxTrees)
		return
	}
	t := &f.room
	t.Nodes, t.Values = t.Nodes[:0], t.Values[:0]
	read(t)
	if f.nodes += len(t.Nodes); f.nodes > ir.MaxNodes {
		f.Fail("more than %d nodes", ir.MaxNodes)
		return
	}
	f.trees = append(f.trees, ir.Tree{Nodes: slices.Clone(t.Nodes), Values: slices.Clone(t.Values)})
}

// split is x > border: to the right.
type split struct {
	feature int32
	border  float64
}

func (f *file) split() split {
	s := split{feature: -1}
	kind, border := "FloatFeature", math.NaN()
	f.Object(func(name string) {
		switch name {
		case "float_feature_index":
			s.feature = int32(f.Integer(ir.MaxFeatures - 1))
		case "border":
			border = f.Number()
		case "split_type":
			kind = f.Text()
		default:
			f.Skip()
		}
	})
	s.border = float64(float32(border))
	switch {
	case kind != "FloatFeature":
		f.Fail("a split of the kind %s: %s", jsonscan.Clip(kind), numericOnly)
	case s.feature < 0:
		f.Fail("a split without float_feature_index")
	case math.IsNaN(s.border):
		f.Fail("a split without border")
	}
	return s
}

// node is the split as a node; its children are set by the caller.
func (s split) node() ir.Node {
	return ir.Node{Feature: s.feature, Threshold: s.border, Op: ir.LE}
}

// oblivious reads a tree that asks the same at all nodes of a level.
func (f *file) oblivious(t *ir.Tree) {
	var splits []split
	f.Object(func(name string) {
		switch name {
		case "splits":
			f.list(func() {
				if len(splits) >= maxDepth {
					f.Fail("more than %d splits", maxDepth)
					return
				}
				splits = append(splits, f.split())
			})
		case "leaf_values":
			f.Array(func() { t.Values = append(t.Values, f.Number()) })
		default: // leaf_weights are of training
			f.Skip()
		}
	})
	if f.Err() != nil {
		return
	}
	leaves := 1 << len(splits)
	width := len(t.Values) / leaves
	if width == 0 || width*leaves != len(t.Values) {
		f.Fail("%d leaf values do not fit %d splits, which have %d leaves", len(t.Values), len(splits), leaves)
		return
	}
	if f.leafWidth(width) {
		t.Nodes = expand(t.Nodes, splits, width)
	}
}

// leafWidth holds that all leaves have as many numbers.
func (f *file) leafWidth(width int) bool {
	if f.width == 0 {
		f.width = width
	}
	if width != f.width || width > ir.MaxOutputs {
		f.Fail("leaves of %d numbers, those before had %d", width, f.width)
		return false
	}
	return true
}

// expand appends a complete tree, level by level. The root asks the last split,
// whose answer is the highest bit of a leaf's index, so that leaves stand in
// the order of their indexes.
func expand(nodes []ir.Node, splits []split, width int) []ir.Node {
	inner := 1<<len(splits) - 1
	for level := range splits {
		n := splits[len(splits)-1-level].node()
		for range 1 << level {
			child := int32(2*len(nodes) + 1)
			n.Left, n.Right = child, child+1
			nodes = append(nodes, n)
		}
	}
	for leaf := range inner + 1 {
		nodes = append(nodes, ir.Node{Feature: ir.Leaf, Value: int32(leaf * width), ID: int32(leaf)})
	}
	return nodes
}

// nonSymmetric reads a tree of {split, left, right}, down to {value, weight}.
func (f *file) nonSymmetric(t *ir.Tree) {
	leaves := int32(0)
	f.subtree(t, 0, &leaves)
}

// subtree reads a node and what is below it into t and returns its place.
// Members stand in any order: what a node is shows when all of them are read.
func (f *file) subtree(t *ir.Tree, depth int, leaves *int32) int32 {
	if depth > ir.MaxDepth {
		f.Fail("a tree deeper than %d", ir.MaxDepth)
		return 0
	}
	at := int32(len(t.Nodes))
	t.Nodes = append(t.Nodes, ir.Node{Feature: ir.Leaf})
	var left, right int32
	var ask *split
	first, width := len(t.Values), 0
	f.Object(func(name string) {
		switch name {
		case "left":
			left = f.subtree(t, depth+1, leaves)
		case "right":
			right = f.subtree(t, depth+1, leaves)
		case "split":
			s := f.split()
			ask = &s
		case "value":
			first = len(t.Values)
			width = f.values(t)
		default:
			f.Skip()
		}
	})
	switch {
	case f.Err() != nil:
	case width > 0 && ask == nil && left == 0 && right == 0:
		if f.leafWidth(width) {
			t.Nodes[at].Value, t.Nodes[at].ID = int32(first), *leaves
			*leaves++
		}
	case width == 0 && ask != nil && left != 0 && right != 0:
		n := ask.node()
		n.Left, n.Right = left, right
		t.Nodes[at] = n
	default:
		f.Fail("a node must have either value, or split, left and right")
	}
	return at
}

// values reads a leaf's number or list of numbers.
func (f *file) values(t *ir.Tree) int {
	if f.Next() == '0' {
		t.Values = append(t.Values, f.Number())
		return 1
	}
	first := len(t.Values)
	f.Array(func() { t.Values = append(t.Values, f.Number()) })
	return len(t.Values) - first
}

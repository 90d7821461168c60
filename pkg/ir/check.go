package ir

import (
	"fmt"
	"math"
)

// Bounds of a model. They are far beyond what libraries train and keep every
// index and every product of two of them within the engine's 32 bits.
const (
	MaxFeatures = 1 << 20
	MaxOutputs  = 1 << 16
	MaxTrees    = 1 << 20
	// MaxNodes bounds the nodes of all trees, and MaxValues the leaf values
	// that their leaves use: 2 GiB of either.
	MaxNodes  = 1 << 28
	MaxValues = 1 << 28
	// MaxDepth bounds the steps from a root to a leaf, and so the time that
	// one tree takes. Trees of depth 6 to 30 are usual; a chain of a thousand
	// comes from an unbounded forest over sorted data.
	MaxDepth = 4096
)

// Error says where a model is unsound, and how.
type Error struct {
	Path    string // such as "tree 3: node 17"; "" is the model as a whole
	Message string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return "model: " + e.Message
	}
	return "model: " + e.Path + ": " + e.Message
}

func unsound(path, format string, args ...any) *Error {
	return &Error{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Check proves that m can be evaluated and compiled: every index is within
// bounds, every tree is a tree of bounded depth, and every number is one that
// the arithmetic of all processors agrees on. Its error is an *Error.
func Check(m *Model) error {
	if m != nil && m.Program != nil {
		return checkProgramModel(m)
	}
	if err := checkShape(m); err != nil {
		return err
	}
	nodes, values := 0, 0
	for t := range m.Trees {
		nodes += len(m.Trees[t].Nodes)
		if nodes > MaxNodes {
			return unsound(fmt.Sprintf("tree %d", t), "the model has more than %d nodes", MaxNodes)
		}
		leaves, err := checkTree(m, t)
		if err != nil {
			return err
		}
		if values += leaves * m.LeafWidth; values > MaxValues {
			return unsound(fmt.Sprintf("tree %d", t), "the model has more than %d leaf values", MaxValues)
		}
	}
	return nil
}

// checkShape judges everything but the trees.
func checkShape(m *Model) error {
	if m == nil {
		return unsound("", "there is none")
	}
	counts := []struct {
		name     string
		n        int
		min, max int
	}{
		{"features", len(m.FeatureNames), 1, MaxFeatures},
		{"outputs", m.Outputs, 1, MaxOutputs},
		{"trees", len(m.Trees), 0, MaxTrees},
	}
	for _, c := range counts {
		if c.n < c.min || c.n > c.max {
			return unsound("", "%d %s, want %d to %d", c.n, c.name, c.min, c.max)
		}
	}
	switch {
	case m.LeafWidth != 1 && m.LeafWidth != m.Outputs:
		return unsound("", "leaves of %d values, want 1 or %d, the number of outputs", m.LeafWidth, m.Outputs)
	case m.Input > Float32 || m.Sum > Float32:
		return unsound("", "no such precision: input %d, sum %d", m.Input, m.Sum)
	case !m.Finish.Sound(m.Outputs):
		return unsound("", "no such link (%d), answer (%d), average (%d) or bias", m.Link, m.Returns, m.Average)
	}
	if n := len(m.Labels); n != 0 && m.Width() == m.Outputs && n != m.Outputs && (n != 2 || m.Outputs != 1) {
		return unsound("", "%d labels do not fit %d outputs", n, m.Outputs)
	}
	if len(m.Base) != m.Outputs {
		return unsound("base", "%d values, want %d, one an output", len(m.Base), m.Outputs)
	}
	for i, b := range m.Base {
		if !finite(m.Sum.Round(b)) {
			return unsound(fmt.Sprintf("base %d", i), "is not finite")
		}
	}
	return nil
}

// checkTree walks tree t from its root and counts the leaves it meets.
func checkTree(m *Model, t int) (leaves int, err error) {
	tree := &m.Trees[t]
	path := func(node int32) string { return fmt.Sprintf("tree %d: node %d", t, node) }
	if tree.Group < 0 || tree.Group >= m.Outputs {
		return 0, unsound(fmt.Sprintf("tree %d", t), "adds to output %d of %d", tree.Group, m.Outputs)
	}
	if len(tree.Nodes) == 0 {
		return 0, unsound(fmt.Sprintf("tree %d", t), "has no nodes")
	}
	type visit struct{ node, depth int32 }
	seen := make([]bool, len(tree.Nodes))
	seen[0] = true
	stack := []visit{{0, 0}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := &tree.Nodes[v.node]
		if n.Feature == Leaf {
			if err := checkLeaf(m, tree, n); err != "" {
				return 0, unsound(path(v.node), "%s", err)
			}
			leaves++
			continue
		}
		if err := checkInner(m, n, v.depth); err != "" {
			return 0, unsound(path(v.node), "%s", err)
		}
		for _, child := range [2]int32{n.Left, n.Right} {
			if child < 0 || int(child) >= len(seen) {
				return 0, unsound(path(v.node), "child %d is not among the tree's %d nodes", child, len(seen))
			}
			if seen[child] {
				return 0, unsound(path(v.node), "child %d has another way from the root", child)
			}
			seen[child] = true
			stack = append(stack, visit{child, v.depth + 1})
		}
	}
	return leaves, nil
}

// checkLeaf returns what is wrong with a leaf, or "".
func checkLeaf(m *Model, tree *Tree, n *Node) string {
	if n.Value < 0 || int64(n.Value)+int64(m.LeafWidth) > int64(len(tree.Values)) {
		return fmt.Sprintf("its values %d to %d are not among the tree's %d",
			n.Value, int64(n.Value)+int64(m.LeafWidth)-1, len(tree.Values))
	}
	for k, v := range tree.Values[n.Value:][:m.LeafWidth] {
		if !finite(m.Sum.Round(v)) {
			return fmt.Sprintf("its value %d is not finite", k)
		}
	}
	return ""
}

// checkInner returns what is wrong with an inner node, or "".
func checkInner(m *Model, n *Node, depth int32) string {
	switch {
	case n.Feature < 0 || int(n.Feature) >= len(m.FeatureNames):
		return fmt.Sprintf("feature %d of %d", n.Feature, len(m.FeatureNames))
	case math.IsNaN(n.Threshold):
		return "the threshold is not a number"
	case n.Op > LE:
		return fmt.Sprintf("no such comparison: %d", n.Op)
	case depth >= MaxDepth:
		return fmt.Sprintf("the tree is deeper than %d", MaxDepth)
	}
	return ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

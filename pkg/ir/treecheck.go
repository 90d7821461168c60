package ir

import (
	"fmt"
	"math"
)

// totals are counts over the trees so far.
type totals struct{ nodes, leaves, codes, terms int }

// checkTree walks tree t from its root and adds what it meets to the totals.
func checkTree(m *Model, t int, all *totals) error {
	tree := &m.Trees[t]
	path := func(what string, i int32) string { return fmt.Sprintf("tree %d: %s %d", t, what, i) }
	switch {
	case tree.Group < 0 || tree.Group >= m.Outputs:
		return unsound(fmt.Sprintf("tree %d", t), "adds to output %d of %d", tree.Group, m.Outputs)
	case len(tree.Nodes) == 0:
		return unsound(fmt.Sprintf("tree %d", t), "has no nodes")
	case tree.Linear != nil && (len(tree.Linear) != len(tree.Values) || m.LeafWidth != 1 || m.Aggregate != Sum):
		return unsound(fmt.Sprintf("tree %d", t), "has %d linear leaves for %d values, or its leaves are vectors or not summed",
			len(tree.Linear), len(tree.Values))
	}
	all.nodes += len(tree.Nodes)
	for i, set := range tree.Sets {
		if err := checkSet(set); err != "" {
			return unsound(path("set", int32(i)), "%s", err)
		}
		all.codes += len(set)
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
			if err := checkLeaf(m, tree, n, all); err != "" {
				return unsound(path("node", v.node), "%s", err)
			}
			continue
		}
		if err := checkInner(m, tree, n, v.depth); err != "" {
			return unsound(path("node", v.node), "%s", err)
		}
		for _, child := range [2]int32{n.Left, n.Right} {
			if child < 0 || int(child) >= len(seen) {
				return unsound(path("node", v.node), "child %d is not among the tree's %d nodes", child, len(seen))
			}
			if seen[child] {
				return unsound(path("node", v.node), "child %d has another way from the root", child)
			}
			seen[child] = true
			stack = append(stack, visit{child, v.depth + 1})
		}
	}
	return nil
}

// checkSet returns what is wrong with a set of codes, or "".
func checkSet(set []int32) string {
	last := int32(-1)
	for _, code := range set {
		if code <= last {
			return fmt.Sprintf("the code %d comes after %d: codes are 0 or more, and ascend", code, last)
		}
		last = code
	}
	return ""
}

// checkLeaf returns what is wrong with a leaf, or "".
func checkLeaf(m *Model, tree *Tree, n *Node, all *totals) string {
	all.leaves++
	if n.Value < 0 || int64(n.Value)+int64(m.LeafWidth) > int64(len(tree.Values)) {
		return fmt.Sprintf("its values %d to %d are not among the tree's %d",
			n.Value, int64(n.Value)+int64(m.LeafWidth)-1, len(tree.Values))
	}
	for k, v := range tree.Values[n.Value:][:m.LeafWidth] {
		if !finite(m.Sum.Round(v)) {
			return fmt.Sprintf("its value %d is not finite", k)
		}
	}
	if tree.Linear == nil {
		return ""
	}
	all.terms += len(tree.Linear[n.Value].Features)
	return checkLinear(m, &tree.Linear[n.Value])
}

// checkLinear returns what is wrong with a linear leaf, or "".
func checkLinear(m *Model, l *Linear) string {
	if len(l.Features) != len(l.Coeffs) {
		return fmt.Sprintf("%d coefficients for %d features", len(l.Coeffs), len(l.Features))
	}
	if !finite(m.Sum.Round(l.Const)) {
		return "its constant is not finite"
	}
	for i, f := range l.Features {
		if f < 0 || int(f) >= len(m.FeatureNames) {
			return fmt.Sprintf("a term of feature %d of %d", f, len(m.FeatureNames))
		}
		if !finite(m.Sum.Round(l.Coeffs[i])) {
			return fmt.Sprintf("the coefficient of its term %d is not finite", i)
		}
	}
	return ""
}

// checkInner returns what is wrong with an inner node, or "".
func checkInner(m *Model, tree *Tree, n *Node, depth int32) string {
	switch {
	case n.Feature < 0 || int(n.Feature) >= len(m.FeatureNames):
		return fmt.Sprintf("feature %d of %d", n.Feature, len(m.FeatureNames))
	case n.Op > lastOp:
		return fmt.Sprintf("no such comparison: %d", n.Op)
	case n.Missing > lastMissing:
		return fmt.Sprintf("no such kind of missing: %d", n.Missing)
	case n.Op == In && (n.Value < 0 || int(n.Value) >= len(tree.Sets)):
		return fmt.Sprintf("set %d of %d", n.Value, len(tree.Sets))
	case n.Op != In && math.IsNaN(n.Threshold):
		return "the threshold is not a number"
	case depth >= MaxDepth:
		return fmt.Sprintf("the tree is deeper than %d", MaxDepth)
	}
	return ""
}

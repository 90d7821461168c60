package xgboost

import (
	"slices"
	"strconv"

	"example.com/copse/pkg/ir"
)

// walk is what the way through a tree needs.
type walk struct {
	seen  []bool
	stack []visit
	sets  []int32 // of a node with categories: its place in catNodes, or -1
}

type visit struct{ node, depth int32 }

// leafChild is the left child of a leaf.
const leafChild = -1

// failNode is failAt for a node's number in one of the lists.
func (f *file) failNode(col column, node int32, reason string, args ...any) {
	f.failAt(f.booster.columns.at[col], "/"+columnNames[col]+"/"+strconv.Itoa(int(node)), reason, args...)
}

// build makes nodes of the columns. Nodes keep their numbers, which are the
// leaves' numbers too; those that the root does not reach (the library leaves
// deleted ones in its files) become leaves that nobody asks.
func (f *file) build(at int64, c *columns) (t ir.Tree) {
	if !f.sameLength(at, c) || !f.categorical(at, c) {
		return t
	}
	n := len(c.left)
	c.walk.seen = append(c.walk.seen[:0], make([]bool, n)...)
	leaves := f.follow(c)
	if f.err != nil {
		return t
	}
	t.Nodes = make([]ir.Node, n)
	t.Values = make([]float64, 0, leaves*c.width)
	if len(c.catNodes) > 0 && c.has[categoryNodes] {
		t.Sets = f.sets(c)
	}
	for i := range t.Nodes {
		node := &t.Nodes[i]
		switch {
		case !c.walk.seen[i]:
			*node = ir.Node{Feature: ir.Leaf}
		case c.left[i] == leafChild:
			*node = ir.Node{Feature: ir.Leaf, ID: int32(i), Value: int32(len(t.Values))}
			t.Values = f.leafValues(c, int32(i), t.Values)
		default:
			*node = f.inner(c, int32(i))
		}
		if f.err != nil {
			return t
		}
	}
	return t
}

// sameLength checks that each list has one number a node.
func (f *file) sameLength(at int64, c *columns) bool {
	n := len(c.left)
	lists := [...]struct {
		col column
		n   int
	}{
		{leftChildren, n}, {rightChildren, len(c.right)}, {splitIndices, len(c.feature)},
		{splitConditions, len(c.threshold)}, {defaultLefts, len(c.defaultLeft)},
	}
	for _, l := range lists {
		switch {
		case !c.has[l.col]:
			f.failAt(at, "", "has no member %s", columnNames[l.col])
		case l.n != n:
			f.failAt(c.at[l.col], "/"+columnNames[l.col], "has %d numbers, left_children has %d", l.n, n)
		}
	}
	switch {
	case f.err != nil:
	case n == 0:
		f.failAt(c.at[leftChildren], "/"+columnNames[leftChildren], "has no numbers")
	case c.nodes >= 0 && c.nodes != n:
		f.failAt(at, "/tree_param/num_nodes", "is %d, left_children has %d numbers", c.nodes, n)
	case c.has[splitType] && len(c.kind) != n:
		f.failAt(c.at[splitType], "/"+columnNames[splitType], "has %d numbers, left_children has %d", len(c.kind), n)
	case c.width > 1:
		f.vectorLength(at, c)
	}
	return f.err == nil
}

// vectorLength checks the lists that vector leaves are in: leaf_weights, or
// before XGBoost 3.1 base_weights.
func (f *file) vectorLength(at int64, c *columns) {
	switch {
	case c.has[leafWeights]:
		if len(c.leaf)%c.width != 0 {
			f.failAt(c.at[leafWeights], "/"+columnNames[leafWeights], "has %d numbers, no multiple of %d", len(c.leaf), c.width)
		}
	case !c.has[baseWeights]:
		f.failAt(at, "", "has neither leaf_weights nor base_weights, and leaves of %d numbers", c.width)
	case len(c.base)/c.width != len(c.left) || len(c.base)%c.width != 0:
		f.failAt(c.at[baseWeights], "/"+columnNames[baseWeights], "has %d numbers, want %d for each of %d nodes",
			len(c.base), c.width, len(c.left))
	}
}

// follow walks from the root over all nodes and counts the leaves.
func (f *file) follow(c *columns) (leaves int) {
	w := &c.walk
	w.seen[0] = true
	w.stack = append(w.stack[:0], visit{})
	for len(w.stack) > 0 {
		v := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if c.left[v.node] == leafChild {
			leaves++
			continue
		}
		if v.depth >= ir.MaxDepth {
			f.failNode(leftChildren, v.node, "the tree is deeper than %d", ir.MaxDepth)
			return
		}
		if !f.step(c, leftChildren, v, c.left[v.node]) || !f.step(c, rightChildren, v, c.right[v.node]) {
			return
		}
	}
	return leaves
}

// step goes on to a child.
func (f *file) step(c *columns, col column, v visit, child int32) bool {
	w := &c.walk
	switch {
	case child < 0 || int(child) >= len(w.seen):
		f.failNode(col, v.node, "the child %d is none of %d nodes", child, len(w.seen))
		return false
	case w.seen[child]:
		f.failNode(col, v.node, "the child %d has another way from the root", child)
		return false
	}
	w.seen[child] = true
	w.stack = append(w.stack, visit{child, v.depth + 1})
	return true
}

// leafValues appends the values of a leaf.
func (f *file) leafValues(c *columns, i int32, dst []float64) []float64 {
	from, col, at := c.threshold[i:i+1], splitConditions, i
	if c.width > 1 {
		from, col = c.base, baseWeights
		if c.has[leafWeights] {
			from, col, at = c.leaf, leafWeights, c.right[i]
		}
		if at < 0 || int(at) >= len(from)/c.width {
			f.failNode(rightChildren, i, "the leaf %d is none of %d", at, len(from)/c.width)
			return dst
		}
		from = from[int(at)*c.width:][:c.width]
	}
	for _, v := range from {
		if v-v != 0 {
			f.failNode(col, at, "is not finite")
		}
		dst = append(dst, float64(v))
	}
	return dst
}

// inner makes an inner node. A category in the set goes right here and left in
// ir, so children change places.
func (f *file) inner(c *columns, i int32) ir.Node {
	n := ir.Node{
		Feature: c.feature[i], Left: c.left[i], Right: c.right[i],
		Op: ir.LT, Threshold: float64(c.threshold[i]), MissingLeft: c.defaultLeft[i] == 1,
	}
	switch {
	case n.Feature < 0:
		f.failNode(splitIndices, i, "%d is no feature", n.Feature)
	case c.isCategorical(i):
		n.Op, n.Value, n.Threshold = ir.In, c.walk.sets[i], 0
		n.Left, n.Right, n.MissingLeft = n.Right, n.Left, !n.MissingLeft
		if n.Value < 0 {
			f.failNode(splitType, i, "a split by categories without a place in categories_nodes")
		}
	case n.Threshold != n.Threshold:
		f.failNode(splitConditions, i, "is not a number")
	}
	return n
}

func (c *columns) isCategorical(i int32) bool { return c.has[splitType] && c.kind[i] == 1 }

// categorical checks the lists of categorical splits: one place in categories
// for each node that has one, and no two that share numbers.
func (f *file) categorical(at int64, c *columns) bool {
	w := &c.walk
	if !c.has[splitType] || !slices.Contains(c.kind, 1) {
		c.has[categoryNodes] = false
		return true
	}
	for _, col := range [...]column{categoryCodes, categoryNodes, categorySegments, categorySizes} {
		if !c.has[col] {
			f.failAt(at, "", "has splits by categories and no member %s", columnNames[col])
			return false
		}
	}
	if len(c.catAt) != len(c.catNodes) || len(c.catSize) != len(c.catNodes) {
		f.failAt(c.at[categoryNodes], "/"+columnNames[categoryNodes], "has %d numbers, categories_segments %d, categories_sizes %d",
			len(c.catNodes), len(c.catAt), len(c.catSize))
		return false
	}
	w.sets = slices.Repeat(append(w.sets[:0], -1), len(c.left))
	end := 0
	for i, node := range c.catNodes {
		from, n := int(c.catAt[i]), int(c.catSize[i])
		switch {
		case node < 0 || int(node) >= len(c.left) || w.sets[node] >= 0:
			f.failNode(categoryNodes, int32(i), "the node %d is none of %d, or stands twice", node, len(c.left))
		case from < end || n < 0 || from+n > len(c.codes):
			f.failNode(categorySegments, int32(i), "the categories %d to %d are not among %d, or another node's too", from, from+n-1, len(c.codes))
		}
		if f.err != nil {
			return false
		}
		w.sets[node] = int32(i)
		end = from + n
	}
	return true
}

// codeLimit is the first number that is no category's code: from there on
// float32 does not tell whole numbers apart.
const codeLimit = 1 << 24

// sets makes the sets of all nodes with categories, in one piece of memory.
func (f *file) sets(c *columns) [][]int32 {
	codes := slices.Clone(c.codes)
	for i, code := range codes {
		if code < 0 || code >= codeLimit {
			f.failNode(categoryCodes, int32(i), "%d is no category", code)
			return nil
		}
	}
	sets := make([][]int32, len(c.catNodes))
	for i := range sets {
		set := codes[c.catAt[i]:][:c.catSize[i]:c.catSize[i]]
		if !slices.IsSorted(set) {
			slices.Sort(set)
		}
		sets[i] = slices.Compact(set)
	}
	return sets
}

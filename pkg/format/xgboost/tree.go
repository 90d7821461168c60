package xgboost

import (
	"math"

	"example.com/copse/pkg/ir"
)

// columns are the members of one tree: lists with one number a node, and those
// of its categorical splits. They are used again for the next tree.
type columns struct {
	id, nodes, width int // tree_param's num_nodes and size_leaf_vector

	left, right, feature []int32
	threshold            []float32
	defaultLeft, kind    []uint8
	base, leaf           []float32 // base_weights, leaf_weights

	codes                    []int32 // categories: the sets of all nodes
	catNodes, catAt, catSize []int32

	room int // nodes of this tree, as far as its lists have shown
	has  [columnCount]bool
	at   [columnCount]int64 // in the file
	walk walk
}

// column is a member of a tree that is a list.
type column uint8

const (
	noColumn column = iota
	leftChildren
	rightChildren
	splitIndices
	splitConditions
	defaultLefts
	splitType
	baseWeights
	leafWeights
	categoryCodes
	categoryNodes
	categorySegments
	categorySizes
	columnCount
)

var columnNames = [columnCount]string{"", "left_children", "right_children", "split_indices", "split_conditions", "default_left",
	"split_type", "base_weights", "leaf_weights", "categories", "categories_nodes", "categories_segments", "categories_sizes"}

func columnOf(key []byte) column {
	for i, name := range columnNames {
		if string(key) == name {
			return column(i)
		}
	}
	return noColumn
}

// reset forgets a tree and keeps its memory.
func (c *columns) reset(id int) {
	c.id, c.nodes, c.width, c.room = id, -1, 0, 0
	c.has = [columnCount]bool{}
}

// tree reads one tree and appends it.
func (f *file) tree(i int) {
	b := &f.booster
	c := &b.columns
	if len(b.trees) >= ir.MaxTrees {
		f.fail("more than %d trees", ir.MaxTrees)
		return
	}
	at := f.offset()
	c.reset(i)
	f.object(f.treeMember)
	if f.err != nil {
		return
	}
	c.width = max(c.width, 1) // 1.x says 0
	if i == 0 {
		b.width = c.width
		b.noBase = c.width == 1 || c.has[leafWeights]
	}
	if c.width != b.width {
		f.failAt(at, "/tree_param/size_leaf_vector", "is %d, of other trees %d", c.width, b.width)
		return
	}
	t := f.build(at, c)
	b.trees = append(b.trees, t)
	b.places = append(b.places, at)
	b.ids = append(b.ids, int32(c.id))
}

func (f *file) treeMember(key []byte) {
	c := &f.booster.columns
	switch string(key) {
	case "id":
		c.id = f.count(math.MaxInt32)
		return
	case "tree_param":
		f.object(func(key []byte) {
			switch string(key) {
			case "num_nodes":
				c.nodes = f.count(ir.MaxNodes)
			case "size_leaf_vector":
				c.width = f.count(maxOutputs)
			default:
				f.skip()
			}
		})
		return
	}
	col := columnOf(key)
	if col == noColumn || col == baseWeights && f.booster.noBase {
		f.skip()
		return
	}
	c.has[col], c.at[col] = true, f.offset()
	f.column(col)
}

// column reads one list of a tree.
func (f *file) column(col column) {
	c := &f.booster.columns
	switch col {
	case leftChildren:
		c.left = f.ints(roomFor(c.left, c.room))
		c.room = max(c.room, len(c.left))
	case rightChildren:
		c.right = f.ints(roomFor(c.right, c.room))
		c.room = max(c.room, len(c.right))
	case splitIndices:
		c.feature = f.ints(roomFor(c.feature, c.room))
		c.room = max(c.room, len(c.feature))
	case splitConditions:
		c.threshold = f.floats(roomFor(c.threshold, c.room))
		c.room = max(c.room, len(c.threshold))
	case defaultLefts:
		c.defaultLeft = f.bits(roomFor(c.defaultLeft, c.room))
		c.room = max(c.room, len(c.defaultLeft))
	case splitType:
		c.kind = f.bits(roomFor(c.kind, c.room))
	case baseWeights:
		c.base = f.floats(c.base)
	case leafWeights:
		c.leaf = f.floats(c.leaf)
	case categoryCodes:
		c.codes = f.ints(c.codes)
	case categoryNodes:
		c.catNodes = f.ints(c.catNodes)
	case categorySegments:
		c.catAt = f.ints(c.catAt)
	case categorySizes:
		c.catSize = f.ints(c.catSize)
	}
}

// roomFor is list with room for n numbers, so that it is not copied as it
// grows.
func roomFor[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, 0, n)
	}
	return list
}

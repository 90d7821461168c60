package engine

import (
	"cmp"
	"math"
	"slices"

	"example.com/copse/pkg/ir"
)

// Limits of the narrow form of steps.
const (
	narrowColumns = 1<<16/lanes - 1 // besides the constant one
	narrowOffset  = 1<<16 - 1
)

// Compile turns a sound model (ir.Check) into arrays; the same model always
// gives the same arrays. Its error is an *ir.Error: the model is not sound.
func Compile(m *ir.Model) (*Arrays, error) {
	if err := ir.Check(m); err != nil {
		return nil, err
	}
	if m.Program != nil {
		return compileProgram(m)
	}
	c := compiler{m: m, a: &Arrays{
		Features: len(m.FeatureNames), Outputs: m.Outputs, LeafWidth: m.LeafWidth,
		Compare: m.Input, Sum: m.Sum, Finish: m.Finish,
		Columns: columns(m),
	}}
	for _, b := range m.Base {
		c.a.Base = append(c.a.Base, m.Sum.Round(b))
	}
	c.narrow = len(c.a.Columns) <= narrowColumns
	for t := range m.Trees {
		c.tree(&m.Trees[t])
	}
	c.pack()
	return c.a, nil
}

// columns lists the columns that the model's nodes look at, in order.
func columns(m *ir.Model) []uint32 {
	var list []uint32
	seen := make(map[uint32]bool)
	for t := range m.Trees {
		visit(&m.Trees[t], func(n *ir.Node, _ int) {
			if n.Feature == ir.Leaf || seen[column(n)] {
				return
			}
			seen[column(n)] = true
			list = append(list, column(n))
		})
	}
	slices.SortFunc(list, compareColumns)
	return list
}

// compareColumns orders columns by feature, NaN below before NaN above.
func compareColumns(a, b uint32) int {
	return cmp.Or(cmp.Compare(a&^NaNAbove, b&^NaNAbove), cmp.Compare(a, b))
}

// column is the column that an inner node looks at. The left child is the
// first one, so NaN is above where it goes right.
func column(n *ir.Node) uint32 {
	if n.MissingLeft {
		return uint32(n.Feature)
	}
	return uint32(n.Feature) | NaNAbove
}

// visit calls f for the nodes of a tree breadth first, children as neighbours,
// with the distance to the first child (0 for a leaf).
func visit(tree *ir.Tree, f func(n *ir.Node, offset int)) {
	queue := []int32{0}
	for i := 0; i < len(queue); i++ {
		n := &tree.Nodes[queue[i]]
		if n.Feature == ir.Leaf {
			f(n, 0)
			continue
		}
		f(n, len(queue)-i)
		queue = append(queue, n.Left, n.Right)
	}
}

// compiler collects the nodes in the wide form.
type compiler struct {
	m      *ir.Model
	a      *Arrays
	narrow bool // so far, steps fit the narrow form
}

// tree adds one tree.
func (c *compiler) tree(tree *ir.Tree) {
	a := c.a
	root := len(a.Steps64)
	a.Roots = append(a.Roots, uint32(root))
	a.Groups = append(a.Groups, uint32(tree.Group))
	depth := []uint32{0}
	deepest := uint32(1)
	visit(tree, func(n *ir.Node, offset int) {
		d := depth[len(a.Steps64)-root]
		deepest = max(deepest, d)
		if offset == 0 {
			c.leaf(tree, n)
			return
		}
		depth = append(depth, d+1, d+1)
		c.inner(n, offset)
	})
	a.Depths = append(a.Depths, deepest)
}

func (c *compiler) inner(n *ir.Node, offset int) {
	a := c.a
	at, _ := slices.BinarySearchFunc(a.Columns, column(n), compareColumns)
	c.narrow = c.narrow && offset <= narrowOffset
	a.Steps64 = append(a.Steps64, uint64(offset)<<32|uint64(at*lanes))
	key := bound64(n.Threshold, n.Op)
	if a.Compare == ir.Float32 {
		key = uint64(bound32(n.Threshold, n.Op))
	}
	a.Keys64 = append(a.Keys64, key)
	if a.LeafWidth == 1 {
		c.values([]float64{0})
	}
}

func (c *compiler) leaf(tree *ir.Tree, n *ir.Node) {
	a := c.a
	number := len(a.LeafIDs)
	a.LeafIDs = append(a.LeafIDs, n.ID)
	a.Steps64 = append(a.Steps64, uint64(len(a.Columns)*lanes))
	a.Keys64 = append(a.Keys64, uint64(number))
	c.values(tree.Values[n.Value:][:a.LeafWidth])
}

// values adds leaf values.
func (c *compiler) values(list []float64) {
	for _, v := range list {
		if c.a.Sum == ir.Float32 {
			c.a.Leaves32 = append(c.a.Leaves32, float32(v))
		} else {
			c.a.Leaves64 = append(c.a.Leaves64, v)
		}
	}
}

// pack brings the nodes into a narrow form if all of them fit.
func (c *compiler) pack() {
	if !c.narrow {
		return
	}
	a := c.a
	steps, keys := a.Steps64, a.Keys64
	a.Steps64 = nil
	narrow := func(s uint64) uint32 { return uint32(s>>32)<<16 | uint32(s&math.MaxUint16) }
	if a.Compare == ir.Float64 {
		a.Steps32 = make([]uint32, len(steps))
		for i, s := range steps {
			a.Steps32[i] = narrow(s)
		}
		return
	}
	a.Keys64 = nil
	a.Nodes32 = make([]Node32, len(steps))
	for i, s := range steps {
		a.Nodes32[i] = Node32{Key: uint32(keys[i]), Step: narrow(s)}
	}
}

package engine

import (
	"math"
	"slices"

	"example.com/copse/pkg/ir"
)

// Limits of the narrow form of steps.
const (
	narrowColumns = 1<<16/lanes - 1 // besides the constant one
	narrowOffset  = 1<<16 - 1
)

// allBits is the mask of a node that compares keys.
const allBits = math.MaxUint64

// Compile turns a sound model (ir.Check) into arrays; the same model always
// gives the same arrays. Its error is an *ir.Error: the model is not sound.
//
// It goes over the trees twice, first to count, so that it needs hardly more
// memory than the arrays it makes.
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
		Codes: m.Codes, Aggregate: m.Aggregate, ZeroBand: m.ZeroBand,
	}}
	for _, b := range m.Base {
		c.a.Base = append(c.a.Base, m.Sum.Round(b))
	}
	c.count()
	c.columns()
	c.allocate()
	for t := range m.Trees {
		c.tree(&m.Trees[t])
	}
	if c.linear {
		c.a.LinearStarts = append(c.a.LinearStarts, uint32(len(c.a.LinearCoeffs)))
	}
	c.recode()
	return c.a, nil
}

// compiler makes arrays of a model.
type compiler struct {
	m       *ir.Model
	a       *Arrays
	visitor visitor

	// What count finds out.
	nodes, leaves, terms int
	farthest             int                   // offset
	linear               bool                  // some leaves are
	flags                []uint32              // of each feature, a bit for each kind of column
	sets                 map[uint32]*setSplits // by column
	splits               []uint32              // of each node with a set, in order, its split
	firsts               map[uint32]uint32     // of each kind of column, its first place
}

// count goes over all trees for sizes and columns.
func (c *compiler) count() {
	c.flags = make([]uint32, c.a.Features)
	c.sets = make(map[uint32]*setSplits)
	for t := range c.m.Trees {
		tree := &c.m.Trees[t]
		c.linear = c.linear || tree.Linear != nil
		c.visitor.visit(tree, func(n *ir.Node, offset int, _ uint32) {
			c.nodes++
			if offset == 0 {
				c.leaves++
				if tree.Linear != nil {
					c.terms += len(tree.Linear[n.Value].Features)
				}
				return
			}
			c.farthest = max(c.farthest, offset)
			column := column(c.m, n)
			c.flags[n.Feature] |= 1 << (column >> (32 - flagBits))
			if n.Op == ir.In {
				c.splits = append(c.splits, c.split(column, tree, n))
			}
		})
	}
}

// columns lists the columns that the model's nodes look at, in order.
func (c *compiler) columns() {
	var kinds []uint32
	for f, flags := range c.flags {
		for bit := range uint32(1 << flagBits) {
			if flags>>bit&1 != 0 {
				kinds = append(kinds, uint32(f)|bit<<(32-flagBits))
			}
		}
	}
	slices.SortFunc(kinds, compareColumns)
	c.firsts = make(map[uint32]uint32, len(kinds))
	for _, column := range kinds {
		c.firsts[column] = uint32(len(c.a.Columns))
		if column&SetColumn == 0 {
			c.a.Columns = append(c.a.Columns, column)
			continue
		}
		splits := c.sets[column].list
		for range slices.Chunk(splits, setBits(c.m.Input)) {
			c.a.Columns = append(c.a.Columns, column)
		}
		c.tables(splits)
	}
}

// allocate makes room for the nodes in the narrowest form that holds them, and
// for the leaves.
func (c *compiler) allocate() {
	a := c.a
	narrow := len(a.Columns) <= narrowColumns && c.farthest <= narrowOffset
	switch {
	case narrow && a.Compare == ir.Float32:
		a.Nodes32 = make([]Node32, 0, c.nodes)
	case narrow:
		a.Keys64, a.Steps32 = make([]uint64, 0, c.nodes), make([]uint32, 0, c.nodes)
	default:
		a.Keys64, a.Steps64 = make([]uint64, 0, c.nodes), make([]uint64, 0, c.nodes)
	}
	switch {
	case len(c.sets) == 0:
	case cap(a.Nodes32) > 0:
		a.Masks32 = make([]uint32, 0, c.nodes)
	default:
		a.Masks64 = make([]uint64, 0, c.nodes)
	}
	a.LeafIDs = make([]int32, 0, c.leaves)
	values := c.leaves * a.LeafWidth
	switch {
	case c.linear:
		values = 2 * c.leaves
		a.LinearStarts = make([]uint32, 0, c.leaves+1)
		a.LinearFeatures, a.LinearCoeffs = make([]uint32, 0, c.terms), make([]float64, 0, c.terms)
	case a.LeafWidth == 1:
		values = c.nodes
	}
	if a.Sum == ir.Float32 {
		a.Leaves32 = make([]float32, 0, values)
	} else {
		a.Leaves64 = make([]float64, 0, values)
	}
	trees := len(c.m.Trees)
	a.Roots, a.Depths, a.Groups = make([]uint32, 0, trees), make([]uint32, 0, trees), make([]uint32, 0, trees)
}

// tree adds one tree.
func (c *compiler) tree(tree *ir.Tree) {
	a := c.a
	a.Roots = append(a.Roots, uint32(a.nodes()))
	a.Groups = append(a.Groups, uint32(tree.Group))
	deepest := uint32(1)
	c.visitor.visit(tree, func(n *ir.Node, offset int, depth uint32) {
		deepest = max(deepest, depth)
		if offset == 0 {
			c.leaf(tree, n)
		} else {
			c.inner(n, offset)
		}
	})
	a.Depths = append(a.Depths, deepest)
}

func (c *compiler) inner(n *ir.Node, offset int) {
	at := c.firsts[column(c.m, n)]
	if n.Op == ir.In {
		split := c.splits[0]
		c.splits = c.splits[1:]
		width := uint32(setBits(c.m.Input))
		c.node(0, offset, at+split/width, 1<<(split%width))
	} else {
		c.node(bound(c.a.Compare, n.Threshold, n.Op), offset, at, allBits)
	}
	if c.a.LeafWidth == 1 && !c.linear {
		c.value(0)
	}
}

func (c *compiler) leaf(tree *ir.Tree, n *ir.Node) {
	a := c.a
	c.node(uint64(len(a.LeafIDs)), 0, uint32(len(a.Columns)), allBits)
	a.LeafIDs = append(a.LeafIDs, n.ID)
	for _, v := range tree.Values[n.Value:][:a.LeafWidth] {
		c.value(v)
	}
	if !c.linear {
		return
	}
	a.LinearStarts = append(a.LinearStarts, uint32(len(a.LinearCoeffs)))
	if tree.Linear == nil {
		c.value(tree.Values[n.Value])
		return
	}
	l := &tree.Linear[n.Value]
	c.value(l.Const)
	for i, f := range l.Features {
		a.LinearFeatures = append(a.LinearFeatures, uint32(f))
		a.LinearCoeffs = append(a.LinearCoeffs, a.Sum.Round(l.Coeffs[i]))
	}
}

// node adds a node in the form that allocate chose.
func (c *compiler) node(key uint64, offset int, column uint32, mask uint64) {
	a := c.a
	narrow := uint32(offset)<<16 | column*lanes&math.MaxUint16
	switch {
	case cap(a.Nodes32) > 0:
		a.Nodes32 = append(a.Nodes32, Node32{Key: uint32(key), Step: narrow})
	case cap(a.Steps32) > 0:
		a.Keys64, a.Steps32 = append(a.Keys64, key), append(a.Steps32, narrow)
	default:
		a.Keys64, a.Steps64 = append(a.Keys64, key), append(a.Steps64, uint64(offset)<<32|uint64(column*lanes))
	}
	switch {
	case a.Masks32 != nil:
		a.Masks32 = append(a.Masks32, uint32(mask))
	case a.Masks64 != nil:
		a.Masks64 = append(a.Masks64, mask)
	}
}

// value adds a leaf value.
func (c *compiler) value(v float64) {
	if c.a.Sum == ir.Float32 {
		c.a.Leaves32 = append(c.a.Leaves32, float32(v))
	} else {
		c.a.Leaves64 = append(c.a.Leaves64, v)
	}
}

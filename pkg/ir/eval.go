package ir

import "math"

// Round rounds x to the precision, to nearest even. Its conversions also keep a
// compiler from fusing the product x with a sum that it is added to.
func (p Precision) Round(x float64) float64 {
	if p == Float32 {
		return float64(float32(x))
	}
	return float64(x)
}

// add is one step of a sum. Both terms are rounded to the precision already.
func (p Precision) add(a, b float64) float64 {
	if p == Float32 {
		return float64(float32(a) + float32(b))
	}
	return a + b
}

// divide is the quotient as the precision has it.
func (p Precision) divide(a, b float64) float64 {
	if p == Float32 {
		return float64(float32(a) / float32(b))
	}
	return a / b
}

// Eval evaluates a sound model on one row (one value a feature, NaN where it
// is missing): margin and values (Outputs each) are the sums and what the
// link makes of them. It is the reference: short and slow.
func (m *Model) Eval(row, margin, values []float64) {
	if m.Program != nil {
		m.evalProgram(row, margin, values)
		return
	}
	for i, b := range m.Base {
		margin[i] = m.Sum.Round(b)
	}
	for t := range m.Trees {
		tree := &m.Trees[t]
		first := tree.Group
		if m.LeafWidth > 1 {
			first = 0
		}
		leaf := m.leaf(tree, row)
		for k, v := range tree.Values[leaf.Value:][:m.LeafWidth] {
			margin[first+k] = m.Sum.add(margin[first+k], m.Sum.Round(v))
		}
	}
	m.Margins(margin[:m.Outputs], m.Outputs, m.Sum)
	copy(values, margin)
	m.Values(values[:m.Outputs], m.Outputs, m.Sum)
}

// EvalLeaf writes the library's number of the leaf that the row reaches in
// each tree.
func (m *Model) EvalLeaf(row []float64, out []int32) {
	for t := range m.Trees {
		out[t] = m.leaf(&m.Trees[t], row).ID
	}
}

// leaf follows one row through one tree.
func (m *Model) leaf(tree *Tree, row []float64) *Node {
	n := &tree.Nodes[0]
	for n.Feature != Leaf {
		if n.left(m.Input.Round(row[n.Feature])) {
			n = &tree.Nodes[n.Left]
		} else {
			n = &tree.Nodes[n.Right]
		}
	}
	return n
}

// left says where x, already rounded, goes.
func (n *Node) left(x float64) bool {
	switch {
	case math.IsNaN(x):
		return n.MissingLeft
	case n.Op == LT:
		return x < n.Threshold
	default:
		return x <= n.Threshold
	}
}

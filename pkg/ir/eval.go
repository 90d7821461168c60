package ir

import (
	"math"
	"slices"
)

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
	m.sums(row, margin[:m.Outputs])
	m.Margins(margin[:m.Outputs], m.Outputs, m.Sum)
	copy(values, margin[:m.Outputs])
	m.Values(values[:m.Outputs], m.Outputs, m.Sum)
}

// sums writes what is made of the leaves that the row reaches.
func (m *Model) sums(row, sums []float64) {
	for i, b := range m.Base {
		sums[i] = m.Aggregate.start(m.Sum.Round(b))
	}
	for t := range m.Trees {
		tree := &m.Trees[t]
		first := tree.Group
		if m.LeafWidth > 1 {
			first = 0
		}
		leaf := m.leaf(tree, row)
		for k, v := range tree.Values[leaf.Value:][:m.LeafWidth] {
			if tree.Linear != nil {
				v = m.linear(&tree.Linear[leaf.Value], row, v)
			}
			sums[first+k] = m.Aggregate.take(sums[first+k], m.Sum.Round(v), m.Sum)
		}
	}
	if m.Aggregate != Sum {
		for i, b := range m.Base {
			sums[i] = m.Aggregate.end(sums[i], m.Sum.Round(b), m.Sum)
		}
	}
}

// start is what the first leaf value meets. No leaf is infinite, so an infinity
// stands for none.
func (a Aggregate) start(base float64) float64 {
	switch a {
	case Min:
		return math.Inf(1)
	case Max:
		return math.Inf(-1)
	}
	return base
}

func (a Aggregate) take(so, v float64, p Precision) float64 {
	switch {
	case a == Sum:
		return p.add(so, v)
	case a == Min && v < so, a == Max && v > so:
		return v
	}
	return so
}

func (a Aggregate) end(so, base float64, p Precision) float64 {
	if math.IsInf(so, 0) {
		return base
	}
	return p.add(so, base)
}

// linear is a linear leaf's value; instead counts where a feature is NaN.
func (m *Model) linear(l *Linear, row []float64, instead float64) float64 {
	sum := m.Sum.Round(l.Const)
	for i, f := range l.Features {
		x := m.Sum.Round(m.input(row[f], f))
		if math.IsNaN(x) {
			return instead
		}
		sum = m.Sum.add(sum, m.Sum.Round(m.Sum.Round(l.Coeffs[i])*x))
	}
	return sum
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
		if m.left(tree, n, m.input(row[n.Feature], n.Feature)) {
			n = &tree.Nodes[n.Left]
		} else {
			n = &tree.Nodes[n.Right]
		}
	}
	return n
}

// input is what the model makes of the value of feature f before anything
// looks at it.
func (m *Model) input(x float64, f int32) float64 {
	if len(m.Recode) > 0 && m.Recode[f] != nil {
		x = place(m.Recode[f], x)
	}
	x = m.Input.Round(x)
	if m.ZeroBand && inZeroBand(x) {
		x = 0
	}
	return x
}

func place(numbers []float64, x float64) float64 {
	for i, y := range numbers {
		if x == y {
			return float64(i)
		}
	}
	return math.NaN()
}

func inZeroBand(x float64) bool { return math.Abs(x) <= ZeroBand }

// left says where x, which input has made, goes at n.
func (m *Model) left(tree *Tree, n *Node, x float64) bool {
	switch {
	case math.IsNaN(x) && n.Missing == MissingNone:
		x = 0
	case math.IsNaN(x), n.Missing == MissingZero && inZeroBand(x):
		return n.MissingLeft
	}
	switch n.Op {
	case LT:
		return x < n.Threshold
	case LE:
		return x <= n.Threshold
	}
	code, ok := m.Codes.Code(x)
	return ok && slices.Contains(tree.Sets[n.Value], code)
}

// Code is the code of x, a number; ok is false where it has none.
func (r CodeRule) Code(x float64) (code int32, ok bool) {
	switch {
	case r == CodeCast && x > -1 && x < 1<<31:
	case r == CodeNonNegative && x >= 0 && x < 1<<24:
	case r == CodeExact && x >= 0 && x < 1<<31 && x == math.Trunc(x):
	default:
		return 0, false
	}
	return int32(x), true
}

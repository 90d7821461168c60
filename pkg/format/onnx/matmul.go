package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators that are products of matrices.

func lowerMatMul(n *node) []*value {
	a, b := n.in[0], n.in[1]
	n.alike(a, b)
	n.numeric(a)
	if len(a.dims) == 0 || len(b.dims) == 0 {
		n.refuse("multiplies a single number")
	}
	// A vector is a row on the left, a column on the right.
	left, right := len(a.dims) == 1, len(b.dims) == 1
	if left {
		a = a.shaped(insert(a.dims, 0, 1), shift(a.batch, 0))
	}
	if right {
		b = b.shaped(append(slices.Clone(b.dims), 1), b.batch)
	}
	out := n.product(a, b)
	if left {
		out = n.dropAxis(out, len(out.dims)-2)
	}
	if right {
		out = n.dropAxis(out, len(out.dims)-1)
	}
	return one(out)
}

// shift is the axis of the rows after a new axis at at.
func shift(batch, at int) int {
	if batch >= at {
		return batch + 1
	}
	return batch
}

// dropAxis takes away an axis of one place, which is not the rows'.
func (n *node) dropAxis(v *value, axis int) *value {
	batch := v.batch
	if batch == axis {
		n.refuse("would mix the rows")
	}
	if batch > axis {
		batch--
	}
	return v.shaped(remove(v.dims, axis), batch)
}

// product multiplies matrices; of more axes, one of the two is known.
func (n *node) product(a, b *value) *value {
	ra, rb := len(a.dims), len(b.dims)
	if k := a.dims[ra-1]; k != b.dims[rb-2] || k == 0 {
		n.refuse("multiplies %d columns with %d rows", k, b.dims[rb-2])
	}
	if a.batch == ra-1 || b.batch == rb-2 {
		n.refuse("adds over the rows: the answer for a row would depend on the others")
	}
	switch {
	case rb == 2 && b.batch == noAxis:
		return n.byConstant(a, b)
	case ra == 2 && a.batch == noAxis && rb == 2:
		// (A·B)ᵗ = Bᵗ·Aᵗ
		return n.flip(n.byConstant(n.flip(b), n.flip(a)))
	}
	return n.productOfRows(a, b)
}

// flip transposes a matrix.
func (n *node) flip(v *value) *value { return n.transpose(v, []int{1, 0}) }

// byConstant multiplies by a matrix that is the same for all rows.
func (n *node) byConstant(a, b *value) *value {
	last := len(a.dims) - 1
	m, k, w := product(a.dims[:last]), a.dims[last], b.dims[1]
	out := &value{elem: a.elem, dims: append(slices.Clone(a.dims[:last]), w), batch: a.batch}
	weights, known := n.constant(b)
	if !known {
		n.refuse("multiplies two tensors of which none is known")
	}
	step := ir.Step{Kind: ir.MatMul, In: []int32{a.reg}, Ints: []int{m, k, w}, Data: weights}
	out.reg = n.emit(step, n.typeOf(out), product(out.dims))
	return out
}

// productOfRows multiplies matrices that a row has.
func (n *node) productOfRows(a, b *value) *value {
	ra, rb := len(a.dims), len(b.dims)
	lead, batch := n.broadcast([]*value{
		{dims: a.dims[:ra-2], batch: leading(a.batch, ra-2)}, {dims: b.dims[:rb-2], batch: leading(b.batch, rb-2)}})
	if product(lead) != 1 || product(a.dims[:ra-2]) != 1 || product(b.dims[:rb-2]) != 1 ||
		leading(a.batch, ra-2) != a.batch || leading(b.batch, rb-2) != b.batch {
		n.refuse("multiplies more than one matrix a row")
	}
	m, k, w := a.dims[ra-2], a.dims[ra-1], b.dims[rb-1]
	out := &value{elem: a.elem, dims: append(slices.Clone(lead), m, w), batch: batch}
	step := ir.Step{Kind: ir.MatMulOf, In: []int32{a.reg, b.reg}, Ints: []int{m, k, w}}
	out.reg = n.emit(step, n.typeOf(out), m*w)
	return out
}

// leading is the axis of the rows if it is among the first ones.
func leading(batch, count int) int {
	if batch < count {
		return batch
	}
	return noAxis
}

func lowerGemm(n *node) []*value {
	a, b := n.in[0], n.in[1]
	n.alike(a, b)
	if len(a.dims) != 2 || len(b.dims) != 2 {
		n.refuse("multiplies tensors of %d and %d axes", len(a.dims), len(b.dims))
	}
	alpha, beta := n.float("alpha", 1), n.float("beta", 1)
	n.ignore("broadcast")
	if n.int("transA", 0) != 0 {
		a = n.flip(a)
	}
	if n.int("transB", 0) != 0 {
		b = n.flip(b)
	}
	out := n.product(a, b)
	if alpha != 1 {
		out = n.binary(ir.FnMul, out, n.scalar(out.elem, alpha))
	}
	if c := n.input(2); c != nil && beta != 0 {
		n.alike(out, c)
		if beta != 1 {
			c = n.binary(ir.FnMul, c, n.scalar(c.elem, beta))
		}
		out = n.binary(ir.FnAdd, out, c)
	}
	return one(out)
}

// affine is v·weightsᵗ + bias in float: weights has a row for each output.
func (n *node) affine(v *value, weights, bias []float64, outputs int) *value {
	v = n.rows2(v)
	k := v.dims[1]
	if outputs < 1 || len(weights) != product([]int{outputs, k}) {
		n.refuse("has %d coefficients for %d outputs of %d features", len(weights), outputs, k)
	}
	n.spend(2 * len(weights))
	data := make([]float64, len(weights), len(weights)+len(bias))
	for o := range outputs {
		for i := range k {
			data[i*outputs+o] = weights[o*k+i]
		}
	}
	data = append(data, bias...)
	step := ir.Step{Kind: ir.MatMul, In: []int32{v.reg}, Ints: []int{v.dims[0], k, outputs}, Data: data}
	out := &value{elem: elemFloat, dims: []int{v.dims[0], outputs}, batch: v.batch}
	out.reg = n.emit(step, ir.TypeFloat32, v.dims[0]*outputs)
	return out
}

// rows2 is v as rows × features, as the operators of ai.onnx.ml take it.
func (n *node) rows2(v *value) *value {
	if len(v.dims) != 2 || v.batch != 0 || v.dims[0] != 1 || v.dims[1] < 1 {
		n.refuse("takes a tensor of rows × features")
	}
	return v
}

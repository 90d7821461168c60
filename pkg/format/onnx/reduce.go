package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators that compute along axes. None may compute along the rows' axis.

// notRows refuses to compute along the axis of the rows.
func (n *node) notRows(v *value, axis int) {
	if axis == v.batch {
		n.refuse("computes along the axis of the rows: the answer for a row would depend on the others")
	}
}

// reduceOf lowers an operator that reduces axes to one value. after is a
// function of the result, or FnNone.
func reduceOf(f, after ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		v := n.in[0]
		if v.sizes != nil && f == ir.FnProd {
			return one(n.prodSizes(v))
		}
		n.needSizes(v)
		n.numeric(v)
		keep := n.int("keepdims", 1) == 1
		axes := n.axesOf()
		noop := n.int("noop_with_empty_axes", 0) == 1
		if len(axes) == 0 {
			if noop {
				return one(v)
			}
			axes = nil
			for i := range v.dims {
				axes = append(axes, int64(i))
			}
		}
		list := make([]int, 0, len(axes))
		for _, a := range axes {
			axis := n.axis(a, len(v.dims))
			n.notRows(v, axis)
			list = append(list, axis)
		}
		slices.Sort(list)
		out := n.reduce(f, v, slices.Compact(list), keep, v.elem)
		if after != ir.FnNone {
			out = n.unary(after, out)
		}
		return one(out)
	}
}

// prodSizes is the product of a vector of sizes.
func (n *node) prodSizes(v *value) *value {
	keep := n.int("keepdims", 1) == 1
	n.axesOf()
	p := size{c: 1}
	for _, s := range v.sizes {
		if p.n != 0 && s.n != 0 || s.n != 0 && s.c != 0 {
			n.refuse("computes with the number of rows in a way that is not supported")
		}
		p = size{p.n*s.c + p.c*s.n, p.c * s.c}
		if p.n > maxWidth || p.c > maxWidth {
			n.refuse("computes with sizes that are too large")
		}
	}
	if keep {
		return n.ofSizes([]size{p}, []int{1})
	}
	return n.ofSizes([]size{p}, nil)
}

// reduce reduces some axes, in ascending order, none of which is the rows'.
func (n *node) reduce(f ir.Fn, v *value, axes []int, keep bool, e elem) *value {
	if len(axes) == 0 {
		return v
	}
	for i := 1; i < len(axes); i++ {
		if axes[i] != axes[i-1]+1 {
			return n.reduceApart(f, v, axes, keep, e)
		}
	}
	first, last := axes[0], axes[len(axes)-1]
	shape := []int{product(v.dims[:first]), product(v.dims[first : last+1]), product(v.dims[last+1:])}
	if shape[1] == 0 {
		n.refuse("reduces an axis without places")
	}
	out := &value{elem: e, batch: v.batch}
	for i, d := range v.dims {
		switch {
		case i < first || i > last:
			out.dims = append(out.dims, d)
		case keep:
			out.dims = append(out.dims, 1)
		}
	}
	if !keep && v.batch > last {
		out.batch -= len(axes)
	}
	out.reg = n.emit(ir.Step{Kind: ir.Reduce, Fn: f, In: []int32{v.reg}, Ints: shape}, n.typeOf(out), shape[0]*shape[2])
	return out
}

// reduceApart reduces axes that do not stand side by side: they go last first.
func (n *node) reduceApart(f ir.Fn, v *value, axes []int, keep bool, e elem) *value {
	var order, last []int
	for i := range v.dims {
		if !slices.Contains(axes, i) {
			order = append(order, i)
		}
	}
	stay := len(order)
	order = append(order, axes...)
	for i := range axes {
		last = append(last, stay+i)
	}
	out := n.reduce(f, n.transpose(v, order), last, false, e)
	if keep {
		for _, a := range axes {
			out.dims = insert(out.dims, a, 1)
			if out.batch >= a {
				out.batch++
			}
		}
	}
	return out
}

// argOf lowers ArgMax and ArgMin.
func argOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		v := n.tensorIn(0)
		n.numeric(v)
		axis := n.axis(n.int("axis", 0), len(v.dims))
		n.notRows(v, axis)
		last := n.int("select_last_index", 0) != 0
		d := v.dims[axis]
		if last {
			v = n.reverse(v, axis)
		}
		out := n.reduce(f, v, []int{axis}, n.int("keepdims", 1) == 1, elemInt64)
		if last {
			out = n.binary(ir.FnSub, n.scalar(elemInt64, float64(d-1)), out)
		}
		n.counted(out, d)
		return one(out)
	}
}

// reverse turns an axis round.
func (n *node) reverse(v *value, axis int) *value {
	at := make([]int64, v.dims[axis])
	for i := range at {
		at[i] = int64(len(at) - 1 - i)
	}
	return n.takeAlong(v, axis, at, []int{len(at)})
}

// counted says that the values are indices below n.
func (l *lowering) counted(v *value, n int) {
	const most = 1 << 16
	if n > most || l.constants[v.reg] != nil {
		return
	}
	v.domain, v.index = make([]float64, n), v.reg
	for i := range v.domain {
		v.domain[i] = float64(i)
	}
}

// sameShape adds a step that works along an axis and keeps the sizes.
func (n *node) sameShape(s ir.Step, v *value, axis int) *value {
	outer, d, inner := along(v.dims, axis)
	if d == 0 {
		n.refuse("works along an axis without places")
	}
	s.In, s.Ints = []int32{v.reg}, append([]int{outer, d, inner}, s.Ints...)
	return v.with(n.emit(s, n.typeOf(v), v.width()))
}

// softmaxOf lowers Softmax and LogSoftmax: until opset 12 over all axes from
// one on, since then over one axis.
func softmaxOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		v := n.tensorIn(0)
		n.numeric(v)
		step := ir.Step{Kind: ir.SoftmaxOf, Fn: f}
		if n.opset >= 13 {
			axis := n.axis(n.int("axis", -1), len(v.dims))
			n.notRows(v, axis)
			return one(n.sameShape(step, v, axis))
		}
		axis := n.axis(n.int("axis", 1), len(v.dims))
		if v.batch >= axis {
			n.notRows(v, v.batch)
		}
		flat := v.shaped([]int{product(v.dims[:axis]), product(v.dims[axis:])}, noAxis)
		return one(v.with(n.sameShape(step, flat, 1).reg))
	}
}

func lowerCumSum(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	axis := n.axis(n.knownInt(n.in[1], "the axis"), len(v.dims))
	n.notRows(v, axis)
	flags := []int{int(n.int("exclusive", 0)), int(n.int("reverse", 0))}
	return one(n.sameShape(ir.Step{Kind: ir.CumSum, Ints: flags}, v, axis))
}

func lowerLpNormalization(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	axis := n.axis(n.int("axis", -1), len(v.dims))
	n.notRows(v, axis)
	f := ir.FnL2
	if p := n.int("p", 2); p == 1 {
		f = ir.FnL1
	} else if p != 2 {
		n.refuse("p is %d: 1 and 2 are supported", p)
	}
	return one(n.sameShape(ir.Step{Kind: ir.Normalize, Fn: f}, v, axis))
}

// lowerNormalizer is ai.onnx.ml's: along the last axis, to float.
func lowerNormalizer(n *node) []*value {
	v := n.floatIn(0)
	var f ir.Fn
	switch norm := n.text("norm", "MAX"); norm {
	case "MAX":
		f = ir.FnMax
	case "L1":
		f = ir.FnL1
	case "L2":
		f = ir.FnL2
	default:
		n.refuse("its norm %s is not supported", quoted(norm))
	}
	axis := n.axis(-1, len(v.dims))
	n.notRows(v, axis)
	return one(n.sameShape(ir.Step{Kind: ir.Normalize, Fn: f}, v, axis))
}

// floatIn is input i as float, as operators of ai.onnx.ml compute.
func (n *node) floatIn(i int) *value {
	v := n.tensorIn(i)
	n.numeric(v)
	return n.convert(v, elemFloat)
}

// lowerTopK gives the k largest or least values along the last axis.
func lowerTopK(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	axis := n.axis(n.int("axis", -1), len(v.dims))
	n.notRows(v, axis)
	var k int64
	if n.opset >= 10 {
		if n.input(1) == nil {
			n.refuse("has no k")
		}
		k = n.knownInt(n.in[1], "k")
	} else {
		k = n.int("k", 0)
	}
	n.ignore("sorted")
	largest := int(n.int("largest", 1))
	d := v.dims[axis]
	if v.width() != d {
		n.refuse("is supported only where a row has one axis")
	}
	if k < 1 || k > int64(d) || largest < 0 || largest > 1 {
		n.refuse("takes %d of %d", k, d)
	}
	dims := slices.Clone(v.dims)
	dims[axis] = int(k)
	top := func(e elem, indices int) *value {
		w := &value{elem: e, dims: dims, batch: v.batch}
		w.reg = n.emit(ir.Step{Kind: ir.TopK, In: []int32{v.reg}, Ints: []int{int(k), largest, indices}}, n.typeOf(w), int(k))
		return w
	}
	return []*value{top(v.elem, 0), top(elemInt64, 1)}
}

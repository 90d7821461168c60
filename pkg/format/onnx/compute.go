package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators that compute value by value.

// unaryOf lowers an operator that is one function.
func unaryOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		v := n.tensorIn(0)
		n.numeric(v)
		return one(n.unary(f, v))
	}
}

func (n *node) numeric(v *value) {
	if v.elem == elemString {
		n.refuse("computes with texts")
	}
}

// lowerSign: its result may be a label, of anomaly detectors.
func lowerSign(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	out := n.unary(ir.FnSign, v)
	if n.constants[out.reg] == nil {
		index := n.convert(n.binary(ir.FnAdd, out, n.scalar(out.elem, 1)), elemInt64)
		out.domain, out.index = []float64{-1, 0, 1}, index.reg
	}
	return one(out)
}

func lowerNot(n *node) []*value { return one(n.unary(ir.FnNot, n.tensorIn(0))) }

func lowerIsNaN(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	return one(n.elementwise(ir.Step{Kind: ir.Unary, Fn: ir.FnIsNaN}, elemBool, []*value{v}))
}

// binaryOf lowers an arithmetic operator.
func binaryOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		a, b := n.in[0], n.in[1]
		if a.sizes != nil || b.sizes != nil {
			return one(n.sizesOp(f, a, b))
		}
		n.alike(a, b)
		n.numeric(a)
		if n.opset < 7 {
			n.oldBroadcast(a, b)
		}
		return one(n.binary(f, a, b))
	}
}

// oldBroadcast accepts the attributes of opset 1 to 6 where they ask for what
// broadcasting is since.
func (n *node) oldBroadcast(a, b *value) {
	n.ignore("broadcast")
	if n.has("axis") && n.int("axis", -1) != int64(len(a.dims)-len(b.dims)) && n.int("axis", -1) != -1 {
		n.refuse("broadcasts along an axis in the way of opset 6: convert the model to a newer opset")
	}
}

// alike refuses operands of different types.
func (n *node) alike(a, b *value) {
	n.needSizes(a)
	n.needSizes(b)
	if a.elem != b.elem {
		n.refuse("its operands are %s and %s", a.elem.name(), b.elem.name())
	}
}

// sizesOp computes with sizes.
func (n *node) sizesOp(f ir.Fn, a, b *value) *value {
	x, y := n.sizesOf(a, "an operand"), n.sizesOf(b, "an operand")
	if len(x) != 1 && len(y) != 1 && len(x) != len(y) || len(x)*len(y) == 0 || max(len(a.dims), len(b.dims)) > 1 {
		n.refuse("computes with sizes in a way that is not supported")
	}
	list := make([]size, max(len(x), len(y)))
	for i := range list {
		list[i] = n.sizeOp(f, x[min(i, len(x)-1)], y[min(i, len(y)-1)])
	}
	if len(a.dims) == 0 && len(b.dims) == 0 {
		return n.ofSizes(list, nil)
	}
	return n.ofSizes(list, []int{len(list)})
}

// sizeOp computes with two sizes.
func (n *node) sizeOp(f ir.Fn, p, q size) (s size) {
	switch {
	case f == ir.FnAdd:
		s = size{p.n + q.n, p.c + q.c}
	case f == ir.FnSub:
		s = size{p.n - q.n, p.c - q.c}
	case f == ir.FnMul && (p.n == 0 || q.n == 0):
		s = size{p.n*q.c + q.n*p.c, p.c * q.c}
	case f == ir.FnDiv && q.n == 0 && q.c != 0 && p.n%q.c == 0 && p.c%q.c == 0:
		s = size{p.n / q.c, p.c / q.c}
	default:
		n.refuse("computes with the number of rows in a way that is not supported")
	}
	const most = maxWidth // so that no product of two overflows
	if max(s.n, -s.n, s.c, -s.c) > most {
		n.refuse("computes with sizes that are too large")
	}
	return s
}

func compareOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		a, b := n.in[0], n.in[1]
		n.alike(a, b)
		if a.elem == elemString && f != ir.FnEqual {
			n.refuse("compares the size of texts")
		}
		if n.opset < 7 {
			n.oldBroadcast(a, b)
		}
		return one(n.compare(f, a, b))
	}
}

func lowerMod(n *node) []*value {
	a, b := n.in[0], n.in[1]
	n.alike(a, b)
	n.numeric(a)
	f := ir.FnMod
	if n.int("fmod", 0) == 1 {
		f = ir.FnFmod
	}
	return one(n.binary(f, a, b))
}

// lowerPow: the exponent may be of another type.
func lowerPow(n *node) []*value {
	a, b := n.tensorIn(0), n.tensorIn(1)
	n.numeric(a)
	n.numeric(b)
	if n.opset < 7 {
		n.oldBroadcast(a, b)
	}
	if x, ok := n.constant(b); ok && len(x) == 1 && x[0] == 2 {
		return one(n.binary(ir.FnMul, a, a)) // as ONNX Runtime does
	}
	return one(n.binary(ir.FnPow, a, b))
}

// foldOf lowers an operator with any number of inputs.
func foldOf(f ir.Fn) func(n *node) []*value {
	return func(n *node) []*value {
		if slices.Contains(n.in, nil) {
			n.refuse("leaves out an input")
		}
		v := n.tensorIn(0)
		n.numeric(v)
		for _, w := range n.in[1:] {
			n.alike(v, w)
			v = n.binary(f, v, w)
		}
		return one(v)
	}
}

func lowerMean(n *node) []*value {
	sum := foldOf(ir.FnAdd)(n)[0]
	return one(n.binary(ir.FnDiv, sum, n.scalar(sum.elem, float64(len(n.in)))))
}

func lowerWhere(n *node) []*value {
	if n.in[0].elem != elemBool {
		n.refuse("its condition is %s", n.in[0].elem.name())
	}
	n.needSizes(n.in[0])
	n.alike(n.in[1], n.in[2])
	return one(n.elementwise(ir.Step{Kind: ir.Where}, n.in[1].elem, n.in))
}

// lowerClip: the bounds are attributes until opset 10, inputs since.
func lowerClip(n *node) []*value {
	v := n.tensorIn(0)
	low, high := n.input(1), n.input(2)
	if n.opset < 11 {
		if n.has("min") {
			low = n.scalar(v.elem, n.float("min", 0))
		}
		if n.has("max") {
			high = n.scalar(v.elem, n.float("max", 0))
		}
	}
	if low != nil {
		v = n.binary(ir.FnMax, v, n.bound(low, v))
	}
	if high != nil {
		v = n.binary(ir.FnMin, v, n.bound(high, v))
	}
	return one(v)
}

func (n *node) bound(b, v *value) *value {
	n.alike(b, v)
	if b.width() != 1 {
		n.refuse("has a bound of %d numbers", b.width())
	}
	return b.shaped(nil, noAxis)
}

func lowerLeakyRelu(n *node) []*value {
	v := n.tensorIn(0)
	zero, alpha := n.scalar(v.elem, 0), n.scalar(v.elem, n.float("alpha", 0.01))
	below := n.compare(ir.FnLess, v, zero)
	return one(n.elementwise(ir.Step{Kind: ir.Where}, v.elem, []*value{below, n.binary(ir.FnMul, v, alpha), v}))
}

// lowerDropout passes its input on: it does something in training only.
func lowerDropout(n *node) []*value {
	n.ignore("ratio", "seed", "is_test")
	if v := n.input(2); v != nil && n.knownInt(v, "whether it trains") != 0 {
		n.refuse("is in training mode")
	}
	return one(n.tensorIn(0))
}

func lowerBinarizer(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	threshold := n.scalar(v.elem, n.float("threshold", 0))
	return one(n.convert(n.compare(ir.FnGreater, v, threshold), v.elem))
}

// lowerCast: numbers to numbers; whole numbers of known values to texts.
func lowerCast(n *node) []*value {
	v := n.in[0]
	n.ignore("saturate", "round_mode")
	e := elem(n.int("to", 0))
	if v.sizes != nil {
		if !e.whole() {
			n.refuse("casts the number of rows")
		}
		return one(v)
	}
	n.needSizes(v)
	if t, ok := e.of(); !ok || t == ir.TypeInt64 && e != elemInt64 && e != elemInt32 {
		n.refuse("casts to %s, which is not supported", e.name())
	}
	switch {
	case e == elemString && v.elem != elemString:
		return one(n.toTexts(v))
	case v.elem == elemString && e != elemString:
		return one(n.fromTexts(v, e))
	}
	return one(n.convert(v, e))
}

func lowerCastLike(n *node) []*value {
	n.ignore("saturate", "round_mode")
	v, like := n.tensorIn(0), n.in[1]
	if v.elem == elemString || like.elem == elemString {
		n.refuse("casts texts, which Cast does")
	}
	return one(n.convert(v, like.elem))
}

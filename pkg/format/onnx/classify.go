package onnx

import (
	"strconv"

	"example.com/copse/pkg/ir"
)

// Operators of ai.onnx.ml that answer with classes: what they have in common.

// classLabels are a classifier's labels as numbers (texts by their codes).
func (n *node) classLabels(texts, ints string) (e elem, labels []float64) {
	s, i := n.strings(texts), n.ints(ints)
	if len(s) > 0 {
		return elemString, n.codesOf(s)
	}
	if len(i) == 0 {
		n.refuse("has no class labels")
	}
	return elemInt64, n.exact(i)
}

// exact are whole numbers that float64 holds.
func (n *node) exact(list []int64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		x := float64(v)
		if x < -wide || x > wide || int64(x) != v {
			n.refuse("the number %d is too large", v)
		}
		out[i] = x
	}
	return out
}

// labelled is the label of each row, by its index.
func (l *lowering) labelled(e elem, labels []float64, index *value) *value {
	v := l.table(e, labels, 1, index)
	v.domain, v.index = labels, index.reg
	return v
}

// top is the index of the largest of a row's scores, as N.
func (n *node) top(scores *value) *value {
	v := n.reduce(ir.FnArgMax, scores, []int{len(scores.dims) - 1}, false, elemInt64)
	return v
}

// positive is 1 where a row's only score is more than a bound, else 0; as N.
func (n *node) positive(score *value, bound float64) *value {
	v := n.compare(ir.FnGreater, score, n.scalar(score.elem, bound))
	return n.dropAxis(v, 1)
}

// column is column i of scores, as N×1.
func (l *lowering) column(scores *value, i int) *value { return l.cut(scores, 1, i, 1) }

// both joins two columns.
func (n *node) both(a, b *value) *value { return n.concat([]*value{a, b}, 1) }

// complement is 1-p and p.
func (n *node) complement(p *value) *value {
	return n.both(n.binary(ir.FnSub, n.scalar(p.elem, 1), p), p)
}

// mirrored is -s and s.
func (n *node) mirrored(s *value) *value { return n.both(n.unary(ir.FnNeg, s), s) }

// transform is a post_transform over the columns of scores, two or more.
func (n *node) transform(name string, scores *value) *value {
	switch name {
	case "NONE":
		return scores
	case "LOGISTIC":
		return n.unary(ir.FnSigmoid, scores)
	case "SOFTMAX":
		return n.sameShape(ir.Step{Kind: ir.SoftmaxOf, Fn: ir.FnSoftmax}, scores, 1)
	case "SOFTMAX_ZERO":
		return n.softmaxZero(scores)
	case "PROBIT":
		return n.probit(scores)
	}
	n.refuse("its post_transform %s is not supported", quoted(name))
	return nil
}

// softmaxZero is a softmax in which scores next to 0 count with their own
// value: ONNX Runtime's ComputeSoftmaxZero.
func (n *node) softmaxZero(v *value) *value {
	const band = 1e-7
	most := n.reduce(ir.FnMax, v, []int{1}, true, v.elem)
	e := n.unary(ir.FnExp, n.binary(ir.FnSub, v, most))
	near := n.compare(ir.FnLessEqual, n.unary(ir.FnAbs, v), n.scalar(v.elem, float64(float32(band))))
	zero := n.scalar(v.elem, 0)
	sum := n.reduce(ir.FnSum, n.elementwise(ir.Step{Kind: ir.Where}, v.elem, []*value{near, zero, e}), []int{1}, true, v.elem)
	scaled := n.binary(ir.FnMul, v, n.unary(ir.FnExp, n.unary(ir.FnNeg, most)))
	return n.binary(ir.FnDiv, n.elementwise(ir.Step{Kind: ir.Where}, v.elem, []*value{near, scaled, e}), sum)
}

// probit is the approximation of ONNX Runtime (ErfInv in ml_common.h; S.
// Winitzki, "A handy approximation for the error function and its inverse").
func (n *node) probit(v *value) *value {
	num := func(x float32) *value { return n.scalar(v.elem, float64(x)) }
	x := n.binary(ir.FnSub, n.binary(ir.FnMul, v, num(2)), num(1))
	sign := n.elementwise(ir.Step{Kind: ir.Where}, v.elem, []*value{n.compare(ir.FnLess, x, num(0)), num(-1), num(1)})
	log := n.unary(ir.FnLog, n.binary(ir.FnMul, n.binary(ir.FnSub, num(1), x), n.binary(ir.FnAdd, num(1), x)))
	const a = float32(0.147)
	t := n.binary(ir.FnAdd, num(2/(float32(3.14159)*a)), n.binary(ir.FnMul, num(0.5), log))
	inner := n.binary(ir.FnSub, n.binary(ir.FnMul, t, t), n.binary(ir.FnMul, num(1/a), log))
	root := n.unary(ir.FnSqrt, n.binary(ir.FnSub, n.unary(ir.FnSqrt, inner), t))
	return n.binary(ir.FnMul, n.binary(ir.FnMul, sign, root), num(1.41421356))
}

// lowerZipMap names the columns of probabilities.
func lowerZipMap(n *node) []*value {
	v := n.tensorIn(0)
	e, labels := n.classLabels("classlabels_strings", "classlabels_int64s")
	if len(v.dims) == 1 && v.batch == 0 {
		v = v.shaped([]int{1, 1}, 0)
	}
	if v.batch != 0 || v.width() != len(labels) {
		n.refuse("names %d columns of %d", len(labels), v.width())
	}
	w := *v
	w.classes = n.labelTexts(e, labels)
	return one(&w)
}

// labelTexts are labels as texts.
func (l *lowering) labelTexts(e elem, labels []float64) []string {
	out := make([]string, len(labels))
	for i, x := range labels {
		switch {
		case e == elemString:
			out[i] = l.texts[int(x)]
		case e == elemBool || e.whole():
			out[i] = strconv.FormatInt(int64(x), 10)
		default:
			out[i] = strconv.FormatFloat(x, 'g', -1, 64)
		}
	}
	return out
}

// toTexts casts whole numbers to texts; their values have to be known.
func (l *lowering) toTexts(v *value) *value {
	if data, ok := l.constant(v); ok && (v.elem.whole() || v.elem == elemBool) {
		return l.newConstant(elemString, v.dims, l.codesOf(l.labelTexts(v.elem, data)))
	}
	if v.domain == nil || !v.elem.whole() && v.elem != elemBool {
		l.refuse("casts %s to texts, which is supported only for labels", v.elem.name())
	}
	index := v.with(v.index)
	index.elem = elemInt64
	return l.labelled(elemString, l.codesOf(l.labelTexts(v.elem, v.domain)), index)
}

// fromTexts casts texts of known values to numbers.
func (l *lowering) fromTexts(v *value, e elem) *value {
	parse := func(codes []float64) []float64 {
		out := make([]float64, len(codes))
		for i, c := range codes {
			x, err := strconv.ParseFloat(l.texts[int(c)], 64)
			if err != nil {
				l.refuse("casts the text %s to %s", quoted(l.texts[int(c)]), e.name())
			}
			out[i] = x
		}
		return out
	}
	if data, ok := l.constant(v); ok {
		return l.convert(l.newConstant(elemDouble, v.dims, parse(data)), e)
	}
	if v.domain == nil {
		l.refuse("casts texts of the rows to %s: send them as numbers, with a graph that takes numbers", e.name())
	}
	index := v.with(v.index)
	index.elem = elemInt64
	return l.convert(l.labelled(elemDouble, parse(v.domain), index), e)
}

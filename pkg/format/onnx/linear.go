package onnx

import "example.com/copse/pkg/ir"

func lowerLinearRegressor(n *node) []*value {
	targets := n.int("targets", 1)
	v := n.affine(n.floatIn(0), n.floats("coefficients"), n.biases("intercepts", targets), int(targets))
	return one(n.regression(n.text("post_transform", "NONE"), v))
}

// biases are an attribute of one number an output, or none.
func (n *node) biases(name string, outputs int64) []float64 {
	list := n.floats(name)
	if outputs < 1 || outputs > maxWidth || len(list) != 0 && int64(len(list)) != outputs {
		n.refuse("has %d %s for %d outputs", len(list), name, outputs)
	}
	return list
}

// regression is a post_transform of a regressor: of one output only PROBIT does
// anything.
func (n *node) regression(name string, v *value) *value {
	if v.dims[1] == 1 && name != "PROBIT" {
		return v
	}
	return n.transform(name, v)
}

func lowerLinearClassifier(n *node) []*value {
	n.ignore("multi_class")
	e, labels := n.classLabels("classlabels_strings", "classlabels_ints")
	bias := n.floats("intercepts")
	if len(bias) == 0 {
		n.refuse("has no intercepts, from which ONNX Runtime counts the classes")
	}
	scores := n.affine(n.floatIn(0), n.floats("coefficients"), bias, len(bias))
	post := n.text("post_transform", "NONE")
	if len(bias) > 1 {
		if len(labels) != len(bias) {
			n.refuse("has %d labels for %d classes", len(labels), len(bias))
		}
		return []*value{n.labelled(e, labels, n.top(scores)), n.transform(post, scores)}
	}
	if len(labels) != 2 {
		n.refuse("has %d labels for one score, want 2", len(labels))
	}
	label := n.labelled(e, labels, n.positive(scores, 0))
	return []*value{label, n.complement(n.ofOne(post, scores))}
}

// ofOne is a post_transform of a classifier's only score, where SOFTMAX does
// nothing.
func (n *node) ofOne(post string, score *value) *value {
	switch post {
	case "LOGISTIC":
		return n.transform(post, score)
	case "NONE", "SOFTMAX", "SOFTMAX_ZERO":
		return score
	}
	n.refuse("its post_transform %s of one score is not supported", quoted(post))
	return nil
}

// kernel reads what both support vector machines have.
func (n *node) kernel() (f ir.Fn, params []float64) {
	params = n.floats("kernel_params")
	if len(params) == 0 {
		params = []float64{0, 0, 0}
	}
	if len(params) != 3 {
		n.refuse("has %d kernel_params, want gamma, coef0 and degree", len(params))
	}
	switch name := n.text("kernel_type", "LINEAR"); name {
	case "LINEAR":
		f = ir.FnLinear
	case "POLY":
		f = ir.FnPoly
	case "RBF":
		f = ir.FnRBF
	case "SIGMOID":
		f = ir.FnTanh
	default:
		n.refuse("its kernel %s is not supported", quoted(name))
	}
	return f, params
}

func lowerSVMRegressor(n *node) []*value {
	v := n.rows2(n.floatIn(0))
	kernel, data := n.kernel()
	coef, rho := n.floats("coefficients"), n.floats("rho")
	support, count := n.floats("support_vectors"), n.int("n_supports", 0)
	oneClass := n.int("one_class", 0) != 0
	post := n.text("post_transform", "NONE")
	if len(rho) != 1 || post != "NONE" {
		n.refuse("has %d numbers rho, want 1, or the post_transform %s, which is not supported", len(rho), quoted(post))
	}
	if count == 0 {
		y := n.affine(v, coef, rho, 1)
		if oneClass {
			y = n.elementwise(ir.Step{Kind: ir.Where}, y.elem, []*value{
				n.compare(ir.FnGreater, y, n.scalar(y.elem, 0)), n.scalar(y.elem, 1), n.scalar(y.elem, -1)})
		}
		return one(y)
	}
	if count < 0 || int64(len(coef)) != count || len(support) != product([]int{int(count), v.dims[1]}) {
		n.refuse("has %d coefficients and %d numbers of %d support vectors of %d features", len(coef), len(support), count, v.dims[1])
	}
	ints := []int{0, int(count), 0}
	if oneClass {
		ints[2] = 1
	}
	data = append(append(append(data, support...), coef...), rho...)
	y := &value{elem: elemFloat, dims: []int{1, 1}, batch: 0}
	y.reg = n.emit(ir.Step{Kind: ir.SVM, Fn: kernel, In: []int32{v.reg}, Ints: ints, Data: data}, ir.TypeFloat32, 1)
	return one(y)
}

func lowerSVMClassifier(n *node) []*value {
	v := n.rows2(n.floatIn(0))
	e, labels := n.classLabels("classlabels_strings", "classlabels_ints")
	perClass := n.ints("vectors_per_class")
	if len(perClass) == 0 {
		return n.linearSVM(v, e, labels)
	}
	kernel, data := n.kernel()
	classes, vectors := len(labels), int64(0)
	ints := []int{classes, 0}
	for _, c := range perClass {
		if c < 0 || c > maxWidth {
			n.refuse("a class of %d vectors", c)
		}
		vectors += c
		ints = append(ints, int(c))
	}
	ints[1] = int(min(vectors, maxWidth))
	pairs := classes * (classes - 1) / 2
	support, coef, rho := n.floats("support_vectors"), n.floats("coefficients"), n.floats("rho")
	a, b := n.floats("prob_a"), n.floats("prob_b")
	if len(perClass) != classes || classes < 2 || len(support) != product([]int{ints[1], v.dims[1]}) ||
		len(coef) != product([]int{classes - 1, ints[1]}) || len(rho) != pairs || len(a) != len(b) || len(a) != 0 && len(a) != pairs {
		n.refuse("the numbers of its classes, vectors, coefficients, rho, prob_a and prob_b do not fit")
	}
	for _, more := range [][]float64{support, coef, rho, a, b} {
		data = append(data, more...)
	}
	width := pairs + classes
	if len(a) > 0 {
		width += classes
	}
	all := &value{elem: elemFloat, dims: []int{1, width}, batch: 0}
	all.reg = n.emit(ir.Step{Kind: ir.SVM, Fn: kernel, In: []int32{v.reg}, Ints: ints, Data: data}, ir.TypeFloat32, width)
	label := n.labelled(e, labels, n.top(n.cut(all, 1, pairs, classes)))
	post := n.text("post_transform", "NONE")
	switch {
	case len(a) > 0:
		return []*value{label, n.transform(post, n.cut(all, 1, pairs+classes, classes))}
	case classes > 2:
		return []*value{label, n.transform(post, n.cut(all, 1, 0, pairs))}
	case post == "NONE":
		return []*value{label, n.mirrored(n.column(all, 0))}
	}
	return []*value{label, n.complement(n.ofOne(post, n.column(all, 0)))}
}

// linearSVM is a classifier without support vectors: a score a class.
func (n *node) linearSVM(v *value, e elem, labels []float64) []*value {
	n.ignore("kernel_type", "kernel_params", "support_vectors", "prob_a", "prob_b")
	coef, rho := n.floats("coefficients"), n.floats("rho")
	if len(rho) == 0 {
		n.refuse("has no rho")
	}
	bias := make([]float64, len(labels))
	for i := range bias {
		bias[i] = rho[0]
	}
	scores := n.affine(v, coef, bias, len(labels))
	index := n.top(scores)
	if len(labels) == 2 {
		positive, bound := true, 0.5
		for _, c := range coef {
			positive = positive && c >= 0
		}
		f := ir.FnGreaterEqual
		if !positive {
			f, bound = ir.FnGreater, 0
		}
		most := n.reduce(ir.FnMax, scores, []int{1}, false, scores.elem)
		wins := n.compare(f, most, n.scalar(scores.elem, bound))
		index = n.elementwise(ir.Step{Kind: ir.Where}, elemInt64, []*value{wins, n.scalar(elemInt64, 1), index})
	}
	return []*value{n.labelled(e, labels, index), n.transform(n.text("post_transform", "NONE"), scores)}
}

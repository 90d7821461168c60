package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators that move values and compute none.

func lowerIdentity(n *node) []*value { return one(n.in[0]) }

func lowerConstant(n *node) []*value {
	n.ignore("sparse_value")
	switch {
	case n.has("value"):
		return one(n.tensorAttr("value"))
	case n.has("value_float"):
		return one(n.scalar(elemFloat, n.float("value_float", 0)))
	case n.has("value_int"):
		return one(n.scalar(elemInt64, float64(n.int("value_int", 0))))
	case n.has("value_string"):
		return one(n.scalar(elemString, n.code(n.text("value_string", ""))))
	case n.has("value_floats"):
		list := n.floats("value_floats")
		return one(n.newConstant(elemFloat, []int{len(list)}, list))
	case n.has("value_ints"):
		list := whole(n.ints("value_ints"))
		return one(n.newConstant(elemInt64, []int{len(list)}, list))
	case n.has("value_strings"):
		list := n.codesOf(n.strings("value_strings"))
		return one(n.newConstant(elemString, []int{len(list)}, list))
	}
	n.refuse("has no value that is supported")
	return nil
}

func whole(list []int64) []float64 {
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = float64(x)
	}
	return out
}

func lowerShape(n *node) []*value {
	v := n.in[0]
	if v.stacked {
		n.needSizes(v)
	}
	from, to := n.int("start", 0), n.int("end", int64(len(v.dims)))
	list := make([]size, len(v.dims))
	for i, d := range v.dims {
		if i == v.batch {
			list[i].n = int64(d)
		} else {
			list[i].c = int64(d)
		}
	}
	first, last := between(from, len(list)), between(to, len(list))
	list = list[first:max(first, last)]
	return one(n.ofSizes(list, []int{len(list)}))
}

// between brings an end of a slice, which may count from the back, into 0…n.
func between(i int64, n int) int {
	if i < 0 {
		i += int64(n)
	}
	return int(max(0, min(i, int64(n))))
}

func lowerSize(n *node) []*value {
	v := n.in[0]
	s := size{c: int64(v.width())}
	if v.batch != noAxis {
		s = size{n: s.c}
	}
	return one(n.ofSizes([]size{s}, nil))
}

func lowerConstantOfShape(n *node) []*value {
	fill := &value{elem: elemFloat}
	x := 0.0
	if t := n.tensorAttr("value"); t != nil {
		if t.width() != 1 {
			n.refuse("its value is not one number")
		}
		fill, x = t, n.constants[t.reg][0]
	}
	dims, batch := n.dimsOf(n.sizesOf(n.in[0], "the shape"))
	if product(dims) > maxWidth {
		n.refuse("asks for more than %d numbers in a row", maxWidth)
	}
	n.spend(product(dims))
	data := make([]float64, product(dims))
	for i := range data {
		data[i] = x
	}
	v := n.newConstant(fill.elem, dims, data)
	v.batch = batch
	return one(v)
}

// dimsOf reads sizes as a shape: at most one may depend on the rows.
func (n *node) dimsOf(list []size) (dims []int, batch int) {
	batch = noAxis
	dims = make([]int, len(list))
	for i, s := range list {
		d := s.c
		if s.n != 0 {
			if s.c != 0 || batch != noAxis {
				n.refuse("a shape that depends on the number of rows in this way is not supported")
			}
			d, batch = s.n, i
		}
		if d < 0 || d > maxWidth {
			n.refuse("a shape with %d places along an axis", d)
		}
		dims[i] = int(d)
	}
	return dims, batch
}

func lowerReshape(n *node) []*value {
	v := n.in[0]
	var target []size
	if n.opset >= 5 || len(n.in) > 1 {
		if len(n.in) < 2 {
			n.refuse("has no shape")
		}
		target = n.sizesOf(n.in[1], "the shape")
	} else {
		for _, d := range n.ints("shape") {
			target = append(target, size{c: d})
		}
	}
	keepZero := n.int("allowzero", 0) == 1
	if v.sizes != nil {
		return one(n.ofSizes(v.sizes, n.flatDims(target, len(v.sizes))))
	}
	if v.stacked {
		v = v.shaped(v.dims, v.batch)
		v.stacked = false
	}
	n.needSizes(v)
	target = slices.Clone(target)
	for i := range target {
		if target[i] == (size{}) && !keepZero {
			if i >= len(v.dims) {
				n.refuse("a 0 in the shape stands for an axis that there is not")
			}
			target[i].c = int64(v.dims[i])
			if i == v.batch {
				target[i] = size{n: int64(v.dims[i])}
			}
		}
	}
	return one(n.reshape(v, target))
}

// flatDims are the sizes of a reshaped vector of sizes.
func (n *node) flatDims(target []size, count int) []int {
	dims := make([]int, len(target))
	for i, s := range target {
		if s.n != 0 || s.c != -1 && s.c != int64(count) && s.c != 1 {
			n.refuse("reshapes sizes in a way that is not supported")
		}
		if dims[i] = int(s.c); s.c == -1 {
			dims[i] = count
		}
	}
	if product(dims) != count {
		n.refuse("reshapes sizes in a way that is not supported")
	}
	return dims
}

// reshape gives v other sizes. The axis of the rows must stay whole: what
// stands before it, and what a row has, must be the same as before.
func (n *node) reshape(v *value, target []size) *value {
	dims, batch, open := n.targetDims(v, target)
	if open >= 0 {
		rest := product(dims)
		if rest == 0 || v.width()%rest != 0 {
			n.refuse("%d values do not fit the shape", v.width())
		}
		dims[open] = v.width() / rest
	}
	if batch == noAxis && v.batch != noAxis {
		if batch = open; open < 0 {
			batch = n.fixedBatch(v, dims)
		}
	}
	if product(dims) != v.width() {
		n.refuse("%d values of a row do not fit the shape %v", v.width(), dims)
	}
	if batch != noAxis && product(dims[:batch]) != product(v.dims[:v.batch]) {
		n.refuse("would mix the rows")
	}
	return v.shaped(dims, batch)
}

// targetDims reads a shape: its sizes, the axis of the rows if it names it, and
// the axis that it leaves open, or -1.
func (n *node) targetDims(v *value, target []size) (dims []int, batch, open int) {
	dims, batch, open = make([]int, len(target)), noAxis, -1
	for i, s := range target {
		switch {
		case s.c == -1 && s.n == 0:
			if open >= 0 {
				n.refuse("has two open sizes")
			}
			open, dims[i] = i, 1
		case s.n != 0 && (s.c != 0 || batch != noAxis || v.batch == noAxis || s.n < 0):
			n.refuse("a shape that depends on the number of rows in this way is not supported")
		case s.n != 0:
			batch, dims[i] = i, int(min(s.n, maxWidth))
		case s.c < 0:
			n.refuse("has a size below 0")
		default:
			dims[i] = int(min(s.c, maxWidth))
		}
		if product(dims[:i+1]) > maxWidth {
			n.refuse("asks for more than %d numbers in a row", maxWidth)
		}
	}
	return dims, batch, open
}

// fixedBatch finds the axis of the rows in a shape of fixed sizes, such as
// 1×10 of a model that was exported for one row.
func (n *node) fixedBatch(v *value, dims []int) int {
	for i, d := range dims {
		if d == 1 && product(dims[:i]) == product(v.dims[:v.batch]) {
			return i
		}
	}
	n.refuse("fixes the number of rows: export the model with an open first axis")
	return noAxis
}

func lowerFlatten(n *node) []*value {
	v := n.tensorIn(0)
	at := n.int("axis", 1)
	if at < 0 {
		at += int64(len(v.dims))
	}
	if at < 0 || at > int64(len(v.dims)) {
		n.refuse("there is no axis %d", at)
	}
	sizes := []size{{c: int64(product(v.dims[:at]))}, {c: int64(product(v.dims[at:]))}}
	if v.batch != noAxis {
		side := 0
		if v.batch >= int(at) {
			side = 1
		}
		sizes[side] = size{n: sizes[side].c}
	}
	return one(n.reshape(v, sizes))
}

// axesOf are the axes of Squeeze and the like: an input since opset 13, an
// attribute before. nil if there are none.
func (n *node) axesOf() []int64 {
	if v := n.input(1); v != nil {
		n.ignore("axes")
		return n.knownInts(v, "the axes")
	}
	return n.ints("axes")
}

func lowerSqueeze(n *node) []*value {
	v := n.in[0]
	axes := n.axesOf()
	drop := make([]bool, len(v.dims))
	for _, a := range axes {
		drop[n.axis(a, len(v.dims))] = true
	}
	if axes == nil {
		for i, d := range v.dims {
			drop[i] = d == 1 && i != v.batch
		}
	}
	dims, batch := []int{}, v.batch
	for i, d := range v.dims {
		switch {
		case !drop[i]:
			dims = append(dims, d)
		case i == v.batch:
			n.refuse("takes away the axis of the rows")
		case d != 1:
			n.refuse("takes away an axis of %d places", d)
		case i < v.batch:
			batch--
		}
	}
	return one(v.shaped(dims, batch))
}

func lowerUnsqueeze(n *node) []*value {
	v := n.in[0]
	axes := n.axesOf()
	rank := len(v.dims) + len(axes)
	if rank > maxRank {
		n.refuse("gives a tensor of more than %d axes", maxRank)
	}
	fresh := make([]bool, rank)
	for _, a := range axes {
		at := n.axis(a, rank)
		if fresh[at] {
			n.refuse("names an axis twice")
		}
		fresh[at] = true
	}
	dims, batch, old := make([]int, rank), noAxis, 0
	for i := range dims {
		if fresh[i] {
			dims[i] = 1
			continue
		}
		if old == v.batch {
			batch = i
		}
		dims[i] = v.dims[old]
		old++
	}
	return one(v.shaped(dims, batch))
}

func lowerTranspose(n *node) []*value {
	v := n.tensorIn(0)
	perm := n.ints("perm")
	order := make([]int, len(v.dims))
	for i := range order {
		order[i] = len(order) - 1 - i
	}
	if perm != nil {
		if len(perm) != len(order) {
			n.refuse("its perm has %d numbers for %d axes", len(perm), len(order))
		}
		seen := make([]bool, len(order))
		for i, p := range perm {
			order[i] = n.axis(p, len(order))
			if seen[order[i]] {
				n.refuse("its perm names an axis twice")
			}
			seen[order[i]] = true
		}
	}
	return one(n.transpose(v, order))
}

// transpose puts axis order[i] of v at i.
func (l *lowering) transpose(v *value, order []int) *value {
	dims, steps, old := make([]int, len(order)), make([]int, len(order)), strides(v.dims)
	w := &value{elem: v.elem, batch: noAxis}
	for i, from := range order {
		dims[i], steps[i] = v.dims[from], old[from]
		if from == v.batch {
			w.batch = i
		}
	}
	w.dims = dims
	w.reg = l.pick(v, places(dims, steps, 0))
	return w
}

func lowerConcat(n *node) []*value {
	if n.in[0] != nil && slices.ContainsFunc(n.in, func(v *value) bool { return v != nil && v.sizes != nil }) {
		return one(n.concatSizes())
	}
	if !n.has("axis") && n.opset >= 4 {
		n.refuse("has no axis")
	}
	return one(n.concat(n.in, n.int("axis", 1)))
}

func (n *node) concatSizes() *value {
	n.ignore("axis")
	var list []size
	for _, v := range n.in {
		if v == nil || len(v.dims) > 1 {
			n.refuse("cannot join sizes with something else")
		}
		list = append(list, n.sizesOf(v, "a part")...)
	}
	return n.ofSizes(list, []int{len(list)})
}

func (n *node) concat(in []*value, at int64) *value {
	if in[0] == nil {
		n.refuse("leaves out an input")
	}
	rank := len(in[0].dims)
	axis := n.axis(at, rank)
	batch := noAxis
	for _, v := range in {
		if v == nil || len(v.dims) != rank {
			n.refuse("joins tensors of different numbers of axes")
		}
		if n.needSizes(v); v.batch != noAxis {
			if batch != noAxis && batch != v.batch {
				n.refuse("joins tensors whose rows lie along different axes")
			}
			batch = v.batch
		}
	}
	if batch == axis {
		return n.stack(in, axis)
	}
	dims := slices.Clone(in[0].dims)
	dims[axis] = 0
	for _, v := range in {
		for i, d := range v.dims {
			switch {
			case i == axis:
				dims[i] += d
			case i == batch && v.batch == noAxis && d != 1:
				n.refuse("joins rows with a constant of %d rows", d)
			case d != dims[i] && (i != batch || v.batch != noAxis):
				if i != batch || in[0].batch != noAxis {
					n.refuse("joins tensors of sizes %d and %d", dims[i], d)
				}
				dims[i] = d
			}
		}
	}
	return n.join(in, dims, axis, batch)
}

// stack joins rows one below the other, which a reshape has to undo: see value.stacked.
func (n *node) stack(in []*value, axis int) *value {
	parts := make([]*value, len(in))
	for i, v := range in {
		if v.batch != axis || product(v.dims[:axis]) != 1 || v.dims[axis] != 1 {
			n.refuse("joins along the axis of the rows: rows would be added")
		}
		parts[i] = v.shaped(insert(v.dims, axis, 1), axis+1)
	}
	out := n.concat(parts, int64(axis))
	out.stacked = true
	return out
}

// join selects the parts of a concatenation.
func (n *node) join(in []*value, dims []int, axis, batch int) *value {
	out := &value{elem: in[0].elem, dims: dims, batch: batch}
	if product(dims) > maxWidth {
		n.refuse("gives more than %d numbers in a row", maxWidth)
	}
	outer, _, inner := along(dims, axis)
	var regs []int32
	var starts, sizes []int
	start := 0
	for _, v := range in {
		if v.elem != out.elem {
			n.refuse("joins %s with %s", out.elem.name(), v.elem.name())
		}
		regs = append(regs, v.reg)
		starts, sizes = append(starts, start), append(sizes, v.dims[axis]*inner)
		start += n.registers[v.reg].Width
	}
	n.spend(product(dims))
	at := make([]int, 0, product(dims))
	for o := range outer {
		for k := range in {
			for i := range sizes[k] {
				at = append(at, starts[k]+o*sizes[k]+i)
			}
		}
	}
	if len(at) != product(dims) {
		n.refuse("joins rows of several places with constants")
	}
	out.reg = n.emit(ir.Step{Kind: ir.Select, In: regs, Ints: at}, n.typeOf(out), len(at))
	return out
}

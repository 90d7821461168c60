package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators that take parts of tensors.

func lowerSlice(n *node) []*value {
	v := n.in[0]
	starts, ends, axes, steps := n.sliceArgs()
	if v.sizes != nil {
		return one(n.sliceSizes(v, starts, ends, axes, steps))
	}
	n.needSizes(v)
	dims, from, stride := slices.Clone(v.dims), 0, strides(v.dims)
	for i := range starts {
		axis := n.axis(axes[i], len(v.dims))
		first, count := n.sliceRange(starts[i], ends[i], steps[i], v.dims[axis])
		if axis == v.batch {
			if first != (size{}) || !isAll(ends[i], v) || steps[i] != 1 {
				n.refuse("takes some of the rows")
			}
			continue
		}
		from += int(first.c) * stride[axis]
		stride[axis] *= int(steps[i])
		dims[axis] = count
	}
	n.spend(product(dims))
	w := &value{elem: v.elem, dims: dims, batch: v.batch}
	w.reg = n.pick(v, places(dims, stride, from))
	return one(w)
}

// isAll says whether a slice that ends there has all rows.
func isAll(end size, v *value) bool {
	const many = 1 << 31
	return end.n != 0 && end.c == 0 && end.n == int64(v.dims[v.batch]) || end.n == 0 && end.c >= many-1
}

// sliceArgs reads the operands: inputs since opset 10, attributes before.
func (n *node) sliceArgs() (starts, ends []size, axes, steps []int64) {
	fromInts := func(list []int64) (out []size) {
		for _, x := range list {
			out = append(out, size{c: x})
		}
		return out
	}
	if len(n.in) == 1 {
		starts, ends, axes = fromInts(n.ints("starts")), fromInts(n.ints("ends")), n.ints("axes")
	} else {
		if n.in[1] == nil || n.input(2) == nil {
			n.refuse("has no starts or ends")
		}
		starts, ends = n.sizesOf(n.in[1], "the start"), n.sizesOf(n.in[2], "the end")
		if v := n.input(3); v != nil {
			axes = n.knownInts(v, "the axes")
		}
		if v := n.input(4); v != nil {
			steps = n.knownInts(v, "the steps")
		}
	}
	return n.sliceDefaults(starts, ends, axes, steps)
}

func (n *node) sliceDefaults(starts, ends []size, axes, steps []int64) ([]size, []size, []int64, []int64) {
	if axes == nil {
		axes = make([]int64, len(starts))
		for i := range axes {
			axes[i] = int64(i)
		}
	}
	if steps == nil {
		steps = make([]int64, len(starts))
		for i := range steps {
			steps[i] = 1
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		n.refuse("has %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	return starts, ends, axes, steps
}

// sliceRange is the first place and the number of places of a slice of d.
func (n *node) sliceRange(start, end size, step int64, d int) (first size, count int) {
	if step == 0 || step > maxWidth || step < -maxWidth {
		n.refuse("goes on by %d", step)
	}
	if start.n != 0 {
		n.refuse("starts at a row")
	}
	if end.n != 0 {
		return start, d
	}
	from, to := start.c, end.c
	if from < 0 {
		from += int64(d)
	}
	if to < 0 {
		to += int64(d)
	}
	if step > 0 {
		from, to = max(0, min(from, int64(d))), max(0, min(to, int64(d)))
		return size{c: from}, int(max(0, (to-from+step-1)/step))
	}
	from, to = max(-1, min(from, int64(d)-1)), max(-1, min(to, int64(d)-1))
	return size{c: max(0, from)}, int(max(0, (from-to-step-1)/-step))
}

// sliceSizes slices a vector of sizes.
func (n *node) sliceSizes(v *value, starts, ends []size, axes, steps []int64) *value {
	if len(starts) != 1 || len(v.dims) != 1 || axes[0] != 0 && axes[0] != -1 || ends[0].n != 0 {
		n.refuse("slices sizes in a way that is not supported")
	}
	first, count := n.sliceRange(starts[0], ends[0], steps[0], len(v.sizes))
	list := make([]size, count)
	for i := range list {
		list[i] = v.sizes[int(first.c)+i*int(steps[0])]
	}
	return n.ofSizes(list, []int{count})
}

func lowerSplit(n *node) []*value {
	v := n.tensorIn(0)
	axis := n.axis(n.int("axis", 0), len(v.dims))
	if axis == v.batch {
		n.refuse("splits the rows")
	}
	var sizes []int64
	if s := n.input(1); s != nil {
		sizes = n.knownInts(s, "the sizes")
	} else {
		sizes = n.ints("split")
	}
	parts := n.int("num_outputs", int64(len(n.proto.outputs)))
	if sizes == nil {
		each := (int64(v.dims[axis]) + max(parts, 1) - 1) / max(parts, 1)
		for left := int64(v.dims[axis]); left > 0; left -= each {
			sizes = append(sizes, min(each, left))
		}
	}
	var out []*value
	at := 0
	for _, s := range sizes {
		if s < 0 || int64(at)+s > int64(v.dims[axis]) {
			n.refuse("splits %d places into %v", v.dims[axis], sizes)
		}
		out = append(out, n.cut(v, axis, at, int(s)))
		at += int(s)
	}
	return out
}

// cut is count places of v along an axis, from the place at.
func (l *lowering) cut(v *value, axis, at, count int) *value {
	dims := slices.Clone(v.dims)
	dims[axis] = count
	steps := strides(v.dims)
	w := &value{elem: v.elem, dims: dims, batch: v.batch}
	w.reg = l.pick(v, places(dims, steps, at*steps[axis]))
	return w
}

func lowerGather(n *node) []*value {
	v, at := n.in[0], n.tensorIn(1)
	if v.sizes != nil {
		return one(n.gatherSizes(v, at))
	}
	n.needSizes(v)
	axis := n.axis(n.int("axis", 0), len(v.dims))
	if axis == v.batch {
		n.refuse("takes some of the rows")
	}
	if _, known := n.constant(at); known {
		return one(n.takeAlong(v, axis, n.knownInts(at, ""), at.dims))
	}
	if v.batch != noAxis {
		n.refuse("looks up a row's values by a row's indices: GatherElements does that for one axis")
	}
	return one(n.lookUp(v, axis, at))
}

func (n *node) gatherSizes(v, at *value) *value {
	n.ignore("axis")
	var list []size
	for _, i := range n.knownInts(at, "the index") {
		list = append(list, v.sizes[n.axis(i, len(v.sizes))])
	}
	return n.ofSizes(list, at.dims)
}

// takeAlong is v at some places of an axis, in whose stead stand the sizes as.
func (n *node) takeAlong(v *value, axis int, at []int64, as []int) *value {
	outer, d, inner := along(v.dims, axis)
	if product([]int{outer, len(at), inner}) > maxWidth {
		n.refuse("gives more than %d numbers in a row", maxWidth)
	}
	n.spend(outer * len(at) * inner)
	list := make([]int, 0, outer*len(at)*inner)
	for o := range outer {
		for _, i := range at {
			place := n.axis(i, d)
			for k := range inner {
				list = append(list, (o*d+place)*inner+k)
			}
		}
	}
	w := &value{elem: v.elem, batch: v.batch, dims: slices.Concat(v.dims[:axis], as, v.dims[axis+1:])}
	if v.batch > axis {
		w.batch += len(as) - 1
	}
	w.reg = n.pick(v, list)
	return w
}

// lookUp is a constant at places that depend on the row.
func (n *node) lookUp(v *value, axis int, at *value) *value {
	outer, d, inner := along(v.dims, axis)
	if v.width() == 0 {
		n.refuse("looks something up in nothing")
	}
	// The axis goes to the front: a table of d rows.
	table := make([]float64, 0, v.width())
	data := n.constants[v.reg]
	for i := range d {
		for o := range outer {
			table = append(table, data[(o*d+i)*inner:][:inner]...)
		}
	}
	n.spend(len(table))
	wide := outer * inner
	found := n.table(v.elem, table, wide, at)
	if wide == 1 {
		found.dims, found.batch = slices.Concat(v.dims[:axis], at.dims, v.dims[axis+1:]), axis+at.batch
		return found
	}
	// From indices × outer × inner to outer × indices × inner.
	count := at.width()
	dims := []int{outer, count, inner}
	list := places(dims, []int{inner, wide, 1}, 0)
	w := &value{elem: v.elem, dims: slices.Concat(v.dims[:axis], at.dims, v.dims[axis+1:]), batch: axis + at.batch}
	w.reg = n.pick(found, list)
	return w
}

// table is for each index a row of a table.
func (l *lowering) table(e elem, table []float64, wide int, at *value) *value {
	s := ir.Step{Kind: ir.Table, Ints: []int{len(table) / wide, wide}, Data: table}
	if wide == 1 {
		return l.elementwise(s, e, []*value{at})
	}
	w := &value{elem: e, dims: append(slices.Clone(at.dims), wide), batch: at.batch}
	s.In = []int32{at.reg}
	w.reg = l.emit(s, l.typeOf(w), product(w.dims))
	return w
}

// lowerGatherElements looks up a row's values by a row's indices, along an axis
// beside which a row has no other.
func lowerGatherElements(n *node) []*value {
	v, at := n.tensorIn(0), n.tensorIn(1)
	axis := n.axis(n.int("axis", 0), len(v.dims))
	if len(v.dims) != len(at.dims) || v.batch != at.batch || axis == v.batch {
		n.refuse("looks up rows of other rows")
	}
	if v.width() != v.dims[axis] || at.width() != at.dims[axis] {
		n.refuse("is supported only where a row has one axis")
	}
	if v.width() == 0 {
		n.refuse("looks something up in nothing")
	}
	w := &value{elem: v.elem, dims: at.dims, batch: at.batch}
	w.reg = n.emit(ir.Step{Kind: ir.Pick, In: []int32{v.reg, at.reg}}, n.typeOf(w), at.width())
	return one(w)
}

// lowerExtractor is ArrayFeatureExtractor: places of the last axis.
func lowerExtractor(n *node) []*value {
	v, at := n.tensorIn(0), n.tensorIn(1)
	if len(v.dims) == 0 {
		n.refuse("takes from a single number")
	}
	if len(v.dims) == 1 {
		if v.batch != noAxis {
			n.refuse("takes some of the rows")
		}
		v = v.shaped([]int{1, v.dims[0]}, noAxis)
	}
	axis := len(v.dims) - 1
	if axis == v.batch {
		n.refuse("takes some of the rows")
	}
	if at.batch == noAxis {
		return one(n.takeAlong(v, axis, n.knownInts(at, "the index"), []int{at.width()}))
	}
	if v.batch != noAxis {
		n.refuse("looks up a row's values by a row's indices")
	}
	if product(at.dims[:at.batch]) != 1 {
		n.refuse("looks up indices whose first axis is not the rows'")
	}
	return one(n.lookUp(v, axis, at.shaped([]int{at.width()}, 0)))
}

func lowerExpand(n *node) []*value {
	v := n.tensorIn(0)
	dims, batch := n.dimsOf(n.sizesOf(n.in[1], "the shape"))
	// As ONNX has it, the shape is broadcast with the tensor's own.
	like := &value{dims: dims, batch: batch}
	if batch == noAxis && v.batch != noAxis {
		if at := v.batch - len(v.dims) + len(dims); at >= 0 && dims[at] != 1 {
			n.refuse("fixes the number of rows")
		}
	}
	all, at := n.broadcast([]*value{v, like})
	w := &value{elem: v.elem, dims: all, batch: at}
	n.spend(product(all))
	w.reg = n.expand(v, all)
	return one(w)
}

func lowerTile(n *node) []*value {
	v := n.tensorIn(0)
	times := n.knownInts(n.in[1], "the number of repeats")
	if len(times) != len(v.dims) {
		n.refuse("has %d repeats for %d axes", len(times), len(v.dims))
	}
	at := make([]int, v.width())
	for i := range at {
		at[i] = i
	}
	dims := slices.Clone(v.dims)
	for axis, t := range times {
		if t == 1 {
			continue
		}
		if axis == v.batch {
			n.refuse("repeats rows")
		}
		if t < 0 || t > maxWidth || product([]int{len(at), int(t)}) > maxWidth {
			n.refuse("repeats an axis %d times", t)
		}
		n.spend(len(at) * int(t))
		inner := product(dims[axis:])
		var more []int
		for block := at; len(block) > 0; block = block[inner:] {
			for range t {
				more = append(more, block[:inner]...)
			}
		}
		at, dims[axis] = more, dims[axis]*int(t)
	}
	w := &value{elem: v.elem, dims: dims, batch: v.batch}
	w.reg = n.pick(v, at)
	return one(w)
}

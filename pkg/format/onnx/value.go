package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// elem is the type of a tensor's elements: TensorProto.DataType.
type elem int64

const (
	elemFloat  elem = 1
	elemUint8  elem = 2
	elemInt8   elem = 3
	elemUint16 elem = 4
	elemInt16  elem = 5
	elemInt32  elem = 6
	elemInt64  elem = 7
	elemString elem = 8
	elemBool   elem = 9
	elemDouble elem = 11
	elemUint32 elem = 12
	elemUint64 elem = 13
)

// of is the type of register that holds such elements.
func (e elem) of() (t ir.Type, ok bool) {
	switch e {
	case elemFloat:
		return ir.TypeFloat32, true
	case elemDouble:
		return ir.TypeFloat64, true
	case elemString:
		return ir.TypeText, true
	case elemBool:
		return ir.TypeBool, true
	case elemUint8, elemInt8, elemUint16, elemInt16, elemInt32, elemInt64, elemUint32, elemUint64:
		return ir.TypeInt64, true
	}
	return 0, false
}

func (e elem) whole() bool {
	t, ok := e.of()
	return ok && t == ir.TypeInt64
}

func (e elem) float() bool { return e == elemFloat || e == elemDouble }

// name is the type in ONNX's words.
func (e elem) name() string {
	names := [...]string{"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
		"float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16"}
	if e < 0 || int(e) >= len(names) {
		return "of an unknown type"
	}
	return names[e]
}

// noAxis is the batch of a value that is the same for all rows.
const noAxis = -1

// value is a tensor of the graph as one row sees it.
type value struct {
	elem elem
	// dims are the sizes of one row's part. At the axis of the rows stands how
	// many of its places a row has: 1, and more after a reshape such as N×3 to
	// 3N. The row's numbers lie in the register in row-major order of dims.
	dims  []int
	batch int // the axis of the rows, or noAxis
	reg   int32

	// sizes, if it is not nil, are the numbers of a tensor of whole numbers
	// that depends on how many rows there are; there is no register then.
	sizes []size

	// domain, if it is not nil, are the values that each number may have:
	// domain[i] where the register index has i.
	domain []float64
	index  int32

	// classes are the names of the columns that ZipMap gives.
	classes []string
	// stacked says that the rows' axis is one with the axis before it: all
	// rows' first part, then all rows' second part. Only Reshape takes it apart.
	stacked bool
	// parts are the members of a sequence.
	parts []*value
	// keys is the column of each key of a map from outside.
	keys map[string]int
}

// size is a whole number n·N + c, where N is the number of rows.
type size struct{ n, c int64 }

func (v *value) width() int { return product(v.dims) }

func product(dims []int) int {
	p := 1
	for _, d := range dims {
		if p *= d; p > maxWidth {
			return maxWidth + 1
		}
	}
	return p
}

// axis turns an axis that may count from the end into an index, or refuses.
func (l *lowering) axis(a int64, rank int) int {
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		l.refuse("there is no axis %d of %d", a, rank)
	}
	return int(a)
}

// along splits the sizes at an axis: outer × n × inner.
func along(dims []int, axis int) (outer, n, inner int) {
	return product(dims[:axis]), dims[axis], product(dims[axis+1:])
}

// constant returns the numbers of a value that is the same for all rows.
func (l *lowering) constant(v *value) ([]float64, bool) {
	if v.reg < 0 || v.batch != noAxis || len(v.sizes) > 0 {
		return nil, false
	}
	data := l.constants[v.reg]
	return data, data != nil
}

// known returns the numbers of an input that has to be the same for all rows.
func (l *lowering) known(v *value, what string) []float64 {
	data, ok := l.constant(v)
	if !ok {
		l.refuse("%s depends on the data, which is not supported", what)
	}
	return data
}

// wide is 2^62: slices that end at the largest int64 end there.
const wide = 1 << 62

// knownInts are whole numbers that have to be the same for all rows.
func (l *lowering) knownInts(v *value, what string) []int64 {
	data := l.known(v, what)
	ints := make([]int64, len(data))
	for i, x := range data {
		ints[i] = int64(max(-wide, min(x, wide)))
	}
	return ints
}

// knownInt is one whole number that has to be the same for all rows.
func (l *lowering) knownInt(v *value, what string) int64 {
	list := l.knownInts(v, what)
	if len(list) != 1 {
		l.refuse("%s has %d numbers", what, len(list))
	}
	return list[0]
}

// sizesOf are whole numbers that may depend on how many rows there are.
func (l *lowering) sizesOf(v *value, what string) []size {
	if v.sizes != nil {
		return v.sizes
	}
	ints := l.knownInts(v, what)
	list := make([]size, len(ints))
	for i, n := range ints {
		list[i].c = n
	}
	return list
}

// ofSizes is a value of whole numbers; if none depends on the rows it is a
// constant.
func (l *lowering) ofSizes(list []size, dims []int) *value {
	data := make([]float64, len(list))
	for i, s := range list {
		if s.n != 0 {
			return &value{elem: elemInt64, dims: dims, batch: noAxis, reg: -1, sizes: list}
		}
		data[i] = float64(s.c)
	}
	return l.newConstant(elemInt64, dims, data)
}

// with is v with other numbers: the same type, sizes and rows.
func (v *value) with(reg int32) *value {
	return &value{elem: v.elem, dims: v.dims, batch: v.batch, reg: reg}
}

// shaped is v's register under other sizes.
func (v *value) shaped(dims []int, batch int) *value {
	w := *v
	w.dims, w.batch = dims, batch
	return &w
}

// broadcast finds the common sizes of values, by ONNX's rules.
func (l *lowering) broadcast(in []*value) (dims []int, batch int) {
	rank := 0
	for _, v := range in {
		rank = max(rank, len(v.dims))
	}
	dims, batch = make([]int, rank), noAxis
	for i := range dims {
		dims[i] = 1
	}
	for _, v := range in {
		if v.batch == noAxis {
			continue
		}
		at := v.batch + rank - len(v.dims)
		if batch != noAxis && batch != at {
			l.refuse("the axes of the rows do not match: rows would be mixed")
		}
		batch = at
	}
	for _, v := range in {
		for i, d := range v.dims {
			at := i + rank - len(v.dims)
			switch {
			case at == batch && v.batch == noAxis && d != 1:
				l.refuse("%d values stand against the axis of the rows: rows would be treated differently", d)
			case at == batch && v.batch == noAxis, d == dims[at], d == 1:
			case dims[at] == 1:
				dims[at] = d
			default:
				l.refuse("sizes %d and %d do not match", dims[at], d)
			}
		}
	}
	if batch != noAxis {
		for _, v := range in {
			if v.batch != noAxis && v.dims[v.batch] != dims[batch] {
				l.refuse("rows have %d and %d places: rows would be mixed", v.dims[v.batch], dims[batch])
			}
		}
	}
	return dims, batch
}

// expand is the register of v under larger sizes, as broadcast found them.
func (l *lowering) expand(v *value, dims []int) int32 {
	lead := len(dims) - len(v.dims)
	if product(dims) == v.width() {
		return v.reg
	}
	steps := make([]int, len(dims))
	stride := 1
	for i := len(v.dims) - 1; i >= 0; i-- {
		if v.dims[i] > 1 {
			steps[lead+i] = stride
		}
		stride *= v.dims[i]
	}
	return l.pick(v, places(dims, steps, 0))
}

// places lists where the values of a tensor of some sizes come from, when each
// axis goes on by a step.
func places(dims, steps []int, from int) []int {
	list := make([]int, 0, product(dims))
	at := make([]int, len(dims))
	pos := from
	for range product(dims) {
		list = append(list, pos)
		for i := len(dims) - 1; i >= 0; i-- {
			at[i]++
			pos += steps[i]
			if at[i] < dims[i] {
				break
			}
			pos -= at[i] * steps[i]
			at[i] = 0
		}
	}
	return list
}

// strides are the steps of a row-major tensor.
func strides(dims []int) []int {
	steps := make([]int, len(dims))
	stride := 1
	for i := len(dims) - 1; i >= 0; i-- {
		steps[i] = stride
		stride *= dims[i]
	}
	return steps
}

// pick is the register with the values of v at some places.
func (l *lowering) pick(v *value, at []int) int32 {
	return l.emit(ir.Step{Kind: ir.Select, In: []int32{v.reg}, Ints: at}, l.typeOf(v), len(at))
}

func insert(list []int, at, x int) []int { return slices.Insert(slices.Clone(list), at, x) }

func remove(list []int, at int) []int { return slices.Delete(slices.Clone(list), at, at+1) }

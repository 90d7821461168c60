package onnx

import (
	"encoding/binary"
	"math"
)

// tensor makes a constant of a tensor of the file.
func (l *lowering) tensor(t *tensorProto) *value {
	if t.external {
		l.refuse("the numbers of %q are in another file (external data): save the model as one file "+
			"(onnx.save with save_as_external_data=False)", t.name)
	}
	e := elem(t.elem)
	if _, ok := e.of(); !ok {
		l.refuse("the tensor %q is %s, which is not supported: convert the model to float", t.name, e.name())
	}
	if len(t.dims) > maxRank {
		l.refuse("the tensor %q has %d axes, more than %d", t.name, len(t.dims), maxRank)
	}
	dims := make([]int, len(t.dims))
	for i, d := range t.dims {
		if d < 0 || d > maxWidth {
			l.refuse("the tensor %q has %d places along an axis", t.name, d)
		}
		dims[i] = int(d)
	}
	data := t.numbers(l, e)
	if len(data) != product(dims) {
		l.refuse("the tensor %q has %d values for the sizes %v", t.name, len(data), dims)
	}
	return l.newConstant(e, dims, data)
}

// numbers are the tensor's values as the registers keep them.
func (t *tensorProto) numbers(l *lowering, e elem) []float64 {
	if e == elemString {
		return l.codesOf(t.strings)
	}
	if t.raw != nil {
		return t.rawNumbers(l, e)
	}
	l.spend(len(t.floats) + len(t.doubles) + len(t.ints))
	switch e {
	case elemFloat:
		return widen(t.floats)
	case elemDouble:
		return t.doubles
	}
	list := make([]float64, len(t.ints))
	for i, x := range t.ints {
		list[i] = e.wholeNumber(uint64(x))
	}
	return list
}

func widen(list []float32) []float64 {
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = float64(x)
	}
	return out
}

// wholeNumber is the number that bits mean; there may be more of them than the
// type has.
func (e elem) wholeNumber(bits uint64) float64 {
	switch e {
	case elemInt8:
		return float64(int8(bits))
	case elemInt16:
		return float64(int16(bits))
	case elemInt32:
		return float64(int32(bits))
	case elemUint8:
		return float64(uint8(bits))
	case elemUint16:
		return float64(uint16(bits))
	case elemUint32:
		return float64(uint32(bits))
	case elemUint64:
		return float64(bits)
	case elemBool:
		return float64(bits & 1)
	}
	return float64(int64(bits))
}

// bytes is how many bytes an element has in raw data.
func (e elem) bytes() int {
	switch e {
	case elemBool, elemInt8, elemUint8:
		return 1
	case elemInt16, elemUint16:
		return 2
	case elemFloat, elemInt32, elemUint32:
		return 4
	}
	return 8
}

func (t *tensorProto) rawNumbers(l *lowering, e elem) []float64 {
	n := e.bytes()
	if len(t.raw)%n != 0 {
		l.refuse("the raw data of the tensor %q end within a number", t.name)
	}
	l.spend(len(t.raw) / n)
	list := make([]float64, len(t.raw)/n)
	var full [8]byte
	for i := range list {
		copy(full[:], t.raw[i*n:][:n])
		bits := binary.LittleEndian.Uint64(full[:])
		switch e {
		case elemFloat:
			list[i] = float64(math.Float32frombits(uint32(bits)))
		case elemDouble:
			list[i] = math.Float64frombits(bits)
		default:
			list[i] = e.wholeNumber(bits)
		}
	}
	return list
}

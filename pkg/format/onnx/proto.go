package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"example.com/copse/pkg/format/readerr"
)

// What follows is the part of onnx.proto (github.com/onnx/onnx, Apache-2.0)
// that a trained tabular model uses. Texts and raw data stay slices of the file.

type modelProto struct {
	producer, version string
	opsets            map[string]int64
	graph             *graphProto
	functions         int
}

type graphProto struct {
	nodes        []nodeProto
	initializers []tensorProto
	sparse       bool
	inputs       []infoProto
	outputs      []infoProto
}

type nodeProto struct {
	op, domain, name string
	inputs, outputs  []string
	attributes       []attrProto
}

type attrProto struct {
	name    string
	f       float32
	i       int64
	s       string
	t       *tensorProto
	g       *graphProto
	floats  []float32
	ints    []int64
	strings []string
	other   bool // a reference, several tensors or graphs, a sparse tensor
	used    bool // somebody asked for it
}

type tensorProto struct {
	name     string
	elem     int64
	dims     []int64
	raw      []byte
	floats   []float32
	doubles  []float64
	ints     []int64 // int32_data, int64_data and uint64_data
	strings  []string
	external bool
	offset   int64
}

// infoProto is a graph's input or output: a tensor, or something made of them.
type infoProto struct {
	name   string
	elem   int64
	dims   []int64 // -1 where the file leaves it open
	shaped bool
	kind   string // "" is a tensor
	key    int64  // a map's type of key
}

// field is one field of a message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bits   uint64 // of varints and fixed numbers
	bytes  []byte
	at     int64 // where bytes start, or the field, in the file
}

func failAt(offset int64, path, reason string, args ...any) *readerr.Error {
	e := readerr.At(Library, path, reason, args...)
	e.Offset = offset
	return e
}

// fields calls each for the fields of a message that starts at byte at of the
// file.
func fields(data []byte, at int64, path string, each func(f field) error) error {
	for len(data) > 0 {
		f := field{at: at}
		var n int
		if f.number, f.kind, n = protowire.ConsumeTag(data); n < 0 {
			return failAt(at, path, "not a protobuf field: is the file cut off, or no ONNX model?")
		}
		m := f.consume(data[n:])
		if m < 0 {
			return failAt(at, path, "field %d is longer than its message: the file is cut off or damaged", f.number)
		}
		f.at += int64(n + m - len(f.bytes))
		if err := each(f); err != nil {
			return err
		}
		data, at = data[n+m:], at+int64(n+m)
	}
	return nil
}

// consume reads the field's value and returns how long it was, or less than 0.
func (f *field) consume(data []byte) (n int) {
	switch f.kind {
	case protowire.VarintType:
		f.bits, n = protowire.ConsumeVarint(data)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(data)
		f.bits = uint64(v)
	case protowire.Fixed64Type:
		f.bits, n = protowire.ConsumeFixed64(data)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(data)
	default:
		return -1 // groups: no version of ONNX has them
	}
	return n
}

func (f *field) text() string { return string(f.bytes) }

// appendInts adds the field's whole numbers, packed or not.
func (f *field) appendInts(list []int64) []int64 {
	if f.kind != protowire.BytesType {
		return append(list, int64(f.bits))
	}
	for data := f.bytes; len(data) > 0; {
		v, n := protowire.ConsumeVarint(data)
		if n < 0 {
			return list // the count will not fit
		}
		list, data = append(list, int64(v)), data[n:]
	}
	return list
}

func (f *field) appendFloats(list []float32) []float32 {
	if f.kind != protowire.BytesType {
		return append(list, math.Float32frombits(uint32(f.bits)))
	}
	if list == nil {
		list = make([]float32, 0, len(f.bytes)/4)
	}
	for data := f.bytes; len(data) >= 4; data = data[4:] {
		list = append(list, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return list
}

func (f *field) appendDoubles(list []float64) []float64 {
	if f.kind != protowire.BytesType {
		return append(list, math.Float64frombits(f.bits))
	}
	for data := f.bytes; len(data) >= 8; data = data[8:] {
		list = append(list, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return list
}

// maxNesting bounds graphs in attributes of nodes of graphs.
const maxNesting = 4

func readModel(data []byte) (*modelProto, error) {
	m := &modelProto{opsets: map[string]int64{}}
	err := fields(data, 0, "", func(f field) (err error) {
		switch f.number {
		case 2:
			m.producer = f.text()
		case 3:
			m.version = f.text()
		case 7:
			m.graph, err = readGraph(f.bytes, f.at, "graph", 0)
		case 8:
			err = m.opset(f)
		case 25:
			m.functions++
		}
		return err
	})
	return m, err
}

func (m *modelProto) opset(f field) error {
	var domain string
	var version int64
	err := fields(f.bytes, f.at, "opset_import", func(f field) error {
		switch f.number {
		case 1:
			domain = f.text()
		case 2:
			version = int64(f.bits)
		}
		return nil
	})
	if domain == "ai.onnx" {
		domain = ""
	}
	m.opsets[domain] = version
	return err
}

func readGraph(data []byte, at int64, path string, depth int) (*graphProto, error) {
	if depth > maxNesting {
		return nil, failAt(at, path, "graphs within graphs, more than %d deep", maxNesting)
	}
	g := &graphProto{}
	err := fields(data, at, path, func(f field) (err error) {
		switch f.number {
		case 1:
			g.nodes = append(g.nodes, nodeProto{})
			n := len(g.nodes) - 1
			err = g.nodes[n].read(f, nodePath(path, n), depth)
		case 5:
			g.initializers = append(g.initializers, tensorProto{})
			err = g.initializers[len(g.initializers)-1].read(f, path+": initializer")
		case 11:
			g.inputs = append(g.inputs, infoProto{})
			err = g.inputs[len(g.inputs)-1].read(f, path+": input")
		case 12:
			g.outputs = append(g.outputs, infoProto{})
			err = g.outputs[len(g.outputs)-1].read(f, path+": output")
		case 15:
			g.sparse = true
		}
		return err
	})
	return g, err
}

func (n *nodeProto) read(f field, path string, depth int) error {
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, f.text())
		case 2:
			n.outputs = append(n.outputs, f.text())
		case 3:
			n.name = f.text()
		case 4:
			n.op = f.text()
		case 5:
			n.attributes = append(n.attributes, attrProto{})
			return n.attributes[len(n.attributes)-1].read(f, path, depth)
		case 7:
			if n.domain = f.text(); n.domain == "ai.onnx" {
				n.domain = ""
			}
		}
		return nil
	})
}

func (a *attrProto) read(f field, path string, depth int) error {
	return fields(f.bytes, f.at, path+": attribute", func(f field) (err error) {
		switch f.number {
		case 1:
			a.name = f.text()
		case 2:
			a.f = math.Float32frombits(uint32(f.bits))
		case 3:
			a.i = int64(f.bits)
		case 4:
			a.s = f.text()
		case 5:
			a.t = &tensorProto{}
			err = a.t.read(f, path+": "+a.name)
		case 6:
			a.g, err = readGraph(f.bytes, f.at, path+": "+a.name, depth+1)
		case 7:
			a.floats = f.appendFloats(a.floats)
		case 8:
			a.ints = f.appendInts(a.ints)
		case 9:
			a.strings = append(a.strings, f.text())
		case 10, 11, 21, 22, 23:
			a.other = true
		}
		return err
	})
}

func (t *tensorProto) read(f field, path string) error {
	t.offset = f.at
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			t.dims = f.appendInts(t.dims)
		case 2:
			t.elem = int64(f.bits)
		case 4:
			t.floats = f.appendFloats(t.floats)
		case 5, 7, 11:
			t.ints = f.appendInts(t.ints)
		case 6:
			t.strings = append(t.strings, f.text())
		case 8:
			t.name = f.text()
		case 9:
			t.raw = f.bytes
		case 10:
			t.doubles = f.appendDoubles(t.doubles)
		case 13:
			t.external = true
		case 14:
			t.external = t.external || f.bits != 0
		}
		return nil
	})
}

func (v *infoProto) read(f field, path string) error {
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			v.name = f.text()
		case 2:
			return v.readType(f, path)
		}
		return nil
	})
}

func (v *infoProto) readType(f field, path string) error {
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			return v.readTensor(f, path)
		case 4:
			v.kind = "sequence"
		case 5:
			v.kind = "map"
			return v.readMap(f, path)
		case 7, 8, 9:
			v.kind = "optional or sparse"
		}
		return nil
	})
}

func (v *infoProto) readMap(f field, path string) error {
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			v.key = int64(f.bits)
		case 2:
			return fields(f.bytes, f.at, path, func(f field) error {
				if f.number == 1 {
					return v.readTensor(f, path)
				}
				return nil
			})
		}
		return nil
	})
}

func (v *infoProto) readTensor(f field, path string) error {
	return fields(f.bytes, f.at, path, func(f field) error {
		switch f.number {
		case 1:
			v.elem = int64(f.bits)
		case 2:
			v.shaped = true
			return fields(f.bytes, f.at, path, func(f field) error {
				if f.number != 1 {
					return nil
				}
				size := int64(-1)
				err := fields(f.bytes, f.at, path, func(f field) error {
					if f.number == 1 {
						size = int64(f.bits)
					}
					return nil
				})
				v.dims = append(v.dims, size)
				return err
			})
		}
		return nil
	})
}

package onnx_test

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message under construction, for models that no converter writes.
type message []byte

func (m message) num(field protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) text(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) sub(field protowire.Number, s message) message { return m.text(field, string(s)) }

func (m message) float(field protowire.Number, f float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(f))
}

// ModelProto.
func model(graph message) []byte { return modelOf(graph, 17, 3) }

func modelOf(graph message, opset, ml int64) []byte {
	return message(nil).num(1, 8).text(2, "by hand").sub(7, graph).
		sub(8, message(nil).text(1, "").num(2, opset)).
		sub(8, message(nil).text(1, "ai.onnx.ml").num(2, ml))
}

// graph is a GraphProto of parts.
func graph(parts ...message) (g message) {
	for _, p := range parts {
		g = append(g, p...)
	}
	return g
}

// input and output are parts of a graph: elem is 1 float, 7 int64, 8 string, 11
// double; a size of -1 is open.
func input(name string, elem int64, dims ...int64) message {
	return message(nil).sub(11, info(name, elem, dims))
}

func output(name string) message { return message(nil).sub(12, info(name, 1, nil)) }

func info(name string, elem int64, dims []int64) message {
	var shape message
	for _, d := range dims {
		dim := message(nil).text(2, "N")
		if d >= 0 {
			dim = message(nil).num(1, d)
		}
		shape = shape.sub(1, dim)
	}
	tensor := message(nil).num(1, elem).sub(2, shape)
	return message(nil).text(1, name).sub(2, message(nil).sub(1, tensor))
}

// node is a part of a graph; attributes are made by ints, floats and so on.
func node(op string, in, out []string, attributes ...message) message {
	return nodeOf("", op, in, out, attributes...)
}

func ml(op string, in, out []string, attributes ...message) message {
	return nodeOf("ai.onnx.ml", op, in, out, attributes...)
}

func nodeOf(domain, op string, in, out []string, attributes ...message) message {
	var n message
	for _, name := range in {
		n = n.text(1, name)
	}
	for _, name := range out {
		n = n.text(2, name)
	}
	n = n.text(3, "the node").text(4, op).text(7, domain)
	for _, a := range attributes {
		n = n.sub(5, a)
	}
	return message(nil).sub(1, n)
}

func x(names ...string) []string { return names }

func anInt(name string, v int64) message { return message(nil).text(1, name).num(3, v) }

func aFloat(name string, v float32) message { return message(nil).text(1, name).float(2, v) }

func aText(name, v string) message { return message(nil).text(1, name).text(4, v) }

func ints(name string, list ...int64) message {
	a := message(nil).text(1, name)
	for _, v := range list {
		a = a.num(8, v)
	}
	return a
}

func floats(name string, list ...float32) message {
	a := message(nil).text(1, name)
	var data []byte
	for _, v := range list {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return a.text(7, string(data))
}

func texts(name string, list ...string) message {
	a := message(nil).text(1, name)
	for _, v := range list {
		a = a.text(9, v)
	}
	return a
}

func aTensor(name string, t message) message { return message(nil).text(1, name).sub(5, t) }

func aGraph(name string, g message) message { return message(nil).text(1, name).sub(6, g) }

// tensorOf is a TensorProto.
func tensorOf(name string, elem int64, dims []int64, values ...float64) message {
	t := message(nil)
	for _, d := range dims {
		t = t.num(1, d)
	}
	t = t.num(2, elem).text(8, name)
	for _, v := range values {
		switch elem {
		case 1:
			t = t.float(4, float32(v))
		case 11:
			t = protowire.AppendFixed64(protowire.AppendTag(t, 10, protowire.Fixed64Type), math.Float64bits(v))
		default:
			t = t.num(7, int64(v))
		}
	}
	return t
}

func textTensor(name string, dims []int64, values ...string) message {
	t := message(nil)
	for _, d := range dims {
		t = t.num(1, d)
	}
	t = t.num(2, 8).text(8, name)
	for _, v := range values {
		t = t.text(6, v)
	}
	return t
}

// initial is a part of a graph: an initializer.
func initial(t message) message { return message(nil).sub(5, t) }

func whole(name string, values ...float64) message {
	return initial(tensorOf(name, 7, []int64{int64(len(values))}, values...))
}

func numbers(name string, values ...float64) message {
	return initial(tensorOf(name, 1, []int64{int64(len(values))}, values...))
}

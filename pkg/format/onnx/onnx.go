package onnx

import (
	"bufio"
	"fmt"
	"io"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Library is the Library of the models that this package reads.
const Library = "onnx"

// maxFile bounds a file: protobuf itself ends at 2 GiB.
const maxFile = 1 << 31

// Is tells an ONNX file by its first bytes: a protobuf message whose first
// field is ir_version, a small number, and whose next one is a field of
// ModelProto.
func Is(head []byte) bool {
	const irVersion, newest = 0x08, 32
	if len(head) < 3 || head[0] != irVersion || head[1] == 0 || head[1] > newest {
		return false
	}
	switch head[2] {
	case 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72:
		return true
	}
	return false
}

// Read reads a model: one that passes ir.Check and has a Program, and a schema
// made from the graph's inputs. The file is held in memory as a whole, as
// protobuf needs it; all memory together is bounded by maxFactor times the
// file's size plus a constant. Errors are *readerr.Error, or those of r.
func Read(r *bufio.Reader) (*ir.Model, schema.Document, error) {
	var none schema.Document
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, none, err
	}
	if len(data) > maxFile {
		return nil, none, readerr.New(Library, "the file has more than %d bytes", int64(maxFile))
	}
	file, err := readModel(data)
	if err != nil {
		return nil, none, err
	}
	if file.graph == nil {
		return nil, none, readerr.New(Library, "the file has no graph")
	}
	if file.functions > 0 {
		return nil, none, readerr.New(Library, "the model defines functions of its own: inline them (onnx.inliner.inline_local_functions)")
	}
	return lowerModel(file, len(data))
}

// lowerModel turns the graph into a program. What an operator refuses comes up
// as a panic with a *readerr.Error: see the package document.
func lowerModel(file *modelProto, size int) (m *ir.Model, doc schema.Document, err error) {
	defer func() {
		switch refused := recover().(type) {
		case nil:
		case *readerr.Error:
			m, doc, err = nil, schema.Document{}, refused
		default:
			panic(refused)
		}
	}()
	l := newLowering(file, size)
	l.inputs()
	l.graph(file.graph, "graph")
	m, doc = l.finish()
	if err := ir.Check(m); err != nil {
		return nil, schema.Document{}, &readerr.Error{Format: Library, Offset: readerr.Nowhere, Reason: "the model cannot be used", Err: err}
	}
	return m, doc, nil
}

// refuse ends the reading with an error: it panics with a *readerr.Error that
// lowerModel returns.
func (l *lowering) refuse(reason string, args ...any) {
	panic(readerr.At(Library, l.path, reason, args...))
}

func nodePath(graph string, i int) string { return fmt.Sprintf("%s: node %d", graph, i) }

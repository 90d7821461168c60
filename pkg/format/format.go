// Package format reads model files. Which format a file is in is told from
// its content, never from its name; each format has its own package below.
//
// Question: who knows what a file might be? Choice: this package alone. A
// reader knows one format, and the rest of the house knows ir.Model. What
// would change it: a format that can only be told by more than its bytes.
package format

import (
	"bufio"
	"errors"
	"io"

	"example.com/copse/pkg/format/catboost"
	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/format/onnx"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/format/xgboost"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Error says why a file cannot be read: format, path, offset, reason.
type Error = readerr.Error

// Model is what a model file holds.
type Model struct {
	IR     *ir.Model
	Schema schema.Document
	Source string // the format
	// Rows are rows of the model's features that came with it, row-major, fit
	// for a self-test; often none.
	Rows []float64
}

// reader is a format that can be read.
type reader struct {
	format string
	is     func(head []byte) bool
	read   func(r *bufio.Reader) (*ir.Model, schema.Document, error)
}

// readers are tried in order: the surer signs first.
func readers() []reader {
	return []reader{
		{golearn.Library, golearn.Is, readGolearn},
		{catboost.Library, catboost.Is, catboost.Read},
		{xgboost.Library, xgboost.Is, xgboost.Read},
		{lightgbm.Library, lightgbm.Is, lightgbm.Read},
		{onnx.Library, onnx.Is, onnx.Read},
	}
}

// maxArchive bounds golearn's archives, which are read as a whole: 1 GiB.
const maxArchive = 1 << 30

func readGolearn(r *bufio.Reader) (*ir.Model, schema.Document, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxArchive+1))
	if err == nil && len(data) > maxArchive {
		err = readerr.New(golearn.Library, "the archive has more than %d bytes", maxArchive)
	}
	if err != nil {
		return nil, schema.Document{}, err
	}
	return golearn.Read(data)
}

// Read reads a model file of any known format from a stream, in one pass.
// Errors are *Error, or those of r.
func Read(r io.Reader) (*Model, error) {
	in := bufio.NewReaderSize(r, buffer)
	top, err := in.Peek(head)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, f := range readers() {
		if !f.is(top) {
			continue
		}
		m, doc, err := f.read(in)
		if err != nil {
			return nil, err
		}
		return &Model{IR: m, Schema: doc, Source: f.format}, nil
	}
	return nil, refuse(top)
}

// head is how much of a file is looked at to tell what it is, and buffer how
// much is read at once, in bytes.
const (
	head   = 4096
	buffer = 64 << 10
)

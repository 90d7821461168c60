// Package format reads model files. Which format a file is in is told from
// its content, never from its name; each format has its own package below.
//
// Question: who knows what a file might be? Choice: this package alone. A
// reader knows one format, and the rest of the house knows ir.Model. What
// would change it: a format that can only be told by more than its bytes.
package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"example.com/copse/pkg/format/catboost"
	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/format/readerr"
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
		{lightgbm.Library, lightgbm.Is, lightgbm.Read},
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

// kind is a form of file that is recognised but not read.
type kind struct {
	is     func(data []byte) bool
	format string // for Error.Format
	advice string
}

const (
	notYet   = "is recognised but not supported yet: this version reads golearn models and .copse bundles"
	runsCode = "can run any code when it is opened, so it is never read: export the model instead (golearn's Save, " +
		"or the library's own text or JSON form) and give that file"
)

// kinds are tried in order: the surer signs first.
func kinds() []kind {
	return []kind{
		{prefix("\x89COPSE\r\n"), "copse", "is a compiled bundle, not a model to compile: load it as it is"},
		{prefix("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"), "pickle", runsCode},
		{joblib, "joblib", runsCode},
		{xgboostJSON, "xgboost", notYet},
		{xgboostUBJ, "xgboost", notYet},
		{prefix("binf"), "xgboost", "is XGBoost's old binary form: save it again as JSON"},
		{onnx, "onnx", notYet},
		{prefix("\x89HDF\r\n\x1a\n"), "hdf5", "holds arrays, and nothing that says which model they belong to"},
		{prefix("PK\x03\x04"), "zip", "is a zip archive; if a model file is in it, unpack it first"},
		{archive, "archive", "is an archive, but not one of golearn's: it does not open with CLS_MANIFEST"},
		{prefix("{", "["), "json", "is JSON of no known model"},
	}
}

// refuse says what a file is, as far as can be told, and what to do with it.
func refuse(data []byte) error {
	if len(data) == 0 {
		return readerr.New("", "the file is empty")
	}
	for _, k := range kinds() {
		if k.is(data) {
			return readerr.New(k.format, "the file %s", k.advice)
		}
	}
	return readerr.New("", "the file is of no known format: this version reads golearn models and .copse bundles")
}

// head is how much of a file is looked at to tell what it is, and buffer how
// much is read at once, in bytes.
const (
	head   = 4096
	buffer = 64 << 10
)

func prefix(signs ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, s := range signs {
			if bytes.HasPrefix(data, []byte(s)) {
				return true
			}
		}
		return false
	}
}

func top(data []byte) []byte { return data[:min(len(data), head)] }

// joblib writes zlib, or its own old header, around a pickle.
func joblib(data []byte) bool {
	return prefix("ZF", "\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda")(data)
}

// xgboostJSON: {"learner":…} or {"version":[…],"learner":…}.
func xgboostJSON(data []byte) bool {
	text := bytes.TrimLeft(top(data), " \t\r\n")
	return bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"learner"`))
}

// xgboostUBJ: an object whose first key has a one-letter integer type.
func xgboostUBJ(data []byte) bool {
	t := top(data)
	return len(t) > 2 && t[0] == '{' && bytes.IndexByte([]byte("iUIlL"), t[1]) >= 0 && bytes.Contains(t, []byte("learner"))
}

// onnx: a protobuf whose first field is ir_version, a small number, and whose
// next are producer texts or the graph (ModelProto in onnx.proto).
func onnx(data []byte) bool {
	return len(data) > 3 && data[0] == 0x08 && data[1] > 0 && data[1] < 32 &&
		(data[2] == 0x12 || data[2] == 0x1a || data[2] == 0x22 || data[2] == 0x3a || data[2] == 0x42)
}

// archive: gzip, or a tar's mark.
func archive(data []byte) bool {
	const mark, at = "ustar", 257
	return prefix("\x1f\x8b")(data) || len(data) > at+len(mark) && string(data[at:at+len(mark)]) == mark
}

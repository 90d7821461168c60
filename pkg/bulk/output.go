package bulk

import (
	"bytes"
	"io"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// Output writes answers in a form. It is for one Scorer.
type Output interface {
	// begin, write and end are called in order, by one goroutine; format by
	// many, for different blocks. begin is called with the first rows, so that
	// input which cannot be read leaves nothing, or at the end of input without
	// any.
	begin() error
	format(b *block) error
	write(b *block) error
	end() error
}

// answer is what an output makes of a block in format, for write.
type answer struct {
	text    bytes.Buffer
	columns []parquetfile.Values
}

// Form is a form of output.
type Form uint8

const (
	CSV Form = iota
	JSONL
	Parquet
)

// FormByName finds the form that users, and extensions of files, call so.
func FormByName(name string) (Form, bool) {
	m, ok := mediaByName(name)
	switch {
	case name == parquetName:
		return Parquet, true
	case !ok:
		return 0, false
	case m == wire.NDJSON:
		return JSONL, true
	}
	return CSV, true
}

// NewOutput writes answers of a kind in a form. Closing out is the caller's.
func NewOutput(m *predict.Model, kind wire.Kind, form Form, out io.Writer) Output {
	switch form {
	case Parquet:
		return newTableOutput(m, kind, out)
	case JSONL:
		return NewLines(m, kind, out)
	}
	return &textOutput{model: m, kind: kind, media: wire.CSV, out: out}
}

// NewLines is NewOutput for JSONL. A function that calls no more than this does
// not link what writes Parquet, and starts earlier by it.
func NewLines(m *predict.Model, kind wire.Kind, out io.Writer) Output {
	return &textOutput{model: m, kind: kind, media: wire.NDJSON, out: out}
}

// textOutput writes CSV or JSONL.
type textOutput struct {
	model *predict.Model
	kind  wire.Kind
	media wire.Media
	out   io.Writer
}

func (t *textOutput) begin() error {
	if t.media != wire.CSV {
		return nil
	}
	_, err := t.out.Write(Header(t.model, t.kind, CSV))
	return err
}

func (t *textOutput) format(b *block) error {
	r := b.request
	b.answer.text.Reset()
	return r.Encoder.Lines(&b.answer.text, t.media, t.kind, t.model.Formatter(), &r.Frame, &r.Answers,
		wire.Part{To: r.Frame.Rows, First: b.first})
}

func (t *textOutput) write(b *block) error {
	_, err := t.out.Write(b.answer.text.Bytes())
	return err
}

func (t *textOutput) end() error { return nil }

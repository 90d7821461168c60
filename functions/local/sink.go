package local

import (
	"bytes"
	"io"

	"example.com/copse/functions/local/internal/parquetfile"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// sink is a form of output. begin, write and end are called in order, by one
// goroutine; format by many, for different blocks.
type sink interface {
	// begin is called with the first rows, so that input which cannot be read
	// leaves nothing, or at the end of input without any.
	begin() error
	format(b *block) error
	write(b *block) error
	end() error
}

// answer is what a sink makes of a block in format, for write.
type answer struct {
	text    bytes.Buffer
	columns []parquetfile.Values
}

// form is a form of output: a text's, or Parquet.
type form struct {
	media wire.Media
	table bool
}

// formOf finds the form that is asked for, else that of the file's name, else
// CSV.
func formOf(name, path string) (form, error) {
	asked := name != ""
	if !asked {
		name = extension(path)
	}
	if name == "parquet" {
		return form{table: true}, nil
	}
	media, ok := mediaByName(name)
	switch {
	case ok:
		return form{media: media}, nil
	case asked:
		return form{}, badFormat("--format")
	}
	return form{media: wire.CSV}, nil
}

// newSink writes answers in a form.
func newSink(m *predict.Model, kind wire.Kind, f form, out io.Writer) sink {
	if f.table {
		return newTableSink(m, kind, out)
	}
	return &textSink{model: m, kind: kind, media: f.media, out: out}
}

// textSink writes CSV or JSONL.
type textSink struct {
	model *predict.Model
	kind  wire.Kind
	media wire.Media
	out   io.Writer
}

func (t *textSink) begin() error {
	if t.media != wire.CSV {
		return nil
	}
	_, err := t.out.Write(t.model.Formatter().AppendHeader(nil, t.kind, width(t.model, t.kind)))
	return err
}

func (t *textSink) format(b *block) error {
	r := b.request
	b.answer.text.Reset()
	return r.Encoder.Lines(&b.answer.text, t.media, t.kind, t.model.Formatter(), &r.Frame, &r.Answers,
		wire.Part{To: r.Frame.Rows, First: b.first})
}

func (t *textSink) write(b *block) error {
	_, err := t.out.Write(b.answer.text.Bytes())
	return err
}

func (t *textSink) end() error { return nil }

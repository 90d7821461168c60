// Package wire is the only door through which text comes in and goes out:
// JSON, CSV and NDJSON rows into a frame, answers into JSON, CSV and NDJSON.
package wire

import (
	"io"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// Media is a form in which rows come or answers go.
type Media uint8

const (
	JSON Media = iota
	CSV
	NDJSON
)

// Limits bound what a decoder takes. Zero means no limit for Rows and Values.
type Limits struct {
	Rows   int // rows of a batch
	Values int // rows × features of a batch
	Depth  int // nesting of JSON that is skipped over
	Text   int // bytes of one string
}

// Options are what a decoder needs to know beside the schema.
type Options struct {
	Limits Limits
	// ByID takes {"id":…} and {"ids":[…]} in place of rows.
	ByID bool
	// IgnoreExtra passes over members and columns that are no feature.
	IgnoreExtra bool
	// NoHeader reads CSV columns by position.
	NoHeader bool
}

// Decoder reads bodies into frames. It keeps scratch memory: one goroutine at
// a time, pooled with the request.
type Decoder struct{}

// Row reads one JSON object into f (which it resets). With Options.ByID an
// object with the one member "id" is no row but returns its id.
func (d *Decoder) Row(body []byte, s *schema.Schema, o *Options, f *frame.Frame) (ids []string, err *fault.Error) {
	return nil, nil
}

// Batch reads a batch in any of its forms into f (which it resets). With
// Options.ByID, {"ids":[…]} returns its ids instead.
func (d *Decoder) Batch(body []byte, m Media, s *schema.Schema, o *Options, f *frame.Frame) (ids []string, err *fault.Error) {
	return nil, nil
}

// Shape is what a formatter needs to know of a model.
type Shape struct {
	Outputs int
	// Labels are the class labels, or empty for a regressor.
	Labels []string
	// Single writes numbers as the shortest text of a float32.
	Single bool
	// Name and Digest identify the model in replies.
	Name, Digest string
}

// Formatter writes answers of one model. It is immutable; its fragments of
// text are made once.
type Formatter struct{}

// NewFormatter prepares the fragments.
func NewFormatter(s Shape) *Formatter { return &Formatter{} }

// Prediction is the index of the predicted label, and its label; for a
// regressor -1 and "".
func (w *Formatter) Prediction(values []float64) (int, string) { return -1, "" }

// Encoder writes replies. It keeps scratch memory like Decoder.
type Encoder struct{}

// AppendReply appends the reply of /predict for the frame's only row, which
// must have an answer.
func (e *Encoder) AppendReply(dst []byte, w *Formatter, a *frame.Answers) []byte { return dst }

// Batch writes the reply of /batch-predict: rows in order, each an answer or
// its error. It formats each distinct answer once and writes in blocks.
func (e *Encoder) Batch(out io.Writer, m Media, w *Formatter, f *frame.Frame, a *frame.Answers) error {
	return nil
}

package copsebeam

import (
	"bytes"
	"context"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// Only what meets each row is registered with its types, which spares reflection:
// the code that this makes takes the compiler long.
func init() {
	register.DoFn5x1[context.Context, beam.EventTime, beam.T, []byte, func(beam.EventTime, beam.T, []byte), error](&gatherFn{})
	register.Function1x2[[]byte, []byte, []byte](withItself)
	register.Emitter3[beam.EventTime, beam.T, []byte]()
}

// What is scored together at most: rows, and bytes of their text. A bundle may
// be a day's rows, or one.
const (
	blockRows  = 4096
	blockBytes = 4 << 20
)

// RowOptions say how rows are read.
type RowOptions struct {
	// IgnoreExtra passes over members that are no feature.
	IgnoreExtra bool
}

// Rows answers rows: a PCollection<[]byte> of JSON objects gives a
// PCollection<KV<[]byte, []byte>> of each row and its answer. See KeyedRows.
func Rows(s beam.Scope, m *Model, rows beam.PCollection, o RowOptions) beam.PCollection {
	s = s.Scope("copse.Rows")
	return keyedRows(s, m, beam.ParDo(s, withItself, rows), o)
}

func withItself(row []byte) (key, value []byte) { return row, row }

// KeyedRows answers rows that have keys: a PCollection<KV<K, []byte>> of JSON
// objects, one row each, gives a PCollection<KV<K, []byte>> of their answers,
// one each, in JSON: what a line of copse score has, but for the number of the
// row, such as
//
//	{"prediction":"setosa","probabilities":{"setosa":0.98,…}}
//	{"error":{"code":"out_of_range","field":"sepal_width","rule":"lte=10","message":"…"}}
//
// A row that cannot be read, or breaks a rule, has its error as its answer and
// fails no other. The rows of a bundle are scored together, in blocks. Keys,
// timestamps and windows are kept; which pane of a window a row belongs to is
// not.
func KeyedRows(s beam.Scope, m *Model, rows beam.PCollection, o RowOptions) beam.PCollection {
	return keyedRows(s.Scope("copse.KeyedRows"), m, rows, o)
}

func keyedRows(s beam.Scope, m *Model, rows beam.PCollection, o RowOptions) beam.PCollection {
	if rows.WindowingStrategy().Fn.Kind != window.GlobalWindows {
		return windowedRows(s, m, rows, o)
	}
	return beam.ParDo(s, &gatherFn{Model: m, Options: o}, rows)
}

// gatherFn answers rows of the global window, the only one in which what a
// DoFn emits at the end of a bundle can be.
type gatherFn struct {
	Model   *Model
	Options RowOptions

	block *block
	of    []origin
}

// origin is what an answer takes from its row.
type origin struct {
	key  beam.T
	time beam.EventTime
}

func (f *gatherFn) Setup(ctx context.Context) (err error) {
	f.block, err = newBlock(ctx, f.Model, f.Options)
	return err
}

func (f *gatherFn) StartBundle(func(beam.EventTime, beam.T, []byte)) {
	f.block.reset() // of what a bundle that failed left
	f.of = f.of[:0]
}

func (f *gatherFn) ProcessElement(ctx context.Context, t beam.EventTime, key beam.T, row []byte, emit func(beam.EventTime, beam.T, []byte)) error {
	f.block.add(ctx, row)
	f.of = append(f.of, origin{key, t})
	if f.block.full() {
		return f.flush(ctx, emit)
	}
	return nil
}

func (f *gatherFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, beam.T, []byte)) error {
	err := f.flush(ctx, emit)
	f.of = nil // keys are the caller's
	return err
}

func (f *gatherFn) flush(ctx context.Context, emit func(beam.EventTime, beam.T, []byte)) error {
	answers, err := f.block.answers(ctx)
	if err != nil {
		return err
	}
	for i, answer := range answers {
		emit(f.of[i].time, f.of[i].key, answer)
	}
	clear(f.of)
	f.of = f.of[:0]
	return nil
}

// block is rows that are scored together. One bundle at a time uses it.
type block struct {
	model *predict.Model
	wire  wire.Options
	all   *predict.Request // the rows
	one   *predict.Request // reads each of them
	bytes int              // of their text
	begun bool             // the bundle was counted
	lines bytes.Buffer
}

func newBlock(ctx context.Context, m *Model, o RowOptions) (*block, error) {
	opened, err := m.load(ctx)
	if err != nil {
		return nil, err
	}
	b := &block{
		model: opened, wire: wire.Options{IgnoreExtra: o.IgnoreExtra},
		all: predict.Get(), one: predict.Get(),
	}
	b.reset()
	return b, nil
}

// reset begins a bundle.
func (b *block) reset() {
	b.all.Frame.Reset(b.model.Schema().NumFeatures())
	b.bytes, b.begun = 0, false
}

// add reads a row. What is wrong with one that cannot be read is its answer.
func (b *block) add(ctx context.Context, row []byte) {
	if !b.begun {
		b.begun = true
		bundles.Inc(ctx, 1)
	}
	b.bytes += len(row)
	to, from := &b.all.Frame, &b.one.Frame
	_, err := b.one.Decoder.Row(row, b.model.Schema(), &b.wire, from)
	if err != nil {
		clear(to.Append())
		e := *err
		e.Row = to.Rows - 1
		to.Fail(e)
		return
	}
	copy(to.Append(), from.Row(0))
	for _, e := range from.Faults {
		e.Row = to.Rows - 1
		to.Fail(e)
	}
}

func (b *block) full() bool {
	return b.all.Frame.Rows >= blockRows || b.bytes >= blockBytes
}

// answers scores the rows and empties the block. An answer is a line of
// JSONL without the row's number.
func (b *block) answers(ctx context.Context) ([][]byte, error) {
	f, a := &b.all.Frame, &b.all.Answers
	n := f.Rows
	if n == 0 {
		return nil, nil
	}
	if err := b.model.Predict(ctx, b.all); err != nil {
		return nil, fault.From(err, "bundle", "the log says more")
	}
	b.lines.Reset()
	if err := b.all.Encoder.Lines(&b.lines, wire.NDJSON, wire.Prediction, b.model.Formatter(), f, a, wire.All(f)); err != nil {
		return nil, err
	}
	blocks.Inc(ctx, 1)
	rowsSeen.Inc(ctx, int64(n))
	badRows.Inc(ctx, int64(countBad(f)))
	f.Reset(f.Cols)
	b.bytes = 0
	return cutLines(slices.Clone(b.lines.Bytes()), n), nil
}

func countBad(f *frame.Frame) int {
	n := 0
	for _, bad := range f.Bad {
		if bad {
			n++
		}
	}
	return n
}

// cutLines cuts JSONL into its n lines, each without its first member, which
// is the row's number: {"row":17,"prediction":… becomes {"prediction":….
func cutLines(text []byte, n int) [][]byte {
	lines := make([][]byte, 0, n)
	for len(text) > 0 {
		comma, end := bytes.IndexByte(text, ','), bytes.IndexByte(text, '\n')
		text[comma] = '{'
		lines = append(lines, text[comma:end:end])
		text = text[end+1:]
	}
	return lines
}

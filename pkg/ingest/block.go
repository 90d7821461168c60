package ingest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// blockValues is how many values (rows × features) are predicted at once:
// 8 MiB. An event's records are small, but there may be thousands of them.
const blockValues = 1 << 20

// block is some records of an event, whose rows are in one frame.
type block struct {
	e     *event
	req   *predict.Request // the rows of all records
	one   *predict.Request // the reader of each record
	from  int
	items []item
	ids   []string // of all records that come by id
}

// item is one record of a block.
type item struct {
	record    int // its place in the event
	row, rows int // its rows in the block's frame
	firstID   int // its first id in the block's, or -1
	batch     bool
	fault     *fault.Error  // of the record as a whole
	faults    []fault.Error // of its rows, which are counted in the block
	bad       bool          // there are rows, and all are bad
	object    *Object       // what the record points to, in place of rows
}

func newBlock(e *event, from int) *block {
	return &block{e: e, req: predict.Get(), one: predict.Get(), from: from}
}

func (b *block) release() {
	b.req.Release()
	b.one.Release()
}

// predict reads records until to, or until the block is full, and answers
// their rows. It returns the first record that is not in the block. A panic
// becomes an internal fault, here, where the records are known.
func (b *block) predict(ctx context.Context, to int) (next int, fe *fault.Error) {
	defer func() {
		if p := recover(); p != nil {
			if next <= b.from { // the reading did not end
				next = to
			}
			b.e.h.o.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			// What the panic left half done does not go back to the pool.
			b.req, b.one = predict.Get(), predict.Get()
			fe = fault.New(fault.Internal, "an internal error: the log says more")
		}
	}()
	b.req.Frame.Reset(b.e.model.Schema().NumFeatures())
	next = b.read(to)
	if err := b.fetch(ctx); err != nil {
		return next, asFault(err)
	}
	if err := b.e.model.Predict(ctx, b.req); err != nil {
		return next, asFault(err)
	}
	b.split()
	return next, nil
}

// fetch fills in the rows that come by id, all at once, behind the others.
func (b *block) fetch(ctx context.Context) error {
	if len(b.ids) == 0 {
		return nil
	}
	if err := b.e.h.o.Features.Fill(ctx, b.ids, b.e.model.Schema(), &b.one.Frame); err != nil {
		return err
	}
	base := b.req.Frame.Rows
	appendRows(&b.req.Frame, &b.one.Frame)
	for i := range b.items {
		if it := &b.items[i]; it.firstID >= 0 {
			it.row = base + it.firstID
		}
	}
	return nil
}

// appendRows copies the rows of src, and what is wrong with them, behind dst's.
func appendRows(dst, src *frame.Frame) {
	base := dst.Rows
	dst.Values = append(dst.Values, src.Values...)
	dst.Bad = append(dst.Bad, src.Bad...)
	dst.Rows += src.Rows
	for _, f := range src.Faults {
		f.Row += base
		dst.Faults = append(dst.Faults, f)
	}
}

// split finds each record's faults. They are put in order here, once, so that
// encoders, which share the frame, only read it.
func (b *block) split() {
	wire.SortFaults(&b.req.Frame, b.e.model.Schema())
	all := b.req.Frame.Faults
	byRow := func(f fault.Error, row int) int { return f.Row - row }
	for i := range b.items {
		it := &b.items[i]
		from, _ := slices.BinarySearchFunc(all, it.row, byRow)
		to, _ := slices.BinarySearchFunc(all, it.row+it.rows, byRow)
		it.faults = all[from:to]
		it.bad = it.rows > 0 && !slices.Contains(b.req.Frame.Bad[it.row:it.row+it.rows], false)
	}
}

// asFault turns any error into one of the catalogue.
func asFault(err error) *fault.Error {
	return fault.From(err, "event", "the log says more")
}

// detect tells the form of a body that does not say what it is: text that
// begins with a bracket is JSON, or NDJSON where a second value follows the
// first; anything else is CSV.
func detect(body []byte) wire.Media {
	// A byte order mark is for the form's own reader to take or to refuse.
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	if len(body) == 0 || body[0] == '[' {
		return wire.JSON
	}
	if body[0] != '{' {
		return wire.CSV
	}
	if bytes.IndexByte(body, '\n') < 0 {
		return wire.JSON // NDJSON has a line for each value
	}
	rest := bytes.TrimLeft(body[objectEnd(body):], " \t\r\n")
	if len(rest) > 0 && rest[0] == '{' {
		return wire.NDJSON
	}
	return wire.JSON
}

// objectEnd is the length of the object that b begins with, or of b where it
// does not end.
func objectEnd(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

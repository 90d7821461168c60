package ingest

import (
	"bytes"
	"context"
	"errors"
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
	fault     *fault.Error // of the record as a whole
	faults    []fault.Error
	answers   frame.Answers
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
	next = to
	defer func() {
		if p := recover(); p != nil {
			b.e.h.o.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			// What the panic left half done does not go back to the pool.
			b.req, b.one = predict.Get(), predict.Get()
			fe = fault.New(fault.Internal, "an internal error: the log says more")
		}
	}()
	b.req.Frame.Reset(b.e.model.Schema().NumFeatures())
	for i := b.from; i < to; i++ {
		b.read(i)
		if len(b.req.Frame.Values)+len(b.ids)*b.req.Frame.Cols >= blockValues {
			next = i + 1
			break
		}
	}
	if err := b.fetch(ctx); err != nil {
		return next, asFault(err)
	}
	if err := b.e.model.Predict(ctx, b.req); err != nil {
		return next, asFault(err)
	}
	b.split()
	return next, nil
}

// read reads the rows of one record.
func (b *block) read(i int) {
	r := &b.e.records[i]
	it := item{record: i, row: b.req.Frame.Rows, firstID: -1}
	defer func() { b.items = append(b.items, it) }()
	if r.Unreadable {
		it.fault = fault.New(fault.Malformed, "the record is not of the form that its source has")
		return
	}
	media, ok := detect(r.Body), true
	if r.ContentType != "" {
		media, ok = wire.MediaType(r.ContentType)
	}
	if !ok {
		it.fault = fault.New(fault.UnsupportedMedia,
			"the content type must be application/json, text/csv or application/x-ndjson, in UTF-8")
		return
	}
	var ids []string
	it.batch, ids, it.fault = b.one.Decoder.Any(r.Body, media, b.e.model.Schema(), &b.e.h.wire, &b.one.Frame)
	switch {
	case it.fault != nil:
	case ids != nil:
		it.firstID, it.rows = len(b.ids), len(ids)
		b.ids = append(b.ids, ids...)
	default:
		it.rows = b.one.Frame.Rows
		appendRows(&b.req.Frame, &b.one.Frame)
	}
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

// split gives each record its own faults and answers, with rows counted from
// 0, as if it had been predicted alone. The block's index is renumbered in
// place: each record has a part of its own.
func (b *block) split() {
	f, a := &b.req.Frame, &b.req.Answers
	slices.SortStableFunc(f.Faults, func(x, y fault.Error) int { return x.Row - y.Row })
	s := splitter{from: a, local: make([]int32, a.Distinct()), owner: make([]int32, a.Distinct()), fresh: make([]bool, a.Distinct())}
	for _, d := range b.req.Scored() {
		s.fresh[d] = true
	}
	s.values = make([]float64, 0, len(a.Values))
	for i := range b.items {
		it := &b.items[i]
		if it.fault != nil {
			continue
		}
		it.faults = faultsOf(f.Faults, it.row, it.rows)
		it.answers = s.take(int32(i+1), a.Index[it.row:it.row+it.rows])
	}
}

// faultsOf copies the faults of some rows out of all, which are in order of
// rows.
func faultsOf(all []fault.Error, row, rows int) []fault.Error {
	byRow := func(f fault.Error, row int) int { return f.Row - row }
	from, _ := slices.BinarySearchFunc(all, row, byRow)
	to, _ := slices.BinarySearchFunc(all, row+rows, byRow)
	own := slices.Clone(all[from:to])
	for i := range own {
		own[i].Row -= row
	}
	return own
}

// splitter parts the answers of a block.
type splitter struct {
	from   *frame.Answers
	local  []int32 // of each distinct answer, its number in the record that
	owner  []int32 // last used it
	fresh  []bool  // scored in this block, and not yet counted for a record
	values []float64
}

// take renumbers index, and returns it with the answers that it uses. An
// answer that several records share was scored for the first of them, and
// remembered for the others.
func (s *splitter) take(owner int32, index []int32) frame.Answers {
	start := len(s.values)
	out := frame.Answers{Outputs: s.from.Outputs, Index: index}
	out.Stats.Rows = len(index)
	for i, d := range index {
		if d == frame.Bad {
			continue
		}
		out.Stats.Valid++
		if s.owner[d] != owner {
			s.owner[d], s.local[d] = owner, int32(out.Stats.Unique)
			s.values = append(s.values, s.from.Value(d)...)
			out.Stats.Unique++
			if s.fresh[d] {
				out.Stats.Scored++
				s.fresh[d] = false
			} else {
				out.Stats.Cached++
			}
		}
		index[i] = s.local[d]
	}
	out.Values = s.values[start:len(s.values):len(s.values)]
	return out
}

// frameOf is the part of the block's frame that is the record's.
func (b *block) frameOf(it *item) frame.Frame {
	f := &b.req.Frame
	return frame.Frame{
		Cols: f.Cols, Rows: it.rows,
		Values: f.Values[it.row*f.Cols : (it.row+it.rows)*f.Cols],
		Bad:    f.Bad[it.row : it.row+it.rows],
		Faults: it.faults,
	}
}

// asFault turns any error into one of the catalogue.
func asFault(err error) *fault.Error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Deadline, err, "the time of the event ended")
	}
	return fault.Wrap(fault.Internal, err, "an internal error: the log says more")
}

// detect tells the form of a body that does not say what it is: text that
// begins with a bracket is JSON, or NDJSON where a second value follows the
// first; anything else is CSV.
func detect(body []byte) wire.Media {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] == '[' {
		return wire.JSON
	}
	if body[0] != '{' {
		return wire.CSV
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

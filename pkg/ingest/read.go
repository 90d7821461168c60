package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// windowBytes bounds the bodies that are read before it is asked whether the
// block is full. A value takes at least two bytes of a body, so that a window
// is at most half a block.
const windowBytes = 1 << 20

// shareBytes is the least that is worth another core: it takes some 30 µs to
// read, and a few to begin and join.
const shareBytes = 16 << 10

// read reads records until to, or until the block is full, and returns the
// first record that is left.
func (b *block) read(to int) (next int) {
	for next = b.from; next < to; {
		from, bytes := next, 0
		for next < to && bytes < windowBytes {
			bytes += len(b.e.records[next].Body)
			next++
		}
		b.readWindow(from, next, min(bytes/shareBytes, next-from, runtime.GOMAXPROCS(0)), bytes)
		if len(b.req.Frame.Values)+len(b.ids)*b.req.Frame.Cols >= blockValues {
			return next
		}
	}
	return next
}

// readWindow reads some records, as many shares of about equally many bytes at
// once as there are workers. What is read is the same for any number of them.
func (b *block) readWindow(from, to, workers, bytes int) {
	own := &share{b: b, one: b.one, frame: &b.req.Frame}
	if workers <= 1 {
		own.read(from, to)
		b.add(own)
		return
	}
	var others []*share
	var wait sync.WaitGroup
	end, left := to, bytes
	for w := workers - 1; w > 0; w-- {
		// From the end: the first share, which is read right into the block, has
		// the rest.
		begin := end
		for begin > from && left > bytes*w/workers {
			begin--
			left -= len(b.e.records[begin].Body)
		}
		s := newShare(b)
		others = append(others, s)
		upTo := end
		wait.Go(func() { s.contained(begin, upTo) })
		end = begin
	}
	own.contained(from, end)
	wait.Wait()
	b.add(own)
	for i := len(others) - 1; i >= 0; i-- {
		b.add(others[i])
	}
}

// add joins a share to the block, whose order is that of the records.
func (b *block) add(s *share) {
	if s.fail != nil {
		panic(s.fail)
	}
	rows, ids := 0, len(b.ids)
	if s.acc != nil {
		rows = b.req.Frame.Rows
		appendRows(&b.req.Frame, s.frame)
	}
	for _, it := range s.items {
		it.row += rows
		if it.firstID >= 0 {
			it.firstID += ids
		}
		b.items = append(b.items, it)
	}
	b.ids = append(b.ids, s.ids...)
	s.release()
}

// share is what of a window one core reads.
type share struct {
	b     *block
	one   *predict.Request // the reader of each record
	acc   *predict.Request // has the frame, unless that is the block's
	frame *frame.Frame
	items []item
	ids   []string
	fail  any // the panic that ended it
}

func newShare(b *block) *share {
	s := &share{b: b, one: predict.Get(), acc: predict.Get()}
	s.frame = &s.acc.Frame
	s.frame.Reset(b.e.model.Schema().NumFeatures())
	return s
}

func (s *share) release() {
	if s.acc != nil {
		s.acc.Release()
		s.one.Release()
	}
}

// contained reads, and keeps a panic for the block's own goroutine, with the
// stack that tells where.
func (s *share) contained(from, to int) {
	defer func() {
		if p := recover(); p != nil {
			s.fail = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	s.read(from, to)
}

func (s *share) read(from, to int) {
	for i := from; i < to; i++ {
		s.record(i)
	}
}

// record reads the rows of one record.
func (s *share) record(i int) {
	e := s.b.e
	r := &e.records[i]
	it := item{record: i, row: s.frame.Rows, firstID: -1}
	defer func() { s.items = append(s.items, it) }()
	if r.Unreadable {
		it.fault = fault.New(fault.Malformed, "%s", cmp.Or(r.Why, "the record is not of the form that its source has"))
		return
	}
	if r.Object != nil {
		o := *r.Object // what the store says of it is added
		it.object = &o
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
	if media == wire.JSON && !r.IgnoreExtra && s.pointer(&it, r.Body) {
		return
	}
	if media == wire.CSV && r.ContentType == "" && json.Valid(r.Body) {
		// No CSV is lost: a JSON value of one line would be a header without rows.
		it.fault = fault.New(fault.Malformed, "the body is JSON, but neither an object nor a list")
		return
	}
	ids := s.decode(&it, r, media)
	switch {
	case it.fault != nil:
	case ids != nil:
		it.firstID, it.rows = len(s.ids), len(ids)
		s.ids = append(s.ids, ids...)
	default:
		it.rows = s.one.Frame.Rows
		appendRows(s.frame, &s.one.Frame)
	}
}

// decode reads a record's body into the frame of s.one. An image of a table's
// item is one row, whatever its attributes are called.
func (s *share) decode(it *item, r *Record, media wire.Media) (ids []string) {
	h, rows := s.b.e.h, s.b.e.model.Schema()
	if r.IgnoreExtra {
		ids, it.fault = s.one.Decoder.Row(r.Body, rows, &h.extra, &s.one.Frame)
		return ids
	}
	it.batch, ids, it.fault = s.one.Decoder.Any(r.Body, media, rows, &h.wire, &s.one.Frame)
	return ids
}

// pointer reads a body that points to an object, and says whether it is one.
func (s *share) pointer(it *item, body []byte) bool {
	if _, feature := s.b.e.model.Schema().Index([]byte("object")); feature {
		return false
	}
	o, ok, err := Pointer(body)
	if err != nil {
		it.fault = asFault(err)
	}
	it.object = o
	return ok
}

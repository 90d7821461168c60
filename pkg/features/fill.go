package features

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// fill is the state of one Fill.
type fill struct {
	*Fetcher
	ctx     context.Context
	ids     []string
	schema  *schema.Schema
	frame   *frame.Frame
	rows    []int32      // rows to fetch: the first one of each id
	next    atomic.Int32 // of rows
	aborted atomic.Bool  // the context ended before all rows were there

	mu     sync.Mutex
	faults map[int32][]fault.Error // by row
	cause  error                   // of the first failure, for the log
}

// worker is the memory in which one goroutine decodes rows.
type worker struct {
	decoder wire.Decoder
	frame   frame.Frame
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// Fill resets f and appends one row per id, in order. An id that fails is that
// row's fault only; the error, a *fault.Error, concerns the request as a whole
// (its deadline, or too many ids). What a source says goes through the same
// decoder as a request's rows, with members that are no feature passed over.
func (f *Fetcher) Fill(ctx context.Context, ids []string, s *schema.Schema, fr *frame.Frame) error {
	if err := f.tooMany(len(ids), s); err != nil {
		return err
	}
	appendMissing(fr, len(ids), s.NumFeatures())
	w := &fill{Fetcher: f, ctx: ctx, ids: ids, schema: s, frame: fr, faults: map[int32][]fault.Error{}}
	first := w.distinct()
	w.run()
	if w.aborted.Load() {
		return fault.Wrap(fault.Deadline, ctx.Err(), "the features of some ids did not arrive in the time of the request: send fewer ids at once, or try again")
	}
	w.scatter(first)
	w.log()
	return nil
}

func (f *Fetcher) tooMany(n int, s *schema.Schema) error {
	limits := f.options.Limits
	if limits.Rows > 0 && n > limits.Rows {
		return fault.New(fault.TooManyRows, "more than %d ids: send fewer at once", limits.Rows)
	}
	if limits.Values > 0 && n > limits.Values/max(1, s.NumFeatures()) {
		return fault.New(fault.TooManyRows, "more than %d values: send fewer ids at once", limits.Values)
	}
	return nil
}

// appendMissing appends rows without values, to be written by many goroutines.
func appendMissing(fr *frame.Frame, rows, cols int) {
	fr.Reset(cols)
	for range rows {
		row := fr.Append()
		for c := range row {
			row[c] = math.NaN()
		}
	}
}

// distinct lists the rows to fetch and returns, for each row, the first one
// with the same id.
func (w *fill) distinct() []int32 {
	first := make([]int32, len(w.ids))
	seen := make(map[string]int32, len(w.ids))
	w.rows = make([]int32, 0, len(w.ids))
	for i, id := range w.ids {
		at, twice := seen[id]
		if !twice {
			at = int32(i)
			seen[id] = at
			w.rows = append(w.rows, at)
		}
		first[i] = at
	}
	return first
}

// run fetches all rows; a single one needs no goroutine.
func (w *fill) run() {
	n := min(len(w.rows), w.options.Concurrency)
	if n <= 1 {
		w.work()
		return
	}
	var all sync.WaitGroup
	for range n {
		all.Go(w.work)
	}
	all.Wait()
}

func (w *fill) work() {
	k := workers.Get().(*worker)
	defer workers.Put(k)
	for {
		i := int(w.next.Add(1)) - 1
		if i >= len(w.rows) {
			return
		}
		if w.ctx.Err() != nil {
			w.aborted.Store(true)
			return
		}
		w.one(k, w.rows[i])
	}
}

// one fetches and decodes one row. A panic on the way is this row's fault.
func (w *fill) one(k *worker, row int32) {
	defer func() {
		if p := recover(); p != nil {
			w.fail(row, failed(), errors.New("panic while decoding: "+string(debug.Stack())))
		}
	}()
	id := w.ids[row]
	if e := checkID(id); e != nil {
		w.fail(row, *e, nil)
		return
	}
	got, fresh, err := w.lookup(w.ctx, id)
	switch {
	case err == nil:
		if w.decode(k, got, row) && fresh {
			w.memory.keep(id, got)
		}
	case errors.Is(err, ErrNotFound):
		w.fail(row, fault.Error{Code: fault.FeaturesNotFound, Field: "id", Message: "the feature source knows no such id"}, nil)
	case w.ctx.Err() != nil:
		w.aborted.Store(true)
	default:
		w.fail(row, failed(), err)
	}
}

func failed() fault.Error {
	return fault.Error{Code: fault.FeaturesFailed, Field: "id", Message: "the feature source could not be read for this id: try again later"}
}

// checkID refuses what no source should be asked for.
func checkID(id string) *fault.Error {
	switch {
	case id == "":
		return &fault.Error{Code: fault.WrongType, Rule: "string", Message: "an id is a text of 1 to 512 bytes, or a whole number"}
	case len(id) > maxID:
		return &fault.Error{Code: fault.TextTooLong, Rule: "bytes=512", Message: "the id is longer than 512 bytes"}
	case !utf8.ValidString(id):
		return &fault.Error{Code: fault.WrongType, Rule: "utf8", Message: "the id is not valid UTF-8"}
	}
	return nil
}

// decode reads a source's row into row of the frame and says whether it was
// without faults.
func (w *fill) decode(k *worker, got Row, row int32) bool {
	o := wire.Options{Limits: w.options.Limits, IgnoreExtra: true}
	var e *fault.Error
	if got.Media == wire.JSON {
		_, e = k.decoder.Row(got.Body, w.schema, &o, &k.frame)
	} else {
		_, e = k.decoder.Batch(got.Body, got.Media, w.schema, &o, &k.frame)
	}
	if e != nil {
		w.fail(row, failed(), e)
		return false
	}
	if k.frame.Rows != 1 {
		w.fail(row, failed(), errors.New("the source's answer is not one row"))
		return false
	}
	copy(w.frame.Row(int(row)), k.frame.Row(0))
	for i := range k.frame.Faults {
		w.fail(row, k.frame.Faults[i], nil)
	}
	return len(k.frame.Faults) == 0
}

func (w *fill) fail(row int32, e fault.Error, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[row] = append(w.faults[row], e)
	if w.cause == nil {
		w.cause = cause
	}
}

// scatter gives every row what the first one with its id got.
func (w *fill) scatter(first []int32) {
	for i, at := range first {
		if int(at) != i {
			copy(w.frame.Row(i), w.frame.Row(int(at)))
		}
		for _, e := range w.faults[at] {
			e.Row = i
			w.frame.Fail(e)
		}
	}
}

// log tells of failures once a request, with the first cause: a source that
// is down would otherwise fill the log.
func (w *fill) log() {
	if w.cause != nil && w.options.Log != nil {
		w.options.Log.LogAttrs(w.ctx, slog.LevelWarn, "features failed",
			slog.Int("ids", len(w.rows)), slog.Int("failed", len(w.faults)), slog.String("error", w.cause.Error()))
	}
}

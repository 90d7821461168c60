package copsebeam

import (
	"context"
	"reflect"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[carryFn]())
	beam.RegisterDoFn(reflect.TypeFor[gatherCarriedFn]())
	beam.RegisterDoFn(reflect.TypeFor[restoreFn]())
	beam.RegisterDoFn(reflect.TypeFor[singleFn]())
	register.Emitter3[beam.EventTime, beam.T, carried]()
	register.Emitter2[beam.T, carried]()
	register.Emitter2[beam.T, []byte]()
}

// Question: how are rows of windows scored together? Choice: what a DoFn emits
// at the end of a bundle is in the global window, whatever its input was in.
// So each row carries its window through the global one, where bundles are
// gathered, and is then put into windows by the same function as before, of
// which the one that it carries is kept: a sliding window is one of several.
// That needs a window which the function makes of the row's timestamp. Of a
// session that was merged, or where a timestamp was moved, it does not; such
// rows are scored one by one, in their window. What would change it: a DoFn
// that may emit into a window that it names.
func windowedRows(s beam.Scope, m *Model, rows beam.PCollection, o RowOptions) beam.PCollection {
	as := rows.WindowingStrategy()
	together, singly := beam.ParDo2(s, &carryFn{Kind: string(as.Fn.Kind), Size: as.Fn.Size, Period: as.Fn.Period, Gap: as.Fn.Gap}, rows)
	together = beam.WindowInto(s, window.NewGlobalWindows(), together)
	together = beam.ParDo(s, &gatherCarriedFn{Model: m, Options: o}, together)
	together = beam.WindowInto(s, as.Fn, together, options(as)...)
	together = beam.ParDo(s, &restoreFn{}, together)
	singly = beam.ParDo(s, &singleFn{Model: m, Options: o}, singly)
	return beam.Flatten(s, together, singly)
}

// options are what a strategy says beside its function.
func options(as *window.WindowingStrategy) []beam.WindowIntoOption {
	o := []beam.WindowIntoOption{
		beam.Trigger(as.Trigger),
		beam.AllowedLateness(time.Duration(as.AllowedLateness) * time.Millisecond),
	}
	switch as.AccumulationMode {
	case window.Accumulating:
		o = append(o, beam.PanesAccumulate())
	case window.Discarding:
		o = append(o, beam.PanesDiscard())
	}
	return o
}

// carried is a row, or its answer, with its window.
type carried struct {
	Text     []byte
	From, To int64 // the window's, in milliseconds of the epoch
}

// carryFn gives each row its window to carry, and sorts out those that would
// not find back into it.
type carryFn struct {
	Kind              string // of the function that made the windows
	Size, Period, Gap time.Duration
}

func (f *carryFn) ProcessElement(w beam.Window, t beam.EventTime, key beam.T, row []byte, together func(beam.T, carried), singly func(beam.T, []byte)) {
	if in, ok := w.(window.IntervalWindow); ok && f.makes(in, t) {
		together(key, carried{row, in.Start.Milliseconds(), in.End.Milliseconds()})
		return
	}
	singly(key, row)
}

// makes says whether the function makes a window, maybe among others, of a
// timestamp. Those before the epoch are left out: SDKs round them differently.
func (f *carryFn) makes(w window.IntervalWindow, t mtime.Time) bool {
	if t < 0 {
		return false
	}
	switch window.Kind(f.Kind) {
	case window.FixedWindows:
		start := t - t%mtime.FromDuration(f.Size)
		return w.Start == start && w.End == start.Add(f.Size)
	case window.SlidingWindows:
		period := mtime.FromDuration(f.Period)
		last := t - t%period
		return w.Start <= last && (last-w.Start)%period == 0 &&
			w.Start > t.Subtract(f.Size) && w.End == w.Start.Add(f.Size)
	case window.Sessions:
		return w.Start == t && w.End == t.Add(f.Gap)
	}
	return false
}

// gatherCarriedFn is gatherFn for rows that carry their windows.
type gatherCarriedFn struct {
	Model   *Model
	Options RowOptions

	block *block
	of    []carriedOrigin
}

type carriedOrigin struct {
	origin
	from, to int64
}

func (f *gatherCarriedFn) Setup(ctx context.Context) (err error) {
	f.block, err = newBlock(ctx, f.Model, f.Options)
	return err
}

func (f *gatherCarriedFn) StartBundle(func(beam.EventTime, beam.T, carried)) {
	f.block.reset()
	f.of = f.of[:0]
}

func (f *gatherCarriedFn) ProcessElement(ctx context.Context, t beam.EventTime, key beam.T, row carried, emit func(beam.EventTime, beam.T, carried)) error {
	f.block.add(ctx, row.Text)
	f.of = append(f.of, carriedOrigin{origin{key, t}, row.From, row.To})
	if f.block.full() {
		return f.flush(ctx, emit)
	}
	return nil
}

func (f *gatherCarriedFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, beam.T, carried)) error {
	err := f.flush(ctx, emit)
	f.of = nil
	return err
}

func (f *gatherCarriedFn) flush(ctx context.Context, emit func(beam.EventTime, beam.T, carried)) error {
	answers, err := f.block.answers(ctx)
	if err != nil {
		return err
	}
	for i, answer := range answers {
		of := &f.of[i]
		emit(of.time, of.key, carried{answer, of.from, of.to})
	}
	clear(f.of)
	f.of = f.of[:0]
	return nil
}

// restoreFn keeps an answer in the window that it carries.
type restoreFn struct{}

func (*restoreFn) ProcessElement(w beam.Window, key beam.T, answer carried, emit func(beam.T, []byte)) {
	in, ok := w.(window.IntervalWindow)
	if ok && in.Start.Milliseconds() == answer.From && in.End.Milliseconds() == answer.To {
		emit(key, answer.Text)
	}
}

// singleFn answers rows one by one.
type singleFn struct {
	Model   *Model
	Options RowOptions

	block *block
}

func (f *singleFn) Setup(ctx context.Context) (err error) {
	f.block, err = newBlock(ctx, f.Model, f.Options)
	return err
}

func (f *singleFn) StartBundle(func(beam.T, []byte)) { f.block.reset() }

func (f *singleFn) ProcessElement(ctx context.Context, key beam.T, row []byte, emit func(beam.T, []byte)) error {
	f.block.add(ctx, row)
	answers, err := f.block.answers(ctx)
	if err != nil {
		return err
	}
	emit(key, answers[0])
	return nil
}

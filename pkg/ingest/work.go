package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"

	"example.com/copse/pkg/fault"
)

// answerObject answers the rows of an object. Nil: it is answered, or there is
// no work.
func (e *event) answerObject(ctx context.Context, it *item) *fault.Error {
	if e.isOwn(ctx, it) || e.isFolder(ctx, it) || e.isRepeated(ctx, it) {
		return nil
	}
	o := it.object
	switch {
	case e.h.o.Objects == nil || e.h.o.Score == nil:
		return fault.New(fault.ObjectRefused, "this function reads no objects")
	case len(e.h.o.Readable) > 0 && !anyHolds(e.h.o.Readable, o):
		return fault.New(fault.ObjectRefused, "the object is in none of the places that COPSE_OBJECTS names")
	}
	// Who wants a report wants the rows counted.
	if e.reports == nil && e.isAnswered(ctx, it) {
		return nil
	}
	return (&objectWork{e: e, it: it}).do(ctx)
}

// isOwn says whether an object is one that this function wrote. Its event is
// the end of the work, not the beginning of more.
func (e *event) isOwn(ctx context.Context, it *item) bool {
	if !anyHolds(e.h.own, it.object) {
		return false
	}
	level, args := slog.LevelInfo, []any(nil)
	for _, l := range e.h.own {
		if l.Prefix == "" && l.Holds(it.object) {
			level, args = slog.LevelWarn, []any{"advice", "the sink is the whole bucket: for rows in the same bucket give it a prefix, such as " + l.String() + "results/"}
		}
	}
	e.log(ctx, level, "object below the function's own sink: nothing to do", it, args...)
	e.reportObject(it, Scored{}, "")
	return true
}

// isFolder says whether an object is what the consoles of S3 and Cloud Storage
// make for a folder.
func (e *event) isFolder(ctx context.Context, it *item) bool {
	if it.object.Size != 0 || !strings.HasSuffix(it.object.Key, "/") {
		return false
	}
	e.log(ctx, slog.LevelInfo, "object is a folder: nothing to do", it)
	e.reportObject(it, Scored{}, "")
	return true
}

// isRepeated says whether an object was answered for an earlier record of the
// same event: platforms tell of one object more than once. Objects are answered
// on one goroutine.
func (e *event) isRepeated(ctx context.Context, it *item) bool {
	first, done := e.objects[it.object.id()]
	if !done || it.object.identity() == "" {
		return false
	}
	e.reportObject(it, first.sum, first.result)
	e.log(ctx, slog.LevelInfo, "object is answered already, for another record of the event", it)
	return true
}

// answeredObject is what became of an object that is answered.
type answeredObject struct {
	sum    Scored
	result string
}

// isAnswered says whether an object's result is there.
func (e *event) isAnswered(ctx context.Context, it *item) bool {
	if e.h.bucket == nil || it.object.identity() == "" {
		return false
	}
	name := e.h.bucket.nameOfObject(it.object, e.model.Name(), e.model.Digest())
	if !e.h.bucket.exists(ctx, name) {
		return false
	}
	e.reportObject(it, Scored{}, e.h.bucket.URI(name))
	e.log(ctx, slog.LevelInfo, "object is answered already", it, "result", e.h.bucket.URI(name))
	return true
}

// objectWork is one object on its way. Its work has a context and a pace of its
// own, which ends with the event at the latest.
type objectWork struct {
	e    *event
	it   *item
	in   Reader
	work context.Context
	pace *pace
}

func (w *objectWork) do(ctx context.Context) *fault.Error {
	w.work, w.pace = w.e.begin(ctx)
	defer w.pace.stop()
	o := w.it.object
	store, err := w.e.h.o.Objects(o.Scheme)
	if err != nil {
		return w.failed(ctx, err)
	}
	if w.in, err = store.Open(w.work, *o); err != nil {
		fe := w.failed(ctx, err)
		if fe.Code.Outcome() != fault.Retry && w.e.isAnswered(ctx, w.it) {
			return nil // it was there when it was answered
		}
		return fe
	}
	defer w.in.Close() //nolint:errcheck // nothing is written to it
	opened := w.in.Object()
	if o.identity() == "" {
		o.Version, o.ETag = opened.Version, opened.ETag
	}
	if o.Size = opened.Size; o.Size == 0 {
		if w.e.isFolder(ctx, w.it) {
			return nil
		}
		return fault.New(fault.EmptyBody, "the object is empty")
	}
	w.pace.bytes = w.size()
	if w.e.h.bucket != nil {
		return w.toBucket(ctx)
	}
	return w.toMessage(ctx)
}

// size is how many bytes of the object are to be read.
func (w *objectWork) size() int64 {
	o := w.it.object
	to := o.Size
	if o.To > 0 {
		to = min(to, o.To)
	}
	return max(to-o.From, 0)
}

// toBucket streams the answers into an object, which is seen when all of them
// are in it.
func (w *objectWork) toBucket(ctx context.Context) *fault.Error {
	e, b := w.e, w.e.h.bucket
	name := b.nameOfObject(w.it.object, e.model.Name(), e.model.Digest())
	source := e.source(w.it)
	out := &lateUpload{ctx: w.work, store: b.store, name: name, info: Info{contentLines, meta(&source, e.model.Name(), e.model.Digest())}}
	defer out.abort()
	return w.run(ctx, out, b.URI(name), out.commit)
}

// run scores the object into out, and ends the work with commit, unless there
// is something wrong with it.
func (w *objectWork) run(ctx context.Context, out io.Writer, result string, commit func(context.Context, Scored) (existed bool, err error)) *fault.Error {
	e, o, p := w.e, w.it.object, w.pace
	sum, err := e.h.o.Score(w.work, &Work{Model: e.model, Object: w.in, Name: o.Key, Size: o.Size, From: o.From, To: o.To,
		IgnoreExtra: e.records[w.it.record].IgnoreExtra, Out: out, Read: p.note})
	if err != nil {
		return w.failed(ctx, err)
	}
	if sum.Rows > 0 && sum.Bad == sum.Rows && o.From == 0 && o.To == 0 {
		// Rows of a range that are all bad say nothing of the object.
		return fault.New(fault.InvalidRows, "no row of the object is valid: %s", sum.Why)
	}
	existed, err := commit(ctx, sum)
	if err != nil {
		return w.failed(ctx, err)
	}
	e.objects[o.id()] = answeredObject{sum, result}
	spent := p.now().Sub(p.start)
	e.reportObject(w.it, sum, result)
	text := "object answered"
	if existed {
		text = "object was answered already: the first result stays"
	}
	e.log(ctx, slog.LevelInfo, text, w.it, "rows", sum.Rows, "bad", sum.Bad, "bytes", p.bytes,
		"seconds", round(spent.Seconds()), "mb_per_s", round(rate(p.bytes, spent)), "result", result)
	return nil
}

// failed is the fault of an object that could not be read, or of a result that
// could not be written.
func (w *objectWork) failed(ctx context.Context, err error) *fault.Error {
	if w.work.Err() != nil && ctx.Err() == nil {
		w.e.logLate(ctx, w.it, w.pace, err)
		return tooSlow()
	}
	if fe, ok := errors.AsType[*fault.Error](err); ok {
		return fe
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Deadline, err, "the time of the event ended")
	}
	return fault.Wrap(fault.Unavailable, err, "the object could not be read, or its result not written")
}

// lateUpload is an upload that begins with the first answers, so that an
// object which cannot be read costs no upload.
type lateUpload struct {
	ctx    context.Context // of the work: an upload takes it at its beginning
	store  Store
	name   string
	info   Info
	upload Upload
}

func (u *lateUpload) open() (err error) {
	if u.upload == nil {
		u.upload, err = u.store.Create(u.ctx, u.name, u.info)
	}
	return err
}

// Write is called on a goroutine of the scorer's, which a panic of the store
// must not end.
func (u *lateUpload) Write(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fault.Wrap(fault.Internal, fmt.Errorf("%v\n%s", r, debug.Stack()), "an internal error: the log says more")
		}
	}()
	if err := u.open(); err != nil {
		return 0, err
	}
	return u.upload.Write(p)
}

// commit ends the upload. Where there is a result already, it stays.
func (u *lateUpload) commit(ctx context.Context, _ Scored) (existed bool, err error) {
	if err := u.open(); err != nil {
		return false, err
	}
	return u.upload.Commit(ctx)
}

func (u *lateUpload) abort() {
	if u.upload != nil {
		abort(u.ctx, u.upload)
	}
}

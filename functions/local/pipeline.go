package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/semaphore"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// What the pipeline holds, whatever the input: blocks of at most so many rows,
// values (features, outputs or leaves) and bytes of text, two a core and two
// more; and lines longer than a block's text, so many bytes of them at once.
// Many cores share the totals.
const (
	blockRows   = 4096
	blockValues = 64 << 10
	blockBytes  = 192 << 10
	allValues   = 16 * blockValues
	allBytes    = 24 * blockBytes
	longBytes   = 32 << 20
	leastRows   = 16
	leastBytes  = 16 << 10
)

// memoryGoal is what the process should hold at most beside the model, in
// bytes: the collector works harder near it.
const memoryGoal = 120 << 20

// block is some rows on their way. Blocks are made once and go round.
type block struct {
	request *predict.Request
	scratch engine.Scratch
	leaves  []int32
	path    string // of the file
	// read fills the request's frame, in a worker; its error is the file's.
	read   func(b *block) error
	text   wire.Block
	begins <-chan int    // gives the number of its first row
	ends   chan<- int    // takes the number behind its last
	first  int           // number of its first row
	answer answer        // what the sink made
	long   int64         // what it holds of longBytes
	bad    int           // rows without an answer
	why    string        // the first of them, and what is wrong with it
	extra  bool          // a row has an unknown field
	err    error         // instead of all these
	done   chan struct{} // holds one token when the worker is done with it
}

// pipeline cuts files into blocks, in order, reads, scores and formats them on
// all cores, and writes them in the order of the input.
//
// A row's number is known once the blocks before it are read, so each block
// waits for the one before it between reading and formatting. Workers take
// blocks in order, so whoever is waited for is at work.
type pipeline struct {
	model *predict.Model
	kind  wire.Kind
	sink  sink
	bar   *progress
	flags scoreFlags
	size  int // rows of a block
	bytes int // of its text
	cores int

	free, work, ordered chan *block
	last                <-chan int // gives the number behind all rows that were handed out
	long                *semaphore.Weighted
	stopped             chan struct{} // closed when the writer failed
	failed              error         // of the writer
	rows, bad           int           // written
	why                 string        // the first bad row, and what is wrong with it
	extra               bool          // a row has an unknown field
	begun               bool          // the sink has begun
}

func newPipeline(m *predict.Model, kind wire.Kind, to sink, bar *progress, flags scoreFlags) *pipeline {
	cores := runtime.GOMAXPROCS(0)
	blocks := 2*cores + 2 // each core has one in work and one waiting; one is read, one written
	wide := max(m.Schema().NumFeatures(), width(m, kind), 1)
	p := &pipeline{
		model: m, kind: kind, sink: to, bar: bar, flags: flags, cores: cores,
		size:    max(leastRows, min(blockRows, min(blockValues, allValues/blocks)/wide)),
		bytes:   max(leastBytes, min(blockBytes, allBytes/blocks)),
		free:    make(chan *block, blocks),
		work:    make(chan *block, blocks),
		ordered: make(chan *block, blocks),
		long:    semaphore.NewWeighted(longBytes),
		stopped: make(chan struct{}),
	}
	for range blocks {
		p.free <- &block{request: predict.Get(), scratch: engine.Scratch{Workers: 1}, done: make(chan struct{}, 1)}
	}
	return p
}

// width is how many numbers an answer of a kind has before it is formatted.
func width(m *predict.Model, kind wire.Kind) int {
	switch a := m.Engine().Arrays(); kind {
	case wire.Leaf:
		return len(a.Roots)
	case wire.Margin:
		return a.Outputs
	}
	return m.Engine().Width()
}

// score reads all files, one after another, and returns when all is written.
func (p *pipeline) score(ctx context.Context, paths []string, stdin io.Reader) error {
	defer boundMemory()()
	var workers sync.WaitGroup
	for range p.cores {
		workers.Go(p.worker)
	}
	var writer sync.WaitGroup
	writer.Go(p.writer)
	first := make(chan int, 1)
	first <- 0
	p.last = first
	err := p.readAll(ctx, paths, stdin)
	close(p.work)
	close(p.ordered)
	workers.Wait()
	writer.Wait()
	if p.failed != nil {
		return p.failed
	}
	if err == nil && !p.begun { // no rows
		err = p.sink.begin()
	}
	if err == nil {
		err = p.sink.end()
	}
	return err
}

// boundMemory tells the collector the goal, beside what is held already (the
// model), unless GOMEMLIMIT says another. The function that it returns takes
// that back.
func boundMemory() func() {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {}
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.HeapAlloc) + memoryGoal)
	return func() { debug.SetMemoryLimit(math.MaxInt64) }
}

func (p *pipeline) readAll(ctx context.Context, paths []string, stdin io.Reader) error {
	for _, path := range paths {
		in, err := openInput(path, p.flags.inputFormat, stdin)
		if err != nil {
			return err
		}
		err = p.readFile(ctx, path, in)
		if err = errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, plain(err))
		}
	}
	return nil
}

const ignoreExtra = "--ignore-extra passes over columns that are no feature"

// plain is a reader's error in its own words.
func plain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return err
	case e.Code == fault.UnknownField:
		return fmt.Errorf("%s (%s)", e.Message, ignoreExtra)
	}
	return errors.New(e.Message)
}

// readFile hands out the blocks of a file.
func (p *pipeline) readFile(ctx context.Context, path string, in *input) error {
	from, err := p.open(in)
	if err != nil {
		return err
	}
	for {
		var b *block
		select {
		case b = <-p.free:
		case <-p.stopped:
			return errors.New("the output cannot be written")
		}
		if err := ctx.Err(); err != nil {
			return errors.New("interrupted")
		}
		err := from.next(ctx, b)
		if err != nil && ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		p.bar.read(in)
		if err != nil {
			p.free <- b
			if errors.Is(err, io.EOF) {
				return from.close()
			}
			return errors.Join(err, from.close())
		}
		ends := make(chan int, 1)
		b.path, b.begins, b.ends = path, p.last, ends
		p.last = ends
		p.ordered <- b
		p.work <- b
	}
}

func (p *pipeline) worker() {
	for b := range p.work {
		b.err = guarded(b, p.read)
		f := &b.request.Frame
		b.first = <-b.begins
		b.ends <- b.first + f.Rows
		if b.err == nil {
			b.err = guarded(b, p.answer)
		}
		b.done <- struct{}{}
	}
}

// guarded runs a step of a worker; a panic is an error and ends no other work.
func guarded(b *block, step func(*block) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a defect of copse, at the rows from %d on: %v\n%s", b.first, r, debug.Stack())
		}
	}()
	return step(b)
}

func (p *pipeline) read(b *block) error {
	if err := b.read(b); err != nil {
		b.request.Frame.Reset(p.model.Schema().NumFeatures())
		return fmt.Errorf("%s: %w", b.path, plain(err))
	}
	return nil
}

// answer scores a block and has the sink format it.
func (p *pipeline) answer(b *block) error {
	f := &b.request.Frame
	if !raw(p.model, p.kind) {
		if err := p.model.Predict(context.Background(), b.request); err != nil {
			return err
		}
	} else {
		p.scoreRaw(b)
	}
	wire.SortFaults(f, p.model.Schema())
	b.bad, b.extra, b.why = 0, false, ""
	if len(f.Faults) > 0 {
		b.why = fmt.Sprintf("row %d: %s", b.first+f.Faults[0].Row, clean(f.Faults[0].Message))
	}
	for _, bad := range f.Bad {
		if bad {
			b.bad++
		}
	}
	for i := range f.Faults {
		b.extra = b.extra || f.Faults[i].Code == fault.UnknownField
	}
	return p.sink.format(b)
}

// raw says whether an answer is told before the last step: leaves, margins, and
// the values of a model whose library returns margins.
func raw(m *predict.Model, kind wire.Kind) bool {
	return kind == wire.Leaf || kind == wire.Margin ||
		kind == wire.Values && m.Engine().Arrays().Finish.Returns.OfMargins()
}

// scoreRaw scores margins or leaves, one answer a row.
func (p *pipeline) scoreRaw(b *block) {
	f, a := &b.request.Frame, &b.request.Answers
	s := p.model.Schema()
	s.Validate(f)
	s.Clean(f, p.model.Single())
	e := p.model.Engine()
	a.Outputs = width(p.model, p.kind)
	n := f.Rows * a.Outputs
	a.Values = resize(a.Values, n)
	a.Index = resize(a.Index, f.Rows)
	for r := range f.Rows {
		if a.Index[r] = int32(r); f.Bad[r] {
			a.Index[r] = frame.Bad
		}
	}
	if p.kind != wire.Leaf {
		e.Margin(f.Values, f.Rows, a.Values, &b.scratch)
		return
	}
	b.leaves = resize(b.leaves, n)
	e.Leaf(f.Values, f.Rows, b.leaves, &b.scratch)
	for i, leaf := range b.leaves {
		a.Values[i] = float64(leaf)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// writer writes blocks in the order in which they were read.
func (p *pipeline) writer() {
	for b := range p.ordered {
		<-b.done
		if p.failed == nil {
			p.keep(b.err)
		}
		if p.failed == nil && !p.begun {
			p.begun = true
			p.keep(p.sink.begin())
		}
		if p.failed == nil {
			p.keep(p.sink.write(b))
			p.rows += b.request.Frame.Rows
			p.bad += b.bad
			p.extra = p.extra || b.extra
			if p.why == "" {
				p.why = b.why
			}
			p.bar.wrote(p.rows)
		}
		p.release(b)
	}
}

// release lets a block go round again.
func (p *pipeline) release(b *block) {
	if b.long > 0 {
		b.text.Drop()
		p.long.Release(b.long)
		b.long = 0
	}
	p.free <- b
}

// keep keeps the first error and lets the reader know.
func (p *pipeline) keep(err error) {
	if err != nil && p.failed == nil {
		p.failed = err
		close(p.stopped)
	}
}

package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/semaphore"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// BlockRows is the most rows of a block.
const BlockRows = 4096

// What a Scorer holds, whatever the input: blocks of at most so many rows,
// values (features, outputs or leaves) and bytes of text, two a core and two
// more; and lines longer than a block's text, so many bytes of them at once.
// Many cores share the totals.
const (
	blockValues = 64 << 10
	blockBytes  = 192 << 10
	allValues   = 16 * blockValues
	allBytes    = 24 * blockBytes
	longBytes   = 32 << 20
	leastRows   = 16
	leastBytes  = 16 << 10
)

// block is some rows on their way. Blocks are made once and go round.
type block struct {
	request *predict.Request
	scratch engine.Scratch
	leaves  []int32
	file    string // its name
	// read fills the request's frame, in a worker; its error is the file's.
	read   func(b *block) error
	text   wire.Block
	begins <-chan int    // gives the number of its first row
	ends   chan<- int    // takes the number behind its last
	first  int           // number of its first row
	answer answer        // what the output made
	long   int64         // what it holds of longBytes
	bad    int           // rows without an answer
	why    string        // the first of them, and what is wrong with it
	extra  bool          // a row has an unknown field
	err    error         // instead of all these
	done   chan struct{} // holds one token when the worker is done with it
}

// Scorer cuts files into blocks, in order, reads, scores and formats them on
// all cores, and writes them in the order of the input. Files are added one
// after another; their rows are numbered on through all of them.
//
// A row's number is known once the blocks before it are read, so each block
// waits for the one before it between reading and formatting. Workers take
// blocks in order, so whoever is waited for is at work.
type Scorer struct {
	ctx   context.Context
	o     Options
	out   Output
	size  int // rows of a block
	bytes int // of its text

	free, work, ordered chan *block
	workers, writing    sync.WaitGroup
	last                <-chan int // gives the number behind all rows that were handed out
	long                *semaphore.Weighted
	err                 error         // of the reader
	stopped             chan struct{} // closed when the writer failed
	failed              error         // of the writer
	sum                 Summary       // written
	begun               bool          // the output has begun
}

// NewScorer begins; End must be called. Of o, From and To hold for every file,
// and Read is told of each from 0 on.
func NewScorer(ctx context.Context, out Output, o Options) *Scorer {
	o.Cores = cmp.Or(o.Cores, runtime.GOMAXPROCS(0))
	blocks := 2*o.Cores + 2 // each core has one in work and one waiting; one is read, one written
	wide := max(o.Model.Schema().NumFeatures(), width(o.Model, o.Kind), 1)
	first := make(chan int, 1)
	first <- o.First
	s := &Scorer{
		ctx: ctx, o: o, out: out, last: first,
		size:    max(leastRows, min(BlockRows, min(blockValues, allValues/blocks)/wide)),
		bytes:   max(leastBytes, min(blockBytes, allBytes/blocks)),
		free:    make(chan *block, blocks),
		work:    make(chan *block, blocks),
		ordered: make(chan *block, blocks),
		long:    semaphore.NewWeighted(longBytes),
		stopped: make(chan struct{}),
	}
	for range blocks {
		s.free <- &block{request: predict.Get(), scratch: engine.Scratch{Workers: 1}, done: make(chan struct{}, 1)}
	}
	for range o.Cores {
		s.workers.Go(s.worker)
	}
	s.writing.Go(s.writer)
	return s
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

var errStopped = errors.New("the output cannot be written")

// Add reads a file and returns when all of it is handed out. After an error,
// which End returns too, there is no going on.
func (s *Scorer) Add(f *File) error {
	if s.err == nil {
		s.err = s.add(f)
	}
	return s.err
}

// GiveUp has End return an error, and not end the output.
func (s *Scorer) GiveUp(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *Scorer) add(f *File) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = defect(r, "a defect of copse, when reading a file")
		}
	}()
	in, err := Open(s.ctx, f, &s.o)
	if err == nil {
		err = in.meter.cause(s.readFile(in))
		err = errors.Join(err, in.Close())
	}
	switch {
	case err == nil:
		return nil
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, errStopped):
		return errStopped
	}
	return &FileError{f.Name, err}
}

// End waits until all is written, and ends the output. An error is a
// *FileError where a file is at fault or cannot be read.
func (s *Scorer) End() (Summary, error) {
	close(s.work)
	close(s.ordered)
	s.workers.Wait()
	s.writing.Wait()
	for len(s.free) > 0 {
		(<-s.free).request.Release()
	}
	if s.failed != nil {
		return s.sum, s.failed
	}
	err := s.err
	if err == nil && !s.begun { // no rows
		err = s.out.begin()
	}
	if err == nil {
		err = s.out.end()
	}
	return s.sum, err
}

// readFile hands out the blocks of a file.
func (s *Scorer) readFile(in *Input) error {
	from, err := s.open(in)
	if err != nil {
		return err
	}
	for {
		var b *block
		select {
		case b = <-s.free:
		case <-s.stopped:
			return errStopped
		}
		if err := s.ctx.Err(); err != nil {
			s.free <- b
			return err
		}
		err := from.next(s.ctx, b)
		if s.o.Read != nil {
			s.o.Read(in.bytes())
		}
		if err != nil {
			s.free <- b
			if errors.Is(err, io.EOF) {
				return from.close()
			}
			return errors.Join(err, from.close())
		}
		ends := make(chan int, 1)
		b.file, b.begins, b.ends = in.name, s.last, ends
		s.last = ends
		s.ordered <- b
		s.work <- b
	}
}

func (s *Scorer) worker() {
	for b := range s.work {
		b.err = guarded(b, s.read)
		f := &b.request.Frame
		b.first = <-b.begins
		b.ends <- b.first + f.Rows
		if b.err == nil {
			b.err = guarded(b, s.answer)
		}
		b.done <- struct{}{}
	}
}

// guarded runs a step of a worker; a panic is an error and ends no other work.
func guarded(b *block, step func(*block) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = defect(r, fmt.Sprintf("a defect of copse, at the rows from %d on", b.first))
		}
	}()
	return step(b)
}

// defect is the error of a panic; what it says is for the log.
func defect(r any, what string) error {
	return fault.Wrap(fault.Internal, fmt.Errorf("%v\n%s", r, debug.Stack()), "%s", what)
}

func (s *Scorer) read(b *block) error {
	if err := b.read(b); err != nil {
		b.request.Frame.Reset(s.o.Model.Schema().NumFeatures())
		return &FileError{b.file, err}
	}
	return nil
}

// writer writes blocks in the order in which they were read.
func (s *Scorer) writer() {
	for b := range s.ordered {
		<-b.done
		if s.failed == nil {
			s.keep(b.err)
		}
		if s.failed == nil && !s.begun {
			s.begun = true
			s.keep(s.out.begin())
		}
		if s.failed == nil {
			s.keep(s.out.write(b))
			s.count(b)
		}
		s.release(b)
	}
}

func (s *Scorer) count(b *block) {
	s.sum.Rows += b.request.Frame.Rows
	s.sum.Bad += b.bad
	s.sum.Extra = s.sum.Extra || b.extra
	s.sum.Why = cmp.Or(s.sum.Why, b.why)
	if sum, a := &s.sum.Stats, &b.request.Answers.Stats; !Raw(s.o.Model, s.o.Kind) {
		sum.Rows += a.Rows
		sum.Valid += a.Valid
		sum.Unique += a.Unique
		sum.Cached += a.Cached
		sum.Scored += a.Scored
	}
	if s.o.Wrote != nil {
		s.o.Wrote(s.sum.Rows)
	}
}

// release lets a block go round again.
func (s *Scorer) release(b *block) {
	if b.long > 0 {
		b.text.Drop()
		s.long.Release(b.long)
		b.long = 0
	}
	s.free <- b
}

// keep keeps the first error and lets the reader know.
func (s *Scorer) keep(err error) {
	if err != nil && s.failed == nil {
		s.failed = err
		close(s.stopped)
	}
}

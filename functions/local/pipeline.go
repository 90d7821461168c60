package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

const (
	// blockRows is the most rows that are scored together, and blockValues the
	// most features, or leaves, that they may have: 2 MiB of float64.
	blockRows   = 4096
	blockValues = 256 << 10
)

// block is some rows on their way. Blocks are made once and go round.
type block struct {
	request *predict.Request
	scratch engine.Scratch
	leaves  []int32
	first   int // number of its first row
	text    bytes.Buffer
	bad     int
	err     error
	done    chan struct{} // holds one token when text, bad and err are written
}

// pipeline reads blocks in order, scores them on all cores, and writes them in
// the order in which they were read. Memory is bounded by the number of blocks.
type pipeline struct {
	model *predict.Model
	kind  wire.Kind
	media wire.Media
	out   io.Writer
	bar   *progress
	size  int // rows of a block
	cores int // that score

	free, work, ordered chan *block
	stopped             chan struct{} // closed when the writer failed
	failed              error         // of the writer
	rows, bad           int           // written
	begun               bool          // the header is written
}

func newPipeline(m *predict.Model, kind wire.Kind, media wire.Media, out io.Writer, bar *progress) *pipeline {
	cores := runtime.GOMAXPROCS(0)
	blocks := 2*cores + 2 // each core has one in work and one waiting; one is read, one written
	a := m.Engine().Arrays()
	wide := max(a.Features, a.Outputs, 1)
	if kind == wire.Leaf {
		wide = max(wide, len(a.Roots))
	}
	p := &pipeline{
		model: m, kind: kind, media: media, out: out, bar: bar, cores: cores,
		size:    max(1, min(blockRows, blockValues/wide)),
		free:    make(chan *block, blocks),
		work:    make(chan *block, blocks),
		ordered: make(chan *block, blocks),
		stopped: make(chan struct{}),
	}
	for range blocks {
		p.free <- &block{request: predict.Get(), done: make(chan struct{}, 1)}
	}
	return p
}

// score reads all files, one after another, and returns when all is written.
func (p *pipeline) score(ctx context.Context, paths []string, stdin io.Reader, flags scoreFlags) error {
	var workers sync.WaitGroup
	for range p.cores {
		workers.Go(p.worker)
	}
	var writer sync.WaitGroup
	writer.Go(p.writer)
	err := p.readAll(ctx, paths, stdin, flags)
	close(p.work)
	close(p.ordered)
	workers.Wait()
	writer.Wait()
	if p.failed != nil {
		return p.failed
	}
	if err == nil && !p.begun { // no rows
		err = p.header()
	}
	return err
}

func (p *pipeline) readAll(ctx context.Context, paths []string, stdin io.Reader, flags scoreFlags) error {
	first := 0
	for _, path := range paths {
		in, err := openInput(path, flags.inputFormat, stdin)
		if err != nil {
			return err
		}
		first, err = p.readFile(ctx, in, first, wire.Options{IgnoreExtra: flags.ignoreExtra, NoHeader: flags.noHeader})
		if err = errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, plain(err))
		}
	}
	return nil
}

// plain is a reader's error in its own words.
func plain(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return errors.New(e.Message)
	}
	return err
}

// readFile hands out the blocks of a file; the rows are numbered from first
// on. It returns the number that comes next.
func (p *pipeline) readFile(ctx context.Context, in *input, first int, o wire.Options) (int, error) {
	reader := wire.NewReader(in, in.media, p.model.Schema(), o)
	for {
		var b *block
		select {
		case b = <-p.free:
		case <-p.stopped:
			return 0, errors.New("the output cannot be written")
		}
		if err := ctx.Err(); err != nil {
			return 0, errors.New("interrupted")
		}
		b.first = first + reader.Rows()
		err := reader.Next(&b.request.Frame, p.size)
		p.bar.read(in)
		if err != nil {
			p.free <- b
			if errors.Is(err, io.EOF) {
				return first + reader.Rows(), nil
			}
			return 0, err
		}
		p.ordered <- b
		p.work <- b
	}
}

func (p *pipeline) worker() {
	for b := range p.work {
		b.err = p.one(b)
		b.done <- struct{}{}
	}
}

// one scores a block and writes its text.
func (p *pipeline) one(b *block) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a defect of copse, at the rows from %d on: %v\n%s", b.first, r, debug.Stack())
		}
	}()
	f, a := &b.request.Frame, &b.request.Answers
	b.text.Reset()
	if p.kind == wire.Prediction || p.kind == wire.Values {
		if err := p.model.Predict(context.Background(), b.request); err != nil {
			return err
		}
	} else {
		p.raw(b)
	}
	wire.SortFaults(f, p.model.Schema())
	b.bad = 0
	for _, bad := range f.Bad {
		if bad {
			b.bad++
		}
	}
	return b.request.Encoder.Lines(&b.text, p.media, p.kind, p.model.Formatter(), f, a,
		wire.Part{To: f.Rows, First: b.first})
}

// raw scores what is no final value: margins or leaves, one answer a row.
func (p *pipeline) raw(b *block) {
	f, a, e := &b.request.Frame, &b.request.Answers, p.model.Engine()
	p.model.Schema().Validate(f)
	p.model.Schema().Clean(f, single(p.model))
	a.Outputs = e.Arrays().Outputs
	if p.kind == wire.Leaf {
		a.Outputs = len(e.Arrays().Roots)
	}
	n := f.Rows * a.Outputs
	a.Values = resize(a.Values, n)
	a.Index = resize(a.Index, f.Rows)
	for r := range f.Rows {
		if a.Index[r] = int32(r); f.Bad[r] {
			a.Index[r] = frame.Bad
		}
	}
	if p.kind == wire.Margin {
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
			p.keep(p.header())
		}
		if p.failed == nil {
			_, err := p.out.Write(b.text.Bytes())
			p.keep(err)
			p.rows += b.request.Frame.Rows
			p.bad += b.bad
			p.bar.wrote(p.rows)
		}
		p.free <- b
	}
}

// keep keeps the first error and lets the reader know.
func (p *pipeline) keep(err error) {
	if err != nil && p.failed == nil {
		p.failed = err
		close(p.stopped)
	}
}

// header begins the output: with the first rows, so that input which cannot be
// read leaves nothing, or at the end of input without any.
func (p *pipeline) header() error {
	p.begun = true
	if p.media != wire.CSV {
		return nil
	}
	a := p.model.Engine().Arrays()
	outputs := a.Outputs
	if p.kind == wire.Leaf {
		outputs = len(a.Roots)
	}
	_, err := p.out.Write(p.model.Formatter().AppendHeader(nil, p.kind, outputs))
	return err
}

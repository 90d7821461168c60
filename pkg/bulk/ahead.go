package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// AheadOptions bound what an Ahead holds: Flight parts of Part bytes.
type AheadOptions struct {
	// Part is the bytes of one read; 0 is 8 MiB, of which S3 and Cloud Storage
	// deliver most bytes a second on one connection.
	Part int
	// Flight is how many reads may be under way or waiting; 0 is 3.
	Flight int
	// First is the bytes of the first read, which is made alone: who looks at a
	// file's beginning may want no more of it. 0 is 256 KiB.
	First int
}

const (
	aheadPart   = 8 << 20
	aheadFlight = 3
	aheadFirst  = 256 << 10
)

// Ahead reads a range of a file in order, and while it is worked on, the next
// parts of it, several at once. It is an io.Reader for one goroutine.
type Ahead struct {
	ctx  context.Context
	at   io.ReaderAt
	o    AheadOptions
	next int64 // of the file, not yet asked for
	end  int64

	parts   []*part // asked for, in order
	idle    [][]byte
	current *part // being read
	from    int   // of it, not yet given
	begun   bool  // the first part is asked for
	err     error
	reads   sync.WaitGroup
}

// part is one read. done is closed when data and err are there.
type part struct {
	buffer []byte
	data   []byte
	err    error
	done   chan struct{}
}

// NewAhead reads the bytes from … end of at. Nothing is read before the first
// Read. ctx ends waiting, not a read under way, which is the store's to end.
func NewAhead(ctx context.Context, at io.ReaderAt, from, end int64, o AheadOptions) *Ahead {
	for _, d := range []struct {
		value   *int
		instead int
	}{{&o.Part, aheadPart}, {&o.Flight, aheadFlight}, {&o.First, aheadFirst}} {
		if *d.value <= 0 {
			*d.value = d.instead
		}
	}
	return &Ahead{ctx: ctx, at: at, o: o, next: from, end: end}
}

// Read gives what is next. An error stands behind the bytes before it, as in
// the file; a file that ends too soon is io.ErrUnexpectedEOF.
func (a *Ahead) Read(p []byte) (int, error) {
	for a.err == nil && len(p) > 0 {
		if a.current != nil && a.from < len(a.current.data) {
			n := copy(p, a.current.data[a.from:])
			a.from += n
			return n, nil
		}
		a.err = a.turn()
	}
	if len(p) == 0 {
		return 0, nil
	}
	return 0, a.err
}

// turn goes on to the next part, and asks for those behind it.
func (a *Ahead) turn() error {
	if a.current != nil {
		if err := a.current.err; err != nil {
			return err
		}
		a.idle = append(a.idle, a.current.buffer)
		a.current = nil
	}
	if !a.begun {
		a.begun = true
		a.ask(a.o.First)
	} else {
		for len(a.parts) < a.o.Flight && a.next < a.end {
			a.ask(a.o.Part)
		}
	}
	if len(a.parts) == 0 {
		return io.EOF
	}
	first := a.parts[0]
	select {
	case <-first.done:
	case <-a.ctx.Done():
		return a.ctx.Err()
	}
	a.current, a.from = first, 0
	a.parts = append(a.parts[:0], a.parts[1:]...)
	return nil
}

// ask begins a read of at most n bytes.
func (a *Ahead) ask(n int) {
	n = int(min(int64(n), a.end-a.next))
	if n <= 0 {
		return
	}
	p := &part{done: make(chan struct{})}
	for len(a.idle) > 0 && p.buffer == nil {
		last := len(a.idle) - 1
		if cap(a.idle[last]) >= n {
			p.buffer = a.idle[last]
		}
		a.idle = a.idle[:last]
	}
	if p.buffer == nil {
		p.buffer = make([]byte, n)
	}
	at := a.next
	a.next += int64(n)
	a.parts = append(a.parts, p)
	a.reads.Go(func() {
		defer close(p.done)
		p.data, p.err = readPart(a.ctx, a.at, p.buffer[:n], at)
	})
}

// readPart fills p from at on, or says why not. A panic of the store's is an
// error like others.
func readPart(ctx context.Context, from io.ReaderAt, p []byte, at int64) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			data, err = nil, fmt.Errorf("reading at byte %d: a defect: %v", at, r)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, err := from.ReadAt(p, at)
	switch {
	case n == len(p):
		err = nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return p[:n], err
}

// Close waits for the reads under way. Nothing may be read after it.
func (a *Ahead) Close() error {
	a.reads.Wait()
	a.err = errClosed
	a.parts, a.idle, a.current = nil, nil, nil
	return nil
}

var errClosed = errors.New("the file is closed")

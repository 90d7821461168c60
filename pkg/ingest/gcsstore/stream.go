package gcsstore

import (
	"context"
	"io"
	"sync"
)

// A stream's writer is ahead of its reader by at most these blocks: rows are
// scored while a part is on its way.
const (
	block  = 1 << 20
	blocks = 8
)

// stream carries bytes from one goroutine, which writes, to one that reads.
type stream struct {
	ctx    context.Context
	full   chan *[]byte
	unread chan struct{} // closed when nobody reads any more
	filled *[]byte       // the writer's block
	rest   []byte        // the reader's
	taken  *[]byte       // the block that rest is of
}

var blockPool = sync.Pool{New: func() any { b := make([]byte, 0, block); return &b }}

func newStream(ctx context.Context) *stream {
	return &stream{ctx: ctx, full: make(chan *[]byte, blocks), unread: make(chan struct{})}
}

// Write never fails while ctx lasts: why the reader has stopped is for Commit
// to say.
func (s *stream) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if s.filled == nil {
			s.filled = blockPool.Get().(*[]byte) //nolint:errcheck,forcetypeassert // the pool has nothing else
		}
		b := *s.filled
		k := min(len(p), block-len(b))
		*s.filled, p = append(b, p[:k]...), p[k:]
		if len(*s.filled) == block {
			s.flush()
		}
	}
	return n, s.ctx.Err()
}

// flush hands the writer's block over.
func (s *stream) flush() {
	select {
	case s.full <- s.filled:
	case <-s.unread:
	case <-s.ctx.Done():
	}
	s.filled = nil
}

func (s *stream) endWriting() {
	if s.filled != nil {
		s.flush()
	}
	close(s.full)
}

func (s *stream) endReading() { close(s.unread) }

// Read reads to the end that endWriting made. The end of ctx is an error, and
// comes before any other end.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.taken != nil {
			*s.taken = (*s.taken)[:0]
			blockPool.Put(s.taken)
			s.taken = nil
		}
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case b, ok := <-s.full:
			if !ok {
				return 0, s.end()
			}
			s.taken, s.rest = b, *b
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// end is the error at the end of what was written: a block that was dropped at
// the end of ctx must not be missed.
func (s *stream) end() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return io.EOF
}

package bulk

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// meter stands between a file and who reads it: it counts the bytes, and
// remembers the error with which reading failed. What the libraries above make
// of such an error says something of the file, where nothing is known of it.
type meter struct {
	ctx   context.Context
	f     *File
	n     atomic.Int64
	ahead *Ahead

	mu  sync.Mutex
	err error
}

// stream reads the file from its beginning; what can be read anywhere, ahead.
func (m *meter) stream() io.Reader {
	if m.f.Stream != nil {
		return &metered{m, &countedStream{m.f.Stream, &m.n}}
	}
	m.ahead = NewAhead(m.ctx, m.at(), 0, m.f.Size, AheadOptions{})
	return &metered{m, m.ahead}
}

// at is the file where it can be read anywhere.
func (m *meter) at() io.ReaderAt { return &countedAt{m.f.At, &m.n} }

func (m *meter) note(err error) {
	if err == nil || errors.Is(err, io.EOF) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
	}
}

// cause is why err came up: that the file could not be read, if so.
func (m *meter) cause(err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.err != nil {
		return m.err
	}
	return err
}

func (m *meter) close() error {
	if m.ahead == nil {
		return nil
	}
	return m.ahead.Close()
}

// metered notes the errors of a stream.
type metered struct {
	m *meter
	r io.Reader
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.m.note(err)
	return n, err
}

// meteredAt notes the errors of a file that is read anywhere.
type meteredAt struct {
	m *meter
	r *segments
}

func (r *meteredAt) Soon(at int64) { r.r.Soon(at) }

func (r *meteredAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.r.ReadAt(p, at)
	r.m.note(err)
	return n, err
}

// countedStream and countedAt count the bytes that pass.
type countedStream struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countedStream) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type countedAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

func (c *countedAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(p, at)
	c.n.Add(int64(n))
	return n, err
}

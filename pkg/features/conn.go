package features

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections of our own, with net/http's reader of responses.
//
// Question: why not http.Transport? Choice: its two goroutines a connection
// hand every request and reply over, which is most of what a small GET costs:
// 100 at once take 3.5 to 4 ms of CPU with it and about half that here. A GET
// of one host needs little else of it: no proxy, no redirect, no HTTP/2 (whose
// one connection would be the bottleneck), no cookies. What would change it: a
// source that only speaks HTTP/2.

const (
	// maxIdle is how long a connection may have been idle and be used again;
	// load balancers close theirs after 60 seconds.
	maxIdle = 50 * time.Second
	// maxInterim is how many 1xx responses may come before the real one.
	maxInterim = 5
	// maxHeader bounds the header of a response, in bytes.
	maxHeader = 16 << 10
	// framing is how much larger than a body its chunks may make it.
	framing = 2
	// maxReuse is the largest read buffer that is kept for the next response.
	maxReuse = 64 << 10
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// conn is a connection with at most one request under way.
type conn struct {
	net.Conn
	in    io.LimitedReader // bounds one response, whatever its framing
	r     *bufio.Reader
	since time.Time // idle since
}

// dialer makes connections to one host and keeps idle ones, the last used
// first.
type dialer struct {
	addr    string
	tls     *tls.Config // nil: plain, to this machine
	dialer  net.Dialer
	maxBody int64 // bytes

	mu   sync.Mutex
	idle []*conn
	keep int // idle ones at most
}

// get returns an idle connection, or a new one.
func (d *dialer) get(ctx context.Context) (c *conn, reused bool, err error) {
	if c := d.pop(); c != nil {
		return c, true, nil
	}
	c, err = d.dial(ctx)
	return c, false, err
}

func (d *dialer) pop() *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.idle)
	if n == 0 {
		return nil
	}
	c := d.idle[n-1]
	d.idle[n-1] = nil
	d.idle = d.idle[:n-1]
	if time.Since(c.since) < maxIdle {
		return c
	}
	// It is the youngest: all are too old.
	_ = c.Close()
	for i, old := range d.idle {
		_ = old.Close()
		d.idle[i] = nil
	}
	d.idle = d.idle[:0]
	return nil
}

func (d *dialer) dial(ctx context.Context) (*conn, error) {
	nc, err := d.dialer.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	if d.tls != nil {
		secure := tls.Client(nc, d.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			return nil, err
		}
		nc = secure
	}
	c := &conn{Conn: nc}
	c.in.R = nc
	c.r = bufio.NewReader(&c.in)
	return c, nil
}

// put keeps a connection for the next request.
func (d *dialer) put(c *conn) {
	c.since = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.idle) < d.keep {
		d.idle = append(d.idle, c)
		return
	}
	_ = c.Close()
}

func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.idle {
		_ = c.Close()
	}
	d.idle = nil
}

// response is what a host answered.
type response struct {
	status int
	body   []byte // nil if it is larger than maxBody
}

// do sends a request's bytes and reads the response, which is bounded and ends
// with ctx. A connection that was idle may have been closed by the host: the
// request then goes over a new one.
func (d *dialer) do(ctx context.Context, request []byte) (response, error) {
	c, reused, err := d.get(ctx)
	if err != nil {
		return response{}, err
	}
	reply, answered, err := d.exchange(ctx, c, request)
	if err == nil || answered || !reused || ctx.Err() != nil {
		return reply, err
	}
	if c, err = d.dial(ctx); err != nil {
		return response{}, err
	}
	reply, _, err = d.exchange(ctx, c, request)
	return reply, err
}

// exchange does one request over c, and keeps c where that is possible;
// answered says that a byte of a response has come.
func (d *dialer) exchange(ctx context.Context, c *conn, request []byte) (reply response, answered bool, err error) {
	deadline, _ := ctx.Deadline() // without one, zero: none
	if err := c.SetDeadline(deadline); err != nil {
		_ = c.Close()
		return reply, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	again := false
	defer func() {
		// A deadline that is set late must not meet the next request.
		if stop() && again {
			d.put(c)
			return
		}
		_ = c.Close()
	}()
	if _, err := c.Write(request); err != nil {
		return reply, false, err
	}
	c.in.N = maxHeader + framing*d.maxBody
	if _, err := c.r.Peek(1); err != nil {
		return reply, false, noEOF(err)
	}
	head, err := readHead(c.r) //nolint:bodyclose // closing reads on: the connection is closed instead
	if err != nil {
		return reply, true, noEOF(err)
	}
	reply.status = head.StatusCode
	if reply.body, err = d.readBody(head.Body); err != nil {
		return reply, true, noEOF(err)
	}
	again = reply.body != nil && !head.Close && c.r.Buffered() == 0
	return reply, true, nil
}

// readHead reads the header of the final response.
func readHead(r *bufio.Reader) (*http.Response, error) {
	for range maxInterim {
		reply, err := http.ReadResponse(r, nil)
		if err != nil || reply.StatusCode >= http.StatusOK {
			return reply, err
		}
	}
	return nil, errors.New("the source sends one interim response after another")
}

// readBody returns nil for a body that is too large.
func (d *dialer) readBody(body io.Reader) ([]byte, error) {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxReuse {
			b.Reset()
			buffers.Put(b)
		}
	}()
	n, err := b.ReadFrom(io.LimitReader(body, d.maxBody+1))
	if err != nil || n > d.maxBody {
		return nil, err
	}
	return append(make([]byte, 0, n), b.Bytes()...), nil
}

// noEOF names an end that comes too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

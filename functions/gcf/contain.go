package gcf

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"example.com/copse/functions/internal/serve"
	"example.com/copse/pkg/fault"
)

// contain calls next with what every request needs here: it is counted as work
// in flight, its trace is known to the log, its body may not drip, and a panic
// ends with it. The framework's server sees to none of these.
func (f *Function) contain(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	f.work.begin()
	defer f.work.end()
	control := http.NewResponseController(w)
	r = withTrace(r)
	defer func() {
		if p := recover(); p != nil {
			f.afterPanic(w, r, control, p)
		}
	}()
	if r.Body != nil && r.Body != http.NoBody {
		if control.SetReadDeadline(time.Now().Add(serve.ReadTimeout)) == nil {
			r.Body = &timedBody{ReadCloser: r.Body, control: control}
		}
	}
	next(w, r)
}

// afterPanic answers a request that panicked. A handler that aborts its reply
// has sent a part of it, which must not look like a whole one: the framework
// would add a text and end the reply in good order, so the connection is
// closed under it.
func (f *Function) afterPanic(w http.ResponseWriter, r *http.Request, control *http.ResponseController, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
		if conn, _, err := control.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
		panic(p) // HTTP/2: the server resets the stream
	}
	f.app.Log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	problem(w, fault.New(fault.Internal, "an internal error: the log says more"))
}

// timedBody lifts the deadline once the body is read: from then on the server
// reads ahead, and a deadline that passes would end the request's context.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { //nolint:errorlint // a reader returns io.EOF itself
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// work counts the requests in flight, so that a stop can wait for them.
type work struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // not nil: somebody waits; closed when n is 0
}

func (w *work) begin() {
	w.mu.Lock()
	w.n++
	w.mu.Unlock()
}

func (w *work) end() {
	w.mu.Lock()
	w.n--
	w.signal()
	w.mu.Unlock()
}

func (w *work) signal() {
	if w.n == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// drain waits until no request is in flight, or until ctx ends.
func (w *work) drain(ctx context.Context) {
	idle := make(chan struct{})
	w.mu.Lock()
	w.idle = idle
	w.signal()
	w.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

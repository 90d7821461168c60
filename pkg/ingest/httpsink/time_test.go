package httpsink

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/copse/pkg/ingest"
)

// pipes is a network of one host, whose connections are in memory, so that
// time stands still but for waits.
type pipes struct {
	calls chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.calls <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a test against a receiver with a clock of its own.
func inBubble(t *testing.T, c *receiver, test func(t *testing.T, s *Sink)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{calls: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := server.Serve(network); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}()
		transport := &http.Transport{DialContext: network.dial}
		test(t, &Sink{&url.URL{Scheme: "http", Host: "receiver", Path: "/"}, transport})
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
}

func try(t *testing.T, s *Sink, left time.Duration) (time.Duration, error) {
	ctx := t.Context()
	if left > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	begin := time.Now()
	err := s.Put(ctx, ingest.Message{ID: "m", Body: []byte("{}")})
	return time.Since(begin), err
}

// TestWaits: between requests the sink waits, longer each time, and gives up
// in the time that is left.
func TestWaits(t *testing.T) {
	for _, c := range []struct {
		name              string
		statuses          []int
		retryAfter        string
		left              time.Duration // 0: no end
		want              string
		atLeast, atMost   time.Duration
		fewest, mostTries int
		says              string
	}{
		{name: "busy for good", statuses: []int{503}, want: "failed", atLeast: 4 * time.Second, atMost: 16 * time.Second, fewest: attempts, mostTries: attempts, says: "503"},
		{name: "busy for good, little time", statuses: []int{503}, left: time.Second, want: "failed", atMost: time.Second, fewest: 2, mostTries: 5, says: "503"},
		{name: "busy, then not", statuses: []int{503, 503, 200}, want: "done", atLeast: 150 * time.Millisecond, atMost: time.Second, fewest: 3, mostTries: 3},
		{name: "asked to wait", statuses: []int{429, 200}, retryAfter: "5", want: "done", atLeast: 5 * time.Second, atMost: 6400 * time.Millisecond, fewest: 2, mostTries: 2},
		{name: "asked to wait twice", statuses: []int{503, 503, 200}, retryAfter: "2", want: "done", atLeast: 4 * time.Second, atMost: 5200 * time.Millisecond, fewest: 3, mostTries: 3},
		{name: "asked to come back at once", statuses: []int{503}, retryAfter: "0", want: "failed", atLeast: time.Millisecond, atMost: time.Second, fewest: attempts, mostTries: attempts, says: "503"},
		{name: "asked to wait too long", statuses: []int{503, 200}, retryAfter: "16", want: "failed", atMost: time.Millisecond, fewest: 1, mostTries: 1, says: "16s"},
		{name: "asked to wait beyond the deadline", statuses: []int{503, 200}, retryAfter: "10", left: 8 * time.Second, want: "failed", atMost: time.Millisecond, fewest: 1, mostTries: 1, says: "503"},
		{name: "no answer", statuses: []int{silent, 200}, want: "done", atLeast: timeout, atMost: timeout + time.Second, fewest: 2, mostTries: 2},
		{name: "no answer, little time", statuses: []int{silent}, left: 3 * time.Second, want: "failed", atLeast: 3 * time.Second, atMost: 3 * time.Second, fewest: 1, mostTries: 1},
		{name: "answers are lost", statuses: []int{lost}, left: 5 * time.Second, want: "failed", atMost: 5 * time.Second, fewest: 4, mostTries: attempts},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{statuses: c.statuses}
			if c.retryAfter != "" {
				r.header = http.Header{"Retry-After": {c.retryAfter}}
			}
			inBubble(t, r, func(t *testing.T, s *Sink) {
				took, err := try(t, s, c.left)
				if outcome(err) != c.want || took < c.atLeast || took > c.atMost {
					t.Errorf("%v after %v, want %s within %v to %v", err, took, c.want, c.atLeast, c.atMost)
				}
				if n := len(r.requests()); n < c.fewest || n > c.mostTries {
					t.Errorf("%d requests, want %d to %d", n, c.fewest, c.mostTries)
				}
				if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("the error does not say %s: %v", c.says, err)
				}
			})
		})
	}
}

// TestSpread: those who are told to wait do not all come back at once.
func TestSpread(t *testing.T) {
	r := &receiver{statuses: []int{503, 503, 503, 503, 503, 503, 503, 503, 200}, header: http.Header{"Retry-After": {"2"}}}
	inBubble(t, r, func(t *testing.T, s *Sink) {
		const n = 8
		errs := make(chan error, n)
		for range n {
			go func() {
				_, err := try(t, s, 0)
				errs <- err
			}()
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		times := map[time.Time]bool{}
		for _, at := range r.times[n:] {
			times[at] = true
		}
		if len(times) < n-1 {
			t.Errorf("%d different times of %d", len(times), n)
		}
	})
}

// TestCancelled: the end of the event's context ends a wait.
func TestCancelled(t *testing.T) {
	r := &receiver{statuses: []int{503}, header: http.Header{"Retry-After": {"10"}}}
	inBubble(t, r, func(t *testing.T, s *Sink) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		err := s.Put(ctx, ingest.Message{ID: "m", Body: []byte("{}")})
		if took := time.Since(begin); !errors.Is(err, context.Canceled) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"
)

// limited is a server of at most limit connections; /wait answers when release
// is closed.
func limited(t *testing.T, limit int) (addr string, entered, release chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release = make(chan struct{}), make(chan struct{})
	handler := http.NewServeMux()
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	handler.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-release
		io.WriteString(w, "ok")
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Listener: listener, Handler: handler, MaxConnections: limit, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String(), entered, release
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a request on a connection and returns the reply's status.
func ask(t *testing.T, c net.Conn, path string) int {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode
}

// TestIdleConnectionsMakeRoom: the one that is idle longest goes.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	addr, _, _ := limited(t, 3)
	var held []net.Conn
	for range 3 {
		c := dial(t, addr)
		if got := ask(t, c, "/"); got != http.StatusOK {
			t.Fatalf("got %d", got)
		}
		held = append(held, c)
	}
	if got := ask(t, dial(t, addr), "/"); got != http.StatusOK {
		t.Errorf("one more: got %d", got)
	}
	// Which one ends is not told here: a reply may be read before the server
	// has marked its connection as idle (see TestVictim).
	ended := 0
	for _, c := range held {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		switch _, err := c.Read(make([]byte, 1)); {
		case err == io.EOF: //nolint:errorlint // a Reader's contract is io.EOF itself
			ended++
		case !errors.Is(err, os.ErrDeadlineExceeded):
			t.Errorf("got %v, want the end or nothing", err)
		}
	}
	if ended != 1 {
		t.Errorf("%d connections ended, want 1", ended)
	}
}

func TestVictim(t *testing.T) {
	now := time.Now().UnixNano()
	long := now - int64(10*patience)
	tests := []struct {
		name  string
		phase []http.ConnState
		since []int64
		want  int // index, or -1
	}{
		{"none", nil, nil, -1},
		{"all at work", []http.ConnState{http.StateActive, http.StateActive}, []int64{long, long}, -1},
		{"the longest idle", []http.ConnState{http.StateIdle, http.StateIdle, http.StateIdle}, []int64{now - 1, now - 3, now - 2}, 1},
		{"idle before silent", []http.ConnState{http.StateNew, http.StateIdle}, []int64{long, now}, 1},
		{"the longest silent", []http.ConnState{http.StateNew, http.StateNew}, []int64{long, long - 1}, 1},
		{"just come", []http.ConnState{http.StateNew}, []int64{now}, -1},
	}
	for _, tt := range tests {
		l := limitConnections(nil, 10)
		var all []*connection
		for i := range tt.phase {
			k := &connection{all: l}
			k.phase.Store(int32(tt.phase[i]))
			k.since.Store(tt.since[i])
			l.open[k] = struct{}{}
			all = append(all, k)
		}
		got := -1
		if v := l.victim(); v != nil {
			got = slices.Index(all, v)
		}
		if got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestSilentConnectionsMakeRoom: also those that never send a whole header.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	addr, _, _ := limited(t, 2)
	for _, head := range []string{"", "GET / HTTP/1.1\r\nX-Drip: "} {
		if _, err := io.WriteString(dial(t, addr), head); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, dial(t, addr), "/"); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
}

// TestWorkMakesNoRoom: a connection at work is not cut; the next one waits
// until it is done.
func TestWorkMakesNoRoom(t *testing.T) {
	addr, entered, release := limited(t, 1)
	at := make(chan int)
	go func() { at <- ask(t, dial(t, addr), "/wait") }()
	<-entered
	next := make(chan int)
	go func() { next <- ask(t, dial(t, addr), "/") }()
	select {
	case got := <-next:
		t.Errorf("the next one did not wait: got %d", got)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-at; got != http.StatusOK {
		t.Errorf("the one at work: got %d", got)
	}
	if got := <-next; got != http.StatusOK {
		t.Errorf("the next one: got %d", got)
	}
}

// TestStopWhileFull: whoever waits for room does not keep the server from
// stopping.
func TestStopWhileFull(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitConnections(listener, 1)
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial(t, listener.Addr().String())
	first := (<-accepted).(*connection)
	observe(first, http.StateActive)
	dial(t, listener.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range accepted { // the one that waited, if it had come, and the end
	}
	if err := first.CloseWrite(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}

func TestDefaultConnections(t *testing.T) {
	if got := limitConnections(nil, 0).limit; got != MaxConnections {
		t.Errorf("got %d", got)
	}
}

// TestNewConnectionIsAwaited: one that came before the stop is answered even if
// its request comes after it.
func TestNewConnectionIsAwaited(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitConnections(listener, 0)
	dial(t, listener.Addr().String())
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if !l.busy() {
		t.Error("a new connection is not waited for")
	}
	observe(c, http.StateActive)
	if !l.busy() {
		t.Error("work is not waited for")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l.quiet(ended) // returns
	observe(c, http.StateIdle)
	if l.busy() {
		t.Error("an idle connection is waited for")
	}
	l.quiet(t.Context())
	observe(c, http.StateActive)
	go c.Close()
	l.quiet(t.Context())
}

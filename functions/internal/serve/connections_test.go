package serve

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
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
	if _, err := held[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first one: got %v, want its end", err)
	}
	if got := ask(t, held[2], "/"); got != http.StatusOK {
		t.Errorf("the last one: got %d", got)
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

package serve

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAddr(t *testing.T) {
	tests := []struct {
		name    string
		addr    string
		environ []string
		want    string
		err     string
	}{
		{"nothing", "", nil, "127.0.0.1:8080", ""},
		{"flag first", "127.0.0.1:9", []string{"PORT=1"}, "127.0.0.1:9", ""},
		{"Cloud Run", "", []string{"PORT=8081"}, "0.0.0.0:8081", ""},
		{"Vertex before Cloud Run", "", []string{"PORT=1", "AIP_HTTP_PORT=2"}, "0.0.0.0:2", ""},
		{"Azure before all", "", []string{"PORT=1", "AIP_HTTP_PORT=2", "FUNCTIONS_CUSTOMHANDLER_PORT=3"}, "0.0.0.0:3", ""},
		{"empty is absent", "", []string{"PORT="}, "127.0.0.1:8080", ""},
		{"the last counts", "", []string{"PORT=1", "PORT=2"}, "0.0.0.0:2", ""},
		{"not a number", "", []string{"PORT=http"}, "", "PORT: must be a port number"},
		{"too large", "", []string{"PORT=65536"}, "", "PORT: must be a port number"},
		{"zero", "", []string{"PORT=0"}, "", "PORT: must be a port number"},
		{"another's prefix", "", []string{"PORTAL=1"}, "127.0.0.1:8080", ""},
	}
	for _, tt := range tests {
		got, err := Addr(tt.addr, tt.environ)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// running is a server under Run, and what its handler waits for.
type running struct {
	url     string
	stop    context.CancelFunc
	done    chan error
	entered chan struct{} // one for each request that began to wait
	release chan struct{} // closed to let them go on
	drained chan struct{} // closed once Drain was called
	work    sync.WaitGroup
	log     *lines
}

// lines is a writer that other goroutines may read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &running{
		url: "http://" + listener.Addr().String(), done: make(chan error, 1), log: new(lines),
		entered: make(chan struct{}), release: make(chan struct{}), drained: make(chan struct{}),
	}
	handler := http.NewServeMux()
	handler.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		s.work.Add(1)
		defer s.work.Done()
		s.entered <- struct{}{}
		<-s.release
		io.WriteString(w, "done "+r.Proto)
	})
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() {
		s.done <- Run(ctx, Options{
			Listener: listener, Handler: handler, Timeout: time.Minute, Log: slog.New(slog.NewTextHandler(s.log, nil)),
			Drain: func(context.Context) { close(s.drained); s.work.Wait() },
		})
	}()
	return s
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	reply, err := c.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// TestStop: while work in flight ends, whoever asks still gets an answer;
// after it, the server is gone and Run returns nil.
func TestStop(t *testing.T) {
	s := start(t)
	answer := make(chan string)
	go func() { answer <- get(t, http.DefaultClient, s.url+"/wait") }()
	<-s.entered
	s.stop()
	<-s.drained
	if got := get(t, &http.Client{Transport: new(http.Transport)}, s.url+"/"); got != "HTTP/1.1" {
		t.Errorf("a new connection while draining: got %q", got)
	}
	close(s.release)
	if got := <-answer; got != "done HTTP/1.1" {
		t.Errorf("request in flight: got %q", got)
	}
	if err := <-s.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := http.Get(s.url); err == nil {
		t.Error("the server still answers")
	}
	if log := s.log.String(); strings.Count(log, "listening on "+s.url) != 1 {
		t.Errorf("the log does not name the address once: %s", log)
	}
}

// TestStopEndsConnections: a connection that was open before is answered while
// the server stops, and told that this was the last reply.
func TestStopEndsConnections(t *testing.T) {
	s := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	ask := func() *http.Response {
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		reply, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, reply.Body)
		reply.Body.Close()
		return reply
	}
	if ask().Close {
		t.Error("a connection ends before the server stops")
	}
	s.stop()
	<-s.drained
	if !ask().Close {
		t.Error("a connection stays open while the server stops")
	}
	if err := <-s.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHTTP2InTheClear(t *testing.T) {
	s := start(t)
	defer func() { s.stop(); <-s.done }()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	if got := get(t, &http.Client{Transport: transport}, s.url+"/"); got != "HTTP/2.0" {
		t.Errorf("got %q", got)
	}
}

// TestLimits holds the server's limits against what was promised: 10 s for a
// header, 30 s for a body.
func TestLimits(t *testing.T) {
	s := newServer(Options{Timeout: 20 * time.Second, Log: slog.New(slog.DiscardHandler)})
	if s.ReadHeaderTimeout != 10*time.Second || s.ReadTimeout != 30*time.Second || s.IdleTimeout <= time.Minute {
		t.Errorf("got %v, %v, %v", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout)
	}
	if s.WriteTimeout <= s.ReadTimeout+20*time.Second {
		t.Errorf("WriteTimeout %v leaves no time to send the answer", s.WriteTimeout)
	}
	if s := newServer(Options{Log: slog.New(slog.DiscardHandler)}); s.WriteTimeout != 0 {
		t.Errorf("without a limit: got %v", s.WriteTimeout)
	}
}

func TestLargeHeader(t *testing.T) {
	s := start(t)
	defer func() { s.stop(); <-s.done }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", maxHeader+8<<10))
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", reply.StatusCode)
	}
}

func TestRunReportsListening(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Run(t.Context(), Options{Listener: listener, Handler: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a closed listener is no error")
	}
}

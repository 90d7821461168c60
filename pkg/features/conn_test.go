package features

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const goodBody = `{"amount":1,"colour":"red"}`

// host is a server that answers every request of a connection with the same
// bytes and counts connections and requests.
type host struct {
	net.Listener
	connections, requests atomic.Int32
}

func newHost(t *testing.T, answer string, hangUp bool) *host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	h := &host{Listener: listener}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			h.connections.Add(1)
			go h.serve(c, answer, hangUp)
		}
	}()
	return h
}

func (h *host) serve(c net.Conn, answer string, hangUp bool) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		h.requests.Add(1)
		if _, err := io.WriteString(c, answer); err != nil || hangUp {
			return
		}
	}
}

func TestResponsesAndTheirConnections(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\n"
	sized := ok + "Content-Length: 27\r\n\r\n" + goodBody
	for _, test := range []struct {
		name, answer          string
		hangUp                bool
		want                  string // faults of each of two rows, fetched one after the other
		connections, requests int32
	}{
		{"a length", sized, false, "[][]", 1, 2},
		{"chunks", ok + "Transfer-Encoding: chunked\r\n\r\n1b\r\n" + goodBody + "\r\n0\r\n\r\n", false, "[][]", 1, 2},
		{"interim responses", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + sized, false, "[][]", 1, 2},
		{"the end of the connection", ok + "\r\n" + goodBody, true, "[][]", 2, 2},
		{"Connection: close", ok + "Connection: close\r\nContent-Length: 27\r\n\r\n" + goodBody, false, "[][]", 2, 2},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 27\r\n\r\n" + goodBody, false, "[][]", 2, 2},
		{"a connection that was closed while idle", sized, true, "[][]", 2, 2},
		{"404 keeps the connection", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, "[features_not_found:id][features_not_found:id]", 1, 2},
		{"more than was asked for", sized + sized, false, "[][]", 2, 2},
		{"a long header", ok + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", false, "[features_failed:id][features_failed:id]", 4, 4},
		{"a header without end", ok + strings.Repeat("X: y\r\n", 1<<18), false, "[features_failed:id][features_failed:id]", 4, 4},
		{"a long body", ok + "Content-Length: 9999999999\r\n\r\n" + strings.Repeat("x", 1<<20), false, "[features_failed:id][features_failed:id]", 2, 2},
		{"many small chunks", ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 1<<18), false, "[features_failed:id][features_failed:id]", 4, 4},
		{"interim responses without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000), false, "[features_failed:id][features_failed:id]", 4, 4},
		{"no HTTP", "SSH-2.0-OpenSSH_9\r\n", true, "[features_failed:id][features_failed:id]", 4, 4},
		{"nothing", "", true, "[features_failed:id][features_failed:id]", 4, 4},
		{"half a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1b\r\n{", true, "[features_failed:id][features_failed:id]", 4, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, test.answer, test.hangUp)
			f := mustOpen(t, "http://"+h.Addr().String()+"/{id}", Options{Concurrency: 1, Timeout: 5 * time.Second})
			defer f.Close()
			if got := codes(fillAll(t, f, testSchema(t), "a", "b")); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := h.connections.Load(); got != test.connections {
				t.Errorf("got %d connections, want %d", got, test.connections)
			}
			if got := h.requests.Load(); got != test.requests {
				t.Errorf("got %d requests, want %d", got, test.requests)
			}
		})
	}
}

func TestTLSIsCheckedAgainstTheConfiguredHost(t *testing.T) {
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, goodBody)
	}))
	t.Cleanup(service.Close)
	service.Config.ErrorLog = nil
	open := func(roots *x509.CertPool, name string) *Fetcher {
		source, err := newHTTPSource(service.URL+"/{id}", Options{Concurrency: 10, Timeout: time.Second, MaxBody: 1000})
		if err != nil {
			t.Fatal(err)
		}
		source.dialer.tls.RootCAs = roots
		if name != "" {
			source.dialer.tls.ServerName = name
		}
		return New(source, Options{})
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(service.Certificate())
	for _, test := range []struct {
		name  string
		f     *Fetcher
		wants string
	}{
		{"a trusted certificate", open(trusted, ""), "[]"},
		{"an unknown issuer", open(x509.NewCertPool(), ""), "[features_failed:id]"},
		{"another name", open(trusted, "elsewhere.test"), "[features_failed:id]"},
	} {
		if got := codes(fillAll(t, test.f, testSchema(t), "a")); got != test.wants {
			t.Errorf("%s: got %s, want %s", test.name, got, test.wants)
		}
		test.f.Close()
	}
}

func TestIdleConnectionsAreFewAndYoung(t *testing.T) {
	h := newHost(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false)
	d := &dialer{addr: h.Addr().String(), keep: 2, maxBody: 100}
	var all []*conn
	for range 3 {
		c, reused, err := d.get(t.Context())
		if err != nil || reused {
			t.Fatal(err, reused)
		}
		all = append(all, c)
	}
	for _, c := range all {
		d.put(c)
	}
	if len(d.idle) != 2 {
		t.Errorf("got %d idle connections, want 2", len(d.idle))
	}
	if c, reused, _ := d.get(t.Context()); !reused || c != all[1] {
		t.Error("the connection used last is not the first one")
	}
	all[0].since = time.Now().Add(-maxIdle)
	if c, reused, err := d.get(t.Context()); reused || err != nil || c == all[0] {
		t.Error("a connection that was idle for too long was used again")
	}
	if _, err := all[0].Write([]byte("x")); err == nil {
		t.Error("the old connection is still open")
	}
	d.close()
}

// memoryConn is a connection whose other end says fixed bytes.
type memoryConn struct {
	net.Conn
	io.Reader
}

func (memoryConn) Write(p []byte) (int, error)  { return len(p), nil }
func (memoryConn) Close() error                 { return nil }
func (memoryConn) SetDeadline(time.Time) error  { return nil }
func (c memoryConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// FuzzResponse: whatever a host answers, what is kept of it is bounded, and a
// connection is used again only if nothing is left in it.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\n\r\n{}", "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nrest", "HTTP/9.9 -1\r\n\r\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dialer{keep: 1, maxBody: 64}
		c := &conn{Conn: memoryConn{Reader: bytes.NewReader(data)}}
		c.in.R = c.Conn
		c.r = bufio.NewReader(&c.in)
		reply, _, err := d.exchange(context.Background(), c, nil)
		if len(reply.body) > 64 {
			t.Errorf("got %d bytes", len(reply.body))
		}
		if len(d.idle) > 0 && (err != nil || c.r.Buffered() > 0) {
			t.Errorf("the connection is kept with %d bytes left, after %v", c.r.Buffered(), err)
		}
	})
}

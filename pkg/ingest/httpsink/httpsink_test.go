package httpsink

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// receiver is a callback that answers with given statuses, one a request, the
// last again and again, and keeps what it was sent.
type receiver struct {
	statuses []int
	header   http.Header // of replies
	mu       sync.Mutex
	got      []*http.Request
	bodies   []string
	times    []time.Time
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	c.got = append(c.got, r)
	c.bodies = append(c.bodies, string(body))
	c.times = append(c.times, time.Now())
	status := c.statuses[min(len(c.got), len(c.statuses))-1]
	c.mu.Unlock()
	if err != nil {
		status = http.StatusBadRequest
	}
	for name, values := range c.header {
		w.Header()[name] = values
	}
	switch {
	case status == lost:
		panic(http.ErrAbortHandler)
	case status == silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

// requests are those so far; their handlers may still be at work.
func (c *receiver) requests() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// begin sets the answers for the next requests and forgets the earlier ones.
func (c *receiver) begin(statuses ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses, c.got = statuses, nil
}

const (
	lost   = -1 // a connection that is cut, after the request was taken
	silent = -2 // no answer, ever
)

// secure starts the receiver behind TLS and returns a sink for it.
func secure(t *testing.T, c http.Handler, rest string) *Sink {
	t.Helper()
	server := httptest.NewTLSServer(c)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + rest)
	if err != nil {
		t.Fatal(err)
	}
	return &Sink{u, server.Client().Transport}
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code.Outcome() == fault.DeadLetter {
		return e.Code.String()
	}
	return "failed"
}

// TestStatus is the table of the package's document: what becomes of a record,
// and after how many requests.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		want     string
		requests int
	}{
		{[]int{200}, "done", 1}, {[]int{201}, "done", 1}, {[]int{202}, "done", 1}, {[]int{204}, "done", 1}, {[]int{299}, "done", 1},
		{[]int{413}, "reply_too_large", 1}, {[]int{400}, "refused", 1}, {[]int{422}, "refused", 1},
		{[]int{301}, "failed", 1}, {[]int{302}, "failed", 1}, {[]int{303}, "failed", 1}, {[]int{304}, "failed", 1}, {[]int{307}, "failed", 1},
		{[]int{308}, "failed", 1}, {[]int{401}, "failed", 1}, {[]int{403}, "failed", 1}, {[]int{404}, "failed", 1}, {[]int{405}, "failed", 1},
		{[]int{410}, "failed", 1}, {[]int{415}, "failed", 1}, {[]int{418}, "failed", 1}, {[]int{600}, "failed", 1},
		{[]int{408, 200}, "done", 2}, {[]int{409, 200}, "done", 2}, {[]int{425, 200}, "done", 2}, {[]int{429, 200}, "done", 2},
		{[]int{500, 200}, "done", 2}, {[]int{502, 200}, "done", 2}, {[]int{503, 200}, "done", 2}, {[]int{504, 200}, "done", 2},
		{[]int{lost, 200}, "done", 2}, {[]int{500, 413}, "reply_too_large", 2}, {[]int{503, 404}, "failed", 2},
	} {
		got := &receiver{statuses: c.statuses}
		err := secure(t, got, "/").Put(t.Context(), ingest.Message{ID: "m", Body: []byte("{}")})
		if outcome(err) != c.want || len(got.requests()) != c.requests {
			t.Errorf("%v: got %s after %d requests, want %s after %d: %v", c.statuses, outcome(err), len(got.requests()), c.want, c.requests, err)
		}
	}
}

// TestRequest: what the receiver sees, the same at each try.
func TestRequest(t *testing.T) {
	for _, c := range []struct {
		m         ingest.Message
		key, dead string
	}{
		{ingest.Message{ID: "059f36b4-87a3-44ab-83d2-661975830a7d", Body: []byte(`{"prediction":1}`)}, "059f36b4-87a3-44ab-83d2-661975830a7d", ""},
		{ingest.Message{ID: "s3://b/k@1", Body: []byte(`{"reason":{}}`), Dead: true}, "s3://b/k@1", "true"},
	} {
		got := &receiver{statuses: []int{500, lost, 200}}
		if err := secure(t, got, "/in/here?token=abc").Put(t.Context(), c.m); err != nil {
			t.Fatal(err)
		}
		requests := got.requests()
		if len(requests) != 3 {
			t.Fatalf("%d requests", len(requests))
		}
		for i, r := range requests {
			h := r.Header
			if r.Method != http.MethodPost || r.URL.String() != "/in/here?token=abc" || got.bodies[i] != string(c.m.Body) ||
				h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "copse" ||
				h.Get("Idempotency-Key") != c.key || h.Get("copse-dead-letter") != c.dead || r.ContentLength != int64(len(c.m.Body)) {
				t.Errorf("request %d: %s %s, %v, %s", i, r.Method, r.URL, h, got.bodies[i])
			}
		}
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"a", "a"}, {"gs://b/k@17#0-99", "gs://b/k@17#0-99"}, {strings.Repeat("k", 255), strings.Repeat("k", 255)},
	} {
		if got := key(c.id); got != c.want {
			t.Errorf("%q: got %q", c.id, got)
		}
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "a b", "a\nb", "größe", "a\x00", "a\x7f", "\xff", strings.Repeat("k", 256)} {
		got := key(id)
		if len(got) != 64 || seen[got] || got != key(id) {
			t.Errorf("%q: got %q", id, got)
		}
		seen[got] = true
	}
}

// FuzzKey: whatever an id is, a header carries its key, and a server reads the
// same.
func FuzzKey(f *testing.F) {
	for _, id := range []string{"", "m-1", "a b", "\r\nX: y", "ü", "\xff\x00"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Idempotency-Key", key(id))
		var wire strings.Builder
		if err := r.Header.Write(&wire); err != nil {
			t.Fatal(err)
		}
		if want := "Idempotency-Key: " + key(id) + "\r\n"; wire.String() != want {
			t.Errorf("%q: got %q, want %q", id, wire.String(), want)
		}
	})
}

func TestOpen(t *testing.T) {
	for _, uri := range []string{
		"https://example.com", "https://example.com/results", "https://example.com:8443/a?b=c", "https://user:pass@example.com/",
		"http://127.0.0.1/a", "http://127.8.9.10:80/", "http://[::1]:8080/x", "http://localhost:1",
	} {
		if _, err := Open(t.Context(), uri, nil); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	const secret = "hunter2"
	for _, uri := range []string{
		"http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "http://localhost.example.com", "http://[fe80::1]/",
		"http://user:" + secret + "@example.com/?k=" + secret, "https:", "https://", "https:///path", "https://:443/", "https:example.com",
		"ftp://example.com/", "https://a b/" + secret, "https://example.com/%zz" + secret, "https://example.com/#" + secret, "", "://" + secret,
		"http://0.0.0.0/", "https://example.com:0/", "https://example.com:65536/", "http://127.0.0.1:99999999999999999999/",
	} {
		_, err := Open(t.Context(), uri, nil)
		if err == nil {
			t.Errorf("%q is taken", uri)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "example.com/"+secret) {
			t.Errorf("%q: the error says %q", uri, err)
		}
	}
}

// TestNoSecrets: the user and the query of the URL reach the receiver and
// nobody else.
func TestNoSecrets(t *testing.T) {
	got := &receiver{statuses: []int{404}, header: http.Header{"Location": {"/elsewhere"}}}
	server := httptest.NewServer(got)
	defer server.Close()
	secretURL := strings.Replace(server.URL, "http://", "http://user:hunter2@", 1) + "/x?sig=hunter2"
	put := func() error {
		sink, err := Open(t.Context(), secretURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return sink.Put(ctx, ingest.Message{ID: "m", Body: []byte("{}")})
	}
	errs := map[string]error{"status": put()}
	first := got.requests()[0]
	if user, pass, ok := first.BasicAuth(); !ok || user != "user" || pass != "hunter2" || first.URL.RawQuery != "sig=hunter2" {
		t.Errorf("the receiver sees %v", first.URL)
	}
	for name, status := range map[string]int{"redirect": 307, "refused": 400, "too large": 413, "busy": 503, "cut": lost, "silent": silent} {
		got.begin(status)
		errs[name] = put()
	}
	server.Close()
	errs["down"] = put()
	for name, err := range errs {
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "sig=") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoRedirect: a redirect is not followed, not even to the same host.
func TestNoRedirect(t *testing.T) {
	other := &receiver{statuses: []int{200}}
	there := httptest.NewServer(other)
	defer there.Close()
	for _, to := range []string{there.URL, "/same", "://broken", ""} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			got := &receiver{statuses: []int{status}, header: http.Header{"Location": {to}}}
			err := secure(t, got, "/").Put(withTimeout(t, time.Second), ingest.Message{ID: "m", Body: []byte("{}")})
			if outcome(err) != "failed" || len(other.requests()) > 0 || slices.ContainsFunc(got.requests(), func(r *http.Request) bool { return r.URL.Path != "/" }) {
				t.Errorf("%d to %q: %v, %d requests there", status, to, err, len(other.requests()))
			}
		}
	}
}

func withTimeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestReuse: messages one after another go over one connection, also where the
// reply has a body.
func TestReuse(t *testing.T) {
	var made atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("thanks ", 1000)))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	sink, err := Open(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := sink.Put(t.Context(), ingest.Message{ID: "m", Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if n := made.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestEndlessReply: no more of a reply is read than it takes to know its
// status.
func TestEndlessReply(t *testing.T) {
	ended := make(chan struct{})
	sink := secure(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}), "/")
	if err := sink.Put(t.Context(), ingest.Message{ID: "m", Body: []byte("{}")}); err != nil {
		t.Error(err)
	}
	<-ended
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true}, {"7", 7 * time.Second, true}, {"2147483647", 2147483647 * time.Second, true},
		{"Tue, 24 Nov 2026 12:00:30 GMT", 30 * time.Second, true}, {"Tue, 24 Nov 2026 11:00:00 GMT", 0, true},
		{"", 0, false}, {"-1", 0, false}, {"1.5", 0, false}, {"99999999999999999999", 0, false}, {"soon", 0, false}, {" 7", 0, false},
	} {
		if got, ok := readRetryAfter(c.text, now); got != c.want || ok != c.ok {
			t.Errorf("%q: got %v, %v", c.text, got, ok)
		}
	}
}

package gcf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPanic: a panic is one request's answer, logged with its trace.
func TestPanic(t *testing.T) {
	o := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.contain(w, r, func(http.ResponseWriter, *http.Request) { panic("50% off") })
	}))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", "00-"+traceID+"-"+spanID+"-01")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusInternalServerError || bytes.Contains(body, []byte("off")) {
		t.Errorf("got %d %s, %v", reply.StatusCode, body, err)
	}
	for _, want := range []string{`"severity":"ERROR"`, `"panic":"50% off"`, "contain_test.go", "projects/p/traces/" + traceID} {
		if !strings.Contains(o.log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, o.log.String())
		}
	}
}

// TestAbort: a reply that is aborted half-way must not look whole, also where
// a framework around the function recovers whatever it is handed.
func TestAbort(t *testing.T) {
	o := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				io.WriteString(w, "A panic occurred.")
			}
		}()
		o.contain(w, r, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
	}))
	defer server.Close()
	reply, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err := io.ReadAll(reply.Body); err == nil || string(body) != "half" {
		t.Errorf("got %q, %v", body, err)
	}
}

// deadlines is a ResponseWriter that notes the deadlines of its connection.
type deadlines struct {
	*recorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

// TestReadDeadline: a body has 30 seconds, also on the framework's server,
// which sets no limit. Once it is read, the handler may take its time.
func TestReadDeadline(t *testing.T) {
	o := open(t)
	w := &deadlines{recorder: newRecorder()}
	begin := time.Now()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("body"))
	o.contain(w, r, func(_ http.ResponseWriter, r *http.Request) {
		if len(w.set) != 1 || w.set[0].Sub(begin) < 30*time.Second || w.set[0].Sub(begin) > 40*time.Second {
			t.Errorf("before reading: got %v", w.set)
		}
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "body" {
			t.Errorf("got %q, %v", body, err)
		}
		if len(w.set) != 2 || !w.set[1].IsZero() {
			t.Errorf("after reading: got %v", w.set)
		}
	})
	w = &deadlines{recorder: newRecorder()}
	o.contain(w, httptest.NewRequest(http.MethodGet, "/", nil), func(http.ResponseWriter, *http.Request) {})
	if len(w.set) != 0 {
		t.Errorf("without a body: got %v", w.set)
	}
}

// TestDrain waits for work that began before, and for no longer than it may.
func TestDrain(t *testing.T) {
	o := open(t)
	entered, release, drained := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go o.contain(newRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	<-entered
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	o.Drain(short)
	if !errors.Is(short.Err(), context.DeadlineExceeded) {
		t.Error("Drain did not wait for the work")
	}
	if reply, err := o.Invoke(t.Context(), []byte("GET /readyz HTTP/1.1\nHost: h\n\n")); err != nil || reply.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %+v, %v", reply, err)
	}
	go func() { o.Drain(context.Background()); close(drained) }()
	select {
	case <-drained:
		t.Error("Drain returned before the work was done")
	default:
	}
	close(release)
	<-drained
}

package features

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/wire"
)

// sourceFunc is a Source made of a function.
type sourceFunc func(ctx context.Context, id string) (Row, error)

func (f sourceFunc) Fetch(ctx context.Context, id string) (Row, error) { return f(ctx, id) }

func jsonRow(text string) Row { return Row{Media: wire.JSON, Body: []byte(text)} }

func TestRowsAreRememberedForAWhile(t *testing.T) {
	calls := map[string]int{}
	f := New(sourceFunc(func(_ context.Context, id string) (Row, error) {
		calls[id]++
		switch id {
		case "unknown":
			return Row{}, ErrNotFound
		case "failing":
			return Row{}, ErrFinal
		case "broken":
			return jsonRow(`{`), nil
		case "faulty":
			return jsonRow(`{"amount":"x","colour":"red"}`), nil
		}
		return jsonRow(`{"amount":1,"colour":"red"}`), nil
	}), Options{Concurrency: 1, TTL: time.Minute})
	clock := time.Now()
	f.memory.now = func() time.Time { return clock }
	ids := []string{"good", "unknown", "failing", "broken", "faulty"}
	for _, step := range []struct {
		after time.Duration
		good  int // calls for the good row so far
	}{{0, 1}, {59 * time.Second, 1}, {time.Second, 2}, {0, 2}} {
		clock = clock.Add(step.after)
		fillAll(t, f, testSchema(t), ids...)
		if calls["good"] != step.good {
			t.Errorf("got %d calls, want %d", calls["good"], step.good)
		}
	}
	for _, id := range ids[1:] {
		if calls[id] != 4 {
			t.Errorf("%s: got %d calls, want 4: it must not be remembered", id, calls[id])
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	body := make([]byte, 1000)
	for _, o := range []Options{
		{TTL: time.Hour, Remember: 10, CacheBytes: 1 << 20},
		{TTL: time.Hour, Remember: 1000, CacheBytes: 10 * (1000 + overhead + 5)},
	} {
		m := newMemory(o)
		for i := range 100 {
			m.keep(fmt.Sprintf("id-%02d", i), Row{Body: body})
			m.keep(fmt.Sprintf("id-%02d", i), Row{Body: body}) // once more: counted once
		}
		if got := m.rows.Len(); got != 10 {
			t.Errorf("%+v: got %d rows, want 10", o, got)
		}
		if want := 10 * (1000 + overhead + 5); m.bytes != want {
			t.Errorf("%+v: got %d bytes, want %d", o, m.bytes, want)
		}
		if _, ok, _, _ := m.get("id-99"); !ok {
			t.Error("the newest row is gone")
		}
		m.keep("large", Row{Body: make([]byte, 2<<20)})
		if _, ok, _, _ := m.get("large"); ok {
			t.Error("a row larger than the memory was kept")
		}
	}
}

func TestCallsUnderWayAreShared(t *testing.T) {
	const callers = 20
	var calls atomic.Int32
	waiting, release := make(chan struct{}), make(chan struct{})
	f := New(sourceFunc(func(context.Context, string) (Row, error) {
		if calls.Add(1) == 1 {
			close(waiting)
		}
		<-release
		return jsonRow(`{"amount":1,"colour":"red"}`), nil
	}), Options{})
	s := testSchema(t)
	var all sync.WaitGroup
	results := make([]string, callers)
	for i := range callers {
		all.Go(func() { results[i] = codes(fillAll(t, f, s, "x")) })
		<-waiting
	}
	// Those that have not looked yet would call once more: wait until all
	// have read the flight.
	for blocked := 0; blocked < callers-1; blocked = blockedIn("lookup") {
		runtime.Gosched()
	}
	close(release)
	all.Wait()
	if got := calls.Load(); got != 1 {
		t.Errorf("got %d calls for %d requests, want 1", got, callers)
	}
	for i, got := range results {
		if got != "[]" {
			t.Errorf("request %d: got %s", i, got)
		}
	}
}

func TestAnotherCallerTakesOverFromOneThatGaveUp(t *testing.T) {
	var calls atomic.Int32
	began := make(chan struct{})
	f := New(sourceFunc(func(ctx context.Context, _ string) (Row, error) {
		if calls.Add(1) == 1 {
			close(began)
			<-ctx.Done()
			return Row{}, ctx.Err()
		}
		return jsonRow(`{"amount":1,"colour":"red"}`), nil
	}), Options{Timeout: time.Hour})
	s := testSchema(t)
	ctx, cancel := context.WithCancel(t.Context())
	var first error
	var second string
	var all sync.WaitGroup
	all.Go(func() { first = f.Fill(ctx, []string{"x"}, s, new(frame.Frame)) })
	<-began
	all.Go(func() { second = codes(fillAll(t, f, s, "x")) })
	for blockedIn("lookup") < 1 {
		runtime.Gosched()
	}
	cancel()
	all.Wait()
	var e *fault.Error
	if !errors.As(first, &e) || e.Code != fault.Deadline {
		t.Errorf("the one that gave up: got %v", first)
	}
	if second != "[]" || calls.Load() != 2 {
		t.Errorf("the other: got %s after %d calls, want a row after 2", second, calls.Load())
	}
}

// blockedIn counts goroutines that wait in a select of a method of this
// package.
func blockedIn(method string) int {
	buf := make([]byte, 1<<20)
	n := 0
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, rest, _ := strings.Cut(g, "\n")
		if strings.Contains(head, "[select") && strings.HasPrefix(rest, "example.com/copse/pkg/features.(*Fetcher)."+method+"(") {
			n++
		}
	}
	return n
}

func TestConcurrencyIsBoundedOverAllRequests(t *testing.T) {
	const limit, requests, each = 7, 5, 40
	var now, most atomic.Int32
	f := New(sourceFunc(func(ctx context.Context, _ string) (Row, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		runtime.Gosched()
		return jsonRow(`{"amount":1,"colour":"red"}`), nil
	}), Options{Concurrency: limit})
	s := testSchema(t)
	var all sync.WaitGroup
	for r := range requests {
		ids := make([]string, each)
		for i := range ids {
			ids[i] = fmt.Sprintf("%d-%d", r, i)
		}
		all.Go(func() { fillAll(t, f, s, ids...) })
	}
	all.Wait()
	if got := most.Load(); got > limit {
		t.Errorf("got %d calls at once, want at most %d", got, limit)
	}
}

func TestAPanicIsOneRowsFault(t *testing.T) {
	f := New(sourceFunc(func(_ context.Context, id string) (Row, error) {
		if id == "bad" {
			panic("a defect")
		}
		return jsonRow(`{"amount":1,"colour":"red"}`), nil
	}), Options{Concurrency: 2})
	for range 3 {
		fr := fillAll(t, f, testSchema(t), "a", "bad", "b")
		if got, want := codes(fr), "[][features_failed:id][]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	service := newService(t, func(w http.ResponseWriter, r *http.Request, id string, n int) {
		if id[0] == 'h' {
			<-r.Context().Done()
			return
		}
		goodRow(w, r, id, n)
	})
	f := mustOpen(t, service.uri(), Options{Timeout: 100 * time.Millisecond})
	ids := make([]string, 200)
	for i := range ids {
		ids[i] = fmt.Sprintf("%c-%d", "gh"[i%2], i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = f.Fill(ctx, ids, testSchema(t), new(frame.Frame))
	fillAll(t, f, testSchema(t), ids[:20]...)
	f.Close()
	service.Close()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

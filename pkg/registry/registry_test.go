package registry

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
)

// counting returns a source that counts its loads and waits for gate, if any.
func counting(name string, n *atomic.Int32, gate chan struct{}) Source {
	return Source{Name: name, Load: func(context.Context, string) (*predict.Model, error) {
		if n.Add(1) > 1 && gate != nil {
			<-gate
		}
		return new(predict.Model), nil
	}}
}

func TestOpenLoadsAtStart(t *testing.T) {
	var a, b atomic.Int32
	r, err := Open(t.Context(), []Source{counting("a", &a, nil), counting("b", &b, nil)}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if a.Load() != 1 || b.Load() != 1 {
		t.Errorf("loads at start: got %d and %d, want 1 and 1", a.Load(), b.Load())
	}
	first, release, err := r.Get(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	release()
	named, _, _ := r.Get(t.Context(), "a")
	if first != named {
		t.Error("the default model is not the first one")
	}
	if got := strings.Join(r.Names(), ","); got != "a,b" {
		t.Errorf("names: got %s", got)
	}
}

func TestFailedLoadIsAnErrorAtStart(t *testing.T) {
	broken := errors.New("no such file")
	tests := []struct {
		name string
		load Load
		want string
	}{
		{"error", func(context.Context, string) (*predict.Model, error) { return nil, broken }, `model "m": no such file`},
		{"panic", func(context.Context, string) (*predict.Model, error) { panic("boom") }, `model "m": panic while loading: boom`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), []Source{{"m", tt.load}}, 1)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	var n atomic.Int32
	if _, err := Open(t.Context(), nil, 1); err == nil {
		t.Error("no model: no error")
	}
	if _, err := Open(t.Context(), []Source{counting("a", &n, nil), counting("a", &n, nil)}, 1); err == nil {
		t.Error("one name twice: no error")
	}
}

func TestUnknownModel(t *testing.T) {
	var n atomic.Int32
	r, err := Open(t.Context(), []Source{counting("a", &n, nil)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Get(t.Context(), "nobody")
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.ModelNotFound {
		t.Errorf("got %v", err)
	}
}

// TestSingleFlight asks for a model that was put out of memory from many
// goroutines at once: it is loaded once more, and who already holds it keeps
// it.
func TestSingleFlight(t *testing.T) {
	var a, b atomic.Int32
	gate := make(chan struct{})
	r, err := Open(t.Context(), []Source{counting("a", &a, nil), counting("b", &b, gate)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	const callers = 16
	models := make([]*predict.Model, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			m, release, err := r.Get(t.Context(), "b")
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			models[i] = m
		})
	}
	close(gate)
	wg.Wait()
	if b.Load() != 2 {
		t.Errorf("loads of b: got %d, want 2 (at start, and once again)", b.Load())
	}
	for _, m := range models {
		if m != models[0] {
			t.Fatal("two loads gave two models")
		}
	}
}

func TestDeadlineWhileLoading(t *testing.T) {
	var a, b atomic.Int32
	gate := make(chan struct{})
	defer close(gate)
	r, err := Open(t.Context(), []Source{counting("a", &a, nil), counting("b", &b, gate)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = r.Get(ctx, "b")
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Deadline {
		t.Errorf("got %v, want a deadline", err)
	}
}

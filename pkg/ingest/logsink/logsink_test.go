package logsink

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinktest"
)

type line struct {
	Level  string          `json:"level"`
	Text   string          `json:"msg"`
	Result json.RawMessage `json:"result"`
}

// TestPut logs one line a message, also where the log is set to errors only: a
// result that is not logged would be lost.
func TestPut(t *testing.T) {
	for _, c := range []struct {
		m           ingest.Message
		level, text string
	}{
		{ingest.Message{Body: []byte(`{"prediction":1,"source":{"kind":"sqs"}}`)}, "INFO", "result"},
		{ingest.Message{Body: []byte(`{"reason":{}}`), Dead: true}, "WARN", "dead letter"},
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelError} {
			var out bytes.Buffer
			sink, err := Open(t.Context(), "log", slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})))
			if err != nil {
				t.Fatal(err)
			}
			if err := sink.Put(t.Context(), c.m); err != nil {
				t.Fatal(err)
			}
			var got line
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
				t.Fatalf("%v in %s", err, out.Bytes())
			}
			if got.Level != c.level || got.Text != c.text || !bytes.Equal(got.Result, c.m.Body) {
				t.Errorf("got %s", out.Bytes())
			}
		}
	}
}

// locked is a log that several write to.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// results takes the results out of the lines so far.
func (l *locked) results(t testing.TB) (bodies [][]byte) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := json.NewDecoder(&l.b); d.More(); {
		var got line
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, got.Result)
	}
	l.b.Reset()
	return bodies
}

// TestSuite: what all sinks have in common.
func TestSuite(t *testing.T) {
	sinktest.Sink(t, func(t *testing.T) sinktest.Target {
		out := new(locked)
		sink, err := Open(t.Context(), "log", slog.New(slog.NewJSONHandler(out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		return sinktest.Target{Sink: sink, Received: out.results, Max: maxLine}
	})
}

func TestTooLong(t *testing.T) {
	var out bytes.Buffer
	sink, err := Open(t.Context(), "log", slog.New(slog.NewJSONHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	body := append(bytes.Repeat([]byte{' '}, maxLine-1), '1')
	if err := sink.Put(t.Context(), ingest.Message{Body: body}); err != nil {
		t.Errorf("the longest result: %v", err)
	}
	err = sink.Put(t.Context(), ingest.Message{Body: append(body, ' ')})
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.ReplyTooLarge {
		t.Errorf("got %v", err)
	}
}

// broken is a log that cannot be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestFailedWrite(t *testing.T) {
	sink, err := Open(t.Context(), "log", slog.New(slog.NewJSONHandler(broken{}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Put(t.Context(), ingest.Message{Body: []byte("{}")}); err == nil {
		t.Error("a result that was not written counts as written")
	}
}

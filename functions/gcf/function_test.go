package gcf

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/filestore"
	"example.com/copse/pkg/ingest/objectscore"
)

// memory is a sink that keeps what it is given, or fails.
type memory struct {
	mu   sync.Mutex
	got  []ingest.Message
	fail error
}

func (m *memory) Put(_ context.Context, msg ingest.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	msg.Body = bytes.Clone(msg.Body)
	m.got = append(m.got, msg)
	return nil
}

// opened is a function with its sinks, its log, and the folder of its objects.
type opened struct {
	*Function
	sink, dead memory
	log        logged
	objects    string
}

// logged is a writer that other goroutines may read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// generations takes a folder's objects for the generations that events name.
type generations struct{ *filestore.Folder }

func (g generations) Open(ctx context.Context, o ingest.Object) (ingest.Reader, error) {
	r, err := g.Folder.Open(ctx, o)
	return generationOf{r, o.Version}, err
}

type generationOf struct {
	ingest.Reader
	version string
}

func (g generationOf) Object() ingest.Object {
	o := g.Reader.Object()
	o.Version = g.version
	return o
}

// open opens OnEvent with the settings, its sinks in memory.
func open(t testing.TB, settings ...string) *opened {
	t.Helper()
	o := &opened{objects: t.TempDir()}
	folder, err := filestore.New(o.objects, filestore.Options{AnyVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	environ := append([]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=memory:"}, settings...)
	f, err := Open(t.Context(), environ, NewLogger(&o.log, "p"), Options{Sinks: map[string]Driver{
		"memory": func(context.Context, string, *slog.Logger) (ingest.Sink, error) { return &o.sink, nil },
		"dead":   func(context.Context, string, *slog.Logger) (ingest.Sink, error) { return &o.dead, nil },
		"bucket": func(context.Context, string, *slog.Logger) (ingest.Sink, error) {
			return ingest.NewBucket(folder.Bucket("answers"), scheme, "answers", "", ingest.BucketOptions{}), nil
		},
	}, Score: objectscore.Score, Objects: map[string]ObjectsDriver{
		scheme: func(context.Context, *slog.Logger) (ingest.Objects, error) { return generations{folder}, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.Function = f
	return o
}

func TestTarget(t *testing.T) {
	tests := []struct {
		environ []string
		want    string
	}{
		{nil, "Predict"},
		{[]string{"FUNCTION_TARGET="}, "Predict"},
		{[]string{"FUNCTION_TARGET=Predict"}, "Predict"},
		{[]string{"FUNCTION_TARGET=OnEvent"}, "OnEvent"},
		{[]string{"FUNCTION_TARGET=predict"}, ""},
	}
	for _, tt := range tests {
		if got, err := Target(tt.environ); got != tt.want || (err == nil) == (tt.want == "") {
			t.Errorf("%v: got %q, %v, want %q", tt.environ, got, err, tt.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		environ []string
		want    string
	}{
		{[]string{"FUNCTION_TARGET=Train"}, "the entry points are Predict and OnEvent"},
		{[]string{"COPSE_MAX_ROW=1"}, "did you mean COPSE_MAX_ROWS?"},
		{[]string{"COPSE_MODEL=nowhere.copse"}, "nowhere.copse"},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=s3://bucket/"}, `COPSE_SINK: this function has no sink "s3"`},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=memory:", "COPSE_OBJECTS=gs:flowers"}, "COPSE_OBJECTS: "},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=memory:", "COPSE_RESULT_NAME={bucket}"}, "COPSE_RESULT_NAME: "},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=memory:", "COPSE_DEAD_LETTER=gs://b/"}, `COPSE_DEAD_LETTER: this function has no sink "gs"`},
	}
	sinks := map[string]Driver{"memory": func(context.Context, string, *slog.Logger) (ingest.Sink, error) { return new(memory), nil }}
	for _, tt := range tests {
		_, err := Open(t.Context(), tt.environ, slog.New(slog.DiscardHandler), Options{Sinks: sinks})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.environ, err, tt.want)
		}
	}
}

// TestPredictOpensNoSink: an HTTP function starts without the right to write,
// and answers no events.
func TestPredictOpensNoSink(t *testing.T) {
	f, err := Open(t.Context(), []string{"COPSE_SINK=pubsub:projects/p/topics/answers"}, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := f.Invoke(t.Context(), fixture(t, "push-row.json"))
	if err != nil || reply.Status != http.StatusNotFound || !bytes.Contains(reply.Body, []byte("--entry-point=OnEvent")) {
		t.Errorf("got %+v, %v", reply, err)
	}
}

// TestFailedSink: a record whose result cannot be written is not done, and is
// answered when it is delivered again.
func TestFailedSink(t *testing.T) {
	o := open(t, "COPSE_DEAD_LETTER=dead:")
	o.sink.fail = io.ErrClosedPipe
	push := fixture(t, "push-row.json")
	if reply, err := o.Invoke(t.Context(), push); err != nil || reply.Status != http.StatusServiceUnavailable {
		t.Fatalf("got %+v, %v", reply, err)
	}
	o.sink.fail = nil
	if reply, err := o.Invoke(t.Context(), push); err != nil || reply.Status != http.StatusOK {
		t.Fatalf("delivered again: got %+v, %v", reply, err)
	}
	if len(o.sink.got) != 1 || len(o.dead.got) != 0 {
		t.Errorf("%d results, %d dead letters", len(o.sink.got), len(o.dead.got))
	}
}

// TestFailedDeadLetter: a poison record is not done before its dead letter is
// written.
func TestFailedDeadLetter(t *testing.T) {
	o := open(t, "COPSE_DEAD_LETTER=dead:")
	o.dead.fail = io.ErrClosedPipe
	poison := fixture(t, "push-binary.json")
	if reply, err := o.Invoke(t.Context(), poison); err != nil || reply.Status != http.StatusServiceUnavailable {
		t.Fatalf("got %+v, %v", reply, err)
	}
	o.dead.fail = nil
	if reply, err := o.Invoke(t.Context(), poison); err != nil || reply.Status != http.StatusOK {
		t.Fatalf("delivered again: got %+v, %v", reply, err)
	}
	if len(o.dead.got) != 1 || !o.dead.got[0].Dead || !strings.Contains(o.log.String(), "dead-letter sink") {
		t.Errorf("got %+v, log %s", o.dead.got, o.log.String())
	}
}

// TestDuplicates: a message that is delivered twice is answered twice, under
// one id.
func TestDuplicates(t *testing.T) {
	o := open(t)
	for range 2 {
		if reply, err := o.Invoke(t.Context(), fixture(t, "push-row.json")); err != nil || reply.Status != http.StatusOK {
			t.Fatalf("got %+v, %v", reply, err)
		}
	}
	if got := o.sink.got; len(got) != 2 || got[0].ID != got[1].ID || got[0].ID == "" || !bytes.Equal(got[0].Body, got[1].Body) {
		t.Errorf("got %+v", got)
	}
}

func TestInvoke(t *testing.T) {
	tests := []struct {
		name   string
		event  string
		status int
		body   string // a part of it
	}{
		{"a row", row, 200, `{"prediction":"setosa"`},
		{"a batch", "[" + row + "," + row + "]", 200, `"stats":{"rows":2,`},
		{"a bad row", `{"sepal_length":51}`, 422, `"code":"`},
		{"an HTTP request", "POST /predict HTTP/1.1\nHost: h\nContent-Type: application/json\n\n" + row, 200, `{"prediction":"setosa"`},
		{"a probe", "GET /readyz HTTP/1.1\nHost: h\n\n", 200, ""},
		{"a push", string(fixture(t, "push-row.json")), 200, ""},
		{"a CloudEvent, binary", string(fixture(t, "cloudevent-binary.http")), 200, ""},
		{"a CloudEvent, structured, with header", string(fixture(t, "cloudevent-structured.http")), 200, ""},
		{"a CloudEvent, structured, alone", string(bytes.SplitN(fixture(t, "cloudevent-structured.http"), []byte("\n\n"), 2)[1]), 200, ""},
		{"a poison push", `{"message":{"data":"%%%"}}`, 400, "not base64"},
	}
	for _, tt := range tests {
		o := open(t)
		got, err := o.Invoke(t.Context(), []byte(tt.event))
		if err != nil || got.Status != tt.status || !strings.Contains(string(got.Body), tt.body) {
			t.Errorf("%s: got %+v (%s), %v, want %d, %s", tt.name, got, got.Body, err, tt.status, tt.body)
		}
	}
	if _, err := open(t).Invoke(t.Context(), []byte("POST HTTP/1.1")); err == nil {
		t.Error("a broken request is no error")
	}
}

// TestEventsWaitForRoom: events that would not fit into memory together are
// answered one after the other; one that waits too long is to be delivered
// again.
func TestEventsWaitForRoom(t *testing.T) {
	o := open(t, "COPSE_TIMEOUT=50ms")
	push := string(fixture(t, "push-row.json"))
	request := func() *http.Request {
		return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(push))
	}
	if err := o.events.Acquire(t.Context(), eventBudget(o.app.Config)); err != nil {
		t.Fatal(err)
	}
	w := newRecorder()
	if o.OnEvent(w, request()); w.status != http.StatusServiceUnavailable || w.header.Get("Retry-After") == "" {
		t.Errorf("without room: got %d %s", w.status, &w.body)
	}
	o.events.Release(eventBudget(o.app.Config))
	w = newRecorder()
	if o.OnEvent(w, request()); w.reply().Status != http.StatusOK || len(o.sink.got) != 1 {
		t.Errorf("with room: got %d %s", w.status, &w.body)
	}
	if !o.events.TryAcquire(eventBudget(o.app.Config)) {
		t.Error("an event that is done still holds memory")
	}
}

// TestEventBudget: the largest event that may come always finds room.
func TestEventBudget(t *testing.T) {
	for _, tt := range []struct{ body, inflight, want int64 }{
		{16 << 20, 64 << 20, 16 << 20},
		{1 << 20, 64 << 20, 16 << 20},
		{32 << 20, 64 << 20, 32 << 20},
	} {
		if got := eventBudget(&config.Config{MaxBody: tt.body, MaxInflight: tt.inflight}); got != tt.want {
			t.Errorf("%+v: got %d", tt, got)
		}
	}
}

// brokenBody is a body that ends before it is whole, or is late.
type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }

func TestBodyThatDoesNotArrive(t *testing.T) {
	for err, want := range map[error]string{
		io.ErrUnexpectedEOF:    "did not arrive whole",
		os.ErrDeadlineExceeded: "did not arrive in time",
	} {
		w := newRecorder()
		open(t).OnEvent(w, httptest.NewRequest(http.MethodPost, "/", brokenBody{err}))
		if w.status != http.StatusBadRequest || !strings.Contains(w.body.String(), want) {
			t.Errorf("%v: got %d %s", err, w.status, &w.body)
		}
	}
}

// TestInvokeFixtures: every fixture is what it says it is. Those that are not
// named here are answered with 200.
func TestInvokeFixtures(t *testing.T) {
	status := map[string]int{
		"push-attributes-only.json":       http.StatusBadRequest,
		"push-binary.json":                http.StatusBadRequest,
		"cloudevent-storage-numbers.http": http.StatusNotFound,
		"cloudevent-storage-sample.http":  http.StatusNotFound,
	}
	names, err := filepath.Glob(filepath.Join(fixtures, "*.*"))
	if err != nil || len(names) < 20 {
		t.Fatal(len(names), err)
	}
	for _, path := range names {
		name := filepath.Base(path)
		if name == "README.md" {
			continue
		}
		o := open(t)
		rows, err := os.ReadFile("../../testdata/events/objects/flowers/2026/beds 1+2.csv")
		if err != nil {
			t.Fatal(err)
		}
		o.store(t, "flowers/2026/beds 1+2.csv", rows)
		want := http.StatusOK
		if s, ok := status[name]; ok {
			want = s
		}
		reply, err := o.Invoke(t.Context(), fixture(t, name))
		if err != nil || reply.Status != want {
			t.Errorf("%s: got %+v, %v", name, reply, err)
		}
		if idle := strings.Contains(name, "delete") || strings.Contains(name, "audit"); len(o.sink.got) == 0 == (want == http.StatusOK && !idle) {
			t.Errorf("%s: %d results", name, len(o.sink.got))
		}
	}
}

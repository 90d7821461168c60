package lambda_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/copse/functions/lambda"
	"example.com/copse/functions/lambda/runtimetest"
)

// binaries are the real bootstraps, built once with the flags of a deployment.
var binaries struct {
	dir             string
	predict, events func() (string, error)
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "copse-lambda")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	build := func(name string) func() (string, error) {
		return sync.OnceValues(func() (string, error) {
			sub := filepath.Join(dir, name)
			return runtimetest.Build(context.Background(), sub, "./"+name)
		})
	}
	binaries.predict, binaries.events = build("predict"), build("events")
	code := m.Run()
	_ = os.RemoveAll(dir) // what is left of it is the system's to clean
	os.Exit(code)
}

func binary(t testing.TB, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t testing.TB, build func() (string, error), env ...string) *runtimetest.Process {
	t.Helper()
	p, err := runtimetest.Start(binary(t, build), env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(eventDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// invoke hands p an event; the reply must come.
func invoke(t testing.TB, p *runtimetest.Process, event []byte) runtimetest.Reply {
	t.Helper()
	r, err := p.Invoke(limited(t), event)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Log())
	}
	return r
}

func waitLog(t *testing.T, p *runtimetest.Process, lines int) {
	t.Helper()
	if err := p.WaitLog(limited(t), lines); err != nil {
		t.Fatalf("%v\n%s", err, p.Log())
	}
}

// logLines reads what a process logged: with the log format JSON every line is
// an object.
func logLines(t *testing.T, p *runtimetest.Process) (lines []map[string]any) {
	t.Helper()
	s := bufio.NewScanner(strings.NewReader(p.Log()))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Errorf("a line of the log is no JSON: %s", s.Text())
			continue
		}
		for _, name := range []string{"timestamp", "level", "message"} {
			if _, ok := line[name].(string); !ok {
				t.Errorf("a line has no %s: %s", name, s.Text())
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// TestProcessPredict: the deployed binary answers what the library answers
// here, for every source, again and again in one process.
func TestProcessPredict(t *testing.T) {
	p := run(t, binaries.predict)
	f, _, _ := function(t)
	for range 2 {
		for _, name := range []string{"http-api-v2.json", "http-api-v2-stage.json", "http-api-v2-base64.json", "http-api-v1.json",
			"rest.json", "function-url.json", "alb.json", "alb-multi-value.json", "direct-row.json", "direct-batch.json"} {
			event := fixture(t, name)
			want, err := f.Invoke(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			got := invoke(t, p, event)
			if got.Error != nil || !bytes.Equal(got.Body, want) {
				t.Errorf("%s: got %s, want %s", name, got.Body, want)
			}
		}
	}
}

func TestProcessErrors(t *testing.T) {
	p := run(t, binaries.predict)
	for _, c := range []struct{ event, name, text string }{
		{`{"sepal_length":51,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`, "InvalidInput", "out_of_range: row 0: sepal_length"},
		{`{`, "InvalidInput", "malformed"},
		{`{"Records":[{"eventSource":"aws:sqs"}]}`, "UnsupportedEvent", "functions/lambda/events"},
	} {
		got := invoke(t, p, []byte(c.event))
		if got.Error == nil || got.Error.Type != c.name || !strings.Contains(got.Error.Message, c.text) {
			t.Errorf("%s: got %s", c.event, got.Body)
		}
	}
	if got := invoke(t, p, fixture(t, "direct-row.json")); got.Error != nil {
		t.Errorf("after errors: %v", got.Error)
	}
	waitLog(t, p, 3) // one for each failed invocation
	logLines(t, p)
}

// TestProcessLoops has several loops in one process answer at once.
func TestProcessLoops(t *testing.T) {
	const loops = 4
	p := run(t, binaries.predict, fmt.Sprint("AWS_LAMBDA_MAX_CONCURRENCY=", loops))
	if err := p.WaitLoops(limited(t), loops); err != nil {
		t.Fatal(err)
	}
	event := fixture(t, "rest.json")
	want := invoke(t, p, event).Body
	var wg sync.WaitGroup
	for range 2 * loops {
		wg.Go(func() {
			for range 50 {
				got, err := p.Invoke(limited(t), event)
				if err != nil || got.Error != nil || !bytes.Equal(got.Body, want) {
					t.Errorf("got %s, %v", got.Body, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestProcessDeadline: a function whose time is over before it began says so
// and lives on.
func TestProcessDeadline(t *testing.T) {
	p := run(t, binaries.predict)
	got, err := p.InvokeUntil(limited(t), []byte(`[{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}]`), time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if got.Error == nil || got.Error.Type != "TemporaryFailure" || !strings.HasPrefix(got.Error.Message, "deadline") {
		t.Errorf("got %s", got.Body)
	}
	if got := invoke(t, p, fixture(t, "direct-row.json")); got.Error != nil {
		t.Error(got.Error)
	}
}

// TestProcessStartErrors: what is wrong ends the process at start, with one
// clear line, and the platform is told.
func TestProcessStartErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		main func() (string, error)
		env  string
		want string
	}{
		{"a model that is not there", binaries.predict, "COPSE_MODEL=/nowhere.copse", "nowhere"},
		{"a misspelt setting", binaries.predict, "COPSE_MODLE=x", "did you mean COPSE_MODEL?"},
		{"a limit that is none", binaries.predict, "COPSE_MAX_ROWS=many", "COPSE_MAX_ROWS: must be a whole number"},
		{"a sink that is not built", binaries.events, "COPSE_SINK=kafka:topic", "no sink \"kafka\""},
		{"a sink of another cloud", binaries.events, "COPSE_SINK=pubsub:projects/p/topics/t", "no sink \"pubsub\""},
		{"a sink that is no queue", binaries.events, "COPSE_SINK=sqs:queue", "COPSE_SINK: must be \"sqs:\""},
		{"a dead-letter sink that is not built", binaries.events, "COPSE_DEAD_LETTER=gs://bucket/", "COPSE_DEAD_LETTER: this function has no sink \"gs\""},
	} {
		p := run(t, c.main, c.env)
		select {
		case <-p.Done():
		case <-limited(t).Done():
			t.Fatalf("%s: the process goes on", c.name)
		}
		if p.ExitCode() == 0 {
			t.Errorf("%s: exit status 0", c.name)
		}
		lines := logLines(t, p)
		if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), c.want) || lines[0]["level"] != "ERROR" {
			t.Errorf("%s: logged %s", c.name, p.Log())
		}
		select {
		case e := <-p.InitError():
			if e.Type != "InitError" || !strings.Contains(e.Message, c.want) {
				t.Errorf("%s: reported %v", c.name, e)
			}
		default:
			t.Errorf("%s: the platform is not told", c.name)
		}
	}
}

// TestProcessLog: results go to the log, with the invocation's id, whatever
// its level; at the level DEBUG more is said.
func TestProcessLog(t *testing.T) {
	p := run(t, binaries.events, "AWS_LAMBDA_LOG_LEVEL=ERROR")
	got := invoke(t, p, fixture(t, "sqs.json"))
	if got.Error != nil || string(got.Body) != `{"batchItemFailures":[]}` {
		t.Fatalf("got %s", got.Body)
	}
	waitLog(t, p, 3)
	lines := logLines(t, p)
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3: %s", len(lines), p.Log())
	}
	for _, line := range lines {
		result, _ := line["result"].(map[string]any)
		if line["message"] != "result" || line["requestId"] != "request-1" || result["source"] == nil || result["model"] == nil {
			t.Errorf("got %v", line)
		}
	}

	p = run(t, binaries.predict, "AWS_LAMBDA_LOG_LEVEL=DEBUG")
	invoke(t, p, fixture(t, "rest.json"))
	waitLog(t, p, 1)
	if lines := logLines(t, p); len(lines) == 0 || lines[0]["level"] != "DEBUG" {
		t.Errorf("at DEBUG the log says %s", p.Log())
	}
	p = run(t, binaries.predict)
	invoke(t, p, fixture(t, "rest.json"))
	p.Stop()
	if p.Log() != "" {
		t.Errorf("at INFO an answered request is logged: %s", p.Log())
	}
}

// queue is SQS as far as SendMessage goes. It keeps the bodies, and refuses
// those that contain a word.
type queue struct {
	mu     sync.Mutex
	refuse string
	got    []string
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ QueueUrl, MessageBody string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != "" && strings.Contains(m.MessageBody, q.refuse) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`)
		return
	}
	name := m.QueueUrl[strings.LastIndexByte(m.QueueUrl, '/')+1:]
	q.got = append(q.got, name+" "+m.MessageBody)
	fmt.Fprint(w, `{"MessageId":"m"}`)
}

// TestProcessQueue runs the events function against a queue: results and dead
// letters arrive, and what could not be written is named as failed.
func TestProcessQueue(t *testing.T) {
	q := &queue{refuse: "661970000004"}
	server := httptest.NewServer(q)
	defer server.Close()
	base := "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/"
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"COPSE_SINK="+base+"results", "COPSE_DEAD_LETTER="+base+"dead")
	got := invoke(t, p, fixture(t, "sqs-partial.json"))
	if want := `{"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661970000004"}]}`; got.Error != nil || string(got.Body) != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
	slices.Sort(q.got)
	want := []string{`dead {"source"`, `dead {"source"`, `results {"prediction":"setosa"`}
	if len(q.got) != len(want) {
		t.Fatalf("got %q", q.got)
	}
	for i := range want {
		if !strings.HasPrefix(q.got[i], want[i]) {
			t.Errorf("got %s, want %s…", q.got[i], want[i])
		}
	}
}

// TestProcessSources: the deployed binary answers what the library answers
// here, for every source that is no object.
func TestProcessSources(t *testing.T) {
	p := run(t, binaries.events)
	o, _, _ := assemble(t)
	o.API = nil
	f := lambda.New(o)
	names, err := filepath.Glob(filepath.Join(eventDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		name := filepath.Base(path)
		event := fixture(t, name)
		if bytes.Contains(event, []byte("s3://")) || bytes.Contains(event, []byte("aws:s3")) || bytes.Contains(event, []byte("aws.s3")) {
			continue
		}
		want, err := f.Invoke(t.Context(), event)
		got := invoke(t, p, event)
		switch {
		case (got.Error != nil) != (err != nil):
			t.Errorf("%s: got %s, want %s, %v", name, got.Body, want, err)
		case err != nil && (got.Error.Message != err.Error() || got.Error.Type != reflect.TypeOf(err).Elem().Name()):
			t.Errorf("%s: got %s, want %v", name, got.Body, err)
		case err == nil && !bytes.Equal(got.Body, want):
			t.Errorf("%s: got %s, want %s", name, got.Body, want)
		}
	}
}

// TestProcessQueueDown: where the queue cannot be reached, every message is
// delivered again, and the answer comes before the deadline.
func TestProcessQueueDown(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"COPSE_SINK=sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/results")
	deadline := time.Now().Add(2 * time.Second)
	got, err := p.InvokeUntil(limited(t), fixture(t, "sqs.json"), deadline)
	if err != nil || got.Error != nil || bytes.Count(got.Body, []byte("itemIdentifier")) != 3 {
		t.Errorf("got %s, %v", got.Body, err)
	}
	if late := time.Since(deadline); late > 0 {
		t.Errorf("the answer comes %v after the deadline", late)
	}
}

// TestProcessMemory holds the resident memory after many invokes, and the
// sizes of what is deployed.
func TestProcessMemory(t *testing.T) {
	const maxRSS = 16 << 20
	p := run(t, binaries.predict)
	event := fixture(t, "http-api-v2.json")
	for range 1000 {
		if r := invoke(t, p, event); r.Error != nil {
			t.Fatal(r.Error)
		}
	}
	rss, err := p.RSS()
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no /proc here")
	}
	if err != nil || rss > maxRSS {
		t.Errorf("resident memory after 1,000 invokes is %d bytes, the limit is %d: %v", rss, maxRSS, err)
	}
	t.Logf("resident memory: %.1f MB", float64(rss)/1e6)
}

// BenchmarkStart is exec → first /next and → first answer of the deployed
// binaries, beside the smallest function that aws-lambda-go makes, run in turn.
// It reports the least times in ms, which other work on the machine disturbs
// least, and the ratios to that control.
func BenchmarkStart(b *testing.B) {
	bare, err := runtimetest.Build(b.Context(), b.TempDir(), "./runtimetest/bare")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		build func() (string, error)
		event []byte
	}{
		{"predict", binaries.predict, fixture(b, "http-api-v2.json")},
		{"events", binaries.events, fixture(b, "sqs.json")},
	} {
		b.Run(c.name, func(b *testing.B) {
			paths := []string{bare, binary(b, c.build)}
			times, err := runtimetest.Compare(b.Context(), max(b.N, 5), c.event, paths)
			if err != nil {
				b.Fatal(err)
			}
			next := func(s runtimetest.StartUp) time.Duration { return s.Next }
			answer := func(s runtimetest.StartUp) time.Duration { return s.Answer }
			b.ReportMetric(0, "ns/op")
			for _, m := range []struct {
				unit string
				of   func(runtimetest.StartUp) time.Duration
			}{{"next", next}, {"answer", answer}} {
				control, ours := least(times[0], m.of), least(times[1], m.of)
				b.ReportMetric(float64(ours.Microseconds())/1000, "ms/"+m.unit)
				b.ReportMetric(float64(ours)/float64(control), "x/"+m.unit)
			}
		})
	}
}

func least(times []runtimetest.StartUp, of func(runtimetest.StartUp) time.Duration) time.Duration {
	fastest := of(times[0])
	for _, s := range times {
		fastest = min(fastest, of(s))
	}
	return fastest
}

// BenchmarkPredict is the whole way of one row: event bytes → request →
// answer → reply bytes, with the embedded model.
func BenchmarkPredict(b *testing.B) {
	f, _, _ := function(b)
	for _, name := range []string{"http-api-v2.json", "rest.json", "function-url.json", "alb.json", "direct-row.json"} {
		event := fixture(b, name)
		b.Run(strings.TrimSuffix(name, ".json"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Invoke(b.Context(), event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBatch is an event of SQS with three messages.
func BenchmarkBatch(b *testing.B) {
	f, results, _ := function(b)
	event := fixture(b, "sqs.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), event); err != nil {
			b.Fatal(err)
		}
		results.got = results.got[:0]
	}
}

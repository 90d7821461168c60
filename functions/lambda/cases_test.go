package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/filestore"
	"example.com/copse/pkg/ingest/objectscore"
)

var update = flag.Bool("update", false, "write what is answered into the cases")

const (
	eventDir  = "../../testdata/events/aws"
	objectDir = "../../testdata/events/objects" // buckets
)

// function is both functions in one.
func function(t testing.TB, environ ...string) (f *lambda.Function, results, dead *memory) {
	o, results, dead := assemble(t, environ...)
	return lambda.New(o), results, dead
}

// assemble puts together what the mains do, with sinks that keep what they are
// given.
func assemble(t testing.TB, environ ...string) (o lambda.Options, results, dead *memory) {
	t.Helper()
	c, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	results, dead = new(memory), new(memory)
	driver := func(m *memory) setup.Driver {
		return func(context.Context, string, *slog.Logger) (ingest.Sink, error) { return m, nil }
	}
	log := slog.New(slog.DiscardHandler)
	folder, err := filestore.New(objectDir, filestore.Options{AnyVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() }) // only read
	app, err := setup.New(t.Context(), setup.Options{Config: c, Log: log,
		Sinks: map[string]setup.Driver{"log": driver(results), "dead": driver(dead)},
		Objects: map[string]setup.ObjectsDriver{"s3": func(context.Context, *slog.Logger) (ingest.Objects, error) {
			return folder, nil
		}}, Score: objectscore.Score})
	if err != nil {
		t.Fatal(err)
	}
	return lambda.Options{API: app.HTTP, Records: app.Ingest, Log: log}, results, dead
}

// memory is a sink that keeps bodies.
type memory struct {
	mu   sync.Mutex
	got  []ingest.Message
	down map[string]bool // identifiers that cannot be written
}

func (m *memory) Put(_ context.Context, msg ingest.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down[msg.ID] {
		return fmt.Errorf("down")
	}
	msg.Body = bytes.Clone(msg.Body)
	m.got = append(m.got, msg)
	return nil
}

// lines lists what was written, in order of identifiers.
func (m *memory) lines(t *testing.T) []byte {
	slices.SortFunc(m.got, func(a, b ingest.Message) int { return strings.Compare(a.ID, b.ID) })
	var out []byte
	for _, msg := range m.got {
		out = append(out, pretty(t, msg.Body)...)
	}
	return out
}

// TestCases runs the archives of testdata/events/aws/cases: an event (event, a
// file's name, or event.json), an environment (env) and a function (predict or
// events; without it both in one) give a reply (reply.json) or an error (error:
// its name on the wire and its text), results and dead letters. -update writes
// the answers.
func TestCases(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(eventDir, "cases/*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no cases")
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runCase(t, name) })
	}
}

func runCase(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	var event []byte
	which := ""
	var want, got []txtar.File
	for _, file := range archive.Files {
		switch file.Name {
		case "env":
			environ = strings.Fields(string(file.Data))
		case "function":
			which = strings.TrimSpace(string(file.Data))
		case "event":
			if event, err = os.ReadFile(filepath.Join(eventDir, strings.TrimSpace(string(file.Data)))); err != nil {
				t.Fatal(err)
			}
		case "event.json":
			event = file.Data
		default:
			want = append(want, file)
			continue
		}
		got = append(got, file)
	}
	given := len(got)
	o, results, dead := assemble(t, environ...)
	switch which {
	case "predict":
		o.Records = nil
	case "events":
		o.API = nil
	}
	f := lambda.New(o)
	reply, err := f.Invoke(t.Context(), event)
	if err != nil {
		text := reflect.TypeOf(err).Elem().Name() + ": " + err.Error() + "\n"
		got = append(got, txtar.File{Name: "error", Data: []byte(text)})
	} else {
		got = append(got, txtar.File{Name: "reply.json", Data: pretty(t, reply)})
	}
	if len(results.got) > 0 {
		got = append(got, txtar.File{Name: "results.json", Data: results.lines(t)})
	}
	if len(dead.got) > 0 {
		got = append(got, txtar.File{Name: "dead.json", Data: dead.lines(t)})
	}
	if *update {
		archive.Files = got
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	a, b := txtar.Format(&txtar.Archive{Files: got[given:]}), txtar.Format(&txtar.Archive{Files: want})
	if !bytes.Equal(a, b) {
		t.Errorf("got:\n%s\nwant:\n%s", a, b)
	}
}

// madeID is the length of a request id that nobody sent.
const madeID = 32

// fileVersion is what a folder calls the version of a file.
var fileVersion = regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]+$`)

// pretty writes JSON for people: members in order, a body that is JSON opened
// up; digests (which change with the model), made request ids and versions of
// files as "*".
func pretty(t *testing.T, data []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if m, ok := v.(map[string]any); ok {
		openBody(m)
	}
	mask(v)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openBody(m map[string]any) {
	body, ok := m["body"].(string)
	if !ok {
		return
	}
	if m["isBase64Encoded"] == true {
		if plain, err := base64.StdEncoding.DecodeString(body); err == nil {
			body = string(plain)
		}
	}
	var inner any
	if json.Unmarshal([]byte(body), &inner) == nil {
		m["body"] = inner
	}
}

func mask(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["digest"]; ok {
			v["digest"] = "*"
		}
		if version, _ := v["version"].(string); fileVersion.MatchString(version) {
			v["version"] = "*"
		}
		if id, _ := v["X-Request-Id"].(string); len(id) == madeID {
			v["X-Request-Id"] = "*"
		}
		for _, inner := range v {
			mask(inner)
		}
	case []any:
		for _, inner := range v {
			mask(inner)
		}
	}
}

// TestResultsAreReplies: what a message is answered is what HTTP answers to
// the same body, with the source added.
func TestResultsAreReplies(t *testing.T) {
	const row = `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`
	const bad = `{"sepal_length":51,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`
	const head = "sepal_length,sepal_width,petal_length,petal_width\n"
	f, results, _ := function(t)
	for _, c := range []struct{ route, contentType, body string }{
		{"/predict", "application/json", row},
		{"/batch-predict", "application/json", "[" + row + "," + bad + "," + row + "]"},
		{"/batch-predict", "application/json", `{"rows":[` + row + `]}`},
		{"/batch-predict", "application/json", `{"columns":["petal_width","petal_length","sepal_width","sepal_length"],"data":[[0.2,1.4,3.5,5.1],[2.3,5.2,3,6.7]]}`},
		{"/batch-predict", "text/csv", head + "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n5.1,,1.4,0.2\n"},
		{"/batch-predict", "application/x-ndjson", row + "\n" + bad + "\n"},
	} {
		request, err := json.Marshal(map[string]any{"version": "2.0", "rawPath": c.route, "body": c.body,
			"headers":        map[string]string{"content-type": c.contentType},
			"requestContext": map[string]any{"http": map[string]string{"method": "POST"}}})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := f.Invoke(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		var envelope struct{ Body string }
		if err := json.Unmarshal(reply, &envelope); err != nil {
			t.Fatal(err)
		}
		event, err := json.Marshal(map[string]any{"Records": []any{map[string]string{"messageId": "m", "eventSource": "aws:sqs", "body": c.body}}})
		if err != nil {
			t.Fatal(err)
		}
		results.got = nil
		if _, err := f.Invoke(t.Context(), event); err != nil || len(results.got) != 1 {
			t.Fatalf("%s: %d results, %v", c.body, len(results.got), err)
		}
		want := strings.TrimSuffix(envelope.Body, "}") + `,"source":{"kind":"sqs","message_id":"m"}}`
		if got := string(results.got[0].Body); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

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
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
)

var update = flag.Bool("update", false, "write what is answered into the cases")

const eventDir = "../../testdata/events/aws"

// function assembles what the mains assemble, both in one, with sinks that
// keep what they are given.
func function(t testing.TB, environ ...string) (f *lambda.Function, results, dead *memory) {
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
	app, err := setup.New(t.Context(), setup.Options{Config: c, Log: log,
		Sinks: map[string]setup.Driver{"log": driver(results), "dead": driver(dead)}})
	if err != nil {
		t.Fatal(err)
	}
	return lambda.New(lambda.Options{API: app.HTTP, Records: app.Ingest, Log: log}), results, dead
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
// file's name, or event.json) and an environment (env) give a reply
// (reply.json) or an error (error: its name on the wire and its text), results
// and dead letters. -update writes the answers.
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
	var want, got []txtar.File
	for _, file := range archive.Files {
		switch file.Name {
		case "env":
			environ = strings.Fields(string(file.Data))
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
	f, results, dead := function(t, environ...)
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

// pretty writes JSON for people: members in order, a body that is JSON opened
// up, digests (which change with the model) and made request ids as "*".
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

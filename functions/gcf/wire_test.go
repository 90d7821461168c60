package gcf

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"example.com/copse/pkg/ingest"
)

var update = flag.Bool("update", false, "write the replies of testdata/wire anew")

// TestWire runs the cases of testdata/wire: a file is one case. Sections:
//
//	env      settings, one a line; FUNCTION_TARGET=OnEvent unless it says otherwise
//	request  an HTTP request, or "@NAME" for one of testdata/events/google (a
//	         push where NAME ends in .json); several cases may follow each other
//	         as request, reply, request, reply
//	reply    status, some headers, body
//	sink     what was written to COPSE_SINK, a line each
//	dead     what was written to COPSE_DEAD_LETTER (COPSE_DEAD_LETTER=dead:)
//	log      texts that the log contains, one a line
//	object BUCKET/KEY  an object of Cloud Storage
//	result NAME  an object that was written to the bucket of COPSE_SINK=bucket:
//	results  the names of all of them
//
// Digests of models are left out, so that a new model leaves the cases alone.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	c, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var settings []string
	for _, section := range c.Files {
		if section.Name == "env" {
			settings = strings.Fields(string(section.Data))
		}
	}
	o := open(t, settings...)
	target, err := Target(append([]string{"FUNCTION_TARGET=OnEvent"}, settings...))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(o.Handler(target))
	defer server.Close()
	var reply []byte
	for i := range c.Files {
		section := &c.Files[i]
		var got []byte
		verb, name, _ := strings.Cut(section.Name, " ")
		switch verb {
		case "env":
			continue
		case "object":
			o.store(t, name, section.Data)
			continue
		case "result":
			got = o.stored(t, "answers/"+name)
		case "results":
			got = o.list(t, "answers")
		case "request":
			reply = send(t, server.URL, section.Data)
			continue
		case "log":
			for line := range strings.Lines(string(section.Data)) {
				if want := strings.TrimSpace(line); !strings.Contains(o.log.String(), want) {
					t.Errorf("the log lacks %s:\n%s", want, o.log.String())
				}
			}
			continue
		case "reply":
			got = reply
		case "sink":
			got = written(t, o.sink.got)
		case "dead":
			got = written(t, o.dead.got)
		default:
			t.Fatalf("unknown section %q", section.Name)
		}
		if got = digest.ReplaceAll(got, []byte("sha256:…")); !bytes.Equal(got, section.Data) && !*update {
			t.Errorf("%s: got\n%swant\n%s", section.Name, got, section.Data)
		}
		section.Data = got
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(c), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// store puts an object into the folder that stands for Cloud Storage.
func (o *opened) store(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(o.objects, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// stored is what was written there; nothing where nothing was.
func (o *opened) stored(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(o.objects, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return content
}

// list lists the objects of a bucket.
func (o *opened) list(t *testing.T, bucket string) []byte {
	t.Helper()
	var names bytes.Buffer
	err := fs.WalkDir(os.DirFS(filepath.Join(o.objects, bucket)), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names.Bytes()
}

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// send sends a request as it is written, and returns what matters of the reply.
func send(t *testing.T, url string, text []byte) []byte {
	t.Helper()
	if name, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte("@")); ok {
		text = fixture(t, string(name))
		if bytes.HasSuffix(name, []byte(".json")) {
			text = append([]byte("POST / HTTP/1.1\nHost: h\nContent-Type: application/json\n\n"), text...)
		}
	}
	reader := bufio.NewReader(bytes.NewReader(text))
	r, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequestWithContext(t.Context(), r.Method, url+r.RequestURI, bytes.NewReader(bytes.TrimSuffix(body, []byte("\n"))))
	if err != nil {
		t.Fatal(err)
	}
	again.Header = r.Header
	reply, err := http.DefaultClient.Do(again)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var out bytes.Buffer
	fmt.Fprintln(&out, reply.StatusCode)
	for _, name := range []string{"Content-Type", "Retry-After", "Allow"} {
		if value := reply.Header.Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	out.WriteByte('\n')
	if _, err := out.ReadFrom(reply.Body); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	return requestID.ReplaceAll(out.Bytes(), []byte(`"request_id":"…"`))
}

var requestID = regexp.MustCompile(`"request_id":"[^"]*"`)

// written is a line for each message: what a sink has beside the body, and the
// body.
func written(t *testing.T, messages []ingest.Message) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range messages {
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(struct {
			ID    string          `json:"id"`
			Group string          `json:"group,omitempty"`
			Dead  bool            `json:"dead,omitempty"`
			Body  json.RawMessage `json:"body"`
		}{m.ID, m.Group, m.Dead, m.Body}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

package httpapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"example.com/copse/model"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/httpapi"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

var update = flag.Bool("update", false, "write the replies of testdata/wire anew")

// options serve the embedded model as "iris" and as "second".
func options(t testing.TB) httpapi.Options {
	t.Helper()
	load := registry.Bundle(model.Bundle(), predict.Options{})
	models, err := registry.Open(t.Context(), []registry.Source{{Name: "iris", Load: load}, {Name: "second", Load: load}}, 2)
	if err != nil {
		t.Fatal(err)
	}
	return httpapi.Options{
		Models: models, Wire: wire.Limits{Rows: 1000, Values: 4000, Depth: 16, Text: 4096},
		MaxBody: 1 << 20, MaxInflight: 8 << 20, Log: slog.New(slog.DiscardHandler), Version: "test",
	}
}

// TestWire runs the cases of testdata/wire, each file a list of request and
// reply. The first lines of a file, its comment, may set "features" (rows by
// id from a fixed source) and "cors ORIGIN". In a request, the header
// X-Test-Gzip compresses the body. Digests and ids made here are left out.
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
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	for line := range strings.Lines(string(archive.Comment)) {
		switch word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "features":
			o.Features = fixed{}
		case "cors":
			o.CORS = strings.Fields(rest)
		}
	}
	server := httptest.NewServer(httpapi.New(o))
	defer server.Close()
	var reply []byte
	for i := range archive.Files {
		section := &archive.Files[i]
		if section.Name == "request" {
			reply = send(t, server.URL, section.Data)
			continue
		}
		if !bytes.Equal(reply, section.Data) && !*update {
			t.Errorf("reply %d: got\n%swant\n%s", i/2, reply, section.Data)
		}
		section.Data = reply
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var madeHere = regexp.MustCompile(`sha256:[0-9a-f]{64}|\b[0-9a-f]{32}\b|"[0-9a-f]{24}"`)

// send sends a request written as a request line, headers, an empty line and
// a body, and writes down what matters of the reply.
func send(t *testing.T, url string, text []byte) []byte {
	t.Helper()
	head, body, _ := bytes.Cut(text, []byte("\n\n"))
	lines := bufio.NewScanner(bytes.NewReader(head))
	lines.Scan()
	method, path, _ := strings.Cut(lines.Text(), " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		r.Header.Add(name, value)
	}
	body = bytes.TrimSuffix(body, []byte("\n"))
	if r.Header.Get("X-Test-Gzip") != "" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		body = b.Bytes()
		r.Header.Del("X-Test-Gzip")
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	// No transport of its own would show a reply as it is.
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return madeHere.ReplaceAll(written(res, got), []byte("…"))
}

func written(res *http.Response, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, res.Status)
	var names []string
	for name := range res.Header {
		if name != "Date" && name != "Content-Length" && name != "Content-Security-Policy" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(res.Header[name], "; "))
	}
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, _ = io.ReadAll(z)
		}
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		body = nil
	}
	fmt.Fprintf(&b, "\n%s", body)
	if len(body) > 0 && body[len(body)-1] != '\n' {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// fixed is a source of features that knows two ids, and fails for one.
type fixed struct{}

func (fixed) Fill(_ context.Context, ids []string, s *schema.Schema, f *frame.Frame) error {
	f.Reset(s.NumFeatures())
	for i, id := range ids {
		row := f.Append()
		clear(row)
		switch id {
		case "a":
			copy(row, []float64{5.1, 3.5, 1.4, 0.2})
		case "b":
			copy(row, []float64{6.7, 3.0, 5.2, 2.3})
		case "down":
			f.Fail(fault.Error{Code: fault.FeaturesFailed, Row: i, Field: "id", Message: "the source of features failed"})
		default:
			f.Fail(fault.Error{Code: fault.FeaturesNotFound, Row: i, Field: "id", Message: "the source knows no such id"})
		}
	}
	return nil
}

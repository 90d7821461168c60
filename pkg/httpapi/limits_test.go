package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/httpapi"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

const setosa = `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`

// post calls a handler and returns the status and the code of a problem.
func post(h http.Handler, path string, body io.Reader, headers ...string) (status int, code string, reply []byte) {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var p struct{ Code string }
	_ = json.Unmarshal(w.Body.Bytes(), &p) // a CSV has no code
	return w.Code, p.Code, w.Body.Bytes()
}

func zipped(body io.Reader) *bytes.Buffer {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.Copy(z, body)
	_ = z.Close()
	return &b
}

// unknownLength hides what a reader is, so that nothing announces its length.
type unknownLength struct{ io.Reader }

func repeat(text string, n int) io.Reader { return strings.NewReader(strings.Repeat(text, n)) }

func TestLimits(t *testing.T) {
	o := options(t)
	h := httpapi.New(o)
	rows := func(n int) io.Reader { return strings.NewReader("[" + strings.Repeat(setosa+",", n-1) + setosa + "]") }
	tests := []struct {
		name    string
		body    io.Reader
		headers []string
		status  int
		code    string
	}{
		{"announced too large", repeat(" ", 1<<20+1), nil, 413, "too_large"},
		{"not announced too large", unknownLength{repeat(" ", 1<<20+1)}, nil, 413, "too_large"},
		{"10 MB", unknownLength{repeat("x", 10<<20)}, nil, 413, "too_large"},
		{"gzip bomb", zipped(repeat(" ", 100<<20)), []string{"Content-Encoding", "gzip"}, 413, "too_large"},
		{"cut gzip", bytes.NewReader(zipped(rows(10)).Bytes()[:30]), []string{"Content-Encoding", "gzip"}, 400, "bad_encoding"},
		{"most rows", rows(1000), nil, 200, ""},
		{"too many rows", rows(1001), nil, 413, "too_many_rows"},
		{"nested", repeat("[", 100_000), nil, 400, "too_deep"},
		{"nested objects", io.MultiReader(strings.NewReader("["), repeat(`{"a":`, 100_000)), nil, 400, "too_deep"},
		{"65,000 tiny chunks", unknownLength{&tinyChunks{text: " ", n: 65_000, then: setosa}}, nil, 400, "malformed"},
		{"long text", strings.NewReader(`[{"sepal_length":"` + strings.Repeat("x", 5000) + `"}]`), nil, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, code, reply := post(h, "/batch-predict", tt.body, tt.headers...)
			if status != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s: %.200s", status, code, tt.status, tt.code, reply)
			}
			if bytes.Contains(reply, []byte("xxxxx")) {
				t.Error("the reply echoes the input")
			}
		})
	}
}

// tinyChunks reads one byte at a time.
type tinyChunks struct {
	text string
	n    int
	then string
}

func (c *tinyChunks) Read(p []byte) (int, error) {
	if c.n > 0 {
		c.n--
		return copy(p, c.text), nil
	}
	if c.then == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], c.then)
	c.then = c.then[n:]
	return n, nil
}

// TestBodiesInFlight fills the memory for bodies with one that never ends: the
// next large one is told to come back, single rows are answered all the same,
// and after the first is gone all is well.
func TestBodiesInFlight(t *testing.T) {
	o := options(t)
	o.MaxInflight = 32 << 10
	h := httpapi.New(o)
	large := func() io.Reader { return strings.NewReader(strings.Repeat(" ", 40<<10) + setosa) }
	body, feed := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { post(h, "/predict", unknownLength{body}) })
	if _, err := feed.Write(make([]byte, 36<<10)); err != nil {
		t.Fatal(err)
	}
	// The last of the pipe's bytes are counted right before they are read.
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/predict", large()))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if status, _, _ := post(h, "/predict", strings.NewReader(setosa)); status != http.StatusOK {
		t.Errorf("a single row meanwhile: status %d", status)
	}
	_ = feed.Close()
	wg.Wait()
	if status, _, _ := post(h, "/predict", large()); status != http.StatusOK {
		t.Errorf("after the first body is gone: status %d", status)
	}
	if text := get(h, "/metrics").Body.String(); !strings.Contains(text, "copse_body_bytes 0\n") {
		t.Errorf("bodies are still counted: %s", text)
	}
}

// TestAnnouncedLength: what a client only announces takes no memory.
func TestAnnouncedLength(t *testing.T) {
	o := options(t)
	o.MaxBody, o.MaxInflight = 1<<30, 64<<10
	r := httptest.NewRequest(http.MethodPost, "/predict", unknownLength{strings.NewReader(setosa)})
	r.ContentLength = 1 << 29
	w := httptest.NewRecorder()
	httpapi.New(o).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestHundredErrors caps the list, and says how many there are.
func TestHundredErrors(t *testing.T) {
	h := httpapi.New(options(t))
	body := "[" + strings.Repeat(`{},`, 49) + `{}]`
	_, _, reply := post(h, "/batch-predict?strict=true", strings.NewReader(body))
	var p struct {
		Detail string
		Errors []struct{ Row int }
	}
	if err := json.Unmarshal(reply, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Errors) != 100 || !strings.Contains(p.Detail, "200 errors") {
		t.Errorf("%d errors listed, detail %q", len(p.Errors), p.Detail)
	}
}

// broken is a store of models that fails as it is told.
type broken struct{ fail func() error }

func (b broken) Get(context.Context, string) (*predict.Model, func(), error) {
	return nil, nil, b.fail()
}
func (broken) Names() []string { return []string{"m"} }

// TestFailuresInside: a panic or an error of ours is a 500 that says nothing of
// itself, and the handler lives on.
func TestFailuresInside(t *testing.T) {
	secret := "secret-host-name"
	tests := []struct {
		name   string
		fail   func() error
		status int
		code   string
	}{
		{"panic", func() error { panic(secret) }, 500, "internal"},
		{"error", func() error { return errors.New(secret) }, 500, "internal"},
		{"deadline", func() error { return fmt.Errorf("%s: %w", secret, context.DeadlineExceeded) }, 504, "deadline"},
		{"not loaded", func() error { return fault.Wrap(fault.Unavailable, errors.New(secret), "not loaded") }, 503, "unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			o.Models = broken{tt.fail}
			status, code, reply := post(httpapi.New(o), "/predict", strings.NewReader(setosa))
			if status != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s", status, code, tt.status, tt.code)
			}
			if bytes.Contains(reply, []byte(secret)) {
				t.Errorf("the reply tells of the inside: %s", reply)
			}
		})
	}
}

// slow is a source of features that waits for the end of its context.
type slow struct{}

func (slow) Fill(ctx context.Context, _ []string, s *schema.Schema, f *frame.Frame) error {
	f.Reset(s.NumFeatures())
	<-ctx.Done()
	return ctx.Err()
}

func TestTimeout(t *testing.T) {
	o := options(t)
	o.Features, o.Timeout = slow{}, time.Millisecond
	if status, code, _ := post(httpapi.New(o), "/predict", strings.NewReader(`{"id":"a"}`)); status != 504 || code != "deadline" {
		t.Errorf("got %d %s", status, code)
	}
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestReadiness(t *testing.T) {
	h := httpapi.New(options(t))
	if w := get(h, "/readyz"); w.Code != 200 {
		t.Errorf("new: %d", w.Code)
	}
	h.SetReady(false)
	if w := get(h, "/readyz"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("stopping: %d", w.Code)
	}
	if w := get(h, "/healthz"); w.Code != 200 {
		t.Errorf("alive: %d", w.Code)
	}
}

func TestETag(t *testing.T) {
	h := httpapi.New(options(t))
	for _, path := range []string{"/docs", "/openapi.json"} {
		first := get(h, path)
		tag := first.Header().Get("Etag")
		if first.Code != 200 || len(tag) < 10 {
			t.Fatalf("%s: %d, ETag %q", path, first.Code, tag)
		}
		for match, want := range map[string]int{tag: 304, `"x", W/` + tag: 304, "*": 304, `"other"`: 200} {
			if w := get(h, path, "If-None-Match", match); w.Code != want || want == 304 && w.Body.Len() > 0 {
				t.Errorf("%s, If-None-Match %s: %d with %d bytes, want %d", path, match, w.Code, w.Body.Len(), want)
			}
		}
	}
}

func TestDocumentsAreGzipped(t *testing.T) {
	h := httpapi.New(options(t))
	for _, path := range []string{"/docs", "/openapi.json"} {
		plain, w := get(h, path), get(h, path, "Accept-Encoding", "gzip, br")
		if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Etag") == plain.Header().Get("Etag") {
			t.Errorf("%s: %v", path, w.Header())
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%s: the gzipped document is another one: %v", path, err)
		}
		if again := get(h, path, "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("Etag")); again.Code != 304 {
			t.Errorf("%s: %d", path, again.Code)
		}
	}
}

func TestMetrics(t *testing.T) {
	h := httpapi.New(options(t))
	post(h, "/batch-predict", strings.NewReader("["+setosa+","+setosa+",{}]"))
	post(h, "/predict", strings.NewReader("x"))
	text := get(h, "/metrics").Body.String()
	for _, want := range []string{
		`copse_requests_total{route="/batch-predict",status="2xx"} 1`,
		`copse_requests_total{route="/predict",status="4xx"} 1`,
		`copse_rows_total{result="valid"} 2`,
		`copse_rows_total{result="invalid"} 1`,
		`copse_rows_total{result="duplicate"} 1`,
		`copse_request_seconds_count{route="/batch-predict"} 1`,
		`copse_requests_in_flight 1`,
		`copse_body_bytes 0`,
		`copse_model_info{name="iris",digest="sha256:`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
}

func TestModels(t *testing.T) {
	var reply struct {
		Models []struct {
			Name, Digest, Library string
			Default               bool
			Schema                schema.Document
		}
	}
	if err := json.Unmarshal(get(httpapi.New(options(t)), "/models").Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	m := reply.Models
	if len(m) != 2 || m[0].Name != "iris" || !m[0].Default || m[1].Default || m[0].Library != "golearn" ||
		len(m[0].Schema.Features) != 4 || m[0].Schema.Features[0].Unit != "cm" {
		t.Errorf("got %+v", m)
	}
}

func TestInvoke(t *testing.T) {
	h := httpapi.New(options(t))
	tests := []struct{ payload, want, code string }{
		{setosa, `{"prediction":"setosa"`, ""},
		{"[" + setosa + ",{}]", `{"predictions":[{"prediction":"setosa"`, ""},
		{`{"rows":[` + setosa + `]}`, `{"predictions":[`, ""},
		{`{"columns":["sepal_length"],"data":[[1]]}`, `{"predictions":[{"error":`, ""},
		{`{"sepal_length":51}`, "", "out_of_range"},
		{`nonsense`, "", "malformed"},
		{``, "", "empty_body"},
		{`{"ids":["a"]}`, "", "no_feature_source"},
		{strings.Repeat(" ", 1<<20+1), "", "too_large"},
	}
	for _, tt := range tests {
		reply, err := h.Invoke(t.Context(), []byte(tt.payload))
		code := ""
		if e, ok := errors.AsType[*fault.Error](err); ok {
			code = e.Code.String()
		}
		if code != tt.code || (err == nil) != (tt.code == "") || !strings.HasPrefix(string(reply), tt.want) {
			t.Errorf("%.60s: got %.80s, %v, want %s %s", tt.payload, reply, err, tt.want, tt.code)
		}
	}
}

// TestManyAtOnce: requests for two models at once, one handler; no answer
// crosses over.
func TestManyAtOnce(t *testing.T) {
	h := httpapi.New(options(t))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := []string{"iris", "second"}[i%2]
			for range 50 {
				_, _, reply := post(h, "/models/"+name+"/predict", strings.NewReader(setosa))
				if !bytes.Contains(reply, []byte(`"model":{"name":"`+name+`"`)) {
					t.Errorf("%s: %s", name, reply)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzPredict(f *testing.F) {
	h := httpapi.New(options(f))
	f.Add([]byte(setosa), "application/json", "", "")
	f.Add([]byte("["+setosa+"]"), "application/json", "text/csv", "strict=true")
	f.Add([]byte("sepal_length\n5.1"), "text/csv", "*/*;q=0.5", "strict=1")
	f.Fuzz(func(t *testing.T, body []byte, contentType, accept, query string) {
		for _, path := range []string{"/predict", "/batch-predict"} {
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Accept", accept)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: status %d: %s", path, w.Code, w.Body)
			}
			if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: no JSON: %s", path, w.Body)
			}
		}
	})
}

func BenchmarkPredict(b *testing.B) {
	h := httpapi.New(options(b))
	b.ReportAllocs()
	body := strings.NewReader(setosa)
	r := httptest.NewRequest(http.MethodPost, "/predict", body)
	r.Header.Set("Content-Type", "application/json")
	w := new(discard)
	for b.Loop() {
		_, _ = body.Seek(0, io.SeekStart)
		r.Body, w.header = io.NopCloser(body), make(http.Header, 8)
		h.ServeHTTP(w, r)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

package features

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// testSchema has a number, an integer that may be missing, and a category.
func testSchema(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.New(schema.Document{Features: []schema.Feature{
		{Name: "amount", Type: schema.Number, Rules: "gte=0"},
		{Name: "age", Type: schema.Integer, Missing: schema.Allow},
		{Name: "colour", Type: schema.Category, Categories: []string{"red", "green"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// service is a source on the loopback interface that counts calls by id.
type service struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string]int
}

// reply answers the nth call (from 1) for an id.
type reply func(w http.ResponseWriter, r *http.Request, id string, n int)

func newService(t testing.TB, answer reply) *service {
	t.Helper()
	s := &service{calls: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/features/")
		s.mu.Lock()
		s.calls[id]++
		n := s.calls[id]
		s.mu.Unlock()
		answer(w, r, id, n)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

func (s *service) uri() string { return s.URL + "/features/{id}" }

func mustOpen(t testing.TB, uri string, o Options) *Fetcher {
	t.Helper()
	f, err := Open(uri, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func goodRow(w http.ResponseWriter, _ *http.Request, id string, _ int) {
	fmt.Fprintf(w, `{"id":"its own","amount":%d,"age":40,"colour":"green","other":[1,{"x":2}]}`, len(id))
}

// fill runs Fill and fails the test on an error.
func fillAll(t testing.TB, f *Fetcher, s *schema.Schema, ids ...string) *frame.Frame {
	t.Helper()
	fr := new(frame.Frame)
	if err := f.Fill(t.Context(), ids, s, fr); err != nil {
		t.Fatal(err)
	}
	if fr.Rows != len(ids) {
		t.Fatalf("got %d rows, want %d", fr.Rows, len(ids))
	}
	return fr
}

// codes are the fault codes of each row, as text.
func codes(fr *frame.Frame) string {
	rows := make([][]string, fr.Rows)
	for _, e := range fr.Faults {
		rows[e.Row] = append(rows[e.Row], e.Code.String()+":"+e.Field)
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "[%s]", strings.Join(r, " "))
	}
	return b.String()
}

func TestRowsComeInOrderAndEachIDIsAskedOnce(t *testing.T) {
	service := newService(t, func(w http.ResponseWriter, r *http.Request, id string, n int) {
		if id == "nobody" {
			http.NotFound(w, r)
			return
		}
		goodRow(w, r, id, n)
	})
	fr := fillAll(t, mustOpen(t, service.uri(), Options{}), testSchema(t), "a", "bbb", "a", "nobody", "cc", "nobody", "a")
	if got, want := codes(fr), "[][][][features_not_found:id][][features_not_found:id][]"; got != want {
		t.Errorf("got faults %s, want %s", got, want)
	}
	for i, want := range []float64{1, 3, 1, math.NaN(), 2, math.NaN(), 1} {
		row := fr.Row(i)
		if row[0] != want && !math.IsNaN(want) {
			t.Errorf("row %d: got amount %v, want %v", i, row[0], want)
		}
		if !math.IsNaN(want) && (row[1] != 40 || row[2] != 1) {
			t.Errorf("row %d: got %v, want 40 and category 1", i, row)
		}
		if fr.Bad[i] != math.IsNaN(want) {
			t.Errorf("row %d: got bad %v", i, fr.Bad[i])
		}
	}
	for _, id := range []string{"a", "bbb", "cc", "nobody"} {
		if got := service.count(id); got != 1 {
			t.Errorf("%s: got %d calls, want 1", id, got)
		}
	}
}

func TestWhatASourceAnswers(t *testing.T) {
	text := func(status int, body string) reply {
		return func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	then := func(first reply) reply {
		return func(w http.ResponseWriter, r *http.Request, id string, n int) {
			if n == 1 {
				first(w, r, id, n)
				return
			}
			goodRow(w, r, id, n)
		}
	}
	hangUp := func(http.ResponseWriter, *http.Request, string, int) { panic(http.ErrAbortHandler) }
	hang := func(_ http.ResponseWriter, r *http.Request, _ string, _ int) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request, _ string, _ int) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	half := func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"amount":1`)
	}
	const failed = "[features_failed:id]"
	for _, test := range []struct {
		name   string
		answer reply
		want   string
		calls  int
	}{
		{"a good row", goodRow, "[]", 1},
		{"404", text(404, ""), "[features_not_found:id]", 1},
		{"410", text(410, `{"amount":1}`), "[features_not_found:id]", 1},
		{"500, then a row", then(text(500, "x")), "[]", 2},
		{"429, then a row", then(text(429, "x")), "[]", 2},
		{"503 with a long body, then a row", then(text(503, strings.Repeat("x", 1<<20))), "[]", 2},
		{"a broken connection, then a row", then(hangUp), "[]", 2},
		{"half a body, then a row", then(half), "[]", 2},
		{"a hanging call, then a row", then(hang), "[]", 2},
		{"500 twice", text(500, ""), failed, 2},
		{"half a body twice", half, failed, 2},
		{"hanging", hang, failed, 2},
		{"dripping", drip, failed, 2},
		{"401", text(401, ""), failed, 1},
		{"204", text(204, ""), failed, 1},
		{"a body over the limit", text(200, `{"amount":1,"x":"`+strings.Repeat("x", 1<<20)+`"}`), failed, 1},
		{"an empty body", text(200, ""), failed, 1},
		{"no JSON", text(200, "<html>"), failed, 1},
		{"a NaN token", text(200, `{"amount":NaN,"colour":"red"}`), failed, 1},
		{"a list", text(200, `[{"amount":1}]`), "[not_an_object:]", 1},
		{"deep nesting", text(200, `{"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}`), failed, 1},
		{"a wrong type", text(200, `{"amount":"many","colour":"red"}`), "[wrong_type:amount]", 1},
		{"an unknown category", text(200, `{"amount":1,"colour":"blue"}`), "[unknown_category:colour]", 1},
		{"a member twice", text(200, `{"amount":1,"amount":2,"colour":"red"}`), "[duplicate_field:amount]", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := newService(t, test.answer)
			f := mustOpen(t, service.uri(), Options{Timeout: 250 * time.Millisecond})
			fr := fillAll(t, f, testSchema(t), "x")
			if got := codes(fr); got != test.want {
				t.Errorf("got faults %s, want %s", got, test.want)
			}
			if got := service.count("x"); got != test.calls {
				t.Errorf("got %d calls, want %d", got, test.calls)
			}
			for _, e := range fr.Faults {
				if e.Code == fault.FeaturesFailed && !math.IsNaN(fr.Row(0)[0]) {
					t.Error("a failed row has values")
				}
			}
		})
	}
}

func TestMissingFeaturesAreLeftToTheSchema(t *testing.T) {
	service := newService(t, func(w http.ResponseWriter, _ *http.Request, id string, _ int) {
		io.WriteString(w, map[string]string{
			"none": `{}`, "null": `{"amount":null,"age":null,"colour":"red"}`, "negative": `{"amount":-1,"colour":"red"}`,
		}[id])
	})
	s := testSchema(t)
	fr := fillAll(t, mustOpen(t, service.uri(), Options{}), s, "none", "null", "negative")
	s.Validate(fr)
	want := "[missing:amount missing:colour][missing:amount][out_of_range:amount]"
	if got := codes(fr); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newService(t, goodRow)
	for _, status := range []int{301, 302, 303, 307, 308} {
		service := newService(t, func(w http.ResponseWriter, r *http.Request, id string, _ int) {
			http.Redirect(w, r, other.URL+"/features/"+id, status)
		})
		fr := fillAll(t, mustOpen(t, service.uri(), Options{}), testSchema(t), "x")
		if got, want := codes(fr), "[features_failed:id]"; got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
	if n := other.count("x"); n != 0 {
		t.Errorf("the other host was called %d times", n)
	}
}

func TestIDsThatNoSourceIsAskedFor(t *testing.T) {
	service := newService(t, goodRow)
	f := mustOpen(t, service.uri(), Options{})
	for _, test := range []struct{ name, id, want string }{
		{"empty", "", "[wrong_type:]"},
		{"longest", strings.Repeat("x", maxID), "[]"},
		{"too long", strings.Repeat("x", maxID+1), "[text_too_long:]"},
		{"not UTF-8", "a\xff", "[wrong_type:]"},
		{"dot", ".", "[features_not_found:id]"},
		{"dots", "..", "[features_not_found:id]"},
		{"a way up", "a/../../admin", "[features_not_found:id]"},
		{"a way up, backwards", `a\..\admin`, "[features_not_found:id]"},
		{"slash", "a/b", "[]"},
		{"query", "a?b=c&d", "[]"},
		{"fragment", "a#b", "[]"},
		{"percent", "100%2e%2e", "[]"},
		{"line end", "a\r\nHost: evil", "[]"},
		{"zero byte", "a\x00b", "[]"},
		{"letters of the world", "Zürich 東京 ☂", "[]"},
	} {
		fr := fillAll(t, f, testSchema(t), test.id)
		if got := codes(fr); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		want := 0
		if test.want == "[]" {
			want = 1
		}
		if got := service.count(test.id); got != want {
			t.Errorf("%s: got %d calls for exactly this id, want %d", test.name, got, want)
		}
	}
}

func TestDeadlineOfTheRequest(t *testing.T) {
	service := newService(t, func(_ http.ResponseWriter, r *http.Request, _ string, _ int) { <-r.Context().Done() })
	f := mustOpen(t, service.uri(), Options{Concurrency: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := f.Fill(ctx, []string{"a", "b", "c", "d"}, testSchema(t), new(frame.Frame))
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != fault.Deadline || e.Row != fault.Whole {
		t.Errorf("got %v, want a deadline of the whole request", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the cause to be kept for the log", err)
	}
}

func TestTooManyIDs(t *testing.T) {
	f := New(nil, Options{Limits: wire.Limits{Rows: 3, Values: 6}})
	for _, ids := range [][]string{{"a", "b", "c", "d"}, {"a", "b", "c"}} {
		err := f.Fill(t.Context(), ids, testSchema(t), new(frame.Frame))
		var e *fault.Error
		if !errors.As(err, &e) || e.Code != fault.TooManyRows {
			t.Errorf("%d ids: got %v, want too many rows", len(ids), err)
		}
	}
	if fr := fillAll(t, f, testSchema(t)); fr.Cols != 3 {
		t.Errorf("no ids: got %d columns, want 3", fr.Cols)
	}
}

func TestTheLogTellsOfFailuresOnceAndNamesNoID(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	service := newService(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { w.WriteHeader(403) })
	fillAll(t, mustOpen(t, service.uri(), Options{Log: log}), testSchema(t), "secret-1", "secret-2", "secret-3")
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("got %d lines, want 1", n)
	}
	for _, part := range []string{"ids=3", "failed=3", "status 403"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("got %q, want %s in it", out.String(), part)
		}
	}
	service.Close()
	fillAll(t, mustOpen(t, service.uri(), Options{Log: log}), testSchema(t), "secret-4")
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the log names an id: %q", out.String())
	}
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "features.csv")
	if err := os.WriteFile(file, []byte("id,amount\na,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ uri, want string }{
		{"https://host/path/{id}", ""},
		{"https://user:secret@host:8443/path/{id}.json", ""},
		{"https://host/path?key={id}&v=1", ""},
		{"https://host/a%2Fb/{id}/c", ""},
		{"http://127.0.0.1:1/{id}", ""},
		{"http://[::1]:1/{id}", ""},
		{"http://localhost/{id}", ""},
		{"file:" + file, ""},
		{"file://" + file, ""},
		{"", "https://host/path/{id} or file:PATH"},
		{"s3://bucket/{id}", "https://host/path/{id} or file:PATH"},
		{"http://host/{id}", "own machine only"},
		{"http://localhost.example.com/{id}", "own machine only"},
		{"https://host/path", "{id} once"},
		{"https://host/{id}/{id}", "{id} once"},
		{"https://{id}/path", "path or the query"},
		{"https://{id}@host/path", "path or the query"},
		{"https://host/path#{id}", "no fragment"},
		{"https:///{id}", "host is missing"},
		{"https:host/{id}", "host is missing"},
		{"https://host:x/{id}", "no URL"},
		{"file:" + file + ".absent", "no such file"},
	} {
		_, err := Open(test.uri, Options{})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.uri, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", test.uri, err, test.want)
		}
	}
}

func TestCheckRefusesFeaturesThatLookLikeIDs(t *testing.T) {
	if err := Check(testSchema(t)); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"id", "ids"} {
		s, err := schema.New(schema.Document{Features: []schema.Feature{{Name: name}}})
		if err != nil {
			t.Fatal(err)
		}
		if Check(s) == nil {
			t.Errorf("a feature called %s was not refused", name)
		}
	}
}

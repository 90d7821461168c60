package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
)

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestObjects: each kind of object, into a bucket.
func TestObjects(t *testing.T) {
	const good = "x,y\n1,2\n7,\n"
	const lines = `{"row":0,"prediction":1}` + "\n" + `{"row":1,"prediction":2}` + "\n"
	zipped := packed(t, good)
	for _, c := range []struct {
		name, key, body string
		want            string // the result; "" for none
		code            string // of the dead letter; "" for none
		why             string // in its message
	}{
		{"CSV", "a.csv", good, lines, "", ""},
		{"CSV, in gzip", "a.csv.gz", zipped, lines, "", ""},
		{"JSONL", "a.jsonl", "{\"x\":1}\n{\"x\":7}\n", lines, "", ""},
		{"told by content", "a", "{\"x\":1}\n{\"x\":7}\n", lines, "", ""},
		{"a key of all kinds", "a b+c%20d&größe/🌳.csv", good, lines, "", ""},
		{"a bad row", "a.csv", "x\n1\n11\n",
			`{"row":0,"prediction":1}` + "\n" + `{"row":1,"error":{"code":"out_of_range","field":"x","rule":"lte=10","message":"x must be at most 10"}}` + "\n", "", ""},
		{"no rows", "a.csv", "x,y\n", "none", "", ""},
		{"only bad rows", "a.csv", "x\n11\n-1\n", "", "invalid_rows", "row 0: x must be at most 10"},
		{"nothing", "a.csv", "", "", "empty_body", ""},
		{"truncated gzip", "a.csv.gz", zipped[:len(zipped)-10], "", "bad_encoding", ""},
		{"wrong columns", "a.csv", "x,yy\n1,2\n", "", "unknown_field", `the nearest known name is "y"`},
		{"an unknown kind", "a.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "", "", ""},
		{"Parquet that is none", "a.parquet", "x\n1\n", "", "malformed", ""},
		{"a folder", "folder/", "", "nothing", "", ""},
	} {
		s, letters := newStore(), new(memory)
		o := withObjects(options(t, NewBucket(s, "mem", "out", "results", BucketOptions{}), letters), s)
		got := New(o).Handle(t.Context(), []Record{object("a", s.put(c.key, c.body))})
		if got[0] != Done || s.pending != 0 {
			t.Errorf("%s: outcome %v, %d uploads left open", c.name, got[0], s.pending)
		}
		checkObject(t, c.name, s, letters, c.want, c.code, c.why)
	}
}

func checkObject(t *testing.T, name string, s *store, letters *memory, want, code, why string) {
	t.Helper()
	switch {
	case want == "nothing":
		if len(s.results)+len(letters.got) != 0 {
			t.Errorf("%s: got %v and %v, want nothing", name, s.results, letters.bodies())
		}
		return
	case want != "":
		if len(s.results) != 1 || len(letters.got) != 0 {
			t.Errorf("%s: got %v and %v, want one result", name, s.results, letters.bodies())
			return
		}
		for key, r := range s.results {
			if want = strings.TrimPrefix(want, "none"); r.body != want || !strings.HasPrefix(key, "results/in/") {
				t.Errorf("%s: got %q in %s, want %q", name, r.body, key, want)
			}
		}
		return
	}
	if len(s.results) != 0 || len(letters.got) != 1 {
		t.Errorf("%s: got %v and %v, want one dead letter", name, s.results, letters.bodies())
		return
	}
	var l letter
	if err := json.Unmarshal(letters.got[0].Body, &l); err != nil {
		t.Fatal(err)
	}
	if code != "" && l.Reason.Code != code || !strings.Contains(l.Reason.Message, why) || l.Source.Key == "" || l.Body != `{"event":"a"}` {
		t.Errorf("%s: got %s, want %s and …%s…", name, letters.got[0].Body, code, why)
	}
}

// TestObjectResult: what is noted of a result, where it is, and what is told.
func TestObjectResult(t *testing.T) {
	s := newStore()
	var log bytes.Buffer
	o := withObjects(options(t, NewBucket(s, "mem", "out", "p/", BucketOptions{}), nil), s)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := New(o)
	event := s.put("a b.csv", "x\n1\n11\n7\n")
	r := object("m", event)
	r.Source.Attributes = map[string]string{"note": "größe"}
	got := h.Report(t.Context(), []Record{r})[0]
	name := "p/in/a%20b.csv@" + event.ETag + ".jsonl"
	result, there := s.results[name]
	if !there {
		t.Fatalf("got %v, want %s", s.results, name)
	}
	want := fmt.Sprintf(`{"kind":"test","message_id":"m","bucket":"in","key":"a b.csv","version":"%s","attributes":{"note":"gr\u00f6\u00dfe"}}`, event.ETag)
	m := result.info.Meta
	if m["copse-source"] != want || m["copse-model"] != "stump" || !strings.HasPrefix(m["copse-digest"], "sha256:") || result.info.ContentType != contentLines {
		t.Errorf("noted: %+v, want %s", result.info, want)
	}
	if got.Outcome != Done || got.Rows != 3 || got.Bad != 1 || got.Result != "mem://out/"+name || got.Object.Size != 9 || got.Fault != nil {
		t.Errorf("report: %+v", got)
	}
	for _, part := range []string{"object answered", "rows=3", "bad=1", "bytes=9", "seconds=", "mb_per_s=", "result=", "object=\"mem://in/a b.csv@"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %s: %s", part, log.String())
		}
	}
	if strings.Contains(log.String(), "already") {
		t.Errorf("the log says of the first time: %s", log.String())
	}
	// Again, for a report, which counts the rows of what is there now.
	log.Reset()
	if again := h.Report(t.Context(), []Record{r})[0]; again.Rows != 3 || again.Bad != 1 || again.Result != got.Result || !strings.Contains(log.String(), `msg="object was answered already: the first result stays" rows=3`) {
		t.Errorf("again: %+v, log %s", again, log.String())
	}
	// Again: nothing is read, for a report all is counted.
	reads := len(s.calls)
	if again := h.Handle(t.Context(), []Record{r}); again[0] != Done || strings.Contains(strings.Join(s.calls[reads:], " "), "read") {
		t.Errorf("again: %v, calls %v", again, s.calls[reads:])
	}
	if again := h.Report(t.Context(), []Record{r})[0]; again.Rows != 3 || again.Result != "mem://out/"+name {
		t.Errorf("again: %+v", again)
	}
	// What was answered and is gone, is answered.
	delete(s.objects, "in/a b.csv")
	if again := h.Report(t.Context(), []Record{r})[0]; again.Outcome != Done || again.Fault != nil || again.Result != "mem://out/"+name {
		t.Errorf("gone: %+v", again)
	}
}

// TestObjectRange: the rows of a range, under a name of its own, also where all
// are bad.
func TestObjectRange(t *testing.T) {
	s := newStore()
	h := New(withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), nil), s))
	event := s.put("a.jsonl", "{\"x\":1}\n{\"x\":7}\n{\"x\":11}\n")
	for _, c := range []struct {
		from, to int64
		suffix   string
		rows     int
	}{{0, 8, "@0-8.jsonl", 1}, {8, 16, "@8-16.jsonl", 1}, {16, 0, "@16-.jsonl", 1}, {0, 0, ".jsonl", 3}, {1, 7, "@1-7.jsonl", 0}} {
		o := *event
		o.From, o.To = c.from, c.to
		if got := h.Handle(t.Context(), []Record{object("m", &o)}); got[0] != Done {
			t.Errorf("%d-%d: got %v", c.from, c.to, got)
		}
		got, there := s.results["in/a.jsonl@"+event.ETag+c.suffix]
		if !there || strings.Count(got.body, "\n") != c.rows || c.rows > 0 && !strings.HasPrefix(got.body, `{"row":0,`) {
			t.Errorf("%d-%d: got %v", c.from, c.to, s.results)
		}
	}
}

// TestObjectNotRead: objects that are no work, or not for this function.
func TestObjectNotRead(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Object
		own  string // the dead-letter bucket's prefix
		code string // "" for done
	}{
		{"below the sink", Object{Scheme: "mem", Bucket: "out", Key: "results/in/a.csv@1.jsonl"}, "dead/", ""},
		{"below the dead letters", Object{Scheme: "mem", Bucket: "out", Key: "dead/sqs/1.json"}, "dead/", ""},
		{"a name like the sink's", Object{Scheme: "mem", Bucket: "out", Key: "results2/a.csv"}, "dead/", "object_refused"},
		{"another bucket", Object{Scheme: "mem", Bucket: "other", Key: "in/a.csv"}, "dead/", "object_refused"},
		{"another prefix", Object{Scheme: "mem", Bucket: "in", Key: "other/a.csv"}, "dead/", "object_refused"},
		{"another scheme", Object{Scheme: "gs", Bucket: "in", Key: "rows/a.csv"}, "dead/", "object_refused"},
		{"no such object", Object{Scheme: "mem", Bucket: "in", Key: "rows/none.csv"}, "dead/", "object_not_found"},
		{"a folder, by its event", Object{Scheme: "mem", Bucket: "in", Key: "rows/new/"}, "dead/", ""},
	} {
		s := newStore()
		o := options(t, NewBucket(s, "mem", "out", "results/", BucketOptions{}), NewBucket(s, "mem", "out", c.own, BucketOptions{}))
		o = withObjects(o, s)
		o.Readable = []Location{{"mem", "in", "rows/"}}
		if c.o.Scheme == "gs" {
			o.Readable = nil
		}
		got := New(o).Report(t.Context(), []Record{object("m", &c.o)})[0]
		code := ""
		if got.Fault != nil {
			code = got.Fault.Code.String()
		} else if got.Object == nil || got.Rows != 0 || got.Result != "" {
			t.Errorf("%s: the report is %+v", c.name, got)
		}
		if got.Outcome != Done || code != c.code || len(s.results) != map[bool]int{true: 0, false: 1}[c.code == ""] {
			t.Errorf("%s: got %+v (%s), %v", c.name, got, code, s.results)
		}
	}
}

// TestGoneTwice: two messages that point to an object which is not there have a
// dead letter each, under one name however often each comes.
func TestGoneTwice(t *testing.T) {
	s := newStore()
	h := New(withObjects(options(t, new(memory), NewBucket(s, "mem", "dead", "", BucketOptions{})), s))
	for range 2 {
		for _, id := range []string{"a", "b"} {
			if got := h.Handle(t.Context(), []Record{record(id, `{"object":"mem://in/none.csv"}`)}); got[0] != Done {
				t.Errorf("%s: got %v", id, got)
			}
		}
	}
	if len(s.results) != 2 {
		t.Errorf("got %v", s.results)
	}
}

// TestObjectsNotSupported: a function without stores says so.
func TestObjectsNotSupported(t *testing.T) {
	letters := new(memory)
	h := New(options(t, new(memory), letters))
	got := h.Report(t.Context(), []Record{object("a", &Object{Scheme: "s3", Bucket: "b", Key: "k"}), record("b", `{"object":"s3://b/k"}`)})
	for _, r := range got {
		if r.Outcome != Done || r.Fault == nil || r.Fault.Code != fault.ObjectRefused {
			t.Errorf("got %+v", r)
		}
	}
}

// TestObjectReplaced: an event of a version that is no more is final, as is an
// object that changes while it is read.
func TestObjectReplaced(t *testing.T) {
	s := newStore()
	h := New(withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), nil), s))
	event := s.put("a.csv", "x\n1\n")
	s.put("a.csv", "x\n1\n2\n")
	if got := h.Report(t.Context(), []Record{object("m", event)})[0]; got.Outcome != Failed || got.Fault.Code != fault.ObjectChanged {
		t.Errorf("before: got %+v", got)
	}
	later := s.put("b.csv", "x\n"+strings.Repeat("1\n", 1<<20))
	reads := 0
	s.fail = func(call, _ string) error {
		if call == "read" {
			if reads++; reads == 2 {
				s.put("b.csv", "x\n")
			}
		}
		return nil
	}
	if got := h.Report(t.Context(), []Record{object("m", later)})[0]; got.Outcome != Failed || got.Fault.Code != fault.ObjectChanged {
		t.Errorf("while it was read: got %+v", got)
	}
	if len(s.results) != 0 || s.pending != 0 {
		t.Errorf("got %v, %d uploads open", s.results, s.pending)
	}
}

// TestObjectFaults fails each call in turn: the record is left to be delivered
// again, and nothing is seen; then, delivered again, it is answered.
func TestObjectFaults(t *testing.T) {
	for _, call := range []string{"exists", "open", "read", "create", "write", "commit", "commit lost"} {
		for _, panics := range []bool{false, true} {
			s, letters := newStore(), new(memory)
			h := New(withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), letters), s))
			event := s.put("a.csv", "x\n1\n7\n")
			s.fail = func(now, _ string) error {
				switch {
				case now != call:
					return nil
				case panics:
					panic("boom")
				}
				return errDown
			}
			want := Failed
			if call == "exists" && !panics { // then the commit will tell
				want = Done
			}
			got := h.Handle(t.Context(), []Record{object("m", event), record("n", `{"x":1}`)})
			if call == "create" || call == "write" || call == "commit" || call == "commit lost" {
				got[1] = Done // it has the same store
			}
			seen := len(s.results)
			if got[0] != want || got[1] != Done || want == Failed && call != "commit lost" && hasObject(s) || s.pending != 0 || len(letters.got) != 0 {
				t.Errorf("%s, panic %v: got %v, %d results, %d open", call, panics, got, seen, s.pending)
			}
			s.fail = func(string, string) error { return nil }
			if got := h.Handle(t.Context(), []Record{object("m", event)}); got[0] != Done || !hasObject(s) {
				t.Errorf("%s, panic %v: again: got %v, %v", call, panics, got, s.results)
			}
		}
	}
}

// hasObject says whether there is a whole result of an object.
func hasObject(s *store) bool {
	for name, r := range s.results {
		if strings.HasPrefix(name, "in/") && strings.Count(r.body, "\n") == 2 {
			return true
		}
	}
	return false
}

// TestObjectTwice: what an event tells of twice is answered once.
func TestObjectTwice(t *testing.T) {
	s, sink := newStore(), new(memory)
	event := s.put("a.csv", "x\n1\n7\n")
	h := New(withObjects(options(t, sink, nil), s))
	got := h.Report(t.Context(), []Record{object("a", event), record("b", `{"object":"mem://in/a.csv","etag":"`+event.ETag+`"}`), object("c", s.put("b.csv", "x\n1\n"))})
	for i, rows := range []int{2, 2, 1} {
		if got[i].Outcome != Done || got[i].Rows != rows {
			t.Errorf("record %d: got %+v", i, got[i])
		}
	}
	if len(sink.got) != 2 {
		t.Errorf("got %d messages, want 2", len(sink.got))
	}
}

package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// inBucket is a handler whose sink and dead-letter sink are buckets of s.
func inBucket(t testing.TB, s *store) *Handler {
	return New(withObjects(options(t, NewBucket(s, "mem", "out", "p/", BucketOptions{}), NewBucket(s, "mem", "out", "dead", BucketOptions{})), s))
}

// names of all results, in order.
func (s *store) names() []string {
	var all []string
	for name := range s.results {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestBucketMessages: one object a message, with lines as copse score writes
// them; and one a dead letter.
func TestBucketMessages(t *testing.T) {
	s := newStore()
	h := inBucket(t, s)
	records := []Record{
		record("a", `{"x":1}`), record("b/../c d", `[{"x":7},{"x":11},{"x":1}]`), record("c", `{`), record("..", "x\n7\n"), record("", `{"x":1}`)}
	records[4].Source.Kind = ""
	for range 2 { // delivered again, nothing changes
		if got := h.Handle(t.Context(), records); !slices.Equal(got, make([]Outcome, len(records))) {
			t.Fatalf("got %v", got)
		}
		want := map[string]string{
			"p/test/a.jsonl": `{"row":0,"prediction":1}` + "\n",
			"p/test/b%2F..%2Fc%20d.jsonl": `{"row":0,"prediction":2}` + "\n" +
				`{"row":1,"error":{"code":"out_of_range","field":"x","rule":"lte=10","message":"x must be at most 10"}}` + "\n" +
				`{"row":2,"prediction":1}` + "\n",
			"p/test/%2E%2E.jsonl":                          `{"row":0,"prediction":2}` + "\n",
			"p/record/" + stableID(&records[4]) + ".jsonl": `{"row":0,"prediction":1}` + "\n",
		}
		for name, body := range want {
			if got := s.results[name]; got.body != body || got.info.ContentType != contentLines || got.info.Meta["copse-model"] != "stump" {
				t.Errorf("%s: got %+v, want %s", name, got, body)
			}
		}
		dead := s.results["dead/test/c.json"]
		if len(s.results) != len(want)+1 || !strings.Contains(dead.body, `"malformed"`) || dead.info.ContentType != "application/json" || dead.info.Meta["copse-model"] != "" {
			t.Errorf("got %v", s.names())
		}
	}
}

// TestBucketPointer: a body that points to an object is an object, from
// whatever source; unless the model has a feature of that name.
func TestBucketPointer(t *testing.T) {
	s := newStore()
	event := s.put("a.csv", "x\n1\n7\n")
	for _, body := range []string{`{"object":"mem://in/a.csv"}`, `{"object":"mem://in/a.csv","etag":"` + event.ETag + `"}`} {
		if got := inBucket(t, s).Handle(t.Context(), []Record{record("m", body)}); got[0] != Done {
			t.Errorf("got %v", got)
		}
	}
	if got := s.names(); !slices.Equal(got, []string{"p/in/a.csv@" + event.ETag + ".jsonl"}) {
		t.Errorf("got %v", got)
	}
	got := inBucket(t, s).Handle(t.Context(), []Record{record("m", `{"object":"mem://in/a.csv","form":1}`), record("n", `{"object":"mem://in/none.csv"}`)})
	dead := s.results["dead/test/n.json"].body
	if got[0] != Done || got[1] != Done || !strings.Contains(s.results["dead/test/m.json"].body, "malformed") ||
		!strings.Contains(dead, "object_not_found") || !strings.Contains(dead, `"message_id":"n","bucket":"in","key":"none.csv"`) {
		t.Errorf("got %v, %v", got, s.results)
	}
}

// TestMeta: what is noted beside a result stays small, and is ASCII.
func TestMeta(t *testing.T) {
	long := strings.Repeat("größe🌳", 100)
	for _, c := range []struct {
		s    Source
		want string
	}{
		{Source{Kind: "sqs", MessageID: "1", Attributes: map[string]string{"ö": "🌳"}}, `{"kind":"sqs","message_id":"1","attributes":{"\u00f6":"\ud83c\udf33"}}`},
		{Source{Kind: "sqs", MessageID: "1", Attributes: map[string]string{"a": long}}, `{"kind":"sqs","message_id":"1"}`},
		{Source{Kind: "s3", Bucket: "b", Key: long, Version: "1"}, `{"kind":"s3","bucket":"b","version":"1"}`},
		{Source{Kind: "sqs", MessageID: long}, `{"kind":"sqs"}`},
		{Source{Kind: long}, "{}"},
	} {
		got := meta(&c.s, "modèl", "sha256:0")
		if got["copse-source"] != c.want || got["copse-model"] != `mod\u00e8l` || got["copse-digest"] != "sha256:0" {
			t.Errorf("got %v, want %s", got, c.want)
		}
		var back Source
		if err := json.Unmarshal([]byte(got["copse-source"]), &back); err != nil {
			t.Errorf("%v in %s", err, got["copse-source"])
		}
	}
}

// TestIgnoreExtra: an image of a table's item has more than features.
func TestIgnoreExtra(t *testing.T) {
	sink := new(memory)
	r := record("a", `{"x":1,"z":1}`)
	r.IgnoreExtra = true
	if got := New(options(t, sink, nil)).Handle(t.Context(), []Record{r, record("b", `{"x":1,"z":1}`)}); fmt.Sprint(got) != "[0 1]" {
		t.Errorf("got %v", got)
	}
}

// TestWhy: a dead letter says what its adapter found.
func TestWhy(t *testing.T) {
	letters := new(memory)
	r := Record{Source: Source{Kind: "test", MessageID: "a"}, Unreadable: true, Why: "nested too deep", Body: []byte("x")}
	New(options(t, new(memory), letters)).Handle(t.Context(), []Record{r})
	if !strings.Contains(letters.bodies()["a"], `"message":"nested too deep"`) {
		t.Errorf("got %v", letters.bodies())
	}
}

// TestFeatureCalledObject: a model that has one has no pointers.
func TestFeatureCalledObject(t *testing.T) {
	sink := new(memory)
	o := options(t, sink, nil)
	o.Models = models{m: stumpOf(t, "object", "y")}
	if got := New(o).Handle(t.Context(), []Record{record("a", `{"object":1}`), record("b", `{"object":"mem://in/a.csv"}`)}); fmt.Sprint(got) != "[0 1]" || len(sink.got) != 1 {
		t.Errorf("got %v, %v", got, sink.bodies())
	}
}

// TestBucketBase: URIs begin as the driver says.
func TestBucketBase(t *testing.T) {
	for base, want := range map[string]string{"": "file://out/p/a", "dir/out/": "dir/out/p/a"} {
		if got := NewBucket(newStore(), "file", "out", "p", BucketOptions{Base: base}).URI("p/a"); got != want {
			t.Errorf("%q: got %s, want %s", base, got, want)
		}
	}
}

// TestBucketName: another template, and a sink that is a whole bucket.
func TestBucketName(t *testing.T) {
	s := newStore()
	b := NewBucket(s, "mem", "out", "", BucketOptions{})
	template, err := ParseTemplate("{model}-1/{key},{version}")
	if err != nil {
		t.Fatal(err)
	}
	b.Name(template)
	var log bytes.Buffer
	o := withObjects(options(t, b, nil), s)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	event := s.put("a.csv", "x\n1\n")
	got := New(o).Handle(t.Context(), []Record{object("a", event), object("b", &Object{Scheme: "mem", Bucket: "out", Key: "in/b.csv"})})
	if fmt.Sprint(got) != "[0 0]" || !slices.Equal(s.names(), []string{"stump-1/a.csv," + event.ETag}) || b.Location().String() != "mem://out/" {
		t.Errorf("got %v, %v in %s", got, s.names(), b.Location())
	}
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "give it a prefix, such as mem://out/results/") {
		t.Errorf("the log says %s", text)
	}
}

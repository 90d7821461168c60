package ingest

import (
	"errors"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
)

var pointers = []struct {
	body string
	want *Object // nil: no pointer, or a wrong one
	why  string  // in the error; "" for none
}{
	{`{"object":"s3://bucket/a/b.csv"}`, &Object{Scheme: "s3", Bucket: "bucket", Key: "a/b.csv", Size: -1}, ""},
	{" \n{\"object\":\"gs://b/k\"}\n", &Object{Scheme: "gs", Bucket: "b", Key: "k", Size: -1}, ""},
	{`{"object":"s3://b/k","version":"v1","etag":"\"e\"","from":10,"to":20}`,
		&Object{Scheme: "s3", Bucket: "b", Key: "k", Version: "v1", ETag: `"e"`, From: 10, To: 20, Size: -1}, ""},
	{`{"object":"s3://b/k","from":10}`, &Object{Scheme: "s3", Bucket: "b", Key: "k", From: 10, Size: -1}, ""},
	{`{"object":"s3://b/a b+c%20\u00e9//.."}`, &Object{Scheme: "s3", Bucket: "b", Key: "a b+c%20é//..", Size: -1}, ""},
	{`{"object":"file:///tmp/a.csv"}`, &Object{Scheme: "file", Key: "tmp/a.csv", Size: -1}, ""},
	{`{"object":"file://in/a.csv"}`, &Object{Scheme: "file", Bucket: "in", Key: "a.csv", Size: -1}, ""},

	{`{"x":1}`, nil, ""},
	{`{"object":1}`, nil, ""},
	{`{"object":{"key":"k"},"bucket":{"name":"b"}}`, nil, ""},
	{`{"Object":"s3://b/k"}`, nil, ""},
	{`{"x":"object"}`, nil, ""},
	{`[{"object":"s3://b/k"}]`, nil, ""},
	{`{"rows":[{"object":"s3://b/k"}]}`, nil, ""},
	{``, nil, ""},
	{"object\n\"object\"", nil, ""},
	{`{"pad":"` + strings.Repeat("x", maxPointer) + `","object":"s3://b/k"}`, nil, ""},

	{`{"object":"rows.csv"}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":""}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":"s3://bucket"}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":"s3://bucket/"}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":"s3:///key"}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":"://b/k"}`, nil, "SCHEME://BUCKET/KEY"},
	{`{"object":"s3://b/k","form":1}`, nil, "none of object, version, etag, from and to: form"},
	{`{"object":"s3://b/k","From":1}`, nil, "none of object"},
	{`{"object":"s3://b/k","from":"1"}`, nil, "whole numbers"},
	{`{"object":"s3://b/k","from":1.5}`, nil, "whole numbers"},
	{`{"object":"s3://b/k","to":99999999999999999999}`, nil, "whole numbers"},
	{`{"object":"s3://b/k","version":null}`, nil, "texts"},
	{`{"object":"s3://b/k","from":-1}`, nil, "0 ≤ from < to"},
	{`{"object":"s3://b/k","from":5,"to":5}`, nil, "0 ≤ from < to"},
	{`{"object":"s3://b/k","to":0}`, nil, "0 ≤ from < to"},
	{`{"object":"s3://b/k","object":"s3://b/l"}`, nil, "twice: object"},
	{`{"object":"s3://b/k"`, nil, "no valid JSON"},
	{`{"object":"s3://b/k",}`, nil, "no valid JSON"},
	{`{"object":"s3://b/k"} {}`, nil, "more text"},
	{"{\"object\":\"s3://b/\xff\"}", nil, "UTF-8"},
}

func TestPointer(t *testing.T) {
	for _, c := range pointers {
		o, ok, err := Pointer([]byte(c.body))
		if ok != (c.want != nil || c.why != "") || (err != nil) != (c.why != "") || (o != nil) != (c.want != nil) {
			t.Errorf("%.100s: got %+v, %v, %v", c.body, o, ok, err)
			continue
		}
		if o != nil && *o != *c.want {
			t.Errorf("%s: got %+v, want %+v", c.body, o, c.want)
		}
		fe, ours := errors.AsType[*fault.Error](err)
		if err != nil && (!ours || fe.Code != fault.Malformed || !strings.Contains(fe.Message, c.why)) {
			t.Errorf("%s: got %v, want malformed and …%s…", c.body, err, c.why)
		}
	}
}

// FuzzPointer: what is taken for a pointer names an object, and is one however
// it is written again.
func FuzzPointer(f *testing.F) {
	for _, c := range pointers {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, ok, err := Pointer(body)
		if (o != nil) != (ok && err == nil) {
			t.Fatalf("got %+v, %v, %v", o, ok, err)
		}
		if o == nil {
			return
		}
		if o.Scheme == "" || o.Key == "" || o.Bucket == "" && o.Scheme != "file" || o.From < 0 || o.To != 0 && o.To <= o.From {
			t.Fatalf("got %+v", o)
		}
		again, ok, err := Pointer(append(append([]byte(" "), body...), '\n'))
		if !ok || err != nil || *again != *o {
			t.Errorf("with space around: got %+v, %v, %v; want %+v", again, ok, err, o)
		}
	})
}

func TestLocation(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"s3://b", "s3://b/"}, {"s3://b/", "s3://b/"}, {"gs://b/in", "gs://b/in/"}, {"gs://b/in/größe/", "gs://b/in/größe/"},
		{"s3:b", ""}, {"s3://", ""}, {"s3:///in", ""}, {"s3://b//", ""}, {"s3://b/a//b", ""}, {"s3://b/../x", ""}, {"s3://b/./", ""},
		{"s3://b/a\x00", ""}, {"s3://b/\xff", ""}, {"", ""},
	} {
		l, err := ParseLocation(c.uri)
		if (err == nil) != (c.want != "") || err == nil && l.String() != c.want {
			t.Errorf("%q: got %v, %v", c.uri, l, err)
		}
	}
	if all, err := ParseLocations(" s3://a/, ,gs://b/c"); err != nil || len(all) != 2 || all[1] != (Location{"gs", "b", "c/"}) {
		t.Errorf("got %v, %v", all, err)
	}
	if _, err := ParseLocations("s3://a,b"); err == nil {
		t.Error("a list with something else in it: no error")
	}
	in, inner, other := Location{"s3", "b", "in/"}, Location{"s3", "b", "in/x/"}, Location{"s3", "b", "inbox/"}
	for _, c := range []struct {
		a, b Location
		want bool
	}{{in, in, true}, {in, inner, true}, {inner, in, true}, {in, other, false}, {in, Location{"s3", "b", ""}, true},
		{in, Location{"s3", "c", "in/"}, false}, {in, Location{"gs", "b", "in/"}, false}} {
		if got := c.a.Overlaps(c.b); got != c.want {
			t.Errorf("%v and %v: got %v", c.a, c.b, got)
		}
	}
	for key, want := range map[string]bool{"in/a": true, "in/": true, "in": false, "inbox/a": false, "": false} {
		if got := in.Holds(&Object{Scheme: "s3", Bucket: "b", Key: key}); got != want {
			t.Errorf("%q: got %v", key, got)
		}
	}
}

package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/wire"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		body string
		want wire.Media
	}{
		{"", wire.JSON}, {" {\"a\":1}\n", wire.JSON}, {"[1]\n[2]", wire.JSON}, {"{\"a\":{\"b\":\"}\\\"{\"}}\n\n", wire.JSON},
		{"{\"a\":\"}\"}\r\n{\"a\":2}", wire.NDJSON}, {"{}{}", wire.JSON}, {"{}\n{}", wire.NDJSON}, {"{\n}{}", wire.NDJSON}, {"{\"a\":1", wire.JSON},
		{"a,b\n1,2", wire.CSV}, {"\uFEFFa,b\n1,2", wire.CSV}, {"\uFEFF{\"a\":1}", wire.JSON}, {"\uFEFF{}\n{}", wire.NDJSON}, {"\"a\"\n1", wire.CSV}, {"1", wire.CSV},
	} {
		if got := detect([]byte(c.body)); got != c.want {
			t.Errorf("%q: got %v, want %v", c.body, got, c.want)
		}
	}
}

func TestStableID(t *testing.T) {
	if got := stableID(&Record{Source: Source{MessageID: "m"}}); got != "m" {
		t.Errorf("got %s", got)
	}
	if got := stableID(&Record{Source: Source{MessageID: "7", Shard: "shardId-1"}}); got != "shardId-1/7" {
		t.Errorf("got %s", got)
	}
	a, b := stableID(&Record{Body: []byte("a")}), stableID(&Record{Body: []byte("b")})
	if a == b || len(a) != 64 || a != stableID(&Record{Body: []byte("a")}) {
		t.Errorf("got %s and %s", a, b)
	}
}

// FuzzHandle: whatever two bodies are, each record is written once and done,
// or not written and failed, and the answer to one does not depend on the
// other.
func FuzzHandle(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.body), []byte(`{"x":1}`), c.contentType)
	}
	o := options(f, nil, nil)
	f.Fuzz(func(t *testing.T, a, b []byte, contentType string) {
		records := []Record{record("a", string(a)), record("b", string(b))}
		records[0].ContentType = contentType
		o.Features = nil
		both, alone := new(memory), new(memory)
		o.Sink, o.DeadLetter = both, both
		outcomes := New(o).Handle(t.Context(), records)
		o.Sink, o.DeadLetter = alone, alone
		for i := range records {
			New(o).Handle(t.Context(), records[i:i+1])
		}
		if !slices.Equal(outcomes, []Outcome{Done, Done}) || len(both.got) != 2 {
			t.Fatalf("outcomes %v, %d written", outcomes, len(both.got))
		}
		got, want := both.bodies(), alone.bodies()
		for id := range want {
			if uncounted(got[id]) != uncounted(want[id]) {
				t.Errorf("%s: together %s, alone %s", id, got[id], want[id])
			}
		}
	})
}

// uncounted cuts the two counts out that depend on the company.
func uncounted(body string) string {
	before, rest, _ := strings.Cut(body, `"cached":`)
	_, after, _ := strings.Cut(rest, "}")
	return before + after
}

func BenchmarkHandle(b *testing.B) {
	o := options(b, nil, nil)
	o.Sink = discard{}
	h := New(o)
	var records []Record
	for i := range 10 {
		records = append(records, record(fmt.Sprint(i), fmt.Sprintf(`{"x":%d,"y":2.5}`, i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Handle(b.Context(), records)
	}
}

type discard struct{}

func (discard) Put(context.Context, Message) error { return nil }

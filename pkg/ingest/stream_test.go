package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func streamed(shard, sequence, body string) Record {
	return Record{Source: Source{Kind: "kinesis", Shard: shard, MessageID: sequence}, Group: shard, Body: []byte(body)}
}

// TestStream: the answers to a shard's records are one object, whose lines say
// which record they are of.
func TestStream(t *testing.T) {
	s := newStore()
	s.put("a.csv", "x\n7\n")
	for _, c := range []struct {
		name    string
		records []Record
		fail    string // the name of what cannot be written holds it
		want    string // D or F each
		objects string // names, without extensions
	}{
		{"all well", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `[{"x":7},{"x":11}]`), streamed("s2", "1", `{"x":7}`)}, "-", "DDD",
			"p/kinesis/s1/1-2 p/kinesis/s2/1-1"},
		{"a poison record", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{`), streamed("s1", "3", `{"x":7}`)}, "none", "DDD",
			"dead/kinesis/s1/2 p/kinesis/s1/1-3"},
		{"whose letter is not written", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{`), streamed("s1", "3", `{"x":7}`)}, "dead", "DFF",
			"p/kinesis/s1/1-1"},
		{"only poison", []Record{streamed("s1", "1", `{`), streamed("s1", "2", `{`)}, "none", "DD", "dead/kinesis/s1/1 dead/kinesis/s1/2"},
		{"one that may be better later", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{"id":"down"}`), streamed("s1", "3", `{"x":7}`)}, "none", "DFF",
			"p/kinesis/s1/1-1"},
		{"the object is not written", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{`), streamed("s2", "1", `{"x":1}`)}, "p/kinesis/s1", "FFD",
			"dead/kinesis/s1/2 p/kinesis/s2/1-1"},
		{"an object between", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{"object":"mem://in/a.csv"}`), streamed("s1", "3", `{"x":1}`)}, "none", "DDD",
			"p/in/a.csv@e0 p/kinesis/s1/1-1 p/kinesis/s1/3-3"},
		{"an object behind what is not written", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{"object":"mem://in/a.csv"}`), streamed("s1", "3", `{"x":1}`)}, "p/kinesis/s1/1-1", "FFF", ""},
		{"an object that is gone", []Record{streamed("s1", "1", `{"x":1}`), streamed("s1", "2", `{"object":"mem://in/b.csv"}`), streamed("s1", "3", `{"x":1}`)}, "dead", "DFF",
			"p/kinesis/s1/1-1"},
	} {
		clear(s.results)
		s.fail = func(call, name string) error {
			switch {
			case call == "commit" && strings.HasPrefix(name, c.fail):
				return errDown
			case call == "write" && name == "panic":
				panic("boom")
			}
			return nil
		}
		got := ""
		for _, out := range inBucket(t, s).Handle(t.Context(), c.records) {
			got += map[Outcome]string{Done: "D", Failed: "F"}[out]
		}
		var names []string
		for _, name := range s.names() {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(name, ".jsonl"), ".json"))
		}
		if got != c.want || strings.Join(names, " ") != c.objects || s.pending != 0 {
			t.Errorf("%s: got %s, %v; want %s, %s", c.name, got, names, c.want, c.objects)
		}
	}
}

// TestStreamLines: numbered from 0 in each record, with its source where there
// are several.
func TestStreamLines(t *testing.T) {
	s := newStore()
	h := inBucket(t, s)
	records := []Record{streamed("s/1", "1", `[{"x":1},{"x":7}]`), streamed("s/1", "2", `{"x":11}`), streamed("s/1", "3", `{"x":7}`)}
	records[2].Group = "" // the shard is a group of its own accord
	records[0].Group, records[1].Group = "", ""
	records[0].Source.Attributes = map[string]string{"a": "b"}
	if got := h.Handle(t.Context(), records); !slices.Equal(got, make([]Outcome, 3)) {
		t.Fatalf("got %v", got)
	}
	const first = `,"source":{"kind":"kinesis","message_id":"1","shard":"s/1","attributes":{"a":"b"}}}` + "\n"
	want := `{"row":0,"prediction":1` + first + `{"row":1,"prediction":2` + first +
		`{"row":0,"prediction":2,"source":{"kind":"kinesis","message_id":"3","shard":"s/1"}}` + "\n"
	got := s.results["p/kinesis/s%2F1/1-3.jsonl"]
	if got.body != want || got.info.Meta["copse-source"] != `{"kind":"kinesis","message_id":"1-3","shard":"s/1"}` {
		t.Errorf("got %+v in %v, want %s", got, s.names(), want)
	}
	reports := h.Report(t.Context(), records)
	for i, part := range []string{`{"predictions":[{"prediction":1},{"prediction":2}]`, "", `{"prediction":2,`} {
		if !strings.HasPrefix(string(reports[i].Reply), part) || (reports[i].Fault == nil) == (part == "") {
			t.Errorf("report %d: %+v", i, reports[i])
		}
	}
	h.Handle(t.Context(), []Record{streamed("s", "9", `{"x":1}`)})
	if got := s.results["p/kinesis/s/9-9.jsonl"].body; got != `{"row":0,"prediction":1}`+"\n" {
		t.Errorf("alone: got %s", got)
	}
}

// TestStreamPanic: a store that panics loses nothing.
func TestStreamPanic(t *testing.T) {
	s := newStore()
	s.fail = func(call, name string) error {
		if call == "write" {
			panic("boom")
		}
		return nil
	}
	records := []Record{streamed("s", "1", `{"x":1}`), streamed("s", "2", `{`)}
	if got := inBucket(t, s).Handle(t.Context(), records); fmt.Sprint(got) != "[1 1]" || len(s.results) != 0 || s.pending != 0 {
		t.Errorf("got %v, %v, %d open", got, s.names(), s.pending)
	}
}

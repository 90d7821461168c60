package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
)

// limitedSink takes messages up to a size.
type limitedSink struct {
	memory
	most int
}

func (s *limitedSink) MaxMessage() int { return s.most }

// TestGather: an object's answers as one message are those that a record with
// its rows has.
func TestGather(t *testing.T) {
	const rows = "x,y\n1,2\n7,\n11,1\n12,1\n"
	s, sink := newStore(), new(memory)
	event := s.put("größe.csv", rows)
	h := New(withObjects(options(t, sink, nil), s))
	if got := h.Handle(t.Context(), []Record{object("object", event), record("body", rows)}); got[0] != Done || got[1] != Done {
		t.Fatalf("got %v", got)
	}
	type reply struct {
		Predictions, Model json.RawMessage
		Stats              map[string]int
		Source             Source
	}
	var replies [2]reply
	bodies := sink.bodies()
	id := "mem://in/größe.csv@" + event.ETag
	for i, body := range []string{bodies[id], bodies["body"]} {
		if err := json.Unmarshal([]byte(body), &replies[i]); err != nil {
			t.Fatalf("%v in %q", err, body)
		}
	}
	got, want := replies[0], replies[1]
	if string(got.Predictions) != string(want.Predictions) || string(got.Model) != string(want.Model) || fmt.Sprint(got.Stats) != fmt.Sprint(want.Stats) {
		t.Errorf("got  %s\nwant %s", bodies[id], bodies["body"])
	}
	if got.Source.Bucket != "in" || got.Source.Key != "größe.csv" || got.Source.Version != event.ETag || got.Source.MessageID != "object" {
		t.Errorf("got %+v", got.Source)
	}
}

// TestGatherLimit: at every limit around its size, a reply goes whole or not at
// all.
func TestGatherLimit(t *testing.T) {
	s := newStore()
	event := s.put("a.csv", "x\n1\n7\n")
	whole := new(memory)
	New(withObjects(options(t, whole, nil), s)).Handle(t.Context(), []Record{object("m", event)})
	size := len(whole.got[0].Body)
	for most := range size + 3 {
		sink := &limitedSink{most: most}
		got := New(withObjects(options(t, sink, nil), s)).Report(t.Context(), []Record{object("m", event)})[0]
		switch fits := most >= size; {
		case fits && (got.Outcome != Done || len(sink.got) != 1 || string(sink.got[0].Body) != string(whole.got[0].Body)):
			t.Errorf("limit %d: got %+v", most, got)
		case !fits && (got.Fault == nil || got.Fault.Code != fault.ReplyTooLarge || len(sink.got) != 0):
			t.Errorf("limit %d of %d: got %+v", most, size, got)
		}
	}
}

// TestGathered cuts lines at every place.
func TestGathered(t *testing.T) {
	const lines = `{"row":0,"prediction":1}` + "\n" + `{"row":17,"error":{"code":"x"}}` + "\n"
	const want = `{"predictions":[{"prediction":1},{"error":{"code":"x"}}`
	for i := range len(lines) {
		g := &gathered{most: 100}
		for _, part := range []string{lines[:i], lines[i:]} {
			if n, err := g.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if string(g.reply) != want {
			t.Errorf("cut at %d: got %s", i, g.reply)
		}
	}
	g := &gathered{most: 100}
	if _, err := g.Write([]byte(strings.Repeat("x", 201))); err == nil {
		t.Error("a line without an end: no error")
	}
}

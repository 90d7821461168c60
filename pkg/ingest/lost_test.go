package ingest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestNothingIsLost throws random events at random sinks: a record is Done if
// and only if it was written, once, to one of the sinks; and groups keep their
// rule.
func TestNothingIsLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	o := options(t, nil, nil)
	for range 300 {
		var records []Record
		for i := range 1 + rng.IntN(20) {
			c := cases[rng.IntN(len(cases))]
			r := record(fmt.Sprint(i), c.body)
			r.ContentType = c.contentType
			r.Group = []string{"", "", "g", "h"}[rng.IntN(4)]
			records = append(records, r)
		}
		down := map[string]bool{}
		for _, r := range records {
			down[r.Source.MessageID] = rng.IntN(5) == 0
		}
		fail := func(m Message) error {
			if down[m.ID] {
				return errors.New("down")
			}
			return nil
		}
		sink, letters := &memory{fail: fail}, &memory{fail: fail}
		o.Sink, o.DeadLetter = sink, letters
		outcomes := New(o).Handle(t.Context(), records)
		written := map[string]int{}
		for _, m := range slices.Concat(sink.got, letters.got) {
			written[m.ID]++
		}
		stopped := map[string]bool{}
		for i, r := range records {
			want := Failed
			if written[r.Source.MessageID] == 1 {
				want = Done
			}
			if outcomes[i] != want || written[r.Source.MessageID] > 1 {
				t.Fatalf("record %d of %d: outcome %d, written %d times", i, len(records), outcomes[i], written[r.Source.MessageID])
			}
			if r.Group != "" && stopped[r.Group] && outcomes[i] == Done {
				t.Fatalf("record %d is done after a failed one of its group", i)
			}
			stopped[r.Group] = stopped[r.Group] || outcomes[i] == Failed
		}
		checkGroups(t, records, sink.got)
	}
}

// TestGroupOverBlocks: a group that stopped in one block stays stopped in the
// next.
func TestGroupOverBlocks(t *testing.T) {
	big := "x,y\n" + strings.Repeat("1,1\n7,7\n", blockValues/4)
	sink := &memory{fail: func(m Message) error {
		if m.ID == "a" {
			return errDown
		}
		return nil
	}}
	records := []Record{record("a", big), record("b", `{"x":1}`), record("c", `{"x":1}`), record("d", `{"x":1}`)}
	records[0].Group, records[1].Group, records[2].Group = "g", "g", "h"
	got := New(options(t, sink, nil)).Handle(t.Context(), records)
	if want := []Outcome{Failed, Failed, Done, Done}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

package ingest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// world is a random event, and what is to be there at its end.
type world struct {
	s       *store
	rng     *rand.Rand
	records []Record
	want    []string // of each record: the name of its object, ".json" for a dead letter; of a stream's the id
	rows    []int    // lines that answer the record
}

// kinds of records in a world: what they hold, and how many rows are answered
// (-1: none ever can be).
var kinds = []struct {
	body string
	rows int
}{
	{`{"x":1}`, 1}, {`[{"x":1},{"x":11},{"x":7}]`, 3}, {"x,y\n1,2\n7,\n", 2}, {`{"ids":["7","gone"]}`, 2}, {`[]`, 0},
	{`{`, -1}, {`{"x":11}`, -1}, {``, -1},
}

var objectKinds = []struct {
	key, body string
	rows      int
}{
	{"a.csv", "x\n1\n7\n11\n", 3}, {"b.jsonl", "{\"x\":1}\n{\"x\":7}\n", 2}, {"c.csv", "x\n", 0},
	{"d.csv", "x,z\n1,1\n", -1}, {"e.csv", "", -1}, {"f.csv", "x\n11\n", -1}, {"g/", "", -2},
}

func newWorld(seed uint64) *world {
	w := &world{s: newStore(), rng: rand.New(rand.NewPCG(seed, 1))}
	groups := []string{"", "", "g", "h"}
	for i := range 1 + w.rng.IntN(8) {
		id := fmt.Sprint(i)
		r := Record{Source: Source{Kind: "test", MessageID: id}, Group: groups[w.rng.IntN(len(groups))]}
		switch w.rng.IntN(4) {
		case 0: // an object, by an event
			c := objectKinds[w.rng.IntN(len(objectKinds))]
			r.Object = w.s.put(id+c.key, c.body)
			w.add(r, r.Object, c.rows)
		case 1: // by a pointer
			c := objectKinds[w.rng.IntN(len(objectKinds))]
			o := w.s.put(id+c.key, c.body)
			r.Body = []byte(`{"object":"mem://in/` + o.Key + `","etag":"` + o.ETag + `"}`)
			w.add(r, o, c.rows)
		case 2: // a stream's
			c := kinds[w.rng.IntN(len(kinds))]
			r.Source.Kind, r.Source.Shard, r.Group = "kinesis", "s", "s"
			r.Body = []byte(c.body)
			w.add(r, nil, c.rows)
		default:
			c := kinds[w.rng.IntN(len(kinds))]
			r.Body = []byte(c.body)
			w.add(r, nil, c.rows)
		}
	}
	return w
}

func (w *world) add(r Record, o *Object, rows int) {
	name := "p/test/" + r.Source.MessageID + ".jsonl"
	switch {
	case rows == -2:
		name = "" // a folder
	case rows == -1 && o != nil:
		name = "dead/" + kindOf(&r.Source) + "/" + string(appendEscaped(nil, o.id(), false)) + ".json"
	case rows == -1:
		name = "dead/" + kindOf(&r.Source) + "/" + stableID(&r) + ".json"
	case o != nil:
		name = "p/in/" + o.Key + "@" + o.ETag + ".jsonl"
	case r.streamed():
		name = r.Source.MessageID
	}
	w.records, w.want, w.rows = append(w.records, r), append(w.want, name), append(w.rows, rows)
}

// trouble fails calls at random: with an error, a panic, or, of a commit, with
// success whose answer is lost.
func (w *world) trouble(call, _ string) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	switch n := w.rng.IntN(100); {
	case n < 10:
		return errDown
	case n < 12 && call != "abort" && call != "close":
		panic("boom")
	}
	return nil
}

// TestNothingIsLostInBuckets delivers random events again and again, as a
// platform does, while every call to the store fails now and then. Whatever
// happened: at the end each record is answered once or dead-lettered once, no
// upload is left open, and nothing else is there. Only a stream's record may
// stand in two objects, where an attempt ended at another record than the next.
func TestNothingIsLostInBuckets(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(seed)
		h := inBucket(t, w.s)
		w.s.fail = w.trouble
		left := w.records
		for round := 0; len(left) > 0; round++ {
			if round == 10 {
				w.s.fail = func(string, string) error { return nil }
			}
			if round > 11 {
				t.Fatalf("seed %d: %d records are never done", seed, len(left))
			}
			outcomes := h.Handle(t.Context(), left)
			again := left[:0:0]
			stopped := map[string]bool{}
			for i, r := range left {
				if r.Group != "" && stopped[r.Group] && outcomes[i] == Done {
					t.Fatalf("seed %d: record %s is done after a failed one of its group", seed, r.Source.MessageID)
				}
				if outcomes[i] == Failed {
					stopped[r.Group] = true
					again = append(again, r)
				}
			}
			left = again
		}
		w.check(t, seed)
	}
}

func (w *world) check(t *testing.T, seed uint64) {
	t.Helper()
	if w.s.pending != 0 {
		t.Errorf("seed %d: %d uploads are left open", seed, w.s.pending)
	}
	streamed := map[string]map[int]bool{} // rows by message
	for name, r := range w.s.results {
		if strings.HasPrefix(name, "p/kinesis/") {
			w.readLines(t, name, r, streamed)
			delete(w.s.results, name)
		}
	}
	for i, name := range w.want {
		switch r, there := w.s.results[name]; {
		case name == "":
			continue
		case w.records[i].streamed() && w.rows[i] >= 0:
			if len(streamed[name]) != w.rows[i] {
				t.Errorf("seed %d: message %s of the stream has %d rows, want %d", seed, name, len(streamed[name]), w.rows[i])
			}
			continue
		case !there:
			t.Errorf("seed %d: there is no %s", seed, name)
		case w.rows[i] >= 0 && strings.Count(r.body, "\n") != w.rows[i]:
			t.Errorf("seed %d: %s has %q, want %d rows", seed, name, r.body, w.rows[i])
		}
		delete(w.s.results, name)
	}
	if len(w.s.results) != 0 {
		t.Errorf("seed %d: there is more than there should be: %v", seed, w.s.names())
	}
}

// readLines counts the rows of a stream's object. One record alone has lines
// without a source: the name tells it.
func (w *world) readLines(t *testing.T, name string, r kept, rows map[string]map[int]bool) {
	t.Helper()
	alone, _, _ := strings.Cut(strings.TrimPrefix(name, "p/kinesis/s/"), "-")
	for line := range strings.Lines(r.body) {
		var l struct {
			Row    int
			Source *Source
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		id := alone
		if l.Source != nil {
			id = l.Source.MessageID
		}
		if rows[id] == nil {
			rows[id] = map[int]bool{}
		}
		rows[id][l.Row] = true
	}
}

// TestEveryCallOnce fails each single call of an event, one after the other,
// in each way, and delivers it again.
func TestEveryCallOnce(t *testing.T) {
	ways := map[string]func(){"error": nil, "panic": func() { panic("boom") }}
	for seed := range uint64(4) {
		calls := len(runOnce(t, newWorld(seed), -1, nil).s.calls)
		for n := range calls {
			for way, do := range ways {
				w := runOnce(t, newWorld(seed), n, do)
				if w.check(t, seed); t.Failed() {
					t.Fatalf("call %d of %d, %s: %s", n, calls, way, w.s.calls[n])
				}
			}
		}
	}
}

func runOnce(t *testing.T, w *world, fail int, do func()) *world {
	t.Helper()
	n := -1
	w.s.fail = func(call, _ string) error {
		w.s.mu.Lock()
		n++
		hit := n == fail
		w.s.mu.Unlock()
		if !hit || call == "abort" || call == "close" {
			return nil
		}
		if do != nil {
			do()
		}
		return errDown
	}
	h := inBucket(t, w.s)
	left := w.records
	for range 3 {
		outcomes := h.Handle(t.Context(), left)
		again := left[:0:0]
		for i := range left {
			if outcomes[i] == Failed {
				again = append(again, left[i])
			}
		}
		left = again
	}
	if len(left) > 0 {
		t.Errorf("%d records are never done", len(left))
	}
	return w
}

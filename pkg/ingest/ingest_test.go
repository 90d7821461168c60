package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// models holds one model, a stump: 1 where x < 5, else 2. A row has x in
// 0…10, and y, which may be missing and is not looked at.
type models struct {
	m   *predict.Model
	err error
}

func (m models) Get(context.Context, string) (*predict.Model, func(), error) {
	return m.m, func() {}, m.err
}

func stump(t testing.TB) *predict.Model { return stumpOf(t, "x", "y") }

func stumpOf(t testing.TB, x, y string) *predict.Model {
	t.Helper()
	doc := schema.Document{Features: []schema.Feature{
		{Name: x, Type: schema.Number, Rules: "gte=0,lte=10"},
		{Name: y, Type: schema.Number, Missing: schema.Allow},
	}}
	m := &ir.Model{
		FeatureNames: []string{x, y}, Outputs: 1, LeafWidth: 1, Base: []float64{0},
		Trees: []ir.Tree{{
			Nodes:  []ir.Node{{Feature: 0, Left: 1, Right: 2, Threshold: 5}, {Feature: ir.Leaf, Value: 0}, {Feature: ir.Leaf, Value: 1, ID: 1}},
			Values: []float64{1, 2},
		}},
	}
	data, err := predict.Compile(m, doc, predict.Info{Name: "stump", Library: "test"}, []float64{1, 2, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	model, err := predict.Open("stump", data, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// memory is a sink that keeps what it is given, in order.
type memory struct {
	mu   sync.Mutex
	got  []Message
	fail func(m Message) error // nil: never
}

func (s *memory) Put(_ context.Context, m Message) error {
	if s.fail != nil {
		if err := s.fail(m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Body = bytes.Clone(m.Body)
	s.got = append(s.got, m)
	return nil
}

// bodies maps the identifiers of what was written to the bodies.
func (s *memory) bodies() map[string]string {
	out := map[string]string{}
	for _, m := range s.got {
		out[m.ID] = string(m.Body)
	}
	return out
}

// source answers ids: "7" has x = 7, "gone" is not known, "down" cannot be
// fetched, "boom" panics, and "late" fails all.
type source struct{}

func (source) Fill(_ context.Context, ids []string, s *schema.Schema, f *frame.Frame) error {
	f.Reset(s.NumFeatures())
	for i, id := range ids {
		row := f.Append()
		row[0], row[1] = 0, 0
		switch id {
		case "gone":
			f.Fail(fault.Error{Code: fault.FeaturesNotFound, Row: i, Message: "unknown id"})
		case "down":
			f.Fail(fault.Error{Code: fault.FeaturesFailed, Row: i, Message: "the source failed"})
		case "boom":
			panic("boom")
		case "late":
			return fault.New(fault.Deadline, "late")
		default:
			if _, err := fmt.Sscan(id, &row[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

func options(t testing.TB, sink, dead Sink) Options {
	t.Helper()
	return Options{Models: models{m: stump(t)}, Features: source{}, Sink: sink, DeadLetter: dead,
		Wire: wire.Limits{Rows: 500_000}, Log: slog.New(slog.DiscardHandler)}
}

func record(id, body string) Record {
	return Record{Source: Source{Kind: "test", MessageID: id}, Body: []byte(body)}
}

const (
	answered = "answered"
	dead     = "dead letter"
	retried  = "retried"
)

var cases = []struct {
	name, contentType, body string
	want                    string // answered, dead or retried
	reply                   string // of an answer: its predictions; of a dead letter: its code
}{
	{"a row", "", `{"x":1}`, answered, `1`},
	{"a row with all", "application/json", `{"x":7,"y":2}`, answered, `2`},
	{"a list", "", `[{"x":1},{"x":7},{"x":1}]`, answered, `1 2 1`},
	{"rows", "", `{"rows":[{"x":1},{"x":7}]}`, answered, `1 2`},
	{"columns", "", `{"columns":["x"],"data":[[9],[2]]}`, answered, `2 1`},
	{"CSV, detected", "", "x,y\n1,2\n7,\n", answered, `1 2`},
	{"CSV, stated", "Text/CSV; charset=utf-8", "x\n1\n", answered, `1`},
	{"NDJSON, detected", "", "{\"x\":1}\n{\"x\":6}\n", answered, `1 2`},
	{"NDJSON, stated", "application/x-ndjson", `{"x":1}`, answered, `1`},
	{"an id", "", `{"id":"7"}`, answered, `2`},
	{"ids", "", `{"ids":["7","1","gone"]}`, answered, `2 1 features_not_found`},
	{"some bad rows", "", `[{"x":1},{"x":11},{"x":1,"z":1}]`, answered, `1 out_of_range unknown_field`},
	{"an empty batch", "", `[]`, answered, ``},
	{"no JSON", "", `{"x":`, dead, "malformed"},
	{"nothing", "", ``, dead, "empty_body"},
	{"an unknown type", "image/png", `{"x":1}`, dead, "unsupported_media_type"},
	{"a bad row", "", `{"x":11}`, dead, "invalid_rows"},
	{"only bad rows", "", `[{"x":11},{"x":-1}]`, dead, "invalid_rows"},
	{"an unknown id", "", `{"id":"gone"}`, dead, "invalid_rows"},
	{"bytes that are no text", "", "{\"x\":1,\"\xff\":2}", dead, ""},
	{"a source that is down for one", "", `{"ids":["7","down"]}`, retried, ""},
}

// result is what of a reply the tests look at.
type result struct {
	Prediction  json.RawMessage  `json:"prediction"`
	Predictions []map[string]any `json:"predictions"`
	Model       *struct{ Name string }
	Stats       *frame.Stats `json:"stats"`
	Source      Source       `json:"source"`
}

// shown writes a reply's predictions as in the table.
func shown(t *testing.T, body string) string {
	t.Helper()
	var r result
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if r.Model == nil || r.Model.Name != "stump" || r.Source.Kind != "test" {
		t.Errorf("model or source are missing: %s", body)
	}
	if r.Prediction != nil {
		return string(r.Prediction)
	}
	var out []string
	for _, p := range r.Predictions {
		if e, bad := p["error"].(map[string]any); bad {
			out = append(out, fmt.Sprint(e["code"]))
		} else {
			out = append(out, fmt.Sprint(p["prediction"]))
		}
	}
	return strings.Join(out, " ")
}

// TestRecords answers every case alone, and all of them as one event.
func TestRecords(t *testing.T) {
	var all []Record
	for i, c := range cases {
		r := record(fmt.Sprint("m", i), c.body)
		r.ContentType = c.contentType
		all = append(all, r)
		checkCases(t, []Record{r}, i)
	}
	checkCases(t, all, 0)
}

func checkCases(t *testing.T, records []Record, first int) {
	t.Helper()
	sink, letters := new(memory), new(memory)
	outcomes := New(options(t, sink, letters)).Handle(t.Context(), records)
	results, hopeless := sink.bodies(), letters.bodies()
	for i, r := range records {
		c := cases[first+i]
		id := r.Source.MessageID
		got := retried
		switch {
		case results[id] != "":
			got = answered
			if reply := shown(t, results[id]); reply != c.reply {
				t.Errorf("%s: got %s, want %s", c.name, reply, c.reply)
			}
		case hopeless[id] != "":
			got = dead
			checkLetter(t, c.name, hopeless[id], c.body, c.reply)
		}
		if got != c.want || (outcomes[i] == Done) != (got != retried) {
			t.Errorf("%s: %s with outcome %d, want %s", c.name, got, outcomes[i], c.want)
		}
	}
	if len(sink.got) != len(results) || len(letters.got) != len(hopeless) {
		t.Error("a record is written twice")
	}
}

func checkLetter(t *testing.T, name, body, want, code string) {
	t.Helper()
	var l letter
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatalf("%s: %v in %s", name, err, body)
	}
	if l.Body+string(l.Base64) != want || l.Source.Kind != "test" || l.Reason.Message == "" || code != "" && l.Reason.Code != code {
		t.Errorf("%s: got %s", name, body)
	}
	if l.Reason.Code == "invalid_rows" && len(l.Reason.Errors) == 0 {
		t.Errorf("%s: the dead letter does not say which rows are bad: %s", name, body)
	}
}

// TestStats: each record's counts are its own.
func TestStats(t *testing.T) {
	sink := new(memory)
	New(options(t, sink, nil)).Handle(t.Context(), []Record{
		record("a", `[{"x":1},{"x":1},{"x":2}]`), record("b", `[{"x":2},{"x":3},{"x":11}]`)})
	got := map[string]frame.Stats{}
	for id, body := range sink.bodies() {
		var r result
		if err := json.Unmarshal([]byte(body), &r); err != nil || r.Stats == nil {
			t.Fatal(err, body)
		}
		got[id] = *r.Stats
	}
	want := map[string]frame.Stats{
		"a": {Rows: 3, Valid: 3, Unique: 2, Scored: 2},
		"b": {Rows: 3, Valid: 2, Unique: 2, Scored: 2},
	}
	for id := range want {
		if got[id] != want[id] {
			t.Errorf("%s: got %+v, want %+v", id, got[id], want[id])
		}
	}
}

func TestWithoutDeadLetter(t *testing.T) {
	sink := new(memory)
	got := New(options(t, sink, nil)).Handle(t.Context(), []Record{record("a", "{"), record("b", `{"x":1}`)})
	if want := []Outcome{Failed, Done}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSinks: what a sink answers decides over the record.
func TestSinks(t *testing.T) {
	down := func(Message) error { return errors.New("down") }
	large := func(Message) error { return fault.New(fault.ReplyTooLarge, "too large") }
	boom := func(Message) error { panic("boom") }
	for _, c := range []struct {
		name               string
		sink, dead         func(Message) error
		body               string
		want               Outcome
		results, deadCount int
	}{
		{"the sink is down", down, nil, `{"x":1}`, Failed, 0, 0},
		{"the sink panics", boom, nil, `{"x":1}`, Failed, 0, 0},
		{"the sink cannot ever take it", large, nil, `{"x":1}`, Done, 0, 1},
		{"neither can the dead-letter sink", large, large, `{"x":1}`, Failed, 0, 0},
		{"the dead-letter sink is down", nil, down, `{`, Failed, 0, 0},
		{"the dead-letter sink panics", nil, boom, `{`, Failed, 0, 0},
	} {
		sink, letters := &memory{fail: c.sink}, &memory{fail: c.dead}
		got := New(options(t, sink, letters)).Handle(t.Context(), []Record{record("a", c.body)})
		if got[0] != c.want || len(sink.got) != c.results || len(letters.got) != c.deadCount {
			t.Errorf("%s: got %v, %d results and %d dead letters", c.name, got, len(sink.got), len(letters.got))
		}
	}
}

func TestUnreadableRecord(t *testing.T) {
	letters := new(memory)
	r := record("a", `{"messageId":"a","body":1}`)
	r.Unreadable = true
	if got := New(options(t, new(memory), letters)).Handle(t.Context(), []Record{r}); got[0] != Done {
		t.Errorf("got %v", got)
	}
	checkLetter(t, "unreadable", letters.bodies()["a"], string(r.Body), "malformed")
}

// TestPoison: a record that makes the reading panic fails alone.
func TestPoison(t *testing.T) {
	sink := new(memory)
	got := New(options(t, sink, new(memory))).Handle(t.Context(), []Record{
		record("a", `{"x":1}`), record("b", `{"id":"boom"}`), record("c", `{"id":"7"}`)})
	if want := []Outcome{Done, Failed, Done}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestDeadline: where the time is over, nothing is done.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sink := &memory{fail: func(Message) error { return ctx.Err() }}
	for _, body := range []string{`{"x":1}`, `{"id":"late"}`} {
		got := New(options(t, sink, nil)).Handle(ctx, []Record{record("a", body)})
		if got[0] != Failed || len(sink.got) > 0 {
			t.Errorf("%s: got %v, %d results", body, got, len(sink.got))
		}
	}
}

func TestNoModel(t *testing.T) {
	o := options(t, new(memory), new(memory))
	o.Models = models{err: fault.New(fault.Unavailable, "loading")}
	if got := New(o).Handle(t.Context(), []Record{record("a", "{")}); got[0] != Failed {
		t.Errorf("got %v", got)
	}
}

// TestGroups: in a group nothing is done, and nothing written, after a record
// that is not done.
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		name string
		// "g:body" each; "!" fails to be written.
		records string
		dead    bool
		want    string // D or F each
	}{
		{"all well", "a:1 a:2 b:3", false, "DDD"},
		{"a hopeless record stops its group", "a:1 a:x a:2 b:3", false, "DFFD"},
		{"unless it is written away", "a:1 a:x a:2 b:3", true, "DDDD"},
		{"a failed write stops its group", "a:1 b:! b:1 a:! a:2", true, "DFFFF"},
		{"without a group nothing is stopped", ":1 :x :2 :! :3", false, "DFDFD"},
		{"interleaved", "a:x b:1 a:1 b:2 a:2 b:x b:3", false, "FDFDFFF"},
	} {
		var records []Record
		for i, text := range strings.Fields(c.records) {
			group, body, _ := strings.Cut(text, ":")
			n := map[string]string{"!": "9"}[body]
			if n == "" {
				n = body
			}
			r := record(fmt.Sprint(i, body), `{"x":`+n+`}`)
			r.Group = group
			records = append(records, r)
		}
		sink := &memory{fail: func(m Message) error {
			if strings.HasSuffix(m.ID, "!") {
				return errors.New("down")
			}
			return nil
		}}
		o := options(t, sink, nil)
		if c.dead {
			o.DeadLetter = new(memory)
		}
		got := ""
		for _, out := range New(o).Handle(t.Context(), records) {
			got += map[Outcome]string{Done: "D", Failed: "F"}[out]
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		checkGroups(t, records, sink.got)
	}
}

// checkGroups: results of a group are in the order of its records.
func checkGroups(t *testing.T, records []Record, got []Message) {
	t.Helper()
	place := map[string]int{}
	for i, r := range records {
		place[r.Source.MessageID] = i
	}
	last := map[string]int{}
	for _, m := range got {
		if m.Group == "" {
			continue
		}
		if place[m.ID] < last[m.Group] {
			t.Errorf("group %s is out of order at %s", m.Group, m.ID)
		}
		last[m.Group] = place[m.ID]
	}
}

// TestBlocks answers an event that is more than one block.
func TestBlocks(t *testing.T) {
	sink := new(memory)
	big := "x,y\n" + strings.Repeat("1,1\n7,7\n", blockValues/8)
	records := []Record{record("a", big), record("b", `{"x":1}`), record("c", big), record("d", `{"x":7}`), record("e", `{"id":"7"}`)}
	for i := range records {
		records[i].Group = "g"
	}
	got := New(options(t, sink, nil)).Handle(t.Context(), records)
	if !slices.Equal(got, make([]Outcome, len(records))) {
		t.Fatalf("got %v", got)
	}
	bodies := sink.bodies()
	for id, want := range map[string]string{"b": "1", "d": "2", "e": "2"} {
		if got := shown(t, bodies[id]); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	if bodies["a"] == "" || strings.ReplaceAll(bodies["a"], `"a"`, `"c"`) != bodies["c"] {
		t.Error("equal records in different blocks have different answers")
	}
}

// TestWritesTogether: writes run at the same time, but not more than so many.
func TestWritesTogether(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	full := make(chan struct{})
	sink := &memory{fail: func(Message) error {
		mu.Lock()
		running++
		most = max(most, running)
		if running == writers {
			close(full)
		}
		mu.Unlock()
		<-full // nobody ends before all writers are at work
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}}
	var records []Record
	for i := range writers {
		records = append(records, record(fmt.Sprint(i), `{"x":1}`))
	}
	New(options(t, sink, nil)).Handle(t.Context(), records)
	if most != writers {
		t.Errorf("%d writes at once, want %d", most, writers)
	}
}

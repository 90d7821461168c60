package ingest

import (
	"errors"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
)

// TestReport: who asks hears each record's reply, as the sink has it but for
// its source, or why there is none.
func TestReport(t *testing.T) {
	sink, letters := &memory{fail: func(m Message) error {
		if m.ID == "down" {
			return errors.New("down")
		}
		return nil
	}}, new(memory)
	for _, c := range []struct {
		body, id string
		dead     Sink
		outcome  Outcome
		code     fault.Code // where there is no reply
		row      int
		reply    string // its beginning
	}{
		{`{"x":1}`, "a", nil, Done, 0, 0, `{"prediction":1,`},
		{`[{"x":7},{"x":-1}]`, "b", nil, Done, 0, 0, `{"predictions":[{"prediction":2},{"error":`},
		{`{"x":-1}`, "c", nil, Failed, fault.OutOfRange, 0, ""},
		{`{"x":-1}`, "d", letters, Done, fault.OutOfRange, 0, ""},
		{`[{"x":-1}]`, "e", nil, Failed, fault.InvalidRows, fault.Whole, ""},
		{`{`, "f", letters, Done, fault.Malformed, fault.Whole, ""},
		{`{"x":1}`, "down", letters, Failed, fault.Unavailable, fault.Whole, ""},
	} {
		h := New(options(t, sink, c.dead))
		// A neighbour before it: rows are counted in the record.
		got := h.Report(t.Context(), []Record{record("first", `{"x":-1}`), record(c.id, c.body)})[1]
		if got.Outcome != c.outcome || (got.Fault == nil) == (c.reply == "") {
			t.Errorf("%s: got %+v", c.body, got)
			continue
		}
		if c.reply == "" {
			if got.Fault.Code != c.code || got.Fault.Row != c.row || got.Reply != nil {
				t.Errorf("%s: got %+v, %v", c.body, got, got.Fault)
			}
			continue
		}
		want := sink.bodies()[c.id]
		if !strings.HasPrefix(string(got.Reply), c.reply) ||
			string(got.Reply) != strings.Replace(want, `,"source":{"kind":"test","message_id":"`+c.id+`"}`, "", 1) {
			t.Errorf("%s: got %s, the sink has %s", c.body, got.Reply, want)
		}
	}
}

// TestReportMore: of a record with a single row all that is wrong is told.
func TestReportMore(t *testing.T) {
	h := New(options(t, new(memory), nil))
	got := h.Report(t.Context(), []Record{record("a", `{"x":-1}`), record("b", `{"x":-1,"w":1,"z":1}`)})
	if got[0].Fault.Code != fault.OutOfRange || len(got[0].More) != 0 {
		t.Errorf("got %+v", got[0])
	}
	b := got[1]
	if b.Fault.Code != fault.OutOfRange || len(b.More) != 2 || b.More[0].Code != fault.UnknownField || b.More[1].Row != 0 {
		t.Errorf("got %v, %+v", b.Fault, b.More)
	}
}

// TestReportWithoutModel: nothing is known of the records but that they are
// left to be delivered again.
func TestReportWithoutModel(t *testing.T) {
	o := options(t, new(memory), nil)
	o.Models = models{err: errors.New("none")}
	for _, r := range New(o).Report(t.Context(), []Record{record("a", `{"x":1}`)}) {
		if r.Outcome != Failed || r.Fault != nil || r.Reply != nil {
			t.Errorf("got %+v", r)
		}
	}
}

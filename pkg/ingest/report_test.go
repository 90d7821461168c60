package ingest

import (
	"bytes"
	"errors"
	"log/slog"
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

// TestLogSaysWhy: the log says what comes of a record that cannot be answered,
// by its kind, and of one whose rows are all bad what is wrong with the first.
func TestLogSaysWhy(t *testing.T) {
	down := &memory{fail: func(Message) error { return errors.New("down") }}
	for _, c := range []struct {
		kind, body string
		sink       Sink
		want       []string
	}{
		{"sqs", `{"x":11}`, new(memory), []string{"record can never be answered, and there is no dead-letter sink: it is left to the platform", "row=0 field=x rule=\"lte=10\" row_error=\"x must be at most 10\""}},
		{"sqs", `[{"x":"secret"},{"x":11}]`, new(memory), []string{"row=0 field=x ", "row_error="}},
		{"sqs", `{"x":1}`, down, []string{"record left to be delivered again"}},
		{"map", `{"x":11}`, new(memory), []string{"item can never be answered: the error is its entry in the reply", "field=x"}},
		{"invoke", `{"x":11}`, new(memory), []string{"payload can never be answered: the invocation fails"}},
		{"invoke", `{"x":1}`, down, []string{"record not answered now: the invocation fails, and may be tried again"}},
		{"map", `{"x":1}`, down, []string{"record not answered now: "}},
		{"sqs", `{"object":"mem://in/none.csv"}`, new(memory), []string{"object=mem://in/none.csv\n"}},
		{"sqs", `{"object":"mem://in/a@b.csv","from":3,"to":9}`, new(memory), []string{"object=mem://in/a@b.csv#3-9\n"}},
	} {
		var log bytes.Buffer
		o := withObjects(options(t, c.sink, nil), newStore())
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		if got := New(o).Handle(t.Context(), []Record{{Source: Source{Kind: c.kind}, Body: []byte(c.body)}}); got[0] != Failed {
			t.Errorf("%s of %s: done", c.body, c.kind)
		}
		for _, want := range c.want {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s of %s: got %s, want %s", c.body, c.kind, log.String(), want)
			}
		}
		if text := log.String(); strings.Contains(text, "message_id") || strings.Contains(text, "secret") {
			t.Errorf("%s of %s: got %s", c.body, c.kind, text)
		}
	}
}

// TestScalars: a JSON value that is neither an object nor a list is told as
// such; a header alone, which looks like one only from afar, is none.
func TestScalars(t *testing.T) {
	const scalar = "neither an object nor a list"
	for body, want := range map[string]string{
		"null": scalar, " 5\n": scalar, `"text"`: scalar, "true": scalar, "-1.5e3\r\n": scalar,
		"x\n1\n": "", "\"x\"\n1\n": "", "\"x\",y\n1,2\n": "", "nul": "nul", "5 6": "5 6",
	} {
		got := New(options(t, new(memory), nil)).Report(t.Context(), []Record{{Source: Source{Kind: "sqs"}, Body: []byte(body)}})[0]
		if (got.Fault == nil) != (want == "") || got.Fault != nil && (!strings.Contains(got.Fault.Message, want) || (want == scalar) != (got.Fault.Code == fault.Malformed)) {
			t.Errorf("%q: got %v, want %q", body, got.Fault, want)
		}
	}
}

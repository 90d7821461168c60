package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"example.com/copse/pkg/ingest"
)

// message is a record of SQS with the members that every test needs.
func message(id, rest string) string {
	return fmt.Sprintf(`{"messageId":%q,"eventSource":"aws:sqs"%s}`, id, rest)
}

func listOf(records ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func TestReadRecords(t *testing.T) {
	for _, c := range []struct {
		name   string
		record string
		want   ingest.Record
	}{
		{"a message", message("m", `,"body":"{\"a\":1}","eventSourceARN":"arn:q"`),
			ingest.Record{Body: []byte(`{"a":1}`)}},
		{"attributes", message("m", `,"body":"","messageAttributes":{"Content-Type":{"stringValue":"text/csv","dataType":"String"},"n":{"stringValue":"1","dataType":"Number"}}`),
			ingest.Record{Body: []byte{}, ContentType: "text/csv", Source: ingest.Source{Attributes: map[string]string{"Content-Type": "text/csv", "n": "1"}}}},
		{"an odd binary attribute", message("m", `,"body":"x","messageAttributes":{"b":{"binaryValue":"%%%","dataType":"Binary"}}`),
			ingest.Record{Body: []byte("x")}},
		{"a FIFO group", message("m", `,"body":"x","eventSourceARN":"arn:aws:sqs:r:1:q.fifo","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x"), Group: "g"}},
		{"a group without ARN", message("m", `,"body":"x","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x"), Group: "g"}},
		{"a fair queue's group", message("m", `,"body":"x","eventSourceARN":"arn:aws:sqs:r:1:q","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x")}},
		{"no body", message("m", ``),
			ingest.Record{Unreadable: true}},
		{"a body of another type, in a group", message("m", `,"body":1,"eventSourceARN":"a.fifo","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Unreadable: true, Group: "g"}},
		{"attributes of another type", message("m", `,"body":"x","messageAttributes":[]`),
			ingest.Record{Unreadable: true}},
	} {
		var e event
		if k := e.read(listOf(c.record)); k != records {
			t.Fatalf("%s: kind %d", c.name, k)
		}
		got, ids, err := readRecords(e.records)
		if err != nil || len(got) != 1 || !slices.Equal(ids, []string{"m"}) {
			t.Errorf("%s: got %v, %v, %v", c.name, got, ids, err)
			continue
		}
		if c.want.Unreadable {
			c.want.Body = []byte(c.record)
		}
		g := got[0]
		if string(g.Body) != string(c.want.Body) || g.ContentType != c.want.ContentType || g.Group != c.want.Group || g.Unreadable != c.want.Unreadable ||
			g.Source.Kind != "sqs" || g.Source.MessageID != "m" || fmt.Sprint(g.Source.Attributes) != fmt.Sprint(c.want.Source.Attributes) {
			t.Errorf("%s: got %+v, want %+v", c.name, g, c.want)
		}
	}
}

// TestLibraryMessage holds the reader equal to aws-lambda-go's types on their
// own example.
func TestLibraryMessage(t *testing.T) {
	payload := libraryEvents(t)["sqs-event"]
	var want events.SQSEvent
	if err := json.Unmarshal(payload, &want); err != nil {
		t.Fatal(err)
	}
	var e event
	e.read(payload)
	got, ids, err := readRecords(e.records)
	if err != nil || len(got) != len(want.Records) {
		t.Fatal(got, err)
	}
	for i, m := range want.Records {
		if ids[i] != m.MessageId || string(got[i].Body) != m.Body || got[i].Source.Origin != m.EventSourceARN {
			t.Errorf("record %d: got %+v, want %+v", i, got[i], m)
		}
		for name, a := range m.MessageAttributes {
			value, has := got[i].Source.Attributes[name]
			if has != (a.StringValue != nil) || has && value != *a.StringValue {
				t.Errorf("attribute %s: got %q", name, value)
			}
		}
	}
}

// TestWholeBatchFails: what cannot be named as failed fails the batch, before
// any of its records is answered.
func TestWholeBatchFails(t *testing.T) {
	f := New(Options{Records: batch(func(context.Context, []ingest.Record) []ingest.Outcome {
		t.Error("records of a broken batch are answered")
		return nil
	}), Log: discard()})
	good := message("m", `,"body":"{}"`)
	for _, c := range []struct {
		payload []byte
		want    string
	}{
		{listOf(good, `{"eventSource":"aws:sqs"}`), "invalid event: record 1 has no messageId"},
		{listOf(`{"messageId":"","eventSource":"aws:sqs"}`), "invalid event: record 0 has no messageId"},
		{listOf(`{"messageId":7,"eventSource":"aws:sqs"}`), "invalid event: record 0 has no messageId"},
		{listOf(`1`), "invalid event: record 0 has no messageId"},
		{listOf(good, `{"messageId":"m"}`), "unsupported event: record 1 does not name its source"},
		{listOf(`{"eventSource":"aws:s3","s3":{}}`), "unsupported event: record 0 is not of SQS, the one source of records that this function reads"},
	} {
		if _, err := f.Invoke(t.Context(), c.payload); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.payload, err, c.want)
		}
	}
}

func TestBatchReply(t *testing.T) {
	D, F := ingest.Done, ingest.Failed
	for _, c := range []struct {
		outcomes []ingest.Outcome
		want     string
	}{
		{nil, `{"batchItemFailures":[]}`},
		{[]ingest.Outcome{D, D}, `{"batchItemFailures":[]}`},
		{[]ingest.Outcome{F, D, F}, `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m2"}]}`},
	} {
		var list []string
		for i := range c.outcomes {
			list = append(list, message(fmt.Sprintf("m%d", i), `,"body":"x"`))
		}
		f := New(Options{Records: batch(func(_ context.Context, r []ingest.Record) []ingest.Outcome { return c.outcomes }), Log: discard()})
		got, err := f.Invoke(t.Context(), listOf(list...))
		if err != nil || string(got) != c.want {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
		var reply events.SQSEventResponse
		if err := json.Unmarshal(got, &reply); err != nil {
			t.Error(err)
		}
	}
}

// TestBatchDefects: a handler that panics, or loses count, fails the batch.
func TestBatchDefects(t *testing.T) {
	for _, b := range []batch{
		func(context.Context, []ingest.Record) []ingest.Outcome { panic("boom") },
		func(context.Context, []ingest.Record) []ingest.Outcome { return nil },
	} {
		_, err := New(Options{Records: b, Log: discard()}).Invoke(t.Context(), listOf(message("m", `,"body":"x"`)))
		if _, ok := errors.AsType[*InternalError](err); !ok {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzRecords: whatever a batch looks like, either every record has its
// identifier and a place, or the batch is an error.
func FuzzRecords(f *testing.F) {
	f.Add(listOf(message("m", `,"body":"x"`), `{}`))
	for _, name := range []string{"sqs.json", "sqs-fifo.json", "sqs-odd-records.json"} {
		f.Add(readEvent(f, name))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var e event
		if e.read(payload) != records {
			return
		}
		got, ids, err := readRecords(e.records)
		if err != nil {
			return
		}
		if len(got) != len(ids) || slices.Contains(ids, "") {
			t.Fatalf("%d records, identifiers %q", len(got), ids)
		}
		if !json.Valid(payload) {
			t.Fatalf("a batch is taken that is no JSON: %q", payload)
		}
	})
}

package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"example.com/copse/pkg/ingest"
)

// message is a record of SQS with the members that every test needs.
func sqsMessage(id, rest string) string {
	return fmt.Sprintf(`{"messageId":%q,"eventSource":"aws:sqs"%s}`, id, rest)
}

func TestReadMessage(t *testing.T) {
	for _, c := range []struct {
		name   string
		record string
		want   ingest.Record
	}{
		{"a message", sqsMessage("m", `,"body":"{\"a\":1}","eventSourceARN":"arn:q"`),
			ingest.Record{Body: []byte(`{"a":1}`)}},
		{"attributes", sqsMessage("m", `,"body":"","messageAttributes":{"Content-Type":{"stringValue":"text/csv","dataType":"String"},"n":{"stringValue":"1","dataType":"Number"}}`),
			ingest.Record{Body: []byte{}, ContentType: "text/csv", Source: ingest.Source{Attributes: map[string]string{"Content-Type": "text/csv", "n": "1"}}}},
		{"an odd binary attribute", sqsMessage("m", `,"body":"x","messageAttributes":{"b":{"binaryValue":"%%%","dataType":"Binary"}}`),
			ingest.Record{Body: []byte("x")}},
		{"a FIFO group", sqsMessage("m", `,"body":"x","eventSourceARN":"arn:aws:sqs:r:1:q.fifo","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x"), Group: "g"}},
		{"a group without ARN", sqsMessage("m", `,"body":"x","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x"), Group: "g"}},
		{"a fair queue's group", sqsMessage("m", `,"body":"x","eventSourceARN":"arn:aws:sqs:r:1:q","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Body: []byte("x")}},
		{"no body", sqsMessage("m", ``),
			ingest.Record{Unreadable: true}},
		{"a body of another type, in a group", sqsMessage("m", `,"body":1,"eventSourceARN":"a.fifo","attributes":{"MessageGroupId":"g"}`),
			ingest.Record{Unreadable: true, Group: "g"}},
		{"attributes of another type", sqsMessage("m", `,"body":"x","messageAttributes":[]`),
			ingest.Record{Unreadable: true}},
	} {
		d := read(t, listOf(c.record))
		got := d.records
		if d.err != nil || len(got) != 1 || len(d.messages) != 1 || d.messages[0].id != "m" {
			t.Errorf("%s: got %v, %v, %v", c.name, got, d.messages, d.err)
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

// neverAsked fails the test when it is.
func neverAsked(t *testing.T) batch {
	return func(context.Context, []ingest.Record) []ingest.Outcome {
		t.Error("records of a broken event are answered")
		return nil
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
			list = append(list, sqsMessage(fmt.Sprintf("m%d", i), `,"body":"x"`))
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
		_, err := New(Options{Records: b, Log: discard()}).Invoke(t.Context(), listOf(sqsMessage("m", `,"body":"x"`)))
		if _, ok := errors.AsType[*InternalError](err); !ok {
			t.Errorf("got %v", err)
		}
	}
}

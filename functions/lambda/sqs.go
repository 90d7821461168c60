package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/copse/pkg/ingest"
)

// sqsMessage is what is read of a message. Other members, such as binary
// attributes, are passed over unread: one that is odd must not fail its batch.
type sqsMessage struct {
	Body              *string              `json:"body"`
	SourceARN         string               `json:"eventSourceARN"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
}

type attribute struct {
	StringValue *string `json:"stringValue"`
}

// records answers a batch of SQS: the messages that are to be delivered again
// are named in the reply, the others are done. An error delivers all again, so
// it is for what no name can be given for.
func (f *Function) records(ctx context.Context, raw []byte) ([]byte, error) {
	if f.o.Records == nil {
		return nil, &UnsupportedEvent{"this function answers requests and direct invocations; batches of SQS go to the function of functions/lambda/events"}
	}
	batch, ids, err := readRecords(raw)
	if err != nil {
		return nil, err
	}
	outcomes := f.o.Records.Handle(ctx, batch)
	if len(outcomes) != len(batch) {
		return nil, new(InternalError)
	}
	return batchReply(ids, outcomes), nil
}

// readRecords reads each message on its own. A message without its identifier
// is an error, since it could not be named as failed; one that is odd in
// another way is a record that cannot be read.
func readRecords(raw []byte) (batch []ingest.Record, ids []string, err error) {
	good := walkList(raw, func(_, message []byte) {
		var head struct {
			MessageID   string `json:"messageId"`
			EventSource string `json:"eventSource"`
		}
		n := len(ids)
		switch e := json.Unmarshal(message, &head); {
		case err != nil:
		case head.EventSource != "" && head.EventSource != "aws:sqs":
			err = &UnsupportedEvent{fmt.Sprintf("record %d is not of SQS, the one source of records that this function reads", n)}
		case e != nil || head.MessageID == "":
			err = invalidEvent(fmt.Sprintf("record %d has no messageId", n))
		case head.EventSource == "":
			err = &UnsupportedEvent{fmt.Sprintf("record %d does not name its source", n)}
		default:
			ids = append(ids, head.MessageID)
			batch = append(batch, readMessage(head.MessageID, message))
		}
	})
	if err == nil && !good {
		err = invalidEvent("its Records cannot be read")
	}
	return batch, ids, err
}

func readMessage(id string, raw []byte) ingest.Record {
	var m sqsMessage
	r := ingest.Record{Source: ingest.Source{Kind: "sqs", MessageID: id}}
	if err := json.Unmarshal(raw, &m); err != nil || m.Body == nil {
		r.Body, r.Unreadable = slices.Clone(raw), true
		r.Group = groupOf(raw)
		return r
	}
	r.Body = []byte(*m.Body)
	r.Source.Origin = m.SourceARN
	for name, a := range m.MessageAttributes {
		if a.StringValue == nil {
			continue
		}
		if r.Source.Attributes == nil {
			r.Source.Attributes = make(map[string]string, len(m.MessageAttributes))
		}
		r.Source.Attributes[name] = *a.StringValue
		if strings.EqualFold(name, "content-type") || strings.EqualFold(name, "contenttype") {
			r.ContentType = *a.StringValue
		}
	}
	r.Group = group(m.SourceARN, m.Attributes["MessageGroupId"])
	return r
}

// group is the group within which the order counts. On a standard queue the
// same attribute means fair queueing, and no order: there, one bad message
// must not hold up the others of its group.
func group(arn, id string) string {
	if arn != "" && !strings.HasSuffix(arn, ".fifo") {
		return ""
	}
	return id
}

// groupOf finds the group of a message that is odd elsewhere.
func groupOf(raw []byte) string {
	var arn struct {
		SourceARN string `json:"eventSourceARN"`
	}
	var id struct {
		Attributes struct {
			Group string `json:"MessageGroupId"`
		} `json:"attributes"`
	}
	// Each alone: what the one cannot read, the other may.
	_ = json.Unmarshal(raw, &arn)
	_ = json.Unmarshal(raw, &id)
	return group(arn.SourceARN, id.Attributes.Group)
}

// batchReply names the failed messages. An empty list means that all are done.
func batchReply(ids []string, outcomes []ingest.Outcome) []byte {
	dst := []byte(`{"batchItemFailures":[`)
	first := len(dst)
	for i, id := range ids {
		if outcomes[i] == ingest.Done {
			continue
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"itemIdentifier":`...)
		dst = append(appendQuoted(dst, id), '}')
	}
	return append(dst, "]}"...)
}

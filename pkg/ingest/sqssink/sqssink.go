// Package sqssink writes the results of events to a queue of Amazon SQS,
// standard or FIFO, through the SDK.
//
// To a FIFO queue a result is written once: its deduplication id is its
// source's identity, and SQS keeps those of the last five minutes. In a standard
// queue a record that was delivered twice has two results, of the same
// attribute copse_id.
//
// Question: a message a call, or batches of ten? Choice: a message a call. The
// records of an event are written at the same time, so a batch would save
// nothing of the time, one call's failure would be that of ten, and a message
// near the limit of 1 MiB has to travel alone anyway. What would change it:
// events of so many small records that SQS's price of a call counts.
package sqssink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
	"example.com/copse/pkg/ingest/sinkuri"
)

// maxMessage is SQS's limit of a message with its attributes, 1 MiB
// (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
const maxMessage = 1 << 20

// Attributes of every message.
const (
	AttrID         = "copse_id"     // the same at each delivery of the record
	AttrSource     = "copse_source" // the kind of the source: "sqs", …
	AttrDeadLetter = "copse_dead_letter"
)

// Sink sends messages to one queue.
type Sink struct {
	queue  string // its URL
	path   string // "ACCOUNT:NAME", as its ARN ends
	fifo   bool
	client func() *sqs.Client
}

// Open returns the sink for the URI "sqs:QUEUE_URL". The connection is made
// when the first message is sent.
func Open(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	q, err := sinkuri.SQS(uri)
	if err != nil {
		return nil, err
	}
	region := regionOf(q.Host)
	if region == "" {
		return nil, errors.New("the queue's region is not in its URL: set AWS_REGION")
	}
	return &Sink{
		queue: q.URL, path: q.Account + ":" + q.Name, fifo: strings.HasSuffix(q.Name, ".fifo"),
		client: sync.OnceValue(func() *sqs.Client { return newClient(region) }),
	}, nil
}

// regionOf reads the region out of sqs.REGION.amazonaws.com, since a queue may
// be in another region than the function.
func regionOf(host string) string {
	if rest, ok := strings.CutPrefix(host, "sqs."); ok {
		if region, tail, ok := strings.Cut(rest, "."); ok && strings.HasPrefix(tail, "amazonaws.com") {
			return region
		}
	}
	return awsenv.Region()
}

func newClient(region string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       region,
		BaseEndpoint: awsenv.Endpoint("SQS"),
		Credentials:  awsenv.Credentials(),
		HTTPClient:   awsenv.Client(awsenv.CallTimeout),
		Retryer:      awsenv.Retryer(),
	})
}

// MaxMessage is the largest body that is taken, in bytes, where nothing is
// beside it.
func (*Sink) MaxMessage() int { return maxMessage }

// Put sends one message. In a FIFO queue it keeps the group of its source and
// is deduplicated by the source's identity: a record that is answered twice
// arrives once (within SQS's five minutes).
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	if m.Source.Origin != "" && strings.HasSuffix(m.Source.Origin, ":"+s.path) {
		return errors.New("the sink is the queue that the record came from, which would never end: set COPSE_SINK and COPSE_DEAD_LETTER to other queues")
	}
	in := &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: aws.String(text(m.Body)), MessageAttributes: attributes(&m)}
	if size(in) > maxMessage {
		return fault.New(fault.ReplyTooLarge, "the result is over %d bytes, the most that SQS takes: send smaller batches, or set COPSE_SINK to a bucket", maxMessage)
	}
	if s.fifo {
		in.MessageGroupId = aws.String(groupID(&m))
		in.MessageDeduplicationId = aws.String(identifier(m.ID))
	}
	if _, err := s.client().SendMessage(ctx, in); err != nil {
		return fmt.Errorf("sqs: %w", err)
	}
	return nil
}

// groupID is the record's group; a record without one is in a group of its
// own, so that nothing waits for it.
func groupID(m *ingest.Message) string {
	if m.Group != "" {
		return identifier(m.Group)
	}
	return identifier(m.ID)
}

// maxIdentifier is the length of a group's and a deduplication id.
const maxIdentifier = 128

// identifier is a text as SQS takes it for an id: letters, digits and
// punctuation of ASCII. Another text becomes its digest: as stable, and as
// different from others, as the text.
func identifier(s string) string {
	if s != "" && len(s) <= maxIdentifier && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// text is a JSON text without the two characters of Unicode that SQS refuses
// and JSON does not, U+FFFE and U+FFFF, which stand in its strings only.
func text(body []byte) string {
	return escaper.Replace(string(body))
}

var escaper = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

func attributes(m *ingest.Message) map[string]types.MessageAttributeValue {
	all := map[string]types.MessageAttributeValue{AttrID: attribute(identifier(m.ID))}
	if m.Source.Kind != "" {
		all[AttrSource] = attribute(identifier(m.Source.Kind))
	}
	if m.Dead {
		all[AttrDeadLetter] = attribute("true")
	}
	return all
}

var textType = aws.String("String")

func attribute(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: textType, StringValue: &value}
}

// size is what SQS counts of a message: the body, and of each attribute its
// name, type and value.
func size(in *sqs.SendMessageInput) int {
	n := len(*in.MessageBody)
	for name, a := range in.MessageAttributes {
		n += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	return n
}

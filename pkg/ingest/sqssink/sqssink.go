// Package sqssink writes the results of events to a queue of Amazon SQS,
// standard or FIFO, through the SDK.
//
// Question: aws-sdk-go-v2/config, or the environment alone? Choice: the
// environment. Lambda hands region and credentials over in variables, and the
// package that would also look into profiles, single sign-on and instance
// metadata adds 2.1 MB to the binary. What would change it: a function whose
// credentials come another way.
package sqssink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

const (
	// maxMessage is SQS's limit of a message, 1 MiB.
	maxMessage = 1 << 20
	// attempts and maxBackoff bound the SDK's retries (exponential, with full
	// jitter): some ten seconds at most, and never beyond the event's deadline.
	attempts   = 8
	maxBackoff = 2 * time.Second
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
	queue := strings.TrimPrefix(uri, "sqs:")
	u, err := url.Parse(queue)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New(`must be "sqs:" and the queue's URL, such as sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/results`)
	}
	account, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || account == "" || name == "" || strings.Contains(name, "/") {
		return nil, errors.New("the queue's URL must end in /ACCOUNT/NAME")
	}
	region := regionOf(u.Hostname())
	if region == "" {
		return nil, errors.New("the queue's region is not in its URL: set AWS_REGION")
	}
	return &Sink{
		queue: queue, path: account + ":" + name, fifo: strings.HasSuffix(name, ".fifo"),
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
	if region := os.Getenv("AWS_REGION"); region != "" {
		return region
	}
	return os.Getenv("AWS_DEFAULT_REGION")
}

func newClient(region string) *sqs.Client {
	o := sqs.Options{
		Region:      region,
		Credentials: aws.CredentialsProviderFunc(credentials),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = attempts, maxBackoff
		}),
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"} {
		if endpoint := os.Getenv(name); endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
			break
		}
	}
	return sqs.New(o)
}

// credentials are those of the function's role.
func credentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("no credentials: Lambda sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, elsewhere export them")
	}
	return c, nil
}

// Put sends one message. In a FIFO queue it keeps the group of its source and
// is deduplicated by the source's identity: a record that is answered twice
// arrives once (within SQS's five minutes).
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	if len(m.Body) > maxMessage {
		return fault.New(fault.ReplyTooLarge, "the result is over %d bytes, the most that SQS takes: send smaller batches", maxMessage)
	}
	if m.Source.Origin != "" && strings.HasSuffix(m.Source.Origin, ":"+s.path) {
		return errors.New("the sink is the queue that the record came from, which would never end: set COPSE_SINK and COPSE_DEAD_LETTER to other queues")
	}
	in := &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: aws.String(string(m.Body))}
	if s.fifo {
		in.MessageGroupId = aws.String(groupID(m))
		in.MessageDeduplicationId = aws.String(m.ID)
	}
	if _, err := s.client().SendMessage(ctx, in); err != nil {
		return fmt.Errorf("sqs: %w", err)
	}
	return nil
}

// groupID is the record's group; a record without one is in a group of its
// own, so that nothing waits for it.
func groupID(m ingest.Message) string {
	if m.Group != "" {
		return m.Group
	}
	return m.ID
}

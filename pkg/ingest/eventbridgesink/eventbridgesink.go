// Package eventbridgesink writes the results of events to an event bus of
// Amazon EventBridge, through the SDK. A rule matches them by
//
//	{"source": ["copse"], "detail-type": ["Prediction"]}
//
// or "Dead Letter", and by any member of detail, which is the reply with its
// source and, before them, "id". Resources is the ARN of the source, where it
// has one.
//
// EventBridge does not deduplicate: a record that was delivered twice has two
// events, whose detail has the same id.
package eventbridgesink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
	"example.com/copse/pkg/ingest/sinkuri"
)

// Scheme of the sink's URI: "events:BUS", a bus's name or ARN.
const Scheme = "events"

// What events are called.
const (
	Source     = "copse"
	Prediction = "Prediction"
	DeadLetter = "Dead Letter"
)

// maxEntry is the size, in bytes, that an entry must stay below; it was 256 KiB
// until January 2026
// (docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html).
const maxEntry = 1 << 20

// Sink puts events on one bus.
type Sink struct {
	bus    string
	client func() *eventbridge.Client
}

// Open returns the sink for the URI "events:BUS". The connection is made when
// the first event is put.
func Open(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	bus, err := sinkuri.Events(uri)
	if err != nil {
		return nil, err
	}
	region := cmp.Or(bus.Region, awsenv.Region())
	if region == "" {
		return nil, awsenv.ErrNoRegion
	}
	return &Sink{bus: bus.ID, client: sync.OnceValue(func() *eventbridge.Client { return newClient(region) })}, nil
}

func newClient(region string) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region:       region,
		BaseEndpoint: awsenv.Endpoint("EVENTBRIDGE"),
		Credentials:  awsenv.Credentials(),
		HTTPClient:   awsenv.Client(awsenv.CallTimeout),
		Retryer:      awsenv.Retryer(),
	})
}

// MaxMessage is the largest body that is taken, in bytes, where nothing is
// beside it.
func (*Sink) MaxMessage() int { return maxEntry }

// Put puts one event. What may succeed later is tried again until ctx ends.
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	entry, err := s.entry(&m)
	if err != nil {
		return err
	}
	in := &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry}}
	for failed := 1; ; failed++ {
		out, err := s.client().PutEvents(ctx, in)
		if err != nil {
			return fmt.Errorf("eventbridge: %w", err)
		}
		if out.FailedEntryCount == 0 {
			return nil
		}
		err = refusal(out.Entries)
		if final(err) || failed == awsenv.Attempts {
			return err
		}
		if e := awsenv.Wait(ctx, failed); e != nil {
			return fmt.Errorf("%w, and then %w", err, e)
		}
	}
}

// entry is m as EventBridge takes it.
func (s *Sink) entry(m *ingest.Message) (e types.PutEventsRequestEntry, err error) {
	detail, err := detailOf(m)
	if err != nil {
		return e, err
	}
	e = types.PutEventsRequestEntry{EventBusName: &s.bus, Source: aws.String(Source), DetailType: aws.String(Prediction), Detail: &detail}
	if m.Dead {
		e.DetailType = aws.String(DeadLetter)
	}
	if strings.HasPrefix(m.Source.Origin, "arn:") {
		e.Resources = []string{m.Source.Origin}
	}
	if size(&e) >= maxEntry {
		return e, fault.New(fault.ReplyTooLarge, "the result has over %d bytes, the most that EventBridge takes: send smaller batches, or set COPSE_SINK to a bucket", maxEntry)
	}
	return e, nil
}

// detailOf is the message's body with its id as the first member.
func detailOf(m *ingest.Message) (string, error) {
	id, err := json.Marshal(m.ID)
	if err != nil {
		return "", err
	}
	rest, isObject := strings.CutPrefix(string(m.Body), "{")
	if !isObject {
		return "", errors.New("eventbridge: a detail is a JSON object")
	}
	comma := ","
	if strings.TrimSpace(rest) == "}" {
		comma = ""
	}
	return `{"id":` + string(id) + comma + rest, nil
}

// size is what EventBridge counts of an entry.
func size(e *types.PutEventsRequestEntry) int {
	n := len(*e.Source) + len(*e.DetailType) + len(*e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// refused is why an entry was not taken although the call succeeded.
type refused struct{ code, message string }

func (r *refused) Error() string { return "eventbridge: " + r.code + ": " + r.message }

func refusal(entries []types.PutEventsResultEntry) error {
	for i := range entries {
		if e := &entries[i]; e.ErrorCode != nil {
			return &refused{aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage)}
		}
	}
	return &refused{"unknown", "the entry was not taken, and no reason given"}
}

// final says whether an entry will not be taken at another try, by the codes of
// docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html.
func final(err error) bool {
	r, ok := errors.AsType[*refused](err)
	return ok && slices.Contains([]string{
		"AccessDeniedException", "InvalidAccountIdException", "InvalidArgument", "MalformedDetail",
		"NotAuthorizedForDetailTypeException", "NotAuthorizedForSourceException", "RedactionFailure",
	}, r.code)
}

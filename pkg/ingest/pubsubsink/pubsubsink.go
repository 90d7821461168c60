// Package pubsubsink writes results and dead letters to a Pub/Sub topic.
//
// Question: the SDK's Publisher, or its plain client? Choice: the plain
// client. A function writes a message and waits until it is stored; the
// Publisher would hold it back for 10 ms to gather a batch, and after a failure
// would refuse an ordering key until it is resumed. What would change it:
// events that carry many records to one topic.
package pubsubsink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/proto"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinkuri"
)

// Scheme of the sink's URI: "pubsub:projects/P/topics/T".
const Scheme = "pubsub"

// Attributes of every message. The consumer of a topic sees a result twice
// where its source was delivered twice: AttrID is the same both times.
const (
	AttrID         = "copse_id"
	AttrSource     = "copse_source"     // the kind of the source: "pubsub", …
	AttrMessageID  = "copse_message_id" // the source's own name of the message
	AttrDeadLetter = "copse_dead_letter"
)

// Limits of Pub/Sub (cloud.google.com/pubsub/quotas, "Resource limits").
const (
	maxMessage   = 10_000_000 // bytes of one publish request
	maxAttribute = 1024       // bytes of an attribute's value, and of an ordering key
	// beside is more than all that stands beside a body: four texts of at most
	// maxAttribute, their names, the topic's, and how protobuf frames them.
	beside = 8 << 10
)

// Sink is a topic.
type Sink struct {
	topic  string
	client *pubsub.TopicAdminClient
}

// Open returns the sink of a URI. It finds credentials, or the emulator that
// PUBSUB_EMULATOR_HOST names, but calls nobody: a topic that does not exist
// shows at the first Put. The signature is that of a sink's driver.
func Open(ctx context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	topic, err := sinkuri.PubSub(uri)
	if err != nil {
		return nil, err
	}
	client, err := pubsub.NewTopicAdminClient(ctx, option.WithTelemetryDisabled())
	if err != nil {
		return nil, fmt.Errorf("no client for Pub/Sub: %w", err)
	}
	return &Sink{topic: topic, client: client}, nil
}

// Close lets go of the connection.
func (s *Sink) Close() error { return s.client.Close() }

// MaxMessage is the largest body that is sure to fit.
func (s *Sink) MaxMessage() int { return maxMessage - beside }

// Put publishes m and waits until Pub/Sub has stored it. What may succeed
// later is tried again with growing pauses until ctx ends; a message that is
// larger than Pub/Sub carries is a *fault.Error, since it always will be.
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	if strings.HasSuffix(m.Source.Origin, "/"+s.topic) {
		return fmt.Errorf("the sink is the topic that the event came from, %s, which would never end: set COPSE_SINK and COPSE_DEAD_LETTER to other topics", s.topic)
	}
	request := &pubsubpb.PublishRequest{Topic: s.topic, Messages: []*pubsubpb.PubsubMessage{message(&m)}}
	if fe := tooLarge(request); fe != nil {
		return fe
	}
	if _, err := s.client.Publish(ctx, request); err != nil {
		return fmt.Errorf("pubsub: %w", err)
	}
	return nil
}

func tooLarge(request *pubsubpb.PublishRequest) *fault.Error {
	size := proto.Size(request)
	if size <= maxMessage {
		return nil
	}
	return fault.New(fault.ReplyTooLarge, "the result has %d bytes, and Pub/Sub carries %d: send smaller batches", size, maxMessage)
}

// message is m as Pub/Sub carries it.
func message(m *ingest.Message) *pubsubpb.PubsubMessage {
	p := &pubsubpb.PubsubMessage{
		Data:        m.Body,
		OrderingKey: bounded(m.Group),
		Attributes:  map[string]string{AttrID: bounded(m.ID), AttrSource: bounded(m.Source.Kind)},
	}
	if m.Source.MessageID != "" {
		p.Attributes[AttrMessageID] = bounded(m.Source.MessageID)
	}
	if m.Dead {
		p.Attributes[AttrDeadLetter] = "true"
	}
	return p
}

// bounded keeps a text within Pub/Sub's limit. One that is longer becomes its
// digest: as stable, and as different from others, as the text.
func bounded(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if len(text) <= maxAttribute {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

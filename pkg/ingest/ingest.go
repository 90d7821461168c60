// Package ingest answers the records of an event: it decodes the rows of all
// of them, predicts once, writes each record's reply to the sink, and gives
// each record its outcome.
package ingest

import (
	"context"
	"log/slog"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Source says where a record comes from; it travels with its result.
type Source struct {
	Kind       string            `json:"kind"` // "sqs", "pubsub", …
	MessageID  string            `json:"message_id,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Record is one message of an event.
type Record struct {
	Source Source
	Body   []byte
	// Group orders records: in one group, none is done after one that is not
	// (SQS FIFO). Empty: no order.
	Group string
}

// Outcome is what the platform is told of a record.
type Outcome uint8

const (
	// Done: answered, or written to the dead-letter sink.
	Done Outcome = iota
	// Failed: the platform should deliver it again.
	Failed
)

// Message is what a sink writes: a result or a dead letter.
type Message struct {
	Source Source
	Group  string
	// ID is stable over redeliveries of the same record.
	ID   string
	Body []byte
}

// Sink writes messages somewhere.
type Sink interface {
	// Put writes one message. It returns after the write has succeeded.
	Put(ctx context.Context, m Message) error
}

// Models is where the handler finds its model.
type Models interface {
	Get(ctx context.Context, name string) (*predict.Model, func(), error)
}

// Features fills frames by id.
type Features interface {
	Fill(ctx context.Context, ids []string, s *schema.Schema, f *frame.Frame) error
}

// Options configure a handler.
type Options struct {
	Models     Models
	Features   Features // nil: rows by id are refused
	Sink       Sink
	DeadLetter Sink // nil: hopeless records are left to the platform
	Wire       wire.Limits
	Log        *slog.Logger
}

// Handler answers records.
type Handler struct{}

// New returns a handler.
func New(o Options) *Handler { return &Handler{} }

// Handle answers all records of one event and returns an outcome for each.
func (h *Handler) Handle(ctx context.Context, records []Record) []Outcome { return nil }

// Package ingest answers the records of an event: it decodes the rows of all
// of them, predicts once, writes each record's reply to the sink, and gives
// each record its outcome. A record may also be an object of a store, whose
// rows are scored as a stream, one object after another on all cores.
//
// The rule that everything here serves: nothing is lost. A record is Done only
// after its reply, or its dead letter, has been written; whatever else happens
// to it, a panic included, it stays Failed and the platform delivers it again.
// A record may therefore be answered twice, and Message.ID lets the receiver
// tell. Where the sink is a Bucket, nothing is there twice: a result's name is
// made from its record alone, and an object is written once. Only a stream's
// record may stand in two objects, if an attempt was cut short at another
// record than the next one; its lines say which record they are of.
//
// Question: who tries a call again that failed? Choice: the drivers, which
// know what may help and how long to wait, within the time of the event; here
// a record that failed is left to the platform. What would change it: a driver
// whose library cannot.
package ingest

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Source says where a record comes from; it travels with its result.
type Source struct {
	Kind      string `json:"kind"`                 // "sqs", "pubsub", …
	MessageID string `json:"message_id,omitempty"` // of a stream: the sequence number
	Shard     string `json:"shard,omitempty"`      // of a stream
	// Bucket, Key and Version are those of the object that holds the rows.
	Bucket     string            `json:"bucket,omitempty"`
	Key        string            `json:"key,omitempty"`
	Version    string            `json:"version,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Origin is the queue's own name on its platform (an ARN). It stays here:
	// a sink that would write to its own source can tell.
	Origin string `json:"-"`
}

// Record is one message of an event, or one object that a message points to.
type Record struct {
	Source Source
	Body   []byte
	// Object is what the record points to, instead of a body with rows. Body is
	// then what the message said, for a dead letter.
	Object *Object
	// IgnoreExtra passes over members that are no feature: an image of a table's
	// item has more than features.
	IgnoreExtra bool
	// ContentType is the media type that the message itself states. Empty: the
	// form is told from the body (see detect).
	ContentType string
	// Group orders records: in one group, none is done after one that is not
	// (SQS FIFO). Empty: no order.
	Group string
	// Unreadable marks a record that its adapter could not take apart; Body is
	// then the record as it came, and Why, where it is set, says what is wrong.
	Unreadable bool
	Why        string
}

// SetAttribute keeps an attribute of the record's message. One called
// content-type, or contenttype, states the form of the body.
func (r *Record) SetAttribute(name, value string) {
	if r.Source.Attributes == nil {
		r.Source.Attributes = make(map[string]string)
	}
	r.Source.Attributes[name] = value
	if strings.EqualFold(name, "content-type") || strings.EqualFold(name, "contenttype") {
		r.ContentType = value
	}
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
	// Dead says that the body is a dead letter.
	Dead bool
	// Model and Digest are of the model that answered, "" in a dead letter.
	Model, Digest string
}

// Sink writes messages somewhere.
type Sink interface {
	// Put writes one message. It returns after the write has succeeded, and
	// keeps nothing of m. An error that is a *fault.Error whose code can never
	// succeed (fault.ReplyTooLarge) makes the record hopeless.
	Put(ctx context.Context, m Message) error
}

// Limited is a Sink that knows the largest body it takes, in bytes: an object's
// answers are gathered up to that size, and not beyond.
type Limited interface {
	MaxMessage() int
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
	// Objects finds the store of a scheme; an error of the catalogue says that
	// there is none.
	Objects func(scheme string) (Objects, error)
	// Score scores them; nil: no objects are read.
	Score Score
	// Readable is where objects may lie that are read; nil: anywhere.
	Readable []Location
	// Now is the time; nil: time.Now. It is for tests.
	Now func() time.Time
}

// Handler answers records. It is safe for concurrent use.
type Handler struct {
	o      Options
	wire   wire.Options
	extra  wire.Options // passes over members that are no feature
	bucket *Bucket      // the sink, if it is one
	own    []Location   // where the sinks write
}

// New returns a handler.
func New(o Options) *Handler {
	h := &Handler{o: o, wire: wire.Options{Limits: o.Wire, ByID: o.Features != nil}}
	h.extra = h.wire
	h.extra.IgnoreExtra = true
	h.bucket, _ = o.Sink.(*Bucket)
	for _, s := range []Sink{o.Sink, o.DeadLetter} {
		if b, ok := s.(*Bucket); ok {
			h.own = append(h.own, b.where)
		}
	}
	if h.o.Now == nil {
		h.o.Now = time.Now
	}
	return h
}

// Handle answers all records of one event and returns an outcome for each.
func (h *Handler) Handle(ctx context.Context, records []Record) []Outcome {
	return h.handle(ctx, records, nil)
}

// handle is Handle that also fills in reports, unless there are none.
func (h *Handler) handle(ctx context.Context, records []Record, reports []Report) []Outcome {
	e := &event{h: h, records: records, reports: reports, outcomes: make([]Outcome, len(records)), stopped: map[string]bool{}, objects: map[string]answeredObject{}}
	for i := range e.outcomes {
		e.outcomes[i] = Failed
	}
	m, release, err := h.o.Models.Get(ctx, "")
	if err != nil {
		h.o.Log.ErrorContext(ctx, "no model: all records are left to be delivered again", "error", err.Error())
		return e.outcomes
	}
	defer release()
	e.model = m
	for next := 0; next < len(records); {
		next = e.answer(ctx, next, len(records))
	}
	return e.outcomes
}

// event is one event on its way.
type event struct {
	h        *Handler
	model    *predict.Model
	records  []Record
	reports  []Report // nil where nobody asks
	outcomes []Outcome
	stopped  map[string]bool // groups that have a failed record
	objects  map[string]answeredObject
}

// answer answers records from and following together, as many as fit into one
// block, and returns the first that is left. Where the block as a whole fails
// by a defect, each of its records is tried alone, so that one which no one
// can answer does not hold up the others.
func (e *event) answer(ctx context.Context, from, to int) int {
	b := newBlock(e, from)
	defer b.release()
	next, fe := b.predict(ctx, to)
	switch {
	case fe == nil:
		e.write(ctx, b)
	case fe.Code == fault.Internal && next-from > 1:
		for i := from; i < next; i++ {
			e.answer(ctx, i, i+1)
		}
	default:
		for i := range b.items {
			b.items[i].fault = fe
		}
		e.write(ctx, b)
	}
	return next
}

package gcf

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// typePublished is the CloudEvent type of a Pub/Sub message
// (googleapis/google-cloudevents, google/events/cloud/pubsub/v1).
const typePublished = "google.cloud.pubsub.topic.v1.messagePublished"

// event is what a request to OnEvent carries.
type event struct {
	kind   string // the CloudEvent's type
	record ingest.Record
}

// decode reads an event: a CloudEvent in binary or structured mode, or the
// body of a push subscription. The record is set for typePublished only. An
// error says that the request is no event; a message inside an event that
// cannot be taken apart is a record marked Unreadable.
func decode(h http.Header, body []byte) (event, *fault.Error) {
	structured := hasPrefixFold(h.Get("Content-Type"), "application/cloudevents")
	if !structured && h.Get("Ce-Id") == "" && h.Get("Ce-Type") == "" && h.Get("Ce-Specversion") == "" {
		return decodePush(body)
	}
	if structured && !json.Valid(body) {
		return event{}, fault.New(fault.Malformed, "the content type says application/cloudevents+json, but the body is no valid JSON")
	}
	return decodeCloudEvent(h, body)
}

// decodeCloudEvent reads a CloudEvent with its SDK.
func decodeCloudEvent(h http.Header, body []byte) (e event, fe *fault.Error) {
	defer func() {
		if recover() != nil { // the SDK's, on input that it did not foresee
			e, fe = event{}, fault.New(fault.Malformed, "the CloudEvent cannot be read")
		}
	}()
	m := cehttp.NewMessage(h, io.NopCloser(bytes.NewReader(body)))
	if m.ReadEncoding() == binding.EncodingBatch {
		return event{}, fault.New(fault.UnsupportedMedia, "CloudEvents in batches are not read: send one event in a request")
	}
	ce, err := binding.ToEvent(context.Background(), m)
	if err != nil {
		return event{}, fault.Wrap(fault.Malformed, err, "the CloudEvent cannot be read: it needs specversion 1.0, id, source and type")
	}
	if ce.Type() == "" {
		return event{}, fault.New(fault.Malformed, "the CloudEvent has no type")
	}
	if ce.Type() != typePublished {
		return event{kind: ce.Type()}, nil
	}
	if e, fe = decodePush(ce.Data()); fe != nil {
		return event{}, fe
	}
	source := &e.record.Source
	source.Origin = ce.Source()
	if source.MessageID == "" {
		source.MessageID = ce.ID()
	}
	return e, nil
}

// message is a Pub/Sub message as a push carries it
// (cloud.google.com/pubsub/docs/push, "Receive push messages"). The older
// names with underscores stand beside the newer ones in a push, and alone
// nowhere that is known. Members that are odd, or not named here, are passed
// over: one that does not matter must not lose a message.
type message struct {
	Data        json.RawMessage `json:"data"`
	Attributes  json.RawMessage `json:"attributes"`
	MessageID   json.RawMessage `json:"messageId"`
	MessageID2  json.RawMessage `json:"message_id"`
	OrderingKey json.RawMessage `json:"orderingKey"`
}

// decodePush reads {"message":{…},"subscription":…}.
func decodePush(body []byte) (event, *fault.Error) {
	var push struct {
		Message json.RawMessage `json:"message"`
	}
	var m message
	if json.Unmarshal(body, &push) != nil || !isObject(push.Message) || json.Unmarshal(push.Message, &m) != nil {
		return event{}, fault.New(fault.Malformed,
			`the body is neither a CloudEvent nor a push of Pub/Sub, which is {"message":{"data":"…"},"subscription":"…"}`)
	}
	id := text(m.MessageID)
	if id == "" {
		id = text(m.MessageID2)
	}
	r := ingest.Record{
		Source: ingest.Source{Kind: "pubsub", MessageID: id, Attributes: attributes(m.Attributes)},
		Group:  text(m.OrderingKey),
	}
	for name, value := range r.Source.Attributes {
		if strings.EqualFold(name, "content-type") || strings.EqualFold(name, "contenttype") {
			r.ContentType = value
		}
	}
	var ok bool
	if r.Body, ok = data(m.Data); !ok {
		r.Body, r.Unreadable = push.Message, true
	}
	return event{typePublished, r}, nil
}

// data is a message's payload: base64 of either alphabet, padded or not. Some
// senders that imitate a push leave an object or a list as it is.
func data(raw json.RawMessage) (body []byte, ok bool) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, true
	case raw[0] == '{' || raw[0] == '[':
		return raw, true
	case raw[0] != '"':
		return nil, false
	}
	s := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text(raw), "=\r\n"))
	body, err := base64.RawStdEncoding.DecodeString(s)
	return body, err == nil
}

// attributes are a message's: texts by specification, numbers and so on as
// they are written.
func attributes(raw json.RawMessage) map[string]string {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) == 0 {
		return nil
	}
	all := make(map[string]string, len(members))
	for name, value := range members {
		all[name] = text(value)
	}
	return all
}

// text is a string's text, a number or another value as it is written, and ""
// for null or nothing.
func text(raw json.RawMessage) string {
	var s string
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &s) == nil:
		return s
	default:
		return string(raw)
	}
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

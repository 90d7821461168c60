package gcf

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// CloudEvent types (googleapis/google-cloudevents, google/events/cloud). Of
// the bucket's events only this one has an object that is there and new.
const (
	typePublished = "google.cloud.pubsub.topic.v1.messagePublished"
	typeFinalized = "google.cloud.storage.object.v1.finalized"
)

// event is what a request to OnEvent carries.
type event struct {
	// kind is the CloudEvent's type; for what comes without one, the type that
	// it would have.
	kind   string
	record ingest.Record
	// idle says why there is no work in the event; record is empty then.
	idle string
}

const (
	idleType   = "its type is not handled"
	idleChange = "nothing was written: the object was removed, archived or described anew"
)

// decode reads an event: a task of Cloud Tasks, a CloudEvent in binary or
// structured mode, or the body of a push subscription. An error says that the
// request is no event; a message inside an event that cannot be taken apart is
// a record marked Unreadable. No body is inflated to more than limit bytes.
func decode(h http.Header, body []byte, limit int64) (event, *fault.Error) {
	structured := hasPrefixFold(h.Get("Content-Type"), "application/cloudevents")
	if structured && !json.Valid(body) {
		return event{}, fault.New(fault.Malformed, "the content type says application/cloudevents+json, but the body is no valid JSON")
	}
	if structured && bytes.Contains(body, []byte("data_base64")) {
		// The SDK (v2.16) takes spaces before its text for a part of it.
		var dense bytes.Buffer
		if json.Compact(&dense, body) == nil {
			body = dense.Bytes()
		}
	}
	switch {
	case structured || h.Get("Ce-Id") != "" || h.Get("Ce-Type") != "" || h.Get("Ce-Specversion") != "":
		return decodeCloudEvent(h, body)
	case h.Get(headerQueue) != "":
		return decodeTask(h, body, limit), nil
	}
	return decodePush(body)
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
	switch kind := ce.Type(); kind {
	case "":
		return event{}, fault.New(fault.Malformed, "the CloudEvent has no type")
	case typePublished:
		return decodePublished(ce)
	case typeFinalized:
		return decodeFinalized(ce.Data())
	default:
		return event{kind: kind, idle: idleType}, nil
	}
}

// decodePublished reads a CloudEvent around a push.
func decodePublished(ce *cloudevents.Event) (event, *fault.Error) {
	e, fe := decodePush(ce.Data())
	if fe != nil || e.idle != "" {
		return e, fe
	}
	source := &e.record.Source
	source.Origin = ce.Source()
	if source.MessageID == "" {
		source.MessageID = ce.ID()
	}
	return e, nil
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

package gcf

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

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

const notBase64 = "the message's data is not base64"

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
		Source: ingest.Source{Kind: "pubsub", MessageID: id},
		Group:  text(m.OrderingKey),
	}
	setAttributes(&r, m.Attributes)
	var ok bool
	if r.Body, ok = data(m.Data); !ok {
		r.Body, r.Unreadable, r.Why = push.Message, true, notBase64
	}
	if isNotification(r.Source.Attributes) {
		return notification(r), nil
	}
	return event{kind: typePublished, record: r}, nil
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

// setAttributes keeps a message's attributes: texts by specification, numbers
// and so on as they are written.
func setAttributes(r *ingest.Record, raw json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return
	}
	for name, value := range members {
		r.SetAttribute(name, text(value))
	}
}

package lambda

import "example.com/copse/pkg/ingest"

// topicMessage is a message of SNS: the member Sns of its records, or the
// envelope that it makes for a queue where raw delivery is off.
type topicMessage struct {
	kind, id, topic, text, attributes []byte
}

func (m *topicMessage) member(name, value []byte) {
	switch string(plainName(name)) {
	case "Type":
		m.kind = value
	case "MessageId":
		m.id = value
	case "TopicArn":
		m.topic = value
	case "Message":
		m.text = value
	case "MessageAttributes":
		m.attributes = value
	}
}

// setAttributes adds the message's attributes to those of r. Of binary ones
// the value is base64, which no one takes for a text.
func (m *topicMessage) setAttributes(r *ingest.Record) {
	if isNull(m.attributes) {
		return
	}
	walkObject(m.attributes, func(name, value []byte) {
		binary := false
		walkObject(value, func(n, v []byte) {
			binary = binary || string(plainName(n)) == "Type" && string(v) == `"Binary"`
		})
		if !binary {
			setAttribute(r, name, value, "Value")
		}
	})
}

// addSNS adds the records of a message that SNS itself delivers.
func (d *delivery) addSNS() {
	var m topicMessage
	r := ingest.Record{Source: ingest.Source{Kind: "sns"}}
	if !walkObject(d.raw.sns, m.member) || !isText(m.text) {
		d.unreadable(r, d.raw.all, "the record of SNS has no message")
		return
	}
	r.Source.MessageID, r.Source.Origin = textOf(m.id), textOf(m.topic)
	m.setAttributes(&r)
	// SNS's own record is the first envelope of its message.
	d.open(r, d.decode(m.text), maxEnvelopes-1)
}

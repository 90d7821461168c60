package lambda

import (
	"strings"

	"example.com/copse/pkg/ingest"
)

// addSQS adds the records of a message of SQS, and returns its identifier.
func (d *delivery) addSQS() (id string) {
	raw := &d.raw
	id = textOf(raw.id)
	r := ingest.Record{Source: ingest.Source{Kind: "sqs", MessageID: id, Origin: textOf(raw.arn)}}
	good := raw.hasBody
	if !isNull(raw.attributes) {
		good = walkObject(raw.attributes, func(name, value []byte) {
			if string(plainName(name)) == "MessageGroupId" {
				r.Group = group(r.Source.Origin, textOf(value))
			}
		}) && good
	}
	if !isNull(raw.messageAttributes) {
		good = walkObject(raw.messageAttributes, func(name, value []byte) {
			setAttribute(&r, name, value, "stringValue")
		}) && good
	}
	if !good {
		d.unreadable(r, raw.all, "the message has no body that is a text, or attributes of another type than the platform's")
		return id
	}
	d.open(r, raw.body, maxEnvelopes)
	return id
}

// group is the group within which the order counts. On a standard queue the
// same attribute means fair queueing, and no order: there, one bad message
// must not hold up the others of its group.
func group(arn, id string) string {
	if arn != "" && !strings.HasSuffix(arn, ".fifo") {
		return ""
	}
	return id
}

// setAttribute keeps an attribute of a message whose value is a text: the
// member called member of raw. Others, such as binary ones, are passed over
// unread: one that is odd must not fail its message.
func setAttribute(r *ingest.Record, name, raw []byte, member string) {
	var value []byte
	walkObject(raw, func(n, v []byte) {
		if string(plainName(n)) == member {
			value = v
		}
	})
	if isText(value) {
		r.SetAttribute(string(appendText(nil, name)), textOf(value))
	}
}

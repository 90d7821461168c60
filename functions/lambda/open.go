package lambda

import (
	"bytes"

	"example.com/copse/pkg/ingest"
)

// maxEnvelopes is how many envelopes of other services are opened around rows:
// a notification of S3 that goes through a topic into a queue has two. What is
// nested deeper comes from no service by itself, and is a record that cannot
// be read.
const maxEnvelopes = 2

const tooNested = "envelopes of SNS, S3 or EventBridge are nested more than two deep"

// envelopeMembers are the members by which envelopes in a body are told.
type envelopeMembers struct {
	topicMessage
	bridgeEvent
	records, notice, service []byte
}

func (e *envelopeMembers) member(name, value []byte) {
	switch string(plainName(name)) {
	case "Records":
		e.records = value
	case "Event":
		e.notice = value
	case "Service":
		e.service = value
	default:
		e.topicMessage.member(name, value)
		e.bridgeEvent.member(name, value)
	}
}

// The envelopes that a body may be. No row is taken for one: a row's values
// are no objects and no lists, and a notice and a topic's message have texts
// that no feature has.
func (e *envelopeMembers) isTopic() bool {
	return string(e.kind) == `"Notification"` && isText(e.topic) && isText(e.text)
}

func (e *envelopeMembers) isList() bool { return len(e.records) > 0 && e.records[0] == '[' }

func (e *envelopeMembers) isTest() bool {
	return string(e.notice) == testEvent && (isText(e.service) || isNull(e.service))
}

// testEvent is what S3 sends when notifications are set up.
const testEvent = `"s3:TestEvent"`

// batchNames begin a batch of rows: its members need not be walked over, since
// no envelope begins so.
var batchNames = [][]byte{[]byte(`"rows"`), []byte(`"columns"`), []byte(`"data"`), []byte(`"ids"`)}

// mayBeEnvelope looks at the first member of a body only.
func mayBeEnvelope(body []byte) bool {
	i := skipSpace(body, 0)
	if i >= len(body) || body[i] != '{' {
		return false
	}
	first := body[skipSpace(body, i+1):]
	for _, name := range batchNames {
		if bytes.HasPrefix(first, name) {
			return false
		}
	}
	return true
}

// open adds the records that a body holds: of an envelope what is in it, of
// anything else the body itself. r is what is known of it so far, and left how
// many envelopes may still be opened.
func (d *delivery) open(r ingest.Record, body []byte, left int) {
	var e envelopeMembers
	if !mayBeEnvelope(body) || !walkObject(body, e.member) {
		d.append(r, body)
		return
	}
	topic, list, bridge := e.isTopic(), e.isList(), e.bridgeEvent.is()
	switch {
	case e.isTest():
		// It says that notifications arrive, and asks for nothing.
	case !topic && !list && !bridge:
		d.append(r, body)
	case left == 0:
		d.unreadable(r, body, tooNested)
	case topic:
		e.setAttributes(&r)
		d.open(r, d.decode(e.text), left-1)
	case list:
		d.openList(r, body, e.records)
	default:
		d.openBridge(r, body, &e.bridgeEvent, left-1)
	}
}

// openList adds the objects of a notification of S3 that is in a message. Of
// other services' records, none comes in a message.
func (d *delivery) openList(r ingest.Record, body, list []byte) {
	from, good := len(d.records), true
	walkList(list, func(_, value []byte) {
		raw := rawRecord{all: value}
		if !walkObject(value, raw.member) || sourceOf(raw.source) != s3 {
			good = false
			return
		}
		d.addS3(entry(r, len(d.records)-from), &raw)
	})
	if !good {
		d.records = d.records[:from]
		d.unreadable(r, body, "the message holds records that are not of S3")
	}
}

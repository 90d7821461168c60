package lambda

import (
	"fmt"

	"example.com/copse/pkg/ingest"
)

// delivery is what an event brings: messages, which the platform counts as
// done or not, and the records that they hold. A message may hold none (a test
// event, a deletion), or several (a notification of several objects); it is
// done when all of its records are.
//
// Question: unmarshal the typed events of aws-lambda-go? Choice: each record is
// walked over in place, on its own. One odd value then harms its own record
// only, where unmarshalling would fail the event; and a body is decoded in the
// pass that finds its end. The typed events are the slow twin in the tests.
type delivery struct {
	source   source // of all records; none where there are none
	err      error  // what no message can be named for fails the event as a whole
	messages []message
	records  []ingest.Record
	text     []byte // bodies, decoded
	raw      rawRecord
}

// message is one message of an event: records from … to-1.
type message struct {
	id       string // by which the platform is told; empty where it asks for none
	from, to int
}

// source is a service that sends records.
type source uint8

const (
	noSource source = iota
	sqs
	kinesis
	dynamodb
	s3
	sns
)

// sources are the services by the member eventSource.
func sourceOf(raw []byte) source {
	switch string(raw) {
	case `"aws:sqs"`:
		return sqs
	case `"aws:kinesis"`:
		return kinesis
	case `"aws:dynamodb"`:
		return dynamodb
	case `"aws:s3"`:
		return s3
	case `"aws:sns"`:
		return sns
	}
	return noSource
}

// rawRecord holds the raw values of a record's members: parts of the payload,
// nil where absent. Only body is text already.
type rawRecord struct {
	all                           []byte
	source, arn, id               []byte
	attributes, messageAttributes []byte
	eventID, eventName            []byte
	kinesis, dynamodb, s3, sns    []byte
	body                          []byte // decoded
	hasBody                       bool   // and a text
}

// reset makes d ready for the next event and lets go of the last one's.
func (d *delivery) reset() {
	clear(d.messages)
	clear(d.records)
	*d = delivery{messages: d.messages[:0], records: d.records[:0], text: d.text[:0]}
}

// read reads the list of records at b[i], and returns the index after it, or
// -1 where it is no well formed list. What is wrong with a single record is
// found later or kept in d.err.
func (d *delivery) read(b []byte, i int) int {
	d.reset()
	return walkListAt(b, i, func(at int) int {
		end := d.readRaw(b, at)
		if end >= 0 && d.err == nil {
			d.raw.all = b[at:end]
			d.err = d.add()
		}
		return end
	})
}

// readRaw takes the record at b[i] apart, and returns the index after it.
func (d *delivery) readRaw(b []byte, i int) int {
	d.raw = rawRecord{}
	if i >= len(b) || b[i] != '{' {
		return skipValue(b, i, maxDepth-2)
	}
	return walkObjectAt(b, i, func(name []byte, at int) int {
		if at < len(b) && b[at] == '"' && string(name) == `"body"` {
			// Found and decoded in one pass: a body is most of its event.
			from := len(d.text)
			var end int
			if d.text, end = appendTextAt(d.text, b, at); end >= 0 {
				d.raw.body, d.raw.hasBody = d.text[from:len(d.text):len(d.text)], true
			}
			return end
		}
		end := skipValue(b, at, maxDepth-3)
		if end >= 0 {
			d.raw.member(name, b[at:end])
		}
		return end
	})
}

func (r *rawRecord) member(name, value []byte) {
	switch string(plainName(name)) {
	case "eventSource", "EventSource": // SNS writes names in its own way
		r.source = value
	case "eventSourceARN":
		r.arn = value
	case "messageId":
		r.id = value
	case "body":
		if r.hasBody = isText(value); r.hasBody {
			r.body = appendText(nil, value)
		}
	case "attributes":
		r.attributes = value
	case "messageAttributes":
		r.messageAttributes = value
	case "eventID":
		r.eventID = value
	case "eventName":
		r.eventName = value
	case "kinesis":
		r.kinesis = value
	case "dynamodb":
		r.dynamodb = value
	case "s3":
		r.s3 = value
	case "Sns":
		r.sns = value
	}
}

// add adds the message of the raw record. A message that cannot be named as
// failed is an error, as is a record of another service; one that is odd in
// another way is a record that cannot be read.
func (d *delivery) add() error {
	n := len(d.messages)
	s := sourceOf(d.raw.source)
	switch {
	case s == noSource && len(d.raw.source) == 0:
		return &UnsupportedEvent{fmt.Sprintf("record %d does not name its source", n)}
	case s == noSource:
		return &UnsupportedEvent{fmt.Sprintf("record %d is of a service that this function does not read", n)}
	case d.source != noSource && s != d.source:
		return &UnsupportedEvent{fmt.Sprintf("record %d is of another service than those before it", n)}
	}
	d.source = s
	m := message{from: len(d.records)}
	missing := ""
	switch s {
	case sqs:
		m.id, missing = d.addSQS(), "messageId"
	case kinesis:
		m.id, missing = d.addKinesis(), "sequenceNumber"
	case dynamodb:
		m.id, missing = d.addDynamoDB(), "SequenceNumber"
	case s3:
		d.addS3(ingest.Record{Source: ingest.Source{Kind: "s3"}}, &d.raw)
	default:
		d.addSNS()
	}
	if missing != "" && m.id == "" {
		return invalidEvent(fmt.Sprintf("record %d has no %s", n, missing))
	}
	m.to = len(d.records)
	d.messages = append(d.messages, m)
	return nil
}

// append adds a record that can be read.
func (d *delivery) append(r ingest.Record, body []byte) {
	r.Body = body
	d.records = append(d.records, r)
}

// unreadable adds a record that cannot be, with what came as its body.
func (d *delivery) unreadable(r ingest.Record, raw []byte, why string) {
	r.Body, r.Unreadable, r.Why = raw, true, why
	d.records = append(d.records, r)
}

// decode appends the text of the string raw and returns it.
func (d *delivery) decode(raw []byte) []byte {
	from := len(d.text)
	d.text = appendText(d.text, raw)
	return d.text[from:len(d.text):len(d.text)]
}

// textOf is the text of the string raw, or "".
func textOf(raw []byte) string {
	if !isText(raw) {
		return ""
	}
	return string(appendText(nil, raw))
}

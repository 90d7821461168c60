package lambda

import (
	"bytes"

	"example.com/copse/pkg/ingest"
)

// Events of EventBridge have rows in their member detail, or say there what
// happened to an object of S3. Events of other services of AWS have neither.

const (
	scheduleEmpty = "a schedule's own event has no rows: give its target a constant input (JSON with rows, or {\"object\":\"s3://…\"})"
	serviceEvent  = "the event is of a service of AWS that this function does not read: of those, only S3's are"
)

// bridgeEvent holds the raw values of the members that such an event has: parts
// of the payload, nil where absent.
type bridgeEvent struct{ eventID, detailType, source, detail []byte }

func (e *bridgeEvent) member(name, value []byte) {
	switch string(plainName(name)) {
	case "id":
		e.eventID = value
	case "detail-type":
		e.detailType = value
	case "source":
		e.source = value
	case "detail":
		e.detail = value
	}
}

// is says whether these are the members of an event of EventBridge.
func (e *bridgeEvent) is() bool {
	return isText(e.detailType) && isText(e.source) && len(e.detail) > 0 && e.detail[0] == '{'
}

// openBridge adds the records of an event of EventBridge. raw is the event.
func (d *delivery) openBridge(r ingest.Record, raw []byte, e *bridgeEvent, left int) {
	switch {
	case string(e.source) == `"copse"`:
		// A result or a dead letter, by a rule that is too wide: a dead letter of
		// it would be the next event, without end.
	case string(e.source) == `"aws.s3"` && bytes.HasPrefix(e.detailType, []byte(`"Object `)):
		d.addBridgeS3(r, raw, e)
	case string(e.source) == `"aws.events"`, string(e.source) == `"aws.scheduler"`:
		d.unreadable(r, raw, scheduleEmpty)
	case bytes.HasPrefix(e.source, []byte(`"aws.`)):
		// No one else may use this prefix (EventBridge, PutEvents).
		d.unreadable(r, raw, serviceEvent)
	default:
		d.open(r, e.detail, left)
	}
}

// addBridgeS3 adds the object of S3's own event. Its key is as it is, not
// URL-encoded (S3 user guide, "EventBridge event message structure").
func (d *delivery) addBridgeS3(r ingest.Record, raw []byte, e *bridgeEvent) {
	if string(e.detailType) != `"Object Created"` {
		return // deleted, restored, tagged: no work
	}
	var o storedObject
	if !o.readEntity(e.detail) || textOf(o.bucket) == "" || textOf(o.key) == "" {
		d.unreadable(r, raw, noObject)
		return
	}
	d.addObject(r, &o, textOf(o.key), raw)
}

// readBridge reads an event that EventBridge itself delivers, of which e is
// what its payload has.
func (d *delivery) readBridge(payload []byte, e *bridgeEvent) {
	d.reset()
	r := ingest.Record{Source: ingest.Source{Kind: "eventbridge", MessageID: textOf(e.eventID)}}
	d.openBridge(r, payload, e, maxEnvelopes-1)
	d.messages = append(d.messages, message{to: len(d.records)})
}

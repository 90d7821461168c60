package lambda

import (
	"cmp"
	"encoding/base64"
	"strings"

	"example.com/copse/pkg/ingest"
)

// streamRecord is the member kinesis or dynamodb of a stream's record.
type streamRecord struct{ sequence, data, image []byte }

func (s *streamRecord) member(name, value []byte) {
	switch string(plainName(name)) {
	case "sequenceNumber", "SequenceNumber":
		s.sequence = value
	case "data":
		s.data = value
	case "NewImage":
		s.image = value
	}
}

// addKinesis adds the record of a data stream, and returns its identifier.
// What one invocation brings is of one shard, in order, and the order counts:
// the platform goes on after the first record that is not done.
func (d *delivery) addKinesis() (id string) {
	var s streamRecord
	good := walkObject(d.raw.kinesis, s.member)
	id = textOf(s.sequence)
	r := d.streamed("kinesis", id)
	// shardId-000000000000:SEQUENCE
	r.Source.Shard, _, _ = strings.Cut(textOf(d.raw.eventID), ":")
	r.Group = cmp.Or(r.Source.Shard, "shard")
	if good && isText(s.data) {
		data := d.decode(s.data)
		// In place: decoded text is shorter, and written behind the read position.
		if n, err := base64.StdEncoding.Decode(data, data); err == nil {
			d.open(r, data[:n], maxEnvelopes)
			return id
		}
	}
	d.unreadable(r, d.raw.all, "the record of Kinesis has no data, or data that is no base64")
	return id
}

// addDynamoDB adds the item that a change of a table leaves, and returns the
// record's identifier.
func (d *delivery) addDynamoDB() (id string) {
	var s streamRecord
	good := walkObject(d.raw.dynamodb, s.member)
	id = textOf(s.sequence)
	r := d.streamed("dynamodb", id)
	// arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/TIME: the event does not
	// say which shard of the stream it is of, so the stream stands for it.
	_, r.Source.Shard, _ = strings.Cut(r.Source.Origin, ":table/")
	r.Source.Shard = strings.Replace(r.Source.Shard, "/stream/", "/", 1)
	r.Group = cmp.Or(r.Source.Shard, "shard")
	r.IgnoreExtra = true
	switch {
	case string(d.raw.eventName) == `"REMOVE"`:
		// Nothing is left to predict.
	case !good || len(s.image) == 0:
		d.unreadable(r, d.raw.all, "the record of DynamoDB has no new image: the stream's view type must be NEW_IMAGE or NEW_AND_OLD_IMAGES")
	default:
		from := len(d.text)
		var ok bool
		if d.text, ok = appendItem(d.text, s.image); !ok {
			d.unreadable(r, d.raw.all, "the new image of DynamoDB is not of typed attributes")
			break
		}
		d.append(r, d.text[from:len(d.text):len(d.text)])
	}
	return id
}

func (d *delivery) streamed(kind, id string) ingest.Record {
	return ingest.Record{Source: ingest.Source{Kind: kind, MessageID: id, Origin: textOf(d.raw.arn)}}
}

// appendItem writes an image of typed attributes, {"x":{"N":"1.5"}}, as a row,
// {"x":1.5}. An attribute of a type that no feature has (a list, a map, a set,
// binary) becomes an empty list: passed over where it is no feature, a value
// of the wrong type where it is one.
func appendItem(dst, image []byte) (_ []byte, ok bool) {
	dst = append(dst, '{')
	first, good := len(dst), true
	ok = walkObject(image, func(name, typed []byte) {
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(append(dst, name...), ':')
		values := 0
		good = walkObject(typed, func(kind, value []byte) {
			if values++; values == 1 {
				dst = appendAttribute(dst, string(plainName(kind)), value)
			}
		}) && values == 1 && good
	})
	return append(dst, '}'), ok && good
}

func appendAttribute(dst []byte, kind string, value []byte) []byte {
	switch kind {
	case "S", "BOOL":
		return append(dst, value...)
	case "NULL":
		return append(dst, "null"...)
	case "N": // a number as a text, in JSON's grammar
		if isText(value) {
			if n := value[1 : len(value)-1]; len(n) > 0 && skipNumber(n, 0) == len(n) {
				return append(dst, n...)
			}
		}
		return append(dst, value...) // and so a value of the wrong type
	}
	return append(dst, "[]"...)
}

package lambda

import (
	"bytes"
	"net/url"
	"strconv"

	"example.com/copse/pkg/ingest"
)

// entry is the n-th record of a message that has several. What is no object
// is known by its message's identifier alone, so that others than the first
// get one of their own.
func entry(r ingest.Record, n int) ingest.Record {
	if n > 0 && r.Source.MessageID != "" {
		r.Source.MessageID += "/" + strconv.Itoa(n)
	}
	return r
}

// created begins the names of events of an object that is there and new; in
// other events (removed, restored, tagged, moved by a lifecycle) there is no
// work.
var created = [][]byte{[]byte(`"ObjectCreated:`), []byte(`"s3:ObjectCreated:`)}

// storedObject is the member object of both of S3's forms of events: a
// notification, and an event of EventBridge.
type storedObject struct {
	bucket, key, size, etag, version, sequencer []byte
}

func (o *storedObject) read(raw []byte) bool {
	return walkObject(raw, func(name, value []byte) {
		switch string(plainName(name)) {
		case "key":
			o.key = value
		case "size":
			o.size = value
		case "eTag", "etag":
			o.etag = value
		case "versionId", "version-id":
			o.version = value
		case "sequencer":
			o.sequencer = value
		}
	})
}

func (o *storedObject) readBucket(raw []byte) bool {
	return walkObject(raw, func(name, value []byte) {
		if string(plainName(name)) == "name" {
			o.bucket = value
		}
	})
}

// readEntity reads the member that has an object and its bucket.
func (o *storedObject) readEntity(raw []byte) bool {
	good := true
	return walkObject(raw, func(name, value []byte) {
		switch string(plainName(name)) {
		case "bucket":
			good = good && o.readBucket(value)
		case "object":
			good = good && o.read(value)
		}
	}) && good
}

const (
	noObject  = "the event of S3 names no bucket or no object"
	keyBroken = "the object's key is not URL-encoded as S3's notifications are"
)

// addS3 adds the object of a notification of S3. Its key is URL-encoded, with
// "+" for a space (S3 user guide, "Event message structure").
func (d *delivery) addS3(r ingest.Record, raw *rawRecord) {
	if !bytes.HasPrefix(raw.eventName, created[0]) && !bytes.HasPrefix(raw.eventName, created[1]) {
		if !isText(raw.eventName) {
			d.unreadable(r, raw.all, "the event of S3 has no name")
		}
		return
	}
	var o storedObject
	if !o.readEntity(raw.s3) || textOf(o.bucket) == "" || textOf(o.key) == "" {
		d.unreadable(r, raw.all, noObject)
		return
	}
	key, err := url.QueryUnescape(textOf(o.key))
	if err != nil {
		d.unreadable(r, raw.all, keyBroken)
		return
	}
	d.addObject(r, &o, key, raw.all)
}

// addObject adds a record that is an object; raw is what the event said.
func (d *delivery) addObject(r ingest.Record, o *storedObject, key string, raw []byte) {
	object := &ingest.Object{
		Scheme: "s3", Bucket: textOf(o.bucket), Key: key, Version: textOf(o.version),
		ETag: textOf(o.etag), Sequencer: textOf(o.sequencer), Size: -1,
	}
	if size, err := strconv.ParseInt(string(o.size), 10, 64); err == nil && size >= 0 {
		object.Size = size
	}
	r.Source.Bucket, r.Source.Key, r.Source.Version = object.Bucket, object.Key, object.Version
	r.Object, r.Body = object, raw
	d.records = append(d.records, r)
}

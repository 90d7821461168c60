package gcf

import (
	"encoding/json"
	"strconv"
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// scheme is that of objects of Cloud Storage.
const scheme = "gs"

// storedObject is the data of a bucket's event, and the payload of its
// notifications: the object as the JSON API shows it. The specification has
// size and generation as texts, and Google's own samples as numbers, too. Names
// are not URL-encoded.
type storedObject struct {
	Bucket     json.RawMessage `json:"bucket"`
	Name       json.RawMessage `json:"name"`
	Generation json.RawMessage `json:"generation"`
	Size       json.RawMessage `json:"size"`
	ETag       json.RawMessage `json:"etag"`
}

// decodeFinalized reads the data of an event of an object that was written.
func decodeFinalized(data []byte) (event, *fault.Error) {
	var o storedObject
	if json.Unmarshal(data, &o) != nil {
		return event{}, fault.New(fault.Malformed, `the event of Cloud Storage has no object as data, which is {"bucket":"…","name":"…",…}`)
	}
	r := ingest.Record{Source: ingest.Source{Kind: "gcs"}, Body: data}
	setObject(&r, text(o.Bucket), text(o.Name), text(o.Generation))
	if r.Object != nil {
		r.Object.Size, r.Object.ETag = size(o.Size), text(o.ETag)
	}
	return event{kind: typeFinalized, record: r}, nil
}

// setObject makes r a record of an object, or an unreadable one.
func setObject(r *ingest.Record, bucket, name, generation string) {
	r.Unreadable, r.Why = false, ""
	switch g, err := strconv.ParseInt(generation, 10, 64); {
	case bucket == "" || name == "":
		r.Unreadable, r.Why = true, "the event of Cloud Storage names no bucket or no object"
	case generation != "" && (err != nil || g <= 0):
		r.Unreadable, r.Why = true, "the object's generation in the event of Cloud Storage is no positive number"
	default:
		r.Object = &ingest.Object{Scheme: scheme, Bucket: bucket, Key: name, Version: generation, Size: -1}
		r.Source.Bucket, r.Source.Key, r.Source.Version = bucket, name, generation
	}
}

func size(raw json.RawMessage) int64 {
	if n, err := strconv.ParseInt(text(raw), 10, 64); err == nil && n >= 0 {
		return n
	}
	return -1
}

// isNotification tells a message that a bucket sent from others. These
// attributes are on every one (cloud.google.com/storage/docs/pubsub-notifications).
func isNotification(a map[string]string) bool {
	return a["bucketId"] != "" && a["objectId"] != "" && strings.HasPrefix(a["eventType"], "OBJECT_")
}

// notification makes of a bucket's message a record of the object. All that
// matters is in the attributes; the payload may be left out by the bucket's
// configuration.
func notification(r ingest.Record) event {
	a := r.Source.Attributes
	if a["eventType"] != "OBJECT_FINALIZE" {
		return event{kind: typePublished, idle: idleChange}
	}
	setObject(&r, a["bucketId"], a["objectId"], a["objectGeneration"])
	var o storedObject
	if r.Object != nil && json.Unmarshal(r.Body, &o) == nil {
		r.Object.Size, r.Object.ETag = size(o.Size), text(o.ETag)
	}
	r.ContentType = ""
	return event{kind: typePublished, record: r}
}

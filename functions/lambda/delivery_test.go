package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/ingest"
)

func listOf(records ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// quoted is a text as a value of JSON.
func quoted(text string) string { return string(appendQuoted(nil, text)) }

func inSQS(body string) string {
	return `{"messageId":"m","eventSource":"aws:sqs","body":` + quoted(body) + `}`
}

func inTopic(message string) string {
	return `{"Type":"Notification","TopicArn":"arn:t","MessageId":"t","Message":` + quoted(message) + `}`
}

func ofS3(event, key string) string {
	return `{"eventSource":"aws:s3","eventName":` + quoted(event) + `,"s3":{"bucket":{"name":"b"},"object":{"key":` + quoted(key) + `,"size":5}}}`
}

func ofBridge(source, kind, detail string) string {
	return `{"id":"e","source":` + quoted(source) + `,"detail-type":` + quoted(kind) + `,"detail":` + detail + `}`
}

// read reads a payload's records.
func read(t testing.TB, payload []byte) *delivery {
	t.Helper()
	e := new(event)
	switch k := e.read(payload); k {
	case records:
	case bridge:
		e.delivery.readBridge(payload, &e.bridge)
	default:
		t.Fatalf("kind %d has no records: %s", k, payload)
	}
	return &e.delivery
}

// brief says of each message what its records are: the body, the object, or
// "?" and why it cannot be read.
func brief(d *delivery) string {
	var out []string
	for _, m := range d.messages {
		var all []string
		for _, r := range d.records[m.from:m.to] {
			text := string(r.Body)
			if r.Object != nil {
				text = fmt.Sprintf("%s://%s/%s %d", r.Object.Scheme, r.Object.Bucket, r.Object.Key, r.Object.Size)
			}
			if r.Unreadable {
				text = "? " + r.Why
			}
			all = append(all, text)
		}
		out = append(out, strings.Join(all, " + "))
	}
	return strings.Join(out, " | ")
}

const (
	created1 = "ObjectCreated:Put"
	row1     = `{"a":1}`
)

// TestOpen has every envelope, alone and in others, and every odd one.
func TestOpen(t *testing.T) {
	s3Event := string(listOf(ofS3(created1, "k")))
	bridgeS3 := ofBridge("aws.s3", "Object Created", `{"bucket":{"name":"b"},"object":{"key":"k+%20","size":5}}`)
	custom := ofBridge("com.example", "x", row1)
	const test = `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`
	for _, c := range []struct {
		name    string
		payload string
		want    string
	}{
		{"a row", string(listOf(inSQS(row1))), row1},
		{"CSV", string(listOf(inSQS("a\n1\n"))), "a\n1\n"},
		{"no text at all", string(listOf(inSQS(""))), ""},
		{"a list", string(listOf(inSQS(`[{"a":1}]`))), `[{"a":1}]`},
		{"lines", string(listOf(inSQS(row1 + "\n" + row1))), row1 + "\n" + row1},
		{"rows first", string(listOf(inSQS(`{"rows":[],"Type":"Notification","TopicArn":"t","Message":"m"}`))), `{"rows":[],"Type":"Notification","TopicArn":"t","Message":"m"}`},
		{"a topic's", string(listOf(inSQS(inTopic(row1)))), row1},
		{"no topic's: another type", string(listOf(inSQS(`{"Type":"Other","TopicArn":"t","Message":"m"}`))), `{"Type":"Other","TopicArn":"t","Message":"m"}`},
		{"no topic's: no topic", string(listOf(inSQS(`{"Type":"Notification","Message":"m"}`))), `{"Type":"Notification","Message":"m"}`},
		{"S3's", string(listOf(inSQS(s3Event))), "s3://b/k 5"},
		{"S3's in a topic's", string(listOf(inSQS(inTopic(s3Event)))), "s3://b/k 5"},
		{"S3's in two topics'", string(listOf(inSQS(inTopic(inTopic(s3Event))))), "? " + tooNested},
		{"a row in two topics'", string(listOf(inSQS(inTopic(inTopic(row1))))), row1},
		{"a row in three topics'", string(listOf(inSQS(inTopic(inTopic(inTopic(row1)))))), "? " + tooNested},
		{"several of S3", string(listOf(inSQS(string(listOf(ofS3(created1, "k"), ofS3("ObjectRemoved:Delete", "l"), ofS3(created1, "m")))))), "s3://b/k 5 + s3://b/m 5"},
		{"one of S3 is odd", string(listOf(inSQS(string(listOf(ofS3(created1, "%zz"), ofS3(created1, "m")))))), "? " + keyBroken + " + s3://b/m 5"},
		{"records of others", string(listOf(inSQS(string(listOf(inSQS("x")))))), "? the message holds records that are not of S3"},
		{"no records", string(listOf(inSQS(`{"Records":[]}`))), ""},
		{"a test", string(listOf(inSQS(test))), ""},
		{"a test in a topic's", string(listOf(inSQS(inTopic(test)))), ""},
		{"EventBridge's", string(listOf(inSQS(custom))), row1},
		{"EventBridge's in a topic's", string(listOf(inSQS(inTopic(custom)))), row1},
		{"EventBridge's in two topics'", string(listOf(inSQS(inTopic(inTopic(custom))))), "? " + tooNested},
		{"S3's by EventBridge", string(listOf(inSQS(bridgeS3))), "s3://b/k+%20 5"},
		{"a row that is called so", string(listOf(inSQS(`{"detail-type":"a","source":"b","detail":1}`))), `{"detail-type":"a","source":"b","detail":1}`},
		{"a row with Records", string(listOf(inSQS(`{"Records":1}`))), `{"Records":1}`},
		{"neighbours of what is odd", string(listOf(inSQS(row1), `{"messageId":"n","eventSource":"aws:sqs","body":7}`, inSQS(row1))),
			row1 + " | ? the message has no body that is a text, or attributes of another type than the platform's | " + row1},

		{"a topic's own", string(listOf(`{"EventSource":"aws:sns","Sns":` + inTopic(row1) + `}`)), row1},
		{"a topic's own, S3's", string(listOf(`{"EventSource":"aws:sns","Sns":` + inTopic(s3Event) + `}`)), "s3://b/k 5"},
		{"a topic's own, in another's", string(listOf(`{"EventSource":"aws:sns","Sns":` + inTopic(inTopic(s3Event)) + `}`)), "? " + tooNested},
		{"a topic's own without a message", string(listOf(`{"EventSource":"aws:sns","Sns":{"MessageId":"m"}}`)), "? the record of SNS has no message"},
		{"a topic's own without anything", string(listOf(`{"EventSource":"aws:sns"}`)), "? the record of SNS has no message"},

		{"objects", string(listOf(ofS3(created1, "a+b%2Bc%25%C3%BC"), ofS3("s3:ObjectCreated:Copy", "k"))), "s3://b/a b+c%ü 5 | s3://b/k 5"},
		{"objects removed", string(listOf(ofS3("ObjectRemoved:Delete", "k"), ofS3("ObjectTagging:Put", "k"))), " | "},
		{"an object's key is broken", string(listOf(ofS3(created1, "%zz"), ofS3(created1, "k"))), "? " + keyBroken + " | s3://b/k 5"},
		{"an object without a key", string(listOf(ofS3(created1, ""))), "? " + noObject},
		{"an event of S3 without a name", string(listOf(`{"eventSource":"aws:s3","s3":{}}`)), "? the event of S3 has no name"},
		{"an event of S3 without an object", string(listOf(`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"}}}`)), "? " + noObject},
		{"an object whose size is no number", string(listOf(`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k","size":"x"}}}`)), "s3://b/k -1"},

		{"EventBridge's own", custom, row1},
		{"EventBridge's own with a notification", ofBridge("com.example", "x", s3Event), "s3://b/k 5"},
		{"EventBridge's own, nested too deep", ofBridge("com.example", "x", inTopic(s3Event)), "? " + tooNested},
		{"EventBridge's own, S3's", bridgeS3, "s3://b/k+%20 5"},
		{"EventBridge's own, deleted", ofBridge("aws.s3", "Object Deleted", `{"bucket":{"name":"b"},"object":{"key":"k"}}`), ""},
		{"EventBridge's own, of S3 by CloudTrail", ofBridge("aws.s3", "AWS API Call via CloudTrail", `{"eventName":"PutObject"}`), "? " + serviceEvent},
		{"EventBridge's own, a result of ours", ofBridge("copse", "Prediction", `{"prediction":1}`), ""},
		{"a dead letter of ours, through a queue", string(listOf(inSQS(ofBridge("copse", "Dead Letter", `{"body":"{"}`)))), ""},
		{"EventBridge's own, S3's without an object", ofBridge("aws.s3", "Object Created", `{}`), "? " + noObject},
		{"a schedule's own", ofBridge("aws.events", "Scheduled Event", `{}`), "? " + scheduleEmpty},
		{"a scheduler's own", ofBridge("aws.scheduler", "Scheduled Event", `{}`), "? " + scheduleEmpty},
		{"another service's", ofBridge("aws.codebuild", "x", `{}`), "? " + serviceEvent},

		{"a shard's", string(listOf(ofKinesis("1", "eyJhIjoxfQ=="), ofKinesis("2", "%"), ofKinesis("3", ""))), row1 + " | ? the record of Kinesis has no data, or data that is no base64 | "},
		{"a shard's without data", string(listOf(`{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1"}}`)), "? the record of Kinesis has no data, or data that is no base64"},
		{"a table's", string(listOf(ofTable("INSERT", `,"NewImage":{"a":{"N":"1"}}`))), row1},
		{"a table's, removed", string(listOf(ofTable("REMOVE", ``))), ""},
		{"a table's without an image", string(listOf(ofTable("MODIFY", ``))), "? the record of DynamoDB has no new image: the stream's view type must be NEW_IMAGE or NEW_AND_OLD_IMAGES"},
		{"a table's of no types", string(listOf(ofTable("MODIFY", `,"NewImage":{"a":1}`))), "? the new image of DynamoDB is not of typed attributes"},
		{"a table's of two types", string(listOf(ofTable("MODIFY", `,"NewImage":{"a":{"N":"1","S":"x"}}`))), "? the new image of DynamoDB is not of typed attributes"},
	} {
		d := read(t, []byte(c.payload))
		if got := brief(d); got != c.want || d.err != nil {
			t.Errorf("%s: got %s, %v\nwant %s", c.name, got, d.err, c.want)
		}
	}
}

func ofKinesis(sequence, data string) string {
	return `{"eventSource":"aws:kinesis","eventID":"shard-7:` + sequence + `","kinesis":{"sequenceNumber":"` + sequence + `","data":"` + data + `"}}`
}

func ofTable(name, rest string) string {
	return `{"eventSource":"aws:dynamodb","eventName":"` + name + `","eventSourceARN":"arn:aws:dynamodb:r:1:table/T/stream/2026-01-01T00:00:00.000","dynamodb":{"SequenceNumber":"9"` + rest + `}}`
}

// TestItem has every type that an attribute of DynamoDB may have.
func TestItem(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{`{"N":"1.5"}`, `1.5`}, {`{"N":"-1E+30"}`, `-1E+30`}, {`{"S":"1.5"}`, `"1.5"`}, {`{"S":"\u00fc\""}`, `"\u00fc\""`},
		{`{"BOOL":true}`, `true`}, {`{"NULL":true}`, `null`}, {`{"N":"x"}`, `"x"`}, {`{"N":".5"}`, `".5"`}, {`{"N":1}`, `1`}, {`{"N":""}`, `""`},
		{`{"B":"AA=="}`, `[]`}, {`{"L":[{"N":"1"}]}`, `[]`}, {`{"M":{"a":{"N":"1"}}}`, `[]`}, {`{"SS":["a"]}`, `[]`}, {`{"NS":["1"]}`, `[]`}, {`{"BS":[]}`, `[]`},
	} {
		got, ok := appendItem(nil, []byte(`{"a":`+c.typed+`}`))
		if want := `{"a":` + c.want + `}`; string(got) != want || !ok || !json.Valid(got) {
			t.Errorf("%s: got %s, %v, want %s", c.typed, got, ok, want)
		}
	}
	for _, image := range []string{`1`, `[]`, `{"a":{}}`, `{"a":[]}`, `{"a":{"N":"1"},"b":null}`} {
		if got, ok := appendItem(nil, []byte(image)); ok {
			t.Errorf("%s: got %s", image, got)
		}
	}
}

// TestIdentity: each record says where it is from, and what orders it.
func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		want    ingest.Record
	}{
		{"a shard's", listOf(ofKinesis("1", "")), ingest.Record{Source: ingest.Source{Kind: "kinesis", MessageID: "1", Shard: "shard-7"}, Group: "shard-7"}},
		{"a shard's without a name", listOf(`{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":""}}`),
			ingest.Record{Source: ingest.Source{Kind: "kinesis", MessageID: "1"}, Group: "shard"}},
		{"a table's", listOf(ofTable("INSERT", `,"NewImage":{}`)), ingest.Record{Source: ingest.Source{Kind: "dynamodb", MessageID: "9", Shard: "T/2026-01-01T00:00:00.000",
			Origin: "arn:aws:dynamodb:r:1:table/T/stream/2026-01-01T00:00:00.000"}, Group: "T/2026-01-01T00:00:00.000", IgnoreExtra: true}},
		{"a topic's", listOf(`{"EventSource":"aws:sns","Sns":` + inTopic(row1) + `}`), ingest.Record{Source: ingest.Source{Kind: "sns", MessageID: "t", Origin: "arn:t"}}},
		{"a topic's in a queue", listOf(inSQS(inTopic(row1))), ingest.Record{Source: ingest.Source{Kind: "sqs", MessageID: "m"}}},
		{"EventBridge's", []byte(ofBridge("com.example", "x", row1)), ingest.Record{Source: ingest.Source{Kind: "eventbridge", MessageID: "e"}}},
		{"S3's", listOf(ofS3(created1, "k")), ingest.Record{Source: ingest.Source{Kind: "s3", Bucket: "b", Key: "k"}}},
	} {
		got := read(t, c.payload).records[0]
		got.Body, got.Object = nil, nil
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	several := read(t, listOf(inSQS(string(listOf(ofS3(created1, "k"), ofS3(created1, "%"), ofS3(created1, "%"))))))
	var ids []string
	for _, r := range several.records {
		ids = append(ids, r.Source.MessageID)
	}
	if want := []string{"m", "m/1", "m/2"}; !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
}

// TestWholeEventFails: what cannot be named as failed fails the event, before
// any of its records is answered.
func TestWholeEventFails(t *testing.T) {
	f := New(Options{Records: neverAsked(t), Log: discard()})
	good := inSQS("{}")
	for _, c := range []struct {
		payload []byte
		want    string
	}{
		{listOf(good, `{"eventSource":"aws:sqs"}`), "invalid event: record 1 has no messageId"},
		{listOf(`{"messageId":"","eventSource":"aws:sqs"}`), "invalid event: record 0 has no messageId"},
		{listOf(`{"messageId":7,"eventSource":"aws:sqs"}`), "invalid event: record 0 has no messageId"},
		{listOf(`{"eventSource":"aws:kinesis","kinesis":{"data":""}}`), "invalid event: record 0 has no sequenceNumber"},
		{listOf(`{"eventSource":"aws:kinesis"}`), "invalid event: record 0 has no sequenceNumber"},
		{listOf(`{"eventSource":"aws:dynamodb","dynamodb":{}}`), "invalid event: record 0 has no SequenceNumber"},
		{listOf(`1`), "unsupported event: record 0 does not name its source"},
		{listOf(good, `{"messageId":"m"}`), "unsupported event: record 1 does not name its source"},
		{listOf(`{"eventSource":"aws:ses","ses":{}}`), "unsupported event: record 0 is of a service that this function does not read"},
		{listOf(good, ofS3(created1, "k")), "unsupported event: record 1 is of another service than those before it"},
	} {
		if _, err := f.Invoke(t.Context(), c.payload); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.payload, err, c.want)
		}
	}
}

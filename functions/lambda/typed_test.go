package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"

	"example.com/copse/pkg/ingest"
)

// The slow twin of delivery: aws-lambda-go's typed events by a strict JSON
// reader (exact names, none twice, UTF-8), envelopes likewise. It refuses what
// is odd anywhere; what it reads, the fast one reads the same.

// errOdd is of an event that only the fast reader takes apart.
var errOdd = errors.New("not well formed")

// typedMessage is a message as the slow twin reads it.
type typedMessage struct {
	id      string
	records []ingest.Record
}

func strict(data []byte, v any) error {
	if depth(data) > maxDepth-4 {
		return errOdd // the fast reader may stop a level earlier
	}
	return jsonv2.Unmarshal(data, v)
}

// typedEvent reads the records of an event.
func typedEvent(payload []byte) (all []typedMessage, err error) {
	var head struct {
		Records []struct {
			EventSource string `json:"eventSource"`
			Topic       string `json:"EventSource"`
		}
	}
	if err := strict(payload, &head); err != nil {
		return nil, err
	}
	if len(head.Records) == 0 {
		return nil, nil
	}
	for _, r := range head.Records {
		if r != head.Records[0] || (r.EventSource == "") == (r.Topic == "") {
			return nil, errOdd
		}
	}
	switch head.Records[0].EventSource + head.Records[0].Topic {
	case "aws:sqs":
		return typedSQS(payload)
	case "aws:sns":
		return typedSNS(payload)
	case "aws:s3":
		return typedS3(payload)
	case "aws:kinesis":
		return typedKinesis(payload)
	case "aws:dynamodb":
		return typedDynamoDB(payload)
	}
	return nil, errOdd
}

func typedSQS(payload []byte) (all []typedMessage, err error) {
	var e events.SQSEvent
	if err := strict(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		if m.MessageId == "" || m.Body == "" {
			return nil, errOdd // a body that is missing reads like an empty one
		}
		r := ingest.Record{Source: ingest.Source{Kind: "sqs", MessageID: m.MessageId, Origin: m.EventSourceARN}}
		if strings.HasSuffix(m.EventSourceARN, ".fifo") || m.EventSourceARN == "" {
			r.Group = m.Attributes["MessageGroupId"]
		}
		for name, a := range m.MessageAttributes {
			if a.StringValue != nil {
				if err := typedAttribute(&r, name, *a.StringValue); err != nil {
					return nil, err
				}
			}
		}
		records, err := typedOpen(r, []byte(m.Body), 2)
		if err != nil {
			return nil, err
		}
		all = append(all, typedMessage{m.MessageId, records})
	}
	return all, nil
}

// typedAttribute keeps an attribute. Two that both say the content type have no
// order in a map.
func typedAttribute(r *ingest.Record, name, value string) error {
	if r.Source.Attributes == nil {
		r.Source.Attributes = map[string]string{}
	}
	r.Source.Attributes[name] = value
	if lower := strings.ToLower(name); lower == "content-type" || lower == "contenttype" {
		if r.ContentType != "" {
			return errOdd
		}
		r.ContentType = value
	}
	return nil
}

func typedSNS(payload []byte) (all []typedMessage, err error) {
	var e events.SNSEvent
	if err := strict(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		if m.SNS.Message == "" {
			return nil, errOdd
		}
		r := ingest.Record{Source: ingest.Source{Kind: "sns", MessageID: m.SNS.MessageID, Origin: m.SNS.TopicArn}}
		if err := typedTopicAttributes(&r, m.SNS.MessageAttributes); err != nil {
			return nil, err
		}
		records, err := typedOpen(r, []byte(m.SNS.Message), 1)
		if err != nil {
			return nil, err
		}
		all = append(all, typedMessage{"", records})
	}
	return all, nil
}

func typedTopicAttributes(r *ingest.Record, attributes map[string]any) error {
	for name, a := range attributes {
		members, ok := a.(map[string]any)
		value, isText := members["Value"].(string)
		if !ok || !isText && members["Value"] != nil {
			return errOdd
		}
		if isText && members["Type"] != "Binary" {
			if err := typedAttribute(r, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func typedS3(payload []byte) (all []typedMessage, err error) {
	var e events.S3Event
	if err := strict(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		records, err := typedObject(ingest.Record{Source: ingest.Source{Kind: "s3"}}, &m)
		if err != nil {
			return nil, err
		}
		all = append(all, typedMessage{"", records})
	}
	return all, nil
}

func typedObject(r ingest.Record, m *events.S3EventRecord) ([]ingest.Record, error) {
	name := strings.TrimPrefix(m.EventName, "s3:")
	if m.EventName == "" || m.S3.Bucket.Name == "" || m.S3.Object.Key == "" || m.S3.Object.Size < 0 {
		return nil, errOdd
	}
	if !strings.HasPrefix(name, "ObjectCreated:") {
		return nil, nil
	}
	key, err := url.QueryUnescape(m.S3.Object.Key)
	if err != nil {
		return nil, errOdd // the typed event does not come so far
	}
	o := m.S3.Object
	r.Object = &ingest.Object{Scheme: "s3", Bucket: m.S3.Bucket.Name, Key: key, Version: o.VersionID, ETag: o.ETag, Sequencer: o.Sequencer, Size: o.Size}
	r.Source.Bucket, r.Source.Key, r.Source.Version = r.Object.Bucket, key, o.VersionID
	return []ingest.Record{r}, nil
}

func typedKinesis(payload []byte) (all []typedMessage, err error) {
	var e events.KinesisEvent
	if err := strict(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		if m.Kinesis.SequenceNumber == "" || len(m.Kinesis.Data) == 0 {
			return nil, errOdd
		}
		r := ingest.Record{Source: ingest.Source{Kind: "kinesis", MessageID: m.Kinesis.SequenceNumber, Origin: m.EventSourceArn}, Group: "shard"}
		if shard, _, _ := strings.Cut(m.EventID, ":"); shard != "" {
			r.Source.Shard, r.Group = shard, shard
		}
		records, err := typedOpen(r, m.Kinesis.Data, 2)
		if err != nil {
			return nil, err
		}
		all = append(all, typedMessage{m.Kinesis.SequenceNumber, records})
	}
	return all, nil
}

func typedDynamoDB(payload []byte) (all []typedMessage, err error) {
	var e events.DynamoDBEvent
	if err := strict(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		if m.Change.SequenceNumber == "" || m.EventName != "REMOVE" && m.Change.NewImage == nil {
			return nil, errOdd
		}
		message := typedMessage{id: m.Change.SequenceNumber}
		if m.EventName != "REMOVE" {
			r := ingest.Record{Source: ingest.Source{Kind: "dynamodb", MessageID: message.id, Origin: m.EventSourceArn}, Group: "shard", IgnoreExtra: true}
			if _, table, _ := strings.Cut(m.EventSourceArn, ":table/"); table != "" {
				r.Source.Shard = strings.Replace(table, "/stream/", "/", 1)
				r.Group = r.Source.Shard
			}
			if r.Body, err = typedItem(m.Change.NewImage); err != nil {
				return nil, err
			}
			message.records = []ingest.Record{r}
		}
		all = append(all, message)
	}
	return all, nil
}

// typedItem is a row of an image: its members are in order of names.
func typedItem(image map[string]events.DynamoDBAttributeValue) ([]byte, error) {
	row := map[string]any{}
	for name, a := range image {
		switch a.DataType() {
		case events.DataTypeString:
			row[name] = a.String()
		case events.DataTypeBoolean:
			row[name] = a.Boolean()
		case events.DataTypeNull:
			row[name] = nil
		case events.DataTypeNumber:
			row[name] = a.Number()
			if json.Valid([]byte(a.Number())) && skipNumber([]byte(a.Number()), 0) == len(a.Number()) {
				row[name] = json.Number(a.Number())
			}
		default:
			row[name] = []any{}
		}
	}
	return json.Marshal(row)
}

// typedOpen opens envelopes.
func typedOpen(r ingest.Record, body []byte, left int) ([]ingest.Record, error) {
	plain := r
	plain.Body = body
	if trimmed := strings.TrimLeft(string(body), " \t\r\n"); !strings.HasPrefix(trimmed, "{") || beginsBatch(trimmed[1:]) {
		return []ingest.Record{plain}, nil
	}
	var members map[string]json.RawMessage
	if !json.Valid(body) {
		return []ingest.Record{plain}, nil
	}
	if err := strict(body, &members); err != nil {
		return nil, errOdd
	}
	shape := func(name string) byte {
		if raw := members[name]; len(raw) > 0 {
			return raw[0]
		}
		return 0
	}
	text := func(name string) (s string) {
		_ = json.Unmarshal(members[name], &s) // "" where it is no text
		return s
	}
	service := shape("Service")
	topic := text("Type") == "Notification" && shape("TopicArn") == '"' && shape("Message") == '"'
	bridge := shape("detail-type") == '"' && shape("source") == '"' && shape("detail") == '{'
	unreadable := plain
	unreadable.Unreadable = true
	switch {
	case text("Event") == "s3:TestEvent" && (service == '"' || service == 0 || service == 'n'):
		return nil, nil
	case !topic && !bridge && shape("Records") != '[':
		return []ingest.Record{plain}, nil
	case left == 0:
		return []ingest.Record{unreadable}, nil
	case topic:
		var attributes map[string]any
		if raw := members["MessageAttributes"]; raw != nil && json.Unmarshal(raw, &attributes) != nil {
			return nil, errOdd
		}
		// The envelope's attributes add to those that r, which others share, has.
		r.Source.Attributes = maps.Clone(r.Source.Attributes)
		if err := typedTopicAttributes(&r, attributes); err != nil {
			return nil, err
		}
		return typedOpen(r, []byte(text("Message")), left-1)
	case shape("Records") == '[':
		return typedList(r, body)
	}
	return typedBridge(r, body, left-1)
}

func beginsBatch(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return slices.ContainsFunc([]string{`"rows"`, `"columns"`, `"data"`, `"ids"`}, func(name string) bool { return strings.HasPrefix(rest, name) })
}

func typedList(r ingest.Record, body []byte) (all []ingest.Record, err error) {
	var e events.S3Event
	if err := strict(body, &e); err != nil {
		return nil, err
	}
	for i := range e.Records {
		if e.Records[i].EventSource != "aws:s3" {
			r.Body, r.Unreadable = body, true
			return []ingest.Record{r}, nil
		}
		one := r
		if len(all) > 0 && r.Source.MessageID != "" {
			one.Source.MessageID += "/" + strconv.Itoa(len(all))
		}
		records, err := typedObject(one, &e.Records[i])
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	return all, nil
}

func typedBridge(r ingest.Record, body []byte, left int) ([]ingest.Record, error) {
	var e events.EventBridgeEvent
	if err := strict(body, &e); err != nil {
		return nil, err
	}
	r.Body = body
	switch {
	case e.Source == "copse", e.Source == "aws.s3" && strings.HasPrefix(e.DetailType, "Object ") && e.DetailType != "Object Created":
		return nil, nil
	case e.Source == "aws.s3" && e.DetailType == "Object Created":
		var detail struct {
			Bucket struct{ Name string } `json:"bucket"`
			Object struct {
				Key       string `json:"key"`
				Size      *int64 `json:"size"`
				ETag      string `json:"etag"`
				Version   string `json:"version-id"`
				Sequencer string `json:"sequencer"`
			} `json:"object"`
		}
		o := &detail.Object
		if err := jsonv2.Unmarshal(e.Detail, &detail, jsonv2.MatchCaseInsensitiveNames(false)); err != nil || detail.Bucket.Name == "" || o.Key == "" || o.Size == nil || *o.Size < 0 {
			return nil, errOdd
		}
		r.Object = &ingest.Object{Scheme: "s3", Bucket: detail.Bucket.Name, Key: o.Key, Version: o.Version, ETag: o.ETag, Sequencer: o.Sequencer, Size: *o.Size}
		r.Source.Bucket, r.Source.Key, r.Source.Version = detail.Bucket.Name, o.Key, o.Version
		return []ingest.Record{r}, nil
	case strings.HasPrefix(e.Source, "aws."):
		r.Unreadable = true
		return []ingest.Record{r}, nil
	}
	return typedOpen(r, e.Detail, left)
}

// checkTyped reads an event both ways.
func checkTyped(t *testing.T, payload []byte) {
	t.Helper()
	e := new(event)
	var want []typedMessage
	var err error
	switch e.read(payload) {
	case records:
		want, err = typedEvent(payload)
	case bridge:
		e.delivery.readBridge(payload, &e.bridge)
		var typed events.EventBridgeEvent
		if err = strict(payload, &typed); err == nil {
			var all []ingest.Record
			all, err = typedBridge(ingest.Record{Source: ingest.Source{Kind: "eventbridge", MessageID: typed.ID}}, payload, 1)
			want = []typedMessage{{"", all}}
		}
	default:
		return
	}
	d := &e.delivery
	if !json.Valid(payload) {
		t.Fatalf("an event is taken that is no JSON: %q", payload)
	}
	for _, m := range d.messages {
		if d.source != noSource && d.source != s3 && d.source != sns && m.id == "" {
			t.Fatalf("a message has no identifier: %q", payload)
		}
	}
	if err != nil {
		return
	}
	if d.err != nil || len(d.messages) != len(want) {
		t.Fatalf("got %d messages, %v, want %d\n%s", len(d.messages), d.err, len(want), payload)
	}
	for i, m := range d.messages {
		if got := d.records[m.from:m.to]; m.id != want[i].id || !slices.EqualFunc(got, want[i].records, sameRecord) {
			t.Errorf("message %d: got %q %s\nwant %q %s\n%s", i, m.id, say(got), want[i].id, say(want[i].records), payload)
		}
	}
}

func say(records []ingest.Record) (text string) {
	for _, r := range records {
		text += fmt.Sprintf("\n%+v %q %+v", r.Source, r.Body, r.Object)
	}
	return text
}

// sameRecord compares all that a source says. Of what cannot be read, and of an
// object, the body is for the dead letter alone; an image is compared as JSON.
func sameRecord(a, b ingest.Record) bool {
	same := fmt.Sprintf("%+v", a.Source) == fmt.Sprintf("%+v", b.Source) && a.Group == b.Group && a.ContentType == b.ContentType &&
		a.Unreadable == b.Unreadable && a.IgnoreExtra == b.IgnoreExtra && (a.Object == nil) == (b.Object == nil)
	switch {
	case !same || a.Unreadable:
		return same
	case a.Object != nil:
		is := *a.Object
		is.Size = max(is.Size, 0) // typed events do not tell a size that is missing
		return is == *b.Object
	case a.IgnoreExtra:
		return canonicalJSON(a.Body) == canonicalJSON(b.Body)
	}
	return string(a.Body) == string(b.Body)
}

func canonicalJSON(data []byte) string {
	var v map[string]json.RawMessage
	if err := json.Unmarshal(data, &v); err != nil {
		return err.Error()
	}
	var lines []string
	for name, raw := range v {
		var value any
		if json.Unmarshal(raw, &value) == nil && len(raw) > 0 && raw[0] == '"' {
			raw, _ = json.Marshal(value)
		}
		lines = append(lines, strconv.Quote(name)+string(raw))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestTypedEvents holds the reader equal to its slow twin on this project's
// fixtures and on the library's own payloads.
func TestTypedEvents(t *testing.T) {
	for _, payload := range libraryEvents(t) {
		checkTyped(t, payload)
	}
	read := 0
	for name, payload := range fixturesOf(t, "*") {
		checkTyped(t, payload)
		if _, err := typedEvent(payload); err == nil {
			read++
		} else if strings.HasPrefix(name, "kinesis") || name == "dynamodb.json" || name == "sqs-sns-s3.json" || name == "s3.json" {
			t.Errorf("%s: the slow twin does not read it: %v", name, err)
		}
	}
	if read < 20 {
		t.Errorf("the slow twin reads %d fixtures only", read)
	}
}

func fixturesOf(t testing.TB, prefix string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(eventDir, prefix+".json"))
	if err != nil || len(names) == 0 {
		t.Fatal("no fixtures of ", prefix)
	}
	all := map[string][]byte{}
	for _, name := range names {
		all[filepath.Base(name)] = readEvent(t, filepath.Base(name))
	}
	return all
}

package gcf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// row is the body of the fixture push-row.
const row = `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`

// limit is what a body may inflate to.
const limit = 1 << 20

const topic = "//pubsub.googleapis.com/projects/copse-project/topics/flowers"

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestDecodePush(t *testing.T) {
	std := base64.StdEncoding.EncodeToString
	source := func(id string, attributes map[string]string) ingest.Source {
		return ingest.Source{Kind: "pubsub", MessageID: id, Attributes: attributes}
	}
	note := map[string]string{"plant": "17", "note": `50% off, "quoted" <é>`}
	tests := []struct {
		name, body string
		want       ingest.Record
	}{
		{"recorded row", string(fixture(t, "push-row.json")), ingest.Record{Source: source("1", note), Body: []byte(row)}},
		{"recorded CSV", string(fixture(t, "push-csv.json")), ingest.Record{
			Source: source("3", map[string]string{"content-type": "text/csv"}), ContentType: "text/csv",
			Body: []byte("sepal_length,sepal_width,petal_length,petal_width\n6.3,3.3,6,2.5\n5.7,2.8,4.1,1.3\n")}},
		{"recorded, without data", string(fixture(t, "push-attributes-only.json")), ingest.Record{
			Source: source("4", map[string]string{"plant": "18"}), Body: []byte{}}},
		{"recorded, no text", string(fixture(t, "push-binary.json")), ingest.Record{
			Source: source("5", nil), Body: []byte{0xff, 0, 0xfe, 0x80}}},
		{"as the framework makes it", `{"message":{"@type":"type.googleapis.com/google.pubsub.v1.PubsubMessage","data":"` + std([]byte(row)) + `","messageId":"7","publishTime":"2026-11-24T16:00:00Z"}}`,
			ingest.Record{Source: source("7", nil), Body: []byte(row)}},
		{"ordering key", `{"message":{"data":"QQ==","messageId":"7","orderingKey":"bed-1"}}`,
			ingest.Record{Source: source("7", nil), Body: []byte("A"), Group: "bed-1"}},
		{"older name", `{"message":{"data":"QQ==","message_id":"7"}}`, ingest.Record{Source: source("7", nil), Body: []byte("A")}},
		{"a number as id", `{"message":{"data":"QQ==","messageId":2070443601311540}}`,
			ingest.Record{Source: source("2070443601311540", nil), Body: []byte("A")}},
		{"no padding", `{"message":{"data":"QQ"}}`, ingest.Record{Source: source("", nil), Body: []byte("A")}},
		{"URL alphabet", `{"message":{"data":"_w-_-A=="}}`, ingest.Record{Source: source("", nil), Body: []byte{0xff, 0x0f, 0xbf, 0xf8}}},
		{"lines", `{"message":{"data":"QU\nJD\n"}}`, ingest.Record{Source: source("", nil), Body: []byte("ABC")}},
		{"null data", `{"message":{"data":null,"messageId":"7"}}`, ingest.Record{Source: source("7", nil)}},
		{"an object as data", `{"message":{"data":{"a":1}}}`, ingest.Record{Source: source("", nil), Body: []byte(`{"a":1}`)}},
		{"a list as data", `{"message":{"data":[1]}}`, ingest.Record{Source: source("", nil), Body: []byte(`[1]`)}},
		{"a number as data", `{"message":{"data":1,"messageId":"7"}}`,
			ingest.Record{Source: source("7", nil), Body: []byte(`{"data":1,"messageId":"7"}`), Unreadable: true, Why: notBase64}},
		{"not base64", `{"message":{"data":"%%%","messageId":"7"}}`,
			ingest.Record{Source: source("7", nil), Body: []byte(`{"data":"%%%","messageId":"7"}`), Unreadable: true, Why: notBase64}},
		{"a length that base64 has not", `{"message":{"data":"QQQQQ"}}`,
			ingest.Record{Source: source("", nil), Body: []byte(`{"data":"QQQQQ"}`), Unreadable: true, Why: notBase64}},
		{"odd attributes", `{"message":{"data":"QQ==","attributes":{"n":1,"b":true,"x":null,"o":{"a":[]}}}}`,
			ingest.Record{Source: source("", map[string]string{"n": "1", "b": "true", "x": "", "o": `{"a":[]}`}), Body: []byte("A")}},
		{"attributes that are none", `{"message":{"data":"QQ==","attributes":"none"}}`, ingest.Record{Source: source("", nil), Body: []byte("A")}},
		{"media type, another case", `{"message":{"data":"QQ==","attributes":{"Content-Type":"application/json"}}}`, ingest.Record{
			Source: source("", map[string]string{"Content-Type": "application/json"}), ContentType: "application/json", Body: []byte("A")}},
		{"empty message", `{"message":{}}`, ingest.Record{Source: source("", nil)}},
		{"more members", `{"message":{"data":"QQ==","new":{}},"deliveryAttempt":5,"subscription":7}`,
			ingest.Record{Source: source("", nil), Body: []byte("A")}},
	}
	for _, tt := range tests {
		got, fe := decode(http.Header{"Content-Type": {"application/json"}}, []byte(tt.body), limit)
		if fe != nil || got.kind != typePublished || !reflect.DeepEqual(got.record, tt.want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", tt.name, got.record, fe, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	structured := http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}
	binary := func(members ...string) http.Header {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(members); i += 2 {
			h.Set(members[i], members[i+1])
		}
		return h
	}
	full := binary("Ce-Id", "1", "Ce-Type", typePublished, "Ce-Source", topic, "Ce-Specversion", "1.0")
	tests := []struct {
		name   string
		header http.Header
		body   string
		want   fault.Code
	}{
		{"nothing", nil, "", fault.Malformed},
		{"no JSON", nil, "sepal_length", fault.Malformed},
		{"no object", nil, "[]", fault.Malformed},
		{"no message", nil, `{"subscription":"s"}`, fault.Malformed},
		{"a text as message", nil, `{"message":"hello"}`, fault.Malformed},
		{"null as message", nil, `{"message":null}`, fault.Malformed},
		{"a row", nil, row, fault.Malformed},
		{"100,000 brackets", nil, strings.Repeat("[", 100_000), fault.Malformed},
		{"100,000 brackets inside", nil, `{"message":` + strings.Repeat(`{"a":`, 100_000), fault.Malformed},
		{"structured, broken", structured, `{"specversion":"1.0","id":"1"`, fault.Malformed},
		{"structured, empty", structured, "", fault.Malformed},
		{"structured, trailing", structured, `{"specversion":"1.0","id":"1","source":"s","type":"t"} x`, fault.Malformed},
		{"structured, a list", structured, `[]`, fault.Malformed},
		{"structured, no version", structured, `{"id":"1","source":"s","type":"t"}`, fault.Malformed},
		{"structured, unknown version", structured, `{"specversion":"9","id":"1","source":"s","type":"t"}`, fault.Malformed},
		{"structured, no type", structured, `{"specversion":"1.0","id":"1","source":"s"}`, fault.Malformed},
		{"structured, a number as type", structured, `{"specversion":"1.0","id":"1","source":"s","type":1}`, fault.Malformed},
		{"structured, bad base64", structured, `{"specversion":"1.0","id":"1","source":"s","type":"` + typePublished + `","data_base64":"%%"}`, fault.Malformed},
		{"structured, no data", structured, `{"specversion":"1.0","id":"1","source":"s","type":"` + typePublished + `"}`, fault.Malformed},
		{"structured, brackets", structured, strings.Repeat("[", 100_000), fault.Malformed},
		{"binary, no version", binary("Ce-Id", "1", "Ce-Type", typePublished), `{"message":{}}`, fault.Malformed},
		{"binary, id alone", binary("Ce-Id", "1"), `{"message":{}}`, fault.Malformed},
		{"binary, no type", binary("Ce-Id", "1", "Ce-Specversion", "1.0", "Ce-Source", "s"), `{"message":{}}`, fault.Malformed},
		{"binary, no message", full, `{}`, fault.Malformed},
		{"binary, broken data", full, `{"message":`, fault.Malformed},
		{"binary, no body", full, ``, fault.Malformed},
		{"batch", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, `[]`, fault.UnsupportedMedia},
	}
	for _, tt := range tests {
		got, fe := decode(tt.header, []byte(tt.body), limit)
		if fe == nil || fe.Code != tt.want || !reflect.DeepEqual(got, event{}) {
			t.Errorf("%s: got %+v, %v, want %v", tt.name, got, fe, tt.want)
		}
	}
}

func TestDecodeOtherTypes(t *testing.T) {
	for _, kind := range []string{
		"google.cloud.storage.object.v1.deleted", "google.cloud.storage.object.v1.archived",
		"google.cloud.storage.object.v1.metadataUpdated", "google.cloud.audit.log.v1.written", "50%d off",
	} {
		h := http.Header{"Ce-Id": {"1"}, "Ce-Type": {kind}, "Ce-Source": {"s"}, "Ce-Specversion": {"1.0"}}
		got, fe := decode(h, []byte("whatever it is"), limit)
		if want := (event{kind: kind, idle: idleType}); fe != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, fe)
		}
	}
}

// published is a CloudEvent around a push.
func published(t testing.TB, id string, push []byte) cloudevents.Event {
	t.Helper()
	ce := cloudevents.NewEvent()
	ce.SetID(id)
	ce.SetType(typePublished)
	ce.SetSource(topic)
	if err := ce.SetData(cloudevents.ApplicationJSON, json.RawMessage(push)); err != nil {
		t.Fatal(err)
	}
	return ce
}

// asRequest is what the SDK sends for an event.
func asRequest(t testing.TB, ce cloudevents.Event, structured bool) (http.Header, []byte) {
	t.Helper()
	ctx := cloudevents.WithEncodingBinary(t.Context())
	if structured {
		ctx = cloudevents.WithEncodingStructured(t.Context())
	}
	r, err := cehttp.NewHTTPRequestFromEvent(ctx, "http://function.example/", ce)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return r.Header, body.Bytes()
}

// TestModesAgree: a push alone, and in a CloudEvent of either mode, is one
// record; only the CloudEvent knows the topic.
func TestModesAgree(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(fixtures, "push-*.json"))
	if err != nil || len(names) < 9 {
		t.Fatalf("%d fixtures: %v", len(names), err)
	}
	for _, name := range names {
		push := fixture(t, filepath.Base(name))
		want, fe := decode(nil, push, limit)
		if fe != nil {
			t.Fatalf("%s: %v", name, fe)
		}
		if want.idle == "" {
			want.record.Source.Origin = topic
		}
		for _, structured := range []bool{false, true} {
			h, body := asRequest(t, published(t, "other", push), structured)
			if got, fe := decode(h, body, limit); fe != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, structured %v: got %+v, %v, want %+v", name, structured, got, fe, want)
			}
		}
	}
}

// TestSpacedBase64: data in base64 as Python's SDK writes it, without a type
// and with a space behind each colon.
func TestSpacedBase64(t *testing.T) {
	h := http.Header{"Content-Type": {"application/cloudevents+json"}}
	body := `{"id": "1", "specversion": "1.0", "type": "` + typePublished + `", "source": "` + topic + `",
		"data_base64": "` + base64.StdEncoding.EncodeToString([]byte(`{"message": {"data": "QQ=="}}`)) + `" }`
	if got, fe := decode(h, []byte(body), limit); fe != nil || string(got.record.Body) != "A" {
		t.Errorf("got %+v, %v", got.record, fe)
	}
}

// TestIDOfCloudEvent: a message without its own id has its event's.
func TestIDOfCloudEvent(t *testing.T) {
	h, body := asRequest(t, published(t, "event-1", []byte(`{"message":{"data":"QQ=="}}`)), true)
	if got, fe := decode(h, body, limit); fe != nil || got.record.Source.MessageID != "event-1" {
		t.Errorf("got %+v, %v", got.record.Source, fe)
	}
}

// FuzzDecode: whatever comes, there is no panic, an error is a client's, and a
// push means the same inside a CloudEvent.
func FuzzDecode(f *testing.F) {
	names, _ := filepath.Glob(filepath.Join(fixtures, "*.*"))
	for _, name := range names {
		f.Add(uint8(0), fixture(f, filepath.Base(name)))
	}
	f.Add(uint8(1), []byte(`{"specversion":"1.0","id":"1","source":"s","type":"`+typePublished+`","data":{"message":{"data":"QQ=="}}}`))
	f.Add(uint8(1), []byte(`{"specversion":"0.3","id":"1","source":"s","type":"t","datacontentencoding":"base64","data":"QQ=="}`))
	f.Add(uint8(2), []byte(`{"message":{"data":"_w-_-A==","attributes":{"a":1}}}`))
	f.Add(uint8(3), []byte(`[]`))
	f.Add(uint8(4), []byte(storedFlowers))
	f.Add(uint8(5), []byte(row))
	f.Add(uint8(6), zipped(f, row))
	headers := []http.Header{
		{"Content-Type": {"application/json"}},
		{"Content-Type": {"application/cloudevents+json"}},
		{"Content-Type": {"application/json"}, "Ce-Id": {"1"}, "Ce-Type": {typePublished}, "Ce-Source": {"s"}, "Ce-Specversion": {"1.0"}},
		{"Content-Type": {"application/cloudevents-batch+json"}},
		finalized,
		{"X-Cloudtasks-Queuename": {"q"}, "X-Cloudtasks-Taskname": {"t"}},
		{"X-Cloudtasks-Queuename": {"q"}, "Content-Encoding": {"gzip"}},
	}
	kinds := map[string]string{typePublished: "pubsub", typeFinalized: "gcs", kindTask: "cloudtasks"}
	f.Fuzz(func(t *testing.T, mode uint8, body []byte) {
		h := headers[int(mode)%len(headers)]
		got, fe := decode(h, body, limit)
		switch {
		case fe != nil:
			if s := fe.Code.Status(); s != http.StatusBadRequest && s != http.StatusUnsupportedMediaType {
				t.Fatalf("status %d", s)
			}
			return
		case got.idle != "":
			return
		case got.record.Source.Kind != kinds[got.kind]:
			t.Fatalf("source %+v", got.record.Source)
		case got.record.Object != nil && (got.record.Object.Key == "" || got.record.Object.Bucket == "" || got.record.Unreadable):
			t.Fatalf("got %+v", got.record)
		}
		if int(mode)%len(headers) != 0 || !json.Valid(body) {
			return
		}
		h, wrapped := asRequest(t, published(t, "1", body), false)
		again, fe := decode(h, wrapped, limit)
		if fe != nil {
			t.Fatalf("inside a CloudEvent: %v", fe)
		}
		again.record.Source.Origin = ""
		if got.record.Source.MessageID == "" {
			again.record.Source.MessageID = ""
		}
		// What cannot be read is kept as it came, and the SDK writes JSON anew.
		if got.record.Unreadable {
			got.record.Body, again.record.Body = rewritten(got.record.Body), rewritten(again.record.Body)
		}
		if !reflect.DeepEqual(again, got) {
			t.Fatalf("got %+v, inside a CloudEvent %+v", got, again)
		}
	})
}

// rewritten is JSON without the ways in which its text is free.
func rewritten(text []byte) []byte {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return text
	}
	out, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return out
}

// FuzzData holds data against the four encodings that base64 has: what one of
// them reads, data reads alike.
func FuzzData(f *testing.F) {
	for _, s := range []string{"", "QQ==", "QQ", "_w-_-A==", "/w+/+A==", "QU\nJD", "%%%", "QQQQQ", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		got, ok := data(quoted)
		for _, twin := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if want, err := twin.DecodeString(s); err == nil && (!ok || !bytes.Equal(got, want)) {
				t.Fatalf("%q: got %q, %v, want %q", s, got, ok, want)
			}
		}
	})
}

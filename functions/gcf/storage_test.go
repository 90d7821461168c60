package gcf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// finalized is the header of an event of an object that was written.
var finalized = http.Header{"Content-Type": {"application/json"}, "Ce-Id": {"1"}, "Ce-Type": {typeFinalized},
	"Ce-Source": {"//storage.googleapis.com/projects/_/buckets/b"}, "Ce-Specversion": {"1.0"}}

func TestDecodeFinalized(t *testing.T) {
	tests := []struct{ name, data, want, why string }{
		{"texts", `{"bucket":"b","name":"a.csv","generation":"17","size":"352","etag":"CN="}`, "gs b a.csv @17 CN= 352", ""},
		{"numbers", `{"bucket":"b","name":"a.csv","generation":17,"size":352}`, "gs b a.csv @17  352", ""},
		{"as it is", `{"bucket":"b","name":"2026/100% beds 1+2 größe%20.csv","generation":"17","size":"0"}`, "gs b 2026/100% beds 1+2 größe%20.csv @17  0", ""},
		{"escapes of JSON", `{"bucket":"b","name":"\u00e9\/\ud83c\udf33","generation":"1","size":"1"}`, "gs b é/🌳 @1  1", ""},
		{"a folder", `{"bucket":"b","name":"2026/","generation":"17","size":"0"}`, "gs b 2026/ @17  0", ""},
		{"bare", `{"bucket":"b","name":"a"}`, "gs b a @  -1", ""},
		{"odd sizes", `{"bucket":"b","name":"a","generation":"17","size":"-1","etag":null}`, "gs b a @17  -1", ""},
		{"odder sizes", `{"bucket":"b","name":"a","generation":"17","size":1.5e3}`, "gs b a @17  -1", ""},
		{"a size that is a list", `{"bucket":"b","name":"a","size":[]}`, "gs b a @  -1", ""},
		{"the largest", `{"bucket":"b","name":"a","generation":"9223372036854775807","size":"5497558138880"}`, "gs b a @9223372036854775807  5497558138880", ""},
		{"no bucket", `{"name":"a","generation":"17"}`, "", "no bucket"},
		{"no name", `{"bucket":"b","generation":"17"}`, "", "no bucket or no object"},
		{"an empty name", `{"bucket":"b","name":""}`, "", "no bucket or no object"},
		{"null as name", `{"bucket":"b","name":null}`, "", "no bucket or no object"},
		{"a generation of words", `{"bucket":"b","name":"a","generation":"new"}`, "", "generation"},
		{"a generation below 1", `{"bucket":"b","name":"a","generation":0}`, "", "generation"},
		{"a generation over all", `{"bucket":"b","name":"a","generation":"9223372036854775808"}`, "", "generation"},
		{"an empty object", `{}`, "", "no bucket"},
	}
	for _, tt := range tests {
		got, fe := decode(finalized, []byte(tt.data), limit)
		r := got.record
		if fe != nil || got.kind != typeFinalized || r.Source.Kind != "gcs" || string(r.Body) != tt.data || got.idle != "" {
			t.Errorf("%s: got %+v, %v", tt.name, got, fe)
			continue
		}
		if said := describe(r.Object); said != tt.want || r.Unreadable != (tt.why != "") || !strings.Contains(r.Why, tt.why) {
			t.Errorf("%s: got %q, %v %q, want %q, %q", tt.name, said, r.Unreadable, r.Why, tt.want, tt.why)
		}
		if o := r.Object; o != nil && (r.Source.Bucket != o.Bucket || r.Source.Key != o.Key || r.Source.Version != o.Version) {
			t.Errorf("%s: the source is %+v", tt.name, r.Source)
		}
	}
	for _, data := range []string{``, `[]`, `"b"`, `{"bucket":`, `7`} {
		if got, fe := decode(finalized, []byte(data), limit); fe == nil || fe.Code != fault.Malformed {
			t.Errorf("%q: got %+v, %v", data, got, fe)
		}
	}
}

func describe(o *ingest.Object) string {
	if o == nil {
		return ""
	}
	size, _ := json.Marshal(o.Size)
	return strings.Join([]string{o.Scheme, o.Bucket, o.Key, "@" + o.Version, o.ETag, string(size)}, " ")
}

// TestFinalizedInBothModes: binary and structured mode are one record.
func TestFinalizedInBothModes(t *testing.T) {
	var all []event
	for _, name := range []string{"cloudevent-storage.http", "cloudevent-storage-structured.http"} {
		head, body, _ := bytes.Cut(fixture(t, name), []byte("\n\n"))
		h := http.Header{}
		for line := range strings.Lines(string(head)) {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Set(name, strings.TrimSpace(value))
			}
		}
		got, fe := decode(h, body, limit)
		if fe != nil {
			t.Fatalf("%s: %v", name, fe)
		}
		got.record.Body = rewritten(got.record.Body)
		all = append(all, got)
	}
	if !reflect.DeepEqual(all[0], all[1]) || describe(all[0].record.Object) != "gs flowers 2026/beds 1+2.csv @"+generation+" CNHZkbuF/ugCEAE= 352" {
		t.Errorf("got %+v and %+v", all[0], all[1])
	}
}

func TestDecodeNotification(t *testing.T) {
	push := func(attributes, data string) string {
		return `{"message":{"messageId":"7","attributes":` + attributes + `,"data":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"}}`
	}
	const payload = `{"bucket":"other","name":"other","generation":"3","size":"352","etag":"CN="}`
	tests := []struct {
		name, attributes, data string
		want, why, idle        string
	}{
		{"finalize", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a b+c%20.csv","objectGeneration":"17","payloadFormat":"JSON_API_V1"}`, payload,
			"gs b a b+c%20.csv @17 CN= 352", "", ""},
		{"no payload", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a","objectGeneration":"17","payloadFormat":"NONE"}`, "",
			"gs b a @17  -1", "", ""},
		{"a payload of its own", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a"}`, "rows", "gs b a @  -1", "", ""},
		{"overwritten", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a","objectGeneration":"17","overwroteGeneration":"16"}`, payload,
			"gs b a @17 CN= 352", "", ""},
		{"content type among its attributes", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a","content-type":"text/csv"}`, payload,
			"gs b a @ CN= 352", "", ""},
		{"a generation of words", `{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"a","objectGeneration":"new"}`, payload, "", "generation", ""},
		{"delete", `{"eventType":"OBJECT_DELETE","bucketId":"b","objectId":"a","objectGeneration":"17"}`, payload, "", "", idleChange},
		{"archive", `{"eventType":"OBJECT_ARCHIVE","bucketId":"b","objectId":"a"}`, payload, "", "", idleChange},
		{"metadata", `{"eventType":"OBJECT_METADATA_UPDATE","bucketId":"b","objectId":"a"}`, payload, "", "", idleChange},
	}
	for _, tt := range tests {
		for _, inEvent := range []bool{false, true} {
			h, body := http.Header(nil), []byte(push(tt.attributes, tt.data))
			if inEvent {
				h, body = asRequest(t, published(t, "other", body), true)
			}
			got, fe := decode(h, body, limit)
			if fe != nil || got.kind != typePublished || got.idle != tt.idle {
				t.Errorf("%s: got %+v, %v", tt.name, got, fe)
				continue
			}
			r := got.record
			if said := describe(r.Object); said != tt.want || r.Unreadable != (tt.why != "") || !strings.Contains(r.Why, tt.why) || r.ContentType != "" {
				t.Errorf("%s: got %q, %v %q, want %q, %q", tt.name, said, r.Unreadable, r.Why, tt.want, tt.why)
			}
			if tt.idle == "" && (r.Source.Kind != "pubsub" || r.Source.MessageID != "7" || r.Source.Attributes["bucketId"] != "b" || string(r.Body) != tt.data) {
				t.Errorf("%s: got %+v", tt.name, r)
			}
		}
	}
	// Messages that only look alike are rows.
	for _, attributes := range []string{`{"bucketId":"b","objectId":"a"}`, `{"eventType":"OBJECT_FINALIZE"}`, `{"eventType":"created","bucketId":"b","objectId":"a"}`} {
		if got, fe := decode(nil, []byte(push(attributes, row)), limit); fe != nil || got.record.Object != nil || string(got.record.Body) != row {
			t.Errorf("%s: got %+v, %v", attributes, got, fe)
		}
	}
}

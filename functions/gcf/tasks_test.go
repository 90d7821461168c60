package gcf

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/ingest"
)

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeTask(t *testing.T) {
	record := func(media, body string) ingest.Record {
		return ingest.Record{Source: ingest.Source{Kind: "cloudtasks", MessageID: "q/t"}, ContentType: media, Body: []byte(body)}
	}
	unreadable := func(media string, body []byte, why string) ingest.Record {
		r := record(media, string(body))
		r.Unreadable, r.Why = true, why
		return r
	}
	broken := zipped(t, row)[:20]
	tests := []struct {
		name, media, encoding string
		body                  []byte
		want                  ingest.Record
	}{
		{"JSON", "application/json", "", []byte(row), record("application/json", row)},
		{"CSV", "text/csv; charset=utf-8", "", []byte("a,b\n1,2\n"), record("text/csv; charset=utf-8", "a,b\n1,2\n")},
		{"nothing said", "", "", []byte(row), record("", row)},
		{"gcloud's default", "application/octet-stream", "", []byte(row), record("", row)},
		{"the same, with a parameter", "Application/Octet-Stream; x=1", "identity", []byte(row), record("", row)},
		{"no body", "application/json", "", nil, ingest.Record{Source: record("", "").Source, ContentType: "application/json"}},
		{"gzip", "application/json", "GZIP", zipped(t, row), record("application/json", row)},
		{"gzip that is none", "application/json", "gzip", []byte(row), unreadable("application/json", []byte(row), "the task's body is not gzip, as its content encoding says")},
		{"gzip, broken off", "application/json", "gzip", broken, unreadable("application/json", broken, "the task's gzip is broken off or damaged")},
		{"gzip of too much", "application/json", "gzip", zipped(t, strings.Repeat(" ", limit+1)),
			unreadable("application/json", zipped(t, strings.Repeat(" ", limit+1)), "the task's body inflates to more than COPSE_MAX_BODY")},
		{"another encoding", "application/json", "br", []byte("x"), unreadable("application/json", []byte("x"), "the task's content encoding is not gzip")},
	}
	for _, tt := range tests {
		h := http.Header{"X-Cloudtasks-Queuename": {"q"}, "X-Cloudtasks-Taskname": {"t"}, "X-Cloudtasks-Taskretrycount": {"3"}}
		h.Set("Content-Type", tt.media)
		h.Set("Content-Encoding", tt.encoding)
		got, fe := decode(h, tt.body, limit)
		if fe != nil || got.kind != kindTask || got.idle != "" || !reflect.DeepEqual(got.record, tt.want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", tt.name, got, fe, tt.want)
		}
	}
	if full := zipped(t, strings.Repeat(" ", limit)); len(decodeTask(http.Header{"Content-Encoding": {"gzip"}}, full, limit).record.Body) != limit {
		t.Error("a body that inflates to just what may be is not read")
	}
}

// TestTaskWithoutName: what has no name is known by its content.
func TestTaskWithoutName(t *testing.T) {
	if got, fe := decode(http.Header{"X-Cloudtasks-Queuename": {"q"}}, []byte(row), limit); fe != nil || got.kind != kindTask || got.record.Source.MessageID != "" {
		t.Errorf("got %+v, %v", got, fe)
	}
}

// TestTaskWithCloudEvent: a task may carry a CloudEvent, which says what it is.
func TestTaskWithCloudEvent(t *testing.T) {
	h := finalized.Clone()
	h.Set(headerQueue, "q")
	if got, fe := decode(h, []byte(`{"bucket":"b","name":"a"}`), limit); fe != nil || got.kind != typeFinalized || got.record.Object == nil {
		t.Errorf("got %+v, %v", got, fe)
	}
}

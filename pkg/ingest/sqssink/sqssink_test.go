package sqssink

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
)

// sent is a SendMessage as SQS's JSON protocol carries it.
type sent struct {
	QueueUrl               string
	MessageBody            string
	MessageGroupId         *string
	MessageDeduplicationId *string
	MessageAttributes      map[string]struct{ DataType, StringValue string }
}

// fake is SQS as far as SendMessage goes, behind the real SDK.
type fake struct {
	mu     sync.Mutex
	got    []sent
	errors []string // to be answered first, one a call
	calls  int
	called chan struct{}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.called != nil {
		close(f.called)
		f.called = nil
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/sqs/aws4_request") {
		http.Error(w, `{"__type":"com.amazonaws.sqs#UnsupportedOperation"}`, http.StatusBadRequest)
		return
	}
	if len(f.errors) > 0 {
		code := f.errors[0]
		f.errors = f.errors[1:]
		status := http.StatusBadRequest
		if code == "InternalError" {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#`+code+`","message":"m"}`)
		return
	}
	var s sent
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	f.got = append(f.got, s)
	sum := md5.Sum([]byte(s.MessageBody))
	_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": "m", "MD5OfMessageBody": hex.EncodeToString(sum[:])})
}

// count returns the calls so far, and starts again from 0.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls
	f.calls = 0
	return n
}

// start runs a fake and points the SDK's own variables at it.
func start(t *testing.T) *fake {
	t.Helper()
	f := new(fake)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SQS", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	return f
}

func open(t *testing.T, queue string) ingest.Sink {
	t.Helper()
	sink, err := Open(t.Context(), "sqs:"+queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

const (
	standard = "https://sqs.eu-west-1.amazonaws.com/123456789012/results"
	fifo     = standard + ".fifo"
)

func stringOf(p *string) string {
	if p == nil {
		return "<nil>"
	}
	return *p
}

func TestPut(t *testing.T) {
	f := start(t)
	for _, c := range []struct {
		queue, group     string
		wantGroup, dedup string
	}{
		{standard, "", "<nil>", "<nil>"},
		{standard, "g", "<nil>", "<nil>"},
		{fifo, "g", "g", "id-1"},
		{fifo, "", "id-1", "id-1"},
	} {
		f.got = nil
		err := open(t, c.queue).Put(t.Context(), ingest.Message{ID: "id-1", Group: c.group, Body: []byte(`{"a":"ü"}`), Source: ingest.Source{Kind: "sqs"}})
		if err != nil || len(f.got) != 1 {
			t.Fatal(err, f.got)
		}
		g := f.got[0]
		if g.QueueUrl != c.queue || g.MessageBody != `{"a":"ü"}` || stringOf(g.MessageGroupId) != c.wantGroup || stringOf(g.MessageDeduplicationId) != c.dedup {
			t.Errorf("%s, group %q: sent %s, group %s, deduplication %s", c.queue, c.group, g.MessageBody, stringOf(g.MessageGroupId), stringOf(g.MessageDeduplicationId))
		}
	}
}

// TestAttributes: who takes results out of a standard queue tells those of one
// record, and dead letters, by attributes.
func TestAttributes(t *testing.T) {
	f := start(t)
	for _, c := range []struct {
		m    ingest.Message
		want map[string]string
	}{
		{ingest.Message{ID: "id-1", Source: ingest.Source{Kind: "s3"}}, map[string]string{AttrID: "id-1", AttrSource: "s3"}},
		{ingest.Message{ID: "id-1", Dead: true}, map[string]string{AttrID: "id-1", AttrDeadLetter: "true"}},
		{ingest.Message{ID: "größe"}, map[string]string{AttrID: identifier("größe")}},
	} {
		f.got = nil
		c.m.Body = []byte("{}")
		if err := open(t, standard).Put(t.Context(), c.m); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, a := range f.got[0].MessageAttributes {
			got[name] = a.StringValue
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.m, got, c.want)
		}
	}
}

func TestIdentifier(t *testing.T) {
	long := strings.Repeat("a", maxIdentifier)
	for _, c := range []struct {
		in   string
		kept bool
	}{
		{"059f36b4-87a3-44ab-83d2-661975830a7d", true}, {"s3://b/k@v#0-10", true}, {`!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`, true}, {long, true},
		{"", false}, {"a b", false}, {"a\n", false}, {"ü", false}, {"\x7f", false}, {"\xff", false}, {long + "a", false},
	} {
		got := identifier(c.in)
		if (got == c.in) != c.kept || got == "" || len(got) > maxIdentifier {
			t.Errorf("%q: got %q", c.in, got)
		}
	}
	if a, b := identifier(long+"a"), identifier(long+"b"); a == b {
		t.Errorf("two ids are one: %s", a)
	}
}

// TestText: the two characters that SQS takes for an error are written as JSON
// writes any.
func TestText(t *testing.T) {
	in := "{\"a\":\"\ufffd\ufffe\uffff\U0001f333\"}"
	got := text([]byte(in))
	var a, b map[string]string
	if json.Unmarshal([]byte(in), &a) != nil || json.Unmarshal([]byte(got), &b) != nil || !maps.Equal(a, b) || strings.ContainsAny(got, "\ufffe\uffff") {
		t.Errorf("got %q", got)
	}
}

// TestRetries: what may pass is tried again, what cannot is not.
func TestRetries(t *testing.T) {
	f := start(t)
	f.errors = []string{"InternalError", "ThrottlingException"}
	err := open(t, standard).Put(t.Context(), ingest.Message{ID: "a", Body: []byte("{}")})
	if n := f.count(); err != nil || n != 3 {
		t.Errorf("%d calls: %v", n, err)
	}
	f.errors = []string{"QueueDoesNotExist"}
	err = open(t, standard).Put(t.Context(), ingest.Message{ID: "a", Body: []byte("{}")})
	if n := f.count(); err == nil || n != 1 {
		t.Errorf("%d calls: %v", n, err)
	}
}

// TestDeadline: retries end with the time that is left.
func TestDeadline(t *testing.T) {
	f := start(t)
	for range awsenv.Attempts {
		f.errors = append(f.errors, "InternalError")
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.called = make(chan struct{})
	go func(first chan struct{}) {
		<-first
		cancel()
	}(f.called)
	begin := time.Now()
	err := open(t, standard).Put(ctx, ingest.Message{ID: "a", Body: []byte("{}")})
	if n := f.count(); err == nil || n == awsenv.Attempts || time.Since(begin) > 2*time.Second {
		t.Errorf("%d calls in %v: %v", n, time.Since(begin), err)
	}
}

func TestRefusals(t *testing.T) {
	f := start(t)
	err := open(t, standard).Put(t.Context(), ingest.Message{Body: make([]byte, maxMessage+1)})
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.ReplyTooLarge {
		t.Errorf("too large: got %v", err)
	}
	own := ingest.Message{ID: "a", Body: []byte("{}"), Source: ingest.Source{Origin: "arn:aws:sqs:eu-west-1:123456789012:results"}}
	if err := open(t, standard).Put(t.Context(), own); err == nil || !strings.Contains(err.Error(), "never end") {
		t.Errorf("a sink that is its own source: got %v", err)
	}
	if f.count() > 0 {
		t.Error("a refused message was sent")
	}
	own.Source.Origin += "2"
	if err := open(t, standard).Put(t.Context(), own); err != nil {
		t.Error(err)
	}
}

func TestNoCredentials(t *testing.T) {
	start(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if err := open(t, standard).Put(t.Context(), ingest.Message{ID: "a", Body: []byte("{}")}); err == nil || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("got %v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	for _, c := range []struct{ uri, want string }{
		{"sqs:" + standard, ""},
		{"sqs:https://sqs.cn-north-1.amazonaws.com.cn/1/q", ""},
		{"sqs:", "must be"}, {"sqs:queue", "must be"}, {"sqs:ftp://a/1/q", "must be"}, {"sqs:https://", "must be"}, {"sqs:https://%zz/1/q", "must be"},
		{"sqs:https://sqs.eu-west-1.amazonaws.com/q", "/ACCOUNT/NAME"}, {"sqs:https://sqs.eu-west-1.amazonaws.com/1/q/r", "/ACCOUNT/NAME"},
		{"sqs:http://localhost:5000/1/q", "AWS_REGION"},
	} {
		_, err := Open(t.Context(), c.uri, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.uri, err, c.want)
		}
	}
	t.Setenv("AWS_DEFAULT_REGION", "eu-west-1")
	if _, err := Open(t.Context(), "sqs:http://localhost:5000/1/q", nil); err != nil {
		t.Error(err)
	}
}

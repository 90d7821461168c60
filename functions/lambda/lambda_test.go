package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// api is an API made of two functions.
type api struct {
	http   http.HandlerFunc
	invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

func (a api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.http(w, r) }
func (a api) Invoke(ctx context.Context, p []byte) ([]byte, error) {
	return a.invoke(ctx, p)
}

// batch answers records with fixed outcomes.
type batch func(ctx context.Context, records []ingest.Record) []ingest.Outcome

func (b batch) Handle(ctx context.Context, records []ingest.Record) []ingest.Outcome {
	return b(ctx, records)
}

// Report reports the outcomes, without a word why.
func (b batch) Report(ctx context.Context, records []ingest.Record) (reports []ingest.Report) {
	for _, o := range b(ctx, records) {
		reports = append(reports, ingest.Report{Outcome: o})
	}
	return reports
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func serving(h http.HandlerFunc) *Function {
	return New(Options{API: api{http: h}, Log: discard()})
}

// post is a small event of each source.
var post = map[kind]string{
	rest:    `{"httpMethod":"POST","path":"/predict","body":"{}","requestContext":{"resourceId":"x"}}`,
	http2:   `{"version":"2.0","rawPath":"/predict","body":"{}","requestContext":{"http":{"method":"POST"}}}`,
	funcURL: `{"version":"2.0","rawPath":"/predict","body":"{}","requestContext":{"domainName":"a.lambda-url.b","http":{"method":"POST"}}}`,
	alb:     `{"httpMethod":"POST","path":"/predict","body":"{}","requestContext":{"elb":{}}}`,
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		file string
		want kind
	}{
		{"rest.json", rest}, {"rest-null-maps.json", rest}, {"http-api-v1.json", rest},
		{"http-api-v2.json", http2}, {"http-api-v2-stage.json", http2}, {"function-url.json", funcURL},
		{"alb.json", alb}, {"alb-multi-value.json", alb}, {"sqs.json", records}, {"sqs-fifo.json", records},
		{"sns.json", records}, {"s3.json", records},
		{"kinesis.json", records}, {"dynamodb.json", records}, {"s3-test.json", test}, {"map-rows.json", items},
		{"eventbridge-s3.json", bridge}, {"eventbridge-custom.json", bridge}, {"eventbridge-scheduled.json", bridge},
		{"eventbridge-scheduled-input.json", direct}, {"direct-row.json", direct}, {"direct-batch.json", direct},
	} {
		var e event
		if got := e.read(readEvent(t, c.file)); got != c.want {
			t.Errorf("%s: kind %d, want %d", c.file, got, c.want)
		}
	}
	// Rows may have features that are called like members of events.
	for _, row := range []string{`{"version":2,"path":1,"body":3}`, `{"httpMethod":"x","requestContext":4}`, `[1]`, ``, `{`, `null`,
		`{"version":"2.0","requestContext":{}}`, `{"Records":1}`, `{"httpMethod":1,"requestContext":{"elb":{}}}`, `{"Records":[],"x":`,
		`{"Records":[{"eventSource":"aws:sqs"}],"x":}`, `{"Records":[],"Records":1}`, `{"Items":{}}`, `{"detail-type":"a","source":"b","detail":"c"}`,
		`{"detail-type":"a","source":"b"}`, `{"Event":"s3:Test"}`} {
		var e event
		if got := e.read([]byte(row)); got != direct {
			t.Errorf("%s: kind %d, want a direct invocation", row, got)
		}
	}
}

// envelopes read a reply as the platform does.
type envelope struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func open(t *testing.T, reply []byte) (e envelope, body []byte) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(reply))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		t.Fatalf("%v in %.300s", err, reply)
	}
	body = []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			t.Fatal(err)
		}
	}
	return e, body
}

// members lists the members of an envelope, in order of names.
func members(t *testing.T, reply []byte) []string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(reply, &m); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

// known lists the members that aws-lambda-go's type of a reply has.
func known(reply any) []string {
	var names []string
	for f := range reflect.TypeOf(reply).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func TestEnvelopes(t *testing.T) {
	f := serving(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", "7")
		h.Add("Vary", "Accept")
		h.Add("Vary", "Origin")
		h.Add("Set-Cookie", "a=1")
		h.Add("Set-Cookie", "b=2")
		h["X-None"] = nil
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusOK) // too late, as in net/http
		_, _ = io.WriteString(w, "{\"a\":\"ü\n\"}")
	})
	types := map[kind]any{rest: events.APIGatewayProxyResponse{}, http2: events.APIGatewayV2HTTPResponse{},
		funcURL: events.LambdaFunctionURLResponse{}, alb: events.ALBTargetGroupResponse{}}
	for k, payload := range post {
		reply, err := f.Invoke(t.Context(), []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range members(t, reply) {
			if !slices.Contains(known(types[k]), name) {
				t.Errorf("kind %d: the platform knows no member %q", k, name)
			}
		}
		e, body := open(t, reply)
		if e.StatusCode != 201 || string(body) != "{\"a\":\"ü\n\"}" || e.IsBase64Encoded {
			t.Errorf("kind %d: got %+v", k, e)
		}
		if e.Headers["Content-Length"] != "" || e.Headers["Content-Type"] != "application/json" {
			t.Errorf("kind %d: headers %v", k, e.Headers)
		}
		switch k {
		case alb:
			if e.StatusDescription != "201 Created" || e.Headers["Vary"] != "Accept, Origin" ||
				!slices.Equal(e.MultiValueHeaders["Vary"], []string{"Accept", "Origin"}) || len(e.MultiValueHeaders["Content-Type"]) != 1 {
				t.Errorf("load balancer: got %+v", e)
			}
		case rest:
			if len(e.MultiValueHeaders["Set-Cookie"]) != 2 || len(e.MultiValueHeaders["Vary"]) != 2 || e.Headers["Vary"] != "" {
				t.Errorf("REST: got %+v", e)
			}
		default:
			if !slices.Equal(e.Cookies, []string{"a=1", "b=2"}) || e.Headers["Vary"] != "Accept, Origin" || e.Headers["Set-Cookie"] != "" {
				t.Errorf("format 2.0: got %+v", e)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		name         string
		method       string
		handle       http.HandlerFunc
		status       int
		body, ctype  string
		base64Wanted bool
	}{
		{"nothing", "POST", func(http.ResponseWriter, *http.Request) {}, 200, "", "", false},
		{"no content", "POST", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, "", "", false},
		{"a sniffed type", "POST", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, 200, "<html>", "text/html; charset=utf-8", false},
		{"bytes that are no text", "POST", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\xff\x00") }, 200, "\xff\x00", "text/plain; charset=utf-8", true},
		{"an encoded body", "POST", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "zipped")
		}, 200, "zipped", "text/plain; charset=utf-8", true},
		{"HEAD", "HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			_, _ = io.WriteString(w, "body")
		}, 200, "", "a/b", false},
	} {
		payload := strings.Replace(post[http2], "POST", c.method, 1)
		reply, err := serving(c.handle).Invoke(t.Context(), []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		e, body := open(t, reply)
		if e.StatusCode != c.status || string(body) != c.body || e.IsBase64Encoded != c.base64Wanted {
			t.Errorf("%s: got %+v", c.name, e)
		}
		if c.ctype != "application/octet-stream" && c.body != "" && !strings.HasPrefix(e.Headers["Content-Type"], strings.Split(c.ctype, ";")[0]) && c.name != "bytes that are no text" {
			t.Errorf("%s: type %q, want %q", c.name, e.Headers["Content-Type"], c.ctype)
		}
	}
}

// TestReplyCap fills the reply to the last byte that is carried, and one more.
func TestReplyCap(t *testing.T) {
	for k, payload := range post {
		size := 0
		f := serving(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Request-Id", "id-1")
			_, err := w.Write(bytes.Repeat([]byte{'a'}, size))
			if size > replyCap && err == nil {
				t.Error("a write over every cap succeeds")
			}
		})
		empty, err := f.Invoke(t.Context(), []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		for _, over := range []int{0, 1, 100, 10 << 20} {
			size = capOf(k) - len(empty) + over
			reply, err := f.Invoke(t.Context(), []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			e, body := open(t, reply)
			if len(reply) > capOf(k) {
				t.Errorf("kind %d: %d bytes, the cap is %d", k, len(reply), capOf(k))
			}
			if over == 0 && (e.StatusCode != 200 || len(reply) != capOf(k)) {
				t.Errorf("kind %d: the largest reply has status %d and %d bytes", k, e.StatusCode, len(reply))
			}
			if over > 0 && (e.StatusCode != 413 || !strings.Contains(string(body), `"code":"reply_too_large"`) || !strings.Contains(string(body), `"request_id":"id-1"`)) {
				t.Errorf("kind %d, %d over: got %d %.200s", k, over, e.StatusCode, body)
			}
		}
	}
}

// TestReplyCapAborted has a handler that gives up on a reply that is too large
// in net/http's way.
func TestReplyCapAborted(t *testing.T) {
	reply, err := serving(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write(make([]byte, replyCap+1)); err != nil {
			panic(http.ErrAbortHandler)
		}
	}).Invoke(t.Context(), []byte(post[http2]))
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := open(t, reply); e.StatusCode != 413 {
		t.Errorf("status %d, want 413", e.StatusCode)
	}
}

// TestErrorNames pins the names that callers match: they are a contract.
func TestErrorNames(t *testing.T) {
	reply := func(err error) func(context.Context, []byte) ([]byte, error) {
		return func(context.Context, []byte) ([]byte, error) { return nil, err }
	}
	deep := fault.Wrap(fault.Deadline, errors.New("secret cause"), "late")
	for _, c := range []struct {
		payload string
		invoke  func(context.Context, []byte) ([]byte, error)
		name    string
		text    string
	}{
		{`{}`, reply(&fault.Error{Code: fault.OutOfRange, Row: 0, Field: "x", Rule: "lte=1", Message: "must be at most 1"}), "InvalidInput", "out_of_range: row 0: x: must be at most 1"},
		{`{}`, reply(deep), "TemporaryFailure", "deadline: late"},
		{`{}`, reply(errors.New("secret")), "InternalError", "internal: the log of the function says more"},
		{`{}`, reply(fault.New(fault.Internal, "secret")), "InternalError", "internal: the log of the function says more"},
		{`{}`, func(context.Context, []byte) ([]byte, error) { panic("secret") }, "InternalError", "internal: the log of the function says more"},
		{`{}`, func(context.Context, []byte) ([]byte, error) { return make([]byte, replyCap+1), nil }, "ReplyTooLarge", "reply_too_large: the reply is over 6,291,556 bytes: send fewer rows, or files through the command line"},
		{`{"Event":"s3:TestEvent"}`, nil, "UnsupportedEvent", "unsupported event: this function answers requests and direct invocations; events go to the function of functions/lambda/events"},
		{`{"Records":[]}`, nil, "UnsupportedEvent", "unsupported event: this function answers requests and direct invocations; events go to the function of functions/lambda/events"},
		{`{"eventSource":"aws:kafka","records":{}}`, nil, "UnsupportedEvent", "unsupported event: it is of a service that no function of Copse reads"},
		{`{"eventSource":"SelfManagedKafka","records":{}}`, nil, "UnsupportedEvent", "unsupported event: it is of a service that no function of Copse reads"},
		{`{"version":"2.0","headers":1,"requestContext":{"http":{}}}`, nil, "InvalidEvent", "invalid event: headers or cookies are of another type than the platform's"},
		{`{"version":"2.0","rawPath":1,"requestContext":{"http":{}}}`, nil, "InvalidEvent", "invalid event: method, path or query are of another type than the platform's"},
		{`{"version":"2.0","body":"%","isBase64Encoded":true,"requestContext":{"http":{}}}`, nil, "InvalidEvent", "invalid event: the body is no text, or no base64 though it is said to be"},
	} {
		f := New(Options{API: api{invoke: c.invoke}, Log: discard()})
		_, err := f.Invoke(t.Context(), []byte(c.payload))
		if err == nil {
			t.Errorf("%s: no error, want %s", c.payload, c.name)
			continue
		}
		// As aws-lambda-go names it.
		if got := reflect.TypeOf(err).Elem().Name(); got != c.name || err.Error() != c.text {
			t.Errorf("%s: got %s: %s\nwant %s: %s", c.payload, got, err, c.name, c.text)
		}
	}
	var fe *fault.Error
	if err := directError(deep); !errors.As(err, &fe) || fe.Code != fault.Deadline {
		t.Error("the fault cannot be had from the error")
	}
}

func TestEventsFunctionRefusesRequests(t *testing.T) {
	f := New(Options{Records: batch(nil), Log: discard()})
	for _, payload := range slices.Collect(maps.Values(post)) {
		_, err := f.Invoke(t.Context(), []byte(payload))
		if _, ok := errors.AsType[*UnsupportedEvent](err); !ok {
			t.Errorf("%s: got %v", payload, err)
		}
	}
}

func TestPanic(t *testing.T) {
	var text bytes.Buffer
	f := New(Options{API: api{http: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("boom")
	}}, Log: slog.New(slog.NewJSONHandler(&text, nil))})
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	reply, err := f.Invoke(ctx, []byte(post[rest]))
	if err != nil {
		t.Fatal(err)
	}
	e, body := open(t, reply)
	if e.StatusCode != 500 || strings.Contains(string(body), "boom") || strings.Contains(string(body), "half") ||
		!strings.Contains(string(body), `"request_id":"r-1"`) || e.Headers["X-Request-Id"] != "r-1" {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(text.String(), "boom") || !strings.Contains(text.String(), "lambda_test.go") {
		t.Errorf("the log has no panic and stack: %s", text.String())
	}
}

// TestDeadline: the work ends before the platform's own deadline.
func TestDeadline(t *testing.T) {
	at := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	_, err := serving(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Context().Deadline(); !ok || !got.Equal(at.Add(-replyMargin)) {
			t.Errorf("deadline %v, want %v", got, at.Add(-replyMargin))
		}
	}).Invoke(ctx, []byte(post[http2]))
	if err != nil {
		t.Fatal(err)
	}
}

// TestConcurrent has many invocations share the pool: none sees another's
// request or reply.
func TestConcurrent(t *testing.T) {
	f := serving(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-N") != string(body) || r.URL.RawQuery != "n="+string(body) {
			t.Errorf("mixed up: %v %v %s", err, r.Header, body)
		}
		w.Header().Set("X-N", string(body))
		_, _ = w.Write(body)
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				n := fmt.Sprint(g, "-", i)
				reply, err := f.Invoke(t.Context(), fmt.Appendf(nil,
					`{"version":"2.0","rawPath":"/","rawQueryString":"n=%s","headers":{"x-n":"%s"},"body":"%s","requestContext":{"http":{"method":"POST"}}}`, n, n, n))
				if err != nil {
					t.Error(err)
					return
				}
				var e envelope
				if err := json.Unmarshal(reply, &e); err != nil || e.Body != n || e.Headers["X-N"] != n {
					t.Errorf("%s: %v %+v", n, err, e)
				}
			}
		})
	}
	wg.Wait()
}

// TestAllocations pins what an invocation of one row costs beside its handler:
// the reply, the strings, and the request with its context.
func TestAllocations(t *testing.T) {
	f := serving(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(oneRow) })
	for _, file := range []string{"http-api-v2.json", "rest.json", "function-url.json", "alb-multi-value.json"} {
		payload := readEvent(t, file)
		got := testing.AllocsPerRun(200, func() {
			if _, err := f.Invoke(t.Context(), payload); err != nil {
				t.Fatal(err)
			}
		})
		const most = 10
		if got > most {
			t.Errorf("%s: %v allocations, want at most %d", file, got, most)
		}
	}
}

func TestLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{"TRACE": -8, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "": slog.LevelInfo,
		"WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": slog.LevelError + 4} {
		h := &leveled{slog.DiscardHandler, level(name)}
		for _, l := range []slog.Handler{h, h.WithAttrs(nil), h.WithGroup("g")} {
			if !l.Enabled(t.Context(), want) || l.Enabled(t.Context(), want-1) {
				t.Errorf("%s: the level is not %v", name, want)
			}
		}
	}
}

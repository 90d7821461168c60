package eventbridgesink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
	"example.com/copse/pkg/ingest/mototest"
	"example.com/copse/pkg/ingest/sinktest"
)

// entry is one of PutEvents as the JSON protocol carries it.
type entry struct {
	EventBusName, Source, DetailType, Detail string
	Resources                                []string
}

// fake is EventBridge as far as PutEvents goes, behind the real SDK. With a
// server behind it, it hands on and records what that one took.
type fake struct {
	behind *httputil.ReverseProxy

	mu      sync.Mutex
	got     []entry
	refuse  []string // codes for entries to be refused with first, one a call
	calls   int
	refused func() // told of a refusal
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	body, err := io.ReadAll(r.Body)
	var in struct{ Entries []entry }
	if err != nil || json.Unmarshal(body, &in) != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/events/aws4_request") {
		http.Error(w, `{"__type":"InvalidAction"}`, http.StatusBadRequest)
		return
	}
	answer := httptest.NewRecorder()
	switch {
	case len(f.refuse) > 0:
		code := f.refuse[0]
		f.refuse = f.refuse[1:]
		_, _ = io.WriteString(answer, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"`+code+`","ErrorMessage":"m"}]}`)
		if f.refused != nil {
			f.refused()
		}
	case f.behind != nil:
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.behind.ServeHTTP(answer, r)
	default:
		_, _ = io.WriteString(answer, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	}
	if text := answer.Body.String(); answer.Code == http.StatusOK && strings.Contains(strings.ReplaceAll(text, " ", ""), `"FailedEntryCount":0`) {
		f.got = append(f.got, in.Entries...)
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// take returns the entries since the last call, and how many calls there were.
func (f *fake) take() ([]entry, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	got, calls := f.got, f.calls
	f.got, f.calls = nil, 0
	return got, calls
}

// start runs a fake and points the SDK's own variables at it.
func start(t *testing.T, f *fake) *fake {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	return f
}

func open(t *testing.T, uri string) ingest.Sink {
	t.Helper()
	sink, err := Open(t.Context(), uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// TestConformance runs the suite against a bus of moto, through a proxy that
// records what it takes.
func TestConformance(t *testing.T) {
	address := mototest.Start(t)
	side := eventbridge.New(eventbridge.Options{Region: "eu-west-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	if _, err := side.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("results")}); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	sinktest.Sink(t, func(t *testing.T) sinktest.Target {
		f := start(t, &fake{behind: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}})
		return sinktest.Target{
			Sink: open(t, "events:results"),
			Received: func(t testing.TB) (bodies [][]byte) {
				got, _ := f.take()
				for _, e := range got {
					bodies = append(bodies, without(t, e.Detail))
				}
				return bodies
			},
			Max: maxEntry - 1 - len(Source) - len(Prediction) - len(`"id":"limit",`),
		}
	})
}

// without is a detail without its first member, the id.
func without(t testing.TB, detail string) []byte {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(detail))
	for range 3 { // the brace, the name, the id
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	return []byte("{" + strings.TrimPrefix(detail[d.InputOffset():], ","))
}

func TestPut(t *testing.T) {
	f := start(t, new(fake))
	const bus = "arn:aws:events:eu-west-1:123456789012:event-bus/results"
	for _, c := range []struct {
		uri  string
		m    ingest.Message
		want entry
	}{
		{"events:default", ingest.Message{ID: "id-1", Body: []byte(`{"prediction":"setosa"}`)},
			entry{EventBusName: "default", Source: "copse", DetailType: "Prediction", Detail: `{"id":"id-1","prediction":"setosa"}`}},
		{"events:" + bus, ingest.Message{ID: "a\"b", Dead: true, Body: []byte("{}"), Source: ingest.Source{Origin: "arn:aws:sqs:eu-west-1:1:q"}},
			entry{EventBusName: bus, Source: "copse", DetailType: "Dead Letter", Detail: `{"id":"a\"b"}`, Resources: []string{"arn:aws:sqs:eu-west-1:1:q"}}},
	} {
		if err := open(t, c.uri).Put(t.Context(), c.m); err != nil {
			t.Fatal(err)
		}
		got, _ := f.take()
		if len(got) != 1 || got[0].EventBusName != c.want.EventBusName || got[0].Source != c.want.Source || got[0].DetailType != c.want.DetailType ||
			got[0].Detail != c.want.Detail || !slices.Equal(got[0].Resources, c.want.Resources) {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
}

// TestRefusedEntries: an entry can be refused in a call that succeeds. What may
// pass is put again, what cannot is not.
func TestRefusedEntries(t *testing.T) {
	f := start(t, new(fake))
	m := ingest.Message{ID: "a", Body: []byte("{}")}
	f.refuse = []string{"InternalFailure", "ThrottlingException"}
	err := open(t, "events:b").Put(t.Context(), m)
	if got, calls := f.take(); err != nil || calls != 3 || len(got) != 1 {
		t.Errorf("%d calls, %d events: %v", calls, len(got), err)
	}
	f.refuse = []string{"NotAuthorizedForSourceException"}
	err = open(t, "events:b").Put(t.Context(), m)
	if _, calls := f.take(); err == nil || calls != 1 || !strings.Contains(err.Error(), "NotAuthorizedForSourceException") {
		t.Errorf("%d calls: %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.refused = cancel
	for range awsenv.Attempts {
		f.refuse = append(f.refuse, "InternalFailure")
	}
	err = open(t, "events:b").Put(ctx, m)
	if _, calls := f.take(); err == nil || calls == awsenv.Attempts {
		t.Errorf("%d calls after the end of time: %v", calls, err)
	}
}

func TestNoObject(t *testing.T) {
	start(t, new(fake))
	if err := open(t, "events:b").Put(t.Context(), ingest.Message{ID: "a", Body: []byte("[1]")}); err == nil {
		t.Error("a detail that is no object was put")
	}
}

// TestResourcesCount: the source's ARN counts, too.
func TestResourcesCount(t *testing.T) {
	f := start(t, new(fake))
	body := []byte(`{"pad":"` + strings.Repeat("p", maxEntry-100) + `"}`)
	m := ingest.Message{ID: "a", Body: body}
	if err := open(t, "events:b").Put(t.Context(), m); err != nil {
		t.Error(err)
	}
	m.Source.Origin = "arn:" + strings.Repeat("o", 100)
	err := open(t, "events:b").Put(t.Context(), m)
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.ReplyTooLarge {
		t.Errorf("got %v", err)
	}
	if got, _ := f.take(); len(got) != 1 {
		t.Errorf("%d events", len(got))
	}
}

func TestOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	const arn = "events:arn:aws:events:eu-west-1:123456789012:event-bus/"
	for _, c := range []struct{ uri, region, want string }{
		{"events:default", "eu-west-1", ""}, {"events:aws.partner/example.com/1", "eu-west-1", ""},
		{arn + "results", "", ""}, // the ARN has the region
		{"events:default", "", "AWS_REGION"},
		{"events:", "eu-west-1", "must be"}, {"events:a b", "eu-west-1", "must be"}, {arn, "", "must be"}, {arn + "a:b", "", "must be"},
		{"events:arn:aws:sqs:eu-west-1:123456789012:results", "", "must be"}, {"events:arn:aws", "", "must be"},
		{"events:arn:aws:events:eu-west-1:123456789012:rule/r", "", "must be"},
		{"events:" + strings.Repeat("b", 257), "eu-west-1", "must be"},
	} {
		t.Setenv("AWS_REGION", c.region)
		_, err := Open(t.Context(), c.uri, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.uri, err, c.want)
		}
	}
}

package pubsubsink

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinktest"
	"example.com/copse/pkg/ingest/sinkuri"
)

const topic = "projects/copse/topics/answers"

func TestParse(t *testing.T) {
	tests := []struct{ uri, want, err string }{
		{"pubsub:" + topic, topic, ""},
		{"pubsub:projects/example.com:garden/topics/a-b_c.d~e+f%25", "projects/example.com:garden/topics/a-b_c.d~e+f%25", ""},
		{"pubsub:answers", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:projects//topics/answers", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:projects/p/subscriptions/answers", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:projects/p/topics/answers/more", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"sqs:" + topic, "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:projects/p q/topics/answers", "", "pubsub:projects/PROJECT/topics/TOPIC"},
		{"pubsub:projects/p/topics/ab", "", "3 to 255"},
		{"pubsub:projects/p/topics/" + strings.Repeat("a", 256), "", "3 to 255"},
		{"pubsub:projects/p/topics/1answers", "", "begins with a letter"},
		{"pubsub:projects/p/topics/googanswers", "", `not with "goog"`},
		{"pubsub:projects/p/topics/ans wers", "", "letters, digits"},
	}
	for _, tt := range tests {
		got, err := sinkuri.PubSub(tt.uri)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %q", tt.uri, got, err, tt.want, tt.err)
		}
	}
}

// start starts the SDK's fake of Pub/Sub, with the topic, and opens the sink
// on it.
func start(t *testing.T, o ...pstest.ServerReactorOption) (*pstest.Server, ingest.Sink) {
	t.Helper()
	server := pstest.NewServer(o...)
	t.Cleanup(func() { server.Close() })
	t.Setenv("PUBSUB_EMULATOR_HOST", server.Addr)
	client, err := pubsub.NewTopicAdminClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	sink, err := Open(t.Context(), "pubsub:"+topic, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.(*Sink).Close() })
	return server, sink
}

func TestPut(t *testing.T) {
	long := strings.Repeat("é", 600)
	tests := []struct {
		name       string
		message    ingest.Message
		group      string
		attributes map[string]string
	}{
		{"a result", ingest.Message{ID: "7", Body: []byte(`{"note":"50% off"}`),
			Source: ingest.Source{Kind: "pubsub", MessageID: "7", Attributes: map[string]string{"plant": "17"}}},
			"", map[string]string{AttrID: "7", AttrSource: "pubsub", AttrMessageID: "7"}},
		{"in order", ingest.Message{ID: "8", Body: []byte("{}"), Group: "bed-1", Source: ingest.Source{Kind: "sqs", MessageID: "8"}},
			"bed-1", map[string]string{AttrID: "8", AttrSource: "sqs", AttrMessageID: "8"}},
		{"a dead letter without a name", ingest.Message{ID: "digest", Body: []byte("{}"), Dead: true, Source: ingest.Source{Kind: "pubsub"}},
			"", map[string]string{AttrID: "digest", AttrSource: "pubsub", AttrDeadLetter: "true"}},
		{"names over Pub/Sub's limit", ingest.Message{ID: long, Body: []byte("{}"), Group: long, Source: ingest.Source{Kind: "k", MessageID: long}},
			bounded(long), map[string]string{AttrID: bounded(long), AttrSource: "k", AttrMessageID: bounded(long)}},
		{"no text", ingest.Message{ID: "a\xffb", Body: []byte{0xff}, Source: ingest.Source{Kind: "k"}},
			"", map[string]string{AttrID: "a\ufffdb", AttrSource: "k"}},
	}
	server, sink := start(t)
	for i, tt := range tests {
		if err := sink.Put(t.Context(), tt.message); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := server.Messages()[i]
		if !bytes.Equal(got.Data, tt.message.Body) || got.OrderingKey != tt.group || !maps.Equal(got.Attributes, tt.attributes) {
			t.Errorf("%s: got %q, %q, %v", tt.name, got.Data, got.OrderingKey, got.Attributes)
		}
	}
	if n := len(server.Messages()); n != len(tests) {
		t.Errorf("%d messages, want %d", n, len(tests))
	}
}

func TestBounded(t *testing.T) {
	a, b := strings.Repeat("a", 1025), strings.Repeat("a", 1026)
	if bounded(a) == bounded(b) || len(bounded(a)) > maxAttribute {
		t.Errorf("got %q and %q", bounded(a), bounded(b))
	}
	if got := bounded(a[:1024]); got != a[:1024] {
		t.Errorf("at the limit: got %q", got)
	}
}

// TestPutTooLarge: what Pub/Sub never carries is hopeless, and is not sent.
func TestPutTooLarge(t *testing.T) {
	server, sink := start(t)
	for size, want := range map[int]bool{3 << 20: true, maxMessage: false} {
		err := sink.Put(t.Context(), ingest.Message{ID: "1", Body: make([]byte, size), Source: ingest.Source{Kind: "pubsub"}})
		fe, ok := errors.AsType[*fault.Error](err)
		if want && err != nil || !want && (!ok || fe.Code != fault.ReplyTooLarge) {
			t.Errorf("%d bytes: got %v", size, err)
		}
	}
	if n := len(server.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// TestTooLarge finds the limit to the byte: the fake takes no more than 4 MB.
func TestTooLarge(t *testing.T) {
	request := &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{{Data: make([]byte, maxMessage-1000)}}}
	m := request.Messages[0]
	m.Data = append(m.Data, make([]byte, maxMessage-proto.Size(request))...)
	if fe := tooLarge(request); fe != nil || proto.Size(request) != maxMessage {
		t.Errorf("%d bytes: got %v", proto.Size(request), fe)
	}
	m.Data = append(m.Data, 0)
	if fe := tooLarge(request); fe == nil {
		t.Errorf("%d bytes: no error", proto.Size(request))
	}
}

// TestPutTriesAgain: an error that may pass is tried again within the same Put,
// until its context ends.
func TestPutTriesAgain(t *testing.T) {
	server, sink := start(t)
	server.SetAutoPublishResponse(false)
	server.AddPublishResponse(nil, status.Error(codes.Unavailable, "later"))
	server.AddPublishResponse(&pubsubpb.PublishResponse{MessageIds: []string{"1"}}, nil)
	if err := sink.Put(t.Context(), ingest.Message{ID: "1", Body: []byte("{}")}); err != nil {
		t.Errorf("got %v", err)
	}
	for range 100 {
		server.AddPublishResponse(nil, status.Error(codes.Unavailable, "never"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := sink.Put(ctx, ingest.Message{ID: "2", Body: []byte("{}")}); err == nil {
		t.Error("no error after the context's end")
	}
}

// TestPutFails: what will not pass is an error at once.
func TestPutFails(t *testing.T) {
	_, sink := start(t, pstest.WithErrorInjection("Publish", codes.PermissionDenied, "no"))
	err := sink.Put(t.Context(), ingest.Message{ID: "1", Body: []byte("{}")})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
}

// TestPutToItsSource: a function that writes where it is triggered from would
// never come to rest.
func TestPutToItsSource(t *testing.T) {
	server, sink := start(t)
	m := ingest.Message{ID: "1", Body: []byte("{}"), Source: ingest.Source{Origin: "//pubsub.googleapis.com/" + topic}}
	if err := sink.Put(t.Context(), m); err == nil || !strings.Contains(err.Error(), "other topics") {
		t.Errorf("got %v", err)
	}
	m.Source.Origin += "-2"
	if err := sink.Put(t.Context(), m); err != nil || len(server.Messages()) != 1 {
		t.Errorf("another topic: got %v, %d messages", err, len(server.Messages()))
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.Context(), "pubsub:answers", nil); err == nil {
		t.Error("no error")
	}
}

// TestConformance: the fake of Pub/Sub takes no more than 4 MB.
func TestConformance(t *testing.T) {
	sinktest.Sink(t, func(t *testing.T) sinktest.Target {
		server, sink := start(t)
		seen := 0
		return sinktest.Target{
			Sink: sink, Max: 3 << 20, Over: maxMessage, Ordered: true,
			Received: func(testing.TB) (bodies [][]byte) {
				all := server.Messages()
				for _, m := range all[seen:] {
					bodies = append(bodies, m.Data)
				}
				seen = len(all)
				return bodies
			},
		}
	})
}

// TestMaxMessage: a body of the size that is said to fit, fits, whatever the
// message is called.
func TestMaxMessage(t *testing.T) {
	long := strings.Repeat("é", 1000)
	m := ingest.Message{ID: long, Group: long, Dead: true, Source: ingest.Source{Kind: long, MessageID: long}, Body: make([]byte, (*Sink)(nil).MaxMessage())}
	request := &pubsubpb.PublishRequest{Topic: "projects/" + strings.Repeat("p", 63) + "/topics/" + strings.Repeat("t", 255), Messages: []*pubsubpb.PubsubMessage{message(&m)}}
	if fe := tooLarge(request); fe != nil {
		t.Error(fe)
	}
}

package gcf

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

var record = flag.Bool("record", false, "record testdata/events/google anew from gcloud's Pub/Sub emulator")

const fixtures = "../../testdata/events/google"

// recorded is what is published, by the name of its fixture.
var recorded = []struct {
	name    string
	message *pubsubpb.PubsubMessage
}{
	{"push-row", &pubsubpb.PubsubMessage{
		Data:        []byte(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`),
		Attributes:  map[string]string{"plant": "17", "note": `50% off, "quoted" <é>`},
		OrderingKey: "bed-1",
	}},
	{"push-batch", &pubsubpb.PubsubMessage{
		Data: []byte(`[{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2},` +
			`{"sepal_length":51,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}]`),
	}},
	{"push-csv", &pubsubpb.PubsubMessage{
		Data:       []byte("sepal_length,sepal_width,petal_length,petal_width\n6.3,3.3,6,2.5\n5.7,2.8,4.1,1.3\n"),
		Attributes: map[string]string{"content-type": "text/csv"},
	}},
	{"push-attributes-only", &pubsubpb.PubsubMessage{Attributes: map[string]string{"plant": "18"}}},
	{"push-binary", &pubsubpb.PubsubMessage{Data: []byte{0xff, 0x00, 0xfe, 0x80}}},
}

// TestRecord makes the fixtures of pushes: it publishes to the emulator, which
// pushes to a server here, and keeps each body as it came.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("records only with -record")
	}
	bodies := make(chan []byte)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- body
	}))
	defer receiver.Close()
	t.Setenv("PUBSUB_EMULATOR_HOST", startEmulator(t))
	ctx := t.Context()
	topic := "projects/copse-project/topics/flowers"
	publisher := subscribe(ctx, t, topic, receiver.URL)
	var push []byte
	for _, r := range recorded {
		request := &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{r.message}}
		if _, err := publisher.Publish(ctx, request); err != nil {
			t.Fatal(err)
		}
		body := <-bodies
		if r.name == "push-row" {
			push = body
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, body, "", "  "); err != nil {
			t.Fatal(err)
		}
		keep(t, r.name+".json", append(pretty.Bytes(), '\n'))
	}
	recordCloudEvents(ctx, t, topic, push)
}

// recordCloudEvents keeps what the CloudEvents SDK sends for a push, with the
// attributes that Eventarc gives (googleapis/google-cloudevents and
// cloud.google.com/eventarc/docs/cloudevents), and for an event of Storage.
func recordCloudEvents(ctx context.Context, t *testing.T, topic string, push []byte) {
	ce := cloudevents.NewEvent()
	ce.SetID("1")
	ce.SetType(typePublished)
	ce.SetSource("//pubsub.googleapis.com/" + topic)
	ce.SetTime(time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC))
	if err := ce.SetData(cloudevents.ApplicationJSON, json.RawMessage(push)); err != nil {
		t.Fatal(err)
	}
	storage := ce.Clone()
	storage.SetType("google.cloud.storage.object.v1.finalized")
	storage.SetSource("//storage.googleapis.com/projects/_/buckets/flowers")
	storage.SetSubject("objects/2026/beds 1+2.csv")
	if err := storage.SetData(cloudevents.ApplicationJSON, map[string]any{
		"bucket": "flowers", "name": "2026/beds 1+2.csv", "contentType": "text/csv", "size": "352", "generation": "1587627537231057",
	}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name  string
		event cloudevents.Event
		mode  func(context.Context) context.Context
	}{
		{"cloudevent-binary", ce, cloudevents.WithEncodingBinary},
		{"cloudevent-structured", ce, cloudevents.WithEncodingStructured},
		{"cloudevent-storage", storage, cloudevents.WithEncodingBinary},
	} {
		request, err := cehttp.NewHTTPRequestFromEvent(k.mode(ctx), "http://function.example/", k.event)
		if err != nil {
			t.Fatal(err)
		}
		text, err := httputil.DumpRequest(request, true)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, k.name+".http", append(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), '\n'))
	}
}

func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(fixtures, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// startEmulator starts gcloud's emulator and waits until it answers.
func startEmulator(t *testing.T) (addr string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = listener.Addr().String()
	listener.Close()
	cmd := exec.Command("gcloud", "beta", "emulators", "pubsub", "start", "--host-port="+addr, "--data-dir="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // gcloud and its Java
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if reply, err := http.Get("http://" + addr); err == nil {
			reply.Body.Close()
			return addr
		}
	}
	t.Fatal("the emulator does not answer")
	return ""
}

func subscribe(ctx context.Context, t *testing.T, topic, url string) *pubsub.TopicAdminClient {
	topics, err := pubsub.NewTopicAdminClient(ctx)
	if err != nil {
		t.Fatal(err)
	}
	subscriptions, err := pubsub.NewSubscriptionAdminClient(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	if _, err := subscriptions.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: "projects/copse-project/subscriptions/classify", Topic: topic,
		PushConfig: &pubsubpb.PushConfig{PushEndpoint: url}, EnableMessageOrdering: true,
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { topics.Close(); subscriptions.Close() })
	return topics
}

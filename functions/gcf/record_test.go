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
	{"push-pointer", &pubsubpb.PubsubMessage{Data: []byte(`{"object":"gs://flowers/2026/beds 1+2.csv","version":"` + generation + `"}`)}},
	{"push-gcs-finalize", notified("OBJECT_FINALIZE", "JSON_API_V1", storedFlowers)},
	{"push-gcs-no-payload", notified("OBJECT_FINALIZE", "NONE", "")},
	{"push-gcs-delete", notified("OBJECT_DELETE", "JSON_API_V1", storedFlowers)},
}

// generation is that of the object in the fixtures.
const generation = "1587627537231057"

// storedFlowers is an object as events and notifications have it, with the
// members of Google's sample (data/StorageObjectData-simple.json).
const storedFlowers = `{"kind":"storage#object","id":"flowers/2026/beds 1+2.csv/` + generation + `",` +
	`"selfLink":"https://www.googleapis.com/storage/v1/b/flowers/o/2026%2Fbeds%201%2B2.csv","name":"2026/beds 1+2.csv","bucket":"flowers",` +
	`"generation":"` + generation + `","metageneration":"1","contentType":"text/csv","timeCreated":"2020-04-23T07:38:57.230Z",` +
	`"updated":"2020-04-23T07:38:57.230Z","storageClass":"STANDARD","timeStorageClassUpdated":"2020-04-23T07:38:57.230Z","size":"352",` +
	`"md5Hash":"kF8MuJ5+CTJxvyhHS1xzRg==","mediaLink":"https://www.googleapis.com/download/storage/v1/b/flowers/o/2026%2Fbeds%201%2B2.csv?generation=` +
	generation + `&alt=media","crc32c":"rTVTeQ==","etag":"CNHZkbuF/ugCEAE="}`

// notified is a message that a bucket sends to a topic, with the attributes of
// cloud.google.com/storage/docs/pubsub-notifications.
func notified(event, format, payload string) *pubsubpb.PubsubMessage {
	return &pubsubpb.PubsubMessage{Data: []byte(payload), Attributes: map[string]string{
		"notificationConfig": "projects/_/buckets/flowers/notificationConfigs/1",
		"eventType":          event, "payloadFormat": format, "bucketId": "flowers", "objectId": "2026/beds 1+2.csv",
		"objectGeneration": generation, "eventTime": "2020-04-23T07:38:57.230Z",
	}}
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

// recordCloudEvents keeps what the CloudEvents SDK sends for a push and for
// other events, with the attributes that Eventarc gives
// (googleapis/google-cloudevents and cloud.google.com/eventarc/docs/cloudevents).
func recordCloudEvents(ctx context.Context, t *testing.T, topic string, push []byte) {
	sample := func(name string) string { return string(fixture(t, "data/"+name+".json")) }
	const bucket = "//storage.googleapis.com/projects/_/buckets/"
	for _, k := range []struct {
		name, kind, source, subject, data string
		mode                              func(context.Context) context.Context
	}{
		{"cloudevent-binary", typePublished, "//pubsub.googleapis.com/" + topic, "", string(push), cloudevents.WithEncodingBinary},
		{"cloudevent-structured", typePublished, "//pubsub.googleapis.com/" + topic, "", string(push), cloudevents.WithEncodingStructured},
		{"cloudevent-storage", typeFinalized, bucket + "flowers", "objects/2026/beds 1+2.csv", storedFlowers, cloudevents.WithEncodingBinary},
		{"cloudevent-storage-structured", typeFinalized, bucket + "flowers", "objects/2026/beds 1+2.csv", storedFlowers, cloudevents.WithEncodingStructured},
		{"cloudevent-storage-deleted", "google.cloud.storage.object.v1.deleted", bucket + "flowers", "objects/2026/beds 1+2.csv", storedFlowers, cloudevents.WithEncodingBinary},
		{"cloudevent-storage-sample", typeFinalized, bucket + "some-bucket", "objects/folder/Test.cs", sample("StorageObjectData-simple"), cloudevents.WithEncodingBinary},
		{"cloudevent-storage-numbers", typeFinalized, bucket + "sample-bucket", "objects/MyFile", sample("StorageObjectData-complex"), cloudevents.WithEncodingBinary},
		{"cloudevent-audit-log", "google.cloud.audit.log.v1.written", "//cloudaudit.googleapis.com/projects/test-project/logs/activity",
			"pubsub.googleapis.com/projects/test-project/topics/test-auditlogs-source", sample("LogEntryData-pubsubCreateTopic"), cloudevents.WithEncodingBinary},
	} {
		ce := cloudevents.NewEvent()
		ce.SetID("1")
		ce.SetType(k.kind)
		ce.SetSource(k.source)
		ce.SetSubject(k.subject)
		ce.SetTime(time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC))
		if err := ce.SetData(cloudevents.ApplicationJSON, json.RawMessage(k.data)); err != nil {
			t.Fatal(err)
		}
		request, err := cehttp.NewHTTPRequestFromEvent(k.mode(ctx), "http://function.example/", ce)
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

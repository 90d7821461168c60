package gcf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// startStorage starts the fake of Cloud Storage, with a bucket of rows and one
// of answers.
func startStorage(t testing.TB) *fakestorage.Server {
	t.Helper()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	for _, name := range []string{"flowers", "answers"} {
		fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	return fake
}

// store puts an object and returns the event that tells of it.
func store(t testing.TB, fake *fakestorage.Server, key string, body []byte) (cloudevents.Event, int64) {
	t.Helper()
	fake.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "flowers", Name: key}, Content: body})
	o, err := fake.GetObject("flowers", key)
	if err != nil {
		t.Fatal(err)
	}
	ce := cloudevents.NewEvent()
	ce.SetID("1")
	ce.SetType(typeFinalized)
	ce.SetSource("//storage.googleapis.com/projects/_/buckets/flowers")
	if err := ce.SetData(cloudevents.ApplicationJSON, map[string]string{
		"bucket": "flowers", "name": key, "generation": strconv.FormatInt(o.Generation, 10), "size": strconv.Itoa(len(body)),
	}); err != nil {
		t.Fatal(err)
	}
	return ce, o.Generation
}

func iris(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("sepal_length,sepal_width,petal_length,petal_width\n")
	for i := range rows {
		fmt.Fprintf(&b, "5.%d,3.5,1.4,0.%d\n", i%10, i%7)
	}
	return b.Bytes()
}

// TestServerObjects: objects that were written become objects of answers, each
// once, through the real client of Cloud Storage and the server as a process.
func TestServerObjects(t *testing.T) {
	fake := startStorage(t)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "STORAGE_EMULATOR_HOST="+fake.URL(),
		"COPSE_SINK=gs://answers/daily/", "COPSE_DEAD_LETTER=gs://answers/dead/", "COPSE_OBJECTS=gs://flowers/")
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(p.url))
	if err != nil {
		t.Fatal(err)
	}
	send := func(ce cloudevents.Event) {
		t.Helper()
		if result := client.Send(cloudevents.WithEncodingBinary(t.Context()), ce); !cloudevents.IsACK(result) {
			t.Fatalf("got %v; log: %s", result, p.log.String())
		}
	}
	const rows = 30_000 // more than one request of an upload
	event, generation := store(t, fake, "2026/beds 1+2 größe.csv", iris(rows))
	send(event)
	name := fmt.Sprintf("daily/flowers/2026/beds%%201%%2B2%%20gr%%C3%%B6%%C3%%9Fe.csv@%d.jsonl", generation)
	answer, err := fake.GetObject("answers", name)
	if err != nil {
		t.Fatalf("%v: there is %v", err, names(t, fake))
	}
	lines := bytes.Split(bytes.TrimSpace(answer.Content), []byte("\n"))
	var last struct {
		Row        int
		Prediction string
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || len(lines) != rows || last.Row != rows-1 || last.Prediction != "setosa" {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
	if answer.ContentType != "application/x-ndjson" || answer.Metadata["copse-model"] != "iris" ||
		!strings.HasPrefix(answer.Metadata["copse-digest"], "sha256:") || !strings.Contains(answer.Metadata["copse-source"], `"bucket":"flowers"`) {
		t.Errorf("noted are %s, %v", answer.ContentType, answer.Metadata)
	}
	send(event)
	if again, err := fake.GetObject("answers", name); err != nil || again.Generation != answer.Generation || len(names(t, fake)) != 1 {
		t.Errorf("delivered again: there is %v, generation %d, %v", names(t, fake), again.Generation, err)
	}
	// What can never be answered is a dead letter, once.
	store(t, fake, "2026/beds 1+2 größe.csv", iris(1)) // replaces what the first event was of
	replaced, _ := store(t, fake, "replaced.csv", iris(1))
	store(t, fake, "replaced.csv", iris(2))
	empty, _ := store(t, fake, "empty.csv", nil)
	for range 2 {
		send(replaced)
		send(empty)
	}
	if got := names(t, fake); len(got) != 3 || !strings.HasPrefix(got[1], "dead/gcs/") || !strings.HasPrefix(got[2], "dead/gcs/") {
		t.Errorf("there is %v", got)
	}
}

func names(t testing.TB, fake *fakestorage.Server) (all []string) {
	t.Helper()
	list, err := fake.ListObjectsWithOptionsPaginated("answers", fakestorage.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Objects {
		all = append(all, o.Name)
	}
	return all
}

// TestServerTasks: a task whose result goes into a bucket, delivered twice.
func TestServerTasks(t *testing.T) {
	fake := startStorage(t)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "STORAGE_EMULATOR_HOST="+fake.URL(), "COPSE_SINK=gs://answers")
	for try := range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/", bytes.NewReader(zipped(t, row)))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"X-CloudTasks-QueueName": "flowers", "X-CloudTasks-TaskName": "beds-1",
			"X-CloudTasks-TaskRetryCount": strconv.Itoa(try), "Content-Type": "application/json", "Content-Encoding": "gzip"} {
			r.Header.Set(name, value)
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			t.Errorf("try %d: got %d; log: %s", try, reply.StatusCode, p.log.String())
		}
	}
	if got := names(t, fake); len(got) != 1 || !strings.HasPrefix(got[0], "cloudtasks/flowers") {
		t.Errorf("there is %v", got)
	}
}

// TestServerWithoutBucket: where results cannot be written now, the event is to
// be delivered again.
func TestServerWithoutBucket(t *testing.T) {
	fake := startStorage(t)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "STORAGE_EMULATOR_HOST="+fake.URL(), "COPSE_SINK=gs://later/", "COPSE_TIMEOUT=5s")
	push := string(fixture(t, "push-row.json"))
	if status, reply := p.post(t, "/", "application/json", push); status != http.StatusServiceUnavailable {
		t.Fatalf("got %d %s", status, reply)
	}
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "later"})
	if status, reply := p.post(t, "/", "application/json", push); status != http.StatusOK {
		t.Fatalf("delivered again: got %d %s; log: %s", status, reply, p.log.String())
	}
}

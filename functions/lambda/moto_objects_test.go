package lambda_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"example.com/copse/functions/lambda/runtimetest"
	"example.com/copse/pkg/ingest/mototest"
)

// buckets is a client of the buckets that the tests look into.
type buckets struct {
	*s3.Client
	t *testing.T
}

// newBuckets makes two: "arrivals", with versions, and "results".
func newBuckets(t *testing.T, address string) buckets {
	t.Helper()
	b := buckets{s3.New(s3.Options{Region: "eu-west-1", BaseEndpoint: &address, UsePathStyle: true, Credentials: anyone}), t}
	for _, name := range []string{"arrivals", "results"} {
		_, err := b.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraintEuWest1}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("arrivals"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put writes an object and returns the record of S3's notification of it.
func (b buckets) put(bucket, key, body string) map[string]any {
	b.t.Helper()
	out, err := b.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		b.t.Fatal(err)
	}
	return map[string]any{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-west-1",
		"s3": map[string]any{"s3SchemaVersion": "1.0", "bucket": map[string]any{"name": bucket, "arn": "arn:aws:s3:::" + bucket},
			"object": map[string]any{"key": url.QueryEscape(key), "size": len(body), "eTag": strings.Trim(*out.ETag, `"`),
				"versionId": aws.ToString(out.VersionId), "sequencer": "0055AED6DCD90281E5"}}}
}

// all returns the objects of a bucket, by key.
func (b buckets) all(bucket string) map[string]string {
	b.t.Helper()
	list, err := b.ListObjectsV2(b.t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string]string{}
	for _, o := range list.Contents {
		out, err := b.GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		_ = out.Body.Close() // read to its end
		if err != nil {
			b.t.Fatal(err)
		}
		found[*o.Key] = string(body)
	}
	return found
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const irisHeader = "sepal_length,sepal_width,petal_length,petal_width\n"

// TestObjectToObject puts objects into a bucket of moto and hands the deployed
// binary their notifications, directly and through a queue, each twice, as at a
// redelivery: each version has one result, which stays as it was written first.
func TestObjectToObject(t *testing.T) {
	address := mototest.Start(t)
	b := newBuckets(t, address)
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+address, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"COPSE_SINK=s3://results/scored", "COPSE_DEAD_LETTER=s3://results/dead")
	const key = "daily/a b+ü%20.csv"
	first := b.put("arrivals", key, irisHeader+"5.1,3.5,1.4,0.2\n5.1,35,1.4,0.2\n")
	second := b.put("arrivals", key, irisHeader+"6.3,3.3,6,2.5\n")
	event := encode(t, map[string]any{"Records": []any{first}})
	message := encode(t, map[string]any{"Records": []any{second}})
	queued := eventOf(t, "arn:aws:sqs:eu-west-1:123456789012:notifications", []types.Message{
		{MessageId: aws.String("m-1"), ReceiptHandle: aws.String("r"), Body: aws.String(string(message))}})
	var before map[string]string
	for range 2 {
		if r := invoke(t, p, event); r.Error != nil {
			t.Fatalf("got %v\n%s", r.Error, p.Log())
		}
		if r := invoke(t, p, queued); r.Error != nil || string(r.Body) != `{"batchItemFailures":[]}` {
			t.Fatalf("got %s\n%s", r.Body, p.Log())
		}
		results := b.all("results")
		if len(results) != 2 || before != nil && fmt.Sprint(results) != fmt.Sprint(before) {
			t.Fatalf("results %q, before %q\n%s", results, before, p.Log())
		}
		before = results
	}
	var lines []string
	for name, body := range before {
		if !strings.HasPrefix(name, "scored/") || !strings.HasSuffix(name, ".jsonl") {
			t.Errorf("a result is called %q", name)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(body), "\n")...)
	}
	slices.Sort(lines)
	if len(lines) != 3 || !strings.Contains(lines[0], `{"row":0,"prediction":"setosa"`) || !strings.Contains(lines[1], `{"row":0,"prediction":"virginica"`) ||
		!strings.Contains(lines[2], `{"row":1,"error":{"code":"out_of_range","field":"sepal_width"`) {
		t.Errorf("got %q", lines)
	}
	own := b.put("results", "scored/x.jsonl", "{}")
	if r := invoke(t, p, encode(t, map[string]any{"Records": []any{own}})); r.Error != nil || len(b.all("results")) != 3 {
		t.Errorf("the notification of a result: %v, %q", r.Error, b.all("results"))
	}
}

// TestLargeObject scores an object of several parts into a result of several,
// within the memory of a small function.
func TestLargeObject(t *testing.T) {
	address := mototest.Start(t)
	b := newBuckets(t, address)
	const rows = 200_000
	body := irisHeader + strings.Repeat("5.1000000000,3.5000000000,1.4000000000,0.2000000000\n6.3000000000,3.3000000000,6.0000000000,2.5000000000\n", rows/2)
	record := b.put("arrivals", "large.csv", body)
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+address, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "COPSE_SINK=s3://results/")
	if r := invoke(t, p, encode(t, map[string]any{"Records": []any{record}})); r.Error != nil {
		t.Fatalf("got %v\n%s", r.Error, p.Log())
	}
	peak, err := p.PeakRSS()
	if err != nil {
		t.Fatal(err)
	}
	results := b.all("results")
	for name, text := range results {
		last := fmt.Sprintf(`{"row":%d,"prediction":"virginica"`, rows-1)
		if n := strings.Count(text, "\n"); n != rows || !strings.HasPrefix(text, `{"row":0,"prediction":"setosa"`) || !strings.Contains(text[len(text)-200:], last) {
			t.Errorf("%s: %d lines, want %d", name, n, rows)
		}
		t.Logf("%d bytes of CSV, %d of results; %d bytes resident at most", len(body), len(text), peak)
	}
	if len(results) != 1 {
		t.Fatalf("%d results\n%s", len(results), p.Log())
	}
	const limit = 128 << 20
	if peak > limit {
		t.Errorf("%d bytes resident, want at most %d", peak, limit)
	}
}

// TestObjectGone: what can never be answered is a dead letter in the bucket,
// once.
func TestObjectGone(t *testing.T) {
	address := mototest.Start(t)
	b := newBuckets(t, address)
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+address, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"COPSE_SINK=s3://results/scored", "COPSE_DEAD_LETTER=s3://results/dead")
	gone := b.put("arrivals", "gone.csv", irisHeader)
	s3Of, _ := gone["s3"].(map[string]any)
	object, _ := s3Of["object"].(map[string]any)
	if _, err := b.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("arrivals"), Key: aws.String("gone.csv"),
		VersionId: aws.String(fmt.Sprint(object["versionId"]))}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := invoke(t, p, encode(t, map[string]any{"Records": []any{gone}})); r.Error != nil {
			t.Fatalf("got %v\n%s", r.Error, p.Log())
		}
	}
	letters := b.all("results")
	for name, body := range letters {
		if !strings.HasPrefix(name, "dead/") || !strings.Contains(body, `"object_not_found"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	if len(letters) != 1 {
		t.Errorf("%d dead letters, want 1: %q\n%s", len(letters), letters, p.Log())
	}
}

// TestQueueToBus: results of a queue's messages are events of a bus, which a
// rule of moto's hands on to another queue.
func TestQueueToBus(t *testing.T) {
	address := mototest.Start(t)
	queues := newCloud(t, address)
	bus := eventbridge.New(eventbridge.Options{Region: "eu-west-1", BaseEndpoint: &address, Credentials: anyone})
	target := queues.create("target")
	attributes, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &target,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		t.Fatal(err)
	}
	name, rule := aws.String("answers"), aws.String("all")
	if _, err := bus.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventBusName: name,
		EventPattern: aws.String(`{"source":["copse"],"detail-type":["Prediction"],"detail":{"prediction":["setosa"]}}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: rule, EventBusName: name,
		Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: aws.String(attributes.Attributes["QueueArn"])}}}); err != nil {
		t.Fatal(err)
	}
	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+address, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "COPSE_SINK=events:answers")
	const source = "arn:aws:sqs:eu-west-1:123456789012:rows"
	event := eventOf(t, source, []types.Message{
		{MessageId: aws.String("m-1"), Body: aws.String(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`)},
		{MessageId: aws.String("m-2"), Body: aws.String(`{"sepal_length":6.3,"sepal_width":3.3,"petal_length":6,"petal_width":2.5}`)},
	})
	if r := invoke(t, p, event); r.Error != nil || string(r.Body) != `{"batchItemFailures":[]}` {
		t.Fatalf("got %s\n%s", r.Body, p.Log())
	}
	arrived := queues.receive(target)
	if len(arrived) != 1 { // the other one is no setosa
		t.Fatalf("%d events arrived, want 1\n%s", len(arrived), p.Log())
	}
	var got struct {
		Resources []string
		Detail    struct {
			ID, Prediction string
			Source         struct{ Kind string }
		}
	}
	if err := json.Unmarshal([]byte(*arrived[0].Body), &got); err != nil || got.Detail.ID != "m-1" || got.Detail.Prediction != "setosa" ||
		got.Detail.Source.Kind != "sqs" || !slices.Equal(got.Resources, []string{source}) {
		t.Errorf("%v: got %+v of %s", err, got, *arrived[0].Body)
	}
}

// TestOtherCloudsSink: a sink of another cloud is refused by name at start.
func TestOtherCloudsSink(t *testing.T) {
	p, err := runtimetest.Start(binary(t, binaries.events), "COPSE_SINK=gs://results/")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	select {
	case e := <-p.InitError():
		if !strings.Contains(e.Message, `no sink "gs": it has events, http, https, log, s3, sqs`) {
			t.Errorf("got %v", e)
		}
	case <-limited(t).Done():
		t.Error("the function started, or reported nothing")
	}
}

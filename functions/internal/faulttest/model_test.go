package faulttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"example.com/copse/pkg/ingest/mototest"
)

// told is how a call ended: a status and a code, or "ok".
func told(err error) string {
	if err == nil {
		return "ok"
	}
	text := ""
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		text = fmt.Sprint(e.HTTPStatusCode())
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		// moto names some of SQS's in the way of the older protocol.
		text += " " + strings.TrimPrefix(e.ErrorCode(), "AWS.SimpleQueueService.")
	}
	return text
}

// bucketStory is what the driver of S3 relies on, call by call.
func bucketStory(t *testing.T, c *s3.Client) (story []string) {
	ctx, bucket := t.Context(), aws.String("results")
	tell := func(what string, err error) { story = append(story, what+": "+told(err)) }
	put := func(key, text string, condition *string) {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(text), IfNoneMatch: condition,
			ContentType: aws.String("text/x"), Metadata: map[string]string{"copse-source": "{}"}})
		tell("put "+key, err)
	}
	get := func(key string, span, match *string) {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key, Range: span, IfMatch: match})
		tell("get "+key, err)
		if err != nil {
			return
		}
		defer out.Body.Close()
		body, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		story = append(story, fmt.Sprintf("%.20q %d %s %s %s %v", body, len(body), aws.ToString(out.ContentRange), *out.ETag, *out.ContentType, out.Metadata))
	}
	none := aws.String("*")
	put("a b/größe+%25", "0123456789", none)
	put("a b/größe+%25", "other", none)
	get("a b/größe+%25", nil, nil)
	get("a b/größe+%25", aws.String("bytes=2-4"), nil)
	get("a b/größe+%25", aws.String("bytes=8-100"), nil)
	get("a b/größe+%25", aws.String("bytes=10-11"), nil)
	get("a b/größe+%25", nil, aws.String(etag([]byte("0123456789"))))
	get("a b/größe+%25", nil, aws.String(etag([]byte("other"))))
	get("none", nil, nil)
	put("a b/größe+%25", "without a condition", nil)
	get("a b/größe+%25", nil, nil)
	_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")})
	tell("head none", err)
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("no-such-bucket"), Key: aws.String("none")})
	tell("head in no bucket", err)
	return append(story, partsStory(t, c, bucket)...)
}

// partsStory is about multipart uploads.
func partsStory(t *testing.T, c *s3.Client, bucket *string) (story []string) {
	ctx := t.Context()
	tell := func(what string, err error) { story = append(story, what+": "+told(err)) }
	big := bytes.Repeat([]byte("8 bytes\n"), minPart/8)
	upload := func(key string, bodies ...[]byte) (id *string, parts []s3types.CompletedPart) {
		out, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
		tell("create "+key, err)
		for i, body := range bodies {
			number := aws.Int32(int32(i + 1))
			part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: out.UploadId, PartNumber: number, Body: bytes.NewReader(body)})
			tell("part", err)
			parts = append(parts, s3types.CompletedPart{ETag: part.ETag, PartNumber: number})
		}
		return out.UploadId, parts
	}
	complete := func(key string, id *string, parts []s3types.CompletedPart) {
		_, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: id, IfNoneMatch: aws.String("*"),
			MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts}})
		tell("complete "+key, err)
	}
	abort := func(key string, id *string) {
		_, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: id})
		tell("abort "+key, err)
	}
	id, parts := upload("large", big, []byte("end"))
	_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("large")})
	tell("head before", err)
	complete("large", id, parts)
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("large")})
	tell("head after", err)
	story = append(story, fmt.Sprint(aws.ToInt64(head.ContentLength)))
	complete("large", id, parts)
	id, parts = upload("large", big, []byte("another end"))
	complete("large", id, parts)
	abort("large", id)
	abort("large", id)
	id, parts = upload("small parts", []byte("too small"), []byte("end"))
	complete("small parts", id, parts)
	parts[0].ETag = aws.String(etag([]byte("not this")))
	complete("small parts", id, parts)
	return story
}

// queueStory is what the driver of SQS relies on.
func queueStory(t *testing.T, c *sqs.Client, received func(queue string) []string) (story []string) {
	send := func(queue, body string, group, dedup *string) {
		_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("http://127.0.0.1/123456789012/" + queue),
			MessageBody: &body, MessageGroupId: group, MessageDeduplicationId: dedup})
		story = append(story, fmt.Sprintf("%s %.10q: %s", queue, body, told(err)))
	}
	id := aws.String
	all := "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~azAZ09"
	send("results", "one", nil, nil)
	send("results", "one", nil, nil)
	send("no-such-queue", "one", nil, nil)
	send("results.fifo", "no group", nil, id("a"))
	send("results.fifo", "one", id("g"), id("a"))
	send("results.fifo", "two", id("g"), id("b"))
	send("results.fifo", "one, differently", id("g"), id("a"))
	send("results.fifo", "one, elsewhere", id("h"), id("a"))
	send("results.fifo", "any sign", id(all), id(all))
	send("results.fifo", "a space", id("g"), id("a b"))
	send("results.fifo", "too long", id("g"), id(strings.Repeat("x", 129)))
	send("results.fifo", "as long as can be", id("g"), id(strings.Repeat("x", 128)))
	for _, queue := range []string{"results", "results.fifo"} {
		story = append(story, fmt.Sprintf("%s has %q", queue, received(queue)))
	}
	return story
}

// TestModel: the cloud of this package answers as moto does, which is another's
// reading of the same documents.
func TestModel(t *testing.T) {
	address := mototest.Start(t)
	cloud := newCloud(nil, NoDefect)
	model := cloud.front(&sandbox{})
	defer model.Close()
	login := credentials.NewStaticCredentialsProvider("a", "b", "")
	bucket := func(address string) *s3.Client {
		return s3.New(s3.Options{Region: "eu-west-1", BaseEndpoint: &address, UsePathStyle: true, Credentials: login})
	}
	queues := func(address string) *sqs.Client {
		return sqs.New(sqs.Options{Region: "eu-west-1", BaseEndpoint: &address, Credentials: login})
	}
	moto := bucket(address)
	_, err := moto.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("results"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results", "results.fifo"} {
		attributes := map[string]string{}
		if strings.HasSuffix(name, ".fifo") {
			attributes["FifoQueue"] = "true"
		}
		if _, err := queues(address).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	// What differs is stricter here, as the documents have it: an upload that was
	// completed is no more (API_CompleteMultipartUpload), and a deduplication id
	// is of at most 128 letters, digits and signs (API_SendMessage).
	compare(t, bucketStory(t, bucket(model.URL)), bucketStory(t, moto), map[string]string{
		"complete large: 404 NoSuchUpload": "complete large: ok",
	})
	compare(t, queueStory(t, queues(model.URL), func(queue string) (bodies []string) {
		for _, m := range cloud.queues[queue].got {
			bodies = append(bodies, m.Body)
		}
		return bodies
	}), queueStory(t, queues(address), func(queue string) (bodies []string) {
		for _, body := range receive(t, queues(address), queue) {
			if body != "a space" && body != "too long" {
				bodies = append(bodies, body)
			}
		}
		return bodies
	}), map[string]string{
		`results.fifo "a space": 400 InvalidParameterValue`:  `results.fifo "a space": ok`,
		`results.fifo "too long": 400 InvalidParameterValue`: `results.fifo "too long": ok`,
	})
}

// receive takes all messages of a queue of moto's. A group is locked until its
// messages are deleted.
func receive(t *testing.T, c *sqs.Client, queue string) (bodies []string) {
	url := aws.String("http://127.0.0.1/123456789012/" + queue)
	for {
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// compare holds both stories equal, but for known differences.
func compare(t *testing.T, model, other []string, known map[string]string) {
	t.Helper()
	if len(model) != len(other) {
		t.Fatalf("%d steps here, %d with moto", len(model), len(other))
	}
	for i := range model {
		if model[i] != other[i] && known[model[i]] != other[i] {
			t.Errorf("step %d: here %q, moto %q", i, model[i], other[i])
		}
	}
}

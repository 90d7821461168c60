package lambda_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"example.com/copse/pkg/ingest/mototest"
)

// cloud is a client of the queues that the tests look into.
type cloud struct {
	*sqs.Client
	t *testing.T
}

func newCloud(t *testing.T, address string) cloud {
	return cloud{sqs.New(sqs.Options{Region: "eu-west-1", BaseEndpoint: &address, Credentials: anyone}), t}
}

// anyone are credentials as moto takes all.
var anyone = credentials.NewStaticCredentialsProvider("a", "b", "")

func (c cloud) create(name string) (url string) {
	c.t.Helper()
	attributes := map[string]string{}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	out, err := c.CreateQueue(c.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		c.t.Fatal(err)
	}
	return *out.QueueUrl
}

// receive takes all messages of a queue.
func (c cloud) receive(url string) (all []types.Message) {
	c.t.Helper()
	for {
		out, err := c.ReceiveMessage(c.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// eventOf is the event that Lambda makes of received messages.
func eventOf(t *testing.T, arn string, messages []types.Message) []byte {
	t.Helper()
	var records []map[string]any
	for _, m := range messages {
		attributes := map[string]any{}
		for name, a := range m.MessageAttributes {
			attributes[name] = map[string]any{"stringValue": a.StringValue, "dataType": a.DataType}
		}
		records = append(records, map[string]any{"messageId": m.MessageId, "receiptHandle": m.ReceiptHandle, "body": m.Body,
			"attributes": m.Attributes, "messageAttributes": attributes, "md5OfBody": m.MD5OfBody,
			"eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": "eu-west-1"})
	}
	data, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestQueueToQueue sends rows through a FIFO queue of moto, the deployed
// binary, and a FIFO queue of results, twice, as at a redelivery: each result
// arrives once, and in order of its group; dead letters arrive apart.
func TestQueueToQueue(t *testing.T) {
	address := mototest.Start(t)
	c := newCloud(t, address)
	rows, results, dead := c.create("rows.fifo"), c.create("results.fifo"), c.create("dead")
	send := func(n int, group, body string) {
		_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &rows, MessageBody: &body,
			MessageGroupId: &group, MessageDeduplicationId: aws.String(fmt.Sprint(n))})
		if err != nil {
			t.Fatal(err)
		}
	}
	const row = `{"sepal_length":%g,"sepal_width":3.5,"petal_length":%g,"petal_width":0.2}`
	for n := range 6 {
		send(n, fmt.Sprint(n%2), fmt.Sprintf(row, 5.1, 1.0+float64(n)/10))
	}
	send(6, "0", "hopeless")
	send(7, "0", fmt.Sprintf(row, 5.1, 1.9))

	p := run(t, binaries.events, "AWS_ENDPOINT_URL="+address, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"COPSE_SINK=sqs:"+results, "COPSE_DEAD_LETTER=sqs:"+dead)
	event := eventOf(t, "arn:aws:sqs:eu-west-1:123456789012:rows.fifo", c.receive(rows))
	for range 2 {
		if r := invoke(t, p, event); r.Error != nil || string(r.Body) != `{"batchItemFailures":[]}` {
			t.Fatalf("got %s\n%s", r.Body, p.Log())
		}
	}
	var order []string
	for _, m := range c.receive(results) {
		var reply struct {
			Prediction string
			Source     struct {
				MessageID string `json:"message_id"`
			}
		}
		if err := json.Unmarshal([]byte(*m.Body), &reply); err != nil || reply.Prediction != "setosa" {
			t.Errorf("%v: %s", err, *m.Body)
		}
		order = append(order, m.Attributes["MessageGroupId"]+" "+reply.Source.MessageID)
	}
	var want []string
	var sent struct {
		Records []struct {
			MessageID  string `json:"messageId"`
			Body       string
			Attributes map[string]string
		}
	}
	if err := json.Unmarshal(event, &sent); err != nil {
		t.Fatal(err)
	}
	for _, r := range sent.Records {
		if r.Body != "hopeless" {
			want = append(want, r.Attributes["MessageGroupId"]+" "+r.MessageID)
		}
	}
	byGroup := func(a, b string) int { return strings.Compare(a[:1], b[:1]) }
	slices.SortStableFunc(order, byGroup)
	slices.SortStableFunc(want, byGroup)
	if !slices.Equal(order, want) {
		t.Errorf("results: got %q, want %q", order, want)
	}
	letters := c.receive(dead)
	for _, m := range letters {
		if !strings.Contains(*m.Body, `"body":"hopeless"`) {
			t.Errorf("dead letter: %s", *m.Body)
		}
	}
	if len(letters) != 2 { // a standard queue keeps both deliveries
		t.Errorf("%d dead letters, want 2", len(letters))
	}
}

package sqssink

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/mototest"
	"example.com/copse/pkg/ingest/sinktest"
)

// TestConformance runs the suite against queues of moto.
func TestConformance(t *testing.T) {
	address := mototest.Start(t)
	side := sqs.New(sqs.Options{Region: "eu-west-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	queues := 0
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%v", fifo), func(t *testing.T) {
			sinktest.Sink(t, func(t *testing.T) sinktest.Target {
				queues++
				name, settings := fmt.Sprintf("queue-%d", queues), map[string]string{}
				if fifo {
					name, settings["FifoQueue"] = name+".fifo", "true"
				}
				queue, err := side.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: settings})
				if err != nil {
					t.Fatal(err)
				}
				start(t)
				t.Setenv("AWS_ENDPOINT_URL_SQS", address)
				t.Setenv("AWS_REGION", "eu-west-1")
				limit := ingest.Message{ID: "limit", Source: ingest.Source{Kind: "sqs"}} // the suite's
				beside := size(&sqs.SendMessageInput{MessageBody: aws.String(""), MessageAttributes: attributes(&limit)})
				return sinktest.Target{
					Sink: open(t, *queue.QueueUrl),
					Received: func(t testing.TB) [][]byte {
						return receive(t, side, queue.QueueUrl)
					},
					Max: maxMessage - beside, Once: fifo, Ordered: fifo,
				}
			})
		})
	}
}

// receive takes all messages out of a queue, in order.
func receive(t testing.TB, side *sqs.Client, queue *string) (bodies [][]byte) {
	t.Helper()
	for {
		out, err := side.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, []byte(*m.Body))
			if _, err := side.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

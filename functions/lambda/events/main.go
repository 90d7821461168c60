// Command events is the Lambda function for event sources: queues, topics,
// streams, buckets and the tasks of state machines. It links the SDKs of its
// sinks and of the objects that it reads; each connects when it is first used.
package main

import (
	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda/internal/boot"
	"example.com/copse/pkg/ingest/eventbridgesink"
	"example.com/copse/pkg/ingest/httpsink"
	"example.com/copse/pkg/ingest/logsink"
	"example.com/copse/pkg/ingest/objectscore"
	"example.com/copse/pkg/ingest/s3store"
	"example.com/copse/pkg/ingest/sqssink"
)

func main() {
	boot.Main(setup.Options{
		Sinks: map[string]setup.Driver{
			"events": eventbridgesink.Open,
			"http":   httpsink.Open, // to this machine only, which tests do
			"https":  httpsink.Open,
			"log":    logsink.Open,
			"s3":     s3store.Open,
			"sqs":    sqssink.Open,
		},
		Objects: map[string]setup.ObjectsDriver{"s3": s3store.OpenObjects},
		Score:   objectscore.Score,
	})
}

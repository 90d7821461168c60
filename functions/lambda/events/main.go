// Command events is the Lambda function for event sources: SQS. It links the
// SDK of its sinks.
package main

import (
	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda/internal/boot"
	"example.com/copse/pkg/ingest/logsink"
	"example.com/copse/pkg/ingest/sqssink"
)

func main() {
	boot.Main(setup.Options{Sinks: map[string]setup.Driver{"log": logsink.Open, "sqs": sqssink.Open}})
}

package lambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/schema"
)

const benchFeatures = 30

// discarded is a sink that only counts.
type discarded struct{ bytes int }

func (d *discarded) Put(_ context.Context, m ingest.Message) error {
	d.bytes = len(m.Body)
	return nil
}

// forest is the function for events with a model of 100 trees of depth 6 and
// 30 features, without a memory of answers.
func forest(b *testing.B) *lambda.Function {
	b.Helper()
	m := irtest.Forest(irtest.Shape{Trees: 100, Depth: 6, Features: benchFeatures, Seed: 1})
	var doc schema.Document
	for _, name := range m.FeatureNames {
		doc.Features = append(doc.Features, schema.Feature{Name: name, Type: schema.Number})
	}
	data, err := predict.Compile(m, doc, predict.Info{Name: "forest", Library: "test"}, irtest.Rows(m, 4, 1))
	if err != nil {
		b.Fatal(err)
	}
	c, err := config.Load([]string{"COPSE_CACHE=off"})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	app, err := setup.New(b.Context(), setup.Options{Config: c, Log: log,
		Models: []registry.Source{{Name: "forest", Load: registry.Bundle(data, setup.ModelOptions(c, false))}},
		Sinks: map[string]setup.Driver{"log": func(context.Context, string, *slog.Logger) (ingest.Sink, error) {
			return new(discarded), nil
		}}})
	if err != nil {
		b.Fatal(err)
	}
	return lambda.New(lambda.Options{Records: app.Ingest, Log: log})
}

// queueEvent is an event of SQS with as many messages of as many rows, in one
// of the forms that a body may have.
func queueEvent(b *testing.B, form string, messages, rows int) []byte {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var list []map[string]any
	for i := range messages {
		list = append(list, map[string]any{"messageId": fmt.Sprint("059f36b4-87a3-44ab-83d2-66197000", i), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
			"body": queueBody(rng, form, rows), "attributes": map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1795536310082"},
			"messageAttributes": map[string]any{}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:rows", "awsRegion": "eu-west-1"})
	}
	data, err := json.Marshal(map[string]any{"Records": list})
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func queueBody(rng *rand.Rand, form string, rows int) string {
	var names []string
	for i := range benchFeatures {
		names = append(names, "f"+strconv.Itoa(i))
	}
	var lines []string
	for range rows {
		var cells []string
		for i := range names {
			cell := strconv.FormatFloat(float64(rng.IntN(200_000)-100_000)/10_000, 'g', -1, 64)
			if form == "rows" {
				cell = `"` + names[i] + `":` + cell
			}
			cells = append(cells, cell)
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	switch form {
	case "rows":
		return "[{" + strings.Join(lines, "},{") + "}]"
	case "columns":
		return `{"columns":["` + strings.Join(names, `","`) + `"],"data":[[` + strings.Join(lines, "],[") + "]]}"
	}
	return strings.Join(names, ",") + "\n" + strings.Join(lines, "\n") + "\n"
}

// BenchmarkQueue is an event of SQS with 10 messages of 100 rows, from the
// bytes of the event to those of the reply, for each form of a body. No row is
// known from before, so all are read and scored.
func BenchmarkQueue(b *testing.B) {
	f := forest(b)
	for _, form := range []string{"rows", "columns", "csv"} {
		event := queueEvent(b, form, 10, 100)
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(event)))
			for b.Loop() {
				if reply, err := f.Invoke(b.Context(), event); err != nil || string(reply) != `{"batchItemFailures":[]}` {
					b.Fatalf("%s, %v", reply, err)
				}
			}
		})
	}
}

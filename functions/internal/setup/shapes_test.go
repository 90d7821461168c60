package setup

import (
	"log/slog"
	"strings"
	"testing"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest/eventbridgesink"
	"example.com/copse/pkg/ingest/gcsstore"
	"example.com/copse/pkg/ingest/httpsink"
	"example.com/copse/pkg/ingest/logsink"
	"example.com/copse/pkg/ingest/pubsubsink"
	"example.com/copse/pkg/ingest/s3store"
	"example.com/copse/pkg/ingest/sqssink"
)

// TestShapes: what is known of a sink's form without its driver is what the
// driver says, word for word.
func TestShapes(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	t.Setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
	drivers := map[string]Driver{"events": eventbridgesink.Open, "gs": gcsstore.Open, "http": httpsink.Open, "https": httpsink.Open,
		"log": logsink.Open, "pubsub": pubsubsink.Open, "s3": s3store.Open, "sqs": sqssink.Open}
	for _, c := range []struct {
		uri string
		ok  bool
	}{
		{"log", true}, {"log:", false}, {"log:x", false},
		{"s3://results/daily/", true}, {"s3://abc", true}, {"s3://", false}, {"s3:x", false}, {"s3", false}, {"s3://x/", false}, {"s3://Results/", false}, {"s3://results/a//b", false}, {"s3://results/../b", false},
		{"gs://results/daily/", true}, {"gs://", false}, {"gs:results", false}, {"gs://results/a/./b", false},
		{"sqs:https://sqs.eu-west-1.amazonaws.com/1/q", true}, {"sqs:http://127.0.0.1:5000/1/q.fifo", true}, {"sqs:nope", false}, {"sqs:", false}, {"sqs", false},
		{"sqs:https://sqs.eu-west-1.amazonaws.com/q", false}, {"sqs:https://sqs.eu-west-1.amazonaws.com/1/q/x", false}, {"sqs:ftp://h/1/q", false}, {"sqs:https://%zz", false},
		{"events:default", true}, {"events:arn:aws:events:eu-west-1:123456789012:event-bus/results", true}, {"events:", false}, {"events", true}, {"events:a b", false},
		{"events:arn:aws:sqs:eu-west-1:123456789012:x", false}, {"events:arn:aws:events:eu-west-1:123456789012:rule/x", false}, {"events:arn:aws:events:eu-west-1:123456789012:event-bus/", false},
		{"pubsub:projects/p/topics/results", true}, {"pubsub:projects/p/topics/go", false}, {"pubsub:projects/p/topics/googles", false}, {"pubsub:topic", false}, {"pubsub:projects//topics/abc", false}, {"pubsub:projects/p/topics/1bc", false}, {"pubsub", false},
		{"https://example.com/results", true}, {"https://example.com:8443/r?a=b", true}, {"http://127.0.0.1:8080/", true}, {"http://localhost/", true}, {"http://[::1]/", true},
		{"http://example.com/", false}, {"https://", false}, {"https:example.com", false}, {"https://example.com:0/", false}, {"https://example.com:65536/", false}, {"https://example.com/#x", false}, {"https", false}, {"http://:80/", false},
	} {
		scheme, _, _ := strings.Cut(c.uri, ":")
		shape := built[scheme].shape(c.uri)
		_, driver := drivers[scheme](t.Context(), c.uri, slog.New(slog.DiscardHandler))
		switch {
		case (shape == nil) != c.ok:
			t.Errorf("%s: got %v", c.uri, shape)
		case (shape == nil) != (driver == nil), shape != nil && shape.Error() != driver.Error():
			t.Errorf("%s: got %v, the driver says %v", c.uri, shape, driver)
		}
	}
	for scheme := range built {
		if drivers[scheme] == nil && scheme != "file" {
			t.Errorf("no driver of %s was asked", scheme)
		}
	}
}

// TestCheckSinks: a function that opens no sink checks their settings, each
// error with its setting.
func TestCheckSinks(t *testing.T) {
	for _, c := range []struct{ settings, want string }{
		{"", ""}, {"COPSE_SINK=s3://results/ COPSE_DEAD_LETTER=sqs:https://sqs.eu-west-1.amazonaws.com/1/q", ""}, {"COPSE_SINK=file://results/", ""},
		{"COPSE_SINK=foo://x", `COPSE_SINK: there is no sink "foo": there are`},
		{"COPSE_SINK=sqs:nope", `COPSE_SINK: must be "sqs:" and the queue's URL`},
		{"COPSE_SINK=s3://", "COPSE_SINK: must be"}, {"COPSE_SINK=s3://x/", "COPSE_SINK: a bucket's name"},
		{"COPSE_DEAD_LETTER=s3://x/", "COPSE_DEAD_LETTER: a bucket's name"},
		{"COPSE_SINK=file:/tmp", "COPSE_SINK: must be"},
		{"COPSE_SINK=s3://results/{key}", "COPSE_SINK: the prefix is as it is"},
		{"COPSE_SINK=gs://bucket/in/out COPSE_OBJECTS=gs://bucket/in/", "COPSE_SINK: results would trigger the function again"},
		{"COPSE_RESULT_NAME={key}", "COPSE_RESULT_NAME: "},
	} {
		conf, err := config.Load(strings.Fields(c.settings))
		if err != nil {
			t.Fatal(err)
		}
		_, newErr := New(t.Context(), Options{Config: conf, Log: slog.New(slog.DiscardHandler)})
		for _, err := range []error{CheckSinks(conf), newErr} {
			if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %s…", c.settings, err, c.want)
			}
		}
	}
}

package templatetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// choice is one way of filling in the template's parameters.
type choice struct {
	name  string
	given map[string]string
	// adds are the logical ids that come with it, beyond those of a stack
	// without parameters ("-ID": one that goes), and rights what the events
	// function may then do more.
	adds, rights []string
}

const (
	topic   = "arn:aws:sns:eu-west-1:123456789012:orders"
	stream  = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
	table   = "arn:aws:dynamodb:eu-west-1:123456789012:table/customers/stream/2026-11-01T00:00:00.000"
	account = "eu-west-1:123456789012"
	digest  = "0000000000000000000000000000000000000000000000000000000000000000"
)

// switches are what one parameter, or one with its own options, switches on.
var switches = []choice{
	{"fifo", map[string]string{"InputQueueType": "fifo"}, nil, nil},
	{"no queue", map[string]string{"InputQueueType": "none"},
		[]string{"-InputDeadLetters", "-InputDeadLettersDepth", "-InputQueue", "-InputQueueAge", "-InputQueueMapping"},
		[]string{"-sqs:ChangeMessageVisibility InputQueue", "-sqs:ChangeMessageVisibilityBatch InputQueue", "-sqs:DeleteMessage InputQueue",
			"-sqs:DeleteMessageBatch InputQueue", "-sqs:GetQueueAttributes InputQueue", "-sqs:ReceiveMessage InputQueue"}},
	{"queue that exists", map[string]string{"SourceQueueName": "orders", "QueueFilter": `{"body":{"kind":["order"]}}`},
		[]string{"SourceQueueAge", "SourceQueueMapping"}, []string{
			"sqs:ChangeMessageVisibility arn:aws:sqs:" + account + ":orders", "sqs:ChangeMessageVisibilityBatch arn:aws:sqs:" + account + ":orders",
			"sqs:DeleteMessage arn:aws:sqs:" + account + ":orders", "sqs:DeleteMessageBatch arn:aws:sqs:" + account + ":orders",
			"sqs:GetQueueAttributes arn:aws:sqs:" + account + ":orders", "sqs:ReceiveMessage arn:aws:sqs:" + account + ":orders"}},
	{"topic by the queue", map[string]string{"SourceTopicArn": topic},
		[]string{"EventsFailuresPolicy", "InputQueuePolicy", "TopicToQueueSubscription"}, nil},
	{"FIFO topic", map[string]string{"SourceTopicArn": topic + ".fifo", "InputQueueType": "fifo"},
		[]string{"EventsFailuresPolicy", "InputQueuePolicy", "TopicToQueueSubscription"}, nil},
	{"topic to the function", map[string]string{"SourceTopicArn": topic, "TopicDelivery": "direct"},
		[]string{"EventsFailuresPolicy", "TopicPermission", "TopicToFunctionSubscription"}, nil},
	{"bucket", map[string]string{"SourceBucket": "lake"},
		[]string{"EventsFailuresPolicy", "NewObjectsPermission", "NewObjectsRule"},
		[]string{"s3:GetObject arn:aws:s3:::lake/*", "s3:GetObjectVersion arn:aws:s3:::lake/*", "s3:ListBucket arn:aws:s3:::lake"}},
	{"prefix of a bucket", map[string]string{"SourceBucket": "lake", "SourcePrefix": "in/"},
		[]string{"EventsFailuresPolicy", "NewObjectsPermission", "NewObjectsRule"},
		[]string{"s3:GetObject arn:aws:s3:::lake/in/*", "s3:GetObjectVersion arn:aws:s3:::lake/in/*", "s3:ListBucket arn:aws:s3:::lake"}},
	{"bucket by the queue", map[string]string{"SourceBucket": "lake", "NewObjects": "queue"},
		[]string{"InputQueuePolicy"},
		[]string{"s3:GetObject arn:aws:s3:::lake/*", "s3:GetObjectVersion arn:aws:s3:::lake/*", "s3:ListBucket arn:aws:s3:::lake"}},
	{"bucket by pointers", map[string]string{"SourceBucket": "lake", "NewObjects": "ignore"}, nil,
		[]string{"s3:GetObject arn:aws:s3:::lake/*", "s3:GetObjectVersion arn:aws:s3:::lake/*", "s3:ListBucket arn:aws:s3:::lake"}},
	{"Kinesis", map[string]string{"KinesisStreamArn": stream, "StreamFilter": `{"data":{"kind":["click"]}}`},
		[]string{"KinesisMapping", "StreamAge"}, []string{
			"kinesis:DescribeStream " + stream, "kinesis:DescribeStreamSummary " + stream, "kinesis:GetRecords " + stream,
			"kinesis:GetShardIterator " + stream, "kinesis:ListShards " + stream, "kinesis:ListStreams arn:aws:kinesis:" + account + ":stream/*"}},
	{"table", map[string]string{"TableStreamArn": table, "StreamStart": "LATEST", "StreamParallel": "10", "StreamMaxAge": "600"},
		[]string{"StreamAge", "TableMapping"}, []string{
			"dynamodb:DescribeStream " + table, "dynamodb:GetRecords " + table, "dynamodb:GetShardIterator " + table,
			"dynamodb:ListStreams arn:aws:dynamodb:" + account + ":table/customers/stream/*"}},
	{"schedule", map[string]string{"Schedule": "cron(0 6 * * ? *)", "ScheduleInput": `{"object":"s3://lake/daily.csv"}`},
		[]string{"EventsFailuresPolicy", "SchedulePermission", "ScheduleRule"}, nil},
	{"model in a bucket", map[string]string{"EventsModel": "s3://models/a/my.copse#sha256=" + digest}, nil,
		[]string{"s3:GetObject arn:aws:s3:::models/a/my.copse"}},
	{"results to a queue", map[string]string{"SinkQueueName": "answers"}, nil, []string{"sqs:SendMessage* arn:aws:sqs:" + account + ":answers"}},
	{"results to a bucket", map[string]string{"SinkBucket": "out", "SinkPrefix": "a/b/", "ResultName": "{key}@{version}.jsonl"}, nil,
		[]string{"s3:AbortMultipartUpload arn:aws:s3:::out/a/b/*", "s3:GetObject arn:aws:s3:::out/a/b/*", "s3:ListBucket arn:aws:s3:::out", "s3:PutObject arn:aws:s3:::out/a/b/*"}},
	{"results to a bus", map[string]string{"SinkEventBus": "scores"}, nil, []string{"events:PutEvents arn:aws:events:" + account + ":event-bus/scores"}},
	{"results to an address", map[string]string{"SinkUrl": "https://example.com/scores"}, nil, nil},
	{"dead letters", map[string]string{"DeadLetterQueueName": "hopeless.fifo"},
		[]string{"DeadLetterQueueDepth"}, []string{"sqs:SendMessage* arn:aws:sqs:" + account + ":hopeless.fifo"}},
	{"long events", map[string]string{"EventsTimeout": "900", "EventsMemorySize": "3538"}, nil, nil},
	{"somewhat long events", map[string]string{"EventsTimeout": "300"}, nil, nil},
	{"production", map[string]string{"Stage": "prod", "AlarmTopicArn": topic, "CorsOrigins": "*"}, nil, nil},
}

// choices are no parameters at all, each switch by itself, each pair of
// switches that do not set the same parameter, and all sources together with
// each sink.
func choices(t template) (all []choice) {
	all = append(all, choice{name: "nothing"})
	all = append(all, switches...)
	add := func(name string, parts ...choice) {
		given := make(map[string]string)
		for _, part := range parts {
			for parameter, value := range part.given {
				if had, ok := given[parameter]; ok && had != value {
					return
				}
				given[parameter] = value
			}
		}
		if r, err := newResolver(t.Source, given); err == nil && len(r.refusals()) == 0 {
			all = append(all, choice{name: name, given: given})
		}
	}
	for i, a := range switches {
		for _, b := range switches[i+1:] {
			add(a.name+" and "+b.name, a, b)
		}
	}
	find := func(name string) choice {
		return switches[slices.IndexFunc(switches, func(c choice) bool { return c.name == name })]
	}
	for _, sink := range []string{"results to a queue", "results to a bucket", "results to a bus", "results to an address"} {
		add("everything, "+sink, find("queue that exists"), find("topic by the queue"), find("prefix of a bucket"), find("Kinesis"),
			find("table"), find("schedule"), find("dead letters"), find("long events"), find("production"), find(sink))
	}
	return all
}

// TestSwitches: each parameter brings what it should and nothing else, and
// without any there is the API and the queue.
func TestSwitches(t *testing.T) {
	one := transformed(t, mainTemplate)
	base, err := one.deployed(nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, resource := range base.Transformed.node("Resources") {
		m, _ := resource.(map[string]any)
		switch m["Type"] {
		case "AWS::Events::Rule", "AWS::SNS::Subscription":
			t.Errorf("%s is there without being asked for", id)
		}
	}
	if got := slices.Sorted(maps.Keys(base.resources(mappingType))); !slices.Equal(got, []string{"InputQueueMapping"}) {
		t.Errorf("without parameters the sources are %v", got)
	}
	for _, s := range switches {
		with, err := one.deployed(s.given)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		got, want := change(base.Transformed.node("Resources").names(), with.Transformed.node("Resources").names()), s.adds
		if !slices.Equal(got, want) {
			t.Errorf("%s: changes resources by %q, want %q", s.name, got, want)
		}
		got, want = change(rights(base), rights(with)), s.rights
		if !slices.Equal(got, want) {
			t.Errorf("%s: changes rights by %q, want %q", s.name, got, want)
		}
	}
}

// change lists what is in now and not in before, and with "-" the other way
// round.
func change(before, now []string) (diff []string) {
	for _, name := range before {
		if !slices.Contains(now, name) {
			diff = append(diff, "-"+name)
		}
	}
	for _, name := range now {
		if !slices.Contains(before, name) {
			diff = append(diff, name)
		}
	}
	slices.Sort(diff)
	return diff
}

// rights are "action resource" of all that the events function may do; of a
// resource of the stack its logical id.
func rights(t template) (all []string) {
	for _, policy := range t.resources("AWS::IAM::Role")["EventsFunctionRole"].list("Policies") {
		m, _ := policy.(map[string]any)
		for _, statement := range node(m).list("PolicyDocument", "Statement") {
			s, _ := statement.(map[string]any)
			for _, action := range listed(s["Action"]) {
				for _, resource := range listed(s["Resource"]) {
					name, ok := resource.(string)
					if !ok {
						name = strings.Join(references(resource), " ")
					}
					all = append(all, fmt.Sprint(action, " ", name))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func listed(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// TestRefusals: what cannot work together is refused before anything is made.
func TestRefusals(t *testing.T) {
	one := transformed(t, mainTemplate)
	tests := []struct {
		given map[string]string
		want  string
	}{
		{map[string]string{"SinkQueueName": "a", "SinkBucket": "bbb"}, "OneSink"},
		{map[string]string{"SinkEventBus": "a", "SinkUrl": "https://example.com/"}, "OneSink"},
		{map[string]string{"SourceBucket": "lake", "SinkBucket": "lake"}, "NoCircle"},
		{map[string]string{"SourceBucket": "lake", "SinkBucket": "lake", "SourcePrefix": "in/", "SinkPrefix": "in/"}, "NoCircle"},
		{map[string]string{"SourceBucket": "lake", "SinkBucket": "lake", "SourcePrefix": "in/"}, ""},
		{map[string]string{"InputQueueType": "none", "SourceTopicArn": topic}, "QueueForWhatNeedsIt"},
		{map[string]string{"InputQueueType": "none", "SourceTopicArn": topic, "TopicDelivery": "direct"}, ""},
		{map[string]string{"InputQueueType": "fifo", "SourceBucket": "lake", "NewObjects": "queue"}, "QueueForWhatNeedsIt"},
		{map[string]string{"InputQueueType": "none", "SourceBucket": "lake", "NewObjects": "queue"}, "QueueForWhatNeedsIt"},
		{map[string]string{"EventsTimeout": "120"}, "none of"},
		{map[string]string{"SinkPrefix": "out"}, "does not match"},
		{map[string]string{"SinkPrefix": "/out/"}, "does not match"},
		{map[string]string{"SourceBucket": "lake", "SourcePrefix": "in"}, "does not match"},
		{map[string]string{"SinkUrl": "http://example.com/"}, "does not match"},
		{map[string]string{"KinesisStreamArn": table}, "does not match"},
		{map[string]string{"Schedule": "daily"}, "does not match"},
		{map[string]string{"Model": "s3://models/my.copse"}, "does not match"},
		{map[string]string{"Model": "/opt/my.copse#sha256=" + digest}, ""},
		{map[string]string{"EventsModel": "my.copse"}, "does not match"},
		{map[string]string{"EventsModel": "s3://models/*"}, "does not match"},
		{map[string]string{"EventsModel": "s3://models/my.copse#md5=1"}, "does not match"},
		{map[string]string{"EventsModel": "s3://models/my.copse", "Model": "other.copse"}, ""},
	}
	for _, tt := range tests {
		_, err := one.deployed(tt.given)
		if got := err != nil; got != (tt.want != "") || got && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.given, err, tt.want)
		}
	}
}

// TestModels: each function has the model that is meant for it.
func TestModels(t *testing.T) {
	one := transformed(t, mainTemplate)
	for _, c := range []struct{ model, events, predicts, answers string }{
		{"", "", "", ""},
		{"my.copse", "", "my.copse", "my.copse"},
		{"my.copse", "s3://models/my.copse", "my.copse", "s3://models/my.copse"},
	} {
		with, err := one.deployed(map[string]string{"Model": c.model, "EventsModel": c.events})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]string{"PredictFunction": c.predicts, "EventsFunction": c.answers} {
			function := with.resources("AWS::Lambda::Function")[id]
			if got := function.at("Environment", "Variables", "COPSE_MODEL"); got != want {
				t.Errorf("%+v: %s has the model %v, want %q", c, id, got, want)
			}
		}
	}
}

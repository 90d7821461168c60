package templatetest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// check is an assertion with the mutations that it must catch: text of the
// template and what is put in its place.
type check struct {
	name      string
	check     func(template) problems
	mutations [][2]string
}

// checks hold of the transformed template whatever its parameters are.
var checks = []check{
	{"runtime is the binary", runtimeIsTheBinary, [][2]string{
		{"Runtime: provided.al2023", "Runtime: provided.al2"},
		{"Handler: bootstrap", "Handler: main"},
		{"Architectures: [arm64]", "Architectures: [x86_64]"},
	}},
	{"built by make", builtByMake, [][2]string{
		{"BuildMethod: makefile", "BuildMethod: go1.x"},
		{"PredictFunction", "AnswerFunction"},
	}},
	{"gateway outlasts function", gatewayOutlastsFunction, [][2]string{
		{"TimeoutInMillis: 29500", "TimeoutInMillis: 40000"},
		{"TimeoutInMillis: 29500", "TimeoutInMillis: 20000"},
		{"Timeout: 29\n", "Timeout: 31\n"},
		{"COPSE_TIMEOUT: 28s", "COPSE_TIMEOUT: 30s"},
	}},
	{"API is bounded", apiIsBounded, [][2]string{
		{"ThrottlingRateLimit: 1000\n", "DataTraceEnabled: false\n"},
		{"ThrottlingBurstLimit: 500\n", "DataTraceEnabled: false\n"},
		{"!GetAtt AccessLog.Arn", "arn:elsewhere"},
		{"- HasCors\n", "- IsProd\n"},
	}},
	{"logs are JSON and expire", logsAreJSONAndExpire, [][2]string{
		{"LogFormat: JSON", "LogFormat: Text"},
		{"LogGroup: !Ref EventsLog", "LogGroup: !Ref PredictLog"},
		{"LogGroup: !Ref EventsLog", "LogGroup: /elsewhere"},
		{"    Properties:\n      RetentionInDays: !Ref LogRetentionDays\n", ""},
	}},
	{"calls are traced", callsAreTraced, [][2]string{
		{"Tracing: Active", "Tracing: PassThrough"},
	}},
	{"versions shift", versionsShift, [][2]string{
		{"Canary10Percent5Minutes", "Canary10Percent6Minutes"},
		{"!If [IsProd, Canary10Percent5Minutes, AllAtOnce]", "AllAtOnce"},
		{"!If [IsProd, Canary10Percent5Minutes, AllAtOnce]", "!If [IsProd, Canary10Percent5Minutes, AllAtOnce]\n        Enabled: !If [IsProd, true, false]"},
		{"          - !Ref PredictErrors", "          - !Ref EventsErrors"},
		{"        Alarms:\n          - !Ref EventsErrors\n", ""},
		{"MetricName: Errors", "MetricName: Throttles"},
		{"Value: !Sub ${EventsFunction}:live", "Value: !Sub ${PredictFunction}:live"},
		{"    AutoPublishAlias: live\n", "    AutoPublishAlias: current\n"},
	}},
	{"changes are published", changesArePublished, [][2]string{
		{"      AutoPublishAliasAllProperties: true\n", ""},
	}},
	{"queues are encrypted", queuesAreEncrypted, [][2]string{
		{"SqsManagedSseEnabled: true\n      MessageRetentionPeriod", "SqsManagedSseEnabled: false\n      MessageRetentionPeriod"},
		{"      SqsManagedSseEnabled: true\n", ""},
	}},
	{"rights are least", rightsAreLeast, [][2]string{
		{"      Policies:\n", "      Policies:\n        - AmazonSQSFullAccess\n"},
		{"QueueName: !Ref SinkQueueName", "QueueName: \"*\""},
		{"      Policies:\n", "      Policies:\n        - Statement: [{Effect: Allow, Action: \"sqs:*\", Resource: !GetAtt InputQueue.Arn}]\n"},
	}},
	{"parameters are described", parametersAreDescribed, [][2]string{
		{"    Description: Days that logs are kept\n", ""},
	}},
}

// deployedChecks hold of the template as it is deployed, with each of choices.
var deployedChecks = []check{
	{"nothing dangles", nothingDangles, [][2]string{
		{"    Condition: TopicToQueue\n", ""},
		{"  InputQueueUrl:\n    Condition: HasInputQueue\n", "  InputQueueUrl:\n"},
	}},
	{"messages outlive retries", messagesOutliveRetries, [][2]string{
		{`"900": {Seconds: 5400}`, `"900": {Seconds: 5399}`},
		{`"60": {Seconds: 360}`, `"60": {Seconds: 60}`},
		{"maxReceiveCount: 5", "maxReceiveCount: 4"},
		{"!GetAtt InputDeadLetters.Arn", "arn:elsewhere"},
		{"MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 20000"},
		{"MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 345600"},
		{"      FifoQueue: !If [IsFifo, true, !Ref AWS::NoValue]\n      MessageRetentionPeriod", "      MessageRetentionPeriod"},
	}},
	{"failures are reported", failuresAreReported, [][2]string{
		{"      FunctionResponseTypes: [ReportBatchItemFailures]\n      # A shard", "      # A shard"},
		{"      FunctionResponseTypes: [ReportBatchItemFailures]\n      FilterCriteria: !If [HasQueueFilter", "      FilterCriteria: !If [HasQueueFilter"},
		{"[ReportBatchItemFailures]", "[ReportBatchItemFailure]"},
	}},
	{"mappings are legal", mappingsAreLegal, [][2]string{
		{"BatchSize: !If [IsFifo, 10, 100]", "BatchSize: 100"},
		{"MaximumBatchingWindowInSeconds: !If [IsFifo, !Ref AWS::NoValue, 1]", "MaximumBatchingWindowInSeconds: 1"},
		{"      MaximumBatchingWindowInSeconds: !If [IsFifo, !Ref AWS::NoValue, 1]\n", ""},
		{"MaximumConcurrency: !Ref QueueConcurrency", "MaximumConcurrency: 1"},
		{"FunctionName: !Ref EventsFunction.Alias\n      EventSourceArn", "FunctionName: !Ref EventsFunction\n      EventSourceArn"},
	}},
	{"streams move on", streamsMoveOn, [][2]string{
		{"      BisectBatchOnFunctionError: true\n", ""},
		{"      MaximumRetryAttempts: 100\n", ""},
		{"      MaximumRecordAgeInSeconds: !Ref StreamMaxAge\n", ""},
		{"      DestinationConfig:\n        OnFailure:\n          Destination: !GetAtt EventsFailures.Arn\n", ""},
		{"MetricName: IteratorAge", "MetricName: Duration"},
	}},
	{"calls are bounded", callsAreBounded, [][2]string{
		{"        MaximumEventAgeInSeconds: 21600\n        MaximumRetryAttempts: 2\n", "        MaximumRetryAttempts: 2\n"},
		{"        MaximumRetryAttempts: 2\n", "        MaximumRetryAttempts: 0\n"},
		{"Destination: !GetAtt EventsFailures.Arn\n      Policies", "Destination: arn:aws:sqs:eu-west-1:123456789012:elsewhere\n      Policies"},
		{"MetricName: DestinationDeliveryFailures", "MetricName: Throttles"},
	}},
	{"rules deliver", rulesDeliver, [][2]string{
		{"      SourceArn: !GetAtt NewObjectsRule.Arn\n", ""},
		{"SourceArn: !GetAtt ScheduleRule.Arn", "SourceArn: !GetAtt NewObjectsRule.Arn"},
		{"ArnEquals: {aws:SourceArn: !GetAtt NewObjectsRule.Arn}", "ArnEquals: {aws:SourceArn: !GetAtt ScheduleRule.Arn}"},
		{"            MaximumRetryAttempts: 20\n", ""},
		{"            MaximumEventAgeInSeconds: 21600\n", ""},
		{"          DeadLetterConfig:\n            Arn: !GetAtt EventsFailures.Arn\n", ""},
	}},
	{"topics deliver", topicsDeliver, [][2]string{
		{"      SourceArn: !Ref SourceTopicArn\n", ""},
		{"ArnEquals: {aws:SourceArn: !Ref SourceTopicArn}", "ArnEquals: {aws:SourceArn: arn:elsewhere}"},
		{"!If [IsFifo, !Ref AWS::NoValue, {deadLetterTargetArn: !GetAtt EventsFailures.Arn}]", "{deadLetterTargetArn: !GetAtt EventsFailures.Arn}"},
		{"      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt EventsFailures.Arn\n", ""},
	}},
	{"queues are watched", queuesAreWatched, [][2]string{
		{"Value: !GetAtt InputDeadLetters.QueueName", "Value: !GetAtt InputQueue.QueueName"},
		{"Value: !GetAtt EventsFailures.QueueName", "Value: elsewhere"},
		{"Value: !Ref DeadLetterQueueName", "Value: elsewhere"},
		{"Value: !Ref SourceQueueName", "Value: elsewhere"},
		{"MetricName: ApproximateNumberOfMessagesVisible", "MetricName: NumberOfMessagesSent"},
		{"MetricName: ApproximateAgeOfOldestMessage", "MetricName: NumberOfMessagesSent"},
	}},
	{"settings are known", settingsAreKnown, [][2]string{
		{"COPSE_DEAD_LETTER:", "COPSE_DEADLETTER:"},
		{"COPSE_TIMEOUT: 28s", "COPSE_TIMEOUT: soon"},
		{"COPSE_RESULT_NAME: !If [HasSinkBucket, !Ref ResultName, \"\"]", "COPSE_RESULT_NAME: all.jsonl"},
		{"!Sub s3://${SinkBucket}/${SinkPrefix}\n", "!Sub s3://${SinkBucket}/\n"},
		{"!If [HasSourceBucket, !Sub \"s3://${SourceBucket}/${SourcePrefix}\", \"\"]", "s3://out/a/"},
	}},
}

// transform runs the SAM transform over templates, in one process.
func transform(t *testing.T, texts []string) []template {
	t.Helper()
	python, folder := tool(t, "python"), t.TempDir()
	var paths bytes.Buffer
	for i, text := range texts {
		path := filepath.Join(folder, string(rune('a'+i/26))+string(rune('a'+i%26))+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths.WriteString(path + "\n")
	}
	command := exec.Command(python, "transform.py")
	var complaints bytes.Buffer
	command.Env, command.Stdin, command.Stderr = offline(), &paths, &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("transform.py: %v\n%s", err, &complaints)
	}
	var all []template
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var one template
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if got, want := len(all), len(texts); got != want {
		t.Fatalf("got %d transformed templates, want %d", got, want)
	}
	return all
}

var (
	transformOnce   sync.Once
	transformedOnes map[string]template
)

// transformed is one of the two templates as the transform leaves it, which
// runs once for all tests.
func transformed(t *testing.T, path string) template {
	t.Helper()
	tool(t, "python") // or the test is skipped, and not only the first
	transformOnce.Do(func() {
		all := transform(t, []string{source(t, mainTemplate), source(t, mapTemplate)})
		transformedOnes = map[string]template{mainTemplate: all[0], mapTemplate: all[1]}
	})
	one := transformedOnes[path]
	if one.Error != "" || one.Source == nil {
		t.Fatalf("the transform refuses %s: %s", path, one.Error)
	}
	return one
}

func TestTemplate(t *testing.T) {
	one := transformed(t, mainTemplate)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, problem := range c.check(one) {
				t.Error(problem)
			}
		})
	}
	for _, choice := range choices(one) {
		with, err := one.deployed(choice.given)
		if err != nil {
			t.Errorf("%s: %v", choice.name, err)
			continue
		}
		for _, c := range deployedChecks {
			for _, problem := range c.check(with) {
				t.Errorf("%s: %s: %s", choice.name, c.name, problem)
			}
		}
	}
}

// fails says whether a check finds a fault in a template as deployed with any
// of the switches.
func (c check) fails(one template) bool {
	for _, choice := range append([]choice{{name: "nothing"}}, switches...) {
		if with, err := one.deployed(choice.given); err != nil || len(c.check(with)) > 0 {
			return true
		}
	}
	return false
}

// TestChecksCanFail: each mutation passes the transform and is caught by its
// check.
func TestChecksCanFail(t *testing.T) {
	text := source(t, mainTemplate)
	var mutated []string
	each := func(visit func(c check, deployed bool, m [2]string)) {
		for _, c := range checks {
			for _, m := range c.mutations {
				visit(c, false, m)
			}
		}
		for _, c := range deployedChecks {
			for _, m := range c.mutations {
				visit(c, true, m)
			}
		}
	}
	each(func(c check, _ bool, m [2]string) {
		if !strings.Contains(text, m[0]) {
			t.Fatalf("%s: the template has no %q to mutate", c.name, m[0])
		}
		mutated = append(mutated, strings.ReplaceAll(text, m[0], m[1]))
	})
	results := transform(t, mutated)
	each(func(c check, deployed bool, m [2]string) {
		one := results[0]
		results = results[1:]
		if one.Error != "" {
			t.Errorf("%s: with %q for %q the transform refuses the template, which proves nothing: %s", c.name, m[1], m[0], one.Error)
			return
		}
		if found := deployed && c.fails(one) || !deployed && len(c.check(one)) > 0; !found {
			t.Errorf("%s: with %q for %q no problem was found", c.name, m[1], m[0])
		}
	})
}

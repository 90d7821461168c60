package templatetest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checks are the assertions, each with the mutations that it must catch: text
// of the template and what is put in its place.
var checks = []struct {
	name      string
	check     func(template) problems
	mutations [][2]string
}{
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
	{"messages outlive retries", messagesOutliveRetries, [][2]string{
		{"VisibilityTimeout: 360", "VisibilityTimeout: 359"},
		{"Timeout: 60\n", "Timeout: 61\n"},
		{"maxReceiveCount: 5", "maxReceiveCount: 4"},
		{"!GetAtt InputDeadLetters.Arn", "arn:elsewhere"},
	}},
	{"failures are reported", failuresAreReported, [][2]string{
		{"            FunctionResponseTypes: [ReportBatchItemFailures]\n", ""},
		{"[ReportBatchItemFailures]", "[ReportBatchItemFailure]"},
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
	{"dead letters are seen", deadLettersAreSeen, [][2]string{
		{"Value: !GetAtt InputDeadLetters.QueueName", "Value: !GetAtt InputQueue.QueueName"},
		{"MetricName: ApproximateNumberOfMessagesVisible", "MetricName: NumberOfMessagesSent"},
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
	{"settings are known", settingsAreKnown, [][2]string{
		{"COPSE_DEAD_LETTER:", "COPSE_DEADLETTER:"},
		{"COPSE_TIMEOUT: 28s", "COPSE_TIMEOUT: soon"},
	}},
	{"parameters are described", parametersAreDescribed, [][2]string{
		{"    Description: Days that logs are kept\n", ""},
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

func TestTemplate(t *testing.T) {
	one := transform(t, []string{source(t)})[0]
	if one.Error != "" {
		t.Fatal(one.Error)
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, problem := range c.check(one) {
				t.Error(problem)
			}
		})
	}
}

// TestChecksCanFail: each mutation passes the transform and is caught by its
// check.
func TestChecksCanFail(t *testing.T) {
	text := source(t)
	var mutated []string
	for _, c := range checks {
		for _, m := range c.mutations {
			if !strings.Contains(text, m[0]) {
				t.Fatalf("%s: the template has no %q to mutate", c.name, m[0])
			}
			mutated = append(mutated, strings.ReplaceAll(text, m[0], m[1]))
		}
	}
	results := transform(t, mutated)
	for _, c := range checks {
		for _, m := range c.mutations {
			one := results[0]
			results = results[1:]
			if one.Error != "" {
				t.Errorf("%s: with %q for %q the transform refuses the template, which proves nothing: %s", c.name, m[1], m[0], one.Error)
			} else if len(c.check(one)) == 0 {
				t.Errorf("%s: with %q for %q no problem was found", c.name, m[1], m[0])
			}
		}
	}
}

package lambda

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// fuzzSource fuzzes the events of one source against the slow twin.
func fuzzSource(f *testing.F, prefix string, more ...string) {
	f.Helper()
	for _, payload := range fixturesOf(f, prefix+"*") {
		f.Add(payload)
	}
	for name, payload := range libraryEvents(f) {
		if strings.HasPrefix(name, prefix) {
			f.Add(payload)
		}
	}
	for _, payload := range more {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) { checkTyped(t, payload) })
}

func FuzzSQS(f *testing.F) {
	fuzzSource(f, "sqs", string(listOf(inSQS(inTopic(inTopic(row1))))), string(listOf(inSQS("x"), `{}`)),
		string(listOf(inSQS(ofBridge("a", "b", `{"c":1}`)))))
}

func FuzzSNS(f *testing.F) {
	fuzzSource(f, "sns", string(listOf(`{"EventSource":"aws:sns","Sns":`+inTopic(inTopic(row1))+`}`)))
}

func FuzzS3(f *testing.F) {
	fuzzSource(f, "s3", string(listOf(ofS3(created1, "a+%2B"), ofS3("x", "%zz"))))
}

func FuzzKinesis(f *testing.F) {
	fuzzSource(f, "kinesis", string(listOf(ofKinesis("1", base64.StdEncoding.EncodeToString([]byte(inTopic(row1)))))))
}

func FuzzDynamoDB(f *testing.F) {
	fuzzSource(f, "dynamodb", string(listOf(ofTable("INSERT", `,"NewImage":{"a":{"N":"1e5"},"b":{"NULL":true}}`))))
}

func FuzzEventBridge(f *testing.F) {
	fuzzSource(f, "eventbridge", ofBridge("com.example", "x", inTopic(row1)), ofBridge("aws.s3", "Object Created", `{"bucket":{"name":"b"},"object":{"key":"k","size":1}}`))
}

// FuzzItem: every image becomes a row that is JSON, or is refused; a typed one
// becomes what its types say.
func FuzzItem(f *testing.F) {
	for _, image := range []string{`{"a":{"N":"1"}}`, `{"a":{"S":"x"},"b":{"BOOL":true},"c":{"NULL":true},"d":{"L":[{"N":"1"}]},"e":{"M":{}},"f":{"B":"AA=="},"g":{"SS":["a"]}}`, `{"a":{}}`} {
		f.Add([]byte(image))
	}
	f.Fuzz(func(t *testing.T, image []byte) {
		got, ok := appendItem(nil, image)
		if ok && !json.Valid(got) {
			t.Fatalf("%q became %q", image, got)
		}
		var typed map[string]events.DynamoDBAttributeValue
		if !utf8.Valid(image) || strict(image, &typed) != nil || typed == nil {
			return
		}
		want, err := typedItem(typed)
		if err == nil && (!ok || canonicalJSON(got) != canonicalJSON(want)) {
			t.Errorf("%q became %q, %v, want %q", image, got, ok, want)
		}
	})
}

package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bareRow is a file with a row of the built-in model.
func bareRow(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "row.json")
	if err := os.WriteFile(path, []byte(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInvokeFunction: a flag chooses the function that answers.
func TestInvokeFunction(t *testing.T) {
	row := bareRow(t)
	queue, request, push := filepath.Join(fixtures, "aws/sqs.json"), filepath.Join(fixtures, "aws/http-api-v2.json"), filepath.Join(fixtures, "google/push-row.json")
	if _, err := os.Stat(push); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		status int
		out    string
		sunk   bool
	}{
		{row, 0, `"prediction":"setosa"`, false},
		{row + " --function predict", 0, `"prediction":"setosa"`, false},
		{row + " --function events", 0, `"prediction":"setosa"`, true},
		{queue, 0, `"batchItemFailures":[]`, true},
		{queue + " --function events", 0, `"batchItemFailures":[]`, true},
		{queue + " --function predict", 1, "UnsupportedEvent", false},
		{request + " --function predict", 0, `"statusCode":200`, false},
		{request + " --function events", 1, "UnsupportedEvent", false},
		{row + " --gcf", 0, `"prediction":"setosa"`, false},
		{row + " --gcf --function predict", 0, `"prediction":"setosa"`, false},
		{row + " --gcf --function events", 1, "HTTP/1.1 4", false},
		{push + " --function events", 0, "HTTP/1.1 2", true},
		{push + " --function predict", 1, "HTTP/1.1 4", false},
		{row + " --function both", 2, "", false},
		{row + " --function=", 2, "", false},
	} {
		status, out, log := copseIn(t, append([]string{"invoke", "--event"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(out, c.out) || strings.Contains(log, `"msg":"result"`) != c.sunk {
			t.Errorf("%s: status %d, got %s\n%s", c.args, status, out, log)
		}
	}
}

// TestInvokeSettings: sinks that no function has are refused, and of others it
// is said where results go instead; what is secret in them is not shown.
func TestInvokeSettings(t *testing.T) {
	row := bareRow(t)
	for _, c := range []struct {
		sink, objects string
		status        int
		want          string
	}{
		{"foo://x", "", 2, `COPSE_SINK: there is no sink "foo"`},
		{"s3://", "", 2, "COPSE_SINK: must be"},
		{"sqs:nope", "", 2, "COPSE_SINK: must be"},
		{"sqs:nope", "dir", 2, "COPSE_SINK: must be"},
		{"log", "", 0, ""},
		{"https://example.com/?token=secret", "", 0, "copse: nothing is sent to COPSE_SINK (https): results go to the log\n"},
		{"s3://answers/daily/", "", 0, "copse: nothing is sent to COPSE_SINK (s3): results go to the log\n"},
		{"https://example.com/?token=secret", "dir", 0, "copse: nothing is sent to COPSE_SINK (https): results go to DIR/results\n"},
		{"s3://answers/daily/", "dir", 0, "copse: results go to DIR/answers/daily in place of COPSE_SINK\n"},
	} {
		t.Setenv("COPSE_SINK", c.sink)
		args := []string{"invoke", "--event", row}
		if c.objects != "" {
			c.objects = t.TempDir()
			args = append(args, "--objects", c.objects)
		}
		want := strings.ReplaceAll(c.want, "DIR", c.objects)
		if status, _, log := copseIn(t, args...); status != c.status || !strings.Contains(log, want) || want == "" && log != "" || strings.Contains(log, "secret") {
			t.Errorf("%s: status %d, log %s, want %s", c.sink, status, log, want)
		}
	}
	for _, uri := range []string{"sqs:nope", "s3://x/"} {
		if status, _, log := copseIn(t, "serve", "--addr", "127.0.0.1:0", "--sink", uri); status != 2 || !strings.Contains(log, "--sink: ") {
			t.Errorf("serve --sink %s: status %d, %s", uri, status, log)
		}
	}
}

// TestInvokeSaysWhere: the files that were written are named at the end, and
// so are those that stayed, with advice; the log names a file that is there.
func TestInvokeSaysWhere(t *testing.T) {
	dir, event := buckets(t), filepath.Join(fixtures, "aws/s3.json")
	path := regexp.MustCompile(`(?m)^copse: wrote (.*)$`)
	status, out, log := copseIn(t, "invoke", "--event", event, "--objects", dir)
	said := path.FindStringSubmatch(log)
	if status != 0 || said == nil || strings.Contains(log, "already") {
		t.Fatal(status, out, log)
	}
	first, err := os.ReadFile(said[1])
	if err != nil || len(first) == 0 {
		t.Fatal(err)
	}
	var logged string
	for line := range strings.SplitSeq(log, "\n") {
		var l struct{ Result string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Result != "" {
			logged = l.Result
		}
	}
	if logged != said[1] {
		t.Errorf("the log has %q, want %q", logged, said[1])
	}
	object := filepath.Join(dir, "rows/in/a b+c 100% ü.csv")
	text, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(object, []byte(header+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, log = copseIn(t, "invoke", "--event", event, "--objects", dir)
	if status != 0 || !strings.Contains(log, "copse: "+said[1]+" was there already, and stays as it is\n") || !strings.Contains(log, "copse: for a new result remove the old file") ||
		!strings.Contains(log, `"msg":"object was answered already: the first result stays"`) {
		t.Error(status, out, log)
	}
	if again, err := os.ReadFile(said[1]); err != nil || string(again) != string(first) {
		t.Errorf("the first result did not stay: %s, %v", again, err)
	}
	// Without a folder, the way to one is shown.
	status, out, _ = copseIn(t, "invoke", "--event", event)
	if status != 1 || !strings.Contains(out, "object_refused: no objects of s3:// are read without --objects DIR") {
		t.Error(status, out)
	}
}

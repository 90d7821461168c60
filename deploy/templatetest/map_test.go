package templatetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const mapTemplate = "deploy/distributed-map/template.yaml"

var (
	mapOnce        sync.Once
	mapTransformed template
)

// deployedMap is the template of the state machine as deployed with some
// parameters.
func deployedMap(t *testing.T, given map[string]string) template {
	t.Helper()
	mapOnce.Do(func() {
		text, err := os.ReadFile(filepath.Join(root, mapTemplate))
		if err != nil {
			t.Fatal(err)
		}
		mapTransformed = transform(t, []string{string(text)})[0]
	})
	if mapTransformed.Error != "" || mapTransformed.Source == nil {
		t.Fatalf("the transform refuses %s: %s", mapTemplate, mapTransformed.Error)
	}
	one, err := mapTransformed.deployed(given)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// machine is the state machine's definition as deployed with some parameters.
func machine(t *testing.T, given map[string]string) []byte {
	t.Helper()
	definition := deployedMap(t, given).resources("AWS::StepFunctions::StateMachine")["Machine"].node("Definition")
	plain, err := json.Marshal(named(definition))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// named puts a name in place of what refers to a resource.
func named(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = named(v[i])
		}
	case node:
		return named(map[string]any(v))
	case map[string]any:
		if id := target(v); id != "" && len(v) == 1 {
			return "arn:aws:lambda:eu-west-1:123456789012:function:" + id
		}
		for name := range v {
			v[name] = named(v[name])
		}
	}
	return value
}

// report is what an execution leaves.
type report struct {
	Execution string
	Input     map[string]string
	Objects   int
	Parts     int
	Failed    int
	GivenUp   int `json:"given_up"`
	Rows      int
	BadRows   int `json:"bad_rows"`
	Lines     string
}

// answers is a function that finds ten rows in each object or range.
func answers(c call) (int, any) {
	var predictions []any
	for _, i := range c.Items {
		predictions = append(predictions, map[string]any{"object": i.Object, "rows": 10, "bad": 1, "result": "s3://out/x"})
	}
	return http.StatusOK, map[string]any{"predictions": predictions, "failed": 0}
}

var mapParameters = map[string]string{"SourceBucket": "lake", "SourcePrefix": "in/", "SinkBucket": "out",
	"PartBytes": "1048576", "ObjectsPerBatch": "4"}

func with(given map[string]string, more ...string) map[string]string {
	all := make(map[string]string)
	for name, value := range given {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// TestMap scores a prefix with the machine: small objects together, a large one
// by ranges, and the report counts them all.
func TestMap(t *testing.T) {
	t.Parallel()
	c := begin(t)
	c.answer = answers
	c.put("/lake", "")
	c.put("/out", "")
	for _, name := range []string{"a.csv", "b c+d%25.csv", "deep/", "e.jsonl", "f.csv", "g.csv", "h.csv"} {
		c.put("/lake/in/"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "%20"), "+", "%2B"), "x\n1\n")
	}
	c.put("/lake/elsewhere/z.csv", "x\n1\n")
	large := strings.Repeat("x,y\n", 5<<18/2) // 2.5 MiB
	c.put("/lake/in/large.csv", large)
	c.put("/lake/in/large.csv.gz", large)
	e := c.execute(machine(t, mapParameters), `{}`)
	if e.Status != "SUCCEEDED" {
		t.Fatalf("got %+v", e)
	}
	var got report
	if err := json.Unmarshal([]byte(e.Output), &got); err != nil {
		t.Fatal(err)
	}
	got.Lines = ""
	want := report{Execution: "run", Input: map[string]string{}, Objects: 9, Parts: 10, Rows: 100, BadRows: 10}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if kept := c.request(http.MethodGet, "s3", "/out/reports/run/report.json", nil); !bytes.Contains(kept, []byte(`"rows"`)) {
		t.Errorf("report.json is %s", kept)
	}
	var asked []string
	for _, call := range c.calls {
		var parts []string
		for _, i := range call.Items {
			to := int64(0)
			if i.To != nil {
				to = *i.To
			}
			if i.ETag == "" || strings.Contains(i.ETag, `"`) {
				t.Errorf("%s: etag %q", i.Object, i.ETag)
			}
			parts = append(parts, fmt.Sprintf("%s %d-%d", strings.TrimPrefix(i.Object, "s3://lake/in/"), i.From, to))
		}
		asked = append(asked, strings.Join(parts, ", "))
		if call.Batch.Execution != "run" {
			t.Errorf("BatchInput is %+v", call.Batch)
		}
	}
	slices.Sort(asked)
	wantAsked := []string{
		"a.csv 0-0, b c+d%.csv 0-0, e.jsonl 0-0",
		"f.csv 0-0, g.csv 0-0, h.csv 0-0",
		"large.csv 0-1048576", "large.csv 1048576-2097152", "large.csv 2097152-0",
		"large.csv.gz 0-0",
	}
	if !slices.Equal(asked, wantAsked) {
		t.Errorf("got %q, want %q", asked, wantAsked)
	}
}

// TestManifests: the same objects, named by lists of each form.
func TestManifests(t *testing.T) {
	t.Parallel()
	c := begin(t)
	c.put("/lake", "")
	c.put("/out", "")
	manifests := map[string]string{
		"CSV":   "Bucket,Key,Size,VersionId\nlake,in/a.csv,10,v1\nlake,in/b.csv,2000000,\nlake,in/c.csv,,\n",
		"JSON":  `[{"Key":"in/a.csv","Size":10,"VersionId":"v1"},{"object":"s3://lake/in/b.csv","size":2000000},{"Key":"in/c.csv"}]`,
		"JSONL": `{"Key":"in/a.csv","Size":"10","VersionId":"v1"}` + "\n" + `{"Key":"in/b.csv","Size":2000000}` + "\n" + `{"Key":"in/c.csv"}` + "\n",
	}
	want := []string{"s3://lake/in/a.csv v1 0-0", "s3://lake/in/b.csv  0-1048576", "s3://lake/in/b.csv  1048576-0", "s3://lake/in/c.csv  0-0"}
	for form, text := range manifests {
		c.put("/lake/lists/today", text)
		c.calls, c.answer = nil, answers
		e := c.execute(machine(t, with(mapParameters, "Input", form)), `{"manifest":"lists/today"}`)
		if e.Status != "SUCCEEDED" {
			t.Errorf("%s: got %+v", form, e)
			continue
		}
		var got []string
		for _, call := range c.calls {
			for _, i := range call.Items {
				to := int64(0)
				if i.To != nil {
					to = *i.To
				}
				got = append(got, fmt.Sprintf("%s %s %d-%d", i.Object, i.Version, i.From, to))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", form, got, want)
		}
	}
}

// failing wraps a function: calls with an object of that name fail so often
// with an error of that type.
func failing(name, errorType string, times int) func(call) (int, any) {
	return func(c call) (int, any) {
		for _, i := range c.Items {
			if strings.HasSuffix(i.Object, name) && times > 0 {
				times--
				return http.StatusInternalServerError, map[string]string{"errorType": errorType, "errorMessage": "…"}
			}
		}
		return answers(c)
	}
}

// TestMapFailures: what may pass is tried again, what cannot is not, and the
// report tells of both.
func TestMapFailures(t *testing.T) {
	t.Parallel()
	c := begin(t)
	c.put("/lake", "")
	c.put("/out", "")
	for i := range 8 {
		c.put(fmt.Sprintf("/lake/in/%d.csv", i), "x\n1\n")
	}
	const always = 1 << 30
	hopeless := func(one call) (int, any) {
		var predictions []any
		for _, i := range one.Items {
			if strings.HasSuffix(i.Object, "3.csv") {
				predictions = append(predictions, map[string]any{"error": map[string]string{"code": "malformed", "message": "line 2"}})
			} else {
				predictions = append(predictions, map[string]any{"object": i.Object, "rows": 10, "bad": 0})
			}
		}
		return http.StatusOK, map[string]any{"predictions": predictions, "failed": 1}
	}
	tests := []struct {
		name      string
		answer    func(call) (int, any)
		tolerated string
		calls     int
		status    string
		error     string
		want      report
	}{
		{"passes", failing("3.csv", "TemporaryFailure", 2), "5", 4, "SUCCEEDED", "", report{Objects: 8, Parts: 8, Rows: 80}},
		{"throttled", failing("3.csv", "Lambda.TooManyRequestsException", 8), "5", 10, "SUCCEEDED", "", report{Objects: 8, Parts: 8, Rows: 80}},
		{"hopeless object", hopeless, "5", 2, "FAILED", "SomeFailed", report{Objects: 8, Parts: 8, Rows: 70, Failed: 1}},
		{"given up", failing("3.csv", "TemporaryFailure", always), "50", 10, "FAILED", "SomeFailed", report{Objects: 8, Parts: 4, Rows: 40, GivenUp: 4}},
		{"refused", failing("3.csv", "InvalidInput", always), "50", 2, "FAILED", "SomeFailed", report{Objects: 8, Parts: 4, Rows: 40, GivenUp: 4}},
		{"too many given up", failing("csv", "InvalidInput", always), "50", 2, "FAILED", "States.", report{}},
	}
	for _, tt := range tests {
		c.calls, c.answer = nil, tt.answer
		e := c.execute(machine(t, with(mapParameters, "ToleratedFailurePercentage", tt.tolerated)), "{}")
		if e.Status != tt.status || !strings.HasPrefix(e.Error, tt.error) || len(c.calls) != tt.calls {
			t.Errorf("%s: got %+v after %d calls, want %s %s after %d", tt.name, e, len(c.calls), tt.status, tt.error, tt.calls)
			continue
		}
		text := e.Output
		if e.Error == "SomeFailed" {
			text = e.Cause
		}
		var got report
		if text == "" || tt.error == "States." {
			continue
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v in %s", tt.name, err, text)
		}
		got = report{Objects: got.Objects, Parts: got.Parts, Rows: got.Rows, Failed: got.Failed, GivenUp: got.GivenUp}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// unknown are complaints about what Step Functions documents and the linter
// does not know: JSONata in the place of a number, and newer fields.
var unknown = regexp.MustCompile(`is "\{%[^"]*%\}" but should be|BackoffRate is 2 but should be a Float|Field "(Label|WriterConfig|InputType|CSVHeaderLocation)" not allowed|^\d+ errors?:$|^$`)

// TestMapDefinition: the linter of state machines finds nothing, and sees a
// fault.
func TestMapDefinition(t *testing.T) {
	lint := states(t, "statelint")
	complaints := func(definition []byte) (left []string) {
		path := filepath.Join(t.TempDir(), "machine.json")
		if err := os.WriteFile(path, definition, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(lint, path).CombinedOutput() // a status says less than its lines
		for line := range strings.SplitSeq(string(out), "\n") {
			if line = strings.TrimSpace(line); !unknown.MatchString(line) {
				left = append(left, line)
			}
		}
		return left
	}
	for _, input := range []string{"PREFIX", "CSV"} {
		definition := machine(t, with(mapParameters, "Input", input))
		if left := complaints(definition); len(left) > 0 {
			t.Errorf("%s: %q", input, left)
		}
		if left := complaints(bytes.Replace(definition, []byte(`"Next":"Group"`), []byte(`"Next":"Groups"`), 1)); len(left) == 0 {
			t.Errorf("%s: a transition to nowhere passed", input)
		}
	}
}

// TestMapTemplate holds the template of the state machine to the same checks
// as the other, as far as they concern it.
func TestMapTemplate(t *testing.T) {
	for _, given := range []map[string]string{
		mapParameters,
		with(mapParameters, "Input", "JSONL", "AlarmTopicArn", topic),
		with(mapParameters, "SinkBucket", "lake", "SinkPrefix", "out/"),
	} {
		one := deployedMap(t, given)
		for name, check := range map[string]func(template) problems{
			"runtime is the binary": runtimeIsTheBinary, "built by make": builtByMake, "logs are JSON and expire": logsAreJSONAndExpire,
			"calls are traced": callsAreTraced, "changes are published": changesArePublished, "rights are least": rightsAreLeast,
			"parameters are described": parametersAreDescribed, "nothing dangles": nothingDangles, "settings are known": settingsAreKnown,
		} {
			for _, problem := range check(one) {
				t.Errorf("%v: %s: %s", given, name, problem)
			}
		}
	}
	for _, given := range []map[string]string{
		with(mapParameters, "SinkBucket", "lake", "SourcePrefix", ""),
		with(mapParameters, "SinkBucket", "lake", "SinkPrefix", "in/"),
		with(mapParameters, "SinkBucket", "lake", "ReportPrefix", "in/"),
	} {
		if _, err := mapTransformed.deployed(given); err == nil || !strings.Contains(err.Error(), "NoCircle") {
			t.Errorf("%v: got %v, want a refusal", given, err)
		}
	}
}

package templatetest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// deployedMap is the template of the state machine as deployed with some
// parameters.
func deployedMap(t *testing.T, given map[string]string) template {
	t.Helper()
	one, err := transformed(t, mapTemplate).deployed(given)
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

// counts is the report without what names an execution.
func (r report) counts() report {
	return report{Objects: r.Objects, Parts: r.Parts, Failed: r.Failed, GivenUp: r.GivenUp, Rows: r.Rows, BadRows: r.BadRows}
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
		if _, err := transformed(t, mapTemplate).deployed(given); err == nil || !strings.Contains(err.Error(), "NoCircle") {
			t.Errorf("%v: got %v, want a refusal", given, err)
		}
	}
}

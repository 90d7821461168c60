package templatetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// answers is a function that finds ten rows in each object or range.
func answers(c call) (int, any) {
	var predictions []any
	for _, i := range c.Items {
		predictions = append(predictions, map[string]any{"object": i.Object, "rows": 10, "bad": 1, "result": "s3://out/x"})
	}
	return http.StatusOK, map[string]any{"predictions": predictions, "failed": 0}
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

// failures: what may pass is tried again, what cannot is not, and the report
// tells of both. The function is a stand-in, for these are errors of the
// platform's, or errors without end.
func failures(t *testing.T, c *cloud) {
	c.put("/failing", "")
	for i := range 8 {
		c.put(fmt.Sprintf("/failing/in/%d.csv", i), "x\n1\n")
	}
	const always = 1 << 30
	tests := []struct {
		name      string
		answer    func(call) (int, any)
		tolerated string
		calls     int
		status    string
		error     string
		want      report
	}{
		{"throttled", failing("3.csv", "Lambda.TooManyRequestsException", 8), "5", 10, "SUCCEEDED", "", report{Objects: 8, Parts: 8, Rows: 80, BadRows: 8}},
		{"given up", failing("3.csv", "TemporaryFailure", always), "50", 10, "FAILED", "SomeFailed", report{Objects: 8, Parts: 4, Rows: 40, BadRows: 4, GivenUp: 4}},
		{"refused", failing("3.csv", "InvalidInput", always), "50", 2, "FAILED", "SomeFailed", report{Objects: 8, Parts: 4, Rows: 40, BadRows: 4, GivenUp: 4}},
		{"too many given up", failing("csv", "InvalidInput", always), "50", 2, "FAILED", "States.", report{}},
	}
	for _, tt := range tests {
		c.calls, c.answer = nil, tt.answer
		e := c.execute(machine(t, with(mapParameters, "SourceBucket", "failing", "ToleratedFailurePercentage", tt.tolerated)), "{}")
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
		if got = got.counts(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

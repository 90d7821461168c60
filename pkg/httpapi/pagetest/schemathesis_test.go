package pagetest

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSchemathesis lets schemathesis read /openapi.json and ask the server
// what the document allows and what it does not, with all its checks: the
// document's examples first, then cases of its own. The second server has a
// model with every type of feature.
func TestSchemathesis(t *testing.T) {
	st := installed(t, "schemathesis/bin/st")
	hooks, err := filepath.Abs("schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		row  map[string]any // a valid one
	}{
		{"iris", nil, map[string]any{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}},
		{"houses", []string{"--model", "houses=" + writeBundle(t, houses())}, map[string]any{"area": 120, "rooms": 4,
			"garden": true, "heating": "gas", "age": nil, "depth": 1.5, "__proto__": -1e-3, "submit": "a,\"b\"", "floor": -2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t, tt.args...)
			row, err := json.Marshal(tt.row)
			if err != nil {
				t.Fatal(err)
			}
			work := t.TempDir() // where schemathesis leaves what it remembers
			run := func(env string, args ...string) {
				command := exec.Command(st, append([]string{"--config-file", filepath.Join(hooks, "schemathesis.toml"), "run",
					address + "/openapi.json", "--seed", "1", "--no-color", "--continue-on-failure"}, args...)...)
				command.Dir = work
				command.Env = append(command.Environ(), "PYTHONPATH="+hooks, "PYTHONDONTWRITEBYTECODE=1", "COPSE_ROW="+string(row), env)
				out, err := command.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "No issues found") {
					t.Errorf("schemathesis %v: %v\n%s", args, err, out)
				}
			}
			run("COPSE_EXAMPLES=1", "--phases", "examples")
			run("COPSE_EXAMPLES=", "--phases", "coverage,fuzzing", "--max-examples", "40")
		})
	}
}

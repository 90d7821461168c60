package gcf

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const root = "../.."

// flagFiles are the deployments, and what their command lines add.
var flagFiles = []struct {
	file string
	more []string
	want map[string]any // what differs from common
}{
	{"function.yaml", nil, map[string]any{
		"--entry-point": TargetPredict, "--trigger-http": nil, "--ingress-settings": "all",
		"--set-build-env-vars": buildVars(buildFlags[2] + "," + httpTag),
	}},
	// --retry: without it what fails once is lost.
	{"functions/gcf/pubsub.yaml", []string{"--trigger-topic=flowers"}, map[string]any{"--retry": nil}},
	{"functions/gcf/storage.yaml", []string{"--trigger-bucket=flowers"}, object(map[string]any{"--retry": nil})},
	{"functions/gcf/tasks.yaml", nil, map[string]any{"--trigger-http": nil}},
	{"functions/gcf/eventarc.yaml", nil, object(map[string]any{"--trigger-http": nil})},
}

// common are the flags of most deployments.
var common = map[string]any{
	"--gen2":                     nil,
	"--runtime":                  "go126", // of cloud.google.com/run/docs/runtimes/go; go.mod says go 1.26
	"--source":                   ".",
	"--entry-point":              TargetOnEvent,
	"--no-allow-unauthenticated": nil,
	"--ingress-settings":         "internal-only",
	"--cpu":                      1, // more than one request at a time needs a whole one
	"--memory":                   "512Mi",
	"--concurrency":              40,
	"--min-instances":            0,
	"--max-instances":            20,
	"--timeout":                  "60s",
	"--set-build-env-vars":       buildVars(buildFlags[2]),
}

func buildVars(tags string) map[string]any {
	return map[string]any{"GOFLAGS": "-trimpath " + tags, "GOOGLE_GOLDFLAGS": "-s -w"}
}

// object adds the flags of functions that read objects: one at a time, as long
// as a function may take for an event (cloud.google.com/functions/quotas).
func object(flags map[string]any) map[string]any {
	maps.Copy(flags, map[string]any{"--cpu": 2, "--concurrency": 1, "--max-instances": 100, "--timeout": "540s"})
	return flags
}

func readFlags(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]any{}
	if err := yaml.Unmarshal(text, &flags); err != nil {
		t.Fatal(err)
	}
	return flags
}

// TestFlagValues: gcloud checks no values, so this does.
func TestFlagValues(t *testing.T) {
	for _, f := range flagFiles {
		want := maps.Clone(common)
		maps.Copy(want, f.want)
		flags := readFlags(t, f.file)
		if !reflect.DeepEqual(flags, want) {
			t.Errorf("%s: got %v, want %v", f.file, flags, want)
		}
	}
}

// need finds a program that this machine may lack, but CI may not.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("skipped: %s is not installed", program)
	return ""
}

// deployment is the command that deploys with a flags file.
func deployment(file string, more ...string) []string {
	return append([]string{"functions", "deploy", "predict", "--flags-file=" + file, "--project=p", "--region=r"}, more...)
}

func TestGcloudTakesTheFlags(t *testing.T) {
	var commands [][]string
	for _, f := range flagFiles {
		commands = append(commands, deployment(filepath.Join(root, f.file), f.more...))
	}
	for i, said := range dryRun(t, commands) {
		if !strings.Contains(said, noAccount) {
			t.Errorf("%s: %s", flagFiles[i].file, said)
		}
	}
}

// TestGcloudNamesAMisspeltFlag proves that the check above checks.
func TestGcloudNamesAMisspeltFlag(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "function.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "misspelt.yaml")
	if err := os.WriteFile(file, bytes.Replace(text, []byte("--concurrency"), []byte("--concurency"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	line := 1 + bytes.Count(text[:bytes.Index(text, []byte("--concurrency"))], []byte("\n"))
	got := dryRun(t, [][]string{deployment(file)})[0]
	if !strings.Contains(got, "unrecognized arguments: --concurency") || !strings.Contains(got, "misspelt.yaml:"+strconv.Itoa(line)) {
		t.Errorf("line %d is not named: %s", line, got)
	}
}

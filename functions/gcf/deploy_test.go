package gcf

import (
	"bytes"
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

// flagFiles are the two deployments, and what their command lines add.
var flagFiles = []struct {
	file, target string
	more         []string
}{
	{"function.yaml", TargetPredict, nil},
	{"functions/gcf/events.yaml", TargetOnEvent, []string{"--trigger-topic=flowers"}},
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
		flags := readFlags(t, f.file)
		want := map[string]any{
			"--gen2":                     nil,
			"--runtime":                  "go126", // of cloud.google.com/run/docs/runtimes/go; go.mod says go 1.26
			"--source":                   ".",
			"--entry-point":              f.target,
			"--no-allow-unauthenticated": nil,
			"--cpu":                      1, // more than one request at a time needs a whole one
			"--memory":                   "512Mi",
			"--concurrency":              40,
			"--min-instances":            0,
			"--max-instances":            20,
			"--timeout":                  "60s",
			"--set-build-env-vars": map[string]any{
				"GOFLAGS":          "-trimpath " + buildFlags[2],
				"GOOGLE_GOLDFLAGS": "-s -w",
			},
		}
		if f.target == TargetPredict {
			want["--trigger-http"] = nil
			want["--ingress-settings"] = "all"
		} else {
			want["--retry"] = nil // without it a message that fails once is lost
			want["--ingress-settings"] = "internal-only"
		}
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

// deploy runs gcloud without an account, as far as it goes: flags are checked
// first.
func deploy(t *testing.T, file string, more ...string) string {
	t.Helper()
	cmd := exec.Command(need(t, "gcloud"), append([]string{"functions", "deploy", "predict", "--flags-file=" + file, "--project=p"}, more...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	text, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("gcloud deployed without an account")
	}
	return string(text)
}

func TestGcloudTakesTheFlags(t *testing.T) {
	need(t, "gcloud")
	for _, f := range flagFiles {
		if got := deploy(t, f.file, f.more...); !strings.Contains(got, "do not currently have an active account selected") {
			t.Errorf("%s: %s", f.file, got)
		}
	}
}

// TestGcloudNamesAMisspeltFlag proves that the check above checks.
func TestGcloudNamesAMisspeltFlag(t *testing.T) {
	need(t, "gcloud")
	text, err := os.ReadFile(filepath.Join(root, "function.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "misspelt.yaml")
	if err := os.WriteFile(file, bytes.Replace(text, []byte("--concurrency"), []byte("--concurency"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	line := 1 + bytes.Count(text[:bytes.Index(text, []byte("--concurrency"))], []byte("\n"))
	got := deploy(t, file)
	if !strings.Contains(got, "unrecognized arguments: --concurency") || !strings.Contains(got, "misspelt.yaml:"+strconv.Itoa(line)) {
		t.Errorf("line %d is not named: %s", line, got)
	}
}

package local

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const fixtures = "../../testdata/events"

// failing are the fixtures of AWS whose event does not succeed as a whole, and
// what is printed then. All others do.
var failing = map[string]string{
	"dynamodb-keys-only.json":    `"itemIdentifier"`,
	"eventbridge-scheduled.json": `"errorType":"InvalidInput"`,
	"kinesis-partial.json":       `"itemIdentifier"`,
	"s3-bad-key.json":            `"errorType":"InvalidInput"`,
	"s3-missing.json":            `"errorType":"InvalidInput"`,
	"sns-bad.json":               `"errorType":"InvalidInput"`,
	"sqs-fifo.json":              `"itemIdentifier"`,
	"sqs-nested-three.json":      `"itemIdentifier"`,
	"sqs-odd-records.json":       `"itemIdentifier"`,
	"sqs-partial.json":           `"itemIdentifier"`,
	"sqs-s3-several.json":        `"itemIdentifier"`,
}

// copseIn runs the real command.
func copseIn(t *testing.T, args ...string) (status int, out, log string) {
	t.Helper()
	cmd := exec.Command("copse", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		status = exit.ExitCode()
	}
	return status, stdout.String(), stderr.String()
}

// TestInvokeRunsEveryFixture runs the real command on each, with a folder in
// place of the buckets.
func TestInvokeRunsEveryFixture(t *testing.T) {
	run := func(name string) (int, string, string) {
		return copseIn(t, "invoke", "--event", name, "--objects", buckets(t))
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, 2)
	each := func(pattern string, hold func(name string)) {
		names, err := filepath.Glob(filepath.Join(fixtures, pattern))
		if err != nil || len(names) == 0 {
			t.Fatal("no fixtures: ", pattern)
		}
		for _, name := range names {
			wait.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				hold(name)
			})
		}
	}
	each("aws/*.json", func(name string) {
		status, out, log := run(name)
		want, fails := failing[filepath.Base(name)]
		switch {
		case fails && (status != 1 || !strings.Contains(out, want)), !fails && status != 0:
			t.Errorf("%s: status %d, got %s\n%s", name, status, out, log)
		case !strings.HasPrefix(out, "{"):
			t.Errorf("%s: got %s", name, out)
		}
	})
	answered := regexp.MustCompile(`^HTTP/1\.1 [1-5]\d\d `)
	for _, pattern := range []string{"google/*.json", "google/*.http"} {
		each(pattern, func(name string) {
			if status, out, log := run(name); status > 1 || !answered.MatchString(out) {
				t.Errorf("%s: status %d, got %s\n%s", name, status, out, log)
			}
		})
	}
	wait.Wait()
}

// buckets is a copy of the fixtures' objects, for an invocation to write into.
func buckets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(fixtures, "objects"))); err != nil {
		t.Error(err)
	}
	return dir
}

// written lists the files below dir.
func written(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

// TestInvokeWritesWhatScoreDoes: the result of an object is copse score's, of
// whatever source the event is, and a second event of the same object changes
// nothing.
func TestInvokeWritesWhatScoreDoes(t *testing.T) {
	for event, object := range map[string]string{
		"s3.json": "in/a b+c 100% ü.csv", "sqs-sns-s3.json": "in/a b+c 100% ü.csv", "eventbridge-s3.json": "in/a b.csv",
		"eventbridge-scheduled-input.json": "in/a b.csv",
	} {
		dir := buckets(t)
		_, want, _ := copseIn(t, "score", "--format", "jsonl", filepath.Join(dir, "rows", object))
		for range 2 {
			status, out, log := copseIn(t, "invoke", "--event", filepath.Join(fixtures, "aws", event), "--objects", dir)
			names := written(t, filepath.Join(dir, "results"))
			if status != 0 || len(names) != 1 || !strings.HasPrefix(names[0], "rows/in/") {
				t.Fatalf("%s: status %d, %s, results %q\n%s", event, status, out, names, log)
			}
			got, err := os.ReadFile(filepath.Join(dir, "results", names[0]))
			if err != nil || string(got) != want || want == "" {
				t.Errorf("%s: got %s, %v, want %s", event, got, err, want)
			}
		}
	}
}

// TestInvokeSinks: with a folder for buckets, results go below the sink's name
// in it where it is one, and dead letters too.
func TestInvokeSinks(t *testing.T) {
	dir := buckets(t)
	t.Setenv("COPSE_SINK", "s3://answers/daily/")
	t.Setenv("COPSE_DEAD_LETTER", "gs://dead/")
	if status, out, log := copseIn(t, "invoke", "--event", filepath.Join(fixtures, "aws/sqs-partial.json"), "--objects", dir); status != 0 {
		t.Fatal(status, out, log)
	}
	for where, want := range map[string]int{"answers/daily": 2, "dead": 2} {
		if names := written(t, filepath.Join(dir, where)); len(names) != want {
			t.Errorf("%s has %q, want %d", where, names, want)
		}
	}
	t.Setenv("COPSE_SINK", "sqs:https://sqs.eu-west-1.amazonaws.com/1/q")
	if status, out, log := copseIn(t, "invoke", "--event", filepath.Join(fixtures, "aws/sqs.json"), "--objects", dir); status != 0 || len(written(t, filepath.Join(dir, "results"))) != 3 {
		t.Error(status, out, log, written(t, dir))
	}
	status, out, log := copseIn(t, "invoke", "--event", filepath.Join(fixtures, "aws/sqs.json"))
	if status != 0 || !strings.Contains(log, `"msg":"result"`) {
		t.Error(status, out, log)
	}
	if status, _, log := copseIn(t, "invoke", "--event", filepath.Join(fixtures, "aws/sqs.json"), "--objects", filepath.Join(dir, "absent")); status != 2 || !strings.Contains(log, "absent") {
		t.Error(status, log)
	}
	if names := written(t, dir); !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "rows/") }) {
		t.Error("the objects are gone: ", names)
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
)

// command is this command, built; copse the one that it is compared with.
var command, copse string

func TestMain(m *testing.M) { os.Exit(withCommands(m)) }

func withCommands(m *testing.M) int {
	dir, err := os.MkdirTemp("", "copse-beam")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	command, copse = filepath.Join(dir, "copse-beam"), filepath.Join(dir, "copse")
	for to, in := range map[string]struct{ dir, path string }{
		command: {".", "."}, copse: {filepath.Join("..", "..", ".."), "./functions/local/copse"},
	} {
		build := exec.Command("go", "build", "-o", to, in.path)
		build.Dir, build.Env = in.dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("go build: %v\n%s", err, out))
		}
	}
	return m.Run()
}

// result is what a command did.
type result struct {
	status    int
	out, errs string
}

func start(t *testing.T, dir, command string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(command, args...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &errs
	err := c.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		return result{e.ExitCode(), out.String(), errs.String()}
	}
	return result{0, out.String(), errs.String()}
}

func rows(n int, bad bool) string {
	var b strings.Builder
	b.WriteString("sepal_length,sepal_width,petal_length,petal_width\n")
	for i := range n {
		fmt.Fprintf(&b, "%.1f,3,%.1f,0.3\n", 4+float64(i%30)/10, 1+float64(i%55)/10)
	}
	if bad {
		b.WriteString("5,99,1,1\n")
	}
	return b.String()
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{ // whatever this machine's are
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
	} {
		t.Setenv(name, value)
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"in/a.csv": rows(500, false), "in/b.csv": rows(700, false), "bad.csv": rows(50, true), "other.csv": "a,b\n1,2\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   string // on standard error, at its end
	}{
		{"ranges", []string{"--runner", "prism", "--out", "o1", "--range", "1000", "in/*.csv"}, 0,
			"copse-beam: 2 files, 1200 rows, 0 of them with an error in place of an answer\n"},
		{"a bad row", []string{"--runner", "local", "--format", "jsonl", "--out", "o2", "bad.csv"}, 1,
			"copse-beam: bad.csv: 1 of 51 rows have an error in place of an answer; the first: row 50: sepal_width must be at most 10 cm\n" +
				"copse-beam: 1 file, 51 rows, 1 of them with an error in place of an answer\n"},
		{"a column that is no feature", []string{"--out", "o3", "other.csv"}, 2,
			"copse-beam: other.csv: unknown column \"a\" (--ignore-extra passes over columns that are no feature)\n"},
		{"no such file", []string{"--out", "o3", "nix.csv"}, 2, "copse-beam: nix.csv: no such file or directory\n"},
		{"no such pattern", []string{"--out", "o3", "n*.csv"}, 2, "copse-beam: n*.csv: no such file\n"},
		{"no files", []string{"--out", "o3"}, 2, "copse-beam: which files? (see copse-beam --help)\n"},
		{"no folder", []string{"in/a.csv"}, 2, "copse-beam: --out: the folder of the results is missing\n"},
		{"no such model", []string{"--model", "nix", "--out", "o3", "in/a.csv"}, 2, "copse-beam: model nix: open nix: no such file or directory\n"},
		{"no such runner", []string{"--runner=nope", "--out", "o3", "in/a.csv"}, 2,
			"copse-beam: --runner: there is no \"nope\": there are prism (the default), dataflow, flink, spark and universal\n"},
		{"a flag behind a file", []string{"--out", "o3", "in/a.csv", "--format=jsonl"}, 2,
			"copse-beam: --format=jsonl stands behind a file: put all flags before the files (a file of that name is ./--format=jsonl)\n"},
		{"no range", []string{"--range", "0", "--out", "o3", "in/a.csv"}, 2, "copse-beam: range: must be at least 64 bytes\n"},
		{"a negative range", []string{"--range", "-1", "--out", "o3", "in/a.csv"}, 2, "copse-beam: range: must be at least 64 bytes\n"},
		{"no endpoint", []string{"--runner=flink", "--out", "o3", "in/a.csv"}, 2,
			"copse-beam: --endpoint: where is the job server of flink? (HOST:PORT, such as localhost:8099)\n"},
		{"no such worker", []string{"--runner=spark", "--endpoint=127.0.0.1:1", "--worker_binary=nix", "--out", "o3", "in/a.csv"}, 2,
			"copse-beam: --worker_binary: stat nix: no such file or directory\n"},
		{"a dead endpoint", []string{"--runner=flink", "--endpoint=127.0.0.1:1", "--environment_type=LOOPBACK", "--out", "o3", "in/a.csv"}, 2,
			"copse-beam: --endpoint: the job server cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused\n"},
		{"a dead endpoint of prism", []string{"--endpoint=127.0.0.1:1", "--environment_type=LOOPBACK", "--out", "o3", "in/a.csv"}, 2,
			"copse-beam: --endpoint: the job server cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused\n"},
		{"no region", []string{"--out", "s3://b/out", "in/a.csv"}, 2,
			"copse-beam: s3://b/out: the region is not known: set AWS_REGION to the bucket's, here and for the workers\n"},
		{"no such form", []string{"--format", "xml", "--out", "o3", "in/a.csv"}, 2, "copse-beam: format: must be csv or jsonl\n"},
		{"no leaves", []string{"--output", "twigs", "--out", "o3", "in/a.csv"}, 2, "copse-beam: output: must be prediction, values, margin or leaf\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, dir, command, c.args...)
			if r.status != c.status || !strings.HasSuffix(r.errs, c.says) || r.out != "" {
				t.Errorf("got status %d, %q, %q, want %d and %q", r.status, r.errs, r.out, c.status, c.says)
			}
			if strings.Contains(r.errs, "parts of results") {
				t.Errorf("it speaks of parts: %q", r.errs)
			}
			if c.status < 2 && r.errs != c.says {
				t.Errorf("it says more: %q", r.errs)
			}
		})
	}
	for result, in := range map[string][]string{
		"o1/a.csv.csv": {"in/a.csv"}, "o1/b.csv.csv": {"in/b.csv"}, "o2/bad.csv.jsonl": {"--format", "jsonl", "bad.csv"},
	} {
		got, err := os.ReadFile(filepath.Join(dir, result))
		if want := start(t, dir, copse, append([]string{"score"}, in...)...); err != nil || string(got) != want.out {
			t.Errorf("%s is not what copse score writes: %v", result, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "o*", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v stayed", left)
	}
	if all, err := filepath.Glob(filepath.Join(dir, "o3", "*")); err != nil || len(all) > 0 {
		t.Errorf("%v were written by pipelines that failed", all)
	}
}

func TestHelp(t *testing.T) {
	r := start(t, ".", command, "--help")
	for _, want := range []string{"copse-beam [flags] --out FOLDER IN…", "before the files", "-runner", "-range", "-model", "docs/beam.md"} {
		if !strings.Contains(r.errs, want) {
			t.Errorf("no %s in %s", want, r.errs)
		}
	}
	if strings.Contains(r.errs, "-autoscaling") {
		t.Error("the help has Beam's flags in it")
	}
}

func TestReason(t *testing.T) {
	for _, c := range []struct{ err, want string }{
		{"job job-1 failed:\nbundle x failed:while executing\n\tcaused by:\nDoFn[UID:4, PID:e8, Name: a.b] failed:\nx.csv: is broken\n", "x.csv: is broken"},
		{"no job service endpoint specified", "no job service endpoint specified"},
	} {
		if got := reason(errors.New(c.err)).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestWorker: this binary is the worker's where it can be, so that Beam looks
// for no sources.
func TestWorker(t *testing.T) {
	was := *jobopts.WorkerBinary
	t.Cleanup(func() { *jobopts.WorkerBinary = was })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	*jobopts.WorkerBinary = ""
	err = worker()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		if err == nil || !strings.Contains(err.Error(), "make beam") {
			t.Errorf("got %v", err)
		}
	} else if err != nil || *jobopts.WorkerBinary != self {
		t.Errorf("got %q, %v, want %q", *jobopts.WorkerBinary, err, self)
	}
	*jobopts.WorkerBinary = command
	if err := worker(); err != nil || *jobopts.WorkerBinary != command {
		t.Errorf("got %q, %v, want %q", *jobopts.WorkerBinary, err, command)
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int64]string{0: "0 files", 1: "1 file", 2: "2 files"} {
		if got := counted(n, "file"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package copsebeam

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/memfs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

// copse is the command that everything here is compared with.
var copse string

func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what tests look at is in results
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "copse-beam")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	copse = filepath.Join(dir, "copse")
	build := exec.Command("go", "build", "-o", copse, "./functions/local/copse")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("go build: %v\n%s", err, out))
	}
	return m.Run()
}

// score is what copse score writes with these arguments. Rows that have an
// error are no failure here.
func score(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(copse, append([]string{"score"}, args...)...)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || e.ExitCode() != 1) {
		t.Fatalf("copse score %v: %v\n%s", args, err, &errs)
	}
	return out.Bytes()
}

// runPrism runs a pipeline on Beam's own runner, in this process.
func runPrism(t *testing.T, p *beam.Pipeline) (Count, error) {
	t.Helper()
	result, err := beam.Run(context.Background(), "prism", p)
	if err != nil {
		return Count{}, err
	}
	return Counts(result), nil
}

func mustRun(t *testing.T, p *beam.Pipeline) Count {
	t.Helper()
	n, err := runPrism(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustModel(t *testing.T, uri string) *Model {
	t.Helper()
	m, err := OpenModel(context.Background(), uri)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// xgboost is a model that has margins and leaves.
const xgboost = "../../testdata/models/xgboost/1.7-multi-softprob/model.json"

// irisRows are rows of the built-in model in JSON; every hundredth breaks a
// rule, and some are the same.
func irisRows(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]string, n)
	for i := range rows {
		width := 2 + 2*r.Float64()
		if i%100 == 99 {
			width = 40
		}
		rows[i] = fmt.Sprintf(`{"sepal_length":%.1f,"sepal_width":%.1f,"petal_length":%.1f,"petal_width":%.1f}`,
			4+3*r.Float64(), width, 1+5*r.Float64(), 0.1+2*r.Float64())
	}
	return rows
}

// got is what pipelines of tests left, by the name of the test.
var got struct {
	sync.Mutex
	of map[string][]found
}

// found is an element as a DoFn sees it.
type found struct {
	key, value string
	window     string
	time       int64
}

func init() {
	beam.RegisterDoFn(reflect.TypeFor[collectFn]())
}

// collectFn keeps elements of KV<string, []byte> for the test of a name.
type collectFn struct{ Test string }

func (f *collectFn) ProcessElement(w beam.Window, t beam.EventTime, key string, value []byte) {
	e := found{key: key, value: string(value), time: t.Milliseconds()}
	if in, ok := w.(window.IntervalWindow); ok {
		e.window = fmt.Sprintf("%d-%d", in.Start.Milliseconds(), in.End.Milliseconds())
	}
	got.Lock()
	defer got.Unlock()
	if got.of == nil {
		got.of = map[string][]found{}
	}
	got.of[f.Test] = append(got.of[f.Test], e)
}

func collect(t *testing.T, s beam.Scope, c beam.PCollection) {
	beam.ParDo0(s, &collectFn{t.Name()}, c)
}

func collected(t *testing.T) []found {
	got.Lock()
	defer got.Unlock()
	return got.of[t.Name()]
}

// writeText puts a file into a test's folder.
func writeText(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(text []byte) []string {
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

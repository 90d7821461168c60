// Command serving compares `copse serve` with a bare net/http handler and with
// FastAPI, as its best users would write it (best.py) and as its manual has it
// (manual.py), all in one run and in turn. What counts is the processor time
// that a server uses for a request, so that the load generator beside it and
// whatever else the machine does fall out. It prints tables in Markdown.
//
//	go run ./bench/serving
//
// It makes a virtual environment of requirements.txt at .venv/serving and the
// Python models at .cache/serving where they are missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "bare" {
		fail(bare(os.Args[2], os.Args[3]))
		return
	}
	rounds := flag.Int("rounds", 5, "rounds, in each of which every server has its turn")
	scale := flag.Float64("scale", 1, "factor of the number of requests of a turn")
	flag.Parse()
	if *rounds < 1 || *scale <= 0 {
		fail(fmt.Errorf("-rounds and -scale must be above zero"))
	}
	fail(compare(context.Background(), os.Stdout, *rounds, *scale))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "serving:", err)
		os.Exit(1)
	}
}

// compare runs both comparisons.
func compare(ctx context.Context, w io.Writer, rounds int, scale float64) error {
	b := bench{python: filepath.Join(".venv", "serving", "bin"), models: filepath.Join(".cache", "serving"), rounds: rounds, scale: scale}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.single(ctx, w); err != nil {
		return err
	}
	return b.batches(ctx, w)
}

// bench is one run of the program.
type bench struct {
	python string // folder of the virtual environment's programs
	models string // folder of the models
	rounds int
	scale  float64
}

// prepare builds and trains what is missing.
func (b *bench) prepare(ctx context.Context) error {
	here := filepath.Join("bench", "serving")
	steps := [][]string{{"make", "--no-print-directory", "copse"}}
	if _, err := os.Stat(filepath.Join(b.python, "uvicorn")); err != nil {
		steps = append(steps, []string{"python3", "-m", "venv", filepath.Dir(b.python)},
			[]string{filepath.Join(b.python, "pip"), "install", "-q", "--disable-pip-version-check", "-r", filepath.Join(here, "requirements.txt")})
	}
	steps = append(steps, []string{filepath.Join(b.python, "python"), filepath.Join(here, "train.py"), b.models, filepath.Join("testdata", "iris", "iris.csv")})
	for _, step := range steps {
		command := exec.CommandContext(ctx, step[0], step[1:]...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("%v (in the repository's root): %w", step, err)
		}
	}
	bundle, err := wideModel()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.models, "wide.copse"), bundle, 0o600)
}

// wideModel is a forest of 100 complete trees of depth 6 on 30 features that
// vote for one of three classes.
func wideModel() ([]byte, error) {
	m := irtest.Forest(irtest.Shape{Trees: 100, Depth: 6, Features: 30, Outputs: 3, Votes: true, Precision: ir.Float32, Seed: 1})
	doc := schema.Document{Name: "wide", Labels: wideLabels}
	for _, name := range m.FeatureNames {
		doc.Features = append(doc.Features, schema.Feature{Name: name, Type: schema.Number, Rules: "gte=-10,lte=10"})
	}
	return predict.Compile(m, doc, predict.Info{Name: "wide"}, irtest.Rows(m, 16, 1))
}

var wideLabels = []string{"0", "1", "2"}

// copse starts `copse serve`; with a model, that one.
func (b *bench) copse(ctx context.Context, env []string, model ...string) (*server, error) {
	args := []string{"serve", "--addr", "ADDR"}
	for _, m := range model {
		args = append(args, "--model", filepath.Join(b.models, m))
	}
	return start(ctx, "copse serve", env, filepath.Join("bin", "copse"), args...)
}

// fastAPI starts one of the two applications with one worker of uvicorn at its
// fastest.
func (b *bench) fastAPI(ctx context.Context, name, app, model, labels string) (*server, error) {
	env := []string{"COPSE_BENCH_MODEL=" + filepath.Join(b.models, model), "COPSE_BENCH_LABELS=" + labels}
	return start(ctx, name, env, filepath.Join(b.python, "uvicorn"), app+":app", "--app-dir", filepath.Join("bench", "serving"),
		"--host", "HOST", "--port", "PORT", "--workers", "1", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
}

// bareServer starts this program as the bare handler whose answers have size
// bytes.
func bareServer(ctx context.Context, size int) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, "bare net/http", nil, self, "bare", "ADDR", strconv.Itoa(size))
}

// bare serves the same bytes to every request, once it has read it.
func bare(addr, size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	answer := make([]byte, n)
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // a client that is gone needs no answer
	}))
}

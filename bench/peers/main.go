// Command peers compares `copse bench` with the libraries that trained the
// models and those that are made to score them fast: the same model files, the
// same rows, one thread, in turn in one run. Python measures (measure.py);
// this program prepares what it needs and makes of its figures the tables of
// README.md, beside it, and a picture.
//
//	go run ./bench/peers -o bench/peers/README.md -picture docs/images/peers.svg
//
// It makes a virtual environment of requirements.txt at .venv/peers, and the
// models and what compilers make of them at .cache/peers, where they are
// missing: the first run takes long.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"example.com/copse/bench/internal/figures"
)

// Where this program's parts are, from the repository's root.
var (
	here  = filepath.Join("bench", "peers")
	venv  = filepath.Join(".venv", "peers")
	cache = filepath.Join(".cache", "peers")
	iris  = filepath.Join("testdata", "iris", "iris.csv")
	// measured is what measure.py printed in the last run that was whole.
	measured = filepath.Join(cache, "measured.jsonl")
)

// options are what a run measures.
type options struct {
	rounds  int
	batches string
	cases   string
	again   bool
}

func main() {
	var o options
	page := flag.String("o", "", "page whose marked part is replaced; without it, standard output")
	picture := flag.String("picture", "", "SVG file to write; without it, none")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds, in each of which every side has its turn")
	flag.StringVar(&o.batches, "batches", "1,8,64,1000", "rows of one call; 100000 is possible too")
	flag.StringVar(&o.cases, "cases", "A,B,C,D,E,F,G,H,I", "models to measure, of those of models.py")
	flag.BoolVar(&o.again, "again", false, "measure nothing: tables and picture of the last run's figures")
	flag.Parse()
	err := o.check()
	if err == nil {
		err = run(context.Background(), o, *page, *picture)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func (o options) check() error {
	if o.rounds < 1 {
		return fmt.Errorf("-rounds must be above zero")
	}
	for _, batch := range strings.Split(o.batches, ",") {
		if n, err := strconv.Atoi(batch); err != nil || n < 1 {
			return fmt.Errorf("-batches: %q is no number of rows", batch)
		}
	}
	return nil
}

func run(ctx context.Context, o options, page, picture string) error {
	if !o.again {
		if err := prepare(ctx, o); err != nil {
			return err
		}
		if err := measure(ctx, o); err != nil {
			return err
		}
	}
	out, err := os.ReadFile(measured)
	if err != nil {
		return err
	}
	cases, err := parse(out)
	if err != nil {
		return err
	}
	var tables bytes.Buffer
	if err := write(&tables, cases); err != nil {
		return err
	}
	if picture != "" {
		if err := os.WriteFile(picture, draw(cases), 0o644); err != nil {
			return err
		}
	}
	return figures.Deliver(page, "bench-peers", tables.String())
}

// prepare builds, installs and trains what is missing.
func prepare(ctx context.Context, o options) error {
	if err := step(ctx, "make", "--no-print-directory", "copse"); err != nil {
		return err
	}
	if err := install(ctx); err != nil {
		return err
	}
	args := append([]string{filepath.Join(here, "models.py"), cache, iris}, strings.Split(o.cases, ",")...)
	return step(ctx, python(), append(quiet(), args...)...)
}

// install makes the virtual environment, and again what requirements.txt has
// otherwise than the copy that lies in the environment.
func install(ctx context.Context) error {
	wanted, err := os.ReadFile(filepath.Join(here, "requirements.txt"))
	if err != nil {
		return fmt.Errorf("run it in the repository's root: %w", err)
	}
	installed := filepath.Join(venv, "requirements.txt")
	if got, err := os.ReadFile(installed); err == nil && bytes.Equal(got, wanted) {
		return nil
	}
	for _, s := range [][]string{
		{"python3", "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "-r", filepath.Join(here, "requirements.txt")},
	} {
		if err := step(ctx, s[0], s[1:]...); err != nil {
			return err
		}
	}
	return os.WriteFile(installed, wanted, 0o600)
}

func step(ctx context.Context, program string, args ...string) error {
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return nil
}

func python() string { return filepath.Join(venv, "bin", "python") }

// quiet are Python's arguments that leave out warnings of the libraries.
func quiet() []string { return []string{"-W", "ignore"} }

// measure runs measure.py and keeps what it prints.
func measure(ctx context.Context, o options) error {
	args := append(quiet(), filepath.Join(here, "measure.py"), "--copse", filepath.Join("bin", "copse"), "--cache", cache,
		"--rounds", strconv.Itoa(o.rounds), "--batches", o.batches, "--cases", o.cases)
	command := exec.CommandContext(ctx, python(), args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("measure.py: %w", err)
	}
	return os.WriteFile(measured, out, 0o600)
}

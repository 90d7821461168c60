// Command bulk measures how fast files are scored: objects as functions score
// them, from the bytes of a local file to the bytes of the result, on one core
// and on all; what they hold in memory; and `copse score` against pandas and
// XGBoost, in turn in one run. It prints tables in Markdown.
//
//	go run ./bench/bulk
//
// It makes a virtual environment of requirements.txt at .venv/bulk, and the
// model and the files at .cache/bulk, where they are missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"example.com/copse/bench/internal/figures"
)

// Where this program's parts are, from the repository's root.
var (
	here  = filepath.Join("bench", "bulk")
	venv  = filepath.Join(".venv", "bulk")
	cache = filepath.Join(".cache", "bulk")
)

// rows of each file.
const rows = 400_000

func main() {
	if len(os.Args) == 5 && os.Args[1] == child {
		fail(score(os.Args[2], os.Args[3], os.Args[4], os.Stdout))
		return
	}
	rounds := flag.Int("rounds", 7, "rounds, in each of which everything has its turn")
	large := flag.Int("large", 5, "size of the large object, in GB")
	flag.Parse()
	if *rounds < 1 || *large < 1 {
		fail(fmt.Errorf("-rounds and -large must be above zero"))
	}
	fail(measure(context.Background(), os.Stdout, *rounds, *large))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bulk:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, w io.Writer, rounds, large int) error {
	if err := prepare(ctx); err != nil {
		return err
	}
	var table []figures.Figure
	for _, step := range []func() ([]figures.Figure, error){
		func() ([]figures.Figure, error) { return oneCore(ctx, rounds) },
		func() ([]figures.Figure, error) { return allCores(ctx, rounds) },
		func() ([]figures.Figure, error) { return memory(ctx, large) },
		func() ([]figures.Figure, error) { return peers(ctx, rounds) },
	} {
		more, err := step()
		if err != nil {
			return err
		}
		table = append(table, more...)
	}
	heading := fmt.Sprintf("Scoring of files (%d rows of 30 columns, XGBoost, 100 trees of depth 6; best or median of %d rounds)", rows, rounds)
	return figures.Write(w, heading, table)
}

// prepare builds and makes what is missing.
func prepare(ctx context.Context) error {
	steps := [][]string{{"make", "--no-print-directory", "copse"}}
	if _, err := os.Stat(filepath.Join(venv, "bin", "python")); err != nil {
		steps = append(steps, []string{"python3", "-m", "venv", venv},
			[]string{filepath.Join(venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "-r", filepath.Join(here, "requirements.txt")})
	}
	if _, err := os.Stat(filepath.Join(cache, "rows.csv")); err != nil { // written last
		steps = append(steps, []string{filepath.Join(venv, "bin", "python"), filepath.Join(here, "prepare.py"), cache, fmt.Sprint(rows)})
	}
	for _, step := range steps {
		command := exec.CommandContext(ctx, step[0], step[1:]...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("%v (in the repository's root): %w", step, err)
		}
	}
	return nil
}

// oneCore measures objects in processes of one core, by the processor time they
// take, so that what else the machine does falls out.
func oneCore(ctx context.Context, rounds int) (table []figures.Figure, err error) {
	for _, c := range []struct {
		file, what string
		least      float64
	}{
		{"rows.csv", "CSV object → JSONL, one core", 100},
		{"rows.parquet", "Parquet object → JSONL, one core (of the file's bytes: float64 as pandas writes them, with all their digits)", 150},
	} {
		best := result{Processor: math.Inf(1)}
		for range rounds {
			r, err := run(ctx, 1, filepath.Join(cache, c.file), 1)
			if err != nil {
				return nil, err
			}
			if r.Processor < best.Processor {
				best = r
			}
		}
		table = append(table, figures.Figure{What: c.what, Value: perSecond(best.Bytes, best.Processor),
			Target: fmt.Sprintf("%.0f MB/s", c.least), Met: float64(best.Bytes)/1e6/best.Processor >= c.least})
	}
	return table, nil
}

// allCores holds one process on all cores, which scores one object, against as
// many processes of one core, at the same time, which share the rows.
func allCores(ctx context.Context, rounds int) ([]figures.Figure, error) {
	const leastOfTwo = 1.7
	cores := runtime.NumCPU()
	csv := filepath.Join(cache, "rows.csv")
	var together, apart []float64
	var bytes int64
	for range rounds {
		r, err := run(ctx, cores, csv, cores)
		if err != nil {
			return nil, err
		}
		seconds, err := atOnce(ctx, cores, csv)
		if err != nil {
			return nil, err
		}
		together, apart, bytes = append(together, r.Seconds), append(apart, seconds), r.Bytes
	}
	factor := float64(cores) * figures.MedianRatio(apart, together)
	f := figures.Figure{What: fmt.Sprintf("CSV object → JSONL, %d cores (control: %d processes of one core at once, with as many rows)", cores, cores),
		Value: perSecond(bytes, slices.Min(together)), Control: perSecond(bytes, slices.Min(apart))}
	return []figures.Figure{figures.AtLeast(f, factor, leastOfTwo/2*float64(cores))}, nil
}

func perSecond(bytes int64, seconds float64) string {
	return fmt.Sprintf("%.0f MB/s", float64(bytes)/1e6/seconds)
}

// memory scores an object that is larger than any memory.
func memory(ctx context.Context, large int) ([]figures.Figure, error) {
	const limit = 128e6
	csv := filepath.Join(cache, "rows.csv")
	info, err := os.Stat(csv)
	if err != nil {
		return nil, err
	}
	var table []figures.Figure
	for _, c := range []struct {
		file  string
		times int
	}{{csv, int(int64(large) * 1e9 / info.Size())}, {filepath.Join(cache, "rows.parquet"), 1}} {
		r, err := run(ctx, runtime.NumCPU(), c.file, c.times)
		if err != nil {
			return nil, err
		}
		table = append(table, figures.Figure{What: fmt.Sprintf("resident memory, %s object of %.1f GB", filepath.Ext(c.file)[1:], float64(r.Bytes)/1e9),
			Value: fmt.Sprintf("%.0f MB", float64(r.Resident)/1e6), Target: fmt.Sprintf("%.0f MB", limit/1e6), Met: float64(r.Resident) <= limit})
	}
	return table, nil
}

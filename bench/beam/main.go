// Command beam measures the Beam pipeline against copse score, by the Go
// benchmarks of deploy/beam, and writes the table into docs/beam.md:
//
//	go run ./bench/beam -o docs/beam.md
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"example.com/copse/bench/internal/figures"
)

const (
	rowsUnit = "rows/s"
	heading  = "One file of CSV (500,000 rows of 30 columns, 100 trees of depth 6) to JSONL, best of 3"
	control  = "File/copse-score"
)

// ways are the benchmarks, and what each does.
var ways = []struct{ benchmark, what string }{
	{control, "`copse score`"},
	{"File/prism-ranges-1", "`WriteFiles` on prism, the file in one range"},
	{"File/prism-ranges-7", "`WriteFiles` on prism, in ranges of 16 MiB"},
	{"Rows", "`KeyedRows` on prism: rows of iris that are in the pipeline already"},
}

func main() { figures.Main("bench-beam", measure) }

func measure(ctx context.Context, w io.Writer) error {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1x", "-count", "3", ".")
	command.Dir, command.Env, command.Stderr = "deploy/beam", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	text, err := command.Output()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	rows, err := table(figures.Benchmarks(string(text)))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s\n\n", figures.Machine()); err != nil {
		return err
	}
	return figures.Write(w, heading, rows)
}

// table has the best of each way's repetitions.
func table(measured figures.Measurements) ([]figures.Figure, error) {
	var rows []figures.Figure
	best := func(benchmark, unit string) float64 {
		if values := measured[benchmark+" "+unit]; len(values) > 0 {
			return slices.Max(values)
		}
		return 0
	}
	for _, way := range ways {
		perSecond := best(way.benchmark, rowsUnit)
		if perSecond == 0 {
			return nil, fmt.Errorf("no benchmark %s that prints %s", way.benchmark, rowsUnit)
		}
		f := figures.Figure{What: way.what, Value: fmt.Sprintf("%.0f thousand rows/s", perSecond/1000)}
		if mb := best(way.benchmark, "MB/s"); mb > 0 {
			f.Value += fmt.Sprintf(", %.0f MB/s", mb)
			f.Ratio = fmt.Sprintf("%.2f ×", perSecond/best(control, rowsUnit))
		}
		rows = append(rows, f)
	}
	return rows, nil
}

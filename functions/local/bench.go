package local

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/wire"
)

// How a measurement is made: the least of several repetitions, each long
// enough for the clock.
const (
	benchRepetitions = 5
	benchTime        = 100 * time.Millisecond
	benchRows        = 1000 // made where no file is given
	maxBatch         = 1 << 20
	maxThreads       = 1024
)

// measurement is one line of `copse bench --json`.
type measurement struct {
	Batch         int     `json:"batch"`
	Threads       int     `json:"threads"`
	NsPerRow      float64 `json:"ns_per_row"` // wall time over the rows of all threads
	RowsPerSecond float64 `json:"rows_per_second"`
	Kernel        string  `json:"kernel"`
	Trees         int     `json:"trees"`
}

type benchFlags struct {
	rows        string
	ignoreExtra bool
	iterations  string
	batches     []int
	threads     int
	json        bool
}

func newBench() *cobra.Command {
	var flags benchFlags
	c := &cobra.Command{
		Use:   "bench PATH",
		Short: "Measure the engine alone: rows in memory to final values",
		Long: `bench scores row-major rows in memory, transform included, going round the rows
of a file. Nothing else is measured: no reading, no rules, no memory of answers.
Each figure is the minimum over five repetitions of at least 100 ms. Without
--rows, rows are made from the model's schema.`,
		Example: `  copse bench churn.copse
  copse bench xgboost.json --iterations 0:50
  copse bench --json --rows customers.csv --batch 1,64,1000 --threads 2 churn.copse`,
		Args: exactly(1, "one model file"),
		RunE: func(c *cobra.Command, args []string) error { return runBench(c, args[0], flags) },
	}
	c.Flags().StringVar(&flags.rows, "rows", "", "file of rows: CSV, JSONL or Parquet")
	c.Flags().BoolVar(&flags.ignoreExtra, "ignore-extra", false, "pass over columns and members of the rows that are no feature")
	addIterations(c, &flags.iterations)
	c.Flags().IntSliceVar(&flags.batches, "batch", []int{1, 64, 1000}, "rows of one call")
	c.Flags().IntVar(&flags.threads, "threads", 1, "threads that score at the same time")
	c.Flags().BoolVar(&flags.json, "json", false, "print a JSON object a line")
	return c
}

func (f *benchFlags) check() error {
	if f.threads < 1 || f.threads > maxThreads {
		return fmt.Errorf("--threads: must be from 1 to %d", maxThreads)
	}
	for _, b := range f.batches {
		if b < 1 || b > maxBatch {
			return fmt.Errorf("--batch: must be from 1 to %d", maxBatch)
		}
	}
	return nil
}

func runBench(c *cobra.Command, path string, flags benchFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	m, err := openSlice(path, flags.iterations)
	if err != nil {
		return err
	}
	var rows []float64
	if flags.rows != "" {
		rows, err = heldRows(flags.rows, m, wire.Options{IgnoreExtra: flags.ignoreExtra}, c.InOrStdin())
	} else {
		rows, err = madeRows(m.Schema(), m.Single())
	}
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(flags.threads, runtime.GOMAXPROCS(0))))
	table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
	if !flags.json {
		fmt.Fprintln(table, "batch\tthreads\tns/row\trows/s\tkernel\ttrees\t")
	}
	for _, batch := range flags.batches {
		k := measure(m.Engine(), rows, batch, flags.threads)
		if flags.json {
			if err := writeJSON(c.OutOrStdout(), k); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%d\t%d\t%.1f\t%.0f\t%s\t%d\t\n", k.Batch, k.Threads, k.NsPerRow, k.RowsPerSecond, k.Kernel, k.Trees)
	}
	return table.Flush()
}

// measure takes the best of the repetitions.
func measure(e *engine.Engine, rows []float64, batch, threads int) measurement {
	features := e.Arrays().Features
	n := len(rows) / features
	// The end is followed by the beginning, so that every batch is one piece.
	ring := slices.Clone(rows)
	for i := 0; len(ring) < len(rows)+batch*features; i = (i + 1) % n {
		ring = append(ring, rows[i*features:(i+1)*features]...)
	}
	best := math.Inf(1)
	for range benchRepetitions {
		best = min(best, repetition(e, ring, n, batch, threads))
	}
	return measurement{Batch: batch, Threads: threads, NsPerRow: best, RowsPerSecond: 1e9 / best,
		Kernel: e.Kernel(batch), Trees: treesIn(e.Arrays())}
}

// repetition scores for benchTime on all threads and returns ns a row.
func repetition(e *engine.Engine, ring []float64, n, batch, threads int) float64 {
	counts := make([]int, threads)
	var all sync.WaitGroup
	start := time.Now()
	for t := range threads {
		all.Go(func() { counts[t] = goRound(e, ring, n, batch, t*n/threads, start.Add(benchTime)) })
	}
	all.Wait()
	wall := time.Since(start)
	total := 0
	for _, c := range counts {
		total += c
	}
	return float64(wall.Nanoseconds()) / float64(total)
}

// treesIn counts the trees of a model, those of a program's steps too.
func treesIn(a *engine.Arrays) int {
	n := len(a.Roots)
	for i := range a.Parts {
		n += treesIn(&a.Parts[i])
	}
	return n
}

// goRound scores batches from row at on until a time, and counts the rows. The
// clock is read about once a millisecond.
func goRound(e *engine.Engine, ring []float64, n, batch, at int, until time.Time) int {
	a := e.Arrays()
	out := make([]float64, batch*e.Width())
	scratch := engine.Scratch{Workers: 1} // the threads are those that call this
	done, last := 0, time.Now()
	for next, between := 0, 1; ; {
		e.Score(ring[at*a.Features:(at+batch)*a.Features], batch, out, &scratch)
		done += batch
		if at += batch; at >= n {
			at %= n
		}
		if done < next {
			continue
		}
		now := time.Now()
		if !now.Before(until) {
			return done
		}
		if now.Sub(last) < time.Millisecond {
			between *= 2
		}
		next, last = done+between, now
	}
}

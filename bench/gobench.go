package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"example.com/copse/bench/internal/figures"
)

// repetitions of each Go benchmark; the least counts.
const repetitions = 6

// quantity is one figure of one benchmark, and what it must not exceed.
type quantity struct {
	what      string
	pkg       string
	benchmark string // without "Benchmark" and the number of processors
	unit      string // as the benchmark prints it
	scale     float64
	format    string
	limit     float64 // in the unit of format; below 0: none
	control   string  // another benchmark of the same package and unit
}

var quantities = []quantity{
	{"Lambda adapter, one row, event bytes → reply bytes", "./functions/lambda", "Predict/http-api-v2", "ns/op", 1e-3, "%.1f µs", 20, ""},
	{"the same: allocations", "./functions/lambda", "Predict/http-api-v2", "allocs/op", 1, "%.0f", 40, ""},
	{"the adapter alone, answers fixed", "./functions/lambda", "Adapter/http-api-v2.json", "ns/op", 1e-3, "%.1f µs", -1, ""},
	{"scoring, a row and tree (100 trees of depth 6, 30 features), batch of 1", "./pkg/engine", "Score/float32/1", "ns/row/tree", 1, "%.1f ns", 10, "Score/float32/reference"},
	{"the same, batch of 1,000", "./pkg/engine", "Score/float32/1000", "ns/row/tree", 1, "%.1f ns", 8, "Score/float32/reference"},
	{"the same: allocations", "./pkg/engine", "Score/float32/1000", "allocs/op", 1, "%.0f", 0, ""},
	{"finding equal rows, a row of 30 features", "./pkg/predict", "Distinct", "ns/row", 1, "%.0f ns", 60, ""},
	{"100 ids at 20 ms each, fetched together", "./pkg/features", "Fill/together", "wall-ms", 1, "%.1f ms", 23, "Fill/control=sequential"},
	{"the same: processor time", "./pkg/features", "Fill/together", "cpu-ms", 1, "%.1f ms", 3, ""},
}

// inProcess runs the Go benchmarks that the quantities name.
func inProcess(ctx context.Context) ([]figures.Figure, error) {
	measured := make(map[string]map[string]float64)
	var rows []figures.Figure
	for _, q := range quantities {
		if measured[q.pkg] == nil {
			out, err := goTest(ctx, q.pkg)
			if err != nil {
				return nil, err
			}
			measured[q.pkg] = parse(out)
		}
		f, err := q.figure(measured[q.pkg])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.pkg, err)
		}
		rows = append(rows, f)
	}
	return rows, nil
}

// goTest runs the benchmarks of a package that the quantities name.
func goTest(ctx context.Context, pkg string) (string, error) {
	var names []string
	for _, q := range quantities {
		for _, name := range []string{q.benchmark, q.control} {
			if q.pkg == pkg && name != "" {
				names = append(names, name)
			}
		}
	}
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern(names), "-benchmem",
		"-benchtime", "300ms", "-count", strconv.Itoa(repetitions), pkg)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go test -bench of %s: %w\n%s%s", pkg, err, out, &complaints)
	}
	return string(out), nil
}

// pattern matches the names: go test matches each level between slashes on its
// own, so that a little more than they may run.
func pattern(names []string) string {
	var levels [][]string
	for _, name := range names {
		for i, part := range strings.Split(name, "/") {
			if i == len(levels) {
				levels = append(levels, nil)
			}
			levels[i] = append(levels[i], part)
		}
	}
	var parts []string
	for _, level := range levels {
		parts = append(parts, "^("+strings.Join(level, "|")+")$")
	}
	parts[0] = strings.Replace(parts[0], "^(", "^Benchmark(", 1)
	return strings.Join(parts, "/")
}

// parse returns the least value of every "NAME unit" in the output of go test.
func parse(out string) map[string]float64 {
	least := make(map[string]float64)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			name = name[:i]
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				continue
			}
			key := name + " " + fields[i+1]
			if before, seen := least[key]; !seen || value < before {
				least[key] = value
			}
		}
	}
	return least
}

func (q quantity) figure(measured map[string]float64) (figures.Figure, error) {
	value, ok := measured[q.benchmark+" "+q.unit]
	if !ok {
		return figures.Figure{}, fmt.Errorf("no benchmark %s that prints %s", q.benchmark, q.unit)
	}
	f := figures.Figure{What: q.what, Value: fmt.Sprintf(q.format, value*q.scale)}
	if q.limit >= 0 {
		f.Target, f.Met = fmt.Sprintf("at most "+q.format, q.limit), value*q.scale <= q.limit
	}
	if q.control == "" {
		return f, nil
	}
	control, ok := measured[q.control+" "+q.unit]
	if !ok {
		return figures.Figure{}, fmt.Errorf("no benchmark %s that prints %s", q.control, q.unit)
	}
	f.Control, f.Ratio = fmt.Sprintf(q.format, control*q.scale), fmt.Sprintf("%.1f ×", control/value)
	return f, nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"example.com/copse/bench/internal/figures"
)

// repetitions of each Go benchmark, all of a package's in turn.
const repetitions = 6

// quantity is one figure of one benchmark, and what is asked of it. A
// benchmark's name may have alternatives at each level, "Score/64|1000": then
// the figure is that of the worst of them.
type quantity struct {
	what      string
	pkg       string
	benchmark string // without "Benchmark" and the number of processors
	unit      string // as the benchmark prints it
	scale     float64
	format    string
	goal      goal
	control   string // another benchmark of the same package and unit, with the same alternatives
}

// goal is what a figure must reach, in the unit of its format.
type goal struct {
	limit float64
	kind  goalKind
}

type goalKind int

const (
	informs goalKind = iota // it has none
	ceiling                 // the least of all repetitions is at most the limit
	always                  // the greatest is at most the limit
	floor                   // the greatest is at least the limit
	middle                  // the median is, of what is a ratio already
	times                   // the least is at most limit times the control's
)

func atMost(limit float64) goal        { return goal{limit, ceiling} }
func alwaysAtMost(limit float64) goal  { return goal{limit, always} }
func usually(limit float64) goal       { return goal{limit, middle} }
func atLeast(limit float64) goal       { return goal{limit, floor} }
func atMostControl(limit float64) goal { return goal{limit, times} }

// best is the one that counts of several repetitions' values.
func (g goal) best(values []float64) float64 {
	switch g.kind {
	case floor, always:
		return slices.Max(values)
	case middle:
		return figures.Median(values)
	}
	return slices.Min(values)
}

// The shapes of BenchmarkScore, and how they are called in the table.
const (
	score   = "./pkg/engine"
	shapesA = "scoring, a row and tree: 100 trees of depth 6, 30 features; batch of 1"
	shapesB = "500 trees of depth 8, 100 features; batch of 1"
	shapesC = "1,000 trees of 31 leaves, 50 features; batch of 1"
	kinds   = "Kinds/100x6|500x8|1000x31leaves/1|64|1000/"
)

var quantities = []quantity{
	{"Lambda adapter, one row, event bytes → reply bytes", "./functions/lambda", "Predict/http-api-v2", "ns/op", 1e-3, "%.1f µs", atMost(20), ""},
	{"the same: allocations", "./functions/lambda", "Predict/http-api-v2", "allocs/op", 1, "%.0f", atMost(40), ""},
	{"the adapter alone, answers fixed", "./functions/lambda", "Adapter/http-api-v2.json", "ns/op", 1e-3, "%.1f µs", goal{}, ""},
	{"SQS event of 10 messages of 100 rows (30 features, 100 trees), event → reply: rows as objects", "./functions/lambda", "Queue/rows", "ns/op", 1e-6, "%.2f ms", atMost(1.5), ""},
	{"the same, `columns` and `data`", "./functions/lambda", "Queue/columns", "ns/op", 1e-6, "%.2f ms", atMost(1.5), ""},
	{"the same, CSV", "./functions/lambda", "Queue/csv", "ns/op", 1e-6, "%.2f ms", atMost(1.5), ""},
	{shapesA, score, "Score/float32/1", "ns/row/tree", 1, "%.1f ns", atMost(8), "Score/float32/reference"},
	{"the same, batch of 64", score, "Score/float32/64", "ns/row/tree", 1, "%.1f ns", atMost(8), "Score/float32/reference"},
	{"the same, batch of 1,000", score, "Score/float32/1000", "ns/row/tree", 1, "%.1f ns", atMost(7), "Score/float32/reference"},
	{"the same: allocations", score, "Score/float32/1000", "allocs/op", 1, "%.0f", atMost(0), ""},
	{shapesB, score, "Score/500x8/1", "ns/row/tree", 1, "%.1f ns", atMost(13), "Score/500x8/reference"},
	{"the same, batch of 64", score, "Score/500x8/64", "ns/row/tree", 1, "%.1f ns", atMost(12), "Score/500x8/reference"},
	{"the same, batch of 1,000", score, "Score/500x8/1000", "ns/row/tree", 1, "%.1f ns", atMost(10), "Score/500x8/reference"},
	{shapesC, score, "Score/1000x31leaves/1", "ns/row/tree", 1, "%.1f ns", atMost(11), "Score/1000x31leaves/reference"},
	{"the same, batch of 64", score, "Score/1000x31leaves/64", "ns/row/tree", 1, "%.1f ns", atMost(9), "Score/1000x31leaves/reference"},
	{"the same, batch of 1,000", score, "Score/1000x31leaves/1000", "ns/row/tree", 1, "%.1f ns", atMost(8), "Score/1000x31leaves/reference"},
	{"missing values, NaN-exact; control: the plain model of the shape", score, kinds + "missing", "ns/row/tree", 1, "%.1f ns", atMostControl(1.3), kinds + "plain"},
	{"10 % of splits categorical; control: the same", score, kinds + "sets", "ns/row/tree", 1, "%.1f ns", atMostControl(1.3), kinds + "plain"},
	{"float64 as LightGBM compares; control: the same", score, kinds + "lightgbm", "ns/row/tree", 1, "%.1f ns", atMostControl(1.3), kinds + "plain"},
	{"loading a bundle of 0.73 MB (830 trees of 31 leaves), verified", "./pkg/predict", "Open/830x31leaves", "ns/op", 1e-3, "%.0f µs", atMost(150), ""},
	{"reading XGBoost's JSON", "./pkg/format/xgboost", "Read/JSON", "MB/s", 1, "%.0f MB/s", atLeast(100), ""},
	{"reading XGBoost's UBJSON", "./pkg/format/xgboost", "Read/UBJSON", "MB/s", 1, "%.0f MB/s", atLeast(200), ""},
	{"reading LightGBM's text", "./pkg/format/lightgbm", "Read/100x31|1000x31|100x1000", "MB/s", 1, "%.0f MB/s", atLeast(200), ""},
	{"`copse score` on all cores, CSV to CSV, against as many processes of one core (median)", "./functions/local", "ScoreCores/csv-csv", "%efficiency", 1, "%.0f %%", usually(70), ""},
	{"the same, JSONL to JSONL", "./functions/local", "ScoreCores/jsonl-jsonl", "%efficiency", 1, "%.0f %%", usually(70), ""},
	{"the same, Parquet to Parquet", "./functions/local", "ScoreCores/parquet-parquet", "%efficiency", 1, "%.0f %%", usually(70), ""},
	{"`copse score`: most memory held, a million rows a core", "./functions/local", "ScoreCores/csv-csv|jsonl-jsonl|parquet-parquet", "peak-MB", 1, "%.0f MB", alwaysAtMost(200), ""},
	{"finding equal rows, a row of 30 features", "./pkg/predict", "Distinct", "ns/row", 1, "%.0f ns", atMost(60), ""},
	{"100 ids at 20 ms each, fetched together", "./pkg/features", "Fill/together", "wall-ms", 1, "%.1f ms", atMost(23), "Fill/control=sequential"},
	{"the same: processor time", "./pkg/features", "Fill/together", "cpu-ms", 1, "%.1f ms", atMost(3), ""},
}

// inProcess runs the Go benchmarks that the quantities name.
func inProcess(ctx context.Context) ([]figures.Figure, error) {
	measured := make(map[string]figures.Measurements)
	var rows []figures.Figure
	for _, q := range quantities {
		if measured[q.pkg] == nil {
			out, err := goTest(ctx, q.pkg)
			if err != nil {
				return nil, err
			}
			measured[q.pkg] = figures.Benchmarks(out)
		}
		f, err := q.figure(measured[q.pkg])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.pkg, err)
		}
		rows = append(rows, f)
	}
	return rows, nil
}

// goTest runs the benchmarks of a package that the quantities name, all of them
// in turn: what a control is for has its turn soon after.
func goTest(ctx context.Context, pkg string) (string, error) {
	var names []string
	for _, q := range quantities {
		for _, name := range []string{q.benchmark, q.control} {
			if q.pkg == pkg && name != "" {
				names = append(names, name)
			}
		}
	}
	var all strings.Builder
	for range repetitions {
		command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern(names), "-benchmem", "-benchtime", "300ms", "-count", "1", pkg)
		var complaints bytes.Buffer
		command.Stderr = &complaints
		out, err := command.Output()
		if err != nil {
			return "", fmt.Errorf("go test -bench of %s: %w\n%s%s", pkg, err, out, &complaints)
		}
		all.Write(out)
	}
	return all.String(), nil
}

// pattern matches the names: go test matches each level between slashes on its
// own, so that a little more than they may run, but no name of fewer levels than
// its pattern has.
func pattern(names []string) string {
	depths := make(map[int][]string)
	for _, name := range names {
		depths[strings.Count(name, "/")] = append(depths[strings.Count(name, "/")], name)
	}
	var parts []string
	for _, depth := range slices.Sorted(maps.Keys(depths)) {
		parts = append(parts, levels(depths[depth]))
	}
	return strings.Join(parts, "|")
}

// levels is the pattern of names with equally many levels.
func levels(names []string) string {
	parts := make([][]string, 1+strings.Count(names[0], "/"))
	for _, name := range names {
		for i, part := range strings.Split(name, "/") {
			parts[i] = append(parts[i], strings.Split(part, "|")...)
		}
	}
	for i := range parts[0] {
		parts[0][i] = "Benchmark" + parts[0][i]
	}
	var all []string
	for _, part := range parts {
		slices.Sort(part)
		all = append(all, "^("+strings.Join(slices.Compact(part), "|")+")$")
	}
	return strings.Join(all, "/")
}

// alternatives are all names that one stands for.
func alternatives(name string) []string {
	names := []string{""}
	for _, level := range strings.Split(name, "/") {
		var longer []string
		for _, before := range names {
			for _, part := range strings.Split(level, "|") {
				longer = append(longer, strings.TrimPrefix(before+"/"+part, "/"))
			}
		}
		names = longer
	}
	return names
}

// figure is the table's row.
func (q quantity) figure(measured figures.Measurements) (figures.Figure, error) {
	names, controls := alternatives(q.benchmark), alternatives(q.control)
	var worst result
	for i, name := range names {
		r := result{of: name}
		var err error
		if r.value, err = q.value(measured, name); err != nil {
			return figures.Figure{}, err
		}
		if q.control != "" {
			if r.control, err = q.value(measured, controls[i]); err != nil {
				return figures.Figure{}, err
			}
		}
		if i == 0 || q.goal.worse(r, worst) {
			worst = r
		}
	}
	f := q.row(worst)
	if len(names) > 1 {
		f.What += ", worst case (" + worst.of + ")"
	}
	return f, nil
}

func (q quantity) value(measured figures.Measurements, name string) (float64, error) {
	values := measured[name+" "+q.unit]
	if len(values) == 0 {
		return 0, fmt.Errorf("no benchmark %s that prints %s", name, q.unit)
	}
	return q.goal.best(values) * q.scale, nil
}

// result is a quantity's value with one of its alternatives.
type result struct {
	of             string // the benchmark
	value, control float64
}

func (g goal) worse(a, b result) bool {
	switch g.kind {
	case floor, middle:
		return a.value < b.value
	case times:
		return a.value/a.control > b.value/b.control
	}
	return a.value > b.value
}

func (q quantity) row(r result) figures.Figure {
	f := figures.Figure{What: q.what, Value: fmt.Sprintf(q.format, r.value)}
	if q.control != "" {
		f.Control, f.Ratio = fmt.Sprintf(q.format, r.control), fmt.Sprintf("%.1f ×", r.control/r.value)
	}
	switch q.goal.kind {
	case ceiling, always:
		f.Target, f.Met = fmt.Sprintf("at most "+q.format, q.goal.limit), r.value <= q.goal.limit
	case floor, middle:
		f.Target, f.Met = fmt.Sprintf("at least "+q.format, q.goal.limit), r.value >= q.goal.limit
	case times:
		f = figures.AtMost(f, r.value/r.control, q.goal.limit)
	}
	return f
}

package local

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// compare tells the largest difference between numbers, so many a row.
func compare(name string, m *predict.Model, got, want []float64, width int, tolerance uint64) check {
	n := len(got) / width
	k := check{Name: name, Rows: n}
	if len(want) != len(got) {
		k.Detail = fmt.Sprintf("%d rows need %d expected numbers, there are %d", n, len(got), len(want))
		return k
	}
	var most uint64
	apart, worst := 0.0, 0
	for i := range got {
		if u := ulps(got[i], want[i], m.Formatter().Single()); u > most {
			most, worst = u, i
		}
		if d := math.Abs(got[i] - want[i]); d > apart {
			apart = d
		}
	}
	k.MaxULP, k.MaxDifference, k.OK = &most, &apart, most <= tolerance
	k.Detail = fmt.Sprintf("%d rows, largest difference %s", n, ulpText(most))
	if most > 0 {
		k.Detail += fmt.Sprintf(" (row %d: got %v, expected %v)", worst/width, got[worst], want[worst])
	}
	return k
}

func ulpText(n uint64) string {
	if n == math.MaxUint64 {
		return "NaN on one side only"
	}
	return fmt.Sprintf("%d ulp", n)
}

// selfTest compares a bundle's rows with their answers: margins, if the model
// has them, and what is made of them.
func selfTest(m *predict.Model, rows, margins, values []float64, tolerance uint64) check {
	e := m.Engine()
	n := len(rows) / e.Arrays().Features
	if len(rows) != n*e.Arrays().Features || len(margins) != n*e.Arrays().Outputs {
		return check{Name: "self-test", Detail: "has rows and answers of different numbers: compile the model again"}
	}
	var scratch engine.Scratch
	got := make([]float64, n*e.Width())
	e.Score(rows, n, got, &scratch)
	k := compare("self-test", m, got, values, e.Width(), tolerance)
	if !k.OK || !e.HasMargin() {
		return k
	}
	got = make([]float64, len(margins))
	e.Margin(rows, n, got, &scratch)
	if raw := compare("self-test", m, got, margins, e.Arrays().Outputs, tolerance); !raw.OK || *raw.MaxULP > *k.MaxULP {
		raw.Detail += ", of the raw scores"
		return raw
	}
	return k
}

// verifyRows scores a file of rows and compares with what is expected of them.
func verifyRows(m *predict.Model, flags verifyFlags, stdin io.Reader) (check, error) {
	kind, err := kindByName(flags.output)
	if err != nil || kind == wire.Prediction {
		return check{}, errors.New("--output: must be values, margin or leaf")
	}
	if err := hasKind(m, kind); err != nil {
		return check{}, err
	}
	rows, err := heldRows(flags.rows, m, wire.Options{IgnoreExtra: flags.ignoreExtra}, stdin)
	if err != nil {
		return check{}, err
	}
	got, width := answers(m, kind, rows)
	want, err := expected(flags.expect, len(got)/width, width)
	if err != nil {
		return check{}, err
	}
	return compare("rows", m, got, want, width, flags.tolerance), nil
}

// answers are what copse score writes of rows, so many numbers each.
func answers(m *predict.Model, kind wire.Kind, rows []float64) (got []float64, width int) {
	e := m.Engine()
	n := len(rows) / e.Arrays().Features
	var scratch engine.Scratch
	switch {
	case kind == wire.Leaf:
		leaves := make([]int32, n*len(e.Arrays().Roots))
		e.Leaf(rows, n, leaves, &scratch)
		for _, leaf := range leaves {
			got = append(got, float64(leaf))
		}
		return got, len(e.Arrays().Roots)
	case bulk.Raw(m, kind):
		got = make([]float64, n*e.Arrays().Outputs)
		e.Margin(rows, n, got, &scratch)
		return got, e.Arrays().Outputs
	}
	scores := make([]float64, n*e.Width())
	e.Score(rows, n, scores, &scratch)
	for r := range n {
		got = m.Formatter().AppendNumbers(got, kind, scores[r*e.Width():(r+1)*e.Width()])
	}
	return got, len(got) / n
}

// expected reads a CSV file of numbers, as Python writes them. The first line
// is a header if there is one line more than rows.
func expected(path string, rows, width int) ([]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader := csv.NewReader(f)
	reader.ReuseRecord = true
	reader.FieldsPerRecord = width
	var all []float64
	bad := -1 // the first line with what is no number
	lines := 0
	for ; ; lines++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, csv.ErrFieldCount) {
			return nil, fmt.Errorf("%s: line %d has %d columns, and an answer of the model %d numbers", path, lines+1, len(record), width)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, text := range record {
			x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				if x = math.NaN(); text != "" && lines > 0 && bad < 0 {
					bad = lines
				}
			}
			if all = append(all, x); len(all) > maxHeldValues {
				return nil, fmt.Errorf("%s: has more than %d values: take fewer rows", path, maxHeldValues)
			}
		}
	}
	switch {
	case lines != rows && lines != rows+1:
		return nil, fmt.Errorf("%s: has %d lines, for %d rows (a header is one line more)", path, lines, rows)
	case bad >= 0:
		return nil, fmt.Errorf("%s: line %d: a value is no number", path, bad+1)
	case lines == rows+1:
		all = all[width:]
	}
	return all, nil
}

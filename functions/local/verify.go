package local

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// check is one line of `copse verify`.
type check struct {
	Name   string  `json:"check"`
	OK     bool    `json:"ok"`
	Detail string  `json:"detail"`
	Rows   int     `json:"rows,omitempty"`
	MaxULP *uint64 `json:"max_ulp,omitempty"`
}

type verifyFlags struct {
	rows, expect string
	tolerance    uint64
	json         bool
}

func newVerify() *cobra.Command {
	var flags verifyFlags
	c := &cobra.Command{
		Use:   "verify PATH [--rows FILE --expect FILE]",
		Short: "Check a model: digest, structure, and answers bit for bit",
		Long: `verify checks a file's digest and structure, scores the rows that a bundle
carries and compares with their expected answers. With --rows and --expect it
scores further rows and compares with the values in a CSV file: a header, then
one column for each of the model's outputs, in its order.

Differences are told in ulp, steps between neighbouring floating-point numbers
of the model's precision. More than --tolerance of them is a failed check.`,
		Example: `  copse verify churn.copse
  copse verify churn.copse --rows rows.csv --expect predictions.csv
  copse verify 'churn.copse#sha256=9f86d0…'`,
		Args: exactly(1, "one model file"),
		RunE: func(c *cobra.Command, args []string) error {
			checks, err := verify(args[0], flags, c.InOrStdin())
			if err != nil {
				return err
			}
			return report(c.OutOrStdout(), checks, flags.json)
		},
	}
	c.Flags().StringVar(&flags.rows, "rows", "", "rows to score, CSV or JSONL")
	c.Flags().StringVar(&flags.expect, "expect", "", "their expected values, CSV")
	c.Flags().Uint64Var(&flags.tolerance, "tolerance", 0, "largest difference to accept, in ulp")
	c.Flags().BoolVar(&flags.json, "json", false, "print a JSON object a line")
	c.MarkFlagsRequiredTogether("rows", "expect")
	return c
}

// report prints the checks and fails if one did.
func report(out io.Writer, checks []check, asJSON bool) error {
	var failed error
	for _, k := range checks {
		if !k.OK {
			failed = errFailed
		}
		if asJSON {
			if err := writeJSON(out, k); err != nil {
				return err
			}
			continue
		}
		word := "ok     "
		if !k.OK {
			word = "FAILED "
		}
		if _, err := fmt.Fprintf(out, "%s %-10s %s\n", word, k.Name, k.Detail); err != nil {
			return err
		}
	}
	return failed
}

// verify runs the checks; its error is one of reading, not of checking. After
// a failed check, those that need its result are left out.
func verify(path string, flags verifyFlags, stdin io.Reader) ([]check, error) {
	f, err := readModel(path)
	if err != nil {
		return nil, err
	}
	var m *predict.Model
	var checks []check
	if f.Bundle != nil {
		m, checks = verifyBundle(f.Bundle, flags.tolerance)
	} else {
		if m, err = f.Open(registry.NameOf(path), predict.Options{}); err != nil {
			return nil, fmt.Errorf("model %s: %w", path, err)
		}
		checks = []check{{Name: "structure", OK: true, Detail: "a sound " + m.Info().Library + " model"}}
	}
	if flags.rows == "" || m == nil {
		return checks, nil
	}
	k, err := verifyRows(m, flags, stdin)
	return append(checks, k), err
}

// verifyBundle opens a bundle without its self-test, so that the differences
// can be told; opening it as functions do only says that there are some.
func verifyBundle(data []byte, tolerance uint64) (*predict.Model, []check) {
	file, err := bundle.Open(data)
	if err != nil {
		return nil, []check{{Name: "digest", Detail: err.Error()}}
	}
	checks := []check{
		{Name: "digest", OK: true, Detail: file.Digest()},
		{Name: "signature", OK: true, Detail: "none: the bundle is not signed"},
	}
	m, err := openUntested(file)
	if err != nil {
		return nil, append(checks, check{Name: "structure", Detail: err.Error()})
	}
	d := describeModel(m, int64(len(data)))
	checks = append(checks, check{Name: "structure", OK: true,
		Detail: fmt.Sprintf("%d trees, %d features, %d outputs", d.Trees, len(d.Features), d.Outputs)})
	rows, err1 := bundle.View[float64](file, bundle.SelfTestRows)
	values, err2 := bundle.View[float64](file, bundle.SelfTestValues)
	if err := errors.Join(err1, err2); err != nil {
		return m, append(checks, check{Name: "self-test", Detail: err.Error()})
	}
	return m, append(checks, compare("self-test", m, rows, values, tolerance))
}

// openUntested opens a bundle whose self-test has no rows.
func openUntested(file *bundle.File) (*predict.Model, error) {
	sections := slices.Clone(file.Sections())
	for i := range sections {
		switch sections[i].Kind {
		case bundle.SelfTestRows, bundle.SelfTestMargin, bundle.SelfTestValues:
			sections[i].Data = nil
		}
	}
	data, err := bundle.Write(sections)
	if err != nil {
		return nil, err
	}
	return predict.Open("", data, predict.Options{})
}

// compare scores rows and tells the largest difference from want.
func compare(name string, m *predict.Model, rows, want []float64, tolerance uint64) check {
	a := m.Engine().Arrays()
	n := len(rows) / a.Features
	k := check{Name: name, Rows: n}
	if len(rows) != n*a.Features || len(want) != n*a.Outputs {
		k.Detail = fmt.Sprintf("%d rows of %d features need %d expected values, there are %d", n, a.Features, n*a.Outputs, len(want))
		return k
	}
	got := make([]float64, n*a.Outputs)
	var scratch engine.Scratch
	m.Engine().Score(rows, n, got, &scratch)
	var most uint64
	worst := 0
	for i := range got {
		if u := ulps(got[i], want[i], a.Sum == ir.Float32); u > most {
			most, worst = u, i/a.Outputs
		}
	}
	k.MaxULP, k.OK = &most, most <= tolerance
	k.Detail = fmt.Sprintf("%d rows, largest difference %s", n, ulpText(most))
	if most > 0 {
		k.Detail += fmt.Sprintf(" (row %d)", worst)
	}
	return k
}

func ulpText(n uint64) string {
	if n == math.MaxUint64 {
		return "NaN on one side only"
	}
	return fmt.Sprintf("%d ulp", n)
}

func verifyRows(m *predict.Model, flags verifyFlags, stdin io.Reader) (check, error) {
	rows, err := heldRows(flags.rows, m, stdin)
	if err != nil {
		return check{}, err
	}
	want, err := expected(flags.expect, m.Engine().Arrays().Outputs)
	if err != nil {
		return check{}, err
	}
	return compare("rows", m, rows, want, flags.tolerance), nil
}

// expected reads a CSV file of numbers below a header.
func expected(path string, outputs int) ([]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader := csv.NewReader(f)
	reader.ReuseRecord = true
	reader.FieldsPerRecord = outputs
	var all []float64
	for line := 0; ; line++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if errors.Is(err, csv.ErrFieldCount) {
			return nil, fmt.Errorf("%s: has %d columns, the model %d outputs", path, len(record), outputs)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if line == 0 {
			continue
		}
		for _, text := range record {
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: row %d: a value is no number", path, line-1)
			}
			if all = append(all, x); len(all) > maxHeldValues {
				return nil, fmt.Errorf("%s: has more than %d values: take fewer rows", path, maxHeldValues)
			}
		}
	}
}

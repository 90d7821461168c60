package local

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/predict"
)

// check is one line of `copse verify`.
type check struct {
	Name   string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Rows   int    `json:"rows,omitempty"`
	// MaxULP is the largest difference in steps between neighbouring numbers of
	// the model's precision, and MaxDifference the largest as a number.
	MaxULP        *uint64  `json:"max_ulp,omitempty"`
	MaxDifference *float64 `json:"max_difference,omitempty"`
}

type verifyFlags struct {
	rows, expect string
	output       string
	iterations   string
	ignoreExtra  bool
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
scores further rows and compares with the numbers in a CSV file, as the library
gave them: a line a row, with a header or without one.

--output is what they are: values, what the library's own predict returns
(default), margin, its raw scores, or leaf, the leaf index of every tree.

Differences are told in ulp, steps between neighbouring floating-point numbers
of the model's precision. More than --tolerance of them is a failed check.`,
		Example: `  copse verify churn.copse
  copse verify xgboost.json --rows rows.csv --expect predictions.csv
  copse verify lightgbm.txt --rows rows.parquet --expect raw.csv --output margin
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
	c.Flags().StringVar(&flags.rows, "rows", "", "rows to score: CSV, JSONL or Parquet")
	c.Flags().StringVar(&flags.expect, "expect", "", "their expected answers, CSV")
	c.Flags().StringVar(&flags.output, "output", "values", "what the answers are: values, margin or leaf")
	addIterations(c, &flags.iterations)
	c.Flags().BoolVar(&flags.ignoreExtra, "ignore-extra", false, "pass over columns and members of the rows that are no feature")
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
	f, err := readSlice(path, flags.iterations)
	if err != nil {
		return nil, err
	}
	var m *predict.Model
	var checks []check
	if f.Bundle != nil {
		m, checks = verifyBundle(f.Bundle, flags.tolerance)
	} else {
		if m, err = openRead(path, f); err != nil {
			return nil, err
		}
		checks = []check{
			{Name: "digest", OK: true, Detail: "sha256:" + f.SHA256 + " of the model file"},
			{Name: "signature", OK: true, Detail: "none: a model file is not signed"},
			{Name: "structure", OK: true, Detail: "a sound " + m.Info().Library + " model"},
		}
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
	if err := file.CheckDigest(); err != nil {
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
	if err := engine.CheckTrees(m.Engine().Arrays()); err != nil {
		return nil, append(checks, check{Name: "structure", Detail: err.Error()})
	}
	d := describeModel(m, int64(len(data)))
	checks = append(checks, check{Name: "structure", OK: true,
		Detail: fmt.Sprintf("%d trees, %d features, %d outputs", d.Trees, len(d.Features), d.Outputs)})
	rows, err1 := bundle.View[float64](file, bundle.SelfTestRows)
	margins, err2 := bundle.View[float64](file, bundle.SelfTestMargin)
	values, err3 := bundle.View[float64](file, bundle.SelfTestValues)
	if err := errors.Join(err1, err2, err3); err != nil {
		return m, append(checks, check{Name: "self-test", Detail: err.Error()})
	}
	return m, append(checks, selfTest(m, rows, margins, values, tolerance))
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

package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// scoreFlags are the flags of copse score.
type scoreFlags struct {
	model       string
	kind        string
	format      string
	inputFormat string
	out         string
	iterations  string
	ignoreExtra bool
	noHeader    bool
}

func newScore() *cobra.Command {
	var flags scoreFlags
	c := &cobra.Command{
		Use:   "score [flags] IN…",
		Short: "Score files of rows: CSV, JSONL or Parquet, plain, .gz or .zst",
		Long: `score reads rows from files, in bounded memory and on all cores, and writes one
line a row, in the order of the input. - is standard input. What a file is, is
told from its name and content; .gz and .zst are undone, also for the output.

The columns of CSV and Parquet, and the members of JSONL, are matched with the
model's features by name, in any order. Parquet may have integers, floats,
booleans, texts and dictionaries; null is a missing value. From standard input
it goes to a temporary file first, since it is read from its end.

--output is one of
  prediction  the label or number, and the probabilities (default)
  values      what the library's own predict returns
  margin      the raw scores before its transform
  leaf        the leaf index of every tree

A row that cannot be scored has its error in its line, and the exit status is
1. Input that cannot be read on ends the command with 2, and OUT is not
written: it appears only when it is whole. Rows are numbered from 0, on through
all files.`,
		Example: `  copse score iris.csv
  copse score --model xgboost.json customers.csv.gz -o scores.csv
  copse score --model lightgbm.txt --output values customers.parquet -o scores.parquet
  copse score --model xgboost.ubj --iterations 0:120 --output margin rows.csv
  zcat big.jsonl.gz | copse score --model churn.copse --output margin --format jsonl - > margins.jsonl`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s takes at least one file, or - for standard input (see %s --help)", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runScore(c, args, flags) },
	}
	c.Flags().StringVar(&flags.model, "model", "", modelHelp)
	c.Flags().StringVar(&flags.kind, "output", "prediction", "what is written: prediction, values, margin or leaf")
	c.Flags().StringVar(&flags.format, "format", "", "form of the output: csv, jsonl or parquet (default: by OUT's name, else csv)")
	c.Flags().StringVar(&flags.inputFormat, "input-format", "", "form of the input: csv, jsonl or parquet (default: by name and content)")
	c.Flags().StringVarP(&flags.out, "out", "o", "", "file to write, complete or not at all (default: standard output)")
	addIterations(c, &flags.iterations)
	c.Flags().BoolVar(&flags.ignoreExtra, "ignore-extra", false, "pass over columns and members that are no feature")
	c.Flags().BoolVar(&flags.noHeader, "no-header", false, "CSV has no header: columns by position, in the schema's order")
	return c
}

// kindByName is the inverse of wire.Kind's String.
func kindByName(name string) (wire.Kind, error) {
	for _, k := range []wire.Kind{wire.Prediction, wire.Values, wire.Margin, wire.Leaf} {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, errors.New("--output: must be prediction, values, margin or leaf")
}

func runScore(c *cobra.Command, paths []string, flags scoreFlags) error {
	kind, err := kindByName(flags.kind)
	if err != nil {
		return err
	}
	to, err := formOf(flags.format, flags.out)
	if err != nil {
		return err
	}
	if !bulk.KnowsFormat(flags.inputFormat) {
		return badFormat("--input-format")
	}
	m, err := openSlice(flags.model, flags.iterations)
	if err != nil {
		return err
	}
	if err := errors.Join(hasKind(m, kind), notAnInput(flags.out, paths), fits(to, flags.out, c.OutOrStdout())); err != nil {
		return err
	}
	out, err := openOutput(flags.out, c.OutOrStdout())
	if err != nil {
		return err
	}
	// A signal ends the work in good order: no half file stays.
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bar := newProgress(paths, c.ErrOrStderr(), flags.out == "" && isTerminal(c.OutOrStdout()))
	defer bulk.BoundMemory(memoryGoal)()
	sum, err := scoreFiles(ctx, paths, c.InOrStdin(), bulk.NewOutput(m, kind, to, out), bar, bulk.Options{
		Model: m, Kind: kind, IgnoreExtra: flags.ignoreExtra, NoHeader: flags.noHeader,
		Format: flags.inputFormat, Spool: true, Window: window,
	})
	err = out.finish(err)
	bar.finish()
	switch {
	case err != nil:
		return withoutPipe(err)
	case sum.Bad > 0:
		hint := ""
		if sum.Extra {
			hint = " (" + ignoreExtra + ")"
		}
		fmt.Fprintf(c.ErrOrStderr(), "copse: %d of %d rows have an error in place of an answer; the first: %s%s\n", sum.Bad, sum.Rows, clean(sum.Why), hint)
		return errFailed
	}
	return nil
}

// scoreFiles scores files one after another.
func scoreFiles(ctx context.Context, paths []string, stdin io.Reader, out bulk.Output, bar *progress, o bulk.Options) (bulk.Summary, error) {
	o.Read, o.Wrote = bar.read, bar.wrote
	s := bulk.NewScorer(ctx, out, o)
	for _, path := range paths {
		f, file, err := openFile(path, stdin)
		if err == nil {
			err = errors.Join(s.Add(f), file.Close())
			bar.next()
		}
		if err != nil {
			s.GiveUp(err)
			break
		}
	}
	sum, err := s.End()
	if e, ok := errors.AsType[*bulk.FileError](err); ok {
		return sum, fmt.Errorf("%s: %w", e.Name, plain(e.Err))
	}
	return sum, plain(err)
}

// memoryGoal is what the process should hold at most beside the model, in
// bytes: the collector works harder near it. GOMEMLIMIT replaces it.
const memoryGoal = 120 << 20

// formOf finds the form that is asked for, else that of the file's name, else
// CSV.
func formOf(name, path string) (bulk.Form, error) {
	if name == "" {
		form, _ := bulk.FormOf(path)
		return form, nil
	}
	form, ok := bulk.FormByName(name)
	if !ok {
		return form, badFormat("--format")
	}
	return form, nil
}

func badFormat(flag string) error {
	return fmt.Errorf("%s: must be csv, jsonl or parquet", flag)
}

// hasKind refuses what a model does not have.
func hasKind(m *predict.Model, kind wire.Kind) error {
	e, i := m.Engine(), m.Info()
	switch {
	case kind == wire.Margin && !e.HasMargin():
		return fmt.Errorf("--output margin: this %s model has no raw scores: its last step already gives what predict returns (use values)", i.Library)
	case kind == wire.Leaf && !e.HasLeaves():
		return fmt.Errorf("--output leaf: this %s model is no set of trees, so there are no leaves", i.Library)
	}
	return nil
}

// fits refuses to pack a table once more, and to show one on a terminal.
func fits(to bulk.Form, path string, stdout any) error {
	if to != bulk.Parquet {
		return nil
	}
	if path == "" || path == stdio {
		if isTerminal(stdout) {
			return errors.New("there is no reading Parquet on a terminal: give a file with -o")
		}
		return nil
	}
	if ext := filepath.Ext(path); ext == ".gz" || ext == ".zst" {
		return fmt.Errorf("-o %s: Parquet is packed by itself: give a name without %s", path, ext)
	}
	return nil
}

// notAnInput refuses to write over what is read. Devices and pipes may be both.
func notAnInput(out string, paths []string) error {
	to, err := os.Stat(out)
	if err != nil || !to.Mode().IsRegular() {
		return nil //nolint:nilerr // what is not there is written over by nobody
	}
	for _, path := range paths {
		if from, err := os.Stat(path); err == nil && os.SameFile(from, to) {
			return fmt.Errorf("-o %s: is one of the files to read: choose another name", out)
		}
	}
	return nil
}

// withoutPipe lets `copse score … | head` end without a complaint.
func withoutPipe(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errFailed
	}
	return err
}

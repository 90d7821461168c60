// Package local is the copse command: the same core as the functions, on a
// laptop or a server. Each sub-command is a file.
//
// Results go to standard output or to -o; everything else, progress and log
// included, goes to standard error. The exit status is 0 when all was done, 1
// when some rows or checks failed, and 2 for wrong use or unreadable input.
package local

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit statuses, see the package's comment.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errFailed ends a command whose work is done but for some rows or checks,
// which it has told of.
var errFailed = errors.New("some rows or checks failed")

// Main runs the command and returns its exit status.
func Main(args []string, in io.Reader, out, err io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(err)
	switch e := root.Execute(); {
	case e == nil:
		return exitDone
	case errors.Is(e, errFailed):
		return exitFailed
	default:
		fmt.Fprintln(err, "copse: "+oneLine(e))
		return exitUsage
	}
}

// oneLine keeps joined errors on one line each, told apart by the command's
// name.
func oneLine(e error) string { return strings.ReplaceAll(e.Error(), "\n", "\ncopse: ") }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "copse",
		Short: "Tabular models as functions: serve, score, compile, inspect, verify, measure",
		Long: `copse serves and scores trained tabular models.

A model is a file that XGBoost (JSON, UBJSON), LightGBM (text), CatBoost (JSON),
ONNX or golearn wrote, an MLflow model folder, or a compiled .copse bundle; which
one a file is, is told from its content. Without a model, the built-in one (iris)
answers.

Results go to standard output or -o, everything else to standard error.
Exit status: 0 done; 1 some rows or checks failed; 2 wrong use or unreadable input.`,
		Example: `  copse serve
  copse serve --model churn=xgboost.json --addr 127.0.0.1:9000
  copse score --model lightgbm.txt customers.csv.gz -o scores.csv
  copse inspect pipeline.onnx
  copse compile xgboost.json -o churn.copse`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		Args:                       noArguments,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, c.CommandPath())
	})
	root.AddCommand(newServe(), newScore(), newCompile(), newInspect(), newVerify(), newInvoke(), newBench(), newVersion())
	return root
}

// noArguments refuses what is no sub-command, and says which one was meant.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		message += ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("%s (see %s --help)", message, c.CommandPath())
}

// exactly asks for n arguments and names them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("%s takes %s (see %s --help)", c.CommandPath(), what, c.CommandPath())
	}
}

// Command copse-beam scores files of rows with an Apache Beam pipeline: on this
// machine, or on Dataflow, Flink or Spark. It writes for each file what copse
// score writes for it. docs/beam.md has command lines for each runner.
//
// Its exit status is 0 when all is written, 1 when some rows have an error in
// place of an answer, and 2 when something could not be done.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	// The filesystem of S3; those of Cloud Storage and of this machine come
	// with beamx.
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	copsebeam "example.com/copse/deploy/beam"
)

const usage = `copse-beam [flags] --out FOLDER IN…        (flags stand before the files)

scores files of rows (CSV, JSONL or Parquet, plain, .gz or .zst) and writes
FOLDER/NAME.csv, or .jsonl, for each. IN is a path, gs://… or s3://…; it may have
*, ? and [ ] in it, or end in "/" for all files of a folder. FOLDER must be in
reach of all workers.

Flags are Beam's own beside these (docs/beam.md):
`

// Exit statuses.
const (
	done   = 0
	failed = 1 // some rows
	wrong  = 2
)

// own are the flags of this command.
type own struct {
	model   string
	verbose bool
	write   copsebeam.WriteOptions
}

func define(flags *flag.FlagSet) *own {
	o := new(own)
	flags.StringVar(&o.model, "model", "", "model file or bundle: a path, gs://… or s3://… (default: the built-in iris model)")
	flags.StringVar(&o.write.Out, "out", "", "folder of the results (required)")
	flags.StringVar(&o.write.Format, "format", "csv", "form of the results: csv or jsonl")
	flags.StringVar(&o.write.Output, "output", "prediction", "what is written: prediction, values, margin or leaf")
	flags.StringVar(&o.write.InputFormat, "input-format", "", "form of the input: csv, jsonl or parquet (default: by name and content)")
	flags.BoolVar(&o.write.IgnoreExtra, "ignore-extra", false, "pass over columns and members that are no feature")
	flags.BoolVar(&o.write.NoHeader, "no-header", false, "CSV has no header: columns by position, in the schema's order")
	flags.BoolVar(&o.verbose, "verbose", false, "show all that Beam and its runner log here, not only what concerns the rows")
	flags.Int64Var(&o.write.Range, "range", copsebeam.DefaultRange, "bytes of a file that one worker scores at a time")
	return o
}

func main() {
	o := define(flag.CommandLine)
	flag.Usage = func() { help(os.Stderr, flag.CommandLine) }
	flag.Parse()
	beam.Init() // a worker goes no further
	if !o.verbose {
		slog.SetDefault(slog.New(&quiet{to: os.Stderr}))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := run(ctx, o, flag.Args(), os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "copse-beam: %v\n", err)
	}
	os.Exit(status)
}

// help shows the flags of this command, and not the hundred of Beam's.
func help(to io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(to, usage)
	mine := flag.NewFlagSet("", flag.ContinueOnError)
	define(mine)
	if runner := flags.Lookup("runner"); runner != nil {
		mine.Var(runner.Value, runner.Name, "prism (here, the default), dataflow, flink, spark, universal")
	}
	mine.SetOutput(to)
	mine.PrintDefaults()
}

func run(ctx context.Context, o *own, patterns []string, to io.Writer) (status int, err error) {
	if err := preflight(ctx, o, patterns); err != nil {
		return wrong, err
	}
	m, err := copsebeam.OpenModel(ctx, o.model)
	if err != nil {
		return wrong, err
	}
	if err := m.Stage(ctx, o.write.Out); err != nil {
		return wrong, err
	}
	p, s := beam.NewPipelineWithRoot()
	job, err := copsebeam.WriteFiles(s, m, beam.CreateList(s, patterns), o.write)
	if err != nil {
		return wrong, err
	}
	result, err := beamx.RunWithMetrics(ctx, p)
	if err == nil && *jobopts.Async {
		return done, nil // it runs on
	}
	if e := job.Clean(context.WithoutCancel(ctx)); e != nil {
		fmt.Fprintf(to, "copse-beam: %v\n", e)
	}
	if err != nil {
		return wrong, reason(err)
	}
	n := copsebeam.Counts(result)
	fmt.Fprintf(to, "copse-beam: %s, %s, %d of them with an error in place of an answer\n", counted(n.Files, "file"), counted(n.Rows, "row"), n.Bad)
	if n.Bad > 0 {
		return failed, nil
	}
	return done, nil
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

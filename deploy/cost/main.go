package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return // flag has written the help
		}
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(2)
	}
}

// assumptions are the defaults of what is neither measured nor a price. Rows in
// files are those of bench/bulk: 30 numbers of four digits.
func assumptions() work {
	return work{
		Rows: 1e9, JSONBytes: 600, RowBytes: 220, AnswerBytes: 100, MessageRows: 100, Batch: 10,
		Objects: 1000, PartBytes: 256 << 20, BatchOf: 100,
		Memory: fullCPU, Concurrency: 1000, Overhead: 0.02, MapStart: 15, Start: 180, Speed: 1,
	}
}

func run(args []string, out io.Writer) error {
	w := assumptions()
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	number := func(field *float64, name, help string) { flags.Float64Var(field, name, *field, help) }
	number(&w.Rows, "rows", "rows to be scored")
	number(&w.JSONBytes, "json-bytes", "bytes of a row in a message")
	number(&w.RowBytes, "row-bytes", "bytes of a row in a CSV file")
	number(&w.AnswerBytes, "answer-bytes", "bytes of a row's answer")
	number(&w.MessageRows, "message-rows", "rows of a message")
	number(&w.Batch, "messages", "messages of one call of the function")
	number(&w.Objects, "objects", "objects that the rows lie in")
	number(&w.PartBytes, "part-bytes", "most bytes of input that one call is given")
	number(&w.BatchOf, "objects-per-batch", "objects of one child execution")
	number(&w.Memory, "memory", "MB of a function; 1769 is one whole CPU")
	number(&w.Concurrency, "concurrency", "functions, or vCPUs on Dataflow, at the same time")
	number(&w.Overhead, "overhead", "seconds that a call takes beside its rows")
	number(&w.MapStart, "map-start", "seconds before a Distributed Map has listed its objects and started")
	number(&w.Start, "start", "seconds before a Dataflow worker works")
	number(&w.Speed, "speed", "of the CPU in the cloud, where the one that was measured is 1")
	number(&w.JSON.value, "json-rows-per-second", "of one core, rows in messages (0: the README's figure)")
	number(&w.CSV.value, "csv-rows-per-second", "of one core, rows in files (0: the README's figure)")
	readme := flags.String("readme", "README.md", "page with the measured block")
	markdown := flags.Bool("markdown", false, "write tables for a page")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag: see -help", flags.Arg(0))
	}
	if err := check(flags, w); err != nil {
		return err
	}
	if err := w.speeds(*readme); err != nil {
		return err
	}
	write(out, w, *markdown)
	return nil
}

// Limits of the platforms, as their pages have them, and of this calculation.
const (
	leastMemory, mostMemory = 128, 10240 // MB; docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
	mostMessage             = 1 << 20    // bytes; docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	mostOf                  = 1e15       // of anything: above it, bills say nothing
	leastOf                 = 1e-6       // of what is divided by
)

// check refuses numbers that no work has.
func check(flags *flag.FlagSet, w work) (wrong error) {
	flags.VisitAll(func(f *flag.Flag) {
		n, ok := f.Value.(flag.Getter).Get().(float64)
		zero := strings.HasSuffix(f.Name, "-per-second") || f.Name == "overhead" || strings.HasSuffix(f.Name, "start")
		switch {
		case !ok || wrong != nil:
		case n < 0, n == 0 && !zero:
			wrong = fmt.Errorf("-%s must be above 0", f.Name)
		case !(n <= mostOf), n != 0 && n < leastOf: // NaN too
			wrong = fmt.Errorf("-%s must be a number from %g to %g", f.Name, leastOf, mostOf)
		}
	})
	switch size := w.MessageRows * max(w.JSONBytes, w.AnswerBytes); {
	case wrong != nil:
		return wrong
	case w.Memory < leastMemory || w.Memory > mostMemory:
		return fmt.Errorf("-memory must be from %d to %d MB: Lambda has no other functions", leastMemory, mostMemory)
	case size > mostMessage:
		return fmt.Errorf("a message would have %s bytes, and SQS takes at most %d: lower -message-rows, or -json-bytes and -answer-bytes", short(size), mostMessage)
	}
	return nil
}

const usage = `What scoring many rows costs, and how long it takes.

  cost
  cost -rows 2e8 -row-bytes 120 -concurrency 200
  cost -csv-rows-per-second 400000 -markdown

`

// speeds fills in what no flag gave.
func (w *work) speeds(readme string) error {
	given := figure{from: "given by a flag"}
	json, csv := given, given
	if w.JSON.value == 0 || w.CSV.value == 0 {
		text, err := os.ReadFile(readme)
		if err != nil {
			return fmt.Errorf("%w: run it in the repository's folder, or give both -…-rows-per-second", err)
		}
		if json, csv, err = speeds(string(text), w.RowBytes); err != nil {
			return err
		}
	}
	for _, each := range []struct{ field, read *figure }{{&w.JSON, &json}, {&w.CSV, &csv}} {
		if each.field.value > 0 {
			each.field.from = given.from
		} else {
			*each.field = *each.read
		}
	}
	return nil
}

// write writes the bills and where each of their figures is from.
func write(out io.Writer, w work, markdown bool) {
	bills := []bill{queue(w), distributedMap(w), beam(w)}
	var rows [][]string
	for _, b := range bills {
		rows = append(rows, []string{b.name, "$" + money(b.usd()), span(b.seconds), parts(b)})
	}
	table(out, markdown, []string{"way", "cost", "time", "of which"}, rows)
	fmt.Fprintf(out, "\nMeasured:\n- rows in messages: %s rows a second of one core (%s)\n- rows in files: %s rows a second of one core (%s)\n",
		short(w.JSON.value), w.JSON.from, short(w.CSV.value), w.CSV.from)
	fmt.Fprintf(out, "\nAssumed (flags): %s rows; %s bytes a row as JSON, %s in files, %s an answer; %s rows a message, %s messages a call; %s objects, parts of %s MiB; functions of %s MB; %s functions or vCPUs at once, of %s × the measured speed; %s s a call beside its rows, %s s before a Distributed Map starts and %s s before a Dataflow worker does.\n",
		short(w.Rows), short(w.JSONBytes), short(w.RowBytes), short(w.AnswerBytes), short(w.MessageRows), short(w.Batch), short(w.Objects),
		short(w.PartBytes/(1<<20)), short(w.Memory), short(w.Concurrency), short(w.Speed), short(w.Overhead), short(w.MapStart), short(w.Start))
	fmt.Fprintf(out, "\nPrices, %s, us-east-1 and us-central1:\n\n", pricesOf)
	rows = nil
	for _, p := range prices {
		rows = append(rows, []string{p.name, "$" + strconv.FormatFloat(p.usd, 'f', -1, 64) + " a " + p.unit, p.page})
	}
	table(out, markdown, []string{"what", "price", "page"}, rows)
}

func parts(b bill) string {
	var all []string
	for _, i := range b.items {
		all = append(all, fmt.Sprintf("%s $%s", i.what, money(i.usd())))
	}
	return strings.Join(all, ", ")
}

func money(usd float64) string {
	if usd < 0.01 {
		return "0.00"
	}
	return fmt.Sprintf("%.2f", usd)
}

func span(seconds float64) string {
	if years := seconds / (365 * 24 * 3600); years > 100 { // a Duration ends at 292
		return short(years) + " years"
	}
	return (time.Duration(seconds * float64(time.Second))).Round(time.Second).String()
}

// short writes a number without noughts that say nothing.
func short(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.4g million", n/1e6)
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", n)
}

func table(out io.Writer, markdown bool, head []string, rows [][]string) {
	if markdown {
		fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, row := range rows {
			fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		}
		return
	}
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row[:len(row)-1] {
			fmt.Fprintf(out, "%-*s  ", width[i], cell)
		}
		fmt.Fprintln(out, row[len(row)-1])
	}
}

// Command bench measures every figure that the README quotes and writes them,
// with the machine they are from, between the README's two marks:
//
//	go run ./bench -o README.md
//
// The figures within the process come from the packages' own Go benchmarks, the
// others from bench/start and bench/serving.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"example.com/copse/bench/internal/figures"
)

func main() {
	out := flag.String("o", "", "page whose marked part is replaced; without it, standard output")
	flag.Parse()
	var tables bytes.Buffer
	err := write(context.Background(), &tables)
	if err == nil {
		err = deliver(*out, tables.String())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func deliver(out, tables string) error {
	if out == "" {
		_, err := fmt.Print(tables)
		return err
	}
	page, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	replaced, err := replace(string(page), tables)
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	return os.WriteFile(out, []byte(replaced), 0o644)
}

// The marks between which a page has its tables.
const (
	from = "<!-- measured: written by make bench -->\n"
	to   = "<!-- /measured -->\n"
)

func replace(page, tables string) (string, error) {
	before, rest, begins := strings.Cut(page, from)
	_, after, ends := strings.Cut(rest, to)
	if !begins || !ends {
		return "", fmt.Errorf("no lines %q and %q to write between", strings.TrimSpace(from), strings.TrimSpace(to))
	}
	return before + from + tables + to + after, nil
}

const head = `Times depend on the machine; ratios are to a control that ran in turn in the same run. ` + "`" + `make bench` + "`" + ` prints all of this again.

Machine: %s, %d cores, %s/%s, %s.

`

func write(ctx context.Context, w io.Writer) error {
	if _, err := fmt.Fprintf(w, head, processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()); err != nil {
		return err
	}
	for _, program := range []string{"./bench/start", "./bench/serving"} {
		command := exec.CommandContext(ctx, "go", "run", program)
		// The programs' steps go to standard error; their tables are the page.
		command.Stdout, command.Stderr = w, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	}
	rows, err := inProcess(ctx)
	if err != nil {
		return err
	}
	return figures.Write(w, fmt.Sprintf("Within the process (Go benchmarks, least of %d)", repetitions), rows)
}

// processor is the processor's name as the system has it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

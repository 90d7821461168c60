// Command bench measures every figure that the README quotes and writes them,
// with the machine they are from, as one page of Markdown:
//
//	go run ./bench -o bench/RESULTS.md
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
	out := flag.String("o", "", "file that takes the page; without it, standard output")
	flag.Parse()
	var page bytes.Buffer
	err := write(context.Background(), &page)
	if err == nil {
		err = deliver(*out, page.Bytes())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func deliver(out string, page []byte) error {
	if out == "" {
		_, err := os.Stdout.Write(page)
		return err
	}
	return os.WriteFile(out, page, 0o644)
}

const head = `# Measured

<!-- Written by make bench. Do not edit. -->

Times depend on the machine; ratios are to a control that ran in turn in the same run. Figures within the process are the least of %d repetitions.

Machine: %s, %d cores, %s/%s, %s.

`

func write(ctx context.Context, w io.Writer) error {
	if _, err := fmt.Fprintf(w, head, repetitions, processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()); err != nil {
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
	return figures.Write(w, "Within the process (Go benchmarks)", rows)
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

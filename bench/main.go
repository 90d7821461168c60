// Command bench measures every figure that the README quotes and writes them,
// with the machine they are from, between the README's two marks:
//
//	go run ./bench -o README.md
//
// The figures within the process come from the packages' own Go benchmarks, the
// others from bench/start, bench/serving and bench/bulk.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"example.com/copse/bench/internal/figures"
)

func main() { figures.Main("bench", write) }

const head = `Times depend on the machine; ratios are to a control that ran in turn in the same run. ` + "`" + `make bench` + "`" + ` prints all of this again. Against the models' own libraries, the engine is measured [by itself](bench/peers/README.md).

%s
`

func write(ctx context.Context, w io.Writer) error {
	if _, err := fmt.Fprintf(w, head, figures.Machine()); err != nil {
		return err
	}
	for _, program := range []string{"./bench/start", "./bench/serving", "./bench/bulk"} {
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
	return figures.Write(w, fmt.Sprintf("Within the process (Go benchmarks, best of %d)", repetitions), rows)
}

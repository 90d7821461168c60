package figures

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is a line that says what was measured on.
func Machine() string {
	return fmt.Sprintf("Machine: %s, %d cores, %s/%s, %s.\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
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

// Deliver writes tables into a page, in the place of what stands between its
// two marks for target, a target of make; without a page, to standard output.
func Deliver(page, target, tables string) error {
	if page == "" {
		_, err := fmt.Print(tables)
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	replaced, err := replace(string(text), target, tables)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(replaced), 0o644)
}

// marks are the lines between which a page has the tables of a target.
func marks(target string) (from, to string) {
	return "<!-- measured: written by make " + target + " -->\n", "<!-- /measured -->\n"
}

func replace(page, target, tables string) (string, error) {
	from, to := marks(target)
	before, rest, begins := strings.Cut(page, from)
	_, after, ends := strings.Cut(rest, to)
	if !begins || !ends {
		return "", fmt.Errorf("no lines %q and %q to write between", strings.TrimSpace(from), strings.TrimSpace(to))
	}
	return before + from + tables + to + after, nil
}

// Package figures is what the benchmark programs share: the least and the
// middle of repeated measurements, and tables of them in Markdown.
package figures

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Figure is a row of a table.
type Figure struct {
	What    string
	Value   string // with its unit
	Control string // the same of what it is compared with; may be empty
	Ratio   string // may be empty
	Target  string // what must be reached; empty: for information
	Met     bool
}

// AtMost makes the ratio, target and verdict of a figure that must not be over
// limit times its control.
func AtMost(f Figure, ratio, limit float64) Figure {
	f.Ratio, f.Target, f.Met = fmt.Sprintf("%.2f ×", ratio), fmt.Sprintf("at most %g ×", limit), ratio <= limit
	return f
}

// AtLeast is AtMost the other way round: the control's measure over the
// figure's must reach limit.
func AtLeast(f Figure, ratio, limit float64) Figure {
	f.Ratio, f.Target, f.Met = fmt.Sprintf("%.1f ×", ratio), fmt.Sprintf("at least %g ×", limit), ratio >= limit
	return f
}

// Write writes a table with its heading.
func Write(w io.Writer, heading string, rows []Figure) error {
	if _, err := fmt.Fprintf(w, "### %s\n\n| what | measured | control | ratio | must reach | reached |\n|---|---|---|---|---|---|\n", heading); err != nil {
		return err
	}
	for _, f := range rows {
		reached := ""
		if f.Target != "" {
			reached = map[bool]string{true: "yes", false: "**no**"}[f.Met]
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", f.What, f.Value, f.Control, f.Ratio, f.Target, reached); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

// Median is the middle of values, the higher one of two; values must not be
// empty and stay as they are.
func Median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// MedianRatio is the median of a[i] over b[i], which were measured in turn, so
// that what else the machine did falls out.
func MedianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return Median(ratios)
}

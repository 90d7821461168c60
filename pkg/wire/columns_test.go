package wire

import (
	"fmt"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
)

// TestColumns holds the columns of a table to the cells of a CSV line.
func TestColumns(t *testing.T) {
	for _, c := range []struct {
		name   string
		shape  Shape
		values []float64
	}{
		{"a regressor", Shape{Outputs: 1}, []float64{1.5}},
		{"two outputs", Shape{Outputs: 2}, []float64{1.5, 2}},
		{"two classes, one output", Shape{Outputs: 1, Labels: []string{"a", "b,c"}}, []float64{0.25}},
		{"the same, single", Shape{Outputs: 1, Labels: []string{"a", "b"}, Single: true}, []float64{float64(float32(0.1))}},
		{"three classes", Shape{Outputs: 3, Labels: []string{"a", "b", "c"}}, []float64{0.25, 0.5, 0.25}},
		{"the class, and scores of pairs", Shape{Outputs: 1, Classed: true, Labels: []string{"a", "b", "c"}}, []float64{0.75, 2}},
		{"the class of the library", Shape{Outputs: 3, Labels: []string{"a", "b", "c"}, Returns: ir.ReturnsClass}, []float64{0.25, 0.5, 0.25}},
		{"both", Shape{Outputs: 1, Labels: []string{"a", "b"}, Returns: ir.ReturnsBoth}, []float64{0.25}},
	} {
		w := NewFormatter(c.shape)
		for _, k := range []Kind{Prediction, Values, Margin, Leaf} {
			values := c.values
			if k == Margin || k == Leaf {
				values = values[:c.shape.Outputs]
			}
			names, labelled := w.Columns(k, len(values))
			if len(names) != w.columns(k, len(values)) {
				t.Errorf("%s, %v: got %q, want %d columns", c.name, k, names, w.columns(k, len(values)))
			}
			header := ""
			for _, name := range append(names, "error") {
				header += csvCell(name) + ","
			}
			if got := string(w.AppendHeader(nil, k, len(values))); got != strings.TrimSuffix(header, ",")+"\n" {
				t.Errorf("%s, %v: got %s, want %s", c.name, k, got, header)
			}
			var want strings.Builder
			label, text := w.Prediction(c.values)
			if labelled {
				fmt.Fprintf(&want, "%s,", csvCell(text))
			}
			if labelled != (k == Prediction && label >= 0) {
				t.Errorf("%s, %v: a label: %v", c.name, k, labelled)
			}
			numbers := w.AppendNumbers(nil, k, values)
			for _, x := range numbers {
				want.Write(w.appendCell(nil, k, x))
				want.WriteByte(',')
			}
			if got := string(w.appendLine(nil, k, values)); got != want.String() {
				t.Errorf("%s, %v: got %s, want %s", c.name, k, got, want.String())
			}
			if n := len(numbers); len(names) != n && (!labelled || len(names) != n+1) {
				t.Errorf("%s, %v: %d names for %d numbers", c.name, k, len(names), n)
			}
		}
		if w.Single() != c.shape.Single {
			t.Errorf("%s: single %v", c.name, w.Single())
		}
	}
}

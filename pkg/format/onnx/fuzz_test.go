package onnx_test

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"os"
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/onnx"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// read reads a file that is in memory.
func read(data []byte) (*ir.Model, schema.Document, error) {
	return onnx.Read(bufio.NewReader(bytes.NewReader(data)))
}

// FuzzRead damages the fixtures: a file is refused with an error of the reader,
// or gives a model that passes ir.Check, has a sound schema, and answers.
func FuzzRead(f *testing.F) {
	const largest = 12 << 10
	for _, path := range casetest.Models(f, onnx.Library) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) <= largest {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, doc, err := read(data)
		if err != nil {
			var e *readerr.Error
			if !errors.As(err, &e) || e.Format != onnx.Library || e.Reason == "" {
				t.Fatalf("got the error %#v, want a *readerr.Error", err)
			}
			return
		}
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		if _, err := schema.New(doc); err != nil {
			t.Fatal(err)
		}
		answer(m)
	})
}

// answer asks a small model about a few rows.
func answer(m *ir.Model) []float64 {
	width := 0
	for _, r := range m.Program.Registers {
		width += r.Width
	}
	const most = 1 << 14
	if width > most {
		return nil
	}
	row, margin, values := make([]float64, len(m.FeatureNames)), make([]float64, m.Outputs), make([]float64, m.Width())
	for _, x := range []float64{0, 1, -2.5, math.NaN(), math.Inf(1), -3e38} {
		for i := range row {
			row[i] = x
		}
		m.Eval(row, margin, values)
	}
	return values
}

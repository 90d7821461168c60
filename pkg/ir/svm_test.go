package ir_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
)

// machines are what testdata/make/svm.py wrote.
type machines struct {
	Rows  [][]float64
	Cases []struct {
		Name, Kernel string
		Ints         []int
		Data         []float64
		Label        []int
		Score        [][]float64
	}
}

func readMachines(t *testing.T) machines {
	t.Helper()
	text, err := os.ReadFile("testdata/svm.json")
	if err != nil {
		t.Fatal(err)
	}
	var m machines
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

var kernels = map[string]ir.Fn{"linear": ir.FnLinear, "poly": ir.FnPoly, "rbf": ir.FnRBF, "tanh": ir.FnTanh}

// TestSVM holds the step to what ONNX Runtime answers: the class exactly, the
// scores within what sums in another order and its tanh differ by.
func TestSVM(t *testing.T) {
	m := readMachines(t)
	if len(m.Cases) < 40 || len(m.Rows) < 10 {
		t.Fatalf("%d cases of %d rows", len(m.Cases), len(m.Rows))
	}
	for _, c := range m.Cases {
		t.Run(c.Name, func(t *testing.T) {
			s := ir.Step{Kind: ir.SVM, Fn: kernels[c.Kernel], In: []int32{0}, Out: 1, Ints: c.Ints, Data: c.Data}
			probable := strings.Contains(c.Name, "probabilities")
			p := svmProgram(s, len(m.Rows[0]), probable)
			if err := ir.Check(p); err != nil {
				t.Fatal(err)
			}
			out := make([]float64, p.Outputs)
			for r, row := range m.Rows {
				p.Eval(row, make([]float64, p.Outputs), out)
				score, label := scores(out, c.Ints[0], probable)
				for i, want := range c.Score[r] {
					if got := score[i]; math.Abs(got-want) > 2e-5*max(1, math.Abs(want)) {
						t.Errorf("row %d, score %d: got %v, want %v", r, i, got, want)
					}
				}
				if len(c.Label) > 0 && label != c.Label[r] {
					t.Errorf("row %d: class %d, want %d", r, label, c.Label[r])
				}
			}
		})
	}
}

// svmProgram is a program of one machine.
func svmProgram(s ir.Step, features int, probable bool) *ir.Model {
	width, classes := 1, s.Ints[0]
	if classes > 0 {
		width = classes*(classes-1)/2 + classes
	}
	if probable {
		width += classes
	}
	return &ir.Model{
		FeatureNames: make([]string, features), Input: ir.Float32, Sum: ir.Float32, Outputs: width,
		Program: &ir.Program{
			Registers: []ir.Register{{Width: features, Type: ir.TypeFloat32}, {Width: width, Type: ir.TypeFloat32}},
			Steps:     []ir.Step{s}, Output: 1, Class: ir.NoRegister,
		},
	}
}

// scores makes of a step's output what the operators give, as svm.go says.
func scores(out []float64, classes int, probable bool) (score []float64, label int) {
	if classes == 0 {
		return out, 0
	}
	pairs := classes * (classes - 1) / 2
	votes := out[pairs:][:classes]
	for i, v := range votes {
		if v > votes[label] {
			label = i
		}
	}
	switch {
	case probable:
		return out[pairs+classes:], label
	case classes == 2:
		return []float64{-out[0], out[0]}, label
	}
	return out[:pairs], label
}

package casetest

import (
	"os"
	"path/filepath"
	"testing"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// batches are the batch sizes at which the engine is asked.
var batches = []int{1, 3, 8, 1000}

// hold asks the model in every way and compares.
func (c *Case) hold(t *testing.T, m *ir.Model, doc schema.Document) {
	s, err := schema.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	f := c.frame(t, s, m.Input == ir.Float32)
	c.reference(t, m, f)
	c.engine(t, m, f)
	c.bundle(t, m, doc)
}

// frame reads rows.csv as a user's rows are read.
func (c *Case) frame(t *testing.T, s *schema.Schema, single bool) *frame.Frame {
	t.Helper()
	var f frame.Frame
	c.decode(t, s, &f)
	s.Validate(&f)
	s.Clean(&f, single)
	if f.Rows != c.Rows {
		t.Fatalf("rows.csv has %d rows, case.json says %d", f.Rows, c.Rows)
	}
	if got := refused(f.Bad); !sameRows(got, c.Refused) {
		for _, fault := range f.Faults[:min(5, len(f.Faults))] {
			t.Log(fault.Row, fault.Error())
		}
		t.Errorf("refused are the rows %v, by the library %v", got, c.Refused)
	}
	return &f
}

func (c *Case) decode(t *testing.T, s *schema.Schema, f *frame.Frame) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(c.dir, "rows.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var d wire.Decoder
	f.Reset(s.NumFeatures())
	if _, e := d.Batch(body, wire.CSV, s, &wire.Options{}, f); e != nil {
		t.Fatal(e)
	}
}

// reference holds ir.Eval to the library.
func (c *Case) reference(t *testing.T, m *ir.Model, f *frame.Frame) {
	t.Helper()
	margins, values, leaves := c.table(t, "margin.csv"), c.table(t, "values.csv"), c.table(t, "leaf.csv")
	if margins == nil && values == nil {
		t.Error("the case has neither margins nor values")
	}
	margin, answer, leaf := make([]float64, m.Outputs), make([]float64, m.Width()), make([]int32, len(m.Trees))
	for r := range f.Rows {
		if f.Bad[r] {
			continue
		}
		m.Eval(f.Row(r), margin, answer)
		if margins != nil {
			c.line(t, "margin", r, margin, margins[r], func(got, want float64) bool { return same(got, want) || c.Tolerance > 0 && c.near(got, want, m.Sum) })
		}
		if values != nil {
			returned := answer[:m.Outputs]
			if m.Returns.OfMargins() {
				returned = margin
			}
			c.line(t, "values", r, m.Returns.Append(nil, returned), values[r], func(got, want float64) bool { return c.near(got, want, m.Sum) })
		}
		if leaves != nil {
			m.EvalLeaf(f.Row(r), leaf)
			got := make([]float64, len(leaf))
			for i, id := range leaf {
				got[i] = float64(id)
			}
			c.line(t, "leaf", r, got, leaves[r], same)
		}
		if t.Failed() {
			t.Fatalf("row %d is %v", r, f.Row(r))
		}
	}
}

func (c *Case) line(t *testing.T, what string, row int, got, want []float64, alike func(got, want float64) bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d numbers, the library's %d", what, len(got), len(want))
	}
	for i := range got {
		if !alike(got[i], want[i]) {
			t.Errorf("row %d: %s %d is %v, the library's %v", row, what, i, got[i], want[i])
		}
	}
}

// engine holds the engine to ir.Eval, bit for bit, over the good rows.
func (c *Case) engine(t *testing.T, m *ir.Model, f *frame.Frame) {
	t.Helper()
	a, err := engine.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(*a)
	if err != nil {
		t.Fatal(err)
	}
	var rows []float64
	n := 0
	for r := range f.Rows {
		if !f.Bad[r] {
			rows = append(rows, f.Row(r)...)
			n++
		}
	}
	width, features := m.Width(), f.Cols
	wantMargin, wantValues := make([]float64, n*m.Outputs), make([]float64, n*width)
	for r := range n {
		m.Eval(rows[r*features:][:features], wantMargin[r*m.Outputs:][:m.Outputs], wantValues[r*width:][:width])
	}
	margin, values := make([]float64, n*m.Outputs), make([]float64, n*width)
	var scratch engine.Scratch
	for _, size := range batches {
		for at := 0; at < n; at += size {
			k := min(size, n-at)
			e.Margin(rows[at*features:][:k*features], k, margin[at*m.Outputs:], &scratch)
			e.Score(rows[at*features:][:k*features], k, values[at*width:], &scratch)
		}
		equal(t, "engine's margins", size, margin, wantMargin)
		equal(t, "engine's values", size, values, wantValues)
	}
}

func equal(t *testing.T, what string, size int, got, want []float64) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s in batches of %d: number %d is %v, the reference %v", what, size, i, got[i], want[i])
		}
	}
}

// bundle takes the whole way of a model: compiled, opened, asked, labelled.
func (c *Case) bundle(t *testing.T, m *ir.Model, doc schema.Document) {
	t.Helper()
	data, err := predict.Compile(m, doc, predict.Info{Name: "case"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := predict.Compile(m, doc, predict.Info{Name: "case"}, nil)
	if err != nil || string(again) != string(data) {
		t.Errorf("compiling twice gives other bytes: %v", err)
	}
	opened, err := predict.Open("", data, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := predict.Get()
	defer r.Release()
	c.decode(t, opened.Schema(), &r.Frame)
	if err := opened.Predict(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	labels := c.texts(t, "labels.csv")
	margin, answer := make([]float64, m.Outputs), make([]float64, m.Width())
	for row := range r.Frame.Rows {
		i := r.Answers.Index[row]
		if i == frame.Bad {
			continue
		}
		m.Eval(r.Frame.Row(row), margin, answer)
		got := r.Answers.Value(i)
		equal(t, "the pipeline's answer", row, got, answer)
		if labels != nil {
			if _, label := opened.Formatter().Prediction(got); label != labels[row][0] {
				t.Errorf("row %d: the prediction is %q, the library's %q (%s)", row, label, labels[row][0], text(got))
			}
		}
	}
}

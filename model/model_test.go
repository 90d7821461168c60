package model_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/model"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
)

func open(t testing.TB) *predict.Model {
	t.Helper()
	m, err := predict.Open(model.Name, model.Bundle(), predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answer predicts rows of four measurements.
func answer(t testing.TB, m *predict.Model, rows ...[]float64) *predict.Request {
	t.Helper()
	r := predict.Get()
	t.Cleanup(r.Release)
	r.Frame.Reset(4)
	for _, row := range rows {
		copy(r.Frame.Append(), row)
	}
	if err := m.Predict(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBundle: the embedded model opens, passes its self-test, and knows most
// of the flowers that it was trained on.
func TestBundle(t *testing.T) {
	m := open(t)
	raw, err := os.ReadFile("../testdata/iris/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for _, record := range records[1:] {
		row := make([]float64, 4)
		for c := range row {
			if row[c], err = strconv.ParseFloat(record[c], 64); err != nil {
				t.Fatal(err)
			}
			if name := m.Schema().Feature(c).Name; name != records[0][c] {
				t.Fatalf("column %d is %q, the table's is %q", c, name, records[0][c])
			}
		}
		rows = append(rows, row)
	}
	r := answer(t, m, rows...)
	labels := m.Info().Labels
	right := 0
	for i, record := range records[1:] {
		values := r.Answers.Value(r.Answers.Index[i])
		best := 0
		for k, v := range values {
			if v > values[best] {
				best = k
			}
		}
		if labels[best] == record[4] {
			right++
		}
	}
	if right < 140 {
		t.Errorf("%d of %d training rows are answered right", right, len(rows))
	}
}

// TestMillimetresAreRefused: 51 is not a flower, and the error says which
// field broke which rule.
func TestMillimetresAreRefused(t *testing.T) {
	r := answer(t, open(t), []float64{51, 35, 14, 2}, []float64{5.1, 3.5, 1.4, 0.2})
	var fields []string
	for _, f := range r.Frame.Faults {
		if f.Code != fault.OutOfRange || f.Row != 0 || f.Rule != "lte=10" || !strings.Contains(f.Message, "at most 10 cm") {
			t.Errorf("got %+v", f)
		}
		fields = append(fields, f.Field)
	}
	if want := "sepal_length sepal_width petal_length"; strings.Join(fields, " ") != want {
		t.Errorf("got %v, want %s", fields, want)
	}
	if r.Answers.Index[1] < 0 {
		t.Error("the good row has no answer")
	}
}

// TestScoringIsCheap: the default model answers in a fraction of what reading
// its row costs.
func TestScoringIsCheap(t *testing.T) {
	if got := open(t).Engine().RowCost(); got <= 0 || got > 250 {
		t.Errorf("the engine expects %v ns a row, want at most 250", got)
	}
}

func BenchmarkIris(b *testing.B) {
	e := open(b).Engine()
	rows := []float64{5.1, 3.5, 1.4, 0.2}
	out := make([]float64, 3)
	var scratch engine.Scratch
	for b.Loop() {
		e.Score(rows, 1, out, &scratch)
	}
}

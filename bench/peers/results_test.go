package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// printed is what measure.py might print: one model of trees with two other
// libraries, one of which has two calls, and one without trees.
const printed = `{"case": "A", "title": "XGBoost, 10 trees", "trees": 10}
{"case": "A", "peer": "Copse", "call": "score", "distance": 0.0, "of": "XGBoost 3.2.0"}
{"case": "A", "peer": "Treelite 4", "call": "GTIL", "distance": 2e-07, "of": "XGBoost 3.2.0"}
{"case": "A", "peer": "XGBoost 3.2.0", "call": "inplace", "batch": 1, "round": 0, "ns": 900}
{"case": "A", "peer": "XGBoost 3.2.0", "call": "matrix", "batch": 1, "round": 0, "ns": 800}
{"case": "A", "peer": "Treelite 4", "call": "GTIL", "batch": 1, "round": 0, "ns": 400}
{"case": "A", "peer": "Copse", "call": "eight", "batch": 1, "round": 0, "ns": 100}
{"case": "A", "peer": "XGBoost 3.2.0", "call": "inplace", "batch": 1, "round": 1, "ns": 700}
{"case": "A", "peer": "XGBoost 3.2.0", "call": "matrix", "batch": 1, "round": 1, "ns": 750}
{"case": "A", "peer": "Treelite 4", "call": "GTIL", "batch": 1, "round": 1, "ns": 500}
{"case": "A", "peer": "Copse", "call": "eight", "batch": 1, "round": 1, "ns": 120}
{"case": "A", "peer": "XGBoost 3.2.0", "call": "inplace", "batch": 1000, "round": 0, "ns": 60}
{"case": "A", "peer": "Copse", "call": "eight", "batch": 1000, "round": 0, "ns": 50}
{"case": "H", "title": "ONNX multi-layer perceptron, 30 features", "trees": 0}
{"case": "H", "peer": "Copse", "call": "score", "distance": 1e-07, "of": "ONNX Runtime 1.32.0"}
{"case": "H", "peer": "ONNX Runtime 1.32.0", "call": "run", "batch": 1000, "round": 0, "ns": 1000}
{"case": "H", "peer": "Copse", "call": "program", "batch": 1000, "round": 0, "ns": 1234.5}
`

func parsed(t *testing.T) []*model {
	t.Helper()
	models, err := parse([]byte(printed))
	if err != nil {
		t.Fatal(err)
	}
	return models
}

func TestParse(t *testing.T) {
	models := parsed(t)
	if len(models) != 2 {
		t.Fatalf("got %d models, want 2", len(models))
	}
	tests := []struct {
		peer  string
		batch int
		want  float64
	}{
		{"XGBoost 3.2.0", 1, 70}, // the least of both calls and rounds, of 10 trees
		{"Treelite 4", 1, 40}, {copse, 1, 10}, {copse, 1000, 5},
		{"Treelite 4", 1000, math.Inf(1)},
	}
	for _, tt := range tests {
		if got := models[0].least(tt.peer, tt.batch); got != tt.want {
			t.Errorf("%s, %d rows: got %v, want %v", tt.peer, tt.batch, got, tt.want)
		}
	}
	if got, want := models[0].times[turn{"XGBoost 3.2.0", 1}], []float64{800, 700}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("rounds: got %v, want %v", got, want)
	}
	if got := models[1].least(copse, 1000); got != 1234.5 {
		t.Errorf("without trees: got %v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	title := `{"case": "A", "title": "a", "trees": 1}` + "\n"
	for _, tt := range []struct{ text, want string }{
		{"", "nothing was measured"},
		{"measuring A\n", "invalid character"},
		{`{"case": "A", "peer": "Copse", "batch": 1, "round": 0, "ns": 1}`, "below its title"},
		{title + `{"case": "B", "peer": "Copse", "batch": 1, "round": 0, "ns": 1}`, "below its title"},
		{title + `{"case": "A", "peer": "Copse", "batch": 1, "round": 1, "ns": 1}`, "round 1 comes after 0 rounds"},
		{title + `{"case": "A", "peer": "Copse", "batch": 1, "round": 0, "ns": 0}`, "took 0 ns"},
	} {
		if _, err := parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parse(%q): got %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	if err := write(&out, parsed(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n### A: XGBoost, 10 trees (ns a row and tree)\n\n| | 1 row | 1,000 | answers |\n|---|--:|--:|--:|\n",
		"| Copse | 10.0 | 5.00 | 0 |\n",
		"| XGBoost 3.2.0 | 70.0 (7.00 ×) | **6.00 (1.20 ×)** | 0 |\n",
		"| Treelite 4 | **40.0 (4.00 ×)** |  | 2e-07 |\n",
		"\n### H: ONNX multi-layer perceptron, 30 features (ns a row)\n\n| | 1,000 rows | answers |\n",
		"| ONNX Runtime 1.32.0 | **1,000 (0.81 ×)** | 0 |\n",
		"against ONNX Runtime | 1,235 ns a row | 1,000 ns a row | 1.23 × | at most 1.5 × | yes |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwithout %q", &out, want)
		}
	}
	// What is fastest at the largest batch stands above the others.
	if xgboost, treelite := strings.Index(out.String(), "| XGBoost"), strings.Index(out.String(), "| Treelite"); xgboost > treelite {
		t.Error("libraries are not in the order of their times")
	}
	if got := strings.Count(out.String(), "at most"); got != 2 { // once in the head
		t.Errorf("got %d mentions of limits, want one of the model that was measured, and one in the head", got)
	}
}

func TestDigits(t *testing.T) {
	for _, tt := range []struct {
		x    float64
		want string
	}{{0.567, "0.57"}, {9.994, "9.99"}, {9.996, "10.0"}, {99.94, "99.9"}, {99.96, "100"}, {1234567.4, "1,234,567"}, {999, "999"}} {
		if got := digits(tt.x); got != tt.want {
			t.Errorf("digits(%v): got %s, want %s", tt.x, got, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	good := options{rounds: 1, batches: "1,64", cases: "A"}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []options{
		{rounds: 0, batches: "1"}, {rounds: 1, batches: ""}, {rounds: 1, batches: "1,0"}, {rounds: 1, batches: "many"},
	} {
		if err := bad.check(); err == nil {
			t.Errorf("%+v: got no error", bad)
		}
	}
}

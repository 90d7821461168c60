package local

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// TestMadeRows: whatever the rules, the rows that bench makes keep to them.
func TestMadeRows(t *testing.T) {
	for _, tt := range []struct {
		name     string
		feature  schema.Feature
		distinct int // at least so many values
	}{
		{"any", schema.Feature{}, 900},
		{"finite", schema.Feature{Finite: true}, 900},
		{"finite from 0", schema.Feature{Finite: true, Rules: "gte=0"}, 500},
		{"finite to 5", schema.Feature{Finite: true, Rules: "lt=5"}, 500},
		{"the whole of float64", schema.Feature{Rules: "gte=-1e308,lte=1e308"}, 500},
		{"one number", schema.Feature{Rules: "eq=7"}, 1},
		{"all but one", schema.Feature{Rules: "ne=7"}, 500},
		{"integer", schema.Feature{Type: schema.Integer, Finite: true}, 3},
		{"some integers", schema.Feature{Type: schema.Integer, Rules: "oneof=-100 200 300"}, 3},
		{"an integer that is not 1", schema.Feature{Type: schema.Integer, Rules: "gte=1,lte=3,ne=1"}, 2},
		{"an example", schema.Feature{Type: schema.Integer, Rules: "oneof='4000'", Example: 4000.0}, 1},
		{"boolean", schema.Feature{Type: schema.Boolean}, 2},
		{"category", schema.Feature{Type: schema.Category, Categories: []string{"a", "b", "c"}}, 3},
	} {
		tt.feature.Name = "x"
		s, err := schema.New(schema.Document{Features: []schema.Feature{{Name: "before"}, tt.feature}})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, err := madeRows(s, false)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var f frame.Frame
		f.Reset(2)
		values := make(map[float64]bool)
		for row := range slices.Chunk(got, 2) {
			copy(f.Append(), row)
			values[row[1]] = true
		}
		s.Validate(&f)
		if len(got) != 2*benchRows || len(f.Faults) > 0 || len(values) < tt.distinct {
			t.Errorf("%s: got %d values, %d different, faults %v", tt.name, len(got), len(values), f.Faults)
		}
		again, _ := madeRows(s, false)
		if !slices.EqualFunc(got, again, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Errorf("%s: the rows are others the second time", tt.name)
		}
	}
}

// TestMadeRowsRefuses: rules that nothing fits are named.
func TestMadeRowsRefuses(t *testing.T) {
	s, err := schema.New(schema.Document{Features: []schema.Feature{{Name: "x", Type: schema.Integer, Rules: "oneof=5,ne=5"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := madeRows(s, false); err == nil || !strings.Contains(err.Error(), `"oneof=5,ne=5" of the feature "x"`) {
		t.Errorf("got %v", err)
	}
}

// TestMadeRowsOfLibraries: for every model of XGBoost, whose features are
// finite, rows can be made.
func TestMadeRowsOfLibraries(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/models/xgboost/3.2-*/model.*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d models, %v", len(paths), err)
	}
	for _, path := range paths {
		m, err := openModel(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := madeRows(m.Schema(), m.Single()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

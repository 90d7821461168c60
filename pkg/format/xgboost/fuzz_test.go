package xgboost

import (
	"bufio"
	"errors"
	"math"
	"os"
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// FuzzRead: whatever the bytes, there is a clean error or a model that is
// sound, whose schema compiles, and that scores.
func FuzzRead(f *testing.F) {
	for _, path := range casetest.Models(f, Library) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, m := range []members{makeModel(1, 2, 2), vector(false), vector(true), categorical()} {
		f.Add(asJSON(m))
		f.Add(asUBJSON(m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, doc, err := Read(bufio.NewReader(reader(data)))
		if err != nil {
			var e *readerr.Error
			if !errors.As(err, &e) || m != nil {
				t.Fatalf("got %v, %v", m, err)
			}
			return
		}
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		if _, err := schema.New(doc); err != nil {
			t.Fatal(err)
		}
		row := make([]float64, len(m.FeatureNames))
		for i := range row {
			row[i] = [...]float64{0, -1.5, math.NaN(), 7}[i%4]
		}
		m.Eval(row, make([]float64, m.Outputs), make([]float64, m.Width()))
	})
}

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		head string
		want bool
	}{
		{`{"learner":{`, true},
		{" \r\n\t{ \"version\":[1,0,0],\n\"learner\" : {", true},
		{"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", true},
		{"{i\x07learner{", true},
		{"{#i\x02i\x07learner{", true},
		{"{i\x05otherZ", false},
		{`{"other":1}`, false},
		{`["learner"]`, false},
		{"binf", false},
		{"", false},
		{"{", false},
	} {
		if got := Is([]byte(tt.head)); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.head, got, tt.want)
		}
	}
	for _, path := range casetest.Models(t, Library) {
		data, err := os.ReadFile(path)
		if err != nil || !Is(data[:min(len(data), 4096)]) {
			t.Errorf("%s is not told, or %v", path, err)
		}
	}
}

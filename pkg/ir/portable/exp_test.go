package portable

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"strconv"
	"testing"
)

// answers reads what the C library answered: lines of x and the answer.
func answers(t *testing.T, path string, atLeast int) (list [][2]float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) < atLeast {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	for _, line := range lines {
		var pair [2]float64
		for i, text := range line {
			if pair[i], err = strconv.ParseFloat(text, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
				t.Fatal(err)
			}
		}
		list = append(list, pair)
	}
	return list
}

// TestExpIsTheCLibrarys holds Exp to what glibc answered (testdata/make/libm.py).
func TestExpIsTheCLibrarys(t *testing.T) {
	for _, line := range answers(t, "testdata/exp.csv", 700) {
		if got := Exp(line[0]); math.Float64bits(got) != math.Float64bits(line[1]) {
			t.Errorf("exp(%x): got %x, want %x", line[0], got, line[1])
		}
	}
}

func TestExpSpecial(t *testing.T) {
	for _, tt := range []struct{ x, want float64 }{
		{math.Inf(1), math.Inf(1)}, {math.Inf(-1), 0}, {math.NaN(), math.NaN()},
		{math.MaxFloat64, math.Inf(1)}, {-math.MaxFloat64, 0}, {math.SmallestNonzeroFloat64, 1},
	} {
		if got := Exp(tt.x); got != tt.want && !(got != got && tt.want != tt.want) {
			t.Errorf("exp(%v): got %v, want %v", tt.x, got, tt.want)
		}
	}
}

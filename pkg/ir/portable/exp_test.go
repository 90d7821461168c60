package portable

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"strconv"
	"testing"
)

// TestExpIsTheCLibrarys holds Exp to what glibc answered (testdata/make/libm.py).
func TestExpIsTheCLibrarys(t *testing.T) {
	f, err := os.Open("testdata/exp.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) < 700 {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	number := func(text string) float64 {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			t.Fatal(err)
		}
		return x
	}
	for _, line := range lines {
		x, want := number(line[0]), number(line[1])
		if got := Exp(x); math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("exp(%s): got %x, want %x", line[0], got, want)
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

package ir_test

import (
	"math"
	"slices"
	"testing"

	"example.com/copse/pkg/ir"
)

// TestLinks holds each link to what its formula gives with math's functions,
// within an ulp of its precision, and to numbers that are known exactly.
func TestLinks(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	sigmoid := func(k float64) func(float64) float64 {
		return func(x float64) float64 { return 1 / (1 + math.Exp(-k*x)) }
	}
	for _, c := range []struct {
		name  string
		f     ir.Finish
		sum   ir.Precision
		want  func(float64) float64
		exact map[float64]float64
	}{
		{"identity", ir.Finish{}, ir.Float64, func(x float64) float64 { return x }, nil},
		{"average", ir.Finish{Average: 4}, ir.Float64, func(x float64) float64 { return x / 4 }, map[float64]float64{1: 0.25}},
		{"xgboost's logistic", ir.Finish{Link: ir.Logistic}, ir.Float32, sigmoid(1), map[float64]float64{0: 0.5, inf: 1, nan: nan}},
		{"sigmoid", ir.Finish{Link: ir.Sigmoid}, ir.Float64, sigmoid(1), map[float64]float64{0: 0.5, inf: 1, -inf: 0}},
		{"sigmoid with a parameter", ir.Finish{Link: ir.Sigmoid, Param: 0.5}, ir.Float64, sigmoid(0.5), map[float64]float64{0: 0.5}},
		{"exp", ir.Finish{Link: ir.Exp}, ir.Float64, math.Exp, map[float64]float64{0: 1, -inf: 0, inf: inf}},
		{"exp in float32", ir.Finish{Link: ir.Exp}, ir.Float32, math.Exp, map[float64]float64{0: 1, 89: inf}},
		{"signed square", ir.Finish{Link: ir.SignedSquare}, ir.Float64, func(x float64) float64 { return math.Copysign(x*x, x) }, map[float64]float64{-3: -9, 3: 9}},
		{"log1p of exp", ir.Finish{Link: ir.Log1pExp}, ir.Float64, func(x float64) float64 { return math.Log1p(math.Exp(x)) }, map[float64]float64{-inf: 0}},
		{"hinge", ir.Finish{Link: ir.Hinge}, ir.Float32, func(x float64) float64 { return math.Max(0, math.Copysign(1, x)) * b2f(x != 0) }, map[float64]float64{0: 0, 1e-30: 1, -1: 0}},
		{"stable logistic", ir.Finish{Link: ir.LogisticStable}, ir.Float32, sigmoid(1), map[float64]float64{0: 0.5, inf: 1, -inf: 0}},
	} {
		for x := -6.0; x <= 6; x += 0.125 {
			got, want := []float64{x}, c.want(x)
			c.f.Values(got, 1, c.sum)
			limit := 4e-16
			if c.sum == ir.Float32 {
				limit = 3e-7
			}
			if d := math.Abs(got[0] - want); !(d <= limit*math.Max(1, math.Abs(want))) {
				t.Errorf("%s of %v: got %v, want %v", c.name, x, got[0], want)
			}
			if c.sum == ir.Float32 && got[0] != float64(float32(got[0])) {
				t.Errorf("%s of %v: %v is no float32", c.name, x, got[0])
			}
		}
		for x, want := range c.exact {
			got := []float64{x}
			if c.f.Values(got, 1, c.sum); got[0] != want && !(got[0] != got[0] && want != want) {
				t.Errorf("%s of %v: got %v, want %v", c.name, x, got[0], want)
			}
		}
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// TestProbit: the approximation is within 0.5 % of the normal distribution's
// inverse, odd, and infinite at the ends.
func TestProbit(t *testing.T) {
	f := ir.Finish{Link: ir.Probit}
	for p := 0.01; p < 1; p += 0.01 {
		got := []float64{p}
		f.Values(got, 1, ir.Float32)
		if want := math.Sqrt2 * math.Erfinv(2*p-1); math.Abs(got[0]-want) > 0.005*math.Abs(want)+1e-3 {
			t.Errorf("probit of %v: got %v, want about %v", p, got[0], want)
		}
	}
	ends := []float64{0, 1}
	if f.Values(ends, 1, ir.Float32); !math.IsInf(ends[0], -1) || !math.IsInf(ends[1], 1) {
		t.Errorf("probit of 0 and 1: got %v", ends)
	}
}

func TestSoftmax(t *testing.T) {
	for _, sum := range []ir.Precision{ir.Float32, ir.Float64} {
		rows := []float64{1, 2, 3, 1000, 1000, -1000, 0, 0, 0}
		f := ir.Finish{Link: ir.Softmax}
		f.Values(rows, 3, sum)
		for r := 0; r < len(rows); r += 3 {
			if total := rows[r] + rows[r+1] + rows[r+2]; math.Abs(total-1) > 1e-6 {
				t.Errorf("row %d adds up to %v", r/3, total)
			}
		}
		if rows[2] <= rows[1] || rows[3] != 0.5 || rows[5] != 0 || rows[6] != rows[8] {
			t.Errorf("got %v", rows)
		}
	}
	zeros := []float64{0, 1, 1}
	if (&ir.Finish{Link: ir.SoftmaxZero}).Values(zeros, 3, ir.Float32); zeros[0] != 0 || zeros[1] != 0.5 {
		t.Errorf("zeros: got %v", zeros)
	}
}

// TestFastSoftmax has what CatBoost 1.2.10 gives where one margin is far above
// the others: lanes of four do not fall to 0, the rest does.
func TestFastSoftmax(t *testing.T) {
	const least = 0x1p-1022
	for _, c := range []struct{ row, want []float64 }{
		{[]float64{0, 0}, []float64{0.5, 0.5}},
		{[]float64{-9000, 9000, 0}, []float64{0, 1, 0}},
		{[]float64{-9000, 9000, 0, 1}, []float64{least, 1, least, least}},
		{[]float64{-9000, 9000, 0, 1, 2}, []float64{least, 1, least, least, 0}},
	} {
		rows := append(slices.Clone(c.row), c.row...)
		f := ir.Finish{Link: ir.FastSoftmax}
		f.Values(rows, len(c.row), ir.Float64)
		if want := append(slices.Clone(c.want), c.want...); !slices.Equal(rows, want) {
			t.Errorf("of %v: got %v, want %v", c.row, rows, want)
		}
	}
	got, f := []float64{0, -1000}, ir.Finish{Link: ir.FastExp}
	if f.Values(got, 1, ir.Float64); got[0] != 1 || got[1] != 0 {
		t.Errorf("FastExp of 0 and -1000: got %v", got)
	}
}

// TestMargins: scale, then bias, each rounded to the precision of the sum.
func TestMargins(t *testing.T) {
	scale := 0.1
	three, seven := 3.0, 7.0
	three, seven = float64(three*scale), float64(seven*scale) // not constants, which Go computes exactly
	f := ir.Finish{Scale: scale, Bias: []float64{1, -1}}
	for _, c := range []struct {
		sum  ir.Precision
		want []float64
	}{
		{ir.Float64, []float64{three + 1, seven - 1}},
		{ir.Float32, []float64{float64(float32(three) + 1), float64(float32(seven) - 1)}},
	} {
		got := []float64{3, 7, 3, 7}
		f.Margins(got, 2, c.sum)
		for i := range got {
			if got[i] != c.want[i%2] {
				t.Errorf("precision %d: got %v, want %v", c.sum, got, c.want)
				break
			}
		}
	}
}

func TestReturns(t *testing.T) {
	for _, c := range []struct {
		r            ir.Returns
		values, want []float64
	}{
		{ir.ReturnsValues, []float64{1, 2}, []float64{1, 2}},
		{ir.ReturnsClass, []float64{0.25, 0.5, 0.5}, []float64{1}},
		{ir.ReturnsBoth, []float64{0.25}, []float64{0.75, 0.25}},
		{ir.ReturnsMargin, []float64{-3}, []float64{-3}},
	} {
		got := c.r.Append(nil, c.values)
		if len(got) != len(c.want) || got[0] != c.want[0] || got[len(got)-1] != c.want[len(got)-1] {
			t.Errorf("%d of %v: got %v, want %v", c.r, c.values, got, c.want)
		}
	}
}

// TestAscending: each row by itself, and a NaN stays between what it parts.
func TestAscending(t *testing.T) {
	nan := math.NaN()
	got := []float64{3, 1, 2, -1, 0, math.Inf(-1), 2, nan, 1}
	f := ir.Finish{Link: ir.Ascending}
	f.Values(got, 3, ir.Float32)
	for i, want := range []float64{1, 2, 3, math.Inf(-1), -1, 0, 2, nan, 1} {
		if got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
			t.Errorf("value %d: got %v, want %v", i, got[i], want)
		}
	}
}

// TestExpectiles: each value is the one before it, a softplus and the least
// distance more; the first is as it is, in every row.
func TestExpectiles(t *testing.T) {
	got := []float64{-2, 0, 40, 1, -1000, math.NaN()}
	f := ir.Finish{Link: ir.Expectiles}
	f.Values(got, 3, ir.Float32)
	softplus0 := float32(math.Log(2))
	second := float32(-2) + (float32(1e-6) + softplus0)
	want := []float64{-2, float64(second), float64(second + (float32(1e-6) + 40)), 1, float64(float32(1) + float32(1e-6)), math.NaN()}
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("value %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

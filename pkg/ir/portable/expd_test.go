package portable

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestFastTable holds the table to powers of the root that big.Float has.
func TestFastTable(t *testing.T) {
	root := number(2)
	for range 11 { // 2^11 = fastSteps
		root = calc().Sqrt(root)
	}
	power := number(1)
	for i, got := range fastTable() {
		want, _ := power.Float64()
		if got != math.Float64bits(want)&(1<<52-1) {
			t.Fatalf("2^(%d/2048): got %x, want %x", i, got, math.Float64bits(want))
		}
		power = calc().Mul(power, root)
	}
}

func TestFastExpIsNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x := (rng.Float64() - 0.5) * 1400
		got := FastExp(x)
		want := bigExp(number(x))
		off, _ := new(big.Float).Quo(calc().Sub(number(got), want), want).Float64()
		if math.Abs(off) > math.Abs(x)*0x1p-52+1e-15 {
			t.Errorf("FastExp(%v) = %v is off by %v of it", x, got, off)
		}
	}
}

// TestFastExp has numbers that CatBoost 1.2.10 gave for these margins.
func TestFastExp(t *testing.T) {
	for x, want := range map[float64]float64{
		0: 1, math.Copysign(0, -1): 1, 5e-324: 1,
		fastMin: 0, -708.4: 0, -1e300: 0, math.Inf(-1): 0,
		fastMax: math.Inf(1), math.Inf(1): math.Inf(1), 1e300: math.Inf(1),
	} {
		if got := FastExp(x); got != want {
			t.Errorf("FastExp(%v): got %v, want %v", x, got, want)
		}
	}
	if got := FastExp(math.NaN()); got == got {
		t.Errorf("FastExp(NaN): got %v", got)
	}
	if got := FastExp(math.Nextafter(fastMin, 0)); got < Least {
		t.Errorf("beside the least: got %v", got)
	}
}

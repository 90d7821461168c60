package portable

import (
	"math"
	"testing"
)

// TestLog32 compares a sample of all float32 with Log: the nearest number or
// one of the next ones.
func TestLog32(t *testing.T) {
	for u := uint32(1); u < 0x7f800000; u += 10007 {
		x := math.Float32frombits(u)
		got, want := Log32(x), float32(Log(float64(x)))
		if got != want && math.Nextafter32(got, want) != want {
			t.Fatalf("log(%x): got %x, want %x", x, got, want)
		}
	}
	nan, inf := math.NaN(), math.Inf(1)
	for x, want := range map[float64]float64{0: -inf, math.Copysign(0, -1): -inf, 1: 0, inf: inf, -1: nan, -inf: nan, nan: nan} {
		if got := float64(Log32(float32(x))); math.Float64bits(got) != math.Float64bits(want) && !(got != got && want != want) {
			t.Errorf("log(%v): got %v, want %v", x, got, want)
		}
	}
}

// TestLog32IsTheCLibrarys holds it to what glibc answered (testdata/make/libm.py).
func TestLog32IsTheCLibrarys(t *testing.T) {
	for _, line := range answers(t, "testdata/logf.csv", 400) {
		if got := Log32(float32(line[0])); math.Float32bits(got) != math.Float32bits(float32(line[1])) {
			t.Errorf("logf(%x): got %x, want %x", line[0], got, line[1])
		}
	}
}

// TestLogParts holds the table to Log.
func TestLogParts(t *testing.T) {
	for i, p := range logParts {
		if got, want := p.log, -Log(p.inverse); got != want && math.Nextafter(got, want) != want {
			t.Errorf("part %d: got %x, want %x", i, got, want)
		}
	}
}

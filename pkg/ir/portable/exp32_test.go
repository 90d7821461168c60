package portable

import (
	"math"
	"testing"
)

// TestExp32 compares a sample of all float32 with Exp: the nearest number or the
// next one.
func TestExp32(t *testing.T) {
	compare := func(u uint32) {
		x := math.Float32frombits(u)
		got, want := Exp32(x), float32(Exp(float64(x)))
		if got != want && math.Nextafter32(got, want) != want && (got == got || want == want) {
			t.Fatalf("exp(%x): got %x, want %x", x, got, want)
		}
	}
	for u := uint64(0); u < 1<<32; u += 20011 {
		compare(uint32(u))
	}
	for _, x := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 88.72283, 88.72284, -103.97, -103.98, 1e-45, math.MaxFloat32, -math.MaxFloat32} {
		compare(math.Float32bits(float32(x)))
	}
}

// TestExp32IsTheCLibrarys holds it to what glibc answered (testdata/make/libm.py).
func TestExp32IsTheCLibrarys(t *testing.T) {
	for _, line := range answers(t, "testdata/expf.csv", 400) {
		if got := Exp32(float32(line[0])); math.Float32bits(got) != math.Float32bits(float32(line[1])) {
			t.Errorf("expf(%x): got %x, want %x", line[0], got, line[1])
		}
	}
}

func BenchmarkExp32(b *testing.B) {
	x := float32(-1.5)
	for b.Loop() {
		Exp32(x)
	}
}

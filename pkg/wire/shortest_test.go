package wire

import (
	"bytes"
	"math"
	"testing"
)

func holdSingle(t *testing.T, x float32) bool {
	t.Helper()
	got, ok := appendSingle(nil, x)
	if want := appendShortest(nil, float64(x), true); ok && !bytes.Equal(got, want) {
		t.Fatalf("%x: got %s, want %s", math.Float32bits(x), got, want)
	}
	return ok
}

// TestSingle holds every 61st number of its range, and some around it, against
// the twin.
func TestSingle(t *testing.T) {
	left := 0
	for x := math.Float32bits(0.125); x <= math.Float32bits(1); x += 61 {
		if !holdSingle(t, math.Float32frombits(x)) {
			left++
		}
	}
	t.Logf("%d were left to the twin", left)
	if left > 1000 {
		t.Errorf("%d were left to the twin", left)
	}
	for _, x := range []float64{0, 1, -0.3, 0.1, 0.5, 0.25, 0.125, 2, math.Inf(1), math.NaN(), 1e-40, 0.0625001} {
		if holdSingle(t, float32(x)) {
			t.Errorf("%v has a text", x)
		}
	}
}

func FuzzSingle(f *testing.F) {
	f.Add(float32(0.3))
	f.Add(float32(0.99999994))
	f.Fuzz(func(t *testing.T, x float32) { holdSingle(t, x) })
}

package engine

import (
	"math"
	"testing"

	"example.com/copse/pkg/ir"
)

// ladder32 is every kind of float32 in ascending order.
var ladder32 = []float32{
	float32(math.Inf(-1)), -math.MaxFloat32, -1e30, -1, math.Nextafter32(-1, 0), -0x1p-126, -math.SmallestNonzeroFloat32,
	0, math.SmallestNonzeroFloat32, 0x1p-126, math.Nextafter32(1, 0), 1, math.Nextafter32(1, 2), 1e30, math.MaxFloat32,
	float32(math.Inf(1)),
}

func TestKeysAscend(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	for i, x := range ladder32 {
		if x == 0 {
			x = float32(negativeZero) // also above what is below 0
		}
		for _, y := range ladder32[i+1:] {
			if key32(x, 0) >= key32(y, 0) || key64(float64(x), 0) >= key64(float64(y), 0) {
				t.Errorf("the key of %g is not below that of %g", x, y)
			}
		}
	}
	for _, nan := range []uint64{0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001, 0xffffffffffffffff} {
		x := math.Float64frombits(nan)
		if got := key64(x, 5); got != 5 {
			t.Errorf("key64(%x) = %x, want that of NaN", nan, got)
		}
		if got := key32(float32(x), 5); got != 5 {
			t.Errorf("key32(%x) = %x, want that of NaN", nan, got)
		}
	}
	for _, inf := range []float64{math.Inf(1), math.Inf(-1)} {
		k32, k64 := key32(float32(inf), 0), key64(inf, 0)
		if k32 < 3 || k32 == math.MaxUint32 || k64 < 3 || k64 == math.MaxUint64 {
			t.Errorf("the keys of %g, %x and %x, leave no room for bounds and NaN", inf, k32, k64)
		}
	}
}

// thresholds are the ladder, the numbers next to it in float64, and -0.
func thresholds() []float64 {
	list := []float64{math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64}
	for _, x := range ladder32 {
		list = append(list, float64(x), math.Nextafter(float64(x), math.Inf(1)), math.Nextafter(float64(x), math.Inf(-1)))
	}
	return list
}

// TestBounds holds the transform of thresholds against the comparison itself.
func TestBounds(t *testing.T) {
	left := func(op ir.Op, x, threshold float64) bool {
		return op == ir.LT && x < threshold || op == ir.LE && x <= threshold
	}
	for _, op := range []ir.Op{ir.LT, ir.LE} {
		for _, threshold := range thresholds() {
			for _, x := range thresholds() {
				if got, want := key64(x, 0) <= bound64(threshold, op), left(op, x, threshold); got != want {
					t.Errorf("float64 %x, op %d, threshold %x: left %v, want %v", x, op, threshold, got, want)
				}
				single := float32(x)
				got, want := key32(single, 0) <= bound32(threshold, op), left(op, float64(single), threshold)
				if got != want {
					t.Errorf("float32 %x, op %d, threshold %x: left %v, want %v", single, op, threshold, got, want)
				}
			}
			// NaN is below or above, whatever the threshold.
			for _, column := range []uint32{0, NaNAbove} {
				below := column == 0
				if got := nanKey(column, 0) <= bound64(threshold, op); got != below {
					t.Errorf("float64 NaN in column %x, threshold %x: left %v, want %v", column, threshold, got, below)
				}
				if got := uint32(nanKey(column, 0)) <= bound32(threshold, op); got != below {
					t.Errorf("float32 NaN in column %x, threshold %x: left %v, want %v", column, threshold, got, below)
				}
			}
		}
	}
}

func FuzzBounds(f *testing.F) {
	for _, t := range thresholds() {
		f.Add(t, t, true)
		f.Add(float64(float32(t)), t, false)
	}
	f.Fuzz(func(t *testing.T, x, threshold float64, less bool) {
		if math.IsNaN(x) || math.IsNaN(threshold) {
			return
		}
		op, left := ir.LE, func(x float64) bool { return x <= threshold }
		if less {
			op, left = ir.LT, func(x float64) bool { return x < threshold }
		}
		if got, want := key64(x, 0) <= bound64(threshold, op), left(x); got != want {
			t.Errorf("float64: left %v, want %v", got, want)
		}
		if got, want := key32(float32(x), 0) <= bound32(threshold, op), left(float64(float32(x))); got != want {
			t.Errorf("float32: left %v, want %v", got, want)
		}
	})
}

package local

import "math"

// ulps is the distance of two numbers in steps between neighbouring floats of
// their precision; 0 means the same number (or NaN twice).
func ulps(a, b float64, single bool) uint64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		if math.IsNaN(a) && math.IsNaN(b) {
			return 0
		}
		return math.MaxUint64
	}
	x, y := ordinal(a, single), ordinal(b, single)
	if x > y {
		x, y = y, x
	}
	return uint64(y) - uint64(x) // the true distance, also where int64 overflows
}

// ordinal numbers the floats in order; both zeros are 0.
func ordinal(x float64, single bool) int64 {
	if single {
		bits := int64(math.Float32bits(float32(math.Abs(x))))
		return sign(bits, x)
	}
	return sign(int64(math.Float64bits(math.Abs(x))), x)
}

func sign(n int64, x float64) int64 {
	if x < 0 {
		return -n
	}
	return n
}

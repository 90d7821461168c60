package portable

import "math"

// Exp32 is the exponential of a float32: the number of the C library's expf
// (glibc since 2.27), which XGBoost calls. All 2^32 numbers were compared when
// it was written: where the processor fuses products with sums, glibc has another
// last bit at 0x1.04845ep+5 and -0x1.f8cbb2p+5, and at no other. It is the nearest
// float32 but in about one case of 13,000, where it is the next.
//
// The method is that of ARM's optimized-routines, which glibc took over: x is
// n/32 × ln 2 and a rest of r/32 × ln 2, whose exponential is a polynomial of
// degree 3, all in float64.
func Exp32(x float32) float32 {
	// Beyond the bounds it is infinite, or 0; NaN stays.
	const largest, least = 89, -104.5
	const parts = 32
	const perLn2 = 0x1.71547652b82fep+0 * parts
	const cubic, square, linear = 0x1.c6af84b912394p-5 / (parts * parts * parts), 0x1.ebfce50fac4f3p-3 / (parts * parts), 0x1.62e42ff0c52d6p-1 / parts
	const round = 0x1.8p52 // the last bits of a sum with it are a whole number
	if x != x {
		return x
	}
	v := widened(x)
	if v > largest {
		v = largest
	}
	if v < least {
		v = least
	}
	z := float64(v * perLn2)
	f := z + round
	n := math.Float64bits(f)
	r := z - (f - round)
	scale := math.Float64frombits(math.Float64bits(powers[n%parts*(steps/parts)][0]) + n/parts<<52)
	high := float64(r*cubic) + square
	low := float64(r*linear) + 1
	return float32(float64(float64(high*float64(r*r))+low) * scale)
}

// widened is x as a float64, and one next to 0 for numbers next to 0. The
// processor's own conversion on amd64 waits for the register that it writes to,
// which makes neighbours in a loop wait for each other.
func widened(x float32) float64 {
	u := uint64(math.Float32bits(x))
	return math.Float64frombits(u>>31<<63 | (u<<33>>4 + 896<<52))
}

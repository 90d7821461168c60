package portable

import "math"

// Log32 is the logarithm of a float32: the number of the C library's logf
// (glibc since 2.27, with and without fused multiply-add), which XGBoost calls.
// All positive numbers were compared when it was written. In one case of two
// hundred around 1 it is not the nearest float32, but the next.
//
// The method and its constants are those of ARM's optimized-routines (logf.c,
// MIT licence), which glibc took over: x is 2^k × z, and z × inverse, next to 1,
// is 1 + r; log(1 + r) is a polynomial of degree 4, all in float64.
func Log32(x float32) float32 {
	const cubic, square, fourth = 0x1.5575b0be00b6ap-2, -0x1.ffffef20a4123p-2, -0x1.00ea348b88334p-2
	const ln2 = 0x1.62e42fefa39efp-1
	const least = 0x3f330000 // bits of the least z, about 0.7
	const normal = 0x1p-126
	bits := math.Float32bits(x)
	switch {
	case x != x || x > math.MaxFloat32:
		return x
	case x < 0:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	case x == 1:
		return 0 // not -0
	case x < normal:
		bits = math.Float32bits(x*0x1p23) - 23<<23
	}
	from := bits - least
	part := &logParts[from>>19&15]
	k := int32(from) >> 23
	z := float64(math.Float32frombits(bits - from&0xff800000))
	r := float64(z*part.inverse) - 1
	y0 := part.log + float64(float64(k)*ln2)
	r2 := float64(r * r)
	y := float64(cubic*r) + square
	y = float64(fourth*r2) + y
	return float32(float64(y*r2) + (y0 + r))
}

// logParts are, for each sixteenth of an octave, a number near its middle's
// inverse, and that number's negative logarithm.
var logParts = [16]struct{ inverse, log float64 }{
	{0x1.661ec79f8f3bep+0, -0x1.57bf7808caadep-2},
	{0x1.571ed4aaf883dp+0, -0x1.2bef0a7c06ddbp-2},
	{0x1.49539f0f010bp+0, -0x1.01eae7f513a67p-2},
	{0x1.3c995b0b80385p+0, -0x1.b31d8a68224e9p-3},
	{0x1.30d190c8864a5p+0, -0x1.6574f0ac07758p-3},
	{0x1.25e227b0b8eap+0, -0x1.1aa2bc79c81p-3},
	{0x1.1bb4a4a1a343fp+0, -0x1.a4e76ce8c0e5ep-4},
	{0x1.12358f08ae5bap+0, -0x1.1973c5a611cccp-4},
	{0x1.0953f419900a7p+0, -0x1.252f438e10c1ep-5},
	{0x1p+0, 0x0p+0},
	{0x1.e608cfd9a47acp-1, 0x1.aa5aa5df25984p-5},
	{0x1.ca4b31f026aap-1, 0x1.c5e53aa362eb4p-4},
	{0x1.b2036576afce6p-1, 0x1.526e57720db08p-3},
	{0x1.9c2d163a1aa2dp-1, 0x1.bc2860d22477p-3},
	{0x1.886e6037841edp-1, 0x1.1058bc8a07ee1p-2},
	{0x1.767dcf5534862p-1, 0x1.4043057b6ee09p-2},
}

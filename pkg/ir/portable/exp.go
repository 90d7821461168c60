package portable

import "math"

// Exp is e to the power of x, to the last bit as the GNU C library has it since
// 2.28 (sysdeps/ieee754/dbl-64/e_exp.c, from ARM's optimized routines, whose
// licence is MIT) on processors with a fused multiply-add, which libraries that
// were trained with the C library's exp are then held to. It is off by less
// than 0.511 units in the last place. Here the fused steps are asked for by
// name, so that they are the same everywhere.
//
// x is (n ln 2)/steps + r, and e^r is 1 + r + r²·(c2 + c3·r) + r⁴·(c4 + c5·r).
func Exp(x float64) float64 {
	const (
		perStep = 0x1.71547652b82fep0 * steps
		high    = -0x1.62e42fefa0000p-8 // -(ln 2)/steps, in two parts
		low     = -0x1.cf79abc9e3b39p-47
		round   = 0x1.8p52 // a sum with it has a whole number in its last bits
		c2      = 0x1.ffffffffffdbdp-2
		c3      = 0x1.555555555543cp-3
		c4      = 0x1.55555cf172b91p-5
		c5      = 0x1.1111167a4d017p-7
	)
	large := false
	switch size := math.Abs(x); {
	case size < 0x1p-54:
		return 1 + x
	case size < 512:
	case size < 1024:
		large = true
	case x > 0:
		return math.Inf(1)
	case x < 0:
		return 0
	default:
		return x
	}
	f := math.FMA(perStep, x, round)
	n := math.Float64bits(f)
	f -= round
	r := math.FMA(f, low, math.FMA(f, high, x))
	square := float64(r * r)
	p := math.FMA(square, math.FMA(r, c3, c2), tails[n%steps]+r)
	p = math.FMA(float64(square*square), math.FMA(r, c5, c4), p)
	scale := math.Float64bits(powers[n%steps][0]) + n/steps<<52
	if large {
		return scaled(scale, p, x > 0)
	}
	s := math.Float64frombits(scale)
	return math.FMA(s, p, s)
}

// scaled is scale + scale·p, where the exponent of scale went beyond its bits,
// above or below.
func scaled(scale uint64, p float64, above bool) float64 {
	if above {
		s := math.Float64frombits(scale - 1009<<52)
		return float64(math.FMA(s, p, s) * 0x1p1009)
	}
	// Here the C library's product is needed twice, and so is not fused.
	s := math.Float64frombits(scale + 1022<<52)
	part := float64(s * p)
	y := s + part
	if y < 1 { // a subnormal: round where its last bit will be, not twice
		rest := s - y + part
		sum := 1 + y
		rest += 1 - sum + y
		y = sum + rest - 1
	}
	return float64(y * 0x1p-1022)
}

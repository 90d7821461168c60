package portable

import "math"

// Exp32 is the exponential of a float32, in a fraction of the time of Exp and
// the same number for every x: float32(Exp(float64(x))).
func Exp32(x float32) float32 {
	const largest, least = 88.73, -103.98 // beyond it is infinite, or 0
	const round = 0x1.8p52
	v := float64(x)
	if !(v < largest && v > least) {
		switch {
		case v >= largest:
			return float32(math.Inf(1))
		case v <= least:
			return 0
		}
		return x
	}
	f := float64(v*perLn2) + round
	n := int64(math.Float64bits(f)<<12) >> 12 // the whole number, below the point's bits
	f -= round
	r := v - float64(f*ln2High)
	r -= float64(f * ln2Low)
	p := 1.0/6 + float64(r*(1.0/24))
	p = 0.5 + float64(r*p)
	p = r + float64(float64(r*r)*p)
	power := math.Float64bits(powers[n&(steps-1)][0]) + uint64(n>>7)<<52
	y := math.Float64frombits(power)
	return float32(y + float64(y*p))
}

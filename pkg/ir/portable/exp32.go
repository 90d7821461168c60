package portable

import "math"

// Exp32 is the exponential of a float32, in a fraction of the time of Exp and
// the same number for every x: float32(Exp(float64(x))).
func Exp32(x float32) float32 {
	// Beyond the bounds it is infinite, or 0; NaN stays.
	const largest, least = 89, -104.5
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
	f := float64(v*perLn2) + round
	n := math.Float64bits(f)
	f -= round
	r := (v - float64(f*ln2High)) - float64(f*ln2Low)
	y := math.Float64frombits(math.Float64bits(powers[n%steps][0]) + n/steps<<52)
	q := float64(r * r)
	p := (r + float64(q*0.5)) + float64(float64(q*r)*(1.0/6+float64(r*(1.0/24))))
	return float32(y + float64(y*p))
}

// widened is x as a float64, and one next to 0 for numbers next to 0. The
// processor's own conversion on amd64 waits for the register that it writes to,
// which makes neighbours in a loop wait for each other.
func widened(x float32) float64 {
	u := uint64(math.Float32bits(x))
	return math.Float64frombits(u>>31<<63 | (u<<33>>4 + 896<<52))
}

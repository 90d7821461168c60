package portable

import (
	"math"
	"sync"
)

// Least is what FastExp gives at and below FastExpMin in the lanes of a vector,
// where the scalar form gives 0: the smallest normal float64.
const Least = 0x1p-1022

// fastSteps is how many parts of a power of 2 FastExp's table has.
const fastSteps = 1 << 11

// fastMin and fastMax are where FastExp is 0 and infinite.
const (
	fastMin = -708.39641853226408
	fastMax = 709.78271289338397
)

// FastExp is expd of Mitsunari's fmath, step by step: an exponential whose
// relative error is up to |x|·2^-52. CatBoost uses it (on x86) for what it
// calls Exponent and Probability of several classes. 2^(n/2048) comes from a
// table, the rest r is small, and 1 + r + r²/2 + r³/6 is the product
// r²·(3 - t)·C2 - t + 1 with t = -r.
func FastExp(x float64) float64 {
	switch {
	case x <= fastMin:
		return 0
	case x >= fastMax:
		return math.Inf(1)
	case x != x:
		return x
	}
	const (
		perStep = 0x1.71547652b82fep+11 // steps / ln 2
		step    = 0x1.62e42fefa39efp-12 // ln 2 / steps
		c2, c3  = 0.16666666685227835064, 3.0000000027955394
		round   = 0x1.8p52 // to a whole number, in the lowest bits
		bias    = 1023
	)
	d := float64(x*perStep) + round
	n := math.Float64bits(d)
	t := float64((d-round)*step) - x
	y := float64((c3-t)*float64(t*t)) * c2
	y = float64(y) - t + 1
	power := (n/fastSteps + bias) << 52
	return y * math.Float64frombits(power|fastTable()[n%fastSteps])
}

// fastTable has the fractions of 2^(i/2048), as bits.
var fastTable = sync.OnceValue(func() *[fastSteps]uint64 {
	const fraction = 1<<52 - 1
	const rootHigh, rootLow = 0x1.00162f3904052p+0, -0x1.7b5d0d58ea8f4p-58 // 2^(1/2048)
	table := new([fastSteps]uint64)
	hi, lo := 1.0, 0.0
	for i := range table {
		table[i] = math.Float64bits(hi) & fraction
		p, e := product(hi, rootHigh)
		e += float64(hi*rootLow) + float64(lo*rootHigh)
		hi, lo = sum(p, e)
	}
	return table
})

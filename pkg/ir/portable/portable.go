// Package portable has functions of numbers that give the same bits on every
// processor. The standard library's do not: some of them are assembly on one
// and Go on another, and in Go a compiler may fuse a product with a sum on
// processors that can. Every product here that is added to something is
// converted first, which forbids it.
//
// Exp, Log, Log1p and Pow work with some ten bits more than a float64 has, so
// that their results are the nearest number but in about one case of a
// hundred, and then the next one: as near as the C library's, which those who
// trained a model used. The others are within a few units in the last place. The
// reductions by tables are Tang's (ACM TOMS 15-2, 1989, and 16-4, 1990), the
// exact sums and products Dekker's (Numerische Mathematik 18, 1971).
package portable

import "math"

// exact sum and product: a + b, and a × b, is hi + lo.

func sum(a, b float64) (hi, lo float64) {
	hi = a + b
	t := hi - a
	return hi, (a - (hi - t)) + (b - t)
}

// split gives the upper 26 bits and the rest. |a| must be below 2^996.
func split(a float64) (hi, lo float64) {
	const factor = 1<<27 + 1
	t := float64(factor * a)
	hi = t - (t - a)
	return hi, a - hi
}

func product(a, b float64) (hi, lo float64) {
	hi = float64(a * b)
	a1, a2 := split(a)
	b1, b2 := split(b)
	lo = float64(a1*b1) - hi
	lo += float64(a1 * b2)
	lo += float64(a2 * b1)
	lo += float64(a2 * b2)
	return hi, lo
}

// steps is how many parts of a power of 2 the tables have.
const steps = 128

// ln2High is ln 2 / steps without its last 31 bits, so that products with whole
// numbers up to 2^18 are exact; ln2Low is the rest.
const (
	ln2High = 0x1.62e42feep-8
	ln2Low  = 0x1.a39ef35793c76p-40
	perLn2  = steps / math.Ln2
)

// exp is e to the power of x + low, for Pow.
func exp(x, low float64) float64 {
	const largest, least = 709.782712893384, -745.1332191019412
	switch {
	case x > largest:
		if math.IsInf(x, 1) || x > largest+1 {
			return math.Inf(1)
		}
	case x < least-1:
		return 0
	case x != x:
		return x
	}
	n, scale, tail, p := reduce(x, low)
	y := scale + (tail + float64(scale*p))
	if k := n >> 7; k > -1021 && k < 1023 {
		return y * math.Float64frombits(uint64(k+1023)<<52)
	}
	return math.Ldexp(y, n>>7)
}

// reduce takes x + low apart: it is (n ln 2)/steps + r; e^r is 1 + p, and 2 to
// the power of (n mod steps)/steps is scale + tail.
func reduce(x, low float64) (n int, scale, tail, p float64) {
	const round = 0x1.8p52 // added, it leaves no bits behind the point
	f := float64(x*perLn2) + round
	f -= round
	n = int(f)
	r := x - float64(f*ln2High)
	r = (r - float64(f*ln2Low)) + low
	p = 1.0/24 + float64(r*(1.0/120))
	p = 1.0/6 + float64(r*p)
	p = 0.5 + float64(r*p)
	p = r + float64(float64(r*r)*p)
	t := &powers[n&(steps-1)]
	return n, t[0], t[1], p
}

// Expm1 is e to the power of x, less 1.
func Expm1(x float64) float64 {
	if math.Abs(x) > 1 || x != x {
		return Exp(x) - 1
	}
	if math.Abs(x) < 0x1p-54 {
		return x
	}
	n, scale, tail, p := reduce(x, 0)
	k := math.Ldexp(1, n>>7)
	return (float64(k*scale) - 1) + float64(k*(tail+float64(scale*p)))
}

// Log is the natural logarithm.
func Log(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	hi, lo := log(x)
	return hi + lo
}

// log is the logarithm of a positive finite number as hi + lo.
//
// x is 2^k m, and with c, which is near 1/m and short, m c = 1 + r exactly in
// two numbers; ln x = k ln 2 - ln c + ln(1 + r).
func log(x float64) (hi, lo float64) {
	m, k := math.Frexp(x) // 0.5 <= m < 1
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	t := &inverses[int(float64(m*steps))-logFirst]
	m1, m2 := split(m)
	r, rest := sum(float64(m1*t.c)-1, float64(m2*t.c))
	// ln(1+r) = r - r²/2 + r³ q
	q := 1.0/7 - float64(r*(1.0/8))
	q = 1.0/6 - float64(r*q)
	q = 1.0/5 - float64(r*q)
	q = 1.0/4 - float64(r*q)
	q = 1.0/3 - float64(r*q)
	square, squareLow := product(r, r)
	low := float64(float64(square*r)*q) - squareLow/2 + rest - float64(r*rest)
	f := float64(k)
	hi, l1 := sum(float64(f*logTwoHigh), t.log)
	hi, l2 := sum(hi, r)
	hi, l3 := sum(hi, -square/2)
	low += t.logLow + float64(f*logTwoLow)
	return sum(hi, l1+l2+l3+low)
}

// logTwoHigh is ln 2 without its last 11 bits, so that products with exponents
// are exact.
const (
	logTwoHigh = 0x1.62e42fefa38p-1
	logTwoLow  = 0x1.ef35793c7673p-45
)

// Log1p is the logarithm of 1 + x.
func Log1p(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1) || math.Abs(x) < 0x1p-54:
		return x
	case x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	}
	u, rest := sum(1, x)
	hi, lo := log(u)
	return hi + (lo + rest/u)
}

// Tanh is the hyperbolic tangent.
func Tanh(x float64) float64 {
	if math.Abs(x) > 22 {
		return math.Copysign(1, x)
	}
	if x == 0 || x != x {
		return x
	}
	t := Expm1(2 * math.Abs(x))
	return math.Copysign(t/(t+2), x)
}

// Pow is x to the power of y, with the special cases of math.Pow.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1 || x != x || y != y || x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0):
		return math.Pow(x, y) // these are told without arithmetic
	case y == 1:
		return x
	case x < 0 && y != math.Trunc(y):
		return math.NaN()
	}
	hi, lo := log(math.Abs(x))
	if math.Abs(y) > 0x1p70 && hi != 0 { // the answer is 0 or infinite
		return exp(math.Copysign(1e9, hi*math.Copysign(1, y)), 0)
	}
	if hi == 0 { // x is -1
		y = math.Mod(y, 2)
	}
	p, rest := product(hi, y)
	z := 0.0
	switch {
	case p > 800:
		z = math.Inf(1)
	case p > -800:
		z = exp(p, rest+float64(lo*y))
	}
	if x < 0 && math.Abs(y) < 1<<53 && int64(y)&1 == 1 {
		return -z
	}
	return z
}

// Erf is the error function: its series near 0 (Abramowitz and Stegun 7.1.6),
// and 1 less the continued fraction of its complement beyond (7.1.14).
func Erf(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x || x == 0:
		return x
	case a > 6:
		return math.Copysign(1, x)
	}
	square := float64(a * a)
	if a < 2.5 {
		term, total := a, a
		for n := 1; term > total*0x1p-60; n++ {
			term = float64(term*(2*square)) / float64(2*n+1)
			total += term
		}
		return math.Copysign(total*Exp(-square)*(2/math.SqrtPi), x)
	}
	f := a
	for n := 60; n > 0; n-- {
		f = a + float64(n)/2/f
	}
	return math.Copysign(1-Exp(-square)/(f*math.SqrtPi), x)
}

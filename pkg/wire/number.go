package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// number is a JSON number as it was scanned: ±mantissa × 10^exp10.
type number struct {
	mantissa uint64
	exp10    int
	end      int // behind the number, or -1: this is none
	neg      bool
	long     bool // more than 19 digits: the mantissa means nothing
}

// digits8 has, for eight bytes of text, the value 0…9 in each byte that is a
// digit, and in other the high bit set in the first byte that is none (bytes
// behind that one may be marked wrongly).
func digits8(w uint64) (value, other uint64) {
	value = w ^ ones*'0'
	return value, (value + ones*0x76 | value) & highs
}

// join8 reads eight digits, the first in the lowest byte, as one number:
// pairs, then fours, then eight.
func join8(v uint64) uint64 {
	v = v*10 + v>>8
	const mask = 0x000000ff000000ff
	return ((v&mask)*(100+1000000<<32) + (v>>16&mask)*(1+10000<<32)) >> 32
}

// run adds the digits at p to m.
func run(b []byte, p int, m uint64) (uint64, int) {
	for p+8 <= len(b) {
		v, other := digits8(load(b, p))
		if other != 0 {
			// Shifting the digits up fills in zeros before them.
			n := bits.TrailingZeros64(other) >> 3
			return m*pow10int[n] + join8(v<<(64-8*n)), p + n
		}
		m = m*1e8 + join8(v)
		p += 8
	}
	for p < len(b) && b[p]-'0' < 10 {
		m = m*10 + uint64(b[p]-'0')
		p++
	}
	return m, p
}

// scanNumber reads the number at p by JSON's grammar.
func scanNumber(b []byte, p int) number {
	n := number{end: -1}
	if p < len(b) && b[p] == '-' {
		n.neg = true
		p++
	}
	first := p
	n.mantissa, p = run(b, p, 0)
	digits := p - first
	if digits == 0 || digits > 1 && b[first] == '0' {
		return n
	}
	if p < len(b) && b[p] == '.' {
		p++
		point := p
		if n.mantissa, p = run(b, p, n.mantissa); p == point {
			return n
		}
		n.exp10 = point - p
		digits += p - point
	}
	if digits > 19 {
		n.long = significant(b[first:p]) > 19
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		e, end := exponent(b, p+1)
		if end < 0 {
			return n
		}
		n.exp10 += e
		p = end
	}
	n.end = p
	return n
}

// significant counts digits from the first that is not zero.
func significant(text []byte) int {
	i := 0
	for i < len(text) && (text[i] == '0' || text[i] == '.') {
		i++
	}
	n := 0
	for _, c := range text[i:] {
		if c != '.' {
			n++
		}
	}
	return n
}

// exponent reads what follows an e. Beyond any float's it stops counting.
func exponent(b []byte, p int) (e, end int) {
	neg := false
	if p < len(b) && (b[p] == '-' || b[p] == '+') {
		neg = b[p] == '-'
		p++
	}
	first := p
	for p < len(b) && b[p]-'0' < 10 {
		if e < 1e8 {
			e = e*10 + int(b[p]-'0')
		}
		p++
	}
	if p == first {
		return 0, -1
	}
	if neg {
		e = -e
	}
	return e, p
}

// parseNumber reads the number at p; end is -1 where there is none. A number
// beyond float64 is an infinity. The value has the very bits that
// strconv.ParseFloat gives.
func parseNumber(b []byte, p int) (x float64, end int) {
	n := scanNumber(b, p)
	if n.end < 0 {
		return 0, -1
	}
	x, ok := n.float()
	if !ok {
		x = slowFloat(b[p:n.end])
	}
	return x, n.end
}

// float rounds the number correctly, or is not ok.
func (n *number) float() (x float64, ok bool) {
	if n.long {
		return 0, false
	}
	if n.mantissa < 1<<53 && n.exp10 >= -22 && n.exp10 <= 22 {
		// Clinger: both are exact, so one operation rounds once.
		x = float64(n.mantissa)
		if n.exp10 < 0 {
			x /= pow10float[-n.exp10]
		} else {
			x *= pow10float[n.exp10]
		}
	} else if x, ok = eiselLemire(n.mantissa, n.exp10); !ok {
		return 0, false
	}
	if n.neg {
		x = -x
	}
	return x, true
}

// slowFloat is for what the fast ways leave.
func slowFloat(text []byte) float64 {
	// ParseFloat keeps no reference to its text, which nobody changes meanwhile.
	x, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	return x
}

// eiselLemire rounds mantissa × 10^exp10 by the algorithm of Eisel and Lemire
// ("Number Parsing at a Gigabyte per Second", 2021): a 64×128-bit product with
// a truncated power of ten, which either decides the rounding or is not ok.
func eiselLemire(mantissa uint64, exp10 int) (x float64, ok bool) {
	if exp10 < minPow10 || exp10 > maxPow10 || mantissa == 0 {
		return 0, false
	}
	power := &pow10bits[exp10-minPow10]
	zeros := bits.LeadingZeros64(mantissa)
	mantissa <<= zeros
	// 217706 / 2^16 is log2(10), close enough for every exponent of the table.
	exp2 := uint64(217706*exp10>>16+64+1023) - uint64(zeros)

	hi, lo := bits.Mul64(mantissa, power[0])
	if hi&0x1ff == 0x1ff && lo+mantissa < mantissa {
		// The cut-off part of the power may carry into the bits that round.
		hi2, lo2 := bits.Mul64(mantissa, power[1])
		var carry uint64
		lo, carry = bits.Add64(lo, hi2, 0)
		hi += carry
		if hi&0x1ff == 0x1ff && lo+1 == 0 && lo2+mantissa < mantissa {
			return 0, false
		}
	}
	top := hi >> 63
	m := hi >> (top + 9) // 54 bits
	exp2 -= 1 ^ top
	if lo == 0 && hi&0x1ff == 0 && m&3 == 1 {
		return 0, false // may be half-way between two floats
	}
	m = (m + m&1) >> 1
	if m>>53 > 0 {
		m >>= 1
		exp2++
	}
	if exp2-1 >= 0x7ff-1 {
		return 0, false // subnormal or beyond
	}
	return math.Float64frombits(exp2<<52 | m&(1<<52-1)), true
}

// quickLead is how many bytes quickNumber looks at without checking.
const quickLead = 48

// quickNumber reads a number without an exponent, of at most 7 digits before
// the point and 19 in all, in blocks of eight digits: the length of the last
// block costs no branch. It returns the number's length and the byte behind
// it, which the caller must find to be one that can stand there: an e means
// that the number goes on. Any other number, or none, gives -1.
func quickNumber(b *[quickLead]byte) (x float64, n int, next byte) {
	sign := negative(b[0])
	w := binary.LittleEndian.Uint64(b[0:])
	v, other := digits8(w)
	other &^= sign << 7 // the sign counts as a zero before the number
	v &^= -sign & 0xff
	whole := bits.TrailingZeros64(other) >> 3
	if whole > 7 || whole-int(sign) != 1 && !manyDigits(v, whole, sign) {
		return 0, -1, 0
	}
	m := join8(v << ((64 - 8*whole) & 63))
	if next = byte(w >> (8 * whole & 63)); next != '.' {
		return signed(float64(int64(m)), sign), whole, next
	}
	point := whole + 1
	w = binary.LittleEndian.Uint64(b[point&15:])
	v, other = digits8(w)
	k := bits.TrailingZeros64(other) >> 3
	if uint(k-1) < 7 {
		m = m*pow10int[k] + join8(v<<((64-8*k)&63))
		return signed(float64(int64(m))/pow10float[k], sign), point + k, byte(w >> (8 * k & 63))
	}
	n = point
	for k == 8 {
		m = m*1e8 + join8(v)
		if n += 8; n > point+16 {
			return 0, -1, 0
		}
		w = binary.LittleEndian.Uint64(b[n&31:])
		v, other = digits8(w)
		k = bits.TrailingZeros64(other) >> 3
	}
	m = m*pow10int[k] + join8(v<<(64-8*k))
	n += k
	x, ok := fractional(m, n-point, whole-int(sign))
	if !ok {
		return 0, -1, 0
	}
	return signed(x, sign), n, byte(w >> (8 * k & 63))
}

// fractional is m divided by a power of ten, where m holds all digits.
func fractional(m uint64, fraction, whole int) (x float64, ok bool) {
	switch {
	case fraction == 0 || whole+fraction > 19:
		return 0, false
	case m < 1<<53:
		return float64(int64(m)) / pow10float[fraction], true
	}
	return eiselLemire(m, -fraction)
}

// signed is x with a sign bit.
func signed(x float64, sign uint64) float64 {
	return math.Float64frombits(math.Float64bits(x) | sign<<63)
}

// manyDigits says whether so many digits, other than one, may stand before a
// point: there is one, and more do not begin with zero.
func manyDigits(v uint64, whole int, sign uint64) bool {
	return whole > int(sign) && byte(v>>(8*sign)) != 0
}

// finiteNumber is parseNumber, but gives -1 for what float64 cannot hold.
func finiteNumber(b []byte, p int) (x float64, end int) {
	if x, end = parseNumber(b, p); x-x != 0 {
		return 0, -1
	}
	return x, end
}

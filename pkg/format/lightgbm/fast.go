package lightgbm

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The fast paths: numbers as nearly all of a file's are, read right where they
// stand in the window. Each either gives what word and number or integer would
// give, and passes over the number, or is not ok and changes nothing.

// slack is how far behind the end of what is held eight bytes may be loaded.
const slack = 8

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// powers are the powers of ten that float64 and, up to 8 digits, a block holds.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

var blocks = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7}

// digits adds the digits at p to m, eight at a time.
func (s *source) digits(p int, m uint64) (uint64, int) {
	for {
		v := binary.LittleEndian.Uint64(s.buf[p:]) ^ ones*'0'
		// The high bit of each byte that is no digit; those behind the first
		// may be wrong.
		other := (v + ones*0x76 | v) & highs
		n := bits.TrailingZeros64(other) >> 3
		if n < 8 {
			// The digits move up, as if zeros stood before them.
			return m*blocks[n] + join(v<<(64-8*n)), p + n
		}
		m, p = m*1e8+join(v), p+8
	}
}

// join makes one number of eight digits, the first in the lowest byte: pairs,
// then fours, then eight.
func join(v uint64) uint64 {
	v = v*10 + v>>8
	const mask = 0x000000ff000000ff
	return ((v&mask)*(100+1000000<<32) + (v>>16&mask)*(1+10000<<32)) >> 32
}

// zeros counts the zeros that stand before any other digit.
func (s *source) zeros(p int) (n int) {
	for ; s.buf[p] == '0' || s.buf[p] == '.'; p++ {
		if s.buf[p] == '0' {
			n++
		}
	}
	return n
}

// ends says whether a number may end at p, within what is held.
func (s *source) ends(p int) bool {
	c := s.buf[p]
	return p < s.end && (c == ' ' || c == '\n' || c == '\r')
}

// fastNumber reads a float64.
func (s *source) fastNumber() (x float64, ok bool) {
	p := s.pos
	for s.buf[p] == ' ' {
		p++
	}
	negative := s.buf[p] == '-'
	if negative {
		p++
	}
	first := p
	m, p := s.digits(p, 0)
	count, exp := p-first, 0
	if count > 0 && s.buf[p] == '.' {
		point := p + 1
		m, p = s.digits(point, m)
		exp = point - p
		count -= exp
	}
	if count == 0 || count > 19 && count-s.zeros(first) > 19 {
		return 0, false // none, or more digits than m has room for
	}
	if s.buf[p] == 'e' {
		down := s.buf[p+1] == '-'
		if down || s.buf[p+1] == '+' {
			p++
		}
		from := p + 1
		var e uint64
		e, p = s.digits(from, 0)
		if p == from || p-from > 3 {
			return 0, false
		}
		if down {
			exp -= int(e)
		} else {
			exp += int(e)
		}
	}
	if !s.ends(p) {
		return 0, false
	}
	if x, ok = round(m, exp); !ok {
		return 0, false
	}
	s.pos = p
	if negative {
		x = -x
	}
	return x, true
}

// round gives the float64 nearest to m × 10^exp, or is not ok where it is not
// sure to be.
func round(m uint64, exp int) (float64, bool) {
	hi := float64(m)
	switch {
	case exp == 0:
		return hi, true
	case exp > len(powers)-1 || exp < 1-len(powers):
		return 0, false
	case m < 1<<53 && exp > 0:
		return hi * powers[exp], true
	case m < 1<<53: // both are exact, so their quotient is rounded once
		return hi / powers[-exp], true
	case exp > 0 || m >= 1<<63:
		return 0, false
	}
	// m = hi + lo exactly; q is hi/p rounded, and what it leaves of hi is exact.
	// So q + low is the quotient to within 2^-104 of it (Ziv's test: what rounds
	// alike from both ends of a wider range is rounded correctly).
	p := powers[-exp]
	lo := float64(int64(m) - int64(hi))
	q := hi / p
	low := (math.FMA(-q, p, hi) + lo) / p
	doubt := q * 0x1p-100
	x := q + (low - doubt)
	return x, x == q+(low+doubt)
}

// fastInteger reads a whole number.
func (s *source) fastInteger() (n int64, ok bool) {
	p := s.pos
	for s.buf[p] == ' ' {
		p++
	}
	negative := s.buf[p] == '-'
	if negative {
		p++
	}
	first := p
	m, p := s.digits(p, 0)
	if count := p - first; count == 0 || count > 18 || !s.ends(p) {
		return 0, false
	}
	s.pos = p
	if negative {
		return -int64(m), true
	}
	return int64(m), true
}

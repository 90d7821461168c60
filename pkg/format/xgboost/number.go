package xgboost

import (
	"bytes"
	"math"
	"strconv"
)

// decimal is a number as JSON writes it: mantissa × 10^exp, where the digits
// are few enough for it, and how it looked.
type decimal struct {
	mantissa uint64
	exp      int
	digits   int // of the text
	negative bool
	whole    bool // without fraction and exponent
	special  float64
}

// manyDigits is how many digits a uint64 holds for certain.
const manyDigits = 19

// scan reads the number at the start of b and returns its size in bytes; 0
// where there is none. JSON's grammar, and the NaN, Infinity and -Infinity that
// XGBoost and Python write.
func (d *decimal) scan(b []byte) int {
	*d = decimal{whole: true}
	i := 0
	if len(b) > 0 && b[0] == '-' {
		d.negative = true
		i++
	}
	if i >= len(b) {
		return 0
	}
	if b[i]-'0' > 9 {
		return d.word(b, i)
	}
	from, m := i, uint64(0)
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		m = m*10 + uint64(b[i]-'0')
	}
	if d.digits = i - from; b[from] == '0' && d.digits > 1 {
		return 0 // 01
	}
	if i < len(b) && b[i] == '.' {
		i++
		for from = i; i < len(b) && b[i]-'0' <= 9; i++ {
			m = m*10 + uint64(b[i]-'0')
		}
		if i == from {
			return 0
		}
		d.whole = false
		d.exp = from - i
		d.digits -= d.exp
	}
	d.mantissa = m
	if i < len(b) && b[i]|0x20 == 'e' {
		return d.exponent(b, i+1)
	}
	return i
}

// exponent reads what follows the e.
func (d *decimal) exponent(b []byte, i int) int {
	d.whole = false
	negative := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		negative = b[i] == '-'
		i++
	}
	from, e := i, 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		e = min(e*10+int(b[i]-'0'), 1e6)
	}
	if i == from {
		return 0
	}
	if negative {
		e = -e
	}
	d.exp += e
	return i
}

// word reads what is no digit: NaN or Infinity.
func (d *decimal) word(b []byte, i int) int {
	d.whole = false
	const nan, infinity = "NaN", "Infinity"
	switch {
	case bytes.HasPrefix(b[i:], []byte(nan)) && !d.negative:
		d.special = math.NaN()
		return i + len(nan)
	case bytes.HasPrefix(b[i:], []byte(infinity)):
		d.special = math.Inf(1)
		if d.negative {
			d.special = math.Inf(-1)
		}
		return i + len(infinity)
	}
	return 0
}

// float32 is the nearest float32, in one rounding as XGBoost's from_chars and
// strtof have it. raw is the number's text.
//
// Where mantissa and power of ten are both exact, one float64 operation gives
// the nearest float64. Rounding that again is right unless it lies just half
// way between two float32, where the text's own side is lost.
func (d *decimal) float32(raw []byte) float32 {
	const exactMantissa, exactPower = 1 << 53, 22
	const halfWay, below = 1 << 28, 1<<29 - 1 // of the bits that float32 does not have
	if d.special != 0 {
		return float32(d.special)
	}
	if d.digits <= manyDigits && d.mantissa < exactMantissa && d.exp >= -exactPower && d.exp <= exactPower {
		x := float64(d.mantissa)
		if d.exp < 0 {
			x /= powersOfTen[-d.exp]
		} else {
			x *= powersOfTen[d.exp]
		}
		if bits := math.Float64bits(x); bits&below != halfWay && x >= 0x1p-126 || x == 0 {
			if d.negative && !(x == 0 && d.whole) { // -0 is an integer to XGBoost, which has but one 0
				x = -x
			}
			return float32(x)
		}
	}
	x, _ := strconv.ParseFloat(string(raw), 32) // beyond the largest it is an infinity
	return float32(x)
}

// powersOfTen are those that a float64 holds exactly.
var powersOfTen = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float64 is the nearest float64.
func (d *decimal) float64(raw []byte) float64 {
	if d.special != 0 {
		return d.special
	}
	x, _ := strconv.ParseFloat(string(raw), 64)
	return x
}

// int64 is the whole number, if it is one and fits.
func (d *decimal) int64() (int64, bool) {
	if !d.whole || d.digits > manyDigits || d.mantissa > math.MaxInt64 || d.special != 0 {
		return 0, false
	}
	if d.negative {
		return -int64(d.mantissa), true
	}
	return int64(d.mantissa), true
}

package lightgbm

import (
	"errors"
	"strconv"
)

// integer reads a decimal number of at most 18 digits.
func integer(word []byte) (n int64, ok bool) {
	digits := word
	if len(word) > 0 && (word[0] == '-' || word[0] == '+') {
		digits = word[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if word[0] == '-' {
		n = -n
	}
	return n, true
}

// number reads a float64 as strtod does, which LightGBM reads trees with:
// correctly rounded, infinite where it is beyond the range.
func number(word []byte) (x float64, ok bool) {
	x, err := strconv.ParseFloat(string(word), 64)
	return x, err == nil || errors.Is(err, strconv.ErrRange)
}

// atof reads a float64 as LightGBM reads the parameters of an objective: by
// Common::Atof (include/LightGBM/utils/common.h), whose steps each round, so
// that the last bits may be others than the nearest. A word that is no such
// number is not ok.
func atof(word []byte) (x float64, ok bool) {
	p := 0
	at := func() byte {
		if p < len(word) {
			return word[p]
		}
		return 0
	}
	digit := func() bool { return at()-'0' < 10 }
	sign := 1.0
	if at() == '-' || at() == '+' {
		if at() == '-' {
			sign = -1
		}
		p++
	}
	first := p
	for ; digit(); p++ {
		x = float64(x*10) + float64(at()-'0')
	}
	if at() == '.' {
		right, places := 0.0, 1.0
		for p++; digit(); p++ {
			right = float64(at()-'0') + float64(right*10)
			places *= 10 // exact up to 22 places, and LightGBM writes 6 digits
		}
		x += right / places
	}
	if p == first {
		return 0, false
	}
	if at() == 'e' || at() == 'E' {
		p++
		down := at() == '-'
		if down || at() == '+' {
			p++
		}
		e := 0
		for ; digit(); p++ {
			e = min(e*10+int(at()-'0'), 308)
		}
		if scale := atofScale(e); down {
			x /= scale
		} else {
			x *= scale
		}
	}
	return sign * x, p == len(word)
}

// atofScale is 10 to the e, made the way that Atof makes it.
func atofScale(e int) float64 {
	scale := 1.0
	for ; e >= 50; e -= 50 {
		scale *= 1e50
	}
	for ; e >= 8; e -= 8 {
		scale *= 1e8
	}
	for ; e > 0; e-- {
		scale *= 10
	}
	return scale
}

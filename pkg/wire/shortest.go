package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// appendSingle appends the shortest text that reads back to the same float32,
// and of those the nearest, of a number from 1/8 to below 1, as most
// probabilities are. Its twin is appendShortest, to which a number is left that
// is as near to one text as to another, and one that is a power of two, whose
// neighbours are not equally far.
//
// All numbers between half the way to one neighbour and half the way to the
// other read back to the same bits. In units of the eighth digit behind the
// point they span 1.5 to 6: there is one that has eight digits always, and one
// alone that has fewer, if any. Neither end of them is a whole number of units.
func appendSingle(dst []byte, x float32) ([]byte, bool) {
	const units = 1e8
	text := math.Float32bits(x)
	mantissa, below := uint64(text&(1<<23-1)), 126-text>>23 // below: 0 from 1/2 on, 1 from 1/4 on
	if mantissa == 0 || below > 2 {
		return dst, false
	}
	mantissa |= 1 << 23 // times 2^-(24+below), and half a step is one half of that
	shift := 25 + below
	low, value, high := (2*mantissa-1)*units>>shift, 2*mantissa*units, (2*mantissa+1)*units>>shift
	digits := high / 10 * 10
	if digits <= low {
		half := uint64(1) << (shift - 1)
		if value&(2*half-1) == half {
			return dst, false
		}
		digits = (value + half) >> shift
	}
	dst = append(dst, '0', '.')
	v := split8(digits)
	dst = binary.LittleEndian.AppendUint64(dst, v|ones*'0')
	return dst[:len(dst)-bits.LeadingZeros64(v)/8], true
}

// split8 is join8 turned round: a number's eight digits, the first in the
// lowest byte.
func split8(n uint64) uint64 {
	v := n/1e4 | n%1e4<<32
	q := v * 10486 >> 20 & 0x7f0000007f // hundreds
	v = q | (v-q*100)<<16
	q = v * 103 >> 10 & 0x000f000f000f000f // tens
	return q | (v-q*10)<<8
}

package wire

import "math/bits"

// runCells is the most cells whose ends are found at once.
const runCells = 64

// cellRuns is what the fast way through a record needs to know.
type cellRuns struct {
	// runs[n] is how many numeric columns there are from column n on, at most
	// runCells.
	runs []uint8
	// ends are where cells end; a word of text that is looked at as a whole may
	// hold some more.
	ends [runCells + 8]int32
}

// countRuns finds the runs of the columns.
func (d *Decoder) countRuns() {
	d.runs = append(d.runs[:0], make([]uint8, len(d.columns))...)
	run := uint8(0)
	for n := len(d.columns) - 1; n >= 0; n-- {
		if c := d.columns[n]; c < 0 || d.keys[c].kind != numeric {
			run = 0
		} else if run < runCells {
			run++
		}
		d.runs[n] = run
	}
}

// quickCells reads cells from column n on, as long as they are plain numbers or
// empty. It returns where it stopped, and at which column, and whether that was
// the record's end.
//
// Where the cells end is found first, for all of them, so that the processor
// can read several numbers at once: where one begins does not depend on how the
// one before it is read. Each number must end where its cell does. Whatever is
// different in a cell is left to record, its slow twin.
func (d *Decoder) quickCells(p, n int, row []float64) (next, column int, ended bool) {
	if n >= len(d.runs) || d.runs[n] == 0 {
		return p, n, false
	}
	b := d.b
	most := min(d.findEnds(p, int(d.runs[n])), int(d.runs[n]))
	for _, end := range d.ends[:most] {
		end := int(end)
		behind := b[end]
		if behind != ',' && behind != '\n' {
			break
		}
		x, ok := shortNumber(b, p, end)
		if !ok {
			if x, ok = longNumber(b, p, end); !ok {
				break
			}
		}
		row[d.columns[n]] = x
		n++
		p = end + 1
		if behind == '\n' {
			return p, n, true
		}
	}
	return p, n, false
}

// shortNumber reads the decimal number from p to end if it has no exponent, and
// eight bytes at most behind its sign, as most have. They are looked at as one
// word: the point is taken out, so that all digits are one whole number, which
// is then divided once, and so rounded once. Whatever it does not take is ok
// elsewhere, or wrong.
func shortNumber(b []byte, p, end int) (x float64, ok bool) {
	sign := negative(b[p])
	n := end - p - int(sign)
	if uint(n-1) >= 8 || end < 8 {
		return 0, false
	}
	before := uint(64-8*n) & 63 // bits of what stands before the number, which become zeros
	v, _ := digits8(load(b, end-8))
	v = v >> before << before
	other := (v + ones*0x76 | v) & highs
	if other == 0 {
		return signed(float64(int64(join8(v))), sign), true
	}
	point := uint(bits.TrailingZeros64(other)) & 56
	if other&(other-1) != 0 || byte(v>>point) != '.'^'0' || n == 1 {
		return 0, false
	}
	whole := v & (1<<point - 1)
	v = v>>point>>8<<8<<point | whole<<8
	return signed(float64(int64(join8(v)))/pow10float[(7-point>>3)&7], sign), true
}

// longNumber reads the number from p to end, or nothing, which is NaN.
func longNumber(b []byte, p, end int) (x float64, ok bool) {
	if p == end {
		return nan, true
	}
	var stop int
	if p+quickLead <= len(b) {
		if x, length, _ := quickNumber((*[quickLead]byte)(b[p:])); length == end-p {
			return x, true
		}
	}
	x, stop = finiteNumber(b, p)
	return x, stop == end
}

// findEnds notes the next places of bytes below '-' (commas and line ends, but
// also quotes and spaces) from p on: as many as are wanted, or as there are
// in whole words of the text. It returns how many it noted.
func (d *Decoder) findEnds(p, want int) (n int) {
	b := d.b
	for n < want && p+8 <= len(b) {
		w := load(b, p)
		found := ^((w&^highs + ones*(0x80-'-')) | w) & highs
		// Mostly there are one or two; what is noted in vain is written over.
		d.ends[n] = int32(p + bits.TrailingZeros64(found)>>3)
		rest := found & (found - 1)
		d.ends[n+1] = int32(p + bits.TrailingZeros64(rest)>>3)
		count := int(found >> 7 * ones >> 56)
		if count > 2 {
			for i := n + 2; i < n+count; i++ {
				rest &= rest - 1
				d.ends[i] = int32(p + bits.TrailingZeros64(rest)>>3)
			}
		}
		n += count
		p += 8
	}
	return n
}

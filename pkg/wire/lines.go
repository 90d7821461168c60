package wire

import (
	"bytes"
	"strconv"

	"example.com/copse/pkg/fault"
)

// lineBody reads NDJSON: one object a line. Lines are independent, so a
// broken one is its row's fault; blank ones are no rows.
func (d *Decoder) lineBody() {
	if p := d.open(); p < 0 {
		return
	}
	d.lines(0, 0)
}

// lines reads lines from p on, at most max rows of them where max is not 0,
// and returns where it stopped, or -1.
func (d *Decoder) lines(p, max int) int {
	whole := d.b
	defer func() { d.b, d.quiet = whole, false }()
	d.level = 1
	for p < len(whole) && (max == 0 || d.f.Rows < max) {
		end, next := len(whole), len(whole)
		if n := bytes.IndexByte(whole[p:], '\n'); n >= 0 {
			end, next = p+n, p+n+1
		}
		d.b = whole[:end]
		if start := d.space(p); start < end {
			row, r := d.newRow()
			if row == nil {
				return -1
			}
			if d.longest > 0 && end-p > d.longest {
				d.keep(longLine(row, r, d.longest))
			} else {
				d.quiet = true
				d.line(p, start, row, r)
				d.quiet = false
			}
		}
		p = next
	}
	return p
}

// line reads the line that begins at p and has its first byte at start.
func (d *Decoder) line(p, start int, row []float64, r int) {
	mark := len(d.f.Faults)
	d.unknown = 0
	var end int
	if d.b[start] == '{' {
		end = d.object(start+1, row, r)
	} else {
		end = d.notRow(start, row, r, 0)
	}
	if end >= 0 {
		if end = d.space(end); end < len(d.b) {
			end = d.malformed(end, "more text after the end of the object")
		}
	}
	if end < 0 {
		d.forget(mark, r)
		blank(row)
		d.keep(fault.Error{Code: fault.NotAnObject, Row: r, Rule: "json",
			Message: "the line cannot be read at its byte " + strconv.Itoa(d.where-p) + ": " + d.what})
	}
}

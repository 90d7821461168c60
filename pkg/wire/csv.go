package wire

import (
	"bytes"
	"math"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
)

// The CSV that is read is RFC 4180's, as encoding/csv reads it: commas, quotes
// that are doubled inside quotes, lines that end in LF or CRLF, blank lines
// skipped. Unlike there, CRLF in quotes stays what it is. A byte order mark, which spreadsheets write, is passed over.
//
// An empty cell is missing, quoted or not. Spaces and tabs around a number or
// a boolean are passed over. Numbers are decimal, as JSON writes them or with a
// sign, a bare point or zeros in front (+1, .5, 5., 007); nan and NaN are
// missing; inf, -inf and Infinity are infinities. Booleans are true, True, TRUE or 1, and false, False, FALSE or 0.
//
// A cell that is wrong, or a row of the wrong length, is that row's fault. A
// quote out of place is an error of the whole text, since it is not known
// where its row ends; so are bytes that are not UTF-8.

// csvBody reads a whole body.
func (d *Decoder) csvBody() {
	if len(d.b) == 0 {
		d.fail(fault.New(fault.EmptyBody, "the body is empty: send a header and rows"))
		return
	}
	if !utf8.Valid(d.b) {
		d.validText(0)
		return
	}
	p := 0
	if bytes.HasPrefix(d.b, bom) {
		p = len(bom)
	}
	if p = d.csvHeader(p); p < 0 {
		return
	}
	d.csvRows(p, 0)
}

// validText notes where, from p on, the text is not UTF-8.
func (d *Decoder) validText(p int) {
	for p < len(d.b) {
		r, size := utf8.DecodeRune(d.b[p:])
		if r == utf8.RuneError && size == 1 {
			d.malformed(p, "bytes that are not UTF-8")
			return
		}
		p += size
	}
}

// csvHeader reads the header, or makes one of the schema's order, and returns
// where rows begin.
func (d *Decoder) csvHeader(p int) int {
	d.columns, d.found = d.columns[:0], 0
	if d.o.NoHeader {
		for c := range d.keys {
			d.columns = append(d.columns, int32(c))
		}
		d.found = len(d.columns)
		return p
	}
	d.next()
	p = d.blankLines(p)
	if p == len(d.b) {
		return d.fail(fault.New(fault.EmptyBody, "there is no header: send one, and rows"))
	}
	for {
		name, end := d.cell(p)
		if end < 0 || !d.column(name) {
			return -1
		}
		var more bool
		if p, more = d.delimiter(end); !more {
			return p
		}
	}
}

// blankLines passes over lines without a byte.
func (d *Decoder) blankLines(p int) int {
	for {
		n := d.lineEnd(p)
		if n == 0 {
			return p
		}
		p += n
	}
}

// lineEnd is the length of the line end at p, or 0. A carriage return at the
// very end of the text counts as one.
func (d *Decoder) lineEnd(p int) int {
	switch d.at(p) {
	case '\n':
		return 1
	case '\r':
		if p+1 == len(d.b) {
			return 1
		}
		if d.b[p+1] == '\n' {
			return 2
		}
	}
	return 0
}

// delimiter passes over what ends a cell; more says that another one follows
// in the same record.
func (d *Decoder) delimiter(p int) (next int, more bool) {
	if d.at(p) == ',' {
		return p + 1, true
	}
	return p + d.lineEnd(p), false
}

// csvRows reads records from p on, at most max of them where max is not 0, and
// returns where it stopped, or -1.
func (d *Decoder) csvRows(p, max int) int {
	d.countRuns()
	for max == 0 || d.f.Rows < max {
		if p = d.blankLines(p); p == len(d.b) {
			return p
		}
		row, r := d.newRow()
		if row == nil {
			return -1
		}
		end := d.record(p, row, r)
		if end < 0 {
			return -1
		}
		if d.longest > 0 && end-p > d.longest+1 {
			return d.fail(longRecord(d.base+int64(p), d.longest))
		}
		p = end
	}
	return p
}

// record reads one record.
func (d *Decoder) record(p int, row []float64, r int) int {
	if d.found != len(row) {
		blank(row)
	}
	mark := len(d.f.Faults)
	b := d.b
	for n := 0; ; n++ {
		var ended bool
		if p, n, ended = d.quickCells(p, n, row); ended {
			return d.recordEnd(p, n, mark, row, r)
		}
		c := -1
		if n < len(d.columns) {
			c = int(d.columns[n])
		}
		if c >= 0 && d.keys[c].kind == numeric {
			// The common cell: a number up to the next comma or line end.
			x, end := quickCell(b, p)
			if end > 0 && end < len(b) && (b[end] == ',' || b[end] == '\n') {
				row[c] = x
				p = end + 1
				if b[end] == ',' {
					continue
				}
				return d.recordEnd(p, n+1, mark, row, r)
			}
		}
		text, end := d.cell(p)
		if end < 0 {
			return -1
		}
		if c >= 0 {
			row[c] = d.cellValue(text, c, r)
		}
		var more bool
		if p, more = d.delimiter(end); !more {
			return d.recordEnd(p, n+1, mark, row, r)
		}
	}
}

// quickCell reads the number at p by the fast ways; it may go on behind end.
func quickCell(b []byte, p int) (x float64, end int) {
	if p+quickLead <= len(b) {
		if x, n, next := quickNumber((*[quickLead]byte)(b[p:])); n > 0 && next <= ',' {
			return x, p + n
		}
	}
	return finiteNumber(b, p)
}

func (d *Decoder) recordEnd(p, n, mark int, row []float64, r int) int {
	if n != len(d.columns) {
		d.wrongLength(mark, row, r, n)
	}
	return p
}

// cell reads the cell at p and returns its text, valid until the next one, and
// the position of its delimiter.
func (d *Decoder) cell(p int) (text []byte, end int) {
	if d.at(p) == '"' {
		return d.quoted(p + 1)
	}
	b := d.b
	end = p
	for end < len(b) && b[end] != ',' && b[end] != '\n' {
		if b[end] == '"' {
			return nil, d.malformed(end, "a quote inside a cell that does not begin with one")
		}
		end++
	}
	if end > p && b[end-1] == '\r' && (end == len(b) || b[end] == '\n') {
		end--
	}
	return b[p:end], end
}

// quoted reads a cell whose opening quote stands before p. Line ends in it stay
// as they are, as pandas and Arrow have them too.
func (d *Decoder) quoted(p int) (text []byte, end int) {
	b := d.b
	d.scratch = d.scratch[:0]
	for {
		n := bytes.IndexByte(b[p:], '"')
		if n < 0 {
			return nil, d.malformed(len(b), "a cell without its closing quote")
		}
		part := b[p : p+n]
		p += n + 1
		d.scratch = append(d.scratch, part...)
		if d.at(p) != '"' {
			break
		}
		d.scratch = append(d.scratch, '"')
		p++
	}
	if p < len(b) && b[p] != ',' && d.lineEnd(p) == 0 {
		return nil, d.malformed(p, "text after the closing quote of a cell")
	}
	return d.scratch, p
}

// cellValue is the value of column c that text stands for, or NaN, with a
// fault if text is neither that nor empty.
func (d *Decoder) cellValue(text []byte, c, r int) float64 {
	if d.keys[c].kind != category {
		text = bytes.Trim(text, " \t")
	}
	if len(text) == 0 {
		return nan
	}
	switch d.keys[c].kind {
	case category:
		return d.code(text, c, r)
	case boolean:
		switch string(text) {
		case "1", "true", "True", "TRUE":
			return 1
		case "0", "false", "False", "FALSE":
			return 0
		}
	default:
		switch string(text) {
		case "nan", "NaN":
			return nan
		case "inf", "Infinity":
			return math.Inf(1)
		case "-inf":
			return math.Inf(-1)
		}
		if decimal(text) {
			x := slowFloat(text)
			if math.IsInf(x, 0) {
				d.fault(r, c, fault.NotFinite, "float64", "is beyond what 64 bits hold")
				return nan
			}
			return x
		}
	}
	d.wrongType(r, c)
	return nan
}

// decimal says whether text is a sign, digits with a point among or around
// them, and an exponent, of which only the digits must be there: of all that
// ParseFloat takes, what people write in tables.
func decimal(text []byte) bool {
	i := 0
	digits := func() (n int) {
		for ; i < len(text) && text[i]-'0' < 10; i++ {
			n++
		}
		return n
	}
	sign := func() {
		if i < len(text) && (text[i] == '-' || text[i] == '+') {
			i++
		}
	}
	sign()
	n := digits()
	if i < len(text) && text[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return false
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		sign()
		if digits() == 0 {
			return false
		}
	}
	return i == len(text)
}

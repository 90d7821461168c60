package wire

import (
	"bytes"
	"math"
	"strconv"

	"example.com/copse/pkg/fault"
)

// object reads a row whose opening brace stands before p.
func (d *Decoder) object(p int, row []float64, r int) int {
	c, p, closed := d.fast(p, 0, row)
	if closed && c == len(row) {
		return p
	}
	d.next()
	for i := range c {
		d.seen[i] = d.stamp
	}
	if !closed {
		if p = d.members(p, c, row, r); p < 0 {
			return -1
		}
	}
	for i, s := range d.seen {
		if s < d.stamp {
			row[i] = nan
		}
	}
	return p
}

// members reads the rest of a row whose first columns, below done, are read.
func (d *Decoder) members(p, done int, row []float64, r int) int {
	d.unknown = 0
	p = d.space(p)
	if done == 0 && d.at(p) == '}' {
		return p + 1
	}
	last := done - 1
	for {
		guess := int(d.follow[last+1])
		c := -1
		if guess < len(row) && d.keys[guess].starts(d.b, p) {
			c = guess
			p = d.space(p + d.keys[c].n)
		} else {
			var name []byte
			if name, p = d.name(p); p < 0 {
				return -1
			}
			if i, ok := d.schema.Index(name); ok {
				c = i
				d.follow[last+1] = int32(c)
			} else {
				p = d.extra(name, p, r)
			}
		}
		if c >= 0 {
			last = c
			p = d.member(p, c, row, r)
		}
		if p < 0 {
			return -1
		}
		p = d.space(p)
		switch d.at(p) {
		case ',':
			p = d.space(p + 1)
		case '}':
			return p + 1
		default:
			return d.malformed(p, "neither a comma nor a closing brace after a member")
		}
		if c >= done {
			// Every column from here on is unread: back to the fast loop.
			done = c + 1
			from := done
			var closed bool
			if done, p, closed = d.fast(p, done, row); done > from {
				for i := from; i < done; i++ {
					d.seen[i] = d.stamp
				}
				last = done - 1
			}
			if closed {
				return p
			}
			p = d.space(p) // more than the one space that inOrder takes
		}
	}
}

// name reads a member's name and colon; the name is valid until the next one.
func (d *Decoder) name(p int) (name []byte, next int) {
	if d.at(p) != '"' {
		return nil, d.malformed(p, "no member name")
	}
	end, plain := d.str(p + 1)
	if end < 0 {
		return nil, -1
	}
	return d.plainText(p+1, end, plain), d.colon(end + 1)
}

// member reads the value of column c, which may have come before.
func (d *Decoder) member(p, c int, row []float64, r int) int {
	if s := d.seen[c]; s >= d.stamp {
		if s == d.stamp {
			d.seen[c]++
			d.fault(r, c, fault.DuplicateField, "once", "stands twice")
		}
		return d.skip(p, d.level)
	}
	d.seen[c] = d.stamp
	return d.value(p, c, row, r)
}

// value reads the value of column c.
func (d *Decoder) value(p, c int, row []float64, r int) int {
	row[c] = nan
	k := d.keys[c].kind
	switch ch := d.at(p); {
	case ch == 'n':
		return d.placed(d.literal(p, "null"), c, r)
	case k == numeric && (ch == '-' || ch-'0' < 10):
		x, end := d.number(p)
		if end < 0 {
			return d.placed(d.notNumber(p), c, r)
		}
		if math.IsInf(x, 0) {
			d.fault(r, c, fault.NotFinite, "float64", "is beyond what 64 bits hold")
			return end
		}
		row[c] = x
		return end
	case k == boolean && ch == 't':
		row[c] = 1
		return d.placed(d.literal(p, "true"), c, r)
	case k == boolean && ch == 'f':
		row[c] = 0
		return d.placed(d.literal(p, "false"), c, r)
	case k == category && ch == '"':
		return d.category(p+1, c, row, r)
	case ch == 'N' || ch == 'I':
		return d.placed(d.notNumber(p), c, r)
	}
	if p = d.skip(p, d.level); p >= 0 {
		d.wrongType(r, c)
	}
	return d.placed(p, c, r)
}

// notNumber notes a number that JSON does not have.
func (d *Decoder) notNumber(p int) int {
	if c := d.at(p); c == 'N' || c == 'I' || d.at(p+1) == 'I' {
		return d.malformed(p, "JSON has no NaN and no infinity: send null where a value is missing")
	}
	return d.malformed(p, "no number as JSON writes it")
}

// placed adds to the error of a body, if p says that there is one, the row and
// the column in which it cannot be read on.
func (d *Decoder) placed(p, c, r int) int {
	if p < 0 && d.err != nil {
		d.err.Row, d.err.Field, d.err.Rule = r, d.schema.Feature(c).Name, "json"
	}
	return p
}

// number is parseNumber, by the fast way first.
func (d *Decoder) number(p int) (x float64, end int) {
	if p+quickLead <= len(d.b) {
		if x, n, next := quickNumber((*[quickLead]byte)(d.b[p:])); n > 0 && next|0x20 != 'e' {
			return x, p + n
		}
	}
	return parseNumber(d.b, p)
}

// category reads a text and puts its code into the row.
func (d *Decoder) category(p, c int, row []float64, r int) int {
	end, plain := d.str(p)
	if end < 0 {
		return -1
	}
	row[c] = d.code(d.plainText(p, end, plain), c, r)
	return end + 1
}

// code is the code of a category's text, or NaN with a fault.
func (d *Decoder) code(text []byte, c, r int) float64 {
	if len(text) > d.text {
		d.tooLong(r, c)
		return nan
	}
	code, ok := d.schema.Code(c, text)
	if !ok {
		d.keep(d.schema.UnknownCategory(r, c))
		return nan
	}
	return code
}

// extra passes over a member that is no feature.
func (d *Decoder) extra(name []byte, p, r int) int {
	if !d.o.IgnoreExtra {
		d.unknownField(r, name)
	}
	return d.skip(p, d.level)
}

// notRow passes over a value that stands where a row should, inside level
// brackets.
func (d *Decoder) notRow(p int, row []float64, r, level int) int {
	blank(row)
	if p = d.skip(p, level); p >= 0 {
		d.keep(fault.Error{Code: fault.NotAnObject, Row: r, Rule: "object",
			Message: "a row is a JSON object of features"})
	}
	return p
}

// soleID reads {"id":…} where that is no row: is says that the body is that.
func (d *Decoder) soleID(p int) (ids []string, is bool) {
	if d.b[p] != '{' {
		return nil, false
	}
	if _, feature := d.schema.Index([]byte("id")); feature {
		return nil, false
	}
	// What is not of this form is read again as a row, which then says why.
	d.quiet = true
	defer func() { d.quiet = false }()
	name, at := d.name(d.space(p + 1))
	if at < 0 || string(name) != "id" {
		return nil, false
	}
	end := d.skip(at, 1)
	if end < 0 {
		return nil, false
	}
	if end = d.space(end); d.at(end) != '}' || d.space(end+1) < len(d.b) {
		return nil, false
	}
	if !d.o.ByID {
		d.fail(noSource())
		return nil, true
	}
	d.level = 1
	id, end, bad := d.id(at)
	if bad != nil {
		d.fail(bad)
	}
	if end < 0 || bad != nil {
		return nil, true
	}
	return []string{id}, true
}

func noSource() *fault.Error {
	return fault.New(fault.NoFeatureSource, "rows by id need a feature source, and none is configured: send the features")
}

// id reads one id, a text or a whole number; bad says that it is neither.
func (d *Decoder) id(p int) (id string, end int, bad *fault.Error) {
	var text []byte
	if d.at(p) == '"' {
		last, plain := d.str(p + 1)
		if last < 0 {
			return "", -1, nil
		}
		text, end = d.plainText(p+1, last, plain), last+1
	} else if n := scanNumber(d.b, p); n.end >= 0 && !bytes.ContainsAny(d.b[p:n.end], ".eE") {
		text, end = d.b[p:n.end], n.end
	} else {
		return "", d.skip(p, d.level), badID(fault.WrongType, "string", "an id is a text or a whole number")
	}
	if len(text) > d.text {
		return "", end, badID(fault.TextTooLong, limitRule(d.text), "the id is longer than "+strconv.Itoa(d.text)+" bytes")
	}
	return string(text), end, nil
}

func badID(code fault.Code, rule, message string) *fault.Error {
	return &fault.Error{Code: code, Field: "id", Rule: rule, Message: message}
}

// plainText is the text of the string between p and end. One that is too long
// for any use may lack its end.
func (d *Decoder) plainText(p, end int, plain bool) []byte {
	if plain {
		return d.b[p:end]
	}
	d.scratch = d.unescape(d.scratch[:0], p, end, max(d.text, DefaultText))
	return d.scratch
}

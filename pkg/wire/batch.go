package wire

import (
	"strconv"

	"example.com/copse/pkg/fault"
)

// jsonBatch reads a batch in JSON: a list of rows, or an object of one of the
// forms {"rows":[…]}, {"columns":[…],"data":[[…],…]} and {"ids":[…]}.
func (d *Decoder) jsonBatch() (ids []string) {
	p := d.open()
	if p < 0 {
		return nil
	}
	switch d.b[p] {
	case '[':
		p = d.rows(p, 0)
	case '{':
		ids, p = d.batchObject(p)
	default:
		p = d.badForm(p)
	}
	d.close(p)
	return ids
}

const badForm = `a batch is a list of rows, or an object with "rows", or with "columns" and "data"`

// badForm notes a batch of another form than those there are.
func (d *Decoder) badForm(p int) int {
	if d.o.ByID {
		return d.malformed(p, badForm+`, or with "ids"`)
	}
	return d.malformed(p, badForm)
}

// rows reads the list of rows at p, which stands inside level brackets.
func (d *Decoder) rows(p, level int) int {
	d.level = level + 2
	p = d.space(p + 1)
	if d.at(p) == ']' {
		return p + 1
	}
	for done := false; !done; {
		if !startsValue(d.at(p)) {
			return d.malformed(p, "no JSON value")
		}
		row, r := d.newRow()
		if row == nil {
			return -1
		}
		if d.b[p] == '{' {
			p = d.objectAgain(p, row, r)
		} else {
			p = d.notRow(p, row, r, level+1)
		}
		p, done = d.comma(p)
	}
	return p
}

// objectAgain reads the object at p, or copies the row that it repeats.
func (d *Decoder) objectAgain(p int, row []float64, r int) int {
	earlier, end, slot := d.repeats.find(d.b, p)
	if end > 0 {
		copy(row, d.f.Row(earlier))
		return end
	}
	end = d.object(p+1, row, r)
	if slot != nil && end > 0 && !d.f.Bad[r] {
		*slot = repeat{int32(p), int32(end), int32(r)}
	}
	return end
}

// comma goes on to the next value of a list, or is done with it.
func (d *Decoder) comma(p int) (next int, done bool) {
	if p < 0 {
		return -1, true
	}
	if d.at(p) == ',' && d.at(p+1) > ' ' {
		return p + 1, false
	}
	p = d.space(p)
	switch d.at(p) {
	case ',':
		return d.space(p + 1), false
	case ']':
		return p + 1, true
	}
	return d.malformed(p, "neither a comma nor a closing bracket after a value"), true
}

// form is the set of members that a batch object has had.
type form struct {
	rows, columns, data, ids bool
	dataAt                   int // where data stands that came before its columns
}

// batchObject reads a batch that is an object. Members come in any order: data
// before its columns is passed over and read when the columns are known.
func (d *Decoder) batchObject(p int) (ids []string, end int) {
	var have form
	p = d.space(p + 1)
	for first := true; ; first = false {
		if first && d.at(p) == '}' {
			break
		}
		at := p
		var name []byte
		if name, p = d.name(p); p < 0 {
			return nil, -1
		}
		if ids, p = d.batchMember(string(name), at, p, &have, ids); p < 0 {
			return nil, -1
		}
		p = d.space(p)
		if d.at(p) == '}' {
			break
		}
		if d.at(p) != ',' {
			return nil, d.malformed(p, "neither a comma nor a closing brace after a member")
		}
		p = d.space(p + 1)
	}
	switch {
	case have.columns && have.dataAt > 0:
		if d.data(have.dataAt) < 0 {
			return nil, -1
		}
	case have.columns != have.data, have == form{}:
		return nil, d.badForm(p)
	}
	return ids, p + 1
}

// batchMember reads the value at p of a member whose name stands at at.
func (d *Decoder) batchMember(name string, at, p int, have *form, ids []string) ([]string, int) {
	if !startsValue(d.at(p)) {
		return nil, d.malformed(p, "no JSON value")
	}
	was := *have
	switch name {
	case "rows":
		have.rows = true
	case "columns":
		have.columns = true
	case "data":
		have.data = true
	case "ids":
		_, feature := d.schema.Index([]byte(name))
		have.ids = !feature
	}
	if *have == was && was.holds(name) {
		return nil, d.malformed(at, "a member stands twice")
	}
	if *have == was {
		if d.o.IgnoreExtra {
			return ids, d.skip(p, 1)
		}
		return nil, d.badForm(at)
	}
	if have.mixed() {
		return nil, d.malformed(at, "rows in more than one form")
	}
	if name == "ids" && !d.o.ByID {
		return nil, d.fail(noSource())
	}
	if d.at(p) != '[' {
		return nil, d.malformed(p, "no list where a batch has one")
	}
	switch {
	case name == "rows":
		return ids, d.rows(p, 1)
	case name == "columns":
		return ids, d.names(p)
	case name == "ids":
		return d.ids(p)
	case have.columns:
		return ids, d.data(p)
	}
	have.dataAt = p
	return ids, d.skip(p, 1)
}

func (h *form) holds(name string) bool {
	switch name {
	case "rows":
		return h.rows
	case "columns":
		return h.columns
	case "data":
		return h.data
	}
	return name == "ids" && h.ids
}

func (h *form) mixed() bool {
	n := 0
	for _, b := range []bool{h.rows, h.columns || h.data, h.ids} {
		if b {
			n++
		}
	}
	return n > 1
}

// names reads the list of columns.
func (d *Decoder) names(p int) int {
	d.columns, d.found = d.columns[:0], 0
	d.next()
	if p = d.space(p + 1); d.at(p) == ']' {
		return p + 1
	}
	for done := false; !done; {
		if d.at(p) != '"' {
			return d.malformed(p, "a column's name is no text")
		}
		end, plain := d.str(p + 1)
		if end < 0 {
			return -1
		}
		if !d.column(d.plainText(p+1, end, plain)) {
			return -1
		}
		p, done = d.comma(end + 1)
	}
	return p
}

// column adds a column by its name. An unknown or repeated one would make
// every row bad alike, so it is an error of the whole body.
func (d *Decoder) column(name []byte) bool {
	c, ok := d.schema.Index(name)
	if !ok {
		if d.o.IgnoreExtra {
			d.columns = append(d.columns, -1)
			return true
		}
		field, message := d.unknownName(name, "column")
		d.fail(&fault.Error{Code: fault.UnknownField, Row: fault.Whole, Field: field, Rule: "known", Message: message})
		return false
	}
	if d.seen[c] == d.stamp {
		d.fail(&fault.Error{Code: fault.DuplicateField, Row: fault.Whole, Field: d.schema.Feature(c).Name, Rule: "once",
			Message: "column " + d.schema.Feature(c).Name + " stands twice"})
		return false
	}
	d.seen[c] = d.stamp
	d.columns = append(d.columns, int32(c))
	d.found++
	return true
}

// data reads the list of lists at p, by d.columns.
func (d *Decoder) data(p int) int {
	d.level = 3
	if p = d.space(p + 1); d.at(p) == ']' {
		return p + 1
	}
	for done := false; !done; {
		if !startsValue(d.at(p)) {
			return d.malformed(p, "no JSON value")
		}
		row, r := d.newRow()
		if row == nil {
			return -1
		}
		if d.b[p] == '[' {
			p = d.cells(p+1, row, r)
		} else {
			blank(row)
			if p = d.skip(p, 2); p >= 0 {
				d.keep(fault.Error{Code: fault.NotAnObject, Row: r, Rule: "list", Message: "a row of data is a list of values"})
			}
		}
		p, done = d.comma(p)
	}
	return p
}

// cells reads one row of data whose bracket stands before p.
func (d *Decoder) cells(p int, row []float64, r int) int {
	if d.found != len(row) {
		blank(row)
	}
	mark := len(d.f.Faults)
	p = d.space(p)
	n := 0
	if d.at(p) == ']' {
		p++
	} else {
		for done := false; !done; n++ {
			if n < len(d.columns) && d.columns[n] >= 0 {
				p = d.value(p, int(d.columns[n]), row, r)
			} else {
				p = d.skip(p, d.level)
			}
			if p, done = d.comma(p); p < 0 {
				return -1
			}
		}
	}
	if n != len(d.columns) {
		d.wrongLength(mark, row, r, n)
	}
	return p
}

// wrongLength replaces what was found in the cells of a row, which are not
// where they belong.
func (d *Decoder) wrongLength(mark int, row []float64, r, n int) {
	d.forget(mark, r)
	blank(row)
	d.keep(fault.Error{Code: fault.WrongLength, Row: r, Rule: "len=" + strconv.Itoa(len(d.columns)),
		Message: "the row has " + strconv.Itoa(n) + " values for " + strconv.Itoa(len(d.columns)) + " columns"})
}

// forget takes back the faults of row r, which are those from mark on.
func (d *Decoder) forget(mark, r int) {
	d.f.Faults = d.f.Faults[:mark]
	d.f.Bad[r] = false
	d.f.Dropped -= max(0, d.unknown-maxUnknown)
	d.unknown = 0
}

// ids reads the list of ids at p. What is no id becomes an empty one, which
// fails alone when it is asked for.
func (d *Decoder) ids(p int) (ids []string, end int) {
	d.level = 2
	ids = []string{}
	if p = d.space(p + 1); d.at(p) == ']' {
		return ids, p + 1
	}
	for done := false; !done; {
		if !startsValue(d.at(p)) {
			return nil, d.malformed(p, "no JSON value")
		}
		if l := d.o.Limits.Rows; l > 0 && len(ids) >= l {
			return nil, d.fail(fault.New(fault.TooManyRows, "more than %d ids: send fewer at once", l))
		}
		var id string
		if id, p, _ = d.id(p); p < 0 {
			return nil, -1
		}
		ids = append(ids, id) // "" where it is bad
		if p, done = d.comma(p); p < 0 {
			return nil, -1
		}
	}
	return ids, p
}

package wire

import (
	"cmp"
	"slices"
	"strconv"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// Bounds of what a hostile body can make us remember.
const (
	// maxUnknown is how many unknown members of one row are told.
	maxUnknown = 16
	// maxCompared bounds the pairs of names that are compared for suggestions
	// in one body.
	maxCompared = 100_000
)

// keep puts a fault of a row into the frame.
func (d *Decoder) keep(e fault.Error) { d.f.Fail(e) }

// fault is keep for what is wrong with column c.
func (d *Decoder) fault(r, c int, code fault.Code, rule, message string) {
	name := d.schema.Feature(c).Name
	d.keep(fault.Error{Code: code, Row: r, Field: name, Rule: rule, Message: name + " " + message})
}

func (d *Decoder) wrongType(r, c int) {
	t := d.schema.Feature(c).Type
	must := "must be a number"
	switch t {
	case schema.Integer:
		must = "must be a whole number"
	case schema.Boolean:
		must = "must be true or false"
	case schema.Category:
		must = "must be a text"
	}
	d.fault(r, c, fault.WrongType, string(t), must)
}

func limitRule(n int) string { return "bytes=" + strconv.Itoa(n) }

func (d *Decoder) tooLong(r, c int) { d.keep(TextTooLong(d.schema, r, c, d.text)) }

// TextTooLong is the fault of a row whose text for column c has more bytes than
// the limit.
func TextTooLong(s *schema.Schema, row, c, limit int) fault.Error {
	name := s.Feature(c).Name
	return fault.Error{Code: fault.TextTooLong, Row: row, Field: name, Rule: limitRule(limit),
		Message: name + " is a text of more than " + strconv.Itoa(limit) + " bytes"}
}

// unknownField is the fault of a member that is no feature.
func (d *Decoder) unknownField(r int, name []byte) {
	if d.unknown++; d.unknown > maxUnknown {
		d.f.Dropped++
		return
	}
	field, message := d.unknownName(name, "field")
	d.keep(fault.Error{Code: fault.UnknownField, Row: r, Field: field, Rule: "known", Message: message})
}

// unknownName says that a name is no feature's, and which one is nearest.
func (d *Decoder) unknownName(name []byte, what string) (field, message string) {
	field = fault.Quote(name)
	message = `unknown ` + what + ` "` + field + `"`
	if near := d.suggest.nearest(name, d.schema); near != "" {
		message += `: the nearest known name is "` + near + `"`
	} else if len(name) == 0 {
		message += `: it has no name`
	}
	return field, message
}

// suggester finds the known name that is nearest to an unknown one. Equal
// names in one body cost one search.
type suggester struct {
	found    map[string]string
	compared int
}

func (s *suggester) reset() {
	if len(s.found) > 0 {
		clear(s.found)
	}
	s.compared = 0
}

// nearest is fault.Nearest with a memory and a bound: a body of unknown names
// must not cost more than it is worth.
func (s *suggester) nearest(name []byte, sc *schema.Schema) string {
	if len(name) > fault.MaxNear {
		return ""
	}
	if near, ok := s.found[string(name)]; ok {
		return near
	}
	n := sc.NumFeatures()
	if s.compared+n > maxCompared {
		return ""
	}
	s.compared += n
	if s.found == nil {
		s.found = make(map[string]string)
	}
	near := fault.Nearest(string(name), n, func(i int) string { return sc.Feature(i).Name })
	s.found[string(name)] = near
	return near
}

// SortFaults puts a frame's faults in the order in which they are told: by
// row, then by the schema's features, unknown fields and whole rows last. The
// decoder, the judge and the cleaner find them in another order.
func SortFaults(f *frame.Frame, s *schema.Schema) {
	place := func(e *fault.Error) int {
		if c, ok := s.Index([]byte(e.Field)); ok {
			return c
		}
		return s.NumFeatures()
	}
	order := func(a, b fault.Error) int {
		if a.Row != b.Row {
			return cmp.Compare(a.Row, b.Row)
		}
		return cmp.Compare(place(&a), place(&b))
	}
	if !slices.IsSortedFunc(f.Faults, order) {
		slices.SortStableFunc(f.Faults, order)
	}
}

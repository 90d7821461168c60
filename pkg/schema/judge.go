package schema

import (
	"math"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
)

// Validate holds every row of the frame against the rules and marks the bad
// ones with all that is wrong with them, in schema order. Rows that the
// decoder marked already keep its findings; a feature it complained of is not
// judged again.
//
// The loop compares with a closed range per column; NaN fails both comparisons
// and so takes the slow way.
func (s *Schema) Validate(f *frame.Frame) {
	// The decoder's faults stand in row order before those found here.
	decoded := f.Faults[:len(f.Faults):len(f.Faults)]
	for r := range f.Rows {
		row := f.Values[r*f.Cols : (r+1)*f.Cols]
		if !s.slow && s.inside(row) {
			continue
		}
		var mine []fault.Error
		mine, decoded = cutRow(decoded, r)
		s.judgeRow(f, r, row, mine)
	}
}

// inside says whether every value lies in its column's closed range; NaN does
// not.
func (s *Schema) inside(row []float64) bool {
	lo, hi := s.lo[:len(row)], s.hi[:len(row)]
	for c, x := range row {
		if !(x >= lo[c]) || !(x <= hi[c]) {
			return false
		}
	}
	return true
}

// cutRow splits off the faults of row r, and drops those of rows before it.
func cutRow(faults []fault.Error, r int) (mine, rest []fault.Error) {
	from := 0
	for from < len(faults) && faults[from].Row < r {
		from++
	}
	to := from
	for to < len(faults) && faults[to].Row == r {
		to++
	}
	return faults[from:to], faults[to:]
}

func (s *Schema) judgeRow(f *frame.Frame, r int, row []float64, decoded []fault.Error) {
	for c, x := range row {
		feature := &s.doc.Features[c]
		if concerns(decoded, feature.Name) {
			continue
		}
		if e := s.columns[c].judge(feature, x); e != nil {
			e.Row = r
			f.Fail(*e)
		}
	}
}

// concerns says whether one of the decoder's faults is about a field, or about
// the row as a whole, so that its values mean nothing.
func concerns(faults []fault.Error, field string) bool {
	for i := range faults {
		f := &faults[i]
		if f.Field == field || f.Field == "" || f.Code == fault.FeaturesNotFound || f.Code == fault.FeaturesFailed {
			return true
		}
	}
	return false
}

// judge is the whole rule for one value: the plain twin of the range.
func (c *column) judge(f *Feature, x float64) *fault.Error {
	fail := func(code fault.Code, rule, message string) *fault.Error {
		return &fault.Error{Code: code, Field: f.Name, Rule: rule, Message: f.Name + " " + message}
	}
	if math.IsNaN(x) {
		if f.Missing != Refuse {
			return nil
		}
		return fail(fault.Missing, "required", "is required")
	}
	if f.Finite && math.IsInf(x, 0) {
		return fail(fault.NotFinite, "finite", "must be finite: the model's library takes no infinity")
	}
	switch f.Type {
	case Integer:
		if x != math.Trunc(x) || math.IsInf(x, 0) {
			return fail(fault.NotInteger, "integer", "must be a whole number")
		}
	case Boolean:
		if x != 0 && x != 1 {
			return fail(fault.WrongType, "boolean", "must be true or false")
		}
	case Category:
		if !(x >= 0 && x <= c.hi) || x != math.Trunc(x) {
			return fail(fault.UnknownCategory, string(Category), c.oneOf)
		}
	}
	for i := range c.rules.each {
		r := &c.rules.each[i]
		if !(x >= r.lo && x <= r.hi) {
			return fail(fault.OutOfRange, r.text, "must be "+r.phrase+unit(f))
		}
	}
	if broken := c.rules.judgeByValidator(f, x); broken != "" {
		return fail(fault.OutOfRange, broken, "breaks the rule "+broken)
	}
	return nil
}

func unit(f *Feature) string {
	if f.Unit == "" {
		return ""
	}
	return " " + f.Unit
}

// Clean turns valid rows into what the model was trained on: units, defaults
// for missing values, one NaN for all, and the model's own precision. A number
// that the precision cannot hold marks its row.
func (s *Schema) Clean(f *frame.Frame, single bool) {
	if s.convert {
		s.convertUnits(f)
	}
	if single {
		s.roundSingle(f)
		return
	}
	nan := math.NaN()
	for i, x := range f.Values {
		if x != x {
			f.Values[i] = nan
		}
	}
}

func (s *Schema) convertUnits(f *frame.Frame) {
	for r := range f.Rows {
		row := f.Row(r)
		for c := range row {
			col := &s.columns[c]
			if row[c] != row[c] && s.doc.Features[c].Missing == Fill {
				row[c] = col.fill
			}
			if col.scale != 1 || col.offset != 0 {
				// The conversion keeps Go from fusing the two steps on arm64.
				row[c] = float64(row[c]*col.scale) + col.offset
			}
		}
	}
}

// beyondSingle is the least float64 that rounds to float32's infinity: half
// way between its largest number and the next one that it does not have.
const beyondSingle = 0x1.ffffffp127

// Keep leaves features as they are, in float64, where Clean rounds to single
// precision: their numbers are looked up before they are rounded. It must be
// called before s is used.
func (s *Schema) Keep(features ...int) {
	if s.kept == nil {
		s.kept = make([]bool, len(s.columns))
	}
	for _, i := range features {
		s.kept[i] = true
	}
}

func (s *Schema) roundSingle(f *frame.Frame) {
	for r := range f.Rows {
		row := f.Values[r*f.Cols : (r+1)*f.Cols]
		if s.kept != nil || !roundAll(row) {
			s.roundRow(f, r, row)
		}
	}
}

// roundAll rounds the numbers of a row, up to the first that is none or is
// beyond float32; it says whether there is none such. Its twin, which may do
// the same again, is roundRow.
func roundAll(row []float64) bool {
	for c, x := range row {
		if !(math.Abs(x) < beyondSingle) {
			return false
		}
		row[c] = float64(float32(x))
	}
	return true
}

func (s *Schema) roundRow(f *frame.Frame, r int, row []float64) {
	nan := math.NaN()
	for c, x := range row {
		switch {
		case x != x:
			row[c] = nan
		case s.kept != nil && s.kept[c]:
		case math.Abs(x) < beyondSingle:
			row[c] = float64(float32(x))
		default:
			row[c] = math.Inf(int(math.Copysign(1, x)))
			if !math.IsInf(x, 0) && !f.Bad[r] {
				name := s.doc.Features[c].Name
				f.Fail(fault.Error{Code: fault.NotFinite, Row: r, Field: name, Rule: "float32",
					Message: name + " is beyond what the model's precision holds"})
			}
		}
	}
}

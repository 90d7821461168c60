package schemafile

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxCategories is the most different texts of a column that is taken for a
// category, and maxText the longest, in bytes.
const (
	maxCategories = 1000
	maxText       = 1024
)

// Stats gathers what the rows say of one column.
type Stats struct {
	Name    string
	Missing int
	seen    int // values
	numbers int
	bools   int
	whole   bool // all numbers are
	min     float64
	max     float64
	texts   map[string]struct{}
	many    bool // there are more texts, or longer ones
	typed   bool // some value was no text of CSV
	example any
	nested  bool
}

func newStats(name string) *Stats {
	return &Stats{Name: name, whole: true, min: math.Inf(1), max: math.Inf(-1), texts: make(map[string]struct{})}
}

// Value takes a value that has a type: nil, bool, float64 or string. All else
// is no feature's.
func (s *Stats) Value(v any) {
	switch v := v.(type) {
	case nil:
		s.Missing++
	case bool:
		s.typed = true
		s.see(v)
		s.bools++
	case float64:
		if math.IsNaN(v) {
			s.Missing++
			return
		}
		s.typed = true
		s.see(v)
		s.number(v)
	case string:
		s.typed = true
		s.see(v)
		s.text(v)
	default:
		s.nested = true
	}
}

// Cell takes a cell of CSV, whose type shows when all are seen.
func (s *Stats) Cell(text string) {
	trimmed := strings.Trim(text, " \t")
	x, isNumber := number(trimmed)
	if text == "" || isNumber && math.IsNaN(x) {
		s.Missing++
		return
	}
	_, isBool := boolean(trimmed)
	switch {
	case isNumber:
		s.number(x)
	case isBool:
		s.bools++
	}
	s.see(text)
	s.text(text)
}

func (s *Stats) see(v any) {
	if s.seen++; s.example == nil {
		s.example = v
	}
}

func (s *Stats) number(x float64) {
	s.numbers++
	s.whole = s.whole && x == math.Trunc(x) && math.Abs(x) < 1<<53
	s.min, s.max = math.Min(s.min, x), math.Max(s.max, x)
}

func (s *Stats) text(text string) {
	if !utf8.ValidString(text) {
		s.nested = true
	}
	if s.many {
		return
	}
	if s.texts[text] = struct{}{}; len(s.texts) > maxCategories || len(text) > maxText {
		s.texts, s.many = nil, true
	}
}

// number reads a number as package wire does in CSV.
func number(text string) (float64, bool) {
	switch text {
	case "nan", "NaN":
		return math.NaN(), true
	case "inf", "Infinity":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	}
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

func boolean(text string) (value, ok bool) {
	switch text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// kind is what a column holds.
type kind uint8

const (
	nothing kind = iota // no value at all
	numbers
	wholes
	booleans
	categories
	texts   // too many, or too long, for a category
	mixture // values of several types, or nested ones
)

func (s *Stats) kind() kind {
	switch {
	case s.nested:
		return mixture
	case s.seen == 0:
		return nothing
	case s.numbers == s.seen && s.whole:
		return wholes
	case s.numbers == s.seen:
		return numbers
	case s.bools == s.seen:
		return booleans
	case s.typed && s.numbers+s.bools > 0:
		return mixture
	case s.many:
		return texts
	}
	return categories
}

// sorted are the texts, as pandas sorts categories.
func (s *Stats) sorted() []string {
	all := make([]string, 0, len(s.texts))
	for text := range s.texts {
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// rules are the range of the numbers that were seen.
func (s *Stats) rules() string {
	var parts []string
	if !math.IsInf(s.min, 0) {
		parts = append(parts, "gte="+shortest(s.min))
	}
	if !math.IsInf(s.max, 0) {
		parts = append(parts, "lte="+shortest(s.max))
	}
	return strings.Join(parts, ",")
}

func shortest(x float64) string {
	if abs := math.Abs(x); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// sample is the value for an example, of the kind that the column turned out
// to be.
func (s *Stats) sample() any {
	text, isText := s.example.(string)
	if !isText {
		if x, ok := s.example.(float64); ok && math.IsInf(x, 0) {
			return nil
		}
		return s.example
	}
	switch s.kind() {
	case numbers, wholes:
		x, _ := number(strings.Trim(text, " \t"))
		if math.IsInf(x, 0) {
			return nil
		}
		return x
	case booleans:
		b, _ := boolean(strings.Trim(text, " \t"))
		return b
	}
	return text
}

package httpapi

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"example.com/copse/pkg/schema"
)

// span is what a feature's rules say in the terms of JSON Schema: the range of
// its numbers, with open or closed ends, and the values that are not allowed. A
// rule that JSON Schema has no word for is in rest.
type span struct {
	lo, hi         float64 // infinite where there is no bound
	loOpen, hiOpen bool
	never          []float64
	rest           []string
}

// spanOf reads the rules of a feature. They were compiled before, so that a
// number which cannot be read does not occur; it would go to rest.
func spanOf(f *schema.Feature) span {
	s := span{lo: math.Inf(-1), hi: math.Inf(1)}
	if f.Rules == "" {
		return s
	}
	for rule := range strings.SplitSeq(f.Rules, ",") {
		if !s.add(rule) {
			s.rest = append(s.rest, rule)
		}
	}
	return s
}

// add takes one rule into account and says whether it could.
func (s *span) add(rule string) bool {
	name, param, _ := strings.Cut(rule, "=")
	x, err := strconv.ParseFloat(param, 64)
	if err != nil {
		return false
	}
	switch name {
	case "gte", "min":
		s.from(x, false)
	case "gt":
		s.from(x, true)
	case "lte", "max":
		s.to(x, false)
	case "lt":
		s.to(x, true)
	case "eq":
		s.from(x, false)
		s.to(x, false)
	case "ne":
		s.never = append(s.never, x)
	default:
		return false
	}
	return true
}

// from narrows the lower end; of equal ends the open one is narrower.
func (s *span) from(x float64, open bool) {
	if x > s.lo || x == s.lo && open {
		s.lo, s.loOpen = x, open
	}
}

func (s *span) to(x float64, open bool) {
	if x < s.hi || x == s.hi && open {
		s.hi, s.hiOpen = x, open
	}
}

// overSingle is the least number that rounds to an infinite float32: half a
// step above the largest finite one.
const overSingle = 0x1.ffffffp127

// single narrows the span to what the caller may send of a feature that the
// model reads as float32, after its unit was converted.
func (s *span) single(f *schema.Feature) {
	scale := f.Scale
	if scale == 0 {
		scale = 1
	}
	a, b := (-overSingle-f.Offset)/scale, (overSingle-f.Offset)/scale
	s.from(min(a, b), true)
	s.to(max(a, b), true)
}

// holds says whether x is within the span.
func (s *span) holds(x float64) bool {
	if x < s.lo || x > s.hi || x == s.lo && s.loOpen || x == s.hi && s.hiOpen {
		return false
	}
	return !slices.Contains(s.never, x)
}

// example finds a number within the span for a feature that states none.
func (s *span) example(whole bool) float64 {
	var candidates []float64
	if bounded(s.lo) && bounded(s.hi) {
		mid := s.lo/2 + s.hi/2
		candidates = append(candidates, math.Round(mid), mid)
	}
	if bounded(s.lo) {
		candidates = append(candidates, math.Ceil(s.lo), s.lo, math.Floor(s.lo)+1)
	}
	if bounded(s.hi) {
		candidates = append(candidates, math.Floor(s.hi), s.hi, math.Ceil(s.hi)-1)
	}
	candidates = append(candidates, 0, 1, -1)
	for _, x := range candidates {
		if s.holds(x) && (!whole || x == math.Trunc(x)) {
			return x
		}
	}
	return 0
}

// bounded says whether x is an end that somebody chose, and not the edge of
// what a float32 holds.
func bounded(x float64) bool { return math.Abs(x) < math.MaxFloat32/2 }

// words says the range as people do: "0 to 10", "more than 0".
func (s *span) words() string {
	n := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	var parts []string
	lo, hi := bounded(s.lo), bounded(s.hi)
	switch {
	case lo && hi && s.lo == s.hi:
		parts = append(parts, "exactly "+n(s.lo))
	case lo && hi && !s.loOpen && !s.hiOpen:
		parts = append(parts, n(s.lo)+" to "+n(s.hi))
	default:
		if lo {
			parts = append(parts, either(s.loOpen, "more than ", "at least ")+n(s.lo))
		}
		if hi {
			parts = append(parts, either(s.hiOpen, "less than ", "at most ")+n(s.hi))
		}
	}
	for _, x := range s.never {
		parts = append(parts, "not "+n(x))
	}
	return strings.Join(append(parts, s.rest...), ", ")
}

func either(open bool, yes, no string) string {
	if open {
		return yes
	}
	return no
}

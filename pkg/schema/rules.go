package schema

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// rules are a feature's compiled rules. Those that order numbers (gt, gte, lt,
// lte, min, max, eq) become one closed range; whatever else validator/v10 can
// say of a number is kept as a tag and judged by validator itself, row by row.
type rules struct {
	lo, hi float64
	each   []rule // the numeric ones, to name the one that is broken
	tag    string // the rest, for validator
}

type rule struct {
	text   string // "lte=10"
	phrase string // "at most 10"
	lo, hi float64
}

// bounds turns a numeric rule into a closed range. Open ends move one float
// inwards, which for float64 values is the same set.
func bounds(name string, x float64) (r rule, ok bool) {
	r = rule{lo: math.Inf(-1), hi: math.Inf(1)}
	switch name {
	case "gte", "min":
		r.lo, r.phrase = x, "at least "
	case "gt":
		r.lo, r.phrase = math.Nextafter(x, math.Inf(1)), "more than "
	case "lte", "max":
		r.hi, r.phrase = x, "at most "
	case "lt":
		r.hi, r.phrase = math.Nextafter(x, math.Inf(-1)), "less than "
	case "eq":
		r.lo, r.hi, r.phrase = x, x, "exactly "
	default:
		return r, false
	}
	return r, true
}

// compileRules splits a tag at its commas, compiles what orders numbers and
// keeps the rest for validator.
func compileRules(f *Feature) (rules, error) {
	rs := rules{lo: math.Inf(-1), hi: math.Inf(1)}
	if f.Rules == "" {
		return rs, nil
	}
	if f.Type == Category || f.Type == Boolean {
		return rs, fmt.Errorf("a %s takes no rules", f.Type)
	}
	var rest []string
	for part := range strings.SplitSeq(f.Rules, ",") {
		name, param, _ := strings.Cut(part, "=")
		x, err := strconv.ParseFloat(param, 64)
		r, ok := bounds(name, x)
		if !ok {
			rest = append(rest, part)
			continue
		}
		if err != nil || !finite(x) {
			return rs, fmt.Errorf("rule %q needs a finite number", part)
		}
		r.text, r.phrase = part, r.phrase+param
		rs.each = append(rs.each, r)
		rs.lo, rs.hi = math.Max(rs.lo, r.lo), math.Min(rs.hi, r.hi)
	}
	if rs.lo > rs.hi {
		return rs, fmt.Errorf("no number fits the rules %q", f.Rules)
	}
	rs.tag = strings.Join(rest, ",")
	// A tag that validator does not know would panic at the first row.
	return rs, tryTag(f, rs.tag)
}

// judgeByValidator holds x against the rules that are not ranges and returns
// the broken one, or "".
func (rs *rules) judgeByValidator(f *Feature, x float64) string {
	if rs.tag == "" {
		return ""
	}
	if f.Type == Integer && math.Abs(x) >= 1<<63 {
		return rs.tag // no int64, so no value that a rule could name
	}
	var broken validator.ValidationErrors
	if errors.As(validate().Var(native(f, x), rs.tag), &broken) {
		e := broken[0]
		if e.Param() == "" {
			return e.Tag()
		}
		return e.Tag() + "=" + e.Param()
	}
	return ""
}

// native is the value as validator wants it: some of its rules are for whole
// numbers only.
func native(f *Feature, x float64) any {
	if f.Type == Integer {
		return int64(x)
	}
	return x
}

// validate is made at its first use: a schema without such rules, read from a
// bundle, was checked when the bundle was written.
var validate = sync.OnceValue(func() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
})

// tryTag finds out whether validator knows a tag for the feature's type: it
// panics on those it does not.
func tryTag(f *Feature, tag string) (err error) {
	if tag == "" {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rules %q: %v", tag, p)
		}
	}()
	err = validate().Var(native(f, 1), tag)
	var broken validator.ValidationErrors
	if errors.As(err, &broken) {
		return nil
	}
	return err
}

// checkDocument holds a schema file against its own struct's tags.
func checkDocument(doc *Document) error {
	err := validate().Struct(doc)
	var broken validator.ValidationErrors
	if errors.As(err, &broken) {
		e := broken[0]
		rule := strings.TrimSuffix(e.Tag()+"="+e.Param(), "=")
		var i int
		if n, _ := fmt.Sscanf(e.Namespace(), "Document.Features[%d]", &i); n == 1 {
			return fmt.Errorf("schema: feature %d, %q: %s must keep to %q", i, doc.Features[i].Name, strings.ToLower(e.Field()), rule)
		}
		return fmt.Errorf("schema: %s must keep to %q", strings.ToLower(e.Field()), rule)
	}
	return err
}

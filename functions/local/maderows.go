package local

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// madeRows draws rows that the schema accepts, the same ones every time. Their
// values are uniform in the features' ranges; with rules, which may be more than
// a range, they are of the drawn ones and of the numbers that the schema names
// those that pass.
func madeRows(s *schema.Schema, single bool) ([]float64, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	var f frame.Frame
	f.Reset(s.NumFeatures())
	for range benchRows {
		row := f.Append()
		for c := range row {
			row[c] = draw(s, c, rng)
		}
	}
	for c := range s.NumFeatures() {
		if s.Feature(c).Rules == "" {
			continue // the range is the whole rule
		}
		pool := accepted(s, c, f.Values)
		if len(pool) == 0 {
			return nil, fmt.Errorf("no value is found that the rules %q of the feature %q accept: give rows with --rows, or the feature an example",
				s.Feature(c).Rules, s.Feature(c).Name)
		}
		for r := range f.Rows {
			f.Row(r)[c] = pick(pool, rng)
		}
	}
	s.Clean(&f, single)
	if len(f.Faults) > 0 {
		return nil, fmt.Errorf("no rows can be made: %s: give some with --rows", f.Faults[0].Message)
	}
	return f.Values, nil
}

// draw makes a value of a feature: uniform in its range where that is finite,
// else around its one end, else around 0. The largest number is no end: it only
// keeps infinity out.
func draw(s *schema.Schema, c int, rng *rand.Rand) float64 {
	feature := s.Feature(c)
	lo, hi := s.Range(c)
	low, high := lo > -math.MaxFloat64, hi < math.MaxFloat64
	var x float64
	switch {
	case feature.Type == schema.Category || feature.Type == schema.Boolean:
		return float64(rng.IntN(int(hi) + 1))
	case low && high:
		u := rng.Float64()
		x = min(max(float64(lo*(1-u))+float64(hi*u), lo), hi) // hi-lo may be infinite
	case low:
		x = lo + rng.ExpFloat64()
	case high:
		x = hi - rng.ExpFloat64()
	default:
		x = rng.NormFloat64()
	}
	if feature.Type == schema.Integer {
		x = math.Max(math.Ceil(lo), math.Floor(x))
	}
	return x
}

// accepted are the values that a feature's whole rule accepts, of those in its
// column and those that the schema names: in rules, example and default.
func accepted(s *schema.Schema, c int, values []float64) (pool []float64) {
	feature := s.Feature(c)
	candidates := namedNumbers(feature)
	for at := c; at < len(values); at += s.NumFeatures() {
		candidates = append(candidates, values[at])
	}
	// Alone in a schema the column has rows of its own.
	alone, err := schema.New(schema.Document{Features: []schema.Feature{*feature}})
	if err != nil {
		return nil // it is part of a schema, so there is none
	}
	var f frame.Frame
	f.Reset(1)
	for _, x := range candidates {
		f.Append()[0] = x
	}
	alone.Validate(&f)
	for r, bad := range f.Bad {
		if !bad {
			pool = append(pool, candidates[r])
		}
	}
	return pool
}

// namedNumbers are the numbers that stand in a feature's rules, as those of
// oneof do, its example and its default.
func namedNumbers(f *schema.Feature) (numbers []float64) {
	for _, text := range strings.FieldsFunc(f.Rules, func(r rune) bool { return !strings.ContainsRune("0123456789.+-eE", r) }) {
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			numbers = append(numbers, x)
		}
	}
	for _, v := range []any{f.Example, f.Default} {
		if x, ok := v.(float64); ok {
			numbers = append(numbers, x)
		}
	}
	return numbers
}

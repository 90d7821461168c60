package ir_test

import (
	"math"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// goesLeft evaluates one row of a model whose first tree is a stump.
func goesLeft(t *testing.T, m *ir.Model, x float64) bool {
	t.Helper()
	if err := ir.Check(m); err != nil {
		t.Fatal(err)
	}
	margin, values := []float64{0}, []float64{0}
	m.Eval([]float64{x}, margin, values)
	return margin[0] == 10
}

// TestCodes: which code a number is, by each rule.
func TestCodes(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		x                        float64
		cast, nonNegative, exact int32
	}{
		{0, 0, 0, 0},
		{math.Copysign(0, -1), 0, 0, 0},
		{1, 1, 1, 1},
		{0.5, 0, 0, none},
		{1.999, 1, 1, none},
		{-0.5, 0, none, none},
		{math.Nextafter(-1, 0), 0, none, none},
		{-1, none, none, none},
		{-1e300, none, none, none},
		{math.SmallestNonzeroFloat64, 0, 0, none},
		{-math.SmallestNonzeroFloat64, 0, none, none},
		{1<<24 - 1, 1<<24 - 1, 1<<24 - 1, 1<<24 - 1},
		{1<<24 - 0.5, 1<<24 - 1, 1<<24 - 1, none},
		{1 << 24, 1 << 24, none, 1 << 24},
		{1<<31 - 1, 1<<31 - 1, none, 1<<31 - 1},
		{1<<31 - 0.5, 1<<31 - 1, none, none},
		{1 << 31, none, none, none},
		{1 << 32, none, none, none},
		{1 << 63, none, none, none},
		{math.Inf(1), none, none, none},
		{math.Inf(-1), none, none, none},
		{math.NaN(), none, none, none},
	} {
		for rule, want := range []int32{ir.CodeCast: c.cast, ir.CodeNonNegative: c.nonNegative, ir.CodeExact: c.exact} {
			got, ok := ir.CodeRule(rule).Code(c.x)
			if !ok {
				got = none
			}
			if got != want || !ok && want != none {
				t.Errorf("rule %d: the code of %v is %d, want %d", rule, c.x, got, want)
			}
		}
	}
}

// TestEvalSets: members go left, all else right, NaN by its kind of missing.
func TestEvalSets(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name        string
		set         []int32
		codes       ir.CodeRule
		missing     ir.Missing
		missingLeft bool
		band        bool
		x           float64
		left        bool
	}{
		{"member", []int32{0, 5}, ir.CodeCast, ir.MissingNaN, false, false, 5, true},
		{"no member", []int32{0, 5}, ir.CodeCast, ir.MissingNaN, true, false, 4, false},
		{"beyond all members", []int32{0, 5}, ir.CodeCast, ir.MissingNaN, true, false, 6, false},
		{"truncated to a member", []int32{0, 5}, ir.CodeCast, ir.MissingNaN, true, false, 5.9, true},
		{"no code", []int32{0, 5}, ir.CodeExact, ir.MissingNaN, true, false, 5.9, false},
		{"largest code", []int32{math.MaxInt32}, ir.CodeCast, ir.MissingNaN, false, false, 1<<31 - 1, true},
		{"empty set", nil, ir.CodeCast, ir.MissingNaN, false, false, 0, false},
		{"missing left", nil, ir.CodeCast, ir.MissingNaN, true, false, nan, true},
		{"missing right", []int32{0}, ir.CodeCast, ir.MissingNaN, false, false, nan, false},
		{"NaN is 0, a member", []int32{0}, ir.CodeCast, ir.MissingNone, false, false, nan, true},
		{"NaN is 0, no member", []int32{1}, ir.CodeCast, ir.MissingNone, true, false, nan, false},
		{"0 is missing, left", []int32{1}, ir.CodeCast, ir.MissingZero, true, false, 0, true},
		{"0 is missing, right", []int32{0}, ir.CodeCast, ir.MissingZero, false, false, 0, false},
		{"tiny is missing", []int32{0}, ir.CodeCast, ir.MissingZero, false, false, -ir.ZeroBand, false},
		{"tiny is no code", []int32{0}, ir.CodeExact, ir.MissingNaN, false, false, 1e-36, false},
		{"tiny is 0", []int32{0}, ir.CodeExact, ir.MissingNaN, false, true, 1e-36, true},
		{"tiny and negative is 0", []int32{0}, ir.CodeNonNegative, ir.MissingNaN, false, true, -1e-36, true},
		{"tiny and negative is no code", []int32{0}, ir.CodeNonNegative, ir.MissingNaN, false, false, -1e-36, false},
	} {
		m := stump(ir.In, nan, c.missingLeft)
		m.Codes, m.ZeroBand = c.codes, c.band
		m.Trees[0].Sets = [][]int32{c.set}
		m.Trees[0].Nodes[0].Value, m.Trees[0].Nodes[0].Missing = 0, c.missing
		if got := goesLeft(t, m, c.x); got != c.left {
			t.Errorf("%s: left %v, want %v", c.name, got, c.left)
		}
	}
}

// TestEvalMissing: kinds of missing and the zero band against thresholds.
func TestEvalMissing(t *testing.T) {
	nan := math.NaN()
	above := math.Nextafter(ir.ZeroBand, 1)
	for _, c := range []struct {
		name        string
		op          ir.Op
		threshold   float64
		missing     ir.Missing
		missingLeft bool
		band        bool
		x           float64
		left        bool
	}{
		{"NaN is 0, below", ir.LE, 0, ir.MissingNone, false, false, nan, true},
		{"NaN is 0, not below", ir.LT, 0, ir.MissingNone, true, false, nan, false},
		{"0 is missing", ir.LE, -1, ir.MissingZero, true, false, 0, true},
		{"-0 is missing", ir.LE, 1, ir.MissingZero, false, false, math.Copysign(0, -1), false},
		{"NaN is missing too", ir.LE, -1, ir.MissingZero, true, false, nan, true},
		{"edge of the band", ir.LE, -1, ir.MissingZero, true, false, ir.ZeroBand, true},
		{"lower edge of the band", ir.LE, 1, ir.MissingZero, false, false, -ir.ZeroBand, false},
		{"outside the band", ir.LE, -1, ir.MissingZero, true, false, above, false},
		{"a denormal is missing", ir.LE, -1, ir.MissingZero, true, false, math.SmallestNonzeroFloat64, true},
		{"a denormal is above 0", ir.LE, 0, ir.MissingNaN, false, false, math.SmallestNonzeroFloat64, false},
		{"a denormal is 0", ir.LE, 0, ir.MissingNaN, false, true, math.SmallestNonzeroFloat64, true},
		{"the edge is 0", ir.LE, 0, ir.MissingNaN, false, true, ir.ZeroBand, true},
		{"beyond the edge is not 0", ir.LE, 0, ir.MissingNaN, false, true, above, false},
		{"the lower edge is 0", ir.LE, -ir.ZeroBand, ir.MissingNaN, false, true, -ir.ZeroBand, false},
		{"0 is missing in the band", ir.LE, -1, ir.MissingZero, true, true, 1e-36, true},
	} {
		m := stump(c.op, c.threshold, c.missingLeft)
		m.Trees[0].Nodes[0].Missing, m.ZeroBand = c.missing, c.band
		if got := goesLeft(t, m, c.x); got != c.left {
			t.Errorf("%s: left %v, want %v", c.name, got, c.left)
		}
	}
}

// TestEvalRecode: a value is its place, or missing.
func TestEvalRecode(t *testing.T) {
	m := stump(ir.LE, 1, true)
	m.Recode = [][]float64{{30, 0, 20, math.Inf(1)}}
	for x, left := range map[float64]bool{30: true, 0: true, 20: false, math.Inf(1): false, 1: true, 25: true} {
		if got := goesLeft(t, m, x); got != left {
			t.Errorf("%v: left %v, want %v", x, got, left)
		}
	}
	m.Trees[0].Nodes[0].MissingLeft = false
	for x, left := range map[float64]bool{30: true, math.Copysign(0, -1): true, 1: false, 25: false, math.NaN(): false} {
		if got := goesLeft(t, m, x); got != left {
			t.Errorf("%v, missing right: left %v, want %v", x, got, left)
		}
	}
}

// TestEvalLinear: terms in order, no fused step, the leaf's value where a
// feature is missing.
func TestEvalLinear(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	a := 1 + 0x1p-30 // a·a has more bits than a float64, and a·a - 1 shows them
	third := float64(float32(1) / 3)
	leaf := func(constant float64, coeffs ...float64) ir.Linear {
		return ir.Linear{Const: constant, Features: []int32{0, 1, 1}[:len(coeffs)], Coeffs: coeffs}
	}
	for _, c := range []struct {
		name string
		sum  ir.Precision
		leaf ir.Linear
		row  []float64
		want float64
	}{
		{"no terms", ir.Float64, leaf(4), []float64{nan, nan}, 4},
		{"two terms", ir.Float64, leaf(4, 2, 3), []float64{10, 100}, 324},
		{"a feature twice", ir.Float64, leaf(0, 1, 1, 1), []float64{1, 2}, 5},
		{"the constant first", ir.Float64, leaf(1e16, 1, 1), []float64{1, 1}, 1e16},
		{"not fused", ir.Float64, leaf(-(1 + 0x1p-29), a), []float64{a, 0}, 0},
		{"missing", ir.Float64, leaf(4, 2, 3), []float64{1, nan}, 7},
		{"missing beside infinity", ir.Float64, leaf(4, 2, 3), []float64{inf, nan}, 7},
		{"infinite", ir.Float64, leaf(4, 2, 3), []float64{inf, 1}, inf},
		{"not a number", ir.Float64, leaf(4, 2, -3), []float64{inf, inf}, nan},
		{"0 times infinity", ir.Float64, leaf(4, 0), []float64{inf, 0}, nan},
		{"tiny is 0", ir.Float64, leaf(0, 1e35), []float64{ir.ZeroBand, 0}, 0},
		{"float32", ir.Float32, leaf(0, 1), []float64{1. / 3, 0}, third},
		{"float32 products", ir.Float32, leaf(-(1 + 0x1p-11), 1+0x1p-12), []float64{1 + 0x1p-12, 0}, 0},
	} {
		m := &ir.Model{
			FeatureNames: []string{"x", "y"}, Outputs: 1, LeafWidth: 1, Base: []float64{0}, Sum: c.sum, ZeroBand: true,
			Trees: []ir.Tree{{Nodes: []ir.Node{{Feature: ir.Leaf}}, Values: []float64{7}, Linear: []ir.Linear{c.leaf}}},
		}
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		margin, values := []float64{0}, []float64{0}
		m.Eval(c.row, margin, values)
		if math.Float64bits(margin[0]) != math.Float64bits(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, margin[0], c.want)
		}
	}
}

// TestEvalAggregates: the least and the largest, then the base.
func TestEvalAggregates(t *testing.T) {
	zero := math.Copysign(0, -1)
	for _, c := range []struct {
		name   string
		how    ir.Aggregate
		leaves []float64
		base   float64
		want   float64
	}{
		{"least", ir.Min, []float64{3, -1, 2}, 10, 9},
		{"largest", ir.Max, []float64{3, -1, 2}, 10, 13},
		{"largest of negative ones", ir.Max, []float64{-3, -1}, 0, -1},
		{"the first of equals", ir.Min, []float64{zero, 0}, zero, zero},
		{"the first of equals, again", ir.Max, []float64{0, zero}, zero, 0},
		{"none", ir.Min, nil, 10, 10},
	} {
		m := &ir.Model{FeatureNames: []string{"x"}, Outputs: 2, LeafWidth: 1, Base: []float64{c.base, 5}, Aggregate: c.how}
		for _, v := range c.leaves {
			m.Trees = append(m.Trees, constant(0, v))
		}
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		margin, values := make([]float64, 2), make([]float64, 2)
		m.Eval([]float64{0}, margin, values)
		if math.Float64bits(margin[0]) != math.Float64bits(c.want) || margin[1] != 5 {
			t.Errorf("%s: got %v, want %v and the other base, 5", c.name, margin, c.want)
		}
	}
}

// TestSlice takes ranges of five iterations of two trees.
func TestSlice(t *testing.T) {
	whole := func() *ir.Model {
		m := irtest.Forest(irtest.Shape{Trees: 10, Depth: 1, Features: 1})
		m.Iterations, m.BestIteration = []int32{0, 2, 4, 6, 8, 10}, 3
		return m
	}
	for _, c := range []struct {
		name             string
		a, b, average    int
		first, trees     int
		wantAverage, top int
		err              string
	}{
		{"all", 0, 5, 0, 0, 10, 0, 3, ""},
		{"the first", 0, 1, 0, 0, 2, 0, 3, ""},
		{"the best ones", 0, 4, 0, 0, 8, 0, 3, ""},
		{"in the middle", 2, 4, 0, 4, 4, 0, 1, ""},
		{"after the best", 4, 5, 0, 8, 2, 0, -1, ""},
		{"a mean of trees", 1, 4, 10, 2, 6, 6, 2, ""},
		{"a mean of iterations", 1, 4, 5, 2, 6, 3, 2, ""},
		{"none", 2, 2, 0, 0, 0, 0, 0, "iterations 0:5, not 2:2"},
		{"backwards", 3, 2, 0, 0, 0, 0, 0, "not 3:2"},
		{"negative", -1, 2, 0, 0, 0, 0, 0, "not -1:2"},
		{"beyond", 2, 6, 0, 0, 0, 0, 0, "not 2:6"},
	} {
		m := whole()
		m.Average = c.average
		s, err := m.Slice(c.a, c.b)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got error %v, want …%s…", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := ir.Check(s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(s.Trees) != c.trees || &s.Trees[0] != &m.Trees[c.first] || s.Average != c.wantAverage || s.BestIteration != c.top {
			t.Errorf("%s: %d trees, average %d, best %d, want %d, %d, %d", c.name, len(s.Trees), s.Average, s.BestIteration, c.trees, c.wantAverage, c.top)
		}
	}
	m := whole()
	m.Bias = []float64{2}
	for _, c := range []struct{ a, want int }{{0, 1}, {1, 0}} {
		if s, err := m.Slice(c.a, 3); err != nil || len(s.Bias) != c.want {
			t.Errorf("from iteration %d: the bias is %v, error %v", c.a, s.Bias, err)
		}
	}
	m.Iterations = nil
	if _, err := m.Slice(0, 1); err == nil || !strings.Contains(err.Error(), "no boosting iterations") {
		t.Errorf("without iterations: got error %v", err)
	}
	m.Iterations = []int32{0, 99}
	if _, err := m.Slice(0, 1); err == nil {
		t.Error("no error for iterations outside the trees")
	}
}

package ir_test

import (
	"math"
	"testing"

	"example.com/copse/pkg/ir"
)

// stump is one split of one feature: left leaf 10, right leaf 20.
func stump(op ir.Op, threshold float64, missingLeft bool) *ir.Model {
	return &ir.Model{
		FeatureNames: []string{"x"}, Outputs: 1, LeafWidth: 1, Base: []float64{0},
		Trees: []ir.Tree{{
			Nodes: []ir.Node{
				{Left: 1, Right: 2, Threshold: threshold, Op: op, MissingLeft: missingLeft},
				{Feature: ir.Leaf, Value: 0, ID: 7},
				{Feature: ir.Leaf, Value: 1, ID: 9},
			},
			Values: []float64{10, 20},
		}},
	}
}

func TestEvalCompares(t *testing.T) {
	inf, nan, zero := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	below := 0.1 - 0x1p-56 // rounds to the same float32 as 0.1
	for _, c := range []struct {
		name        string
		op          ir.Op
		input       ir.Precision
		threshold   float64
		missingLeft bool
		x           float64
		left        bool
	}{
		{"below", ir.LT, ir.Float64, 1, false, 0.5, true},
		{"equal, less", ir.LT, ir.Float64, 1, false, 1, false},
		{"equal, less or equal", ir.LE, ir.Float64, 1, false, 1, true},
		{"above", ir.LE, ir.Float64, 1, false, 2, false},
		{"-0 is not less than 0", ir.LT, ir.Float64, 0, false, zero, false},
		{"0 is at most -0", ir.LE, ir.Float64, zero, false, 0, true},
		{"missing left", ir.LT, ir.Float64, 1, true, nan, true},
		{"missing right", ir.LT, ir.Float64, 1, false, nan, false},
		{"missing against infinity", ir.LE, ir.Float64, inf, false, nan, false},
		{"all at most infinity", ir.LE, ir.Float64, inf, false, inf, true},
		{"none below -infinity", ir.LT, ir.Float64, -inf, false, -inf, false},
		{"float64 tells them apart", ir.LT, ir.Float64, 0.1, false, below, true},
		{"float32 rounds up over the threshold", ir.LT, ir.Float32, 0.1, false, below, false},
		{"too large for float32 is infinite", ir.LE, ir.Float32, math.MaxFloat32, false, 1e39, false},
	} {
		m := stump(c.op, c.threshold, c.missingLeft)
		m.Input = c.input
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		margin, values, leaf := []float64{0}, []float64{0}, []int32{0}
		m.Eval([]float64{c.x}, margin, values)
		m.EvalLeaf([]float64{c.x}, leaf)
		want, wantLeaf := 20.0, int32(9)
		if c.left {
			want, wantLeaf = 10, 7
		}
		if margin[0] != want || values[0] != want || leaf[0] != wantLeaf {
			t.Errorf("%s: margin %v, value %v, leaf %d, want %v and %d", c.name, margin, values, leaf[0], want, wantLeaf)
		}
	}
}

// constant is a tree of one leaf.
func constant(group int, values ...float64) ir.Tree {
	return ir.Tree{Group: group, Nodes: []ir.Node{{Feature: ir.Leaf}}, Values: values}
}

func TestEvalSums(t *testing.T) {
	third := float64(float32(1) / float32(3))
	for _, c := range []struct {
		name         string
		model        ir.Model
		margin, want []float64
	}{
		{
			"float64 in tree order",
			ir.Model{Outputs: 1, LeafWidth: 1, Base: []float64{1e16}, Trees: []ir.Tree{constant(0, 1), constant(0, 1), constant(0, -1e16)}},
			[]float64{0}, []float64{0}, // 1e16 + 1 is 1e16: adding the ones first would give 2
		},
		{
			"float32 rounds each step",
			ir.Model{Outputs: 1, LeafWidth: 1, Sum: ir.Float32, Base: []float64{1 << 24}, Trees: []ir.Tree{constant(0, 1), constant(0, 1)}},
			[]float64{1 << 24}, []float64{1 << 24},
		},
		{
			"float32 rounds base and leaves",
			ir.Model{Outputs: 1, LeafWidth: 1, Sum: ir.Float32, Base: []float64{0.1}, Trees: []ir.Tree{constant(0, 0.1)}},
			[]float64{float64(float32(0.1) + float32(0.1))}, []float64{float64(float32(0.1) + float32(0.1))},
		},
		{
			"groups",
			ir.Model{Outputs: 2, LeafWidth: 1, Base: []float64{1, 2}, Trees: []ir.Tree{constant(1, 10), constant(0, 20), constant(1, 30)}},
			[]float64{21, 42}, []float64{21, 42},
		},
		{
			"vectors ignore the group",
			ir.Model{Outputs: 2, LeafWidth: 2, Base: []float64{0, 0}, Trees: []ir.Tree{constant(1, 1, 0), constant(0, 1, 0), constant(0, 0, 1)}},
			[]float64{2, 1}, []float64{2, 1},
		},
		{
			"shares",
			ir.Model{Outputs: 2, LeafWidth: 2, Base: []float64{0, 0}, Finish: ir.Finish{Average: 3}, Trees: []ir.Tree{constant(0, 1, 0), constant(0, 1, 0), constant(0, 0, 1)}},
			[]float64{2, 1}, []float64{2. / 3, 1. / 3},
		},
		{
			"shares in float32",
			ir.Model{Outputs: 2, LeafWidth: 2, Sum: ir.Float32, Base: []float64{0, 0}, Finish: ir.Finish{Average: 3}, Trees: []ir.Tree{constant(0, 1, 0), constant(0, 0, 0), constant(0, 0, 0)}},
			[]float64{1, 0}, []float64{third, 0},
		},
		{
			"no trees",
			ir.Model{Outputs: 1, LeafWidth: 1, Base: []float64{0.5}},
			[]float64{0.5}, []float64{0.5},
		},
	} {
		c.model.FeatureNames = []string{"x"}
		if err := ir.Check(&c.model); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		margin, values := make([]float64, c.model.Outputs), make([]float64, c.model.Outputs)
		c.model.Eval([]float64{0}, margin, values)
		for o := range c.want {
			if margin[o] != c.margin[o] || values[o] != c.want[o] {
				t.Errorf("%s: margin %v, values %v, want %v and %v", c.name, margin, values, c.margin, c.want)
				break
			}
		}
	}
}

// TestApplyManyRows: the link works on the values of any number of rows.
func TestApplyManyRows(t *testing.T) {
	got := []float64{1, 2, 3, 4}
	(&ir.Finish{Average: 4}).Values(got, 2, ir.Float64)
	want := []float64{0.25, 0.5, 0.75, 1}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	(&ir.Finish{}).Values(got, 2, ir.Float64)
	if got[3] != 1 {
		t.Errorf("the identity changed %v", got)
	}
}

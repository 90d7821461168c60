package irtest_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

func TestForest(t *testing.T) {
	for _, c := range []struct {
		shape                  irtest.Shape
		trees, nodes, features int
	}{
		{irtest.Shape{}, 100, 127, 30},
		{irtest.Shape{Trees: 3, Depth: 2, Features: 4, Precision: ir.Float32, Missing: true}, 3, 7, 4},
		{irtest.Shape{Trees: 2, Leaves: 31, Features: 5, Outputs: 3, Votes: true}, 2, 61, 5},
		{irtest.Shape{Trees: 3, Depth: 3, Features: 20, Categories: 9, Linear: 2, Kind: ir.MissingZero, ZeroBand: true}, 3, 15, 20},
		{irtest.Shape{Trees: -1}, 0, 0, 30},
	} {
		m := irtest.Forest(c.shape)
		if err := ir.Check(m); err != nil {
			t.Errorf("%+v: %v", c.shape, err)
		}
		if len(m.Trees) != c.trees || len(m.FeatureNames) != c.features {
			t.Errorf("%+v: %d trees and %d features, want %d and %d", c.shape, len(m.Trees), len(m.FeatureNames), c.trees, c.features)
		}
		if c.trees > 0 && len(m.Trees[0].Nodes) != c.nodes {
			t.Errorf("%+v: %d nodes a tree, want %d", c.shape, len(m.Trees[0].Nodes), c.nodes)
		}
		if !reflect.DeepEqual(m, irtest.Forest(c.shape)) {
			t.Errorf("%+v: another model the second time", c.shape)
		}
	}
	if reflect.DeepEqual(irtest.Forest(irtest.Shape{}), irtest.Forest(irtest.Shape{Seed: 1})) {
		t.Error("the seed makes no difference")
	}
}

// TestRowsSpread: rows reach most leaves, so that benchmarks of a forest do
// not walk one way only.
func TestRowsSpread(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Trees: 1})
	rows, seen, leaf := irtest.Rows(m, 2000, 1), make(map[int32]bool), make([]int32, 1)
	for ; len(rows) > 0; rows = rows[30:] {
		m.EvalLeaf(rows[:30], leaf)
		seen[leaf[0]] = true
	}
	if len(seen) < 40 {
		t.Errorf("2,000 rows reach %d of 64 leaves", len(seen))
	}
}

// TestShare: a tenth of the splits are sets, and rows have codes of them.
func TestShare(t *testing.T) {
	m := irtest.Forest(irtest.Shape{Categories: 12})
	splits, sets := 0, 0
	for i := range m.Trees {
		for _, n := range m.Trees[i].Nodes {
			if n.Feature == ir.Leaf {
				continue
			}
			splits++
			if n.Op == ir.In {
				sets++
			}
		}
	}
	if share := float64(sets) / float64(splits); share < 0.08 || share > 0.12 {
		t.Errorf("%d of %d splits are sets", sets, splits)
	}
	rows := irtest.Rows(m, 200, 1)
	for i := 0; i < len(rows); i += 10 {
		if x := rows[i]; x != float64(int(x)) || x < 0 || x > 11 {
			t.Fatalf("row %d, feature %d: %v is no code", i/30, i%30, x)
		}
	}
}

// TestWildHasAll: every kind of thing is in some model.
func TestWildHasAll(t *testing.T) {
	seen := make(map[string]int)
	count := func(what string, is bool) {
		if is {
			seen[what]++
		}
	}
	for seed := range uint64(300) {
		m := irtest.Wild(rand.New(rand.NewPCG(seed, 0)))
		count("recode", len(m.Recode) > 0)
		count("zero band", m.ZeroBand)
		count("least", m.Aggregate == ir.Min)
		count("largest", m.Aggregate == ir.Max)
		count("exact codes", m.Codes == ir.CodeExact)
		count("iterations", len(m.Iterations) > 2)
		count("bias", len(m.Bias) > 0)
		for i := range m.Trees {
			count("linear", m.Trees[i].Linear != nil)
			for _, n := range m.Trees[i].Nodes {
				count("set", n.Op == ir.In)
				count("NaN is 0", n.Missing == ir.MissingNone)
				count("0 is missing", n.Missing == ir.MissingZero)
			}
		}
	}
	for _, what := range []string{"recode", "zero band", "least", "largest", "exact codes", "iterations", "bias", "linear", "set", "NaN is 0", "0 is missing"} {
		if seen[what] < 5 {
			t.Errorf("%s: %d times in 300 models", what, seen[what])
		}
	}
}

func TestWildIsSound(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 0))
		m := irtest.Wild(rng)
		if err := ir.Check(m); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if got, want := len(irtest.WildRows(rng, m, 3)), 3*len(m.FeatureNames); got != want {
			t.Errorf("seed %d: %d values in three rows, want %d", seed, got, want)
		}
	}
}

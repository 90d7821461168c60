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

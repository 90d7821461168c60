package local

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Every start scores the rows with expected answers, so they have to be few: as
// many as take some tens of microseconds at nsTree nanoseconds a tree, twice
// where a model comes with rows of its own.
const (
	selfTestTime  = 30_000
	nsTree        = 8
	selfTestLeast = 4
	selfTestMost  = 64
)

func selfTestCount(m *ir.Model) int {
	return min(max(selfTestTime/(nsTree*max(1, len(m.Trees))), selfTestLeast), selfTestMost)
}

// selfTestRows are the rows that came with the model, and rows at its edges:
// each value is a threshold of its feature, or the next number below or above
// it, where `<` and `<=` part; or a code in one of its sets, or a number that
// is in none. One in sixteen is missing where the model takes that. The same
// model gives the same rows.
func selfTestRows(m *format.Model) []float64 {
	features := m.IR.FeatureNames
	count := selfTestCount(m.IR)
	rows := slices.Clone(m.Rows[:min(len(m.Rows), count*len(features))])
	cuts := edges(m.IR)
	rng := rand.New(rand.NewPCG(1, 2))
	for range count {
		for i := range features {
			rows = append(rows, edge(cuts[i], m, i, rng))
		}
	}
	return rows
}

// edge is a value of a feature at one of its edges, or any where it has none.
func edge(cuts []float64, m *format.Model, feature int, rng *rand.Rand) float64 {
	f := &m.Schema.Features[feature]
	missing := rng.IntN(16) == 0 && (m.IR.Program == nil || f.Missing == schema.Allow)
	var x float64
	switch {
	case missing:
		return math.NaN()
	case len(m.IR.Recode) > 0 && len(m.IR.Recode[feature]) > 0:
		return pick(m.IR.Recode[feature], rng)
	case f.Type == schema.Category:
		return float64(rng.IntN(max(1, len(f.Categories))))
	case len(cuts) == 0:
		x = rng.NormFloat64()
	default:
		x = pick(cuts, rng)
	}
	towards := []float64{x, math.Inf(-1), math.Inf(1)}[rng.IntN(3)]
	if m.IR.Input == ir.Float32 {
		return float64(math.Nextafter32(float32(x), float32(towards)))
	}
	return math.Nextafter(x, towards)
}

func pick(from []float64, rng *rand.Rand) float64 { return from[rng.IntN(len(from))] }

// edges are the distinct thresholds of each feature, and codes of its sets, in
// order.
func edges(m *ir.Model) [][]float64 {
	cuts := make([][]float64, len(m.FeatureNames))
	for i := range m.Trees {
		t := &m.Trees[i]
		for _, n := range t.Nodes {
			switch {
			case n.Feature < 0 || int(n.Feature) >= len(cuts): // a leaf, or a node that no row reaches
			case n.Op == ir.In && (n.Value < 0 || int(n.Value) >= len(t.Sets)):
			case n.Op == ir.In:
				for _, code := range t.Sets[n.Value] {
					cuts[n.Feature] = append(cuts[n.Feature], float64(code), float64(code)+1)
				}
			case !math.IsNaN(n.Threshold):
				cuts[n.Feature] = append(cuts[n.Feature], n.Threshold)
			}
		}
	}
	for f := range cuts {
		slices.Sort(cuts[f])
		cuts[f] = slices.Compact(cuts[f])
	}
	return cuts
}

package local

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/copse/pkg/ir"
)

// selfTestCount is the number of rows with expected answers in a bundle: every
// start scores them, so they have to be few.
const selfTestCount = 64

// selfTestRows are rows at the edges of the model: each value is a threshold
// of its feature, or the next number below or above it, where `<` and `<=`
// part; one in sixteen is missing. The same model gives the same rows.
func selfTestRows(m *ir.Model) []float64 {
	cuts := thresholds(m)
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]float64, 0, selfTestCount*len(cuts))
	for range selfTestCount {
		for _, c := range cuts {
			rows = append(rows, edge(c, m.Input, rng))
		}
	}
	return rows
}

// edge is a value at one of the thresholds, as the model's precision has it.
func edge(cuts []float64, p ir.Precision, rng *rand.Rand) float64 {
	if rng.IntN(16) == 0 {
		return math.NaN()
	}
	if len(cuts) == 0 {
		return 0
	}
	x := cuts[rng.IntN(len(cuts))]
	towards := []float64{x, math.Inf(-1), math.Inf(1)}[rng.IntN(3)]
	if p == ir.Float32 {
		return float64(math.Nextafter32(float32(x), float32(towards)))
	}
	return math.Nextafter(x, towards)
}

// thresholds are the distinct ones of each feature, in order.
func thresholds(m *ir.Model) [][]float64 {
	cuts := make([][]float64, len(m.FeatureNames))
	for i := range m.Trees {
		for _, n := range m.Trees[i].Nodes {
			if n.Feature != ir.Leaf {
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

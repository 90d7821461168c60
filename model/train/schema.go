package main

import (
	"math"
	"slices"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// labels in the order of the model's outputs.
var labels = []string{"setosa", "versicolor", "virginica"}

// Bounds of every measurement. No wild iris has sepals or petals of 10 cm or
// more, and none was measured finer than a millimetre, so a value beyond is a
// wrong unit or a slip: 51 is millimetres, not a flower.
const bounds = "gte=0.1,lte=10"

// irisSchema is what callers are told about the model. The example is the
// table's first plant.
func irisSchema(t *table) schema.Document {
	about := map[string]string{
		"sepal_length": "Length of a sepal, one of the three outer, drooping leaves of the flower",
		"sepal_width":  "Width of a sepal at its widest",
		"petal_length": "Length of a petal, one of the three inner, upright leaves of the flower",
		"petal_width":  "Width of a petal at its widest",
	}
	doc := schema.Document{
		Name:  modelName,
		Title: "Iris species",
		Description: "Tells which of three species of iris a flower belongs to, from four measurements in centimetres: " +
			"Iris setosa, Iris versicolor or Iris virginica. Other species are answered as one of these.",
		Labels: labels,
		Target: "species",
	}
	for i, name := range t.names {
		doc.Features = append(doc.Features, schema.Feature{
			Name: name, Type: schema.Number, Unit: "cm", Description: about[name],
			Example: t.rows[0][i], Rules: bounds, Missing: schema.Refuse,
		})
	}
	return doc
}

// perFeature bounds the thresholds of a feature that the self-test visits.
const perFeature = 4

// selfTest are the rows whose answers a bundle is checked with at every cold
// start: the example, and for some thresholds of each feature the threshold
// itself and the float64 just below it, where `<` and `<=` part.
func selfTest(m *ir.Model, doc schema.Document) []float64 {
	example := make([]float64, len(doc.Features))
	for i := range doc.Features {
		example[i], _ = doc.Features[i].Example.(float64)
	}
	rows := slices.Clone(example)
	for f, cuts := range thresholds(m) {
		step := max(1, len(cuts)/perFeature)
		for i := 0; i < len(cuts); i += step {
			for _, x := range []float64{cuts[i], math.Nextafter(cuts[i], math.Inf(-1))} {
				at := len(rows)
				rows = append(rows, example...)
				rows[at+f] = x
			}
		}
	}
	return rows
}

// thresholds are the distinct ones of each feature, in order.
func thresholds(m *ir.Model) [][]float64 {
	cuts := make([][]float64, len(m.FeatureNames))
	for _, t := range m.Trees {
		for _, n := range t.Nodes {
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

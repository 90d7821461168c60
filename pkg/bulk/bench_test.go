package bulk

import (
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// wideForest is 100 complete trees of depth 6 on 30 features, binary, as
// XGBoost computes.
func wideForest(b *testing.B) *predict.Model {
	b.Helper()
	m := irtest.Forest(irtest.Shape{Trees: 100, Depth: 6, Features: 30, Precision: ir.Float32, Seed: 1})
	doc := schema.Document{Name: "wide"}
	for _, name := range m.FeatureNames {
		doc.Features = append(doc.Features, schema.Feature{Name: name, Missing: schema.Allow})
	}
	data, err := predict.Compile(m, doc, predict.Info{Name: "wide"}, irtest.Rows(m, 16, 1))
	if err != nil {
		b.Fatal(err)
	}
	model, err := predict.Open("", data, predict.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return model
}

// wideRows are so many lines of CSV of 30 columns, normally distributed, with
// four digits behind the point.
func wideRows(m *predict.Model, n int) string {
	rng := rand.New(rand.NewPCG(1, 30))
	var out strings.Builder
	for c := range m.Schema().NumFeatures() {
		out.WriteString(m.Schema().Feature(c).Name + ",")
	}
	text := []byte(strings.TrimSuffix(out.String(), ",") + "\n")
	for range n {
		for range m.Schema().NumFeatures() {
			text = append(strconv.AppendFloat(text, rng.NormFloat64(), 'f', 4, 64), ',')
		}
		text[len(text)-1] = '\n'
	}
	return string(text)
}

// BenchmarkObject is from the bytes of an object in memory to the bytes of its
// result, on as many cores as -cpu says.
func BenchmarkObject(b *testing.B) {
	m := wideForest(b)
	text := wideRows(m, 50_000)
	for name, form := range map[string]Form{"csv": CSV, "jsonl": JSONL} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			o := Options{Model: m}
			for b.Loop() {
				if _, err := Score(b.Context(), bytesOf("rows.csv", text), NewOutput(m, o.Kind, form, io.Discard), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

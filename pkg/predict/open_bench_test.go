package predict

import (
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// BenchmarkOpen is what a cold start pays for a model: checksums, every index,
// a self-test of four rows.
func BenchmarkOpen(b *testing.B) {
	for _, s := range []struct {
		name string
		irtest.Shape
	}{
		{"160x31leaves", irtest.Shape{Trees: 160, Leaves: 31, Features: 50, Precision: ir.Float32}},
		{"830x31leaves", irtest.Shape{Trees: 830, Leaves: 31, Features: 50, Precision: ir.Float32}},
		{"500x8", irtest.Shape{Trees: 500, Depth: 8, Features: 100, Precision: ir.Float32}},
	} {
		m := irtest.Forest(s.Shape)
		data, err := Compile(m, document(m), Info{Name: "m"}, irtest.Rows(m, 4, 7))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Open("m", data, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data))/1e6, "file-MB")
		})
	}
}

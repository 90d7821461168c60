package predict

import (
	"fmt"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// BenchmarkOpen is what a cold start pays for a model: checksums, every index,
// a self-test of four rows. Sizes are those of the file.
func BenchmarkOpen(b *testing.B) {
	for _, s := range []irtest.Shape{
		{Trees: 160, Leaves: 31, Features: 50, Precision: ir.Float32},
		{Trees: 830, Leaves: 31, Features: 50, Precision: ir.Float32},
		{Trees: 500, Depth: 8, Features: 100, Precision: ir.Float32},
	} {
		m := irtest.Forest(s)
		data, err := Compile(m, document(m), Info{Name: "m"}, irtest.Rows(m, 4, 7))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%.2fMB", float64(len(data))/1e6), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Open("m", data, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

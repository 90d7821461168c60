package xgboost

import (
	"bufio"
	"testing"
)

// BenchmarkRead reads a model of 200 trees of depth 8 from memory; the target
// is 100 MB/s of JSON and 200 MB/s of UBJSON on one core.
func BenchmarkRead(b *testing.B) {
	m := makeModel(200, 8, 50)
	for name, data := range map[string][]byte{"JSON": asJSON(m), "UBJSON": asUBJSON(m)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Read(bufio.NewReaderSize(reader(data), 64<<10)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

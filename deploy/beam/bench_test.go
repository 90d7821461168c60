package copsebeam

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// Of benchmarks: rows of a file, and what a range has in bytes.
const (
	benchRows  = 500_000
	benchRange = 16 << 20
)

// wide is 100 complete trees of depth 6 on 30 features, in a bundle.
func wide(b *testing.B) string {
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
	path := filepath.Join(b.TempDir(), "wide.copse")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}

// wideRows writes rows of CSV: normally distributed, four digits behind the
// point.
func wideRows(b *testing.B, n int) (path string, size int64) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "rows.csv")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	var line []byte
	for i := range 30 {
		line = append(strconv.AppendInt(append(line, 'f'), int64(i), 10), ',')
	}
	rng := rand.New(rand.NewPCG(1, 30))
	for range n + 1 {
		line[len(line)-1] = '\n'
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
		line = line[:0]
		for range 30 {
			line = append(strconv.AppendFloat(line, rng.NormFloat64(), 'f', 4, 64), ',')
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return path, info.Size()
}

// BenchmarkFile is one large file of CSV on this machine's disk, to JSONL on
// it: by the command, and by WriteFiles on prism, in one range and in many.
func BenchmarkFile(b *testing.B) {
	model := wide(b)
	path, size := wideRows(b, benchRows)
	out := b.TempDir()
	b.Run("copse-score", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			c := exec.Command(copse, "score", "--model", model, "-o", filepath.Join(out, "whole.jsonl"), path)
			if text, err := c.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, text)
			}
		}
		perSecond(b, benchRows)
	})
	for _, of := range []int64{size, benchRange} {
		b.Run(fmt.Sprintf("prism-ranges-%d", (size+of-1)/of), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				m, err := OpenModel(context.Background(), model)
				if err != nil {
					b.Fatal(err)
				}
				p, s := beam.NewPipelineWithRoot()
				if _, err := WriteFiles(s, m, beam.Create(s, path), WriteOptions{Out: out, Format: "jsonl", Range: of}); err != nil {
					b.Fatal(err)
				}
				if _, err := beam.Run(context.Background(), "prism", p); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, benchRows)
		})
	}
}

// BenchmarkRows is rows that are in the pipeline already: JSON in, JSON out,
// with what prism takes to hand them over.
func BenchmarkRows(b *testing.B) {
	rows := irisRows(100_000)
	for i, row := range rows {
		rows[i] = strconv.Itoa(i) + " " + row
	}
	m, err := OpenModel(context.Background(), "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, s := beam.NewPipelineWithRoot()
		keyed := beam.ParDo(s, keyByText, beam.CreateList(s, rows))
		beam.ParDo0(s, discard, KeyedRows(s, m, keyed, RowOptions{}))
		if _, err := beam.Run(context.Background(), "prism", p); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, len(rows))
}

func discard(string, []byte) {}

func perSecond(b *testing.B, rows int) {
	b.Helper()
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

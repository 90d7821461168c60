package engine

import (
	"fmt"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// benchRows is how many different rows the benchmarks go round.
const benchRows = 4096

var shapes = []struct {
	name string
	irtest.Shape
}{
	{"float32", irtest.Shape{Precision: ir.Float32}},
	{"float32-missing", irtest.Shape{Precision: ir.Float32, Missing: true}},
	{"float64", irtest.Shape{Precision: ir.Float64, Op: ir.LE}},
	{"float64-missing", irtest.Shape{Precision: ir.Float64, Missing: true}},
	{"iris50", irtest.Shape{Trees: 50, Depth: 4, Features: 4, Outputs: 3, Votes: true}},
	{"iris100", irtest.Shape{Trees: 100, Depth: 5, Features: 4, Outputs: 3, Votes: true}},
	{"1000x31leaves", irtest.Shape{Trees: 1000, Leaves: 31, Features: 50, Op: ir.LE}},
	{"100x2540leaves", irtest.Shape{Trees: 100, Leaves: 2540, Features: 20, Precision: ir.Float32}},
	{"500x8", irtest.Shape{Trees: 500, Depth: 8, Features: 100, Precision: ir.Float32}},
}

// BenchmarkScore scores batches on one goroutine; reference is the control of
// the same run, ir.Model.Eval row by row.
func BenchmarkScore(b *testing.B) {
	for _, s := range shapes {
		m := irtest.Forest(s.Shape)
		rows := irtest.Rows(m, benchRows, 1)
		a, err := Compile(m)
		if err != nil {
			b.Fatal(err)
		}
		e, err := New(*a)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.name+"/reference", func(b *testing.B) {
			margin, values := make([]float64, m.Outputs), make([]float64, m.Outputs)
			measure(b, e, rows, 1, func(block []float64) { m.Eval(block, margin, values) })
		})
		for _, n := range []int{1, 8, 64, 1000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				out := make([]float64, n*m.Outputs)
				scratch := Scratch{Workers: 1}
				measure(b, e, rows, n, func(block []float64) { e.Score(block, n, out, &scratch) })
			})
		}
	}
}

// BenchmarkKinds scores models of the same shape that differ in one thing each:
// "plain" is the control of the same run.
func BenchmarkKinds(b *testing.B) {
	for _, shape := range []struct {
		name string
		irtest.Shape
	}{
		{"100x6", irtest.Shape{}},
		{"500x8", irtest.Shape{Trees: 500, Depth: 8, Features: 100}},
		{"1000x31leaves", irtest.Shape{Trees: 1000, Leaves: 31, Features: 50}},
	} {
		for _, k := range kinds {
			s := shape.Shape
			s.Precision = ir.Float32
			k.change(&s)
			m := irtest.Forest(s)
			rows := irtest.Rows(m, benchRows, 1)
			e := newTwin(b, m).engine
			for _, n := range []int{1, 64, 1000} {
				b.Run(fmt.Sprintf("%s/%d/%s", shape.name, n, k.name), func(b *testing.B) {
					out := make([]float64, n*m.Outputs)
					scratch := Scratch{Workers: 1}
					measure(b, e, rows, n, func(block []float64) { e.Score(block, n, out, &scratch) })
				})
			}
		}
	}
}

// kinds are ways in which a model of one shape may differ.
var kinds = []struct {
	name   string
	change func(s *irtest.Shape)
}{
	{"plain", func(*irtest.Shape) {}},
	{"missing", func(s *irtest.Shape) { s.Missing = true }},
	{"sets", func(s *irtest.Shape) { s.Categories = 30 }},
	{"float64", func(s *irtest.Shape) { s.Precision, s.Op = ir.Float64, ir.LE }},
	{"lightgbm", func(s *irtest.Shape) {
		s.Precision, s.Op, s.Kind, s.ZeroBand = ir.Float64, ir.LE, ir.MissingNone, true
	}},
	{"lightgbm-zero", func(s *irtest.Shape) {
		s.Precision, s.Op, s.Kind, s.ZeroBand, s.Missing = ir.Float64, ir.LE, ir.MissingZero, true, true
	}},
	{"lightgbm-sets", func(s *irtest.Shape) {
		s.Precision, s.Op, s.ZeroBand, s.Categories, s.Missing = ir.Float64, ir.LE, true, 30, true
	}},
	{"linear", func(s *irtest.Shape) { s.Precision, s.Op, s.Linear = ir.Float64, ir.LE, 4 }},
}

// measure goes round the rows, n at a time, and reports the time per row and
// tree.
func measure(b *testing.B, e *Engine, rows []float64, n int, score func(block []float64)) {
	size := n * e.a.Features
	at := 0
	score(rows[:size])
	b.ReportAllocs()
	for b.Loop() {
		if at+size > len(rows) {
			at = 0
		}
		score(rows[at : at+size])
		at += size
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*len(e.a.Roots)), "ns/row/tree")
}

// BenchmarkNew is what a cold start pays for the check of all indexes.
func BenchmarkNew(b *testing.B) {
	for _, s := range shapes {
		a, err := Compile(irtest.Forest(s.Shape))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := New(*a); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.nodes()), "ns/node")
		})
	}
}

// Package engine compiles a model (pkg/ir) to flat arrays and scores rows
// with them.
package engine

import (
	"errors"

	"example.com/copse/pkg/ir"
)

// Node32 is a node of a model whose features are float32.
type Node32 struct {
	Threshold float32
	Meta      uint32
}

// Node64 is a node of a model whose features are float64.
type Node64 struct {
	Threshold float64
	Column    uint32
	Child     uint32
}

// Arrays is a compiled model: flat, pointer-free, little-endian arrays that a
// bundle stores and New stands on without copying.
type Arrays struct {
	Features  int
	Outputs   int
	LeafWidth int
	Compare   ir.Precision // of Nodes32 or Nodes64
	Sum       ir.Precision // of Leaves32 or Leaves64
	Link      ir.Link

	Columns  []uint32 // feature, top bit set where the column is negated
	Roots    []uint32 // of each tree, an index of its nodes
	Depths   []uint32 // of each tree, steps from the root to its deepest leaf
	Groups   []uint32 // of each tree, the output it adds to
	Nodes32  []Node32
	Nodes64  []Node64
	Leaves32 []float32
	Leaves64 []float64
	LeafIDs  []int32 // of each leaf, its number in the library's leaf output
	Base     []float64
}

// Engine scores rows. It is immutable and shared by all goroutines.
type Engine struct{ a Arrays }

// Scratch is the memory that one goroutine needs to score; the zero value is
// ready, and it grows to what the largest block needed.
type Scratch struct{}

// Compile turns a sound model (ir.Check) into arrays; the same model always
// gives the same arrays.
func Compile(m *ir.Model) (*Arrays, error) { return nil, errors.New("not built") }

// New checks every index of a once, so that scoring needs no checks.
func New(a Arrays) (*Engine, error) { return &Engine{a: a}, nil }

// Arrays returns what the engine stands on; it is shared.
func (e *Engine) Arrays() *Arrays { return &e.a }

// RowCost estimates the time to score one row, in nanoseconds, from the
// compiled model alone.
func (e *Engine) RowCost() float64 { return 0 }

// Kernel names the way n rows are scored.
func (e *Engine) Kernel(n int) string { return "" }

// Margin scores n rows (row-major, Features wide, already rounded to the
// model's input precision) into out (n × Outputs).
func (e *Engine) Margin(rows []float64, n int, out []float64, s *Scratch) {}

// Score is Margin and then the model's link: the library's own predict.
func (e *Engine) Score(rows []float64, n int, out []float64, s *Scratch) {}

// Leaf writes the library's leaf number of every tree (n × trees).
func (e *Engine) Leaf(rows []float64, n int, out []int32, s *Scratch) {}

// Package engine compiles a model (pkg/ir) to flat arrays and scores rows
// with them, bit for bit as ir.Model.Eval does.
//
// Question: how does a step down a tree compare? Choice: on integers. A number
// becomes an unsigned key of the same order (keys.go) once a row, a threshold
// becomes the key of the largest number that goes to the first child, and a
// step is one subtraction whose borrow is added to the child's index. Why: the
// same step serves < and <=, float32 features against float64 thresholds,
// -0 and infinities without a special case, it has no branch to mispredict,
// and it is faster than a comparison of floats, whose flag has to be brought
// into a register first. What would change it: vector instructions, which
// compare floats as fast as integers.
//
// Question: where does NaN go? Choice: a column of keys has a NaN of its own,
// below all numbers, above all, or at 0; a feature of which some nodes send NaN
// left and others right has both columns. The zero band, and numbers in it that
// are missing, are columns too (columns.go). Why: nodes need no missing logic,
// and models that never meet NaN pay nothing. Sets of categories are columns of
// words with an answer a bit (sets.go).
//
// Question: how does a walk end? Choice: leaves step to themselves, by a
// constant column whose key 0 is above nothing, and every walk of a tree takes
// as many steps as the tree is deep. A leaf's key is its number. Why: walks
// that take the same steps interleave, eight at a time, and hide each other's
// memory latency. A tree that is deep on one side only would make all rows pay
// for it; so long walks look now and then whether they may stop (walk.go).
//
// Question: which kernel? Choice: by Kernel's rule from model and batch size,
// never by measuring (cost.go). All kernels hand leaves to one summation per
// precision (sum.go), in tree order, so they cannot differ in a bit. Other
// kernels (SIMD, masks) belong behind the same border, the walker: rows in,
// leaves out.
//
// Question: one goroutine or many? Choice: one, until the estimated work is
// worth a second (workers.go). Why: small batches are faster alone, and a
// server has other requests for its other processors.
package engine

import (
	"example.com/copse/pkg/ir"
)

// Arrays is a compiled model: flat, pointer-free, little-endian arrays that a
// bundle stores and New stands on without copying.
//
// Nodes are numbered through all trees, parents before children; the two
// children of a node are neighbours. A node is a key and a step: an inner
// node's key is compared with the row's key in the step's column, and the walk
// goes on at node i + offset, or one further where the row's key is above. A
// leaf has offset 0, the constant column, and its own number as its key.
// Exactly one of three forms holds the nodes: Nodes32, Keys64 with Steps32, or
// Keys64 with Steps64.
type Arrays struct {
	Features  int
	Outputs   int
	LeafWidth int          // 1, or Outputs
	Compare   ir.Precision // of features
	Sum       ir.Precision // says which of Leaves32 and Leaves64 is used
	Finish    ir.Finish
	Codes     ir.CodeRule  // how numbers become codes of sets
	Aggregate ir.Aggregate // of leaves
	ZeroBand  bool         // linear leaves take numbers in the zero band for 0

	// Columns says what the columns of keys are made of: a feature, and flags
	// (columns.go). Columns of keys stand before those with a zero band, those
	// before columns of sets, and the constant column follows them all.
	Columns []uint32
	Roots   []uint32 // of each tree, its first node; the next tree's ends it
	Depths  []uint32 // of each tree, steps from the root to its deepest leaf, at least 1
	Groups  []uint32 // of each tree, the output it adds to when LeafWidth is 1

	// Nodes32 are the nodes of a model with float32 features.
	Nodes32 []Node32
	// Keys64 are the keys of all other models. Apart from the steps, a node
	// takes 12 bytes and not 16.
	Keys64 []uint64
	// Steps32 are offset<<16 | column×8: columns come in lanes of eight rows.
	Steps32 []uint32
	// Steps64 are offset<<32 | column×8, for a model of either precision that
	// the 16 bits of the narrow forms cannot hold.
	Steps64 []uint64

	// Masks32, where there are columns of sets, has a mask for each of Nodes32,
	// which is applied to the row's key; it is all ones where keys are compared.
	// Masks64 is the same for Keys64.
	Masks32 []uint32
	Masks64 []uint64
	// SetHeads has five numbers a table of words: its columns, which follow each
	// other; where it starts in SetWords; its rows; and then either the code of
	// the first row and 0, or 0 and one more than where the list of its rows'
	// codes starts in SetCodes. A table is the words of NaN, those of no code or
	// another one, and the rows, a word a column each; where features are float64
	// a word is two of SetWords, the low bits first.
	SetHeads []uint32
	SetWords []uint32
	SetCodes []uint32

	// RecodeLists has, for each feature that is recoded, its index and the
	// length of its list; lists follow each other, their numbers ascending, each
	// with its place.
	RecodeLists   []uint32
	RecodeNumbers []float64
	RecodePlaces  []uint32

	// LinearStarts, if leaves are linear functions, says where each leaf's terms
	// start, and at its end how many there are.
	LinearStarts   []uint32
	LinearFeatures []uint32  // of each term
	LinearCoeffs   []float64 // of each term, in the precision of the sum

	// Leaves32 holds, when LeafWidth is 1, one value a node, 0 for inner ones:
	// a walk's last node is then not even looked at. Else it holds LeafWidth
	// values a leaf. Of linear leaves it holds two each: what counts where a
	// feature is missing, and the constant.
	Leaves32 []float32
	Leaves64 []float64 // the same for sums in float64
	LeafIDs  []int32   // of each leaf, its number in the library's leaf output
	Base     []float64 // of each output, where its sum starts

	// Program, if it is not nil, stands in the place of trees. Parts are the
	// models of its Trees steps, whose own Model is nil, in their order.
	Program *ir.Program
	Parts   []Arrays
}

// Node32 is a node of Nodes32; Step is as in Steps32.
type Node32 struct{ Key, Step uint32 }

// Engine scores rows. It is immutable and shared by all goroutines.
type Engine struct {
	a       Arrays
	base32  []float32 // Base, for sums in float32
	walker  walker
	cost    cost
	program *program // or nil
}

// New checks every index of a once, so that scoring needs no checks. The
// engine refers to the arrays, which must not change. Its error is an *Error.
func New(a Arrays) (*Engine, error) {
	if a.Program != nil {
		return newProgram(a)
	}
	if err := check(&a); err != nil {
		return nil, err
	}
	e := &Engine{a: a, walker: newWalker(&a), cost: estimate(&a)}
	if a.Sum == ir.Float32 {
		e.base32 = make([]float32, a.Outputs)
		for i, b := range a.Base {
			e.base32[i] = float32(b)
		}
	}
	return e, nil
}

// Trees is the number of trees, those within a program included.
func (e *Engine) Trees() int {
	n := len(e.a.Roots)
	for i := range e.a.Parts {
		n += len(e.a.Parts[i].Roots)
	}
	return n
}

// Arrays returns what the engine stands on; it is shared.
func (e *Engine) Arrays() *Arrays { return &e.a }

// Width is how many numbers Score writes for a row: the outputs, and the index
// of the class where the model decides it itself.
func (e *Engine) Width() int {
	if e.program != nil && e.a.Program.Class != ir.NoRegister {
		return e.a.Outputs + 1
	}
	return e.a.Outputs
}

// HasMargin says whether Margin means anything: the outputs of a program may be
// final.
func (e *Engine) HasMargin() bool { return e.program == nil || !e.a.Program.Final }

// HasLeaves says whether Leaf means anything: a program has none.
func (e *Engine) HasLeaves() bool { return e.program == nil }

// Scratch is the memory that one goroutine needs to score; the zero value is
// ready, and it grows to what the largest block needed.
type Scratch struct {
	// Workers bounds the goroutines that may share a large batch; 0 means
	// GOMAXPROCS, 1 keeps all work on the calling goroutine.
	Workers int

	keys32 []uint32
	keys64 []uint64
	leaves *block
	sums   []float32
	rows   []float64 // recoded
	add32  sinks[float32]
	add64  sinks[float64]
	ids    leafIDs
	others []*Scratch // of workers

	program *programBlock
}

// Margin scores n rows (row-major, Features wide, NaN where a value is
// missing) into out (n × Outputs). Features are rounded to the model's input
// precision on the way; sums in float32 are exact in out.
func (e *Engine) Margin(rows []float64, n int, out []float64, s *Scratch) {
	rows, out = rows[:n*e.a.Features], out[:n*e.a.Outputs]
	e.share(job{e: e, rows: rows, n: n, out: out, width: e.a.Outputs, margin: true}, s)
	if e.program == nil {
		e.a.Finish.Margins(out, e.a.Outputs, e.a.Sum)
	}
}

// Score is Margin and then the model's link: the library's own predict.
// It writes Width numbers a row.
func (e *Engine) Score(rows []float64, n int, out []float64, s *Scratch) {
	if e.program != nil {
		e.share(job{e: e, rows: rows[:n*e.a.Features], n: n, out: out[:n*e.Width()], width: e.Width()}, s)
		return
	}
	e.Margin(rows, n, out, s)
	e.a.Finish.Values(out[:n*e.a.Outputs], e.a.Outputs, e.a.Sum)
}

// Leaf writes the library's leaf number of every tree (n × trees).
func (e *Engine) Leaf(rows []float64, n int, out []int32, s *Scratch) {
	rows, out = rows[:n*e.a.Features], out[:n*len(e.a.Roots)]
	e.share(job{e: e, rows: rows, n: n, leaf: true, ids: out}, s)
}

// job is some rows and where their answers go: leaf numbers or margins.
type job struct {
	e    *Engine
	rows []float64
	n    int
	leaf bool
	ids  []int32   // where leaf is set
	out  []float64 // where it is not

	width  int  // of out
	margin bool // of a program: margins and not values
}

// part is the job for rows from to to.
func (j job) part(from, to int) job {
	f, o, t := j.e.a.Features, j.width, len(j.e.a.Roots)
	p := job{e: j.e, rows: j.rows[from*f : to*f], n: to - from, leaf: j.leaf, width: o, margin: j.margin}
	if j.leaf {
		p.ids = j.ids[from*t : to*t]
	} else {
		p.out = j.out[from*o : to*o]
	}
	return p
}

// run does the job on the calling goroutine, block by block.
func (j job) run(s *Scratch) {
	size := j.e.cost.block
	for from := 0; from < j.n; from += size {
		j.part(from, min(from+size, j.n)).block(s)
	}
}

// block does a job of at most one block of rows.
func (j job) block(s *Scratch) {
	e := j.e
	switch {
	case e.program != nil:
		e.program.block(j, s)
	case j.leaf:
		s.ids = leafIDs{ids: e.a.LeafIDs, all: len(e.a.Roots), out: j.ids}
		e.walker.walk(e.recoded(j.rows, s), j.n, s, &s.ids)
		s.ids = leafIDs{}
	case e.a.Sum == ir.Float64:
		s.add64.addUp(e, e.recoded(j.rows, s), j.n, e.a.Leaves64, e.a.Base, j.out, s)
	default:
		s.sums = grown(s.sums, len(j.out))
		s.add32.addUp(e, e.recoded(j.rows, s), j.n, e.a.Leaves32, e.base32, s.sums, s)
		for i, v := range s.sums {
			j.out[i] = float64(v)
		}
	}
}

// grown returns a slice of n elements, in s where it is large enough.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

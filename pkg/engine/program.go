package engine

import (
	"sync/atomic"

	"example.com/copse/pkg/engine/dense"
	"example.com/copse/pkg/ir"
)

// A program (ir.Program) is run for a block of rows at a time, step by step. A
// register is a block of columns: number i of all rows, then number i + 1, so
// that a step does the same to neighbours whatever the register's width, and
// matrices multiply by vectors of rows (package dense). Registers of float32
// are kept as such, all others as float64.
//
// Question: one program for a block, or a kernel for each step? Choice: steps
// that models spend their time with have code of their own (ops.go and on); any
// other takes each row out of its columns and asks the reference, ir.Step.Eval.
// Why: there are few of the former, and the latter cannot be wrong.

// maxRows is how many rows a block of a program with trees has; networks have
// half of it, which keeps their registers in the level-1 cache.
const maxRows = maxBlock

// programBudget bounds the numbers of a block in all registers: a program with
// more takes fewer rows at a time.
const programBudget = 4 << 20

// span is where a register is: in the scratch's singles or doubles, its
// first column at so many columns.
type span struct {
	at, width int
	single    bool
}

// op is one step, or several that were joined, for the block in x.
type op func(x *programBlock)

// program is a compiled program.
type program struct {
	id        uint64 // of the scratch that was laid out for it
	a         *Arrays
	parts     []*Engine // of the Trees steps, in order
	registers []span
	singles   int // columns in all
	doubles   int
	rows      int // of a block
	ops       []op
	cost      float64 // ns a row
}

// programs counts programs, to tell them apart.
var programs atomic.Uint64

// newProgram is New for arrays with a program.
func newProgram(a Arrays) (*Engine, error) {
	if err := checkProgram(&a); err != nil {
		return nil, err
	}
	e := &Engine{a: a}
	p := &program{id: programs.Add(1), a: &e.a, rows: maxRows / 2, cost: nsRow}
	for i := range a.Parts {
		part, err := New(a.Parts[i])
		if err != nil {
			return nil, err
		}
		p.parts = append(p.parts, part)
		p.cost += part.RowCost()
		p.rows = maxRows
	}
	if err := checkParts(&a); err != nil {
		return nil, err
	}
	for _, r := range a.Program.Registers {
		c := span{at: p.doubles, width: r.Width, single: r.Type == ir.TypeFloat32}
		if c.single {
			c.at = p.singles
			p.singles += r.Width + dense.Spill
		} else {
			p.doubles += r.Width
		}
		p.registers = append(p.registers, c)
	}
	for p.rows > dense.Tile && p.rows*(p.singles+p.doubles) > programBudget {
		p.rows /= 2
	}
	p.build()
	e.program, e.cost = p, cost{block: p.rows, row: p.cost}
	return e, nil
}

// checkParts holds parts against the steps of trees.
func checkParts(a *Arrays) error {
	trees := 0
	for i := range a.Program.Steps {
		s := &a.Program.Steps[i]
		if s.Kind != ir.Trees {
			continue
		}
		if trees == len(a.Parts) {
			return bad("Parts", trees, "is not there")
		}
		part := &a.Parts[trees]
		in, out := a.Program.Registers[s.In[0]].Width, a.Program.Registers[s.Out].Width
		if part.Program != nil || part.Features != in || part.Outputs != out {
			return bad("Parts", trees, "has a program, or %d features and %d outputs, want %d and %d",
				part.Features, part.Outputs, in, out)
		}
		trees++
	}
	if trees != len(a.Parts) {
		return bad("Parts", trees, "belongs to no step")
	}
	return nil
}

// compileProgram makes arrays of a sound model with a program: its steps, and a
// part for each model in them.
func compileProgram(m *ir.Model) (*Arrays, error) {
	p := *m.Program
	p.Steps = append([]ir.Step(nil), p.Steps...)
	a := &Arrays{
		Features: len(m.FeatureNames), Outputs: m.Outputs, LeafWidth: 1,
		Compare: m.Input, Sum: m.Sum, Finish: m.Finish, Program: &p,
	}
	for i := range p.Steps {
		if nested := p.Steps[i].Model; nested != nil {
			part, err := Compile(nested)
			if err != nil {
				return nil, err
			}
			a.Parts = append(a.Parts, *part)
			p.Steps[i].Model = nil
		}
	}
	return a, nil
}

// checkProgram judges arrays with a program, but not their parts.
func checkProgram(a *Arrays) error {
	if a.Features < 1 || a.Features > ir.MaxFeatures {
		return bad("Features", -1, "is %d, want 1 to %d", a.Features, ir.MaxFeatures)
	}
	if a.nodes()+len(a.Roots)+len(a.Base)+len(a.LeafIDs)+len(a.Leaves32)+len(a.Leaves64) > 0 {
		return bad("Program", -1, "stands beside trees")
	}
	for i := range a.Program.Steps {
		if a.Program.Steps[i].Model != nil {
			return bad("Program", i, "has a model that is not compiled")
		}
	}
	err := ir.CheckCompiled(&ir.Model{
		FeatureNames: make([]string, a.Features), Outputs: a.Outputs, LeafWidth: a.LeafWidth,
		Input: a.Compare, Sum: a.Sum, Finish: a.Finish, Program: a.Program,
	})
	if err != nil {
		return bad("Program", -1, "is unsound: %v", err)
	}
	return nil
}

// programBlock is the memory of a program for one goroutine, and the block of rows
// in it.
type programBlock struct {
	p       *program
	id      uint64
	n       int // rows of the block
	stride  int // from a column to the next: the rows of a full block
	singles []float32
	doubles []float64

	a, b, c [maxRows]float64 // columns in other precisions
	best    [maxRows]float64
	top     [maxRows]float32
	sum     [maxRows]float32
	extra32 []float32 // of steps that need more
	extra64 []float64
	values  []float64
	in      [][]float64 // one row of registers, for the reference
	trees   Scratch
}

// lay prepares the memory for p: constants are written once.
func (x *programBlock) lay(p *program) {
	x.p = p
	if x.id == p.id {
		return
	}
	x.id, x.stride = p.id, p.rows
	x.singles = grown(x.singles, p.singles*p.rows)
	x.doubles = grown(x.doubles, p.doubles*p.rows)
	clear(x.singles) // lanes without a row hold numbers too
	clear(x.doubles)
	x.n = p.rows
	for _, c := range p.a.Program.Constants {
		r := p.registers[c.Register]
		for i, v := range c.Values {
			out := x.target(r, i, &x.a)
			for k := range out {
				out[k] = v
			}
			x.store(r, i, out)
		}
	}
	x.trees.Workers = 1
}

// single is column i of a register of float32.
func (x *programBlock) single(r span, i int) []float32 {
	return x.singles[(r.at+i)*x.stride:][:x.n]
}

// double is column i of another register.
func (x *programBlock) double(r span, i int) []float64 {
	return x.doubles[(r.at+i)*x.stride:][:x.n]
}

// load is column i as float64, in the buffer if need be. Of a register one wide
// it is the same for all i.
func (x *programBlock) load(r span, i int, buffer *[maxRows]float64) []float64 {
	i = min(i, r.width-1)
	if !r.single {
		return x.double(r, i)
	}
	out := buffer[:x.n]
	for k, v := range x.single(r, i) {
		out[k] = float64(v)
	}
	return out
}

// target is where column i is to be written before it is stored.
func (x *programBlock) target(r span, i int, buffer *[maxRows]float64) []float64 {
	if r.single {
		return buffer[:x.n]
	}
	return x.double(r, i)
}

// store brings a column from its target to its place.
func (x *programBlock) store(r span, i int, column []float64) {
	if !r.single {
		return
	}
	out := x.single(r, i)
	for k, v := range column[:len(out)] {
		out[k] = float32(v)
	}
}

// block does a job of at most one block of rows.
func (p *program) block(j job, s *Scratch) {
	if s.program == nil {
		s.program = new(programBlock)
	}
	x := s.program
	x.lay(p)
	x.n = j.n
	p.read(x, j.rows)
	for _, f := range p.ops {
		f(x)
	}
	p.write(x, j)
	x.p = nil
}

// read makes register 0 of rows.
func (p *program) read(x *programBlock, rows []float64) {
	r := p.registers[0]
	for i := range r.width {
		at := i
		if r.single {
			for k := range x.single(r, i) {
				x.singles[(r.at+i)*x.stride+k] = float32(rows[at])
				at += r.width
			}
			continue
		}
		out := x.double(r, i)
		for k := range out {
			out[k] = rows[at]
			at += r.width
		}
	}
}

// write makes answers of the output: margins, or values and the class.
func (p *program) write(x *programBlock, j job) {
	outputs, width := p.a.Outputs, j.width
	out := p.registers[p.a.Program.Output]
	if width == outputs {
		x.rowsOf(out, j.out)
		p.a.Finish.FinishProgram(j.out, outputs, p.a.Sum, !j.margin)
		return
	}
	x.values = grown(x.values, x.n*outputs)
	x.rowsOf(out, x.values)
	p.a.Finish.FinishProgram(x.values, outputs, p.a.Sum, true)
	class := x.load(p.registers[p.a.Program.Class], 0, &x.a)
	for k := range x.n {
		copy(j.out[k*width:], x.values[k*outputs:][:outputs])
		j.out[k*width+outputs] = ir.ClassIndex(class[k])
	}
}

// rowsOf writes the columns of a register row by row.
func (x *programBlock) rowsOf(r span, out []float64) {
	for i := range r.width {
		at := i
		if r.single {
			for _, v := range x.single(r, i) {
				out[at] = float64(v)
				at += r.width
			}
			continue
		}
		for _, v := range x.double(r, i) {
			out[at] = v
			at += r.width
		}
	}
}

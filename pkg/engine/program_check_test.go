package engine

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// TestProgramCheck: New refuses arrays of a program that are not as Compile
// made them.
func TestProgramCheck(t *testing.T) {
	forest := irtest.Forest(irtest.Shape{Trees: 1, Depth: 1, Features: 3})
	for _, c := range []struct {
		name  string
		spoil func(a *Arrays)
		array string
		want  string
	}{
		{"no features", func(a *Arrays) { a.Features = 0 }, "Features", "is 0"},
		{"other features", func(a *Arrays) { a.Features = 7 }, "Program", "register 0"},
		{"other outputs", func(a *Arrays) { a.Outputs = 1 }, "Program", "the output has 2 numbers"},
		{"precision", func(a *Arrays) { a.Compare = ir.Float32 }, "Program", "register 0: its type"},
		{"finish", func(a *Arrays) { a.Finish.Link = 99 }, "Program", "no such link"},
		{"trees", func(a *Arrays) { a.Base = []float64{1} }, "Program", "stands beside trees"},
		{"roots", func(a *Arrays) { a.Roots = []uint32{0} }, "Program", "stands beside trees"},
		{"a model", func(a *Arrays) { a.Program.Steps[5].Model = forest }, "Program", "not compiled"},
		{"a step", func(a *Arrays) { a.Program.Steps[1].In[0] = 99 }, "Program", "reads register 99"},
		{"no part", func(a *Arrays) { a.Parts = nil }, "Parts", "is not there"},
		{"a part too many", func(a *Arrays) { a.Parts = append(a.Parts, a.Parts[0]) }, "Parts", "belongs to no step"},
		{"a part of other features", func(a *Arrays) {
			part, err := Compile(forest)
			if err != nil {
				panic(err)
			}
			a.Parts[0] = *part
		}, "Parts", "3 features and 1 outputs, want 56 and 2"},
		{"a spoiled part", func(a *Arrays) { a.Parts[0].Roots[0] = 1 << 30 }, "Roots", ""},
		{"a part that is a program", func(a *Arrays) {
			part, err := Compile(network(56, 2))
			if err != nil {
				panic(err)
			}
			a.Parts[0] = *part
		}, "Parts", "has a program"},
	} {
		a, err := Compile(pipeline(20, 3, 12, 2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(*a); err != nil {
			t.Fatal(err)
		}
		c.spoil(a)
		var got *Error
		if _, err := New(*a); !errors.As(err, &got) || got.Array != c.array || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q at %s", c.name, err, c.want, c.array)
		}
	}
}

// TestProgramCompileKeeps the model's own steps as they are.
func TestProgramCompileKeeps(t *testing.T) {
	m := pipeline(4, 1, 3, 2)
	if _, err := Compile(m); err != nil {
		t.Fatal(err)
	}
	if m.Program.Steps[5].Model == nil {
		t.Error("the model lost its forest")
	}
	m.Program.Output = 99
	if _, err := Compile(m); err == nil {
		t.Error("an unsound program compiles")
	}
}

// TestProgramAvailability: what a program has of what a forest has.
func TestProgramAvailability(t *testing.T) {
	final := pipeline(4, 1, 3, 2)
	final.Program.Final = true
	for _, c := range []struct {
		name           string
		m              *ir.Model
		margin, leaves bool
		kernel         string
	}{
		{"forest", irtest.Forest(irtest.Shape{}), true, true, "eight-rows"},
		{"pipeline", pipeline(4, 1, 3, 2), true, false, "program"},
		{"final", final, false, false, "program"},
	} {
		e := newTwin(t, c.m).engine
		if e.HasMargin() != c.margin || e.HasLeaves() != c.leaves || e.Kernel(100) != c.kernel || e.RowCost() <= 0 {
			t.Errorf("%s: margin %v, leaves %v, kernel %q, cost %v, want %v, %v and %q",
				c.name, e.HasMargin(), e.HasLeaves(), e.Kernel(100), e.RowCost(), c.margin, c.leaves, c.kernel)
		}
	}
}

// TestProgramShared: several goroutines give what one gives, and a program that
// is too wide for a whole block gives what the reference gives.
func TestProgramShared(t *testing.T) {
	for name, m := range benchPrograms() {
		w := newTwin(t, m)
		const n = 3000
		rows := irtest.Rows(m, n, 3)
		one, many := make([]float64, n*m.Width()), make([]float64, n*m.Width())
		w.engine.Score(rows, n, one, &Scratch{Workers: 1})
		w.engine.Score(rows, n, many, &Scratch{Workers: 4})
		same(t, name, 0, n, many, one)
	}
	const wide = 1 << 18
	all := ir.Step{Kind: ir.Select, In: []int32{0}, Out: 1, Ints: make([]int, wide)}
	weights := make([]float64, wide*2)
	for i := range weights {
		all.Ints[i%wide] = i % 5
		weights[i] = float64(i%7) / 8
	}
	m := model(&ir.Program{
		Registers: []ir.Register{{Width: 5, Type: ir.TypeFloat32}, {Width: wide, Type: ir.TypeFloat32}, {Width: 2, Type: ir.TypeFloat32}},
		Steps:     []ir.Step{all, {Kind: ir.MatMul, In: []int32{1}, Out: 2, Ints: []int{1, wide, 2}, Data: weights}},
		Output:    2, Class: ir.NoRegister,
	}, ir.Float32)
	w := newTwin(t, m)
	if got := w.engine.cost.block; got != 16 {
		t.Errorf("blocks of %d rows, want 16", got)
	}
	compareProgram(t, w, irtest.Rows(m, 20, 1), 20)
}

// TestProgramJoins: a bias and an activation are joined to the product before
// them only where nothing else reads what lies between.
func TestProgramJoins(t *testing.T) {
	ops := func(m *ir.Model) int {
		w := newTwin(t, m)
		compareProgram(t, w, wildRows(rand.New(rand.NewPCG(1, 1)), m, 30), 30)
		return len(w.engine.program.ops)
	}
	if got := ops(network(5, 6, 7, 3)); got != 5 {
		t.Errorf("%d ops, want 3 products, a softmax and a class", got)
	}
	m := network(5, 6, 7, 3)
	m.Program.Output, m.Outputs = 1, 6 // the first product is an output too
	if got := ops(m); got != 7 {
		t.Errorf("%d ops where the first product is read twice, want 7", got)
	}
}

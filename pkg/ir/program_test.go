package ir_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// steps is a program of one step over inputs of these widths, which Select
// cuts from the row; the step's result is the output.
func steps(s ir.Step, t ir.Type, width int, inputs ...int) *ir.Model {
	all := 0
	for _, w := range inputs {
		all += w
	}
	in, sum := ir.TypeFloat64, ir.Float64
	if t == ir.TypeFloat32 {
		in, sum = t, ir.Float32
	}
	p := &ir.Program{Registers: []ir.Register{{Width: all, Type: in}}, Class: ir.NoRegister}
	from := 0
	s.In = nil
	for _, w := range inputs {
		cut := ir.Step{Kind: ir.Select, In: []int32{0}, Out: int32(len(p.Registers))}
		for i := range w {
			cut.Ints = append(cut.Ints, from+i)
		}
		from += w
		p.Steps = append(p.Steps, cut)
		s.In = append(s.In, cut.Out)
		p.Registers = append(p.Registers, ir.Register{Width: w, Type: in})
	}
	s.Out = int32(len(p.Registers))
	p.Registers = append(p.Registers, ir.Register{Width: width, Type: t})
	p.Steps = append(p.Steps, s)
	p.Output = s.Out
	return &ir.Model{FeatureNames: make([]string, all), Input: sum, Sum: sum, Outputs: width, Program: p}
}

var nan, inf = math.NaN(), math.Inf(1)

// evalCase is a step, what it reads, and what it must give.
type evalCase struct {
	name string
	step ir.Step
	t    ir.Type
	in   [][]float64
	want []float64
}

func (c *evalCase) run(t *testing.T) {
	t.Helper()
	var row []float64
	var widths []int
	for _, x := range c.in {
		row = append(row, x...)
		widths = append(widths, len(x))
	}
	m := steps(c.step, c.t, len(c.want), widths...)
	if err := ir.Check(m); err != nil {
		t.Errorf("%s: %v", c.name, err)
		return
	}
	got, values := make([]float64, len(c.want)), make([]float64, len(c.want))
	m.Eval(row, got, values)
	for i, want := range c.want {
		if got[i] != want && (got[i] == got[i] || want == want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
			return
		}
	}
}

func list(x ...float64) []float64 { return x }

func one(x ...float64) [][]float64 { return [][]float64{x} }

func f32(x float64) float64 { return float64(float32(x)) }

func TestEvalMoves(t *testing.T) {
	for _, c := range []evalCase{
		{"select", ir.Step{Kind: ir.Select, Ints: []int{3, 0, 0, 2}}, 0, [][]float64{{1, 2}, {3, 4}}, list(4, 1, 1, 3)},
		{"convert to float32", ir.Step{Kind: ir.Convert}, ir.TypeFloat32, one(0.1, 1e-50, 1e39), list(f32(0.1), 0, inf)},
		{"convert to int64", ir.Step{Kind: ir.Convert}, ir.TypeInt64, one(1.9, -1.9, nan, 1e19, -1e19, inf), list(1, -1, -0x1p63, -0x1p63, -0x1p63, -0x1p63)},
		{"convert to bool", ir.Step{Kind: ir.Convert}, ir.TypeBool, one(0, -0.5, nan), list(0, 1, 1)},
		{"table", ir.Step{Kind: ir.Table, Ints: []int{3, 2}, Data: list(1, 2, 3, 4, 5, 6)}, 0, one(0, 2.9, -1, 9, -9, nan), list(1, 2, 5, 6, 5, 6, 5, 6, 1, 2, 1, 2)},
		{"pick", ir.Step{Kind: ir.Pick}, 0, [][]float64{{7, 8, 9}, {2, -3, 0, 99}}, list(9, 7, 7, 9)},
		{"map", ir.Step{Kind: ir.Map, Ints: []int{4}, Data: list(1, nan, 1, 0, 10, 20, 30, 40, 50)}, 0, one(1, nan, math.Copysign(0, -1), 7), list(10, 20, 40, 50)},
		{"map without NaN", ir.Step{Kind: ir.Map, Ints: []int{1}, Data: list(1, 10, 50)}, 0, one(nan), list(50)},
		{"one-hot", ir.Step{Kind: ir.OneHot, Ints: []int{2, 0, 1}, Data: list(4, 5, 6)}, 0, one(5, 1, nan), list(0, 1, 0)},
		{"where", ir.Step{Kind: ir.Where}, 0, [][]float64{{1, 0, nan}, {10}, {1, 2, 3}}, list(10, 2, 10)},
		{"impute NaN", ir.Step{Kind: ir.Impute, Ints: []int{0}, Data: list(7, 8)}, 0, one(nan, 1), list(7, 1)},
		{"impute a number", ir.Step{Kind: ir.Impute, Ints: []int{1}, Data: list(7, 8, -1)}, 0, one(-1, nan), list(7, nan)},
		{"top 2", ir.Step{Kind: ir.TopK, Ints: []int{3, 1, 0}}, 0, one(1, nan, 5, 5), list(5, 5, 1)},
		{"places of the top 2", ir.Step{Kind: ir.TopK, Ints: []int{4, 1, 1}}, 0, one(1, nan, 5, 5), list(2, 3, 0, 1)},
		{"places of the least", ir.Step{Kind: ir.TopK, Ints: []int{2, 0, 1}}, 0, one(nan, 3, 3, 1), list(3, 1)},
	} {
		c.run(t)
	}
}

func TestEvalFunctions(t *testing.T) {
	unary := func(f ir.Fn) ir.Step { return ir.Step{Kind: ir.Unary, Fn: f} }
	binary := func(f ir.Fn) ir.Step { return ir.Step{Kind: ir.Binary, Fn: f} }
	two := func(a, b []float64) [][]float64 { return [][]float64{a, b} }
	for _, c := range []evalCase{
		{"neg", unary(ir.FnNeg), 0, one(1, -2), list(-1, 2)},
		{"abs", unary(ir.FnAbs), 0, one(1, -2), list(1, 2)},
		{"exp", unary(ir.FnExp), 0, one(0, 1), list(1, math.E)},
		{"exp in float32", unary(ir.FnExp), ir.TypeFloat32, one(1), list(f32(math.E))},
		{"log", unary(ir.FnLog), 0, one(1, 0, -1), list(0, -inf, nan)},
		{"sqrt", unary(ir.FnSqrt), ir.TypeFloat32, one(2, -1), list(f32(math.Sqrt2), nan)},
		{"reciprocal", unary(ir.FnReciprocal), ir.TypeFloat32, one(3, 0), list(f32(1./3), inf)},
		{"sigmoid", unary(ir.FnSigmoid), 0, one(0, 1000, -1000), list(0.5, 1, 0)},
		{"tanh", unary(ir.FnTanh), 0, one(0, 1000), list(0, 1)},
		{"relu", unary(ir.FnRelu), 0, one(-1, 2, nan), list(0, 2, nan)},
		{"sign", unary(ir.FnSign), 0, one(-3, 0, 3, nan), list(-1, 0, 1, nan)},
		{"floor", unary(ir.FnFloor), 0, one(-1.5, 1.5), list(-2, 1)},
		{"ceil", unary(ir.FnCeil), 0, one(-1.5, 1.5), list(-1, 2)},
		{"round", unary(ir.FnRound), 0, one(0.5, 1.5, -2.5), list(0, 2, -2)},
		{"not", unary(ir.FnNot), ir.TypeBool, one(0, 1), list(1, 0)},
		{"is NaN", unary(ir.FnIsNaN), ir.TypeBool, one(nan, inf), list(1, 0)},
		{"softplus", unary(ir.FnSoftplus), 0, one(1000, -1000), list(1000, 0)},
		{"erf", unary(ir.FnErf), 0, one(0, 10), list(0, 1)},
		{"add one to all", binary(ir.FnAdd), 0, two(list(1, 2), list(10)), list(11, 12)},
		{"add in float32", binary(ir.FnAdd), ir.TypeFloat32, two(list(1<<24), list(1)), list(1 << 24)},
		{"sub", binary(ir.FnSub), 0, two(list(1), list(3, 4)), list(-2, -3)},
		{"mul", binary(ir.FnMul), 0, two(list(2), list(3)), list(6)},
		{"div", binary(ir.FnDiv), ir.TypeFloat32, two(list(1, 1), list(3, 0)), list(f32(1./3), inf)},
		{"div of whole numbers", binary(ir.FnDiv), ir.TypeInt64, two(list(-7, 7, 1), list(2, 2, 0)), list(-3, 3, 0)},
		{"pow", binary(ir.FnPow), 0, two(list(2), list(10, -1)), list(1024, 0.5)},
		{"mod", binary(ir.FnMod), ir.TypeInt64, two(list(-7, 7, -7, 1), list(3, -3, -3, 0)), list(2, -2, -1, 0)},
		{"fmod", binary(ir.FnFmod), 0, two(list(-7, 7, 1), list(3, -3, 0)), list(-1, 1, nan)},
		{"min", binary(ir.FnMin), 0, two(list(1, nan), list(2, 1)), list(1, nan)},
		{"max", binary(ir.FnMax), 0, two(list(1, nan), list(2, 1)), list(2, nan)},
		{"equal", binary(ir.FnEqual), ir.TypeBool, two(list(1, nan), list(1, nan)), list(1, 0)},
		{"less", binary(ir.FnLess), ir.TypeBool, two(list(1, 2, nan), list(2, 2, 2)), list(1, 0, 0)},
		{"at most", binary(ir.FnLessEqual), ir.TypeBool, two(list(2, 3), list(2)), list(1, 0)},
		{"greater", binary(ir.FnGreater), ir.TypeBool, two(list(3, 2), list(2)), list(1, 0)},
		{"at least", binary(ir.FnGreaterEqual), ir.TypeBool, two(list(2, 1), list(2)), list(1, 0)},
		{"and", binary(ir.FnAnd), ir.TypeBool, two(list(1, 1, 0), list(1, 0, 0)), list(1, 0, 0)},
		{"or", binary(ir.FnOr), ir.TypeBool, two(list(1, 1, 0), list(1, 0, 0)), list(1, 1, 0)},
		{"xor", binary(ir.FnXor), ir.TypeBool, two(list(1, 1, 0), list(1, 0, 0)), list(0, 1, 0)},
	} {
		c.run(t)
	}
}

func TestEvalAxes(t *testing.T) {
	reduce := func(f ir.Fn, shape ...int) ir.Step { return ir.Step{Kind: ir.Reduce, Fn: f, Ints: shape} }
	axis := func(k ir.StepKind, f ir.Fn, ints ...int) ir.Step { return ir.Step{Kind: k, Fn: f, Ints: ints} }
	x := list(1, 2, 3, 4, 5, 6)
	for _, c := range []evalCase{
		{"sum of rows", reduce(ir.FnSum, 2, 3, 1), 0, one(x...), list(6, 15)},
		{"sum of columns", reduce(ir.FnSum, 1, 2, 3), 0, one(x...), list(5, 7, 9)},
		{"sum in float32", reduce(ir.FnSum, 1, 3, 1), ir.TypeFloat32, one(1<<24, 1, 1), list(1 << 24)},
		{"mean", reduce(ir.FnMean, 1, 6, 1), 0, one(x...), list(3.5)},
		{"product", reduce(ir.FnProd, 1, 6, 1), 0, one(x...), list(720)},
		{"sum of squares", reduce(ir.FnSumSquare, 1, 2, 1), 0, one(3, 4), list(25)},
		{"L1", reduce(ir.FnL1, 1, 2, 1), 0, one(-3, 4), list(7)},
		{"L2", reduce(ir.FnL2, 1, 2, 1), 0, one(-3, 4), list(5)},
		{"log sum exp", reduce(ir.FnLogSumExp, 1, 2, 1), 0, one(1000, -1000), list(1000)},
		{"log sum exp of nothing", reduce(ir.FnLogSumExp, 1, 2, 1), 0, one(-inf, -inf), list(-inf)},
		{"max", reduce(ir.FnMax, 1, 3, 1), 0, one(1, 3, 2), list(3)},
		{"min with NaN", reduce(ir.FnMin, 1, 3, 1), 0, one(1, nan, 2), list(nan)},
		{"place of the largest", reduce(ir.FnArgMax, 1, 3, 1), ir.TypeInt64, one(1, 3, 3), list(1)},
		{"place of the least", reduce(ir.FnArgMin, 1, 3, 1), ir.TypeInt64, one(2, 1, 1), list(1)},
		{"running sum", axis(ir.CumSum, 0, 1, 3, 1, 0, 0), 0, one(1, 2, 3), list(1, 3, 6)},
		{"running sum before", axis(ir.CumSum, 0, 1, 3, 1, 1, 0), 0, one(1, 2, 3), list(0, 1, 3)},
		{"running sum backwards", axis(ir.CumSum, 0, 1, 3, 1, 0, 1), 0, one(1, 2, 3), list(6, 5, 3)},
		{"running sum of columns", axis(ir.CumSum, 0, 1, 2, 2, 0, 0), 0, one(1, 2, 3, 4), list(1, 2, 4, 6)},
		{"softmax", axis(ir.SoftmaxOf, ir.FnSoftmax, 1, 2, 2), 0, one(1, 1000, 1, 0), list(0.5, 1, 0.5, 0)},
		{"log softmax", axis(ir.SoftmaxOf, ir.FnLogSoftmax, 1, 1, 2), 0, one(7, 8), list(0, 0)},
		{"by the largest", axis(ir.Normalize, ir.FnMax, 1, 3, 1), 0, one(1, -8, 4), list(0.25, -2, 1)},
		{"by L1", axis(ir.Normalize, ir.FnL1, 2, 2, 1), 0, one(1, -3, 0, 0), list(0.25, -0.75, 0, 0)},
		{"by L2", axis(ir.Normalize, ir.FnL2, 1, 2, 1), 0, one(3, 4), list(0.6, 0.8)},
	} {
		c.run(t)
	}
}

func TestEvalDense(t *testing.T) {
	matrix := func(fn ir.Fn, data []float64, shape ...int) ir.Step {
		return ir.Step{Kind: ir.MatMul, Fn: fn, Ints: shape, Data: data}
	}
	distance := func(fn ir.Fn, data ...float64) ir.Step {
		return ir.Step{Kind: ir.Distances, Fn: fn, Ints: []int{1}, Data: data}
	}
	for _, c := range []evalCase{
		{"product", matrix(0, list(1, 2, 3, 10, 20, 30), 1, 2, 3), 0, one(1, 2), list(21, 42, 63)},
		{"product and bias", matrix(0, list(1, 2, 10, 20, 5, 6), 1, 2, 2), 0, one(1, 2), list(26, 48)},
		{"two rows", matrix(0, list(1, 10), 2, 2, 1), 0, one(1, 2, 3, 4), list(21, 43)},
		{"float32 rounds each step", matrix(0, list(1, 1, 1), 1, 3, 1), ir.TypeFloat32, one(1<<24, 1, -1<<24), list(0)},
		{"no fused product", matrix(0, list(1+0x1p-12, -1), 1, 2, 1), ir.TypeFloat32, one(1+0x1p-12, 1+0x1p-11), list(0)},
		{"bias first", matrix(ir.FnBiasFirst, list(1, 1, 1<<24), 1, 2, 1), ir.TypeFloat32, one(1, 1), list(1 << 24)},
		{"bias last", matrix(0, list(1, 1, 1<<24), 1, 2, 1), ir.TypeFloat32, one(1, 1), list(1<<24 + 2)},
		{"bias first passes over NaN", matrix(ir.FnBiasFirst, list(1, 1, 5), 1, 2, 1), 0, one(nan, 2), list(7)},
		{"product of two", ir.Step{Kind: ir.MatMulOf, Ints: []int{1, 2, 2}}, 0, [][]float64{{1, 2}, {1, 2, 3, 4}}, list(7, 10)},
		{"scale", ir.Step{Kind: ir.Scale, Data: list(1, 2, 10, 100)}, 0, one(3, 4), list(20, 200)},
		{"scale in float32", ir.Step{Kind: ir.Scale, Data: list(0.1, 0.1)}, ir.TypeFloat32, one(1), list(f32(f32(1-f32(0.1)) * f32(0.1)))},
		{"squared", distance(ir.FnSqEuclidean, 4, 6), 0, one(1, 2), list(25)},
		{"euclidean", distance(ir.FnEuclidean, 4, 6), 0, one(1, 2), list(5)},
		{"manhattan", distance(ir.FnManhattan, 4, 6), 0, one(1, 10), list(7)},
		{"chebyshev", distance(ir.FnChebyshev, 4, 6), 0, one(1, 2), list(4)},
		{"cosine", distance(ir.FnCosine, 0, 2), 0, one(3, 0), list(1)},
		{"minkowski", distance(ir.FnMinkowski, 4, 6, 1), 0, one(1, 2), list(7)},
	} {
		c.run(t)
	}
}

// TestEvalFinishes: margins, values and the class of a program.
func TestEvalFinishes(t *testing.T) {
	p := &ir.Program{
		Registers: []ir.Register{{Width: 2}, {Width: 1}},
		Steps:     []ir.Step{{Kind: ir.Select, In: []int32{0}, Out: 1, Ints: []int{0}}},
		Output:    0, Class: 1,
	}
	m := &ir.Model{FeatureNames: []string{"a", "b"}, Outputs: 2, Program: p, Labels: []string{"x", "y", "z"},
		Finish: ir.Finish{Scale: 2, Bias: []float64{1, 0}, Link: ir.Hinge}}
	if err := ir.Check(m); err != nil {
		t.Fatal(err)
	}
	margin, values := make([]float64, 2), make([]float64, m.Width())
	for _, c := range []struct{ row, margin, values []float64 }{
		{list(1, -1), list(3, -2), list(1, 0, 1)},
		{list(-7, 0.5), list(-13, 1), list(0, 1, 0)},
		{list(1e9, 0), list(2e9+1, 0), list(1, 0, ir.MaxOutputs-1)},
		{list(nan, 0), list(nan, 0), list(0, 0, 0)},
	} {
		m.Eval(c.row, margin, values)
		if fmt.Sprint(margin, values) != fmt.Sprint(c.margin, c.values) {
			t.Errorf("%v: got %v and %v, want %v and %v", c.row, margin, values, c.margin, c.values)
		}
	}
	m.Eval(list(math.Float64frombits(0xfff8000000000001), 0), margin, values)
	if got := math.Float64bits(margin[0]); got != math.Float64bits(nan) {
		t.Errorf("NaN came out as %x", got)
	}
}

// TestPrograms: programs drawn at random are sound, and Check says why of what
// is done to them.
func TestPrograms(t *testing.T) {
	for seed := range uint64(500) {
		m := irtest.Program(rand.New(rand.NewPCG(seed, 5)))
		if err := ir.Check(m); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestCheckProgram(t *testing.T) {
	sound := func() *ir.Model {
		return steps(ir.Step{Kind: ir.MatMul, Ints: []int{1, 2, 3}, Data: make([]float64, 9)}, ir.TypeFloat32, 3, 2)
	}
	step := func(f func(s *ir.Step)) func(m *ir.Model) {
		return func(m *ir.Model) { f(&m.Program.Steps[1]) }
	}
	for _, c := range []struct {
		name  string
		spoil func(m *ir.Model)
		want  string
	}{
		{"features", func(m *ir.Model) { m.FeatureNames = nil }, "0 features"},
		{"features and register 0", func(m *ir.Model) { m.FeatureNames = make([]string, 9) }, "register 0: 2 numbers, the row has 9"},
		{"trees too", func(m *ir.Model) { m.Trees = make([]ir.Tree, 1) }, "a program and trees"},
		{"a base too", func(m *ir.Model) { m.Base = list(1) }, "or a base"},
		{"precision", func(m *ir.Model) { m.Sum = 2 }, "no such precision"},
		{"input", func(m *ir.Model) { m.Input = ir.Float64 }, "register 0: its type"},
		{"sum", func(m *ir.Model) { m.Program.Registers[2].Type = ir.TypeFloat64 }, "the sums are float32"},
		{"outputs", func(m *ir.Model) { m.Outputs = 2 }, "the output has 3 numbers, the model 2"},
		{"finish", func(m *ir.Model) { m.Link = 99 }, "no such link"},
		{"labels", func(m *ir.Model) { m.Labels = []string{"a", "b"} }, "2 labels do not fit 3 outputs"},
		{"no registers", func(m *ir.Model) { m.Program.Registers = nil }, "0 registers"},
		{"a register of nothing", func(m *ir.Model) { m.Program.Registers[1].Width = 0 }, "register 1: 0 numbers"},
		{"a type", func(m *ir.Model) { m.Program.Registers[1].Type = 9 }, "of type 9"},
		{"too wide", func(m *ir.Model) { m.Program.Registers[1].Width = ir.MaxProgramWidth }, "in all"},
		{"output", func(m *ir.Model) { m.Program.Output = 9 }, "nothing writes the output"},
		{"output unwritten", func(m *ir.Model) { m.Program.Steps = m.Program.Steps[:1] }, "nothing writes the output"},
		{"class", func(m *ir.Model) { m.Program.Class = 2 }, "no class"},
		{"class elsewhere", func(m *ir.Model) { m.Program.Class = -2 }, "no class"},
		{"constant over the row", func(m *ir.Model) { m.Program.Constants = []ir.Constant{{Register: 0, Values: list(1, 2)}} }, "written already"},
		{"constant elsewhere", func(m *ir.Model) { m.Program.Constants = []ir.Constant{{Register: -1}} }, "not there"},
		{"constant of another width", func(m *ir.Model) { m.Program.Constants = []ir.Constant{{Register: 1, Values: list(1)}} }, "1 numbers, its register has 2"},
		{"constant of another type", func(m *ir.Model) { m.Program.Constants = []ir.Constant{{Register: 1, Values: list(1, 0.1)}} }, "not of its register's type"},
		{"constant and step", func(m *ir.Model) { m.Program.Constants = []ir.Constant{{Register: 1, Values: list(1, 1)}} }, "writes register 1"},
		{"kind", step(func(s *ir.Step) { s.Kind = 99 }), "no such kind"},
		{"function", step(func(s *ir.Step) { s.Fn = 250 }), "no such kind (9) or function (250)"},
		{"another kind's function", step(func(s *ir.Step) { s.Fn = ir.FnAdd }), "cannot do function"},
		{"reads ahead", step(func(s *ir.Step) { s.In[0] = 2 }), "reads register 2"},
		{"reads nothing", step(func(s *ir.Step) { s.In = nil }), "0 inputs"},
		{"writes twice", step(func(s *ir.Step) { s.Out = 1 }), "writes register 1"},
		{"negative", step(func(s *ir.Step) { s.Ints[0] = -1 }), "no number of anything"},
		{"huge", step(func(s *ir.Step) { s.Ints[1], s.Ints[2] = 1<<26, 1<<26 }), "are not the input's"},
		{"shape", step(func(s *ir.Step) { s.Ints = s.Ints[:2] }), "2 whole numbers, want 3"},
		{"data", step(func(s *ir.Step) { s.Data = s.Data[:7] }), "7 numbers of data, want 6"},
		{"a model", step(func(s *ir.Step) { s.Model = sound() }), "is no step of trees"},
		{"no model", step(func(s *ir.Step) { s.Kind = ir.Trees }), "has no model"},
		{"trees of a program", step(func(s *ir.Step) { *s = ir.Step{Kind: ir.Trees, In: s.In, Out: s.Out, Model: sound()} }), "has a program"},
		{"unsound trees", step(func(s *ir.Step) {
			forest := irtest.Forest(irtest.Shape{Trees: 1, Features: 2, Outputs: 3})
			forest.Trees[0].Group = 7
			*s = ir.Step{Kind: ir.Trees, In: s.In, Out: s.Out, Model: forest}
		}), "adds to output 7"},
		{"select outside", func(m *ir.Model) { m.Program.Steps[0].Ints[0] = 2 }, "takes number 2 of 2"},
	} {
		m := sound()
		if err := ir.Check(m); err != nil {
			t.Fatal(err)
		}
		c.spoil(m)
		var got *ir.Error
		if err := ir.Check(m); !errors.As(err, &got) || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestCheckShapes: the sizes of each kind must fit.
func TestCheckShapes(t *testing.T) {
	svm := func(ints []int, data int) ir.Step {
		return ir.Step{Kind: ir.SVM, Fn: ir.FnRBF, Ints: ints, Data: make([]float64, data)}
	}
	for _, c := range []struct {
		name  string
		step  ir.Step
		in    []int
		width int
		want  string
	}{
		{"binary", ir.Step{Kind: ir.Binary, Fn: ir.FnAdd}, []int{2, 3}, 3, "an operand of 2 numbers for 3"},
		{"binary too narrow", ir.Step{Kind: ir.Binary, Fn: ir.FnAdd}, []int{1, 1}, 3, "gives 1 numbers"},
		{"binary of one", ir.Step{Kind: ir.Binary, Fn: ir.FnAdd}, []int{2}, 2, "1 inputs, want 2"},
		{"unary", ir.Step{Kind: ir.Unary, Fn: ir.FnAbs}, []int{2}, 3, "gives 2 numbers, its register has 3"},
		{"unary with data", ir.Step{Kind: ir.Unary, Fn: ir.FnAbs, Data: list(1)}, []int{2}, 2, "1 numbers of data"},
		{"reduce", ir.Step{Kind: ir.Reduce, Fn: ir.FnSum, Ints: []int{1, 2, 2}}, []int{3}, 2, "1 × 2 × 2 are not"},
		{"cumsum", ir.Step{Kind: ir.CumSum, Ints: []int{1, 2, 1}}, []int{2}, 2, "want 5"},
		{"distances", ir.Step{Kind: ir.Distances, Fn: ir.FnMinkowski, Ints: []int{2}, Data: make([]float64, 4)}, []int{2}, 2, "want 5"},
		{"top k", ir.Step{Kind: ir.TopK, Ints: []int{3, 1, 0}}, []int{2}, 3, "first 3 of 2"},
		{"table", ir.Step{Kind: ir.Table, Ints: []int{0, 2}}, []int{1}, 2, "has no rows"},
		{"table data", ir.Step{Kind: ir.Table, Ints: []int{2, 2}}, []int{1}, 2, "want 4"},
		{"pick", ir.Step{Kind: ir.Pick}, []int{5, 2}, 5, "gives 2 numbers"},
		{"map", ir.Step{Kind: ir.Map, Ints: []int{2}, Data: make([]float64, 4)}, []int{1}, 1, "want 5"},
		{"one-hot", ir.Step{Kind: ir.OneHot, Ints: []int{1 << 26, 1 << 26}}, []int{2}, 2, "too many categories"},
		{"one-hot columns", ir.Step{Kind: ir.OneHot, Ints: []int{2}, Data: make([]float64, 2)}, []int{2}, 2, "1 whole numbers, want 2"},
		{"scale", ir.Step{Kind: ir.Scale, Data: make([]float64, 3)}, []int{2}, 2, "want 4"},
		{"impute", ir.Step{Kind: ir.Impute, Ints: []int{2}, Data: make([]float64, 4)}, []int{2}, 2, "fills what nothing is"},
		{"impute data", ir.Step{Kind: ir.Impute, Ints: []int{1}, Data: make([]float64, 2)}, []int{2}, 2, "want 3"},
		{"product of two", ir.Step{Kind: ir.MatMulOf, Ints: []int{1, 2, 2}}, []int{2, 3}, 2, "3 whole numbers, want 4"},
		{"machine without vectors", svm([]int{2, 0, 0, 0}, 4), []int{2}, 3, "has no vectors"},
		{"machine of one class", svm([]int{1, 1, 1}, 9), []int{2}, 3, "do not fit"},
		{"machine's classes", svm([]int{2, 3, 1, 1}, 9), []int{2}, 3, "are not all vectors"},
		{"machine's data", svm([]int{2, 2, 1, 1}, 9), []int{2}, 3, "want 10"},
		{"machine's width", svm([]int{2, 2, 1, 1}, 12), []int{2}, 3, "gives 5 numbers"},
		{"one class", svm([]int{0, 1, 2}, 7), []int{2}, 1, "0 or 1"},
		{"no numbers", svm(nil, 7), []int{2}, 1, "do not fit"},
	} {
		err := ir.Check(steps(c.step, ir.TypeFloat32, c.width, c.in...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
	m := steps(svm([]int{0, 1, 0}, 7), ir.TypeFloat64, 1, 2)
	if err := ir.Check(m); err == nil || !strings.Contains(err.Error(), "not float32") {
		t.Errorf("a machine in float64: %v", err)
	}
}

// TestCheckWork: a program whose row would take minutes is refused.
func TestCheckWork(t *testing.T) {
	const n = 512
	m := steps(ir.Step{Kind: ir.MatMulOf, Ints: []int{n, n, n}}, ir.TypeFloat64, n*n, n*n, n*n)
	if err := ir.Check(m); err == nil {
		t.Error("no error for a program that is too wide")
	}
	p := &ir.Program{Registers: []ir.Register{{Width: 2}, {Width: n * n}}, Output: 0, Class: ir.NoRegister}
	all := ir.Step{Kind: ir.Select, In: []int32{0}, Out: 1, Ints: make([]int, n*n)}
	p.Steps = append(p.Steps, all)
	for i := range 2 {
		p.Registers = append(p.Registers, ir.Register{Width: n * n})
		p.Steps = append(p.Steps, ir.Step{Kind: ir.MatMulOf, In: []int32{1, int32(1 + i)}, Out: int32(2 + i), Ints: []int{n, n, n}})
	}
	err := ir.Check(&ir.Model{FeatureNames: make([]string, 2), Outputs: 2, Program: p})
	if err == nil || !strings.Contains(err.Error(), "multiplications") {
		t.Errorf("got error %v, want one about the work", err)
	}
}

// FuzzCheckProgram changes a program at random: Check refuses it, or it can be
// evaluated.
func FuzzCheckProgram(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed), uint8(seed*3), int32(seed-5))
	}
	f.Fuzz(func(t *testing.T, seed uint64, what, at uint8, to int32) {
		rng := rand.New(rand.NewPCG(seed, 5))
		m := irtest.Program(rng)
		damageProgram(m.Program, what, int(at), to)
		if ir.Check(m) != nil {
			return
		}
		row := irtest.WildRows(rng, m, 1)
		m.Eval(row, make([]float64, m.Outputs), make([]float64, m.Width()))
	})
}

func damageProgram(p *ir.Program, what uint8, at int, to int32) {
	r, s := &p.Registers[at%len(p.Registers)], &p.Steps[at%len(p.Steps)]
	switch what % 10 {
	case 0:
		r.Width = int(to)
	case 1:
		r.Type = ir.Type(to)
	case 2:
		s.Kind = ir.StepKind(to)
	case 3:
		s.Fn = ir.Fn(to)
	case 4:
		s.Out = to
	case 5:
		s.In[at%len(s.In)] = to
	case 6:
		if len(s.Ints) > 0 {
			s.Ints[at%len(s.Ints)] = int(to)
		}
	case 7:
		s.Data = s.Data[:min(len(s.Data), at)]
	case 8:
		p.Output = to
	case 9:
		p.Class = to
	}
}

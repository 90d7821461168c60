package engine

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"example.com/copse/pkg/engine/dense"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// compareProgram holds engine and reference equal on n rows: margins, and
// values with the class.
func compareProgram(t testing.TB, w *twin, rows []float64, n int) {
	t.Helper()
	m := w.model
	features, width := len(m.FeatureNames), m.Width()
	if got := w.engine.Width(); got != width {
		t.Fatalf("width %d, want %d", got, width)
	}
	margin, values := make([]float64, n*m.Outputs), make([]float64, n*width)
	w.engine.Margin(rows, n, margin, &w.s)
	w.engine.Score(rows, n, values, &w.s)
	wantMargin, wantValues := make([]float64, m.Outputs), make([]float64, width)
	for i := range n {
		m.Eval(rows[i*features:(i+1)*features], wantMargin, wantValues)
		same(t, "margin", i, n, margin[i*m.Outputs:][:m.Outputs], wantMargin)
		same(t, "value", i, n, values[i*width:][:width], wantValues)
	}
}

// wildRows makes rows for a program.
func wildRows(rng *rand.Rand, m *ir.Model, n int) []float64 {
	rows := irtest.WildRows(rng, m, n)
	for i := range rows {
		if rng.IntN(2) == 0 {
			rows[i] = float64(rng.IntN(7) - 2)
		}
	}
	return rows
}

func TestProgramTwin(t *testing.T) {
	kinds := make(map[ir.StepKind]int)
	var other twin
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		m := irtest.Program(rng)
		for _, s := range m.Program.Steps {
			kinds[s.Kind]++
		}
		if err := ir.Check(m); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w := newTwin(t, m)
		w.s = other.s // a scratch that has seen other programs
		n := 1 + rng.IntN(140)
		if seed%8 > 0 {
			n = 1 + rng.IntN(20)
		}
		t.Run("", func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d: %+v", seed, *m.Program)
				}
			}()
			compareProgram(t, w, wildRows(rng, m, n), n)
		})
		other.s = w.s
	}
	for kind := range ir.SVM + 1 {
		if kinds[kind] < 50 {
			t.Errorf("%v: only %d steps", kind, kinds[kind])
		}
	}
}

// TestProgramSameEverywhere: the answers of many programs have the same bits on
// all processors, which one number stands for.
func TestProgramSameEverywhere(t *testing.T) {
	const want = 0xac98ae080a186b8b
	sum := fnv.New64a()
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 6))
		m := irtest.Program(rng)
		w := newTwin(t, m)
		out := make([]float64, 9*m.Width())
		w.engine.Score(wildRows(rng, m, 9), 9, out, &w.s)
		for _, v := range out {
			fmt.Fprintf(sum, "%x ", math.Float64bits(v))
		}
	}
	if got := sum.Sum64(); got != want {
		t.Errorf("got %#x, want %#x: either a processor computes otherwise, or programs are drawn otherwise (package irtest)", got, uint64(want))
	}
}

func FuzzProgram(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint16(seed*7))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint16) {
		rng := rand.New(rand.NewPCG(seed, 5))
		m := irtest.Program(rng)
		rows := int(n % 150)
		compareProgram(t, newTwin(t, m), wildRows(rng, m, rows), rows)
	})
}

// TestProgramKernels: the answers are the same with every dense kernel.
func TestProgramKernels(t *testing.T) {
	defer dense.Use(dense.Kernels()[len(dense.Kernels())-1])
	for _, kernel := range dense.Kernels() {
		dense.Use(kernel)
		for _, m := range []*ir.Model{network(20, 64, 64, 3), machine(2, 100, 20, ir.FnRBF), machine(4, 50, 7, ir.FnPoly)} {
			w := newTwin(t, m)
			for _, n := range []int{1, 16, 63, 64, 65, 200} {
				compareProgram(t, w, irtest.Rows(m, n, 7), n)
			}
		}
	}
}

// network is a perceptron with layers of these sizes, as ONNX files write it:
// product, sum and activation are a step each.
func network(sizes ...int) *ir.Model {
	rng := rand.New(rand.NewPCG(1, uint64(len(sizes))))
	normal := func(n int) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = float64(float32(rng.NormFloat64() / 4))
		}
		return list
	}
	p := &ir.Program{Registers: []ir.Register{{Width: sizes[0], Type: ir.TypeFloat32}}, Class: ir.NoRegister}
	register := func(width int, t ir.Type) int32 {
		p.Registers = append(p.Registers, ir.Register{Width: width, Type: t})
		return int32(len(p.Registers) - 1)
	}
	at := int32(0)
	step := func(s ir.Step, width int, t ir.Type) {
		s.Out = register(width, t)
		p.Steps = append(p.Steps, s)
		at = s.Out
	}
	for i, n := range sizes[1:] {
		k := sizes[i]
		step(ir.Step{Kind: ir.MatMul, In: []int32{at}, Ints: []int{1, k, n}, Data: normal(k * n)}, n, ir.TypeFloat32)
		bias := register(n, ir.TypeFloat32)
		p.Constants = append(p.Constants, ir.Constant{Register: bias, Values: normal(n)})
		step(ir.Step{Kind: ir.Binary, Fn: ir.FnAdd, In: []int32{at, bias}}, n, ir.TypeFloat32)
		if i+2 < len(sizes) {
			step(ir.Step{Kind: ir.Unary, Fn: ir.FnRelu, In: []int32{at}}, n, ir.TypeFloat32)
		}
	}
	n := sizes[len(sizes)-1]
	if n == 1 {
		step(ir.Step{Kind: ir.Unary, Fn: ir.FnSigmoid, In: []int32{at}}, 1, ir.TypeFloat32)
		yes, one := at, register(1, ir.TypeFloat32)
		p.Constants = append(p.Constants, ir.Constant{Register: one, Values: []float64{1}})
		step(ir.Step{Kind: ir.Binary, Fn: ir.FnSub, In: []int32{one, yes}}, 1, ir.TypeFloat32)
		n = 2
		step(ir.Step{Kind: ir.Select, In: []int32{at, yes}, Ints: []int{0, 1}}, n, ir.TypeFloat32)
	} else {
		step(ir.Step{Kind: ir.SoftmaxOf, Fn: ir.FnSoftmax, In: []int32{at}, Ints: []int{1, n, 1}}, n, ir.TypeFloat32)
	}
	p.Output = at
	p.Class = register(1, ir.TypeInt64)
	p.Steps = append(p.Steps, ir.Step{Kind: ir.Reduce, Fn: ir.FnArgMax, In: []int32{at}, Out: p.Class, Ints: []int{1, n, 1}})
	return model(p, ir.Float32)
}

// machine is a support vector classifier of so many classes, with as many
// vectors each.
func machine(classes, vectors, features int, kernel ir.Fn) *ir.Model {
	rng := rand.New(rand.NewPCG(2, uint64(vectors)))
	pairs := classes * (classes - 1) / 2
	s := ir.Step{Kind: ir.SVM, Fn: kernel, In: []int32{0}, Out: 1, Ints: []int{classes, classes * vectors}}
	for range classes {
		s.Ints = append(s.Ints, vectors)
	}
	s.Data = []float64{0.05, 1, 3}
	for range classes*vectors*features + (classes-1)*classes*vectors + 3*pairs {
		s.Data = append(s.Data, float64(float32(rng.NormFloat64())))
	}
	width := pairs + 2*classes
	p := &ir.Program{
		Registers: []ir.Register{{Width: features, Type: ir.TypeFloat32}, {Width: width, Type: ir.TypeFloat32}},
		Steps:     []ir.Step{s}, Output: 1, Class: ir.NoRegister,
	}
	return model(p, ir.Float32)
}

// model is a model with a program.
func model(p *ir.Program, precision ir.Precision) *ir.Model {
	return &ir.Model{
		Library: "synthetic", Objective: "none", FeatureNames: make([]string, p.Registers[0].Width),
		Input: precision, Sum: precision, Outputs: p.Registers[p.Output].Width, Program: p,
	}
}

// pipeline scales numbers, encodes codes, and scores a forest.
func pipeline(numbers, codes, categories, trees int) *ir.Model {
	features := numbers + codes*categories
	forest := irtest.Forest(irtest.Shape{Trees: trees, Depth: 8, Features: features, Precision: ir.Float32, Votes: true, Outputs: 2})
	p := &ir.Program{Class: ir.NoRegister, Registers: []ir.Register{
		{Width: numbers + codes, Type: ir.TypeFloat64}, {Width: numbers, Type: ir.TypeFloat32}, {Width: numbers, Type: ir.TypeFloat32},
		{Width: codes, Type: ir.TypeText}, {Width: codes * categories, Type: ir.TypeFloat32},
		{Width: features, Type: ir.TypeFloat32}, {Width: 2, Type: ir.TypeFloat32},
	}}
	first, last := make([]int, numbers), make([]int, codes)
	for i := range first {
		first[i] = i
	}
	for i := range last {
		last[i] = numbers + i
	}
	scale, counts := make([]float64, 2*numbers), make([]int, codes)
	for i := range scale {
		scale[i] = float64(i) / 32
	}
	var known []float64
	for i := range counts {
		counts[i] = categories
		for k := range categories {
			known = append(known, float64(k))
		}
	}
	all := make([]int, features)
	for i := range all {
		all[i] = i
	}
	p.Steps = []ir.Step{
		{Kind: ir.Select, In: []int32{0}, Out: 1, Ints: first},
		{Kind: ir.Scale, In: []int32{1}, Out: 2, Data: scale},
		{Kind: ir.Select, In: []int32{0}, Out: 3, Ints: last},
		{Kind: ir.OneHot, In: []int32{3}, Out: 4, Ints: counts, Data: known},
		{Kind: ir.Select, In: []int32{2, 4}, Out: 5, Ints: all},
		{Kind: ir.Trees, In: []int32{5}, Out: 6, Model: forest},
	}
	p.Output = 6
	return model(p, ir.Float64)
}

// TestProgramAllocates nothing once its scratch has grown.
func TestProgramAllocates(t *testing.T) {
	for name, m := range benchPrograms() {
		w := newTwin(t, m)
		w.s.Workers = 1
		rows, out := irtest.Rows(m, 100, 1), make([]float64, 100*m.Width())
		w.engine.Score(rows, 100, out, &w.s)
		if n := testing.AllocsPerRun(10, func() { w.engine.Score(rows, 100, out, &w.s) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func benchPrograms() map[string]*ir.Model {
	return map[string]*ir.Model{
		"network":  network(20, 64, 64, 1),
		"machine":  machine(2, 250, 20, ir.FnRBF),
		"pipeline": pipeline(20, 3, 12, 100),
	}
}

func BenchmarkProgram(b *testing.B) {
	for name, m := range benchPrograms() {
		for _, n := range []int{1, 64, 1000} {
			a, err := Compile(m)
			if err != nil {
				b.Fatal(err)
			}
			e, err := New(*a)
			if err != nil {
				b.Fatal(err)
			}
			rows, out := irtest.Rows(m, n, 1), make([]float64, n*m.Width())
			s := Scratch{Workers: 1}
			b.Run(fmt.Sprintf("%s/rows=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					e.Score(rows, n, out, &s)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
			})
		}
	}
}

// TestProgramSame: all NaN are one.
func TestProgramSame(t *testing.T) {
	p := &ir.Program{Registers: []ir.Register{{Width: 1}, {Width: 1}}, Output: 1, Class: ir.NoRegister,
		Steps: []ir.Step{{Kind: ir.Unary, Fn: ir.FnNeg, In: []int32{0}, Out: 1}}}
	w := newTwin(t, model(p, ir.Float64))
	out := make([]float64, 1)
	w.engine.Score([]float64{math.Float64frombits(0xfff8000000000123)}, 1, out, &w.s)
	if math.Float64bits(out[0]) != math.Float64bits(math.NaN()) {
		t.Errorf("got %x, want math.NaN()", math.Float64bits(out[0]))
	}
}

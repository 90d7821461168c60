package irtest

import (
	"math/rand/v2"

	"example.com/copse/pkg/ir"
)

// Program makes a sound model with a program of steps drawn at random, each
// kind about as often as any other, over registers of all types.
func Program(rng *rand.Rand) *ir.Model {
	g := &programmer{rng: rng, p: &ir.Program{Class: ir.NoRegister}}
	input := ir.Precision(rng.IntN(2))
	g.register(1+rng.IntN(9), precisionType(input))
	for range rng.IntN(4) {
		width := 1 + rng.IntN(6)
		r := g.register(width, ir.Type(rng.IntN(5)))
		g.p.Constants = append(g.p.Constants, ir.Constant{Register: r, Values: g.data(width, g.p.Registers[r].Type)})
	}
	for range 1 + rng.IntN(12) {
		g.step(ir.StepKind(rng.IntN(int(ir.SVM) + 1)))
	}
	g.p.Output = int32(rng.IntN(len(g.p.Registers)))
	if rng.IntN(2) == 0 {
		g.p.Output = int32(len(g.p.Registers) - 1)
	}
	out := g.p.Registers[g.p.Output]
	m := &ir.Model{
		Library: "synthetic", Objective: "none", FeatureNames: names(g.p.Registers[0].Width),
		Input: input, Outputs: out.Width, Program: g.p,
	}
	if out.Type == ir.TypeFloat32 {
		m.Sum = ir.Precision(rng.IntN(2))
	}
	for r, register := range g.p.Registers {
		if register.Width == 1 && rng.IntN(3) == 0 {
			g.p.Class = int32(r)
		}
	}
	if rng.IntN(3) == 0 {
		m.Finish = ir.Finish{Link: ir.Softmax, Scale: 0.5}
	}
	return m
}

func precisionType(p ir.Precision) ir.Type {
	if p == ir.Float32 {
		return ir.TypeFloat32
	}
	return ir.TypeFloat64
}

// programmer writes a program.
type programmer struct {
	rng *rand.Rand
	p   *ir.Program
}

func (g *programmer) register(width int, t ir.Type) int32 {
	g.p.Registers = append(g.p.Registers, ir.Register{Width: width, Type: t})
	return int32(len(g.p.Registers) - 1)
}

// any is a register that has been written, the latest ones often.
func (g *programmer) any() int32 {
	n := len(g.p.Registers)
	if g.rng.IntN(2) == 0 {
		return int32(n - 1 - g.rng.IntN(min(n, 3)))
	}
	return int32(g.rng.IntN(n))
}

func (g *programmer) width(r int32) int { return g.p.Registers[r].Width }

// like is the type of a result of r: most often the same.
func (g *programmer) like(r int32) ir.Type {
	if g.rng.IntN(4) > 0 {
		return g.p.Registers[r].Type
	}
	return ir.Type(g.rng.IntN(5))
}

// data makes n numbers of a type.
func (g *programmer) data(n int, t ir.Type) []float64 {
	list := make([]float64, n)
	for i := range list {
		switch {
		case t == ir.TypeBool:
			list[i] = float64(g.rng.IntN(2))
		case t == ir.TypeFloat32:
			list[i] = float64(float32(value(g.rng)))
		case g.rng.IntN(3) == 0 || t == ir.TypeInt64 || t == ir.TypeText:
			list[i] = float64(g.rng.IntN(7) - 2)
		default:
			list[i] = value(g.rng)
		}
	}
	return list
}

// fn draws a function from a list.
func (g *programmer) fn(list ...ir.Fn) ir.Fn { return list[g.rng.IntN(len(list))] }

func (g *programmer) between(from, to ir.Fn) ir.Fn {
	return from + ir.Fn(g.rng.IntN(int(to-from)+1))
}

// add appends a step whose result is so wide.
func (g *programmer) add(s ir.Step, width int, t ir.Type) {
	s.Out = g.register(width, t)
	g.p.Steps = append(g.p.Steps, s)
}

// step appends a step of a kind.
func (g *programmer) step(kind ir.StepKind) {
	in := g.any()
	w, t := g.width(in), g.like(in)
	s := ir.Step{Kind: kind, In: []int32{in}}
	switch kind {
	case ir.Select:
		g.selects(s, t)
		return
	case ir.Convert:
	case ir.Unary:
		s.Fn = g.between(ir.FnNeg, ir.FnErf)
	case ir.Binary, ir.Where:
		g.elementwise(s, t)
		return
	case ir.Reduce, ir.CumSum, ir.SoftmaxOf, ir.Normalize:
		g.axis(s, t)
		return
	case ir.MatMul, ir.MatMulOf, ir.Distances:
		g.dense(s, t)
		return
	case ir.Trees:
		s.Model = Wild(g.rng)
		s.In[0] = g.resize(in, len(s.Model.FeatureNames))
		g.add(s, s.Model.Outputs, t)
		return
	case ir.SVM:
		g.svm(s)
		return
	default:
		g.lookUp(s, t)
		return
	}
	g.add(s, w, t)
}

// selects appends a Select from one to three registers.
func (g *programmer) selects(s ir.Step, t ir.Type) {
	all := g.width(s.In[0])
	for range g.rng.IntN(3) {
		r := g.any()
		s.In = append(s.In, r)
		all += g.width(r)
	}
	for range 1 + g.rng.IntN(8) {
		s.Ints = append(s.Ints, g.rng.IntN(all))
	}
	g.add(s, len(s.Ints), t)
}

// resize makes a register of so many numbers from one of any width.
func (g *programmer) resize(r int32, width int) int32 {
	if g.width(r) == width {
		return r
	}
	s := ir.Step{Kind: ir.Select, In: []int32{r}}
	for range width {
		s.Ints = append(s.Ints, g.rng.IntN(g.width(r)))
	}
	g.add(s, width, g.p.Registers[r].Type)
	return int32(len(g.p.Registers) - 1)
}

func (g *programmer) elementwise(s ir.Step, t ir.Type) {
	w := g.width(s.In[0])
	for range 1 + int(s.Kind-ir.Binary) {
		other := g.any()
		if v := g.width(other); v != w && v != 1 && w != 1 {
			other = g.resize(other, w)
		}
		s.In = append(s.In, other)
		w = max(w, g.width(other))
	}
	for i, r := range s.In {
		if v := g.width(r); v != 1 && v != w {
			s.In[i] = g.resize(r, w)
		}
	}
	if s.Kind == ir.Binary {
		s.Fn = g.fn(g.between(ir.FnAdd, ir.FnXor), ir.FnFmod, ir.FnAdd)
	}
	g.add(s, w, t)
}

// split takes a width apart: outer × n × inner.
func (g *programmer) split(w int) []int {
	var divisors []int
	for d := 1; d <= w; d++ {
		if w%d == 0 {
			divisors = append(divisors, d)
		}
	}
	n := divisors[g.rng.IntN(len(divisors))]
	if g.rng.IntN(2) == 0 {
		return []int{w / n, n, 1}
	}
	return []int{1, n, w / n}
}

func (g *programmer) axis(s ir.Step, t ir.Type) {
	w := g.width(s.In[0])
	s.Ints = g.split(w)
	switch s.Kind {
	case ir.Reduce:
		s.Fn = g.fn(g.between(ir.FnSum, ir.FnArgMin), ir.FnMin, ir.FnMax)
		w = s.Ints[0] * s.Ints[2]
	case ir.CumSum:
		s.Ints = append(s.Ints, g.rng.IntN(2), g.rng.IntN(2))
	case ir.SoftmaxOf:
		s.Fn = g.between(ir.FnSoftmax, ir.FnLogSoftmax)
	default:
		s.Fn = g.fn(ir.FnMax, ir.FnL1, ir.FnL2)
	}
	g.add(s, w, t)
}

func (g *programmer) dense(s ir.Step, t ir.Type) {
	w := g.width(s.In[0])
	m, k, n := 1, w, 1+g.rng.IntN(7)
	if shape := g.split(w); g.rng.IntN(3) == 0 {
		m, k = shape[0]*shape[2], shape[1]
	}
	switch s.Kind {
	case ir.MatMulOf:
		s.In = append(s.In, g.resize(g.any(), k*n))
		s.Ints = []int{m, k, n}
		w = m * n
	case ir.MatMul:
		s.Ints = []int{m, k, n}
		size := k * n
		if s.Fn = g.fn(ir.FnNone, ir.FnNone, ir.FnBiasFirst); s.Fn != ir.FnNone || g.rng.IntN(2) == 0 {
			size += n
		}
		s.Data = g.data(size, t)
		w = m * n
	default:
		s.Fn = g.fn(g.between(ir.FnSqEuclidean, ir.FnMinkowski), ir.FnEuclidean)
		s.Ints, s.Data = []int{n}, g.data(n*w, t)
		if s.Fn == ir.FnMinkowski {
			s.Data = append(s.Data, 3)
		}
		w = n
	}
	g.add(s, w, t)
	if s.Kind == ir.MatMul && g.rng.IntN(2) == 0 {
		g.activate(t)
	}
}

// activate appends what follows a product in a network: a bias, and FnRelu.
func (g *programmer) activate(t ir.Type) {
	product := int32(len(g.p.Registers) - 1)
	w := g.width(product)
	bias := g.register([]int{1, w}[g.rng.IntN(2)], t)
	g.p.Constants = append(g.p.Constants, ir.Constant{Register: bias, Values: g.data(g.width(bias), t)})
	in := []int32{product, bias}
	if g.rng.IntN(2) == 0 {
		in = []int32{bias, product}
	}
	g.add(ir.Step{Kind: ir.Binary, Fn: ir.FnAdd, In: in}, w, t)
	if g.rng.IntN(3) > 0 {
		g.add(ir.Step{Kind: ir.Unary, Fn: ir.FnRelu, In: []int32{int32(len(g.p.Registers) - 1)}}, w, t)
	}
}

func (g *programmer) lookUp(s ir.Step, t ir.Type) {
	w := g.width(s.In[0])
	n := 1 + g.rng.IntN(5)
	switch s.Kind {
	case ir.TopK:
		n = min(n, w)
		s.Ints = []int{n, g.rng.IntN(2), g.rng.IntN(2)}
		w = n
	case ir.Table:
		s.Ints = []int{n, 1 + g.rng.IntN(3)}
		s.Data = g.data(n*s.Ints[1], t)
		w *= s.Ints[1]
	case ir.Pick:
		s.In = append(s.In, g.any())
		w = g.width(s.In[1])
	case ir.Map:
		s.Ints = []int{n}
		s.Data = append(g.data(n, ir.TypeFloat64), g.data(n+1, t)...)
	case ir.OneHot:
		w = 0
		for range g.width(s.In[0]) {
			c := g.rng.IntN(4)
			s.Ints = append(s.Ints, c)
			w += c
		}
		if w == 0 {
			s.Ints[0], w = 1, 1
		}
		s.Data = g.data(w, ir.TypeInt64)
	case ir.Scale:
		s.Data = g.data(2*w, t)
	default: // ir.Impute
		s.Ints = []int{g.rng.IntN(2)}
		s.Data = g.data(w+s.Ints[0], ir.TypeInt64)
	}
	g.add(s, w, t)
}

func (g *programmer) svm(s ir.Step) {
	w := g.width(s.In[0])
	s.Fn = g.fn(ir.FnRBF, ir.FnRBF, ir.FnLinear, ir.FnPoly, ir.FnTanh)
	classes := []int{0, 2, 3, 4}[g.rng.IntN(4)]
	s.Ints = []int{classes}
	vectors, rows, pairs, width := 1+g.rng.IntN(9), 1, 1, 1
	if classes == 0 {
		s.Ints = append(s.Ints, vectors, g.rng.IntN(2))
	} else {
		rows, pairs = classes-1, classes*(classes-1)/2
		width = pairs + classes
		each := make([]int, classes)
		for range vectors {
			each[g.rng.IntN(classes)]++
		}
		s.Ints = append(append(s.Ints, vectors), each...)
	}
	s.Data = []float64{float64(float32(g.rng.Float64())), float64(g.rng.IntN(3)), float64(1 + g.rng.IntN(4))}
	size := vectors*w + rows*vectors + pairs
	if classes > 0 && g.rng.IntN(2) == 0 {
		size += 2 * pairs
		width += classes
	}
	s.Data = append(s.Data, g.data(size, ir.TypeFloat32)...)
	g.add(s, width, ir.TypeFloat32)
}

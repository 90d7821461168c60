package engine

import (
	"example.com/copse/pkg/engine/dense"
	"example.com/copse/pkg/ir"
)

// joined are a matrix product and what follows it: a bias, and 0 for numbers
// below it.
type joined struct {
	in, out int32
	bias    []float64
	relu    bool
	steps   int
}

// follow looks which steps after the product i can be joined to it: they alone
// read what it gives, and do the very arithmetic that the kernel can do.
func (b *builder) follow(i int, weights int) joined {
	s := &b.steps[i]
	j := joined{in: s.In[0], out: s.Out, bias: s.Data[weights:], steps: 1}
	if next := b.next(i+j.steps, j.out, ir.Binary, ir.FnAdd); next != nil && len(j.bias) == 0 {
		other := next.In[0]
		if other == j.out {
			other = next.In[1]
		}
		if bias := b.values(other); len(bias) > 0 && other != j.out {
			j.out, j.steps = next.Out, j.steps+1
			j.bias = make([]float64, s.Ints[2])
			for k := range j.bias {
				j.bias[k] = bias[min(k, len(bias)-1)]
			}
		}
	}
	if next := b.next(i+j.steps, j.out, ir.Unary, ir.FnRelu); next != nil {
		j.out, j.steps, j.relu = next.Out, j.steps+1, true
	}
	return j
}

// next is step i if it does this, keeps the width, and alone reads a register.
func (b *builder) next(i int, register int32, kind ir.StepKind, fn ir.Fn) *ir.Step {
	if i >= len(b.steps) || b.uses[register] != 1 {
		return nil
	}
	s := &b.steps[i]
	if s.Kind != kind || s.Fn != fn || b.typeOf(s.Out) != ir.TypeFloat32 ||
		b.columns(s.Out).width != b.columns(register).width {
		return nil
	}
	for _, r := range s.In {
		if r == register {
			return s
		}
	}
	return nil
}

// values are the numbers of a constant of float32, or nothing.
func (b *builder) values(register int32) []float64 {
	if !b.constant[register] || b.typeOf(register) != ir.TypeFloat32 {
		return nil
	}
	for _, c := range b.p.a.Program.Constants {
		if c.Register == register {
			return c.Values
		}
	}
	return nil
}

// matMul makes the op of a matrix product in float32 or float64, and of the
// steps that join it.
func (b *builder) matMul(i int) (op, int) {
	s := &b.steps[i]
	in, out := b.columns(s.In[0]), b.columns(s.Out)
	m, k, n := s.Ints[0], s.Ints[1], s.Ints[2]
	b.p.cost += nsProduct * float64(m*k*n)
	switch {
	case s.Fn != ir.FnNone:
		return nil, 0
	case !in.single && !out.single:
		return doubleMatMul(s, in, out), 1
	case !in.single || !out.single:
		return nil, 0
	}
	j := joined{out: s.Out, bias: s.Data[k*n:], steps: 1}
	if m == 1 {
		j = b.follow(i, k*n)
		out = b.columns(j.out)
	}
	matrix := dense.NewMatrix(s.Data[:k*n], j.bias, k, n, j.relu)
	return func(x *programBlock) {
		for r := range m {
			matrix.Mul(x.singles[(out.at+r*n)*x.stride:], x.singles[(in.at+r*k)*x.stride:], x.stride, x.n)
		}
	}, j.steps
}

// doubleMatMul is the product in float64.
func doubleMatMul(s *ir.Step, in, out span) op {
	m, k, n := s.Ints[0], s.Ints[1], s.Ints[2]
	weights, bias := s.Data[:k*n], s.Data[k*n:]
	return func(x *programBlock) {
		for r := range m {
			for j := range n {
				to := x.double(out, r*n+j)
				clear(to)
				for i := range k {
					w := weights[i*n+j]
					for row, v := range x.double(in, r*k+i)[:len(to)] {
						to[row] += float64(v * w)
					}
				}
				if len(bias) > 0 {
					for row := range to {
						to[row] += bias[j]
					}
				}
			}
		}
	}
}

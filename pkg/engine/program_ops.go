package engine

import (
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/portable"
)

// Costs in nanoseconds, as in cost.go: of a multiplication in a matrix, of a
// number that is moved or computed, and of one by the reference.
const (
	nsProduct   = 0.05
	nsNumber    = 1.0
	nsReference = 8.0
	nsKernel    = 8.0
)

// builder turns steps into ops.
type builder struct {
	p        *program
	steps    []ir.Step
	uses     []int  // how often a register is read
	constant []bool // registers that are constants
	trees    int    // Trees steps so far
}

// build makes the ops of the program.
func (p *program) build() {
	source := p.a.Program
	b := &builder{p: p, steps: source.Steps,
		uses: make([]int, len(source.Registers)), constant: make([]bool, len(source.Registers))}
	for i := range b.steps {
		for _, r := range b.steps[i].In {
			b.uses[r]++
		}
	}
	b.uses[source.Output]++
	if source.Class != ir.NoRegister {
		b.uses[source.Class]++
	}
	for _, c := range source.Constants {
		b.constant[c.Register] = true
	}
	for i := 0; i < len(b.steps); {
		f, taken := b.op(i)
		p.ops = append(p.ops, f)
		i += taken
	}
}

func (b *builder) columns(register int32) span { return b.p.registers[register] }

func (b *builder) typeOf(register int32) ir.Type { return b.p.a.Program.Registers[register].Type }

// op makes the op of step i, and says of how many steps it is.
func (b *builder) op(i int) (op, int) {
	s := &b.steps[i]
	in, out := b.columns(s.In[0]), b.columns(s.Out)
	b.p.cost += nsNumber * float64(out.width)
	switch s.Kind {
	case ir.MatMul:
		if f, taken := b.matMul(i); f != nil {
			return f, taken
		}
	case ir.Trees:
		b.trees++
		return treesOp(b.p.parts[b.trees-1], in, out), 1
	case ir.SVM:
		return b.svm(s), 1
	case ir.Distances:
		if f := b.distances(s); f != nil {
			return f, 1
		}
	default:
		if f := b.simple(s, in, out); f != nil {
			return f, 1
		}
	}
	return b.reference(s), 1
}

// simple makes the op of a step that does something to each number.
func (b *builder) simple(s *ir.Step, in, out span) op {
	t := b.typeOf(s.Out)
	switch s.Kind {
	case ir.Select:
		return b.selectOp(s)
	case ir.Convert:
		return eachColumn(in, out, func(to, from []float64, _ int) { ir.Converted(t, to, from) })
	case ir.Unary:
		return eachColumn(in, out, func(to, from []float64, _ int) { s.Fn.Unary(t, to, from) })
	case ir.Binary:
		return b.binary(s, t, out)
	case ir.Where:
		return b.where(s, out)
	case ir.Scale:
		return scaleOp(s, t, in, out)
	case ir.Impute:
		return imputeOp(s, t, in, out)
	case ir.OneHot:
		return oneHotOp(s, in, out)
	case ir.Map:
		return mapOp(s, in, out)
	case ir.TopK:
		return topKOp(s, in, out)
	case ir.Reduce:
		if s.Fn == ir.FnArgMax || s.Fn == ir.FnArgMin {
			return argOp(s, in, out)
		}
	case ir.SoftmaxOf:
		if s.Fn == ir.FnSoftmax && in.single && out.single {
			return softmaxOp(s, in, out)
		}
	}
	return nil
}

// reference makes an op that asks the reference for each row.
func (b *builder) reference(s *ir.Step) op {
	t, out := b.typeOf(s.Out), b.columns(s.Out)
	in := make([]span, len(s.In))
	size := out.width
	for i, r := range s.In {
		in[i] = b.columns(r)
		size += in[i].width
	}
	b.p.cost += nsReference * float64(size+len(s.Data))
	return func(x *programBlock) {
		x.extra64 = grown(x.extra64, size)
		x.in = grown(x.in, len(in))
		for k := range x.n {
			rest := x.extra64
			for i, r := range in {
				x.in[i], rest = rest[:r.width], rest[r.width:]
				x.gather(r, k, x.in[i])
			}
			to := rest[:out.width]
			s.Eval(t, to, x.in)
			x.scatter(out, k, to)
		}
	}
}

// gather takes row k out of a register's columns, scatter puts it back.
func (x *programBlock) gather(r span, k int, out []float64) {
	at := r.at*x.stride + k
	for i := range out {
		if r.single {
			out[i] = float64(x.singles[at])
		} else {
			out[i] = x.doubles[at]
		}
		at += x.stride
	}
}

func (x *programBlock) scatter(r span, k int, row []float64) {
	at := r.at*x.stride + k
	for _, v := range row {
		if r.single {
			x.singles[at] = float32(v)
		} else {
			x.doubles[at] = v
		}
		at += x.stride
	}
}

// eachColumn makes an op that computes each column of out from the same one of
// in.
func eachColumn(in, out span, f func(to, from []float64, i int)) op {
	return func(x *programBlock) {
		for i := range out.width {
			to := x.target(out, i, &x.c)
			f(to, x.load(in, i, &x.a), i)
			x.store(out, i, to)
		}
	}
}

// selectOp moves columns.
func (b *builder) selectOp(s *ir.Step) op {
	type move struct {
		from span
		at   int
	}
	out := b.columns(s.Out)
	moves := make([]move, len(s.Ints))
	for i, at := range s.Ints {
		from := 0
		for at >= b.columns(s.In[from]).width {
			at -= b.columns(s.In[from]).width
			from++
		}
		moves[i] = move{b.columns(s.In[from]), at}
	}
	return func(x *programBlock) {
		for i, m := range moves {
			switch {
			case out.single && m.from.single:
				copy(x.single(out, i), x.single(m.from, m.at))
			case !out.single && !m.from.single:
				copy(x.double(out, i), x.double(m.from, m.at))
			default:
				to := x.target(out, i, &x.c)
				copy(to, x.load(m.from, m.at, &x.a))
				x.store(out, i, to)
			}
		}
	}
}

func (b *builder) binary(s *ir.Step, t ir.Type, out span) op {
	left, right := b.columns(s.In[0]), b.columns(s.In[1])
	return func(x *programBlock) {
		for i := range out.width {
			to := x.target(out, i, &x.c)
			s.Fn.Binary(t, to, x.load(left, i, &x.a), x.load(right, i, &x.b))
			x.store(out, i, to)
		}
	}
}

func (b *builder) where(s *ir.Step, out span) op {
	test, yes, no := b.columns(s.In[0]), b.columns(s.In[1]), b.columns(s.In[2])
	return func(x *programBlock) {
		for i := range out.width {
			to := x.target(out, i, &x.c)
			copy(to, x.load(no, i, &x.a))
			from := x.load(yes, i, &x.a)
			for k, v := range x.load(test, i, &x.b) {
				if v != 0 {
					to[k] = from[k]
				}
			}
			x.store(out, i, to)
		}
	}
}

// rounded rounds to a type.
func rounded(t ir.Type, v float64) float64 {
	if t == ir.TypeFloat32 {
		return float64(float32(v))
	}
	return float64(v)
}

func scaleOp(s *ir.Step, t ir.Type, in, out span) op {
	offset, scale := s.Data[:in.width], s.Data[in.width:]
	if in.single && out.single {
		return func(x *programBlock) {
			for i := range out.width {
				a, b := float32(offset[i]), float32(scale[i])
				to := x.single(out, i)
				for k, v := range x.single(in, i) {
					v -= a
					to[k] = v * b
				}
			}
		}
	}
	return eachColumn(in, out, func(to, from []float64, i int) {
		a, b := rounded(t, offset[i]), rounded(t, scale[i])
		for k, v := range from {
			to[k] = rounded(t, rounded(t, v-a)*b)
		}
	})
}

func imputeOp(s *ir.Step, t ir.Type, in, out span) op {
	if s.Ints[0] == 0 {
		return eachColumn(in, out, func(to, from []float64, i int) {
			for k, v := range from {
				if v != v {
					v = s.Data[i]
				}
				to[k] = rounded(t, v)
			}
		})
	}
	missing := s.Data[in.width]
	return eachColumn(in, out, func(to, from []float64, i int) {
		for k, v := range from {
			if v == missing {
				v = s.Data[i]
			}
			to[k] = rounded(t, v)
		}
	})
}

func oneHotOp(s *ir.Step, in, out span) op {
	return func(x *programBlock) {
		column := 0
		for i, count := range s.Ints {
			from := x.load(in, i, &x.a)
			for range count {
				category := s.Data[column]
				if out.single {
					to := x.single(out, column)
					for k, v := range from[:len(to)] {
						to[k] = 0
						if v == category {
							to[k] = 1
						}
					}
				} else {
					to := x.double(out, column)
					for k, v := range from[:len(to)] {
						to[k] = 0
						if v == category {
							to[k] = 1
						}
					}
				}
				column++
			}
		}
	}
}

// argOp finds the place of the largest or least number of each lane.
func argOp(s *ir.Step, in, out span) op {
	n, inner := s.Ints[1], s.Ints[2]
	largest := s.Fn == ir.FnArgMax
	return func(x *programBlock) {
		for lane := range out.width {
			first := lane/inner*n*inner + lane%inner
			to := x.target(out, lane, &x.c)
			clear(to)
			best := x.best[:x.n]
			copy(best, x.load(in, first, &x.a))
			for k := 1; k < n; k++ {
				for r, v := range x.load(in, first+k*inner, &x.a) {
					if largest && v > best[r] || !largest && v < best[r] {
						best[r], to[r] = v, float64(k)
					}
				}
			}
			x.store(out, lane, to)
		}
	}
}

// softmaxOp is the softmax of each lane in float32.
func softmaxOp(s *ir.Step, in, out span) op {
	n, inner := s.Ints[1], s.Ints[2]
	return func(x *programBlock) {
		top, sum := x.top[:x.n], x.sum[:x.n]
		for lane := range s.Ints[0] * inner {
			first := lane/inner*n*inner + lane%inner
			copy(top, x.single(in, first))
			for k := 1; k < n; k++ {
				for r, v := range x.single(in, first+k*inner) {
					top[r] = max(top[r], v)
				}
			}
			clear(sum)
			for k := range n {
				to := x.single(out, first+k*inner)
				for r, v := range x.single(in, first+k*inner) {
					to[r] = portable.Exp32(v - top[r])
					sum[r] += to[r]
				}
			}
			for k := range n {
				to := x.single(out, first+k*inner)
				for r, v := range to {
					to[r] = v / sum[r]
				}
			}
		}
	}
}

// treesOp scores a part.
func treesOp(part *Engine, in, out span) op {
	return func(x *programBlock) {
		x.extra64 = grown(x.extra64, x.n*(in.width+out.width))
		rows, values := x.extra64[:x.n*in.width], x.extra64[x.n*in.width:]
		x.rowsOf(in, rows)
		part.Score(rows, x.n, values, &x.trees)
		for i := range out.width {
			to := x.target(out, i, &x.c)
			for k := range to {
				to[k] = values[k*out.width+i]
			}
			x.store(out, i, to)
		}
	}
}

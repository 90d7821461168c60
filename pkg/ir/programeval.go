package ir

import (
	"math"

	"example.com/copse/pkg/ir/portable"
)

// evalProgram is Eval for a model with a program.
func (m *Model) evalProgram(row, margin, values []float64) {
	p := m.Program
	registers := make([][]float64, len(p.Registers))
	for i, r := range p.Registers {
		registers[i] = make([]float64, r.Width)
	}
	for i, x := range row {
		registers[0][i] = m.Input.Round(x)
	}
	for _, c := range p.Constants {
		copy(registers[c.Register], c.Values)
	}
	var in [][]float64
	for i := range p.Steps {
		s := &p.Steps[i]
		in = in[:0]
		for _, r := range s.In {
			in = append(in, registers[r])
		}
		s.Eval(p.Registers[s.Out].Type, registers[s.Out], in)
	}
	copy(margin, registers[p.Output])
	copy(values, registers[p.Output])
	m.FinishProgram(margin[:m.Outputs], m.Outputs, m.Sum, false)
	m.FinishProgram(values[:m.Outputs], m.Outputs, m.Sum, true)
	if p.Class != NoRegister {
		values[m.Outputs] = ClassIndex(registers[p.Class][0])
	}
}

// FinishProgram makes margins of the outputs of a program, or values, for any
// number of rows, in place. The engine calls it too.
func (f *Finish) FinishProgram(list []float64, outputs int, p Precision, values bool) {
	f.Margins(list, outputs, p)
	if values {
		f.Values(list, outputs, p)
	}
	oneNaN(list)
}

// oneNaN makes all NaN the same one: processors differ in its sign.
func oneNaN(list []float64) {
	for i, v := range list {
		if v != v {
			list[i] = math.NaN()
		}
	}
}

// ClassIndex is the class that a register's number means.
func ClassIndex(x float64) float64 {
	if !(x >= 1) { // NaN too
		return 0
	}
	return min(math.Trunc(x), MaxOutputs-1)
}

// round rounds a result to the type. Its conversions also keep a compiler from
// fusing the product x with a sum that it is added to.
func (t Type) round(x float64) float64 {
	if t == TypeFloat32 {
		return float64(float32(x))
	}
	return float64(x)
}

// exp is the exponential of x, rounded to the type before and after.
func (t Type) exp(x float64) float64 {
	if t == TypeFloat32 {
		return float64(portable.Exp32(float32(x)))
	}
	return portable.Exp(x)
}

// Eval computes the step for one row: in holds the numbers of its registers,
// out is filled with numbers of type t. Trees and SVM allocate; the other
// kinds do not.
func (s *Step) Eval(t Type, out []float64, in [][]float64) {
	switch s.Kind {
	case Select:
		s.selectFrom(t, out, in)
	case Convert:
		Converted(t, out, in[0])
	case Unary:
		s.Fn.Unary(t, out, in[0])
	case Binary:
		s.Fn.Binary(t, out, in[0], in[1])
	case Where:
		for i := range out {
			from := in[1]
			if at(in[0], i) == 0 {
				from = in[2]
			}
			out[i] = t.round(at(from, i))
		}
	case Reduce:
		s.lanes(in[0], func(x strided, lane int) { out[lane] = s.Fn.reduce(t, x) })
	case CumSum, SoftmaxOf, Normalize:
		s.axis(t, out, in[0])
	case MatMul:
		s.matMul(t, out, in[0])
	case MatMulOf:
		matMul(t, out, in[0], in[1], nil, s.Ints)
	case Distances:
		s.distances(t, out, in[0])
	case TopK:
		s.topK(t, out, in[0])
	case Trees:
		values := make([]float64, s.Model.Width())
		s.Model.Eval(in[0], make([]float64, s.Model.Outputs), values)
		for i := range out {
			out[i] = t.round(values[i])
		}
	case SVM:
		s.svm(t, out, in[0])
	default:
		s.lookUp(t, out, in)
	}
}

// at is element i of an operand that is one wide or has one.
func at(x []float64, i int) float64 {
	if len(x) == 1 {
		return x[0]
	}
	return x[i]
}

func (s *Step) selectFrom(t Type, out []float64, in [][]float64) {
	for i, at := range s.Ints {
		from := 0
		for at >= len(in[from]) {
			at -= len(in[from])
			from++
		}
		out[i] = t.round(in[from][at])
	}
}

// Converted is what the step Convert does.
func Converted(t Type, out, in []float64) {
	for i, x := range in {
		switch t {
		case TypeInt64:
			x = math.Trunc(x)
			if !(x >= math.MinInt64 && x < -math.MinInt64) {
				x = math.MinInt64
			}
		case TypeBool:
			x = truth(x != 0)
		}
		out[i] = t.round(x)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// strided is every inner-th number of a tensor, from the first one on.
type strided struct {
	x        []float64
	n, inner int
}

func (s strided) at(i int) float64 { return s.x[i*s.inner] }

// lanes calls f for all lanes along the middle of the three dimensions.
func (s *Step) lanes(x []float64, f func(x strided, lane int)) {
	outer, n, inner := s.Ints[0], s.Ints[1], s.Ints[2]
	for o := range outer {
		for i := range inner {
			f(strided{x[o*n*inner+i:], n, inner}, o*inner+i)
		}
	}
}

// axis computes the steps that are as wide as their input.
func (s *Step) axis(t Type, out, in []float64) {
	n, inner := s.Ints[1], s.Ints[2]
	s.lanes(in, func(x strided, lane int) {
		y := strided{out[lane/inner*n*inner+lane%inner:], n, inner}
		switch s.Kind {
		case CumSum:
			s.cumSum(t, y, x)
		case SoftmaxOf:
			s.Fn.softmax(t, y, x)
		default:
			s.Fn.normalize(t, y, x)
		}
	})
}

func (s *Step) cumSum(t Type, y, x strided) {
	exclusive, reverse := s.Ints[3] == 1, s.Ints[4] == 1
	sum := 0.0
	for i := range x.n {
		k := i
		if reverse {
			k = x.n - 1 - i
		}
		next := t.round(sum + x.at(k))
		if exclusive {
			y.x[k*y.inner] = sum
		} else {
			y.x[k*y.inner] = next
		}
		sum = next
	}
}

func (f Fn) softmax(t Type, y, x strided) {
	top := math.Inf(-1)
	for k := range x.n {
		top = max(top, x.at(k))
	}
	sum := 0.0
	for k := range x.n {
		e := t.exp(t.round(x.at(k) - top))
		sum = t.round(sum + e)
		y.x[k*y.inner] = e
	}
	for k := range x.n {
		if f == FnLogSoftmax {
			y.x[k*y.inner] = t.round(t.round(x.at(k)-top) - t.round(portable.Log(sum)))
		} else {
			y.x[k*y.inner] = t.round(y.at(k) / sum)
		}
	}
}

func (f Fn) normalize(t Type, y, x strided) {
	norm := f.reduce(t, x)
	for k := range x.n {
		v := x.at(k)
		if norm != 0 {
			v = v / norm
		}
		y.x[k*y.inner] = t.round(v)
	}
}

// reduce makes one number of a lane.
func (f Fn) reduce(t Type, x strided) float64 {
	switch f {
	case FnArgMax, FnArgMin:
		best := 0
		for k := range x.n {
			if f == FnArgMax && x.at(k) > x.at(best) || f == FnArgMin && x.at(k) < x.at(best) {
				best = k
			}
		}
		return float64(best)
	case FnMax, FnMin:
		v := x.at(0)
		for k := range x.n {
			if f == FnMax {
				v = max(v, x.at(k))
			} else {
				v = min(v, x.at(k))
			}
		}
		return t.round(v)
	case FnProd:
		v := 1.0
		for k := range x.n {
			v = t.round(v * x.at(k))
		}
		return v
	case FnLogSumExp:
		return logSumExp(t, x)
	}
	sum := 0.0
	for k := range x.n {
		v := x.at(k)
		switch f {
		case FnL1:
			v = math.Abs(v)
		case FnL2, FnSumSquare:
			v = t.round(v * v)
		}
		sum = t.round(sum + v)
	}
	switch f {
	case FnMean:
		sum = t.round(sum / float64(x.n))
	case FnL2:
		sum = t.round(math.Sqrt(sum))
	}
	return sum
}

// logSumExp is the logarithm of the sum of exponentials, the largest taken out
// where it is finite.
func logSumExp(t Type, x strided) float64 {
	top := FnMax.reduce(t, x)
	if math.IsInf(top, 0) {
		top = 0
	}
	sum := 0.0
	for k := range x.n {
		sum = t.round(sum + t.exp(t.round(x.at(k)-top)))
	}
	return t.round(t.round(portable.Log(sum)) + top)
}

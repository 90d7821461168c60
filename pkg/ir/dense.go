package ir

import (
	"cmp"
	"math"
	"slices"

	"example.com/copse/pkg/ir/portable"
)

// matMul is the step MatMul.
func (s *Step) matMul(t Type, out, in []float64) {
	n := s.Ints[2]
	weights, bias := s.Data, []float64(nil)
	if all := s.Ints[1] * n; len(s.Data) > all {
		weights, bias = s.Data[:all], s.Data[all:]
	}
	if s.Fn == FnBiasFirst {
		biasFirst(t, out, in, weights, bias, s.Ints)
		return
	}
	matMul(t, out, in, weights, bias, s.Ints)
}

// matMul multiplies m × k numbers by k × n.
func matMul(t Type, out, in, weights, bias []float64, shape []int) {
	m, k, n := shape[0], shape[1], shape[2]
	for r := range m {
		for j := range n {
			sum := 0.0
			for i := range k {
				sum = t.round(sum + t.round(in[r*k+i]*t.round(weights[i*n+j])))
			}
			if len(bias) > 0 {
				sum = t.round(sum + t.round(bias[j]))
			}
			out[r*n+j] = sum
		}
	}
}

// biasFirst is matMul that starts from the bias and passes over NaN.
func biasFirst(t Type, out, in, weights, bias []float64, shape []int) {
	m, k, n := shape[0], shape[1], shape[2]
	for r := range m {
		for j := range n {
			sum := t.round(bias[j])
			for i := range k {
				if x := in[r*k+i]; x == x {
					sum = t.round(sum + t.round(x*t.round(weights[i*n+j])))
				}
			}
			out[r*n+j] = sum
		}
	}
}

// distances is the step Distances.
func (s *Step) distances(t Type, out, in []float64) {
	power := 0.0
	if s.Fn == FnMinkowski {
		power = t.round(s.Data[len(s.Data)-1])
	}
	for i := range out {
		out[i] = s.Fn.distance(t, in, s.Data[i*len(in):][:len(in)], power)
	}
}

func (f Fn) distance(t Type, x, y []float64, power float64) float64 {
	if f == FnCosine {
		return cosine(t, x, y)
	}
	sum := 0.0
	for i := range x {
		d := t.round(x[i] - t.round(y[i]))
		switch f {
		case FnManhattan:
			sum = t.round(sum + math.Abs(d))
		case FnChebyshev:
			sum = max(sum, math.Abs(d))
		case FnMinkowski:
			sum = t.round(sum + t.round(portable.Pow(math.Abs(d), power)))
		default:
			sum = t.round(sum + t.round(d*d))
		}
	}
	switch f {
	case FnEuclidean:
		return t.round(math.Sqrt(sum))
	case FnMinkowski:
		return t.round(portable.Pow(sum, 1/power))
	}
	return sum
}

// cosine is 1 less the product of the two vectors over their lengths.
func cosine(t Type, x, y []float64) float64 {
	dot, xx, yy := 0.0, 0.0, 0.0
	for i := range x {
		v := t.round(y[i])
		dot = t.round(dot + t.round(x[i]*v))
		xx = t.round(xx + t.round(x[i]*x[i]))
		yy = t.round(yy + t.round(v*v))
	}
	lengths := t.round(t.round(math.Sqrt(xx)) * t.round(math.Sqrt(yy)))
	return t.round(1 - t.round(dot/lengths))
}

// topK is the step TopK.
func (s *Step) topK(t Type, out, in []float64) {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareTop(in[a], in[b], s.Ints[1] == 1) })
	for i := range out {
		if s.Ints[2] == 1 {
			out[i] = float64(order[i])
		} else {
			out[i] = t.round(in[order[i]])
		}
	}
}

// compareTop orders numbers by size, NaN last.
func compareTop(a, b float64, largest bool) int {
	switch {
	case a != a || b != b:
		return cmp.Compare(truth(a != a), truth(b != b))
	case largest:
		a, b = b, a
	}
	return cmp.Compare(a, b)
}

// lookUp computes the steps that look something up.
func (s *Step) lookUp(t Type, out []float64, in [][]float64) {
	x := in[0]
	switch s.Kind {
	case Table:
		wide := s.Ints[1]
		for i, index := range x {
			row := s.Data[Place(index, s.Ints[0])*wide:][:wide]
			for k, v := range row {
				out[i*wide+k] = t.round(v)
			}
		}
	case Pick:
		for i, index := range in[1] {
			out[i] = t.round(x[Place(index, len(x))])
		}
	case Map:
		for i, v := range x {
			out[i] = t.round(s.mapped(v))
		}
	case OneHot:
		k := 0
		for i, count := range s.Ints {
			for range count {
				out[k] = truth(x[i] == s.Data[k])
				k++
			}
		}
	case Scale:
		for i, v := range x {
			v = t.round(v - t.round(s.Data[i]))
			out[i] = t.round(v * t.round(s.Data[len(x)+i]))
		}
	default: // Impute
		for i, v := range x {
			if s.Ints[0] == 0 && v != v || s.Ints[0] == 1 && v == s.Data[len(x)] {
				v = s.Data[i]
			}
			out[i] = t.round(v)
		}
	}
}

// Place is the row of n that an index means: truncated toward 0, a negative one
// from the end, one outside the nearest; NaN is the first.
func Place(index float64, n int) int {
	if index != index {
		return 0
	}
	index = math.Trunc(index)
	if index < 0 {
		index += float64(n)
	}
	return int(max(0, min(index, float64(n-1))))
}

// mapped is the value that the step Map has for x.
func (s *Step) mapped(x float64) float64 {
	n := s.Ints[0]
	for i, key := range s.Data[:n] {
		if key == x || key != key && x != x {
			return s.Data[n+i]
		}
	}
	return s.Data[2*n]
}

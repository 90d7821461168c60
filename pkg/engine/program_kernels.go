package engine

import (
	"cmp"
	"math"
	"slices"

	"example.com/copse/pkg/engine/dense"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/portable"
)

// distances makes the op of Euclidean distances in float32.
func (b *builder) distances(s *ir.Step) op {
	in, out := b.columns(s.In[0]), b.columns(s.Out)
	b.p.cost += nsProduct * float64(len(s.Data))
	if !in.single || !out.single || s.Fn != ir.FnSqEuclidean && s.Fn != ir.FnEuclidean {
		return nil
	}
	matrix := dense.NewVectors(s.Data, in.width, out.width)
	return func(x *programBlock) {
		matrix.Distances(x.singles[out.at*x.stride:], x.singles[in.at*x.stride:], x.stride, x.n)
		if s.Fn == ir.FnSqEuclidean {
			return
		}
		for i := range out.width {
			to := x.single(out, i)
			for k, v := range to {
				to[k] = float32(math.Sqrt(float64(v)))
			}
		}
	}
}

// topKOp keeps the best numbers of a row in order while it goes along them.
func topKOp(s *ir.Step, in, out span) op {
	count, largest, indices := s.Ints[0], s.Ints[1] == 1, s.Ints[2] == 1
	if count > 64 {
		return nil // insertion would take too long
	}
	return func(x *programBlock) {
		x.extra64 = grown(x.extra64, in.width+2*count)
		row, best, places := x.extra64[:in.width], x.extra64[in.width:][:count], x.extra64[in.width+count:]
		for k := range x.n {
			x.gather(in, k, row)
			if !largest {
				for i, v := range row {
					row[i] = -v
				}
			}
			top(row, best, places)
			switch {
			case indices:
				best = places
			case !largest:
				for i, v := range best {
					best[i] = -v
				}
			}
			x.scatter(out, k, best)
			best = x.extra64[in.width:][:count]
		}
	}
}

// top writes the largest numbers of a row, in order, and their places; the
// first of equals is first, NaN is last.
func top(row, best, places []float64) {
	have := 0
	for i, v := range row {
		if have == len(best) && !(v > best[have-1]) && (v != v || best[have-1] == best[have-1]) {
			continue
		}
		at := min(have, len(best)-1)
		for at > 0 && (v > best[at-1] || v == v && best[at-1] != best[at-1]) {
			best[at], places[at] = best[at-1], places[at-1]
			at--
		}
		best[at], places[at] = v, float64(i)
		have = min(have+1, len(best))
	}
}

// mapOp looks keys up in order of size.
func mapOp(s *ir.Step, in, out span) op {
	type entry struct{ key, value float64 }
	n := s.Ints[0]
	var list []entry
	other := s.Data[2*n]
	nan, found := other, false
	for i, key := range s.Data[:n] {
		switch {
		case key == key:
			list = append(list, entry{key, s.Data[n+i]})
		case !found:
			nan, found = s.Data[n+i], true
		}
	}
	compare := func(a, b entry) int { return cmp.Compare(a.key, b.key) }
	slices.SortStableFunc(list, compare)
	list = slices.CompactFunc(list, func(a, b entry) bool { return a.key == b.key })
	return eachColumn(in, out, func(to, from []float64, _ int) {
		for k, v := range from {
			if v != v {
				to[k] = nan
				continue
			}
			to[k] = other
			if at, ok := slices.BinarySearchFunc(list, entry{key: v}, compare); ok {
				to[k] = list[at].value
			}
		}
	})
}

// svm makes the op of a support vector machine.
func (b *builder) svm(s *ir.Step) op {
	in, out := b.columns(s.In[0]), b.columns(s.Out)
	p := s.SVM(in.width)
	b.p.cost += nsProduct*float64(len(s.Data)) + nsKernel*float64(p.Vectors)
	run := svmRun{s: s, p: p, in: in, out: out}
	if s.Fn == ir.FnRBF {
		run.matrix = dense.NewVectors(p.Support, in.width, p.Vectors)
	} else {
		run.matrix = dense.NewMatrix(transposed(p.Support, in.width), nil, in.width, p.Vectors, false)
	}
	return run.block
}

// transposed makes columns of vectors.
func transposed(vectors []float64, k int) []float64 {
	n := len(vectors) / k
	out := make([]float64, len(vectors))
	for j := range n {
		for i := range k {
			out[i*n+j] = vectors[j*k+i]
		}
	}
	return out
}

// svmRun is a support vector machine.
type svmRun struct {
	s       *ir.Step
	p       ir.SVMParts
	in, out span
	matrix  *dense.Matrix
}

// block computes the kernels of all vectors, then what is made of them.
func (v *svmRun) block(x *programBlock) {
	padded := dense.Padded(v.p.Vectors)
	x.extra32 = grown(x.extra32, (padded+v.in.width)*x.stride)
	kernels := x.extra32[:padded*x.stride]
	from := x.extra32[padded*x.stride:]
	if v.in.single {
		from = x.singles[v.in.at*x.stride:]
	} else {
		clear(from)
		for i := range v.in.width {
			for k, value := range x.double(v.in, i) {
				from[i*x.stride+k] = float32(value)
			}
		}
	}
	if v.s.Fn == ir.FnRBF {
		v.matrix.Distances(kernels, from, x.stride, x.n)
	} else {
		v.matrix.Mul(kernels, from, x.stride, x.n)
	}
	for i := range v.p.Vectors {
		v.kernel(kernels[i*x.stride:][:x.n])
	}
	if v.p.Classes == 0 {
		v.regress(x, kernels)
		return
	}
	v.classify(x, kernels)
}

// kernel makes kernels of the sums of one vector.
func (v *svmRun) kernel(column []float32) {
	switch v.s.Fn {
	case ir.FnLinear:
	case ir.FnRBF:
		gamma := -float32(v.p.Gamma)
		for k, sum := range column {
			column[k] = portable.Exp32(gamma * sum)
		}
	default:
		for k, sum := range column {
			column[k] = float32(v.s.Kernel(float64(sum)))
		}
	}
}

func (v *svmRun) regress(x *programBlock, kernels []float32) {
	to := x.single(v.out, 0)
	clear(to)
	for i := range v.p.Vectors {
		c := float32(v.p.Coef[i])
		for k, value := range kernels[i*x.stride:][:len(to)] {
			to[k] += float32(value * c)
		}
	}
	rho := float32(v.p.Rho[0])
	for k := range to {
		to[k] = float32(v.p.Decide(float64(to[k] + rho)))
	}
}

// classify adds the scores of pairs in float64, in columns, and counts votes.
func (v *svmRun) classify(x *programBlock, kernels []float32) {
	p := &v.p
	for i := range p.Classes {
		clear(x.single(v.out, p.Pairs+i))
	}
	sums := x.a[:x.n]
	pair, startI := 0, 0
	for i := range p.Classes {
		startJ := startI + p.PerClass[i]
		for j := i + 1; j < p.Classes; j++ {
			clear(sums)
			addKernels(sums, kernels, p.Coef[(j-1)*p.Vectors:], x.stride, startI, startI+p.PerClass[i])
			addKernels(sums, kernels, p.Coef[i*p.Vectors:], x.stride, startJ, startJ+p.PerClass[j])
			v.vote(x, sums, pair, i, j)
			startJ += p.PerClass[j]
			pair++
		}
		startI += p.PerClass[i]
	}
	if p.ProbA == nil {
		return
	}
	x.extra64 = grown(x.extra64, v.out.width+p.Room())
	row, room := x.extra64[:v.out.width], x.extra64[v.out.width:]
	for k := range x.n {
		x.gather(v.out, k, row)
		p.Probabilities(row, room)
		x.scatter(v.out, k, row)
	}
}

// addKernels adds the vectors from to to, each times its coefficient.
func addKernels(sums []float64, kernels []float32, coefficients []float64, stride, from, to int) {
	for i := from; i < to; i++ {
		c := float32(coefficients[i])
		for k, value := range kernels[i*stride:][:len(sums)] {
			sums[k] += float64(float32(value * c))
		}
	}
}

func (v *svmRun) vote(x *programBlock, sums []float64, pair, i, j int) {
	rho := float64(float32(v.p.Rho[pair]))
	score := x.single(v.out, pair)
	first, second := x.single(v.out, v.p.Pairs+i), x.single(v.out, v.p.Pairs+j)
	for k, sum := range sums {
		sum += rho
		score[k] = float32(sum)
		if sum > 0 {
			first[k]++
		} else {
			second[k]++
		}
	}
}

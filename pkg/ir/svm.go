package ir

import (
	"math"

	"example.com/copse/pkg/ir/portable"
)

// The step SVM is ONNX's SVMClassifier and SVMRegressor with support vectors,
// as ONNX Runtime computes them (core/providers/cpu/ml/svmclassifier.cc,
// svmregressor.cc, ml_common.h): in float32, whatever the type of its input,
// and its output is of TypeFloat32. Without support vectors both operators are
// a MatMul (rho[0] is the bias of each class).
//
// Fn is the kernel of the row x and a support vector v:
//
//	FnRBF     exp(-gamma × Σ(x-v)²)
//	FnLinear  Σxv
//	FnPoly    (gamma × Σxv + coef0) ^ degree
//	FnTanh    tanh(gamma × Σxv + coef0)   (ONNX's SIGMOID)
//
// Ints are: the number of classes (0 for a regressor), the number of vectors,
// then for a classifier the vectors of each class, for a regressor 1 if it
// tells 1 from -1 (one_class) and else 0. Data is, one after the other:
//
//	gamma, coef0, degree
//	support vectors   vectors × features
//	coefficients      (classes - 1) × vectors; of a regressor: vectors
//	rho               pairs of classes;        of a regressor: 1
//	prob_a, prob_b    pairs each, if the classifier has them
//
// Pairs are 0-1, 0-2, …, 1-2, …: c(c-1)/2 of c classes.
//
// A classifier's out is the score of each pair, the votes of each class, and
// where there is prob_a the probability of each class. The predicted class is
// the first with the most votes (FnArgMax over the votes). What ONNX Runtime
// gives as its scores: the probabilities if it has them; else of two classes
// -s and s of the one score s (with a post_transform other than NONE: 1-s and
// s), of more the scores of the pairs. A regressor's out is one number.
//
// Sums of kernels are in float32, a product and a sum rounded each; a
// classifier adds the float32 products of kernels and coefficients in float64,
// first those of the lower class's vectors, then rho, and rounds that to
// float32 once.

// SVMParts are an SVM step's Ints and Data, taken apart.
type SVMParts struct {
	Classes, Vectors, Pairs int
	PerClass                []int
	OneClass                bool
	Gamma, Coef0, Degree    float64
	Support, Coef, Rho      []float64
	ProbA, ProbB            []float64 // nil if there are none
}

// SVM takes the Ints and Data of a checked SVM step apart.
func (s *Step) SVM(features int) (p SVMParts) {
	p.Classes, p.Vectors = s.Ints[0], s.Ints[1]
	rows := 1
	if p.Classes == 0 {
		p.Pairs, p.OneClass = 1, s.Ints[2] == 1
	} else {
		p.Pairs, p.PerClass, rows = pairs(p.Classes), s.Ints[2:], p.Classes-1
	}
	data := s.Data
	take := func(n int) []float64 {
		part := data[:n:n]
		data = data[n:]
		return part
	}
	kernel := take(3)
	p.Gamma, p.Coef0, p.Degree = kernel[0], kernel[1], kernel[2]
	p.Support, p.Coef, p.Rho = take(p.Vectors*features), take(rows*p.Vectors), take(p.Pairs)
	if len(data) > 0 {
		p.ProbA, p.ProbB = take(p.Pairs), take(p.Pairs)
	}
	return p
}

func pairs(classes int) int { return classes * (classes - 1) / 2 }

// svmShape returns what is wrong with the sizes of an SVM step, or "".
func (c *programCheck) svmShape(s *Step, in, out int) string {
	if c.p.Registers[s.Out].Type != TypeFloat32 {
		return "its register is not float32"
	}
	if len(s.Ints) != 3 && len(s.Ints) != 2+first(s.Ints) || first(s.Ints) == 1 {
		return "the whole numbers do not fit"
	}
	classes, vectors := s.Ints[0], s.Ints[1]
	rows, count, width := 1, 1, 1
	if classes == 0 {
		if s.Ints[2] > 1 {
			return "one_class is 0 or 1"
		}
	} else {
		if classes > MaxOutputs {
			return "too many classes"
		}
		all := 0
		for _, n := range s.Ints[2:] {
			if all += n; n > vectors || all > vectors {
				break
			}
		}
		if all != vectors {
			return "the vectors of the classes are not all vectors"
		}
		rows, count = classes-1, pairs(classes)
		width = count + classes
	}
	if vectors < 1 {
		return "has no vectors"
	}
	data := 3 + product(vectors, in) + product(rows, vectors) + count
	if classes > 0 && len(s.Data) == data+2*count {
		data += 2 * count
		width += classes
		c.work += product(200, classes, classes)
	}
	c.work += product(vectors, in) + product(rows, vectors)
	return counts(width, out, 0, 0, len(s.Data), data)
}

func first(list []int) int {
	if len(list) == 0 {
		return -1
	}
	return list[0]
}

// svm is the step SVM for one row.
func (s *Step) svm(t Type, out, in []float64) {
	p := s.SVM(len(in))
	kernels := make([]float64, p.Vectors)
	for v := range kernels {
		kernels[v] = s.kernel(in, p.Support[v*len(in):][:len(in)])
	}
	if p.Classes == 0 {
		sum := 0.0
		for v, k := range kernels {
			sum = t.round(sum + t.round(k*t.round(p.Coef[v])))
		}
		sum = t.round(sum + t.round(p.Rho[0]))
		out[0] = p.Decide(sum)
		return
	}
	p.votes(kernels, out)
	if p.ProbA != nil {
		p.Probabilities(out, make([]float64, p.Room()))
	}
}

// Decide is a regressor's answer.
func (p *SVMParts) Decide(sum float64) float64 {
	switch {
	case !p.OneClass:
		return sum
	case sum > 0:
		return 1
	}
	return -1
}

// kernel is the kernel of a row and a support vector.
func (s *Step) kernel(x, v []float64) float64 {
	const t = TypeFloat32
	sum := 0.0
	for i := range x {
		a, b := t.round(x[i]), t.round(v[i])
		if s.Fn == FnRBF {
			d := t.round(a - b)
			sum = t.round(sum + t.round(d*d))
		} else {
			sum = t.round(sum + t.round(a*b))
		}
	}
	return s.Kernel(sum)
}

// Kernel makes the kernel of the sum over the features.
func (s *Step) Kernel(sum float64) float64 {
	const t = TypeFloat32
	gamma, coef0, degree := t.round(s.Data[0]), t.round(s.Data[1]), t.round(s.Data[2])
	switch s.Fn {
	case FnLinear:
		return sum
	case FnRBF:
		return t.exp(t.round(-gamma * sum))
	}
	sum = t.round(t.round(gamma*sum) + coef0)
	switch {
	case s.Fn == FnTanh:
		return t.round(portable.Tanh(sum))
	case degree == 2:
		return t.round(sum * sum)
	case degree == 3:
		return t.round(t.round(sum*sum) * sum)
	}
	return t.round(portable.Pow(sum, degree))
}

// votes makes scores and votes of kernels.
func (p *SVMParts) votes(kernels, out []float64) {
	const t = TypeFloat32
	votes := out[p.Pairs:][:p.Classes]
	clear(votes)
	pair, startI := 0, 0
	for i := range p.Classes {
		startJ := startI + p.PerClass[i]
		for j := i + 1; j < p.Classes; j++ {
			sum := 0.0
			for v := startI; v < startI+p.PerClass[i]; v++ {
				sum += t.round(t.round(p.Coef[(j-1)*p.Vectors+v]) * kernels[v])
			}
			for v := startJ; v < startJ+p.PerClass[j]; v++ {
				sum += t.round(t.round(p.Coef[i*p.Vectors+v]) * kernels[v])
			}
			sum += t.round(p.Rho[pair])
			out[pair] = t.round(sum)
			votes[winner(sum, i, j)]++
			startJ += p.PerClass[j]
			pair++
		}
		startI += p.PerClass[i]
	}
}

func winner(sum float64, i, j int) int {
	if sum > 0 {
		return i
	}
	return j
}

// Room is how many numbers Probabilities needs to work.
func (p *SVMParts) Room() int { return 2*p.Classes*p.Classes + p.Classes }

// Probabilities makes the probabilities of classes of the scores of their
// pairs, both in out, by pairwise coupling: T.-F. Wu, C.-J. Lin and R. C. Weng,
// "Probability estimates for multi-class classification by pairwise coupling"
// (2004), algorithm 2, in float32 and with the constants of libsvm, which has
// the same names. room is as long as Room says.
func (p *SVMParts) Probabilities(out, room []float64) {
	const t = TypeFloat32
	n := p.Classes
	r, room := room[:n*n], room[n*n:]
	pair := 0
	for i := range n {
		for j := i + 1; j < n; j++ {
			v := t.round(t.round(out[pair]*t.round(p.ProbA[pair])) + t.round(p.ProbB[pair]))
			share := t.round(1 - t.round(LogisticStable.apply(v, 1, Float32)))
			r[i*n+j] = bounded(share)
			r[j*n+i] = t.round(1 - r[i*n+j])
			pair++
		}
	}
	probabilities := out[p.Pairs+n:][:n]
	q, qp := room[:n*n], room[n*n:][:n]
	couplings(r, q, n)
	eps := t.round(t.round(0.005) / float64(n))
	for i := range probabilities {
		probabilities[i] = t.round(1 / float64(n))
	}
	for range 100 {
		if !couple(probabilities, q, qp, eps) {
			break
		}
	}
}

// bounded keeps a share off 0 and 1.
func bounded(share float64) float64 {
	low, high := float64(float32(1e-7)), float64(1-float32(1e-7))
	switch {
	case share < low:
		return low
	case share > high:
		return high
	}
	return share
}

// couplings fills the matrix Q of the paper.
func couplings(r, q []float64, n int) {
	const t = TypeFloat32
	clear(q)
	for i := range n {
		for j := range n {
			switch {
			case j < i:
				q[i*n+j] = q[j*n+i]
			case j > i:
				q[i*n+j] = t.round(-r[j*n+i] * r[i*n+j])
			}
			if j != i {
				q[i*n+i] = t.round(q[i*n+i] + t.round(r[j*n+i]*r[j*n+i]))
			}
		}
	}
}

// couple is one round of the iteration; it says whether another one is needed.
func couple(p, q, qp []float64, eps float64) bool {
	const t = TypeFloat32
	n := len(p)
	all := 0.0
	for i := range n {
		qp[i] = 0
		for j := range n {
			qp[i] = t.round(qp[i] + t.round(q[i*n+j]*p[j]))
		}
		all = t.round(all + t.round(p[i]*qp[i]))
	}
	worst := 0.0
	for i := range n {
		if d := math.Abs(t.round(qp[i] - all)); d > worst {
			worst = d
		}
	}
	if worst < eps {
		return false
	}
	for i := range n {
		diff := t.round(t.round(-qp[i]+all) / q[i*n+i])
		p[i] = t.round(p[i] + diff)
		more := t.round(1 + diff)
		step := t.round(diff * t.round(t.round(diff*q[i*n+i])+t.round(2*qp[i])))
		all = t.round(t.round(t.round(all+step)/more) / more)
		for j := range n {
			qp[j] = t.round(t.round(qp[j]+t.round(diff*q[i*n+j])) / more)
			p[j] = t.round(p[j] / more)
		}
	}
	return true
}

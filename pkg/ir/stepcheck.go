package ir

import "fmt"

// shapes says what a step of a kind has: how many inputs (-1: any number from
// one on) and which functions.
var shapes = [...]struct {
	name     string
	in       int
	from, to Fn
}{
	Select:    {"select", -1, FnNone, FnNone},
	Convert:   {"convert", 1, FnNone, FnNone},
	Unary:     {"unary", 1, FnNeg, FnErf},
	Binary:    {"binary", 2, FnAdd, FnXor},
	Where:     {"where", 3, FnNone, FnNone},
	Reduce:    {"reduce", 1, FnSum, FnArgMin},
	CumSum:    {"cumsum", 1, FnNone, FnNone},
	SoftmaxOf: {"softmax", 1, FnSoftmax, FnLogSoftmax},
	Normalize: {"normalize", 1, FnL1, FnL2},
	MatMul:    {"matmul", 1, FnNone, FnNone},
	MatMulOf:  {"matmul of two", 2, FnNone, FnNone},
	Distances: {"distances", 1, FnSqEuclidean, FnMinkowski},
	TopK:      {"top k", 1, FnNone, FnNone},
	Table:     {"table", 1, FnNone, FnNone},
	Pick:      {"pick", 2, FnNone, FnNone},
	Map:       {"map", 1, FnNone, FnNone},
	OneHot:    {"one-hot", 1, FnNone, FnNone},
	Scale:     {"scale", 1, FnNone, FnNone},
	Impute:    {"impute", 1, FnNone, FnNone},
	Trees:     {"trees", 1, FnNone, FnNone},
	SVM:       {"svm", 1, FnLinear, FnRBF},
}

// String is the kind in a word, for messages.
func (k StepKind) String() string {
	if k > lastStepKind {
		return "unknown"
	}
	return shapes[k].name
}

// has says whether a kind of step can have a function.
func (k StepKind) has(f Fn) bool {
	if f >= shapes[k].from && f <= shapes[k].to {
		return true
	}
	switch k {
	case Binary:
		return f == FnFmod
	case Reduce:
		return f == FnMin || f == FnMax
	case Normalize:
		return f == FnMax
	case MatMul:
		return f == FnBiasFirst
	case SVM:
		return f == FnTanh
	}
	return false
}

// shape returns what is wrong with the sizes of a step, or "".
func (c *programCheck) shape(s *Step) string {
	if want := shapes[s.Kind].in; len(s.In) == 0 || want >= 0 && len(s.In) != want {
		return fmt.Sprintf("%d inputs, want %d", len(s.In), want)
	}
	if !s.Kind.has(s.Fn) {
		return fmt.Sprintf("cannot do function %d", s.Fn)
	}
	in, out := c.width(s, 0), c.p.Registers[s.Out].Width
	switch s.Kind {
	case Select:
		return c.selectShape(s, out)
	case Convert, Unary:
		return counts(in, out, len(s.Ints), 0, len(s.Data), 0)
	case Binary, Where:
		return c.elementwise(s, out)
	case Reduce, CumSum, SoftmaxOf, Normalize:
		return axisShape(s, in, out)
	case MatMul, MatMulOf:
		return c.matMulShape(s, in, out)
	case SVM:
		return c.svmShape(s, in, out)
	case Trees:
		if m := s.Model; m != nil && (m.Program != nil || len(m.FeatureNames) != in || m.Outputs != out) {
			return "its model has a program, or other features or outputs"
		}
		return counts(0, 0, len(s.Ints), 0, len(s.Data), 0)
	}
	return c.lookUpShape(s, in, out)
}

// counts compares widths and the numbers of Ints and Data.
func counts(gotOut, wantOut, gotInts, wantInts, gotData, wantData int) string {
	switch {
	case gotOut != wantOut:
		return fmt.Sprintf("gives %d numbers, its register has %d", gotOut, wantOut)
	case gotInts != wantInts:
		return fmt.Sprintf("%d whole numbers, want %d", gotInts, wantInts)
	case gotData != wantData:
		return fmt.Sprintf("%d numbers of data, want %d", gotData, wantData)
	}
	return ""
}

func (c *programCheck) selectShape(s *Step, out int) string {
	all := 0
	for i := range s.In {
		if all += c.width(s, i); all > MaxProgramData {
			return "too many inputs"
		}
	}
	for _, at := range s.Ints {
		if at >= all {
			return fmt.Sprintf("takes number %d of %d", at, all)
		}
	}
	return counts(len(s.Ints), out, 0, 0, len(s.Data), 0)
}

// elementwise judges steps whose operands are as wide as the output or one
// wide; at least one is as wide.
func (c *programCheck) elementwise(s *Step, out int) string {
	widest := 0
	for i := range s.In {
		w := c.width(s, i)
		if w != out && w != 1 {
			return fmt.Sprintf("an operand of %d numbers for %d", w, out)
		}
		widest = max(widest, w)
	}
	return counts(widest, out, len(s.Ints), 0, len(s.Data), 0)
}

func axisShape(s *Step, in, out int) string {
	ints, width := 3, in
	if s.Kind == CumSum {
		ints = 5
	}
	if len(s.Ints) != ints {
		return fmt.Sprintf("%d whole numbers, want %d", len(s.Ints), ints)
	}
	if product(s.Ints[:3]...) != in {
		return fmt.Sprintf("%d × %d × %d are not the input's %d numbers", s.Ints[0], s.Ints[1], s.Ints[2], in)
	}
	if s.Kind == Reduce {
		width = product(s.Ints[0], s.Ints[2])
	}
	return counts(width, out, 0, 0, len(s.Data), 0)
}

func (c *programCheck) matMulShape(s *Step, in, out int) string {
	if len(s.Ints) != 3 {
		return fmt.Sprintf("%d whole numbers, want 3", len(s.Ints))
	}
	m, k, n := s.Ints[0], s.Ints[1], s.Ints[2]
	if product(m, k) != in {
		return fmt.Sprintf("%d × %d are not the input's %d numbers", m, k, in)
	}
	weights := product(k, n)
	c.work += product(m, weights)
	if s.Kind == MatMulOf {
		return counts(product(m, n), out, c.width(s, 1), weights, len(s.Data), 0)
	}
	if len(s.Data) == weights+n || s.Fn == FnBiasFirst {
		weights += n
	}
	return counts(product(m, n), out, 0, 0, len(s.Data), weights)
}

// lookUpShape judges what is left.
func (c *programCheck) lookUpShape(s *Step, in, out int) string {
	ints, data := len(s.Ints), len(s.Data)
	first := 0
	if ints > 0 {
		first = s.Ints[0]
	}
	switch s.Kind {
	case Distances:
		want := product(first, in)
		if s.Fn == FnMinkowski {
			want++
		}
		c.work += product(first, in)
		return counts(first, out, ints, 1, data, want)
	case TopK:
		if ints != 3 || s.Ints[1] > 1 || s.Ints[2] > 1 || first > in {
			return fmt.Sprintf("cannot give the first %d of %d as %v", first, in, s.Ints)
		}
		return counts(first, out, 0, 0, data, 0)
	case Table:
		if ints != 2 || first < 1 {
			return "has no rows"
		}
		return counts(product(in, s.Ints[1]), out, 0, 0, data, product(first, s.Ints[1]))
	case Pick:
		return counts(c.width(s, 1), out, ints, 0, data, 0)
	case Map:
		return counts(in, out, ints, 1, data, 2*first+1)
	}
	return preprocessorShape(s, in, out)
}

// preprocessorShape judges the steps that prepare columns.
func preprocessorShape(s *Step, in, out int) string {
	ints, data := len(s.Ints), len(s.Data)
	switch s.Kind {
	case OneHot:
		all := 0
		for _, n := range s.Ints {
			if all += n; all > MaxProgramData {
				return "too many categories"
			}
		}
		return counts(all, out, ints, in, data, all)
	case Scale:
		return counts(in, out, ints, 0, data, 2*in)
	default: // Impute
		if ints != 1 || s.Ints[0] > 1 {
			return "fills what nothing is"
		}
		return counts(in, out, 0, 0, data, in+s.Ints[0])
	}
}

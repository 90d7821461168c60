package ir

import "fmt"

// Slice is the model of the boosting iterations from a up to, not including, b,
// as the library's own predict has it for such a range. It shares the trees.
// Its error is an *Error.
func (m *Model) Slice(a, b int) (*Model, error) {
	n := len(m.Iterations) - 1
	switch {
	case n < 0:
		return nil, unsound("", "has no boosting iterations to choose from")
	case a < 0 || b <= a || b > n:
		return nil, unsound("", "has the iterations 0:%d, not %d:%d", n, a, b)
	}
	s := *m
	from, to := m.Iterations[a], m.Iterations[b]
	if from < 0 || to < from || int(to) > len(m.Trees) {
		return nil, unsound(fmt.Sprintf("iteration %d", a), "is no range of the %d trees", len(m.Trees))
	}
	s.Trees = m.Trees[from:to:to]
	s.Iterations = nil
	for _, at := range m.Iterations[a : b+1] {
		s.Iterations = append(s.Iterations, at-from)
	}
	// A forest's mean is over what is left: of trees, or of iterations.
	switch m.Average {
	case 0:
	case len(m.Trees):
		s.Average = len(s.Trees)
	default:
		s.Average = m.Average * (b - a) / n
	}
	if a > 0 {
		s.Bias = nil // it counts as part of the first iteration (CatBoost)
	}
	s.BestIteration = max(-1, m.BestIteration-a)
	return &s, nil
}

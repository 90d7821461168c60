package ir

import (
	"fmt"
	"math"
	"slices"
)

// Bounds of a model. They are far beyond what libraries train and keep every
// index and every product of two of them within the engine's 32 bits.
const (
	MaxFeatures = 1 << 20
	MaxOutputs  = 1 << 16
	MaxTrees    = 1 << 20
	// MaxNodes bounds the nodes of all trees, and MaxValues the leaf values
	// that their leaves use: 2 GiB of either.
	MaxNodes  = 1 << 28
	MaxValues = 1 << 28
	// MaxCodes bounds the codes in all sets, the terms of all linear leaves, and
	// the numbers of all Recode lists, each by itself.
	MaxCodes = 1 << 28
	// MaxDepth bounds the steps from a root to a leaf, and so the time that
	// one tree takes. Trees of depth 6 to 30 are usual; a chain of a thousand
	// comes from an unbounded forest over sorted data.
	MaxDepth = 4096
)

// Error says where a model is unsound, and how.
type Error struct {
	Path    string // such as "tree 3: node 17"; "" is the model as a whole
	Message string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return "model: " + e.Message
	}
	return "model: " + e.Path + ": " + e.Message
}

func unsound(path, format string, args ...any) *Error {
	return &Error{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Check proves that m can be evaluated and compiled: every index is within
// bounds, every tree is a tree of bounded depth, and every number is one that
// the arithmetic of all processors agrees on. Its error is an *Error.
func Check(m *Model) error {
	if m != nil && m.Program != nil {
		return checkProgramModel(m)
	}
	if err := checkShape(m); err != nil {
		return err
	}
	if err := checkRecode(m); err != nil {
		return err
	}
	var all totals
	for t := range m.Trees {
		if err := checkTree(m, t, &all); err != nil {
			return err
		}
		for _, c := range []struct {
			name   string
			n, max int
		}{
			{"nodes", all.nodes, MaxNodes},
			{"leaf values", all.leaves * m.LeafWidth, MaxValues},
			{"codes in sets", all.codes, MaxCodes},
			{"terms of linear leaves", all.terms, MaxCodes},
		} {
			if c.n > c.max {
				return unsound(fmt.Sprintf("tree %d", t), "the model has more than %d %s", c.max, c.name)
			}
		}
	}
	return nil
}

// checkShape judges everything but the trees.
func checkShape(m *Model) error {
	if m == nil {
		return unsound("", "there is none")
	}
	counts := []struct {
		name     string
		n        int
		min, max int
	}{
		{"features", len(m.FeatureNames), 1, MaxFeatures},
		{"outputs", m.Outputs, 1, MaxOutputs},
		{"trees", len(m.Trees), 0, MaxTrees},
	}
	for _, c := range counts {
		if c.n < c.min || c.n > c.max {
			return unsound("", "%d %s, want %d to %d", c.n, c.name, c.min, c.max)
		}
	}
	switch {
	case m.LeafWidth != 1 && m.LeafWidth != m.Outputs:
		return unsound("", "leaves of %d values, want 1 or %d, the number of outputs", m.LeafWidth, m.Outputs)
	case m.Input > Float32 || m.Sum > Float32:
		return unsound("", "no such precision: input %d, sum %d", m.Input, m.Sum)
	case !m.Finish.Sound(m.Outputs):
		return unsound("", "no such link (%d), answer (%d), average (%d) or bias", m.Link, m.Returns, m.Average)
	}
	if n := len(m.Labels); n != 0 && m.Width() == m.Outputs && n != m.Outputs && (n != 2 || m.Outputs != 1) {
		return unsound("", "%d labels do not fit %d outputs", n, m.Outputs)
	}
	if m.Codes > lastCodeRule || m.Aggregate > lastAggregate {
		return unsound("", "no such rule of codes (%d) or aggregate (%d)", m.Codes, m.Aggregate)
	}
	if err := checkIterations(m); err != nil {
		return err
	}
	return checkBase(m)
}

func checkBase(m *Model) error {
	if len(m.Base) != m.Outputs {
		return unsound("base", "%d values, want %d, one an output", len(m.Base), m.Outputs)
	}
	for i, b := range m.Base {
		if !finite(m.Sum.Round(b)) {
			return unsound(fmt.Sprintf("base %d", i), "is not finite")
		}
	}
	return nil
}

// checkIterations: boosting iterations are ranges of trees, one after another.
func checkIterations(m *Model) error {
	if len(m.Iterations) == 0 {
		return nil
	}
	last := int32(0)
	for i, at := range m.Iterations {
		if i == 0 && at != 0 || at < last {
			return unsound(fmt.Sprintf("iteration %d", i), "starts at tree %d, the one before at %d", at, last)
		}
		last = at
	}
	if int(last) != len(m.Trees) {
		return unsound(fmt.Sprintf("iteration %d", len(m.Iterations)-1), "ends at tree %d of %d", last, len(m.Trees))
	}
	return nil
}

// checkRecode: each number of a feature's list has one place.
func checkRecode(m *Model) error {
	if len(m.Recode) == 0 {
		return nil
	}
	if len(m.Recode) != len(m.FeatureNames) {
		return unsound("recode", "%d lists, want %d, one a feature", len(m.Recode), len(m.FeatureNames))
	}
	all := 0
	for f, list := range m.Recode {
		if all += len(list); all > MaxCodes {
			return unsound("recode", "more than %d numbers", MaxCodes)
		}
		sorted := slices.Clone(list)
		slices.Sort(sorted)
		for i, x := range sorted {
			if math.IsNaN(x) || i > 0 && x == sorted[i-1] {
				return unsound(fmt.Sprintf("recode of feature %d", f), "%v is not a number, or stands twice", x)
			}
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

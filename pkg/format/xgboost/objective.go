package xgboost

import (
	"math"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/portable"
)

// task is what an objective's outputs are.
type task uint8

const (
	regression  task = iota
	twoClasses       // one output for two classes
	manyClasses      // one output a class
)

// start is how a base score becomes a margin: the objective's ProbToMargin.
type start uint8

const (
	asIs start = iota
	logit
	logarithm
	gaps // of expectiles
)

// objective is what XGBoost does with base scores and margins.
type objective struct {
	known   bool
	task    task
	start   start
	link    ir.Link
	returns ir.Returns
}

// objectiveOf knows XGBoost's objectives by name (XGBOOST_REGISTER_OBJECTIVE in
// src/objective). Of others nothing is known: their margins are their values.
func objectiveOf(name string) objective {
	o := objective{known: true}
	switch name {
	case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror",
		"reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map":
	case "reg:logistic":
		o.start, o.link = logit, ir.Logistic
	case "binary:logistic":
		o.task, o.start, o.link = twoClasses, logit, ir.Logistic
	case "binary:logitraw":
		// Predict returns the margin; the class is told from its probability.
		o.task, o.link, o.returns = twoClasses, ir.Logistic, ir.ReturnsMargin
	case "binary:hinge":
		o.task, o.link = twoClasses, ir.Hinge
	case "multi:softprob":
		o.task, o.link = manyClasses, ir.Softmax
	case "multi:softmax":
		o.task, o.link, o.returns = manyClasses, ir.Softmax, ir.ReturnsClass
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		o.start, o.link = logarithm, ir.Exp
	case "reg:expectileerror":
		o.start, o.link = gaps, ir.Expectiles
	default:
		o.known = false
	}
	return o
}

// tiny is kRtEps of XGBoost (include/xgboost/base.h).
const tiny = float32(1e-6)

// margins makes margins of base scores, in place, in float32. It returns the first score that an objective does not take, or
// -1.
func (s start) margins(scores []float32) int {
	switch s {
	case logit:
		return each(scores, func(b float32) (float32, bool) {
			// Scores of 0 and 1 are taken since 3.1, as the nearest inside.
			p := min(max(b, tiny), 1-tiny)
			return -portable.Log32(1/p - 1), b >= 0 && b <= 1
		})
	case logarithm:
		return each(scores, func(b float32) (float32, bool) { return portable.Log32(b), b > 0 })
	case gaps:
		for i := len(scores) - 1; i > 0; i-- {
			scores[i] = softPlusInverse(scores[i] - scores[i-1] - tiny)
		}
	}
	return each(scores, func(b float32) (float32, bool) { return b, true })
}

func each(list []float32, f func(float32) (float32, bool)) int {
	for i, b := range list {
		m, ok := f(b)
		if !ok || m-m != 0 {
			return i
		}
		list[i] = m
	}
	return -1
}

// softPlusInverse is SoftPlusInv of src/common/math.h of XGBoost 3.3.
func softPlusInverse(x float32) float32 {
	x = max(x, tiny)
	return x + portable.Log32(-float32(portable.Expm1(-float64(x))))
}

// roundable says whether x has a nearest float32 that is finite.
func roundable(x float64) bool { return !math.IsInf(float64(float32(x)), 0) && x == x }

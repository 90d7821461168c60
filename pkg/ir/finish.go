package ir

import (
	"math"

	"example.com/copse/pkg/ir/portable"
)

// Link turns a row's margins into its values. Numbers are part of the bundle's
// format: append only.
type Link uint8

const (
	// Identity: values are the margins.
	Identity Link = iota
	// Logistic is XGBoost's sigmoid, in float32 (src/common/math.h):
	// 1 / (exp(min(-x, 88.7)) + 1 + 1e-16).
	Logistic
	// Sigmoid is 1 / (1 + exp(-Param·x)), each output by itself (LightGBM,
	// CatBoost).
	Sigmoid
	// Softmax is exp(x - max) over its sum: XGBoost's with float32 exponentials
	// and a float64 sum, LightGBM's in float64, by the precision of the sum.
	Softmax
	// Exp is the exponential.
	Exp
	// SignedSquare is sign(x)·x² (LightGBM's "regression sqrt").
	SignedSquare
	// Log1pExp is log(1 + exp(x)) (LightGBM's cross_entropy_lambda).
	Log1pExp
	// Hinge is 1 where x > 0, else 0 (XGBoost's binary:hinge).
	Hinge
	// LogisticStable is 1/(1+exp(-|x|)), and 1 minus it for a negative x:
	// ONNX's post_transform LOGISTIC.
	LogisticStable
	// SoftmaxZero is Softmax over the margins that are not 0, which stay 0, and
	// Probit the inverse of the normal distribution: ONNX's post_transforms.
	SoftmaxZero
	Probit
	// FastExp is the exponential by portable.FastExp, and FastSoftmax the softmax
	// by it, both in float64: CatBoost's.
	FastExp
	FastSoftmax
	// Expectiles are margins of which each but the first is how much more than
	// the one before, before a softplus: XGBoost's reg:expectileerror, in float32.
	Expectiles
	// Ascending is a row's margins in ascending order: XGBoost's
	// reg:quantileerror since 3.4.
	Ascending
	lastLink = Ascending
)

// Returns is what the library's own predict returns, made from the values.
type Returns uint8

const (
	// ReturnsValues: the values.
	ReturnsValues Returns = iota
	// ReturnsClass: the index of the largest margin (XGBoost's multi:softmax).
	ReturnsClass
	// ReturnsBoth: for one probability p, 1 - p and p (CatBoost).
	ReturnsBoth
	// ReturnsMargin: the margins (XGBoost's binary:logitraw, whose values are
	// probabilities here so that classes can be told).
	ReturnsMargin
	lastReturns = ReturnsMargin
)

// OfMargins says whether it is made from the margins: classes too, because
// unlike margins may have the same probability.
func (r Returns) OfMargins() bool { return r == ReturnsMargin || r == ReturnsClass }

// Append appends what the library's predict returns for one row's values, which
// must be the margins if OfMargins says so.
func (r Returns) Append(dst, values []float64) []float64 {
	switch r {
	case ReturnsClass:
		best := 0
		for i, v := range values {
			if v > values[best] {
				best = i
			}
		}
		return append(dst, float64(best))
	case ReturnsBoth:
		return append(dst, 1-values[0], values[0])
	}
	return append(dst, values...)
}

// Finish is what a library does with a row's sums.
type Finish struct {
	// Scale and Bias make margins of sums: sum × Scale + Bias, each step rounded
	// to the precision of the sum. Scale 0 is 1; Bias is empty or one an output
	// (CatBoost).
	Scale float64
	Bias  []float64
	// Average divides margins before the link; 0 is 1: the trees of a forest
	// whose values are shares or means, LightGBM's iterations.
	Average int
	Link    Link
	// Param is the link's parameter (LightGBM's sigmoid); 0 is 1.
	Param   float64
	Returns Returns
}

// Sound says whether f can be applied to so many outputs.
func (f *Finish) Sound(outputs int) bool {
	for _, b := range f.Bias {
		if !finite(b) {
			return false
		}
	}
	return f.Link <= lastLink && f.Returns <= lastReturns &&
		f.Average >= 0 && f.Average <= MaxTrees &&
		finite(f.Scale) && finite(f.Param) &&
		(len(f.Bias) == 0 || len(f.Bias) == outputs) &&
		(f.Returns != ReturnsBoth || outputs == 1)
}

// Margins turns the sums of rows, outputs each, into margins, in place.
func (f *Finish) Margins(sums []float64, outputs int, p Precision) {
	if f.Scale != 0 || len(f.Bias) > 0 {
		f.scale(sums, outputs, p)
	}
	oneNaN(sums)
}

func (f *Finish) scale(sums []float64, outputs int, p Precision) {
	scale := f.Scale
	if scale == 0 {
		scale = 1
	}
	for i, v := range sums {
		v = p.Round(v * scale)
		if len(f.Bias) > 0 {
			v = p.add(v, p.Round(f.Bias[i%outputs]))
		}
		sums[i] = v
	}
}

// Values turns the margins of rows, outputs each, into values, in place. The
// engine calls it too: there is one copy of each transform.
func (f *Finish) Values(margins []float64, outputs int, p Precision) {
	if f.Average > 1 {
		n := float64(f.Average)
		for i, v := range margins {
			margins[i] = p.divide(v, n)
		}
	}
	f.link(margins, outputs, p)
	oneNaN(margins)
}

func (f *Finish) link(margins []float64, outputs int, p Precision) {
	switch f.Link {
	case Identity:
	case Softmax, SoftmaxZero:
		for ; len(margins) >= outputs; margins = margins[outputs:] {
			softmax(margins[:outputs], p, f.Link == SoftmaxZero)
		}
	case FastSoftmax:
		for ; len(margins) >= outputs; margins = margins[outputs:] {
			fastSoftmax(margins[:outputs])
		}
	case Expectiles:
		for ; len(margins) >= outputs; margins = margins[outputs:] {
			expectiles(margins[:outputs])
		}
	case Ascending:
		for ; len(margins) >= outputs; margins = margins[outputs:] {
			ascending(margins[:outputs])
		}
	default:
		param := f.Param
		if param == 0 {
			param = 1
		}
		for i, v := range margins {
			margins[i] = p.Round(f.Link.apply(v, param, p))
		}
	}
}

// apply is a link of one number. The result is to be rounded.
func (l Link) apply(x, param float64, p Precision) float64 {
	switch l {
	case Logistic:
		return float64(logistic(float32(x)))
	case Sigmoid:
		return p.divide(1, p.add(1, exp(p.Round(-param*x), p)))
	case Exp:
		return exp(x, p)
	case SignedSquare:
		return math.Copysign(p.Round(x*x), x)
	case Log1pExp:
		return portable.Log1p(exp(x, p))
	case Hinge:
		if x > 0 {
			return 1
		}
		return 0
	case LogisticStable:
		v := p.divide(1, p.add(1, exp(-math.Abs(x), p)))
		if x < 0 {
			v = p.add(1, -v)
		}
		return v
	case Probit:
		return float64(probit(float32(x)))
	case FastExp:
		return portable.FastExp(x)
	}
	return x
}

// exp is the exponential in the precision, as the C library has it in either.
func exp(x float64, p Precision) float64 {
	if p == Float32 {
		return float64(portable.Exp32(float32(x)))
	}
	return portable.Exp(x)
}

// logistic is XGBoost's, step by step in float32.
func logistic(x float32) float32 {
	const limit, tiny = 88.7, 1e-16
	e := portable.Exp32(min(-x, limit))
	return 1 / (e + 1 + tiny)
}

// probit is the inverse of the normal distribution by Winitzki's approximation
// of the inverse error function, step by step in float32 as ONNX Runtime has it.
func probit(p float32) float32 {
	const a = 0.147
	x := float32(2*p) - 1
	l := float32(portable.Log(float64((1 - x) * (1 + x))))
	v := float32(2/(math.Pi*a)) + float32(0.5*l)
	root := float32(math.Sqrt(float64(float32(v*v) - float32(float32(1/a)*l))))
	e := float32(math.Sqrt(float64(root - v)))
	if x < 0 {
		e = -e
	}
	return float32(math.Sqrt2 * e)
}

// ascending sorts one row by insertion, as XGBoost does, so that a NaN moves
// nothing past it.
func ascending(row []float64) {
	for i := 1; i < len(row); i++ {
		v, at := row[i], i
		for ; at > 0 && row[at-1] > v; at-- {
			row[at] = row[at-1]
		}
		row[at] = v
	}
}

// softmax does one row in place. zeros keeps margins of 0 out of it.
func softmax(row []float64, p Precision, zeros bool) {
	top := math.Inf(-1)
	for _, v := range row {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range row {
		if zeros && v == 0 {
			continue
		}
		row[i] = exp(p.add(v, -top), p)
		sum += row[i]
	}
	for i, v := range row {
		if zeros && v == 0 {
			continue
		}
		row[i] = p.divide(v, p.Round(sum))
	}
}

// expectiles does one row in place, as ExpectileRegression::PredTransform of
// XGBoost 3.3 does (src/objective/regression_obj.cu).
func expectiles(row []float64) {
	const least = float32(1e-6) // between one and the next
	last := float32(row[0])
	for i, v := range row[1:] {
		last += least + softPlus(float32(v))
		row[1+i] = float64(last)
	}
}

// softPlus is log(1 + exp(x)) in float32.
func softPlus(x float32) float32 {
	more := max(x, 0)
	e := portable.Exp32(-float32(math.Abs(float64(x))))
	return more + float32(portable.Log1p(float64(e)))
}

// fastSoftmax does one row in place. CatBoost computes the exponentials four at
// a time, where they do not fall to 0, and the last one to three one by one.
func fastSoftmax(row []float64) {
	const lanes = 4
	top := math.Inf(-1)
	for _, v := range row {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range row {
		row[i] = portable.FastExp(v - top)
		if i < len(row)/lanes*lanes {
			row[i] = max(row[i], portable.Least)
		}
		sum += row[i]
	}
	for i, v := range row {
		row[i] = v / sum
	}
}

package ir

import (
	"math"

	"example.com/copse/pkg/ir/portable"
)

// Unary is what the step Unary does, for any number of values.
func (f Fn) Unary(t Type, out, in []float64) {
	for i, x := range in {
		out[i] = t.round(f.unary(t, x))
	}
}

func (f Fn) unary(t Type, x float64) float64 {
	switch f {
	case FnNeg:
		return -x
	case FnAbs:
		return math.Abs(x)
	case FnSqrt:
		return math.Sqrt(x)
	case FnReciprocal:
		return 1 / x
	case FnRelu:
		if x < 0 {
			return 0
		}
		return x
	case FnSign:
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	case FnFloor:
		return math.Floor(x)
	case FnCeil:
		return math.Ceil(x)
	case FnRound:
		return math.RoundToEven(x)
	case FnNot:
		return truth(x == 0)
	case FnIsNaN:
		return truth(x != x)
	}
	return f.exponential(t, x)
}

// exponential computes what is made of exponentials and logarithms.
func (f Fn) exponential(t Type, x float64) float64 {
	switch f {
	case FnExp:
		return t.exp(x)
	case FnLog:
		return portable.Log(x)
	case FnSigmoid:
		return 1 / (1 + t.exp(-x))
	case FnTanh:
		return portable.Tanh(x)
	case FnSoftplus:
		return max(x, 0) + portable.Log1p(t.exp(-math.Abs(x)))
	default: // FnErf
		return portable.Erf(x)
	}
}

// Binary is what the step Binary does, for any number of values; an operand of
// one value is the same for all.
func (f Fn) Binary(t Type, out, a, b []float64) {
	for i := range out {
		out[i] = t.round(f.binary(t, at(a, i), at(b, i)))
	}
}

func (f Fn) binary(t Type, a, b float64) float64 {
	switch f {
	case FnAdd:
		return a + b
	case FnSub:
		return a - b
	case FnMul:
		return a * b
	case FnDiv:
		return divide(t, a, b)
	case FnPow:
		return portable.Pow(a, b)
	case FnMod, FnFmod:
		return f.remainder(t, a, b)
	case FnMin:
		return min(a, b)
	case FnMax:
		return max(a, b)
	case FnEqual:
		return truth(a == b)
	case FnLess:
		return truth(a < b)
	case FnLessEqual:
		return truth(a <= b)
	case FnGreater:
		return truth(a > b)
	case FnGreaterEqual:
		return truth(a >= b)
	case FnAnd:
		return truth(a != 0 && b != 0)
	case FnOr:
		return truth(a != 0 || b != 0)
	default: // FnXor
		return truth((a != 0) != (b != 0))
	}
}

func divide(t Type, a, b float64) float64 {
	if t != TypeInt64 {
		return a / b
	}
	if b == 0 {
		return 0
	}
	return math.Trunc(a / b)
}

// remainder is FnMod, with the sign of the divisor, or FnFmod.
func (f Fn) remainder(t Type, a, b float64) float64 {
	if t == TypeInt64 && b == 0 {
		return 0
	}
	r := math.Mod(a, b)
	if f == FnMod && r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

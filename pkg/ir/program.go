package ir

// Type is the type of a register's numbers. All are kept as float64; a step
// rounds its result to its type.
type Type uint8

const (
	TypeFloat64 Type = iota
	TypeFloat32
	// TypeInt64 is a whole number; beyond 2^53 it is rounded.
	TypeInt64
	TypeBool // 0 or 1
	// TypeText is a category's code among the texts of its column; what is none
	// of them is NaN.
	TypeText
	lastType = TypeText
)

// NoRegister stands for a register that there is not.
const NoRegister = -1

// Program computes a row's output from its features by steps over registers.
// Register 0 is the row, rounded to Model.Input, which is its type too; each
// other one is written once, by a constant or by one step, before it is read.
// Whatever has no influence from the row was computed when the file was read.
//
// A step computes in float64 and rounds every result to the type of its
// register: for + - × ÷ and the square root of float32 numbers that is float32
// arithmetic to the bit. No product is fused with a sum. What comes out as NaN
// is always the same NaN, math.NaN.
//
// A model with a program has no trees, no Base, LeafWidth 0 or 1, and Sum says
// the precision of its Finish: Float32 only where Output is of TypeFloat32.
//
// Question: a tensor runtime? Choice: no. A register is a fixed number of
// values of one row; a reader turns shapes, broadcasts, transpositions and
// slices into Select steps with the places of the values, so that steps are few,
// coarse, and as simple for one row as for a block. What would change it:
// models whose shapes depend on the data.
type Program struct {
	Registers []Register
	Constants []Constant
	Steps     []Step
	// Output is the register of the margins.
	Output int32
	// Class is the register, one wide, of the index of the predicted class, or
	// NoRegister where it is told from the values. The class is a whole number
	// from 0 on and below MaxOutputs, whatever the register holds; Model.Labels
	// may be as many as there are classes.
	Class int32
	// Final says that the output is what the library's predict returns, and
	// that there are no margins to show.
	Final bool
}

// Register is Width numbers of a row.
type Register struct {
	Width int
	Type  Type
}

// Constant is a register that is the same for all rows.
type Constant struct {
	Register int32
	Values   []float64
}

// Step writes the register Out from the registers In. Kind says how, and which
// of the other fields it uses (see the kinds).
type Step struct {
	Kind  StepKind
	Fn    Fn
	In    []int32
	Out   int32
	Ints  []int
	Data  []float64
	Model *Model
}

// StepKind is a kind of step. Numbers are part of the bundle's format: append
// only. "type" is the type of the register Out.
type StepKind uint8

const (
	// Select: out[i] = (in[0] ++ in[1] ++ …)[Ints[i]]. It is every movement of
	// values: concatenation, slices, transpositions, broadcasts.
	Select StepKind = iota
	// Convert: out[i] = in[i] rounded to the type; to TypeInt64 truncated toward
	// 0 (NaN and numbers beyond it are -2^63, as x86-64 has it), to TypeBool 1
	// where it is not 0.
	Convert
	// Unary: out[i] = Fn(in[i]).
	Unary
	// Binary: out[i] = Fn(in0[i], in1[i]), where an operand one wide is the same
	// for all i. Comparisons give 0 or 1.
	Binary
	// Where: out[i] = in1[i] where in0[i] is not 0, else in2[i].
	Where
	// Reduce: in is Ints[0] × Ints[1] × Ints[2] (outer, reduced, inner); out is
	// outer × inner by Fn (FnSum … FnArgMin, FnMin, FnMax). Sums are rounded at
	// each addition, in order.
	Reduce
	// CumSum: in and out are Ints[0] × Ints[1] × Ints[2], summed along the
	// middle; Ints[3] is 1 for exclusive, Ints[4] for reverse.
	CumSum
	// SoftmaxOf: as CumSum's shape; Fn is FnSoftmax or FnLogSoftmax over the middle.
	SoftmaxOf
	// Normalize: as CumSum's shape; Fn is FnMax, FnL1 or FnL2: divided by the norm
	// over the middle; a norm of 0 leaves values as they are. FnMax is the
	// largest value, not the largest magnitude (ONNX's Normalizer).
	Normalize
	// MatMul: in is Ints[0] × Ints[1] (m × k) and Data k × Ints[2] (n), row-major,
	// then optionally n numbers of bias: out is m × n. Products are added in the
	// order of k from 0, product and sum each rounded to the type, then the bias.
	// Data is rounded to the type first. Fn is FnNone, or FnBiasFirst, which
	// starts from the bias instead and passes over NaN of in (XGBoost's gblinear).
	MatMul
	// MatMulOf: in0 is Ints[0] × Ints[1], in1 is Ints[1] × Ints[2], as MatMul.
	MatMulOf
	// Distances: Data holds Ints[0] vectors as wide as in; out[i] is the distance
	// by Fn (FnSqEuclidean, FnEuclidean, FnManhattan, FnChebyshev, FnCosine,
	// FnMinkowski with the power in one more number at the end of Data).
	Distances
	// TopK: out is Ints[0] numbers: of in's largest (Ints[1] = 1) or least, in
	// order, the first of equals first, NaN last, the values (Ints[2] = 0) or the
	// indices (1).
	TopK
	// Table: in holds indices; out has, for each, a row of the table Data, which
	// is Ints[0] rows wide Ints[1]. An index is truncated toward 0, a negative one
	// counts from the end; one outside is the last or the first; NaN is 0.
	Table
	// Pick: out[i] = in0[in1[i]], bounded as in Table.
	Pick
	// Map: out[i] = the value that Data has for in[i]: Data is keys, as many
	// values, and a default (Ints[0] keys); the first of equal keys counts, and
	// NaN is a key like any other.
	Map
	// OneHot: Ints[i] categories for column i of in, their numbers in Data, one
	// column after the other; out is 1 where the value equals, else 0. NaN equals
	// nothing.
	OneHot
	// Scale: out[i] = (in[i] - Data[i]) × Data[width+i], each step rounded.
	Scale
	// Impute: out[i] = Data[i] where in[i] is NaN (Ints[0] = 0) or equals
	// Data[width] (Ints[0] = 1), else in[i].
	Impute
	// Trees: the values of Model, which has no Program, and whose features are
	// in; out has its Outputs.
	Trees
	// SVM: out is a support vector machine's scores and votes (see svm.go).
	SVM
	lastStepKind = SVM
)

// Fn is a function of a step. Numbers are part of the bundle's format: append
// only.
type Fn uint8

const (
	FnNone Fn = iota

	// Of Unary.

	FnNeg
	FnAbs
	FnExp
	FnLog
	FnSqrt
	FnReciprocal
	FnSigmoid
	FnTanh
	FnRelu
	FnSign
	FnFloor
	FnCeil
	FnRound // to even
	FnNot
	FnIsNaN
	FnSoftplus
	FnErf

	// Of Binary; FnMax and FnMin of Reduce too.

	FnAdd
	FnSub
	FnMul
	FnDiv // of TypeInt64 truncated toward 0
	FnPow
	FnMod // with the sign of the divisor; of a TypeInt64 by 0 it is 0, as is FnDiv
	FnMin
	FnMax
	FnEqual
	FnLess
	FnLessEqual
	FnGreater
	FnGreaterEqual
	FnAnd
	FnOr
	FnXor

	// Of Reduce.

	FnSum
	FnMean
	FnProd
	FnSumSquare
	FnLogSumExp
	FnL1
	FnL2
	FnArgMax // the first of equals
	FnArgMin

	// Of SoftmaxOf.

	FnSoftmax
	FnLogSoftmax

	// Of MatMul.

	FnBiasFirst

	// Of Distances.

	FnSqEuclidean
	FnEuclidean
	FnManhattan
	FnChebyshev
	FnCosine
	FnMinkowski

	// Kernels of SVM, and FnTanh, which ONNX calls SIGMOID.

	FnLinear
	FnPoly
	FnRBF

	// FnFmod, of Binary, is the remainder with the sign of the dividend.
	FnFmod
	lastFn = FnFmod
)

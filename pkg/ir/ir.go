// Package ir is a trained model as its library means it: the library's
// arithmetic kept as data, and a slow, plain Eval that is the reference for
// every faster way to score.
//
// Readers (pkg/format) build a Model, Check proves it sound, and pkg/engine
// compiles it. Nothing here knows requests, rows of text or files.
//
// Question: may a model hold values that are not finite? Choice: a threshold
// may be infinite, which only sends every number one way, but never NaN; leaf
// values and bases must be finite in the precision of the sum. Why: from
// finite terms a sum can overflow to an infinity but never become NaN, whose
// sign differs between processors, so answers have the same bits everywhere.
// What would change it: a library that saves such leaves and means them.
//
// Question: may a tree hold nodes that its root does not reach? Choice: yes,
// and nothing is asked of them. Why: XGBoost leaves deleted nodes in its
// files; neither Eval nor the engine ever looks at them.
//
// Question: what of a linear leaf, of which an infinite feature can make a NaN?
// Choice: a margin and a value that are NaN are always the same NaN, math.NaN.
package ir

// Precision is the floating-point type in which a library does a step.
type Precision uint8

const (
	Float64 Precision = iota
	Float32
)

// Op is how an inner node decides; true goes left.
type Op uint8

const (
	// LT goes left on x < threshold (XGBoost, golearn's CART).
	LT Op = iota
	// LE goes left on x <= threshold (LightGBM, scikit-learn, golearn's ID3).
	LE
	// In goes left when x is the code of a category in the node's set. A
	// library that sends members right has its children swapped by the reader.
	In
	lastOp = In
)

// Missing is which values a library takes for missing at a node.
type Missing uint8

const (
	// MissingNaN: NaN is missing and goes where MissingLeft says.
	MissingNaN Missing = iota
	// MissingNone: nothing is missing; NaN counts as 0 (LightGBM).
	MissingNone
	// MissingZero: NaN and numbers no further than ZeroBand from 0 are missing
	// and go where MissingLeft says (LightGBM).
	MissingZero
	lastMissing = MissingZero
)

// ZeroBand is kZeroThreshold of LightGBM (include/LightGBM/meta.h), 1e-35f.
const ZeroBand = 1.0000000180025095e-35

// CodeRule is how a number becomes the code of a category. What is no code by
// the rule is in no set.
type CodeRule uint8

const (
	// CodeCast truncates toward 0, so that -0.5 is 0; below 0 and from 2^31 on
	// there is no code (LightGBM).
	CodeCast CodeRule = iota
	// CodeNonNegative has no code below 0 and from 2^24 on, and truncates the
	// rest (XGBoost).
	CodeNonNegative
	// CodeExact has codes only for whole numbers (ONNX's BRANCH_EQ, MEMBER).
	CodeExact
	lastCodeRule = CodeExact
)

// Node is an inner node or a leaf of a tree.
type Node struct {
	Threshold   float64 // of LT and LE
	Feature     int32   // index of the feature, or Leaf
	Left, Right int32   // children, indices in Tree.Nodes
	// Value is, in a leaf, the index of its first value in Tree.Values (leaves
	// may share values); in a node with the Op In, its set in Tree.Sets.
	Value int32
	// ID is, in a leaf, its number in the library's own leaf output.
	ID int32
	Op Op
	// Missing says what is missing, MissingLeft where it goes.
	Missing     Missing
	MissingLeft bool
}

// Leaf is the Feature of a leaf.
const Leaf = -1

// Tree is a decision tree; node 0 is its root.
type Tree struct {
	// Group is the output that the tree adds to when leaves are one wide.
	Group int
	Nodes []Node
	// Values holds the leaves' values, LeafWidth each.
	Values []float64
	// Sets are the sets of codes of nodes with the Op In: ascending, 0 or more.
	Sets [][]int32
	// Linear, if it is not nil, has a linear function for each of Values, which
	// are then one wide: LightGBM's linear trees.
	Linear []Linear
}

// Linear is a leaf that is a function of features: Const plus each coefficient
// times its feature, added in this order in the precision of the sum. Where
// one of the features is NaN the leaf's value counts instead. Features are as
// the nodes see them: recoded, rounded to Input, 0 in the zero band.
type Linear struct {
	Const    float64
	Features []int32
	Coeffs   []float64
}

// Aggregate is what is done with the leaves that a row reaches.
type Aggregate uint8

const (
	// Sum adds them to the base, in the order of the trees.
	Sum Aggregate = iota
	// Min and Max take the least and the largest, of equals the first, and add
	// the base to it; an output that no tree adds to is its base (ONNX).
	Min
	Max
	lastAggregate = Max
)

// Model is trees, or a program, and what the library does before and after.
type Model struct {
	Library   string // "golearn", "xgboost", …
	Version   string // of the library, where the file tells
	Objective string // in the library's own word

	FeatureNames []string // one a feature
	// Recode, if it is not empty, has for each feature nil, or the numbers that
	// stand for codes 0, 1, …: a value becomes its place among them, or NaN,
	// before anything else is done with it. LightGBM's numeric pandas categories
	// are such.
	Recode [][]float64
	// Labels are the class labels in the order of the outputs; empty for a
	// regressor. One output and two labels is a binary classifier whose value
	// is the probability of Labels[1].
	Labels []string

	// Input is the precision to which the library rounds features before it
	// compares them.
	Input Precision
	// ZeroBand takes numbers that, rounded to Input, are no further than ZeroBand
	// from 0 for 0 (LightGBM).
	ZeroBand bool
	// Codes is how numbers become the codes of categories.
	Codes CodeRule
	// Precision in which leaf values are added, in tree order.
	Sum Precision
	// Outputs is the number of sums, margins and values of a row.
	Outputs int
	// LeafWidth is 1 (a leaf adds to its tree's Group) or Outputs (a leaf adds
	// a vector).
	LeafWidth int
	// Base is where each output's sum starts.
	Base      []float64
	Trees     []Tree
	Aggregate Aggregate
	// Iterations, if it is not empty, says where each boosting iteration's
	// trees start, and at its end the number of trees.
	Iterations []int32
	// BestIteration is the library's own choice by early stopping, from 0, or
	// -1 or beyond the iterations where there is none.
	BestIteration int

	// Program, if it is not nil, stands in the place of trees: pipelines,
	// linear models, networks. Its output has Outputs numbers.
	Program *Program

	Finish
}

// Width is how many numbers an answer has: the values, and the index of the
// class where the model decides it itself.
func (m *Model) Width() int {
	if m.Program != nil && m.Program.Class != NoRegister {
		return m.Outputs + 1
	}
	return m.Outputs
}

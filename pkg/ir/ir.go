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
package ir

// Precision is the floating-point type in which a library does a step.
type Precision uint8

const (
	Float64 Precision = iota
	Float32
)

// Op is how an inner node compares a value with its threshold; true goes left.
type Op uint8

const (
	// LT goes left on x < threshold (XGBoost, golearn's CART).
	LT Op = iota
	// LE goes left on x <= threshold (LightGBM, scikit-learn, golearn's ID3).
	LE
)

// Link turns margins into values.
type Link uint8

const (
	// Identity: values are the margins.
	Identity Link = iota
	// Share divides each margin by the number of trees: vote shares of a
	// forest, or the mean of its leaves.
	Share
)

// Node is an inner node or a leaf of a tree.
type Node struct {
	Feature     int32 // index of the feature, or Leaf
	Left, Right int32 // children, indices in Tree.Nodes
	Threshold   float64
	Op          Op
	// MissingLeft is where NaN goes.
	MissingLeft bool
	// Value is, in a leaf, the index of its first value in Tree.Values; leaves
	// may share values.
	Value int32
	// ID is, in a leaf, its number in the library's own leaf output.
	ID int32
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
}

// Model is a sum of trees and what the library does before and after it.
type Model struct {
	Library   string // "golearn", "xgboost", …
	Version   string // of the library, where the file tells
	Objective string // in the library's own word

	FeatureNames []string // one a feature
	// Labels are the class labels in the order of the outputs; empty for a
	// regressor. One output and two labels is a binary classifier whose value
	// is the probability of Labels[1].
	Labels []string

	// Input is the precision to which the library rounds features before it
	// compares them.
	Input Precision
	// Sum is the precision in which leaf values are added, in tree order.
	Sum Precision
	// Outputs is the number of margins and of values.
	Outputs int
	// LeafWidth is 1 (a leaf adds to its tree's Group) or Outputs (a leaf adds
	// a vector).
	LeafWidth int
	// Base is where each output's sum starts.
	Base  []float64
	Trees []Tree
	Link  Link
}

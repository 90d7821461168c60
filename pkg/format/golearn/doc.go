// Package golearn reads models of github.com/sjwhitworth/golearn, without
// linking that library: its own archives of trees and forests, and the archive
// in which model/train keeps CART trees, which golearn cannot save.
//
// # golearn's archives
//
// A gzipped tar, written by base.ClassifierSerializer. Entries:
//
//	CLS_MANIFEST                    "golearn 1.0"
//	METADATA                        JSON; its "classifier" is often wrong and is not believed
//	tree, treeClassAttr             a single tree (ID3DecisionTree, RandomTree) and its class
//	[model/]NUM_CLASSIFIERS         uint64, little-endian: trees in a bag; model/ for RandomForest
//	[model/]CLASSIFIERS/i//tree     JSON of tree i, and beside it treeClassAttr
//	[model/]REFERENCE_INSTANCES*    ATTRS and CATTRS list the features and the class
//
// Question: what is believed? Choice: the structure. RandomForest, RandomTree
// and naive Bayes all call themselves "KNN". ID3DecisionTree.Save never closes
// its archive, so a stream that ends at an entry's border is whole; a bag's
// NUM_CLASSIFIERS shows whether trees are missing.
//
// A node (trees.DecisionTreeNode) with children asks for one attribute. A
// float goes to child "1" if it is greater than split_val, else (also NaN) to
// child "0". Other attributes go to the child that has their value's text. A
// node without children is a leaf, whatever its node_type.
//
// # Answers
//
// A forest's margins are the votes of its trees and its values votes/N. A
// single tree's values are the shares of the classes in its leaf, as
// ID3DecisionTree.PredictProba has them. Where golearn lets the order of a Go
// map decide, so that its own answer changes from call to call, the rule here is
// fixed, and always gives one of the answers that golearn may give:
//
//   - votes that tie: the first label in label order;
//   - a category that its node did not meet in training: the child with the
//     smallest text greater than the category's, else the one with the largest.
//     Categories are therefore coded in the order of their texts, which turns
//     every such node into comparisons with no subtree twice.
//
// A leaf whose classes tie has a class all the same, chosen when the tree was
// trained. That class gets the next larger float64 than its share, so that the
// prediction is golearn's and the share is off by one unit in the last place.
//
// # The CART archive
//
// A tar, gzipped or not:
//
//	copse-cart.json   the manifest: format, version, library version, task, and of every tree
//	                  its file and the features that its node's Feature counts, by name
//	schema.json       a schema file (pkg/schema)
//	trees/0.json …    golearn's own JSON of a tree's RootNode
//
// In a node (trees.classifierNode, trees.regressorNode) x < Threshold goes
// left; everything else, NaN too, goes right. Without the child there, the
// answer is LeftLabel or RightLabel (LeftPred, RightPred), a label's number in
// the schema. Several classifiers vote; of several regressors the mean is
// taken; both are sums in float64, in tree order, divided once.
//
// docs/golearn.md has the same for who writes such a file.
package golearn

package onnx

// lowerTreeClassifier is TreeEnsembleClassifier. What two classes mean is in
// no text: it is what ONNX Runtime does (tree_ensemble_aggregator.h), and what
// it does without meaning to is refused.
func lowerTreeClassifier(n *node) []*value {
	x := n.treeInput()
	f := n.oldForest("class", x)
	e, labels := n.classLabels("classlabels_strings", "classlabels_int64s")
	post := n.text("post_transform", "NONE")
	f.targets = len(labels)
	var index, scores *value
	switch {
	case len(labels) < 2:
		n.refuse("has one class")
	case len(labels) == 2 && f.only(0):
		index, scores = n.binaryTrees(f, x, post)
	case len(labels) == 2:
		index, scores = n.pairOfTrees(f, x, e, labels)
		scores = n.transform(post, scores)
	default:
		scores = n.run(f, x)
		index = n.topScored(f, scores)
		scores = n.transform(post, scores)
	}
	return []*value{n.labelled(e, labels, index), n.convert(scores, elemFloat)}
}

// only says whether all weights are for one class.
func (f *forest) only(class int32) bool {
	for _, w := range f.entries {
		if w.target != class {
			return false
		}
	}
	return true
}

// positive says whether no weight is below 0.
func (f *forest) positive() bool {
	for _, w := range f.entries {
		if w.value < 0 {
			return false
		}
	}
	return true
}

// binaryTrees is one score s for two classes: the weight of the second one,
// though its number is 0.
func (n *node) binaryTrees(f *forest, x *value, post string) (index, scores *value) {
	if len(f.base) > 1 {
		n.refuse("has %d base values for one score", len(f.base))
	}
	f.targets = 1
	s := n.run(f, x)
	bound := 0.0
	if f.positive() {
		bound = 0.5
	}
	index = n.positive(s, bound)
	switch post {
	case "LOGISTIC":
		return index, n.transform(post, n.mirrored(s))
	case "NONE", "SOFTMAX", "SOFTMAX_ZERO":
		if f.positive() {
			return index, n.complement(s)
		}
		return index, n.mirrored(s)
	}
	n.refuse("its post_transform %s of one score is not supported", quoted(post))
	return nil, nil
}

// pairOfTrees has weights for the second class, or for both.
func (n *node) pairOfTrees(f *forest, x *value, e elem, labels []float64) (index, scores *value) {
	if f.base != nil {
		n.refuse("has base values and two classes, which ONNX Runtime treats inconsistently")
	}
	if !n.always(f, 1) {
		n.refuse("some rows may reach no weight of the second class, which ONNX Runtime treats inconsistently")
	}
	scores = n.run(f, x)
	second := n.column(scores, 1)
	if f.only(1) {
		if f.positive() {
			return n.positive(second, 0.5), scores
		}
		return n.positive(second, 0), scores
	}
	if e != elemString && (labels[0] != 0 || labels[1] != 1) {
		n.refuse("has weights for both of two classes whose labels are not 0 and 1: ONNX Runtime answers 0 and 1 all the same")
	}
	return n.positive(second, 0), scores
}

// always says whether every row reaches a weight of a class: whether there is
// a tree of whose leaves each has one.
func (n *node) always(f *forest, class int32) bool {
	has := func(leaf int32) bool {
		for _, w := range f.leaf(leaf) {
			if w.target == class {
				return true
			}
		}
		return false
	}
	for _, root := range f.roots {
		all, stack := true, []int32{root}
		for all && len(stack) > 0 {
			n.visit(f, stack)
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if at >= 0 {
				stack = append(stack, f.splits[at].yes, f.splits[at].no)
			} else {
				all = has(^at)
			}
		}
		if all {
			return true
		}
	}
	return false
}

// topScored is the index of the largest score among the classes that a row
// reaches weights of.
func (n *node) topScored(f *forest, scores *value) *value {
	if f.base != nil {
		return n.top(scores)
	}
	found := make([]bool, f.targets)
	above := true
	for _, w := range f.entries {
		found[w.target] = true
		above = above && w.value > 0
	}
	var at []int64
	for class, ok := range found {
		if ok {
			at = append(at, int64(class))
		}
	}
	if above || f.full() {
		if len(at) == f.targets || above {
			return n.top(scores)
		}
	} else {
		for _, class := range at {
			if !n.always(f, int32(class)) {
				n.refuse("some rows may reach no weight of class %d, and not all weights are above 0, which is not supported", class)
			}
		}
		if len(at) == f.targets {
			return n.top(scores)
		}
	}
	among := n.top(n.takeAlong(scores, 1, at, []int{len(at)}))
	return n.table(elemInt64, whole(at), 1, among)
}

// full says whether every leaf has a weight for each class.
func (f *forest) full() bool {
	for i := range len(f.starts) - 1 {
		if len(f.leaf(int32(i))) != f.targets {
			return false
		}
	}
	return true
}

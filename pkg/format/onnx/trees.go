package onnx

import (
	"math"
	"slices"
)

func sortedOnce(list []float64) []float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// search is the place of x in a sorted list that has it.
func search(list []float64, x float64) float64 {
	i, _ := slices.BinarySearch(list, x)
	return float64(i)
}

// treeInput is the tensor that trees look at: float, or double.
func (n *node) treeInput() *value {
	v := n.tensorIn(0)
	n.numeric(v)
	if v.elem != elemDouble {
		v = n.convert(v, elemFloat)
	}
	return n.rows2(v)
}

// numbersAttr is an attribute of floats, or its form as a tensor of doubles.
func (n *node) numbersAttr(name string, double bool) []float64 {
	list := n.floats(name)
	if t := n.tensorAttr(name + "_as_tensor"); t != nil {
		if t.elem == elemDouble != double || !t.elem.float() {
			n.refuse("its %s_as_tensor is %s, which does not fit its input", name, t.elem.name())
		}
		list = n.constants[t.reg]
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// oldForest reads the attributes of versions 1 and 3. prefix is "class" or
// "target".
func (n *node) oldForest(prefix string, x *value) *forest {
	f := &forest{aggregate: "SUM", double: x.elem == elemDouble}
	n.ignore("nodes_hitrates", "nodes_hitrates_as_tensor")
	f.base = n.numbersAttr("base_values", f.double)
	t := &nodeTable{
		trees:   n.ints("nodes_treeids"),
		ids:     n.ints("nodes_nodeids"),
		feature: n.ints("nodes_featureids"),
		yes:     n.ints("nodes_truenodeids"),
		no:      n.ints("nodes_falsenodeids"),
		missing: n.ints("nodes_missing_value_tracks_true"),
		modes:   n.strings("nodes_modes"),
		values:  n.numbersAttr("nodes_values", f.double),
	}
	count := len(t.trees)
	for _, l := range []int{len(t.ids), len(t.feature), len(t.yes), len(t.no), len(t.modes), len(t.values)} {
		if l != count || count == 0 {
			n.refuse("its lists of nodes have different lengths (%d and %d)", count, l)
		}
	}
	if l := len(t.missing); l != 0 && l != count {
		n.refuse("its list nodes_missing_value_tracks_true has %d entries for %d nodes", l, count)
	}
	n.index(t)
	n.readSplits(t, f)
	n.readWeights(t, f, prefix)
	return f
}

// nodeTable is the nodes as the attributes of versions 1 and 3 list them.
type nodeTable struct {
	trees, ids, feature, yes, no, missing []int64
	modes                                 []string
	values                                []float64

	starts map[int64]int      // where a tree begins
	odd    map[[2]int64]int32 // nodes that do not stand at their number
	refs   []int32            // of each node, its split or ^leaf
}

// index finds the trees' roots: a tree's first node.
func (n *node) index(t *nodeTable) {
	t.starts, t.odd = map[int64]int{}, map[[2]int64]int32{}
	for i, tree := range t.trees {
		if i == 0 || tree != t.trees[i-1] {
			if _, twice := t.starts[tree]; twice {
				n.refuse("the nodes of tree %d stand in two places", tree)
			}
			t.starts[tree] = i
		}
		if int64(i-t.starts[tree]) == t.ids[i] {
			continue
		}
		key := [2]int64{tree, t.ids[i]}
		if _, twice := t.odd[key]; twice {
			n.refuse("node %d of tree %d stands twice", t.ids[i], tree)
		}
		t.odd[key] = int32(i)
	}
}

// find is the place of a node in the table, or -1.
func (t *nodeTable) find(tree, id int64) int32 {
	start, ok := t.starts[tree]
	if !ok {
		return -1
	}
	if id >= 0 && id < int64(len(t.trees)-start) {
		at := start + int(id)
		if t.trees[at] == tree && t.ids[at] == id {
			return int32(at)
		}
	}
	if at, ok := t.odd[[2]int64{tree, id}]; ok {
		return at
	}
	return -1
}

func (n *node) readSplits(t *nodeTable, f *forest) {
	t.refs = make([]int32, len(t.trees))
	var splits, leaves int32
	for i, name := range t.modes {
		if name == "LEAF" {
			t.refs[i] = ^leaves
			leaves++
			continue
		}
		t.refs[i] = splits
		splits++
	}
	f.splits = make([]split, splits)
	f.starts = make([]int32, leaves+1)
	for i, ref := range t.refs {
		if i == 0 || t.trees[i] != t.trees[i-1] {
			f.roots = append(f.roots, ref)
		}
		if ref < 0 {
			continue
		}
		f.splits[ref] = split{
			feature:    int(t.feature[i]),
			mode:       n.modeOf(t.modes[i]),
			value:      t.values[i],
			yes:        n.child(t, i, t.yes[i]),
			no:         n.child(t, i, t.no[i]),
			missingYes: len(t.missing) > 0 && t.missing[i] != 0,
		}
	}
}

func (n *node) modeOf(name string) mode {
	switch name {
	case "BRANCH_LEQ":
		return modeLE
	case "BRANCH_LT":
		return modeLT
	case "BRANCH_GTE":
		return modeGE
	case "BRANCH_GT":
		return modeGT
	case "BRANCH_EQ":
		return modeEqual
	case "BRANCH_NEQ":
		return modeNotEqual
	}
	n.refuse("its node mode %s is not supported", quoted(name))
	return 0
}

func (n *node) child(t *nodeTable, i int, id int64) int32 {
	at := t.find(t.trees[i], id)
	if at < 0 {
		n.refuse("node %d of tree %d has the child %d, which is not there", t.ids[i], t.trees[i], id)
	}
	return t.refs[at]
}

// readWeights brings the leaves' weights together.
func (n *node) readWeights(t *nodeTable, f *forest, prefix string) {
	trees, ids := n.ints(prefix+"_treeids"), n.ints(prefix+"_nodeids")
	targets, values := n.ints(prefix+"_ids"), n.numbersAttr(prefix+"_weights", f.double)
	if len(ids) != len(trees) || len(targets) != len(trees) || len(values) != len(trees) {
		n.refuse("its lists of weights have different lengths")
	}
	leaves := make([]int32, len(trees))
	for i := range trees {
		at := t.find(trees[i], ids[i])
		if at < 0 || t.refs[at] >= 0 {
			n.refuse("a weight is for node %d of tree %d, which is no leaf", ids[i], trees[i])
		}
		leaves[i] = ^t.refs[at]
		f.starts[leaves[i]+1]++
	}
	for i := 1; i < len(f.starts); i++ {
		f.starts[i] += f.starts[i-1]
	}
	f.entries = make([]weight, len(trees))
	next := slices.Clone(f.starts)
	for i, leaf := range leaves {
		target := targets[i]
		if target < 0 || target > math.MaxInt32 {
			n.refuse("a leaf adds to target %d", target)
		}
		f.entries[next[leaf]] = weight{int32(target), values[i]}
		next[leaf]++
	}
}

func lowerTreeRegressor(n *node) []*value {
	x := n.treeInput()
	f := n.oldForest("target", x)
	f.targets = int(min(n.int("n_targets", 1), maxWidth))
	f.aggregate = n.text("aggregate_function", "SUM")
	out := n.regression(n.text("post_transform", "NONE"), n.run(f, x))
	return one(n.convert(out, elemFloat))
}

// lowerTreeEnsemble is version 5: one operator for both tasks, without labels.
func lowerTreeEnsemble(n *node) []*value {
	x := n.treeInput()
	f := n.newForest(x)
	post := n.int("post_transform", 0)
	names := []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}
	if post < 0 || post >= int64(len(names)) {
		n.refuse("its post_transform %d is not supported", post)
	}
	return one(n.regression(names[post], n.run(f, x)))
}

func (n *node) newForest(x *value) *forest {
	f := &forest{double: x.elem == elemDouble, targets: int(min(n.int("n_targets", 0), maxWidth))}
	n.ignore("nodes_hitrates")
	aggregates := []string{"AVERAGE", "SUM", "MIN", "MAX"}
	a := n.int("aggregate_function", 1)
	if a < 0 || a >= int64(len(aggregates)) {
		n.refuse("its aggregate_function %d is not supported", a)
	}
	f.aggregate = aggregates[a]
	splits, modes, weights := n.list("nodes_splits"), n.list("nodes_modes"), n.list("leaf_weights")
	feature, yes, no := n.ints("nodes_featureids"), n.ints("nodes_truenodeids"), n.ints("nodes_falsenodeids")
	yesLeaf, noLeaf, targets := n.ints("nodes_trueleafs"), n.ints("nodes_falseleafs"), n.ints("leaf_targetids")
	missing := n.ints("nodes_missing_value_tracks_true")
	sets := n.sets()
	for _, l := range []int{len(modes), len(feature), len(yes), len(no), len(yesLeaf), len(noLeaf)} {
		if l != len(splits) {
			n.refuse("its lists of nodes have different lengths (%d and %d)", len(splits), l)
		}
	}
	if l := len(missing); l != 0 && l != len(splits) || len(targets) != len(weights) {
		n.refuse("its lists of nodes or leaves have different lengths")
	}
	for i, w := range weights {
		f.starts = append(f.starts, int32(i))
		f.entries = append(f.entries, weight{int32(max(-1, min(targets[i], math.MaxInt32))), w})
	}
	f.starts = append(f.starts, int32(len(weights)))
	for i := range splits {
		s := split{feature: int(feature[i]), value: splits[i], missingYes: len(missing) > 0 && missing[i] != 0}
		s.yes, s.no = n.reference(yes[i], yesLeaf[i], f, len(splits)), n.reference(no[i], noLeaf[i], f, len(splits))
		if modes[i] < 0 || modes[i] > float64(modeMember) {
			n.refuse("node %d has the mode %v", i, modes[i])
		}
		if s.mode = mode(modes[i]); s.mode == modeMember {
			if len(sets) == 0 {
				n.refuse("has fewer sets in membership_values than nodes that ask for them")
			}
			s.set, s.value, sets = sets[0], 0, sets[1:]
		}
		f.splits = append(f.splits, s)
	}
	for _, root := range n.ints("tree_roots") {
		f.roots = append(f.roots, n.reference(root, 0, f, len(splits)))
	}
	return f
}

// list is an attribute that is a tensor, as numbers.
func (n *node) list(name string) []float64 {
	t := n.tensorAttr(name)
	if t == nil {
		n.refuse("has no %s", name)
	}
	return n.constants[t.reg]
}

// sets are the sets of members, which NaN separate.
func (n *node) sets() (out [][]float64) {
	t := n.tensorAttr("membership_values")
	if t == nil {
		return nil
	}
	set := []float64{}
	for _, x := range n.constants[t.reg] {
		if x == x {
			set = append(set, x)
			continue
		}
		out = append(out, set)
		set = []float64{}
	}
	return append(out, set)
}

// reference is a child: a split, or ^i of leaf i.
func (n *node) reference(i, leaf int64, f *forest, splits int) int32 {
	count := int64(splits)
	if leaf != 0 {
		count = int64(len(f.entries))
	}
	if i < 0 || i >= count {
		n.refuse("names node or leaf %d of %d", i, count)
	}
	if leaf != 0 {
		return ^int32(i)
	}
	return int32(i)
}

package onnx

import (
	"math"

	"example.com/copse/pkg/ir"
)

// mode is how an inner node compares: the numbers of TreeEnsemble version 5.
type mode uint8

const (
	modeLE mode = iota
	modeLT
	modeGE
	modeGT
	modeEqual
	modeNotEqual
	modeMember
	modeLeaf // of versions 1 and 3 only
)

// forest is a tree ensemble of any version. A child is the index of a split,
// or ^i for leaf i.
type forest struct {
	splits []split
	roots  []int32
	// The weights of leaf i are entries[starts[i]:starts[i+1]].
	starts  []int32
	entries []weight

	targets   int
	aggregate string
	base      []float64
	double    bool // thresholds and weights are float64
}

type split struct {
	feature int
	value   float64
	set     []float64 // of modeMember
	yes, no int32
	mode    mode
	// missingYes sends NaN to yes; else it compares like any number.
	missingYes bool
}

type weight struct {
	target int32
	value  float64
}

func (f *forest) leaf(i int32) []weight { return f.entries[f.starts[i]:f.starts[i+1]] }

// run adds the step that sums the trees for the rows of x: targets numbers, base
// included.
func (n *node) run(f *forest, x *value) *value {
	n.checkForest(f, x.dims[1])
	m := &ir.Model{
		Library: Library,
		Input:   ir.Float32,
		Sum:     ir.Float32,
		Codes:   ir.CodeExact,
		Outputs: f.targets,
	}
	if x.elem == elemDouble {
		m.Input = ir.Float64
	}
	if f.double {
		m.Sum = ir.Float64
	}
	m.LeafWidth = n.leafWidth(f)
	x = n.codeColumns(f, x)
	m.FeatureNames = make([]string, x.dims[1])
	m.Base = make([]float64, f.targets)
	switch f.aggregate {
	case "SUM":
		m.Bias = f.base
	case "AVERAGE":
		m.Average = len(f.roots)
	case "MIN", "MAX":
		m.Aggregate = ir.Min
		if f.aggregate == "MAX" {
			m.Aggregate = ir.Max
		}
		if f.base != nil {
			m.Base = f.base
		}
	default:
		n.refuse("its aggregate_function %s is not supported", quoted(f.aggregate))
	}
	n.plant(f, m)
	out := &value{elem: elemFloat, dims: []int{1, f.targets}, batch: 0}
	if f.double {
		out.elem = elemDouble
	}
	out.reg = n.emit(ir.Step{Kind: ir.Trees, In: []int32{x.reg}, Model: m}, n.typeOf(out), f.targets)
	if f.aggregate == "AVERAGE" && f.base != nil {
		out = n.binary(ir.FnAdd, out, n.newConstant(out.elem, []int{1, f.targets}, f.base))
	}
	return out
}

// checkForest holds numbers of the file against each other.
func (n *node) checkForest(f *forest, features int) {
	if f.targets < 1 || f.targets > ir.MaxOutputs {
		n.refuse("has %d targets", f.targets)
	}
	if len(f.roots) == 0 {
		n.refuse("has no trees")
	}
	if f.base != nil && len(f.base) != f.targets {
		n.refuse("has %d base values for %d targets", len(f.base), f.targets)
	}
	for i := range f.splits {
		s := &f.splits[i]
		if s.feature < 0 || s.feature >= features {
			n.refuse("node %d asks for feature %d of %d", i, s.feature, features)
		}
		if s.value != s.value {
			n.refuse("node %d compares with NaN", i)
		}
	}
	for _, w := range f.entries {
		if w.target < 0 || int(w.target) >= f.targets {
			n.refuse("a leaf adds to target %d of %d", w.target, f.targets)
		}
	}
	if f.aggregate != "MIN" && f.aggregate != "MAX" {
		return
	}
	for i := range len(f.starts) - 1 {
		if len(f.leaf(int32(i))) != f.targets {
			n.refuse("takes the %s where leaves do not have a weight for each target, which is not supported", f.aggregate)
		}
	}
}

// leafWidth is 1 where each tree adds to one target only, else the number of
// targets.
func (n *node) leafWidth(f *forest) int {
	if f.targets == 1 {
		return 1
	}
	for i := range len(f.starts) - 1 {
		if len(f.leaf(int32(i))) != 1 {
			return f.targets
		}
	}
	for _, root := range f.roots {
		if n.group(f, root) < 0 {
			return f.targets
		}
	}
	return 1
}

// visit counts a node of a walk, and ends one that goes in a cycle: where there
// is none, a stack has at most one node for each split, and a leaf.
func (n *node) visit(f *forest, stack []int32) {
	n.spend(1)
	if len(stack) > len(f.splits)+1 {
		n.spend(math.MaxInt)
	}
}

// group is the only target of a tree whose leaves have one weight each, or -1.
func (n *node) group(f *forest, root int32) int32 {
	target, stack := int32(-1), []int32{root}
	for len(stack) > 0 {
		n.visit(f, stack)
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at >= 0 {
			stack = append(stack, f.splits[at].yes, f.splits[at].no)
			continue
		}
		t := f.leaf(^at)[0].target
		if target >= 0 && t != target {
			return -1
		}
		target = t
	}
	return target
}

// plant makes the model's trees.
func (n *node) plant(f *forest, m *ir.Model) {
	// Few weights and many targets would ask for far more memory than the file
	// has.
	n.spend(len(f.starts) * m.LeafWidth / 4)
	left := sharing*len(f.splits) + 1024
	m.Trees = make([]ir.Tree, len(f.roots))
	for t, root := range f.roots {
		p := planter{node: n, f: f, left: &left, tree: &m.Trees[t], width: m.LeafWidth}
		if m.LeafWidth == 1 && f.targets > 1 {
			p.tree.Group = int(max(0, n.group(f, root)))
		}
		p.grow(root)
	}
}

// sharing is how many times as many splits as the file has may come of nodes
// that stand below several parents; ir's trees have a copy for each.
const sharing = 4

// planter makes one tree.
type planter struct {
	*node
	f      *forest
	left   *int // splits that may still be made, so that a cycle ends
	tree   *ir.Tree
	width  int
	leaves int32
}

// grow adds what hangs at a root, in an order in which parents come first.
func (p *planter) grow(root int32) {
	type job struct {
		ref, parent int32
		left        bool
	}
	stack := []job{{ref: root, parent: -1}}
	for len(stack) > 0 {
		j := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		at := int32(len(p.tree.Nodes))
		if j.parent >= 0 {
			if j.left {
				p.tree.Nodes[j.parent].Left = at
			} else {
				p.tree.Nodes[j.parent].Right = at
			}
		}
		if j.ref < 0 {
			p.tree.Nodes = append(p.tree.Nodes, p.leafNode(^j.ref))
			continue
		}
		s := &p.f.splits[j.ref]
		if *p.left--; *p.left < 0 {
			p.refuse("node %d is in a cycle, or far too many nodes share their children", j.ref)
		}
		s = p.whole(s)
		node, swapped := p.inner(s)
		p.tree.Nodes = append(p.tree.Nodes, node)
		yes, no := job{s.yes, at, !swapped}, job{s.no, at, swapped}
		stack = append(stack, no, yes)
	}
}

// whole makes one split by membership of a chain of splits by equality that
// all go to the same place: how converters write LightGBM's sets of categories.
func (p *planter) whole(s *split) *split {
	if s.mode != modeEqual {
		return s
	}
	all := *s
	for range p.f.splits {
		if all.no < 0 {
			break
		}
		next := &p.f.splits[all.no]
		if next.mode != modeEqual || next.feature != s.feature || next.yes != s.yes || next.missingYes != s.missingYes {
			break
		}
		if all.mode == modeEqual {
			all.mode, all.set = modeMember, []float64{s.value}
		}
		all.set, all.no = append(all.set, next.value), next.no
		if *p.left--; *p.left < 0 {
			p.refuse("its nodes are in a cycle")
		}
	}
	return &all
}

// inner is a split as ir has it; swapped says that yes is on the right.
func (p *planter) inner(s *split) (n ir.Node, swapped bool) {
	n = ir.Node{Feature: int32(s.feature), Threshold: s.value, MissingLeft: s.missingYes}
	switch s.mode {
	case modeLE, modeLT:
		n.Op = ir.LE
		if s.mode == modeLT {
			n.Op = ir.LT
		}
		return n, false
	case modeGE, modeGT:
		// x >= t where not x < t, but for NaN.
		n.Op, n.MissingLeft = ir.LT, !s.missingYes
		if s.mode == modeGT {
			n.Op = ir.LE
		}
		return n, true
	case modeNotEqual:
		n.MissingLeft, swapped = false, true // NaN differs from every number
	}
	n.Op, n.Threshold = ir.In, 0
	n.Value = int32(len(p.tree.Sets))
	p.tree.Sets = append(p.tree.Sets, s.codes())
	return n, swapped
}

func (p *planter) leafNode(i int32) ir.Node {
	n := ir.Node{Feature: ir.Leaf, Value: int32(len(p.tree.Values)), ID: p.leaves}
	p.leaves++
	values := make([]float64, p.width)
	for _, w := range p.f.leaf(i) {
		at := int(w.target)
		if p.width == 1 {
			at = 0
		}
		values[at] += w.value
	}
	p.tree.Values = append(p.tree.Values, values...)
	return n
}

// bySet says whether a mode asks for equality.
func (m mode) bySet() bool { return m == modeEqual || m == modeNotEqual || m == modeMember }

// values are what a split by equality compares with.
func (s *split) values() []float64 {
	if s.mode == modeMember {
		return s.set
	}
	return []float64{s.value}
}

// codes are the values of a split by equality as ir has them: ascending, once.
func (s *split) codes() []int32 {
	var list []int32
	for _, x := range sortedOnce(s.values()) {
		list = append(list, int32(x))
	}
	return list
}

func isCode(x float64) bool { return x >= 0 && x < math.MaxInt32 && x == math.Trunc(x) }

// codeColumns adds to x, for each feature that is compared for equality with a
// number that is no code, a column of codes of those numbers, and lets the
// splits look there.
func (n *node) codeColumns(f *forest, x *value) *value {
	odd := map[int][]float64{}
	for i := range f.splits {
		if s := &f.splits[i]; s.mode.bySet() {
			for _, v := range s.values() {
				if !isCode(v) {
					odd[s.feature] = nil
				}
			}
		}
	}
	if len(odd) == 0 {
		return x
	}
	for i := range f.splits {
		s := &f.splits[i]
		if list, ok := odd[s.feature]; ok && s.mode.bySet() {
			odd[s.feature] = append(list, s.values()...)
		}
	}
	columns, place := []*value{x}, map[int]int{}
	for feature := range x.dims[1] { // in order, so that a file always gives the same model
		list, ok := odd[feature]
		if !ok {
			continue
		}
		list = sortedOnce(list)
		place[feature] = x.dims[1] + len(place)
		odd[feature] = list
		columns = append(columns, n.coded(n.column(x, feature), list))
	}
	for i := range f.splits {
		s := &f.splits[i]
		if at, ok := place[s.feature]; ok && s.mode.bySet() {
			var set []float64
			for _, v := range s.values() {
				set = append(set, search(odd[s.feature], v))
			}
			if s.mode == modeMember {
				s.set = set
			} else {
				s.value = set[0]
			}
			s.feature = at
		}
	}
	return n.concat(columns, 1)
}

// coded is the place of each number in a list; -1 where it is not there, NaN
// where it is NaN.
func (n *node) coded(v *value, list []float64) *value {
	data := append([]float64{math.NaN()}, list...)
	data = append(data, math.NaN())
	for i := range list {
		data = append(data, float64(i))
	}
	n.spend(len(data))
	return n.elementwise(ir.Step{Kind: ir.Map, Ints: []int{len(list) + 1}, Data: append(data, -1)}, v.elem, []*value{v})
}

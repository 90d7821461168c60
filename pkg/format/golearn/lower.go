package golearn

import (
	"math"
	"slices"
	"strings"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/ir"
)

func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return texts
}

// lowering turns golearn's trees into binary ones.
type lowering struct {
	book   *book
	texts  [][]string // of each attribute, in the order of its codes
	number []int32    // of each class of the book, its label; noLabel if it is none
	labels int
	votes  bool // each tree votes for its leaf's class; else it gives shares
	values int  // of all trees so far
	nodes  int
}

const noLabel = -1

// lowerRules lowers all trees of an archive.
func lowerRules(b *book, trees []*ruleTree, labels []string, votes bool) ([]ir.Tree, error) {
	l := &lowering{book: b, labels: len(labels), votes: votes}
	for i := range b.attrs {
		l.texts = append(l.texts, b.attrs[i].texts())
	}
	index := make(map[string]int32, len(labels))
	for i, label := range labels {
		index[label] = int32(i)
	}
	if len(index) != len(labels) {
		return nil, fail("the class attribute has a label twice")
	}
	for _, class := range b.classes {
		i, ok := index[class]
		if !ok {
			i = noLabel
		}
		l.number = append(l.number, i)
	}
	out := make([]ir.Tree, len(trees))
	for i, t := range trees {
		one := &lowerTree{lowering: l, from: t, to: &out[i], voted: map[int32]int32{}}
		if _, err := one.node(0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lowerTree lowers one tree.
type lowerTree struct {
	*lowering
	from   *ruleTree
	to     *ir.Tree
	voted  map[int32]int32 // label → where its vote stands in to.Values
	leaves int32
}

// node lowers node i and all below it and returns its new number.
func (l *lowerTree) node(i int32) (int32, error) {
	n := &l.from.nodes[i]
	if !n.inner {
		return l.leaf(n)
	}
	slices.SortFunc(n.kids, func(a, b kid) int { return strings.Compare(a.key, b.key) })
	texts := l.texts[n.attr]
	for k := range n.kids {
		if _, ok := slices.BinarySearch(texts, n.kids[k].key); !ok {
			return 0, failAt(l.from.entry, "a child of a split on %q is for a value that the attribute does not have",
				jsonscan.Clip(l.book.attrs[n.attr].name))
		}
	}
	return l.between(n, n.kids)
}

// between chooses among kids, sorted by key, by halves. Child k has all codes
// above its lower neighbour's, up to its own; the last has the rest: what the
// package document says of values without a child.
func (l *lowerTree) between(n *ruleNode, kids []kid) (int32, error) {
	if len(kids) == 1 {
		return l.node(kids[0].node)
	}
	half := (len(kids) + 1) / 2
	at, err := l.add(ir.Node{Feature: n.attr, Op: ir.LE, MissingLeft: true, Threshold: l.threshold(n, kids[half-1].key)})
	if err != nil {
		return 0, err
	}
	left, err := l.between(n, kids[:half])
	if err != nil {
		return 0, err
	}
	right, err := l.between(n, kids[half:])
	if err != nil {
		return 0, err
	}
	l.to.Nodes[at].Left, l.to.Nodes[at].Right = left, right
	return at, nil
}

// threshold is the largest number that goes to the child of a key.
func (l *lowerTree) threshold(n *ruleNode, key string) float64 {
	if l.book.attrs[n.attr].kind == floatAttr {
		return n.split
	}
	code, _ := slices.BinarySearch(l.texts[n.attr], key)
	return float64(code)
}

func (l *lowerTree) add(n ir.Node) (int32, error) {
	if l.nodes++; l.nodes > 2*maxNodes {
		return 0, failAt(l.from.entry, "more than %d nodes in all", 2*maxNodes)
	}
	l.to.Nodes = append(l.to.Nodes, n)
	return int32(len(l.to.Nodes) - 1), nil
}

func (l *lowerTree) leaf(n *ruleNode) (int32, error) {
	label := l.number[n.class]
	if label == noLabel {
		return 0, failAt(l.from.entry, "a leaf's class %q is none of the class attribute's", jsonscan.Clip(l.book.classes[n.class]))
	}
	value, err := l.vote(label)
	if err == nil && !l.votes && len(n.dist) > 0 {
		value, err = l.shares(n, label)
	}
	if err != nil {
		return 0, err
	}
	id := l.leaves
	l.leaves++
	return l.add(ir.Node{Feature: ir.Leaf, Value: value, ID: id})
}

// vote is the place of the values that say one label and nothing else; leaves
// of one class share them.
func (l *lowerTree) vote(label int32) (int32, error) {
	if at, ok := l.voted[label]; ok {
		return at, nil
	}
	at, err := l.room()
	if err == nil {
		l.to.Values[at+label] = 1
		l.voted[label] = at
	}
	return at, err
}

// room adds the values of one more leaf.
func (l *lowerTree) room() (int32, error) {
	if l.values += l.labels; l.values > maxValues {
		return 0, failAt(l.from.entry, "leaves × labels are more than %d", maxValues)
	}
	at := int32(len(l.to.Values))
	l.to.Values = append(l.to.Values, make([]float64, l.labels)...)
	return at, nil
}

// shares are the classes' shares of a leaf's rows, as PredictProba divides.
func (l *lowerTree) shares(n *ruleNode, label int32) (int32, error) {
	total := int64(0)
	for _, s := range n.dist {
		if l.number[s.class] == noLabel {
			return 0, failAt(l.from.entry, "class_dist counts %q, which is no label", jsonscan.Clip(l.book.classes[s.class]))
		}
		if total += s.count; total > maxCount {
			return 0, failAt(l.from.entry, "class_dist counts more than %d rows", int64(maxCount))
		}
	}
	if total == 0 {
		return l.vote(label)
	}
	at, err := l.room()
	if err != nil {
		return 0, err
	}
	values := l.to.Values[at : int(at)+l.labels]
	for _, s := range n.dist {
		values[l.number[s.class]] = float64(s.count) / float64(total)
	}
	return at, l.favour(values, label)
}

// favour makes the leaf's own class the first of the largest.
func (l *lowerTree) favour(values []float64, label int32) error {
	most := slices.Max(values)
	if values[label] < most {
		return failAt(l.from.entry, "a leaf's class_string is not the most frequent class of its class_dist")
	}
	if slices.Index(values, most) < int(label) {
		values[label] = math.Nextafter(most, 2)
	}
	return nil
}

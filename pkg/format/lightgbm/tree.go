package lightgbm

import (
	"math"
	"slices"
	"strconv"

	"example.com/copse/pkg/ir"
)

// trusted is the number of nodes that a file's num_leaves may ask for before
// any of their numbers have been read.
const trusted = 1 << 16

// faster is how many times as many nodes as have been read a tree grows to: each
// took two bytes of the file at least.
const faster = 8

// block reads the lines of one tree after the other. What it holds besides the
// tree itself is kept for the next one.
//
// A tree's inner nodes have the numbers of the file, from the root 0; leaf i is
// the node behind them, inner + i.
type block struct {
	*source
	features int
	index    int // of the tree
	seen     lines
	counts   [keys]int // how many numbers each line had

	leaves, inner int
	categorical   int // num_cat: sets of categories
	linear        bool
	nodes         []ir.Node
	values        []float64

	decisions []uint8
	bounds    []int32  // cat_boundaries: where each set's words begin and end
	words     []uint32 // cat_threshold: the sets' bits
	constants []float64
	terms     []int32 // num_features: how many each leaf's linear function has
	slots     []int32 // leaf_features
	coeffs    []float64

	walk walk
}

// line is a key of a tree's block that matters here.
type line uint8

const (
	numLeaves line = iota
	numCat
	splitFeature
	threshold
	decisionType
	leftChild
	rightChild
	leafValue
	catBoundaries
	catThreshold
	isLinear
	leafConst
	numFeatures
	leafFeatures
	leafCoeff
	keys
)

// lines is a set of lines.
type lines uint32

func (s lines) has(l line) bool { return s>>l&1 != 0 }

func (l line) String() string {
	return [keys]string{"num_leaves", "num_cat", "split_feature", "threshold", "decision_type",
		"left_child", "right_child", "leaf_value", "cat_boundaries", "cat_threshold", "is_linear",
		"leaf_const", "num_features", "leaf_features", "leaf_coeff"}[l]
}

// lineOf finds a key; keys where it is none that matters.
func lineOf(key []byte) line {
	for l := range keys {
		if string(key) == l.String() {
			return l
		}
	}
	return keys
}

// path names a line of the tree, and the number in it if i is not negative.
func (b *block) path(l line, i int) string {
	p := treeMark + strconv.Itoa(b.index) + " " + l.String()
	if i >= 0 {
		p += place(i)
	}
	return p
}

// read reads a block, from behind its line Tree=N to the empty line at its end.
func (b *block) read() (ir.Tree, error) {
	b.reset()
	for !b.done() {
		key, assigned := b.key()
		if len(key) == 0 && !assigned {
			break
		}
		if !assigned {
			return ir.Tree{}, b.fail(treeMark+strconv.Itoa(b.index), "a line has no =: %s", quote(key))
		}
		if l := lineOf(key); l != keys {
			if b.seen.has(l) {
				return ir.Tree{}, b.fail(b.path(l, -1), "the line stands twice")
			}
			b.seen |= 1 << l
			if err := b.line(l); err != nil {
				return ir.Tree{}, err
			}
		}
		b.nextLine()
	}
	return b.tree()
}

// reset begins a tree. What the last one's tree has is not touched.
func (b *block) reset() {
	b.seen, b.counts = 0, [keys]int{}
	b.leaves, b.inner, b.categorical, b.linear = 0, 0, 0, false
	b.nodes, b.values = nil, nil
	b.decisions, b.bounds, b.words = b.decisions[:0], b.bounds[:0], b.words[:0]
	b.constants, b.terms = b.constants[:0], b.terms[:0]
	b.slots, b.coeffs = []int32{}, []float64{}
}

// line reads the rest of a line.
func (b *block) line(l line) (err error) {
	switch l {
	case numLeaves:
		if b.leaves, err = b.only(l, 1, ir.MaxNodes/2); err != nil {
			return err
		}
		b.inner = b.leaves - 1
		b.nodes = make([]ir.Node, min(b.leaves+b.inner, trusted))
		return nil
	case numCat:
		b.categorical, err = b.only(l, 0, math.MaxInt32)
		return err
	case isLinear:
		n, err := b.only(l, 0, 1)
		b.linear = n == 1
		return err
	}
	if !b.seen.has(numLeaves) {
		return b.fail(b.path(l, -1), "the line stands before num_leaves")
	}
	switch l {
	case splitFeature, leftChild, rightChild, catBoundaries, numFeatures, leafFeatures, decisionType, catThreshold:
		return b.integers(l)
	default:
		return b.numbers(l)
	}
}

// only reads a line's only number.
func (b *block) only(l line, least, most int) (int, error) {
	start := b.pos
	if n, ok := b.fastInteger(); ok && n >= int64(least) && n <= int64(most) {
		return int(n), nil
	}
	b.pos = start
	return b.count(b.path(l, -1), least, most)
}

// integers reads a line of whole numbers.
func (b *block) integers(l line) error {
	most, lo, hi := b.bound(l)
	for i := 0; ; i++ {
		n, ok := b.fastInteger()
		if !ok {
			word, err := b.word()
			if err != nil {
				return err
			}
			if len(word) == 0 {
				b.counts[l] = i
				return nil
			}
			if n, ok = integer(word); !ok {
				return b.fail(b.path(l, i), "is no whole number: %s", quote(word))
			}
		}
		if i >= most {
			return b.fail(b.path(l, i), "there are more than %d", most)
		}
		if n < lo || n > hi {
			return b.fail(b.path(l, i), "is %d, want a number from %d to %d", n, lo, hi)
		}
		b.setInteger(l, i, n)
	}
}

// bound is how many numbers a line of whole numbers has, and of which range.
func (b *block) bound(l line) (most int, lo, hi int64) {
	switch l {
	case splitFeature:
		return b.inner, 0, int64(b.features) - 1
	case leftChild, rightChild:
		return b.inner, -int64(b.leaves), int64(b.inner) - 1
	case decisionType:
		return b.inner, math.MinInt8, math.MaxInt8
	case catBoundaries:
		return b.categorical + 1, 0, math.MaxInt32
	case catThreshold:
		return math.MaxInt32 / 32, 0, math.MaxUint32 // so that each bit is an int32
	case numFeatures:
		return b.leaves, 0, int64(b.features)
	default: // leafFeatures
		return math.MaxInt32, 0, int64(b.features) - 1
	}
}

// setInteger keeps number i of a line.
func (b *block) setInteger(l line, i int, n int64) {
	switch l {
	case splitFeature:
		b.node(i).Feature = int32(n)
	case leftChild:
		b.node(i).Left = b.child(n)
	case rightChild:
		b.node(i).Right = b.child(n)
	case decisionType:
		b.decisions = append(b.decisions, uint8(n))
	case catBoundaries:
		b.bounds = append(b.bounds, int32(n))
	case catThreshold:
		b.words = append(b.words, uint32(n))
	case numFeatures:
		b.terms = append(b.terms, int32(n))
	case leafFeatures:
		b.slots = append(b.slots, int32(n))
	}
}

// child is the node that the file's number of a child means.
func (b *block) child(n int64) int32 {
	if n < 0 {
		return int32(int64(b.inner) + ^n)
	}
	return int32(n)
}

// numbers reads a line of float64. Only a threshold may be infinite.
func (b *block) numbers(l line) error {
	most := b.leaves
	switch l {
	case leafValue:
		room := b.leaves
		if b.counts[splitFeature] < b.inner { // they may not be there
			room = min(room, trusted)
		}
		b.values = make([]float64, 0, room)
	case threshold:
		most = b.inner
	case leafCoeff:
		most = math.MaxInt32
	}
	for i := 0; ; i++ {
		x, ok := b.fastNumber()
		if !ok {
			word, err := b.word()
			if err != nil {
				return err
			}
			if len(word) == 0 {
				b.counts[l] = i
				return nil
			}
			x, ok = number(word)
			if !ok || math.IsNaN(x) || math.IsInf(x, 0) && l != threshold {
				return b.fail(b.path(l, i), "is no number that may stand here: %s", quote(word))
			}
		}
		if i >= most {
			return b.fail(b.path(l, i), "there are more than %d", most)
		}
		switch l {
		case threshold:
			b.node(i).Threshold = x
		case leafValue:
			b.values = append(b.values, x)
		case leafConst:
			b.constants = append(b.constants, x)
		case leafCoeff:
			b.coeffs = append(b.coeffs, x)
		}
	}
}

// node is inner node i, of a tree that grows as far as its numbers go.
func (b *block) node(i int) *ir.Node {
	if i >= len(b.nodes) {
		b.grow(min(faster*len(b.nodes), b.leaves+b.inner))
	}
	return &b.nodes[i]
}

func (b *block) grow(n int) {
	b.nodes = slices.Grow(b.nodes, n-len(b.nodes))[:n]
}

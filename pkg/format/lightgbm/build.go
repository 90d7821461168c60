package lightgbm

import (
	"math/bits"
	"strconv"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

// The bits of decision_type (include/LightGBM/tree.h).
const (
	decideCategory = 1 << 0
	decideLeft     = 1 << 1 // what is missing goes left
	decideMissing  = 2      // shift of two bits: none, zero, NaN
)

// tree makes a tree of what its lines had, and proves it to be one.
func (b *block) tree() (ir.Tree, error) {
	if err := b.complete(); err != nil {
		return ir.Tree{}, err
	}
	sets, err := b.sets()
	if err != nil {
		return ir.Tree{}, err
	}
	if len(b.nodes) < b.leaves+b.inner {
		b.grow(b.leaves + b.inner)
	}
	for i := range b.inner {
		if err := b.decide(i); err != nil {
			return ir.Tree{}, err
		}
	}
	for i := range b.leaves {
		b.nodes[b.inner+i] = ir.Node{Feature: ir.Leaf, Value: int32(i), ID: int32(i)}
	}
	if err := b.follow(); err != nil {
		return ir.Tree{}, err
	}
	linear, err := b.linearLeaves()
	if err != nil {
		return ir.Tree{}, err
	}
	return ir.Tree{Nodes: b.nodes, Values: b.values, Sets: sets, Linear: linear}, nil
}

// complete says which line is missing or too short.
func (b *block) complete() error {
	for l := range keys {
		want, needed := 0, b.inner > 0
		switch l {
		case numLeaves:
			needed = true
		case splitFeature, threshold, leftChild, rightChild:
			want = b.inner
		case decisionType: // without it, all bits are 0
			want, needed = b.inner, false
		case leafValue:
			want, needed = b.leaves, true
		case catBoundaries:
			want, needed = b.categorical+1, b.categorical > 0
		case catThreshold:
			want, needed = b.counts[l], b.categorical > 0
		default: // those of linear trees are judged there
			continue
		}
		switch got := b.counts[l]; {
		case needed && !b.seen.has(l):
			return b.fail(b.path(l, -1), "the line is missing: the file is damaged or not whole")
		case b.seen.has(l) && got != want && (needed || got != 0):
			return b.fail(b.path(l, -1), "has %d numbers, want %d", got, want)
		}
	}
	return nil
}

// decide sets how inner node i decides.
func (b *block) decide(i int) error {
	n, d := &b.nodes[i], uint8(0)
	if len(b.decisions) > 0 {
		d = b.decisions[i]
	}
	n.Op = ir.LE
	if d&decideCategory != 0 && b.categorical > 0 {
		set := int32(n.Threshold)
		if n.Threshold < 0 || n.Threshold >= float64(b.categorical) {
			return b.fail(b.path(threshold, i), "is %v, want the number of one of %d sets of categories", n.Threshold, b.categorical)
		}
		// In the set is left; all else, NaN too, is right.
		n.Op, n.Value, n.Threshold = ir.In, set, 0
		return nil
	}
	n.MissingLeft = d&decideLeft != 0
	switch d >> decideMissing & 3 {
	case 1:
		n.Missing = ir.MissingZero
	case 2:
		n.Missing = ir.MissingNaN
	default: // 3 is none that LightGBM writes, and it takes it for none
		n.Missing = ir.MissingNone
	}
	return nil
}

// sets takes the sets of categories apart: 32 codes a word, the first in the
// lowest bit.
func (b *block) sets() ([][]int32, error) {
	if b.categorical == 0 {
		return nil, nil
	}
	for i, at := range b.bounds {
		if i == 0 && at != 0 || i > 0 && at < b.bounds[i-1] || int(at) > len(b.words) {
			return nil, b.fail(b.path(catBoundaries, i), "is %d, want %d numbers of cat_threshold in ascending parts from 0", at, len(b.words))
		}
	}
	if last := int(b.bounds[b.categorical]); last != len(b.words) {
		return nil, b.fail(b.path(catThreshold, -1), "has %d numbers, but cat_boundaries ends at %d", len(b.words), last)
	}
	total := 0
	for _, w := range b.words {
		total += bits.OnesCount32(w)
	}
	all := make([]int32, 0, total)
	sets := make([][]int32, b.categorical)
	for i := range sets {
		first := len(all)
		for at, w := range b.words[b.bounds[i]:b.bounds[i+1]] {
			for ; w != 0; w &= w - 1 {
				all = append(all, int32(at*32+bits.TrailingZeros32(w)))
			}
		}
		sets[i] = all[first:len(all):len(all)]
	}
	return sets, nil
}

// linearLeaves makes the linear functions of a linear tree's leaves.
func (b *block) linearLeaves() ([]ir.Linear, error) {
	if !b.linear {
		return nil, nil
	}
	total := 0
	for _, n := range b.terms {
		total += int(n)
	}
	for _, c := range []struct {
		l         line
		got, want int
	}{
		{leafConst, len(b.constants), b.leaves},
		{numFeatures, len(b.terms), b.leaves},
		{leafFeatures, len(b.slots), total},
		{leafCoeff, len(b.coeffs), total},
	} {
		if c.got != c.want {
			return nil, b.fail(b.path(c.l, -1), "has %d numbers, want %d", c.got, c.want)
		}
	}
	out := make([]ir.Linear, b.leaves)
	at := 0
	for i := range out {
		end := at + int(b.terms[i])
		out[i] = ir.Linear{Const: b.constants[i], Features: b.slots[at:end:end], Coeffs: b.coeffs[at:end:end]}
		at = end
	}
	return out, nil
}

// walk is what follow needs, kept for the next tree.
type walk struct {
	seen  []bool
	stack []step
}

// step is a node to come to, and its distance from the root.
type step struct{ node, depth int32 }

// follow goes through the tree from its root and proves that every node has
// one way to it, of bounded length.
func (b *block) follow() error {
	w := &b.walk
	if cap(w.seen) < len(b.nodes) {
		w.seen = make([]bool, len(b.nodes))
	}
	w.seen = w.seen[:len(b.nodes)]
	clear(w.seen)
	w.seen[0] = true
	w.stack = append(w.stack[:0], step{})
	reached := 1
	for len(w.stack) > 0 {
		s := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		n := &b.nodes[s.node]
		if n.Feature == ir.Leaf {
			continue
		}
		if s.depth >= ir.MaxDepth {
			return b.failNode(splitFeature, s.node, "the tree is deeper than %d", ir.MaxDepth)
		}
		// The left child is pushed last, so that it is looked at first.
		for _, side := range [2]struct {
			l     line
			child int32
		}{{rightChild, n.Right}, {leftChild, n.Left}} {
			if w.seen[side.child] {
				return b.failNode(side.l, s.node, "is a node that has another way from the root: the tree is cyclic or damaged")
			}
			w.seen[side.child] = true
			w.stack = append(w.stack, step{side.child, s.depth + 1})
		}
		reached += 2
	}
	if reached != len(b.nodes) {
		return b.fail(treeMark+strconv.Itoa(b.index), "%d of its %d nodes have no way from the root", len(b.nodes)-reached, len(b.nodes))
	}
	return nil
}

// failNode is an error of a number that was read long ago: it has no offset.
func (b *block) failNode(l line, node int32, reason string, args ...any) error {
	return readerr.At(Library, b.path(l, int(node)), reason, args...)
}

package engine

import (
	"cmp"
	"math"

	"example.com/copse/pkg/ir"
)

// A column of Arrays.Columns is a feature in its lower bits, and how its
// numbers become keys. A feature has as many columns as its nodes need: where
// NaN goes, what is missing and what is 0 is settled by the column, and nodes
// know nothing of it.
const (
	// NaNAbove: NaN is above all numbers, else below.
	NaNAbove = 1 << 31
	// NaNZero: NaN is 0.
	NaNZero = 1 << 30
	// BandNaN: numbers in the zero band (ir.ZeroBand) are NaN.
	BandNaN = 1 << 29
	// BandZero: numbers in the zero band are 0.
	BandZero = 1 << 28
	// SetColumn holds no keys but the answers of splits by sets, as many as a key
	// has bits: bit i is 0 where the row's code is in set i.
	SetColumn = 1 << 27

	featureBits = 20 // ir.MaxFeatures
	flagBits    = 5
)

func featureOf(column uint32) uint32 { return column & (1<<featureBits - 1) }

// class orders columns by the loop that fills them: keys, keys with a zero
// band, sets.
func class(column uint32) int {
	switch {
	case column&SetColumn != 0:
		return 2
	case column&(BandNaN|BandZero) != 0:
		return 1
	}
	return 0
}

// compareColumns orders columns by class and feature, NaN below before above.
func compareColumns(a, b uint32) int {
	return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(featureOf(a), featureOf(b)), cmp.Compare(a, b))
}

// column is the column that an inner node looks at. The left child is the
// first one, so NaN is above where it goes right.
func column(m *ir.Model, n *ir.Node) uint32 {
	c := uint32(n.Feature)
	if n.Missing == ir.MissingZero {
		c |= BandNaN
	}
	if n.Op == ir.In {
		// The tables know where NaN goes, and a band that a cast truncates
		// to 0 needs no look.
		if m.ZeroBand && c&BandNaN == 0 && m.Codes != ir.CodeCast {
			c |= BandZero
		}
		return c | SetColumn
	}
	switch {
	case n.Missing == ir.MissingNone:
		c |= NaNZero
	case !n.MissingLeft:
		c |= NaNAbove
	}
	if m.ZeroBand && c&BandNaN == 0 && dividesBand(m.Input, n) {
		c |= BandZero
	}
	return c
}

// dividesBand says whether some numbers of the zero band go left at a node and
// others right. Hardly any node does, and all others need no band.
func dividesBand(p ir.Precision, n *ir.Node) bool {
	k := bound(p, n.Threshold, n.Op)
	return bound(p, -ir.ZeroBand, ir.LT) < k && k < bound(p, ir.ZeroBand, ir.LE)
}

// bound is the key of the largest number that goes left at a threshold.
func bound(p ir.Precision, t float64, op ir.Op) uint64 {
	if p == ir.Float32 {
		return uint64(bound32(t, op))
	}
	return bound64(t, op)
}

// nanKey is the key of NaN in a column, zero being the key of 0: 0 or the
// largest one of any width.
func nanKey(column uint32, zero uint64) uint64 {
	switch {
	case column&NaNZero != 0:
		return zero
	case column&NaNAbove != 0:
		return math.MaxUint64
	}
	return 0
}

// bandKey is the key of the zero band in a column that has one.
func bandKey(column uint32, zero uint64) uint64 {
	if column&BandZero != 0 {
		return zero
	}
	return nanKey(column, zero)
}

package engine

import (
	"math"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// sinks are what leaves may be added up by, in one precision.
type sinks[F float32 | float64] struct {
	sum     sum[F]
	extreme extreme[F]
	linear  linear[F]
}

// addUp walks a block of rows and writes what the model makes of its leaves.
func (k *sinks[F]) addUp(e *Engine, rows []float64, n int, leaves, base, margins []F, s *Scratch) {
	a := &e.a
	switch {
	case a.Aggregate != ir.Sum:
		k.extreme.start(a, leaves, base, margins)
		e.walker.walk(rows, n, s, &k.extreme)
		k.extreme.end(base)
	case len(a.LinearStarts) > 0:
		k.linear.start(a, leaves, base, margins, rows)
		e.walker.walk(rows, n, s, &k.linear)
	default:
		k.sum.start(a, leaves, base, margins)
		e.walker.walk(rows, n, s, &k.sum)
	}
	*k = sinks[F]{} // hold on to nobody's memory
}

// extreme keeps the least or the largest leaf values.
type extreme[F float32 | float64] struct {
	leaves  []F
	groups  []uint32
	least   bool
	width   int // of leaves
	outputs int
	margins []F
}

// start fills the margins with what every leaf value is better than.
func (x *extreme[F]) start(a *Arrays, leaves, _, margins []F) {
	*x = extreme[F]{leaves: leaves, groups: a.Groups, least: a.Aggregate == ir.Min,
		width: a.LeafWidth, outputs: a.Outputs, margins: margins}
	worst := F(math.Inf(-1))
	if x.least {
		worst = -worst
	}
	for i := range margins {
		margins[i] = worst
	}
}

// end adds the base; where there was no leaf it is the answer.
func (x *extreme[F]) end(base []F) {
	for i, v := range x.margins {
		b := base[i%len(base)]
		if !math.IsInf(float64(v), 0) {
			b = v + b
		}
		x.margins[i] = b
	}
}

func (x *extreme[F]) byNode() bool { return x.width == 1 }

func (x *extreme[F]) trees(t, count, n int, leaves *block) {
	for k := range count {
		for i, leaf := range leaves[k][:n] {
			x.take(i, t+k, leaf)
		}
	}
}

func (x *extreme[F]) row(i, t int, leaves []uint32) {
	for k, leaf := range leaves {
		x.take(i, t+k, leaf)
	}
}

// take takes the leaf of one row and tree; of equal values the first stays.
func (x *extreme[F]) take(i, t int, leaf uint32) {
	first := 0
	if x.width == 1 {
		first = int(x.groups[t])
	}
	margins := x.margins[i*x.outputs+first:]
	for o, v := range x.leaves[int(leaf)*x.width:][:x.width] {
		if x.least && v < margins[o] || !x.least && v > margins[o] {
			margins[o] = v
		}
	}
}

// linear adds leaves that are linear functions of features. New has proved
// that terms and features exist.
type linear[F float32 | float64] struct {
	pairs    []F // of each leaf: the value where a feature is missing, the constant
	starts   []uint32
	features []uint32
	coeffs   []float64
	single   bool // features are rounded to float32
	band     bool // numbers in the zero band are 0
	groups   []uint32
	outputs  int
	wide     int // of rows
	rows     []float64
	margins  []F
}

func (l *linear[F]) start(a *Arrays, leaves, base, margins []F, rows []float64) {
	*l = linear[F]{pairs: leaves, starts: a.LinearStarts, features: a.LinearFeatures, coeffs: a.LinearCoeffs,
		single: a.Compare == ir.Float32, band: a.ZeroBand, groups: a.Groups, outputs: a.Outputs,
		wide: a.Features, rows: rows, margins: margins}
	for i := 0; i < len(margins); i += len(base) {
		copy(margins[i:], base)
	}
}

func (l *linear[F]) byNode() bool { return false }

func (l *linear[F]) trees(t, count, n int, leaves *block) {
	groups := l.groups[t:][:count]
	for i := range n {
		row, margins := l.rows[i*l.wide:][:l.wide], l.margins[i*l.outputs:][:l.outputs]
		for k, g := range groups {
			margins[g] += l.value(leaves[k][i], row)
		}
	}
}

func (l *linear[F]) row(i, t int, leaves []uint32) {
	row, margins := l.rows[i*l.wide:][:l.wide], l.margins[i*l.outputs:][:l.outputs]
	groups := l.groups[t:][:len(leaves)]
	for k, leaf := range leaves {
		margins[groups[k]] += l.value(leaf, row)
	}
}

// value is a leaf's value for a row. The conversion of each product keeps it
// from being fused with the sum.
func (l *linear[F]) value(leaf uint32, row []float64) F {
	pair := l.pairs[2*leaf:][:2]
	from, to := l.starts[leaf], l.starts[leaf+1]
	features, coeffs := l.features[from:to], l.coeffs[from:to]
	sum := pair[1]
	for i, f := range features {
		x := l.input(row[f])
		if x != x {
			return pair[0]
		}
		sum += F(F(coeffs[i]) * F(x)) //nolint:unconvert // the conversion keeps the two steps apart
	}
	return sum
}

// input is what the model makes of a feature's value.
func (l *linear[F]) input(x float64) float64 {
	if l.single {
		x = float64(float32(x))
	}
	if l.band && math.Abs(x) <= ir.ZeroBand {
		x = 0
	}
	return x
}

// bytesOf is the size of a key of the model.
func bytesOf(a *Arrays) int {
	if len(a.Nodes32) > 0 {
		return int(unsafe.Sizeof(uint32(0)))
	}
	return int(unsafe.Sizeof(uint64(0)))
}

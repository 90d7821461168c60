package engine

import (
	"math"

	"example.com/copse/pkg/ir"
)

// A key is a number as an unsigned integer of the same order: the bits of a
// positive number with the sign bit set, those of a negative one inverted.
// -0 and +0 have one key. Infinities are the outermost numbers; 0 and the
// largest integer are the keys of no number, and serve NaN.

// word is an unsigned integer that holds a key, or a step.
type word interface{ uint32 | uint64 }

func key32(x float32) uint32 {
	u := math.Float32bits(x + 0) // -0 + 0 is +0
	return u ^ (uint32(int32(u)>>31) | 1<<31)
}

func key64(x float64) uint64 {
	u := math.Float64bits(x + 0)
	return u ^ (uint64(int64(u)>>63) | 1<<63)
}

// bound32 is the key of the largest float32 that goes left at a threshold.
// Thresholds may lie between two float32: x <= t is x <= floor32(t), and
// x < t is that too unless t is a float32, when x must be a step below it.
func bound32(t float64, op ir.Op) uint32 {
	f := float32(t)
	if float64(f) > t {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	k := key32(f)
	if op == ir.LT && float64(f) == t {
		k-- // below -Inf's key there are still unused ones: nothing goes left
	}
	return k
}

// bound64 is the key of the largest float64 that goes left at a threshold.
func bound64(t float64, op ir.Op) uint64 {
	k := key64(t)
	if op == ir.LT {
		k--
	}
	return k
}

// lanes is how many rows a group has, whose keys lie side by side: column c of
// a group starts at key c×lanes.
const lanes = 8

// fill makes the keys of one group from n rows (1 to 8, width features each):
// all columns, and the constant one, which is 0. Lanes without a row repeat
// the last one.
func (f *forest[K, S]) fill(keys []K, rows []float64, n int) {
	for c, column := range f.columns {
		feature, nan := int(column&^NaNAbove), K(0)
		if column&NaNAbove != 0 {
			nan = ^K(0)
		}
		lane := keys[c*lanes : c*lanes+lanes : c*lanes+lanes]
		at := feature
		for i := range lane {
			lane[i] = keyOf(rows[at], nan)
			if i+1 < n {
				at += f.features
			}
		}
	}
	clear(keys[len(f.columns)*lanes:][:lanes])
}

// fillOne is fill for the first lane alone.
func (f *forest[K, S]) fillOne(keys []K, row []float64) {
	for c, column := range f.columns {
		nan := K(0)
		if column&NaNAbove != 0 {
			nan = ^K(0)
		}
		keys[c*lanes] = keyOf(row[column&^NaNAbove], nan)
	}
	keys[len(f.columns)*lanes] = 0
}

// keyOf rounds x to the precision that K keys and returns its key.
func keyOf[K word](x float64, nan K) K {
	if x != x {
		return nan
	}
	switch any(nan).(type) {
	case uint32:
		return K(key32(float32(x)))
	default:
		return K(key64(x))
	}
}

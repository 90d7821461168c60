package engine

import (
	"math"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// A key is a number as an unsigned integer of the same order: the bits of a
// positive number with the sign bit set, those of a negative one inverted.
// -0 is next below +0, and no threshold divides the two. Infinities are the
// outermost numbers; 0 and the largest integer are the keys of no number, and
// serve NaN.

// word is an unsigned integer that holds a key, or a step.
type word interface{ uint32 | uint64 }

// key32 is the key of x, or nan if x is one. It must not branch, for rows miss
// values at random (TestBranchless); the bits are in a register already, so
// they are asked and not the number.
func key32(x float32, nan uint32) uint32 {
	u := math.Float32bits(x)
	k := u ^ (uint32(int32(u)>>31) | 1<<31)
	if u<<1 > 0xff<<24 {
		k = nan
	}
	return k
}

// key64 is key32 for float64.
func key64(x float64, nan uint64) uint64 {
	u := math.Float64bits(x)
	k := u ^ (uint64(int64(u)>>63) | 1<<63)
	if u<<1 > 0x7ff<<53 {
		k = nan
	}
	return k
}

// bound32 is the key of the largest float32 that goes left at a threshold.
// Thresholds may lie between two float32: x <= t is x <= floor32(t), and
// x < t is that too unless t is a float32, when x must be a step below it.
func bound32(t float64, op ir.Op) uint32 {
	f := float32(t)
	if float64(f) > t {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	zero := uint32(1 << 31)
	k := key32(f, 0)
	if f == 0 {
		k = zero
	}
	if op == ir.LT && float64(f) == t {
		k-- // below -Inf's key there are still unused ones: nothing goes left
	}
	if k == zero-1 {
		k-- // -0 is not below +0
	}
	return k
}

// bound64 is the key of the largest float64 that goes left at a threshold.
func bound64(t float64, op ir.Op) uint64 {
	zero := uint64(1 << 63)
	k := key64(t, 0)
	if t == 0 {
		k = zero
	}
	if op == ir.LT {
		k--
	}
	if k == zero-1 {
		k--
	}
	return k
}

// lanes is how many rows a group has, whose keys lie side by side: column c of
// a group starts at key c×lanes.
const lanes = 8

// fill makes the keys of one group from n rows (1 to 8, features wide each).
// Lanes without a row repeat the last one.
func (f *forest[K, S, KP, SP]) fill(keys []K, rows []float64, n int) {
	for i := range lanes {
		f.fillLane(keys[i:], rows[min(i, n-1)*f.features:][:f.features])
	}
}

// fillLane makes the keys of one row, a lane apart: all columns, and the
// constant one, which is 0. New has proved that the columns' features exist.
func (f *forest[K, S, KP, SP]) fillLane(keys []K, row []float64) {
	last := len(f.columns) * lanes
	keys[last] = 0
	lane, values := unsafe.Pointer(unsafe.SliceData(keys)), unsafe.Pointer(unsafe.SliceData(row))
	switch {
	case unsafe.Sizeof(keys[0]) == 4:
		for _, column := range f.columns {
			*(*uint32)(lane) = key32(float32(feature(values, column)), uint32(nanKey(column)))
			lane = unsafe.Add(lane, 4*lanes)
		}
	case f.single:
		for _, column := range f.columns {
			*(*uint64)(lane) = uint64(key32(float32(feature(values, column)), uint32(nanKey(column))))
			lane = unsafe.Add(lane, 8*lanes)
		}
	default:
		for _, column := range f.columns {
			*(*uint64)(lane) = key64(feature(values, column), nanKey(column))
			lane = unsafe.Add(lane, 8*lanes)
		}
	}
}

// feature is the value of a column's feature in a row.
func feature(row unsafe.Pointer, column uint32) float64 {
	return *(*float64)(unsafe.Add(row, 8*uintptr(column&^NaNAbove)))
}

// nanKey is the key of NaN in a column: 0, or the largest one of any width.
func nanKey(column uint32) uint64 { return uint64(int64(int32(column)) >> 63) }

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

// band32 and band64 are the bits of ir.ZeroBand, without their sign, shifted
// left by one.
const (
	band32 = 0x0554ad2e << 1
	band64 = 0x38aa95a5c0000000 << 1
)

// banded32 is key32, or band if x is in the zero band.
func banded32(x float32, nan, band uint32) uint32 {
	k := key32(x, nan)
	if math.Float32bits(x)<<1 <= band32 {
		k = band
	}
	return k
}

// banded64 is banded32 for float64.
func banded64(x float64, nan, band uint64) uint64 {
	k := key64(x, nan)
	if math.Float64bits(x)<<1 <= band64 {
		k = band
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

// keyColumn is a column of keys: where its feature stands in a row, and the
// keys of NaN and of the zero band.
type keyColumn[K word] struct {
	feature   uint32
	nan, band K
}

// keyColumns lists the columns of keys without and with a zero band.
func keyColumns[K word](a *Arrays) (plain, banded []keyColumn[K]) {
	zero := uint64(1 << 63)
	if a.Compare == ir.Float32 {
		zero = 1 << 31
	}
	for _, column := range a.Columns {
		c := keyColumn[K]{feature: featureOf(column), nan: K(nanKey(column, zero)), band: K(bandKey(column, zero))}
		switch class(column) {
		case 0:
			plain = append(plain, c)
		case 1:
			banded = append(banded, c)
		}
	}
	return plain, banded
}

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
	keys[f.constant] = 0
	lane, values := unsafe.Pointer(unsafe.SliceData(keys)), unsafe.Pointer(unsafe.SliceData(row))
	size := unsafe.Sizeof(K(0)) * lanes
	if f.single {
		for i := range f.plain {
			c := &f.plain[i]
			*(*K)(lane) = K(key32(float32(feature(values, c.feature)), uint32(c.nan)))
			lane = unsafe.Add(lane, size)
		}
		for i := range f.banded {
			c := &f.banded[i]
			*(*K)(lane) = K(banded32(float32(feature(values, c.feature)), uint32(c.nan), uint32(c.band)))
			lane = unsafe.Add(lane, size)
		}
	} else {
		for i := range f.plain {
			c := &f.plain[i]
			*(*K)(lane) = K(key64(feature(values, c.feature), uint64(c.nan)))
			lane = unsafe.Add(lane, size)
		}
		for i := range f.banded {
			c := &f.banded[i]
			*(*K)(lane) = K(banded64(feature(values, c.feature), uint64(c.nan), uint64(c.band)))
			lane = unsafe.Add(lane, size)
		}
	}
	fillSets[K](lane, f.tables, row, f.input, f.rule)
}

// feature is the value of a feature in a row.
func feature(row unsafe.Pointer, at uint32) float64 {
	return *(*float64)(unsafe.Add(row, 8*uintptr(at)))
}

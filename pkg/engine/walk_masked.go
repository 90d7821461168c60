package engine

import (
	"math/bits"
	"unsafe"
)

// masked is next where the row's key is masked by the node's mask first. x is
// in the row's lane already: with one parameter more the compiler would not
// inline it (TestBranchless).
func masked[K, S, KP, SP word](keys, steps, masks, x unsafe.Pointer, j uintptr) uintptr {
	s := *(*S)(unsafe.Add(steps, j*unsafe.Sizeof(SP(0))))
	row := unsafe.Add(x, uintptr(s&(1<<(unsafe.Sizeof(s)*4)-1))*unsafe.Sizeof(K(0)))
	if !carries {
		above := uintptr(0)
		if *(*K)(row)&*(*K)(unsafe.Add(masks, j*unsafe.Sizeof(K(0)))) > *(*K)(unsafe.Add(keys, j*unsafe.Sizeof(KP(0)))) {
			above = 1
		}
		return j + uintptr(s>>(unsafe.Sizeof(s)*4)) + above
	}
	_, above := bits.Sub64(uint64(*(*K)(unsafe.Add(keys, j*unsafe.Sizeof(KP(0))))),
		uint64(*(*K)(row))&uint64(*(*K)(unsafe.Add(masks, j*unsafe.Sizeof(K(0))))), 0)
	child, _ := bits.Add64(uint64(j), uint64(s>>(unsafe.Sizeof(s)*4)), above)
	return uintptr(child)
}

// eightRowsMasked is eightRows for a model with masks.
func (f *forest[K, S, KP, SP]) eightRowsMasked(t int, x []K, leaves []uint32) {
	keys, steps, masks := f.keys, f.steps, f.masks
	root, depth := uintptr(f.roots[t]), f.depths[t]
	width := f.constant + lanes
	for len(leaves) >= lanes {
		row, out := unsafe.Pointer(unsafe.SliceData(x)), (*[lanes]uint32)(leaves)
		j0, j1, j2, j3, j4, j5, j6, j7 := root, root, root, root, root, root, root, root
		for left := depth; ; left -= burst {
			for d := min(left, burst); d > 0; d-- {
				j0 = masked[K, S, KP, SP](keys, steps, masks, row, j0)
				out[0] = uint32(j0)
				j1 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 1*unsafe.Sizeof(K(0))), j1)
				out[1] = uint32(j1)
				j2 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 2*unsafe.Sizeof(K(0))), j2)
				out[2] = uint32(j2)
				j3 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 3*unsafe.Sizeof(K(0))), j3)
				out[3] = uint32(j3)
				j4 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 4*unsafe.Sizeof(K(0))), j4)
				out[4] = uint32(j4)
				j5 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 5*unsafe.Sizeof(K(0))), j5)
				out[5] = uint32(j5)
				j6 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 6*unsafe.Sizeof(K(0))), j6)
				out[6] = uint32(j6)
				j7 = masked[K, S, KP, SP](keys, steps, masks, unsafe.Add(row, 7*unsafe.Sizeof(K(0))), j7)
				out[7] = uint32(j7)
			}
			if left <= burst || resting[S, SP](steps, out) {
				break
			}
		}
		x, leaves = x[width:], leaves[lanes:]
	}
}

// eightTreesMasked is eightTrees for a model with masks.
func (f *forest[K, S, KP, SP]) eightTreesMasked(chunk []eight, x []K, leaves []uint32) {
	keys, steps, masks := f.keys, f.steps, f.masks
	row := unsafe.Pointer(unsafe.SliceData(x))
	var out [lanes]uint32
	for i := range chunk {
		e := &chunk[i]
		j0, j1, j2, j3, j4, j5, j6, j7 := uintptr(e.roots[0]), uintptr(e.roots[1]), uintptr(e.roots[2]), uintptr(e.roots[3]), uintptr(e.roots[4]), uintptr(e.roots[5]), uintptr(e.roots[6]), uintptr(e.roots[7])
		for left := e.depth; ; left -= burst {
			for d := min(left, burst); d > 0; d-- {
				j0 = masked[K, S, KP, SP](keys, steps, masks, row, j0)
				out[0] = uint32(j0)
				j1 = masked[K, S, KP, SP](keys, steps, masks, row, j1)
				out[1] = uint32(j1)
				j2 = masked[K, S, KP, SP](keys, steps, masks, row, j2)
				out[2] = uint32(j2)
				j3 = masked[K, S, KP, SP](keys, steps, masks, row, j3)
				out[3] = uint32(j3)
				j4 = masked[K, S, KP, SP](keys, steps, masks, row, j4)
				out[4] = uint32(j4)
				j5 = masked[K, S, KP, SP](keys, steps, masks, row, j5)
				out[5] = uint32(j5)
				j6 = masked[K, S, KP, SP](keys, steps, masks, row, j6)
				out[6] = uint32(j6)
				j7 = masked[K, S, KP, SP](keys, steps, masks, row, j7)
				out[7] = uint32(j7)
			}
			if left <= burst || resting[S, SP](steps, &out) {
				break
			}
		}
		for k, place := range e.place {
			leaves[place] = out[k]
		}
	}
}

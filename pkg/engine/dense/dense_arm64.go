package dense

import "unsafe"

// neon says whether the kernels in assembly are used: every arm64 has them.
var neon = true

// Kernels lists the kernels of this processor, the best last.
func Kernels() []string { return []string{"go", "neon"} }

// Use chooses one of Kernels, for tests; nothing may be computed meanwhile.
func Use(name string) { neon = name == "neon" }

// The kernels compute four columns of 16 rows; stride is in bytes. They read k
// columns of x, and k+1 times four numbers of part, of which the distances do
// not use the last four.

//go:noescape
func mulNEON(out, x, part *float32, stride, k, relu uintptr)

//go:noescape
func distanceNEON(out, x, part *float32, stride, k uintptr)

func mulTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	if !neon {
		mulPlain(out, x, part, stride, k, rows, relu)
		return
	}
	positive := uintptr(0)
	if relu {
		positive = 1
	}
	o, from := unsafe.Pointer(&out[0]), unsafe.Pointer(&x[0])
	for r := 0; r < rows; r += Tile {
		mulNEON((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), &part[0], uintptr(4*stride), uintptr(k), positive)
	}
}

func distanceTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	if !neon {
		distancePlain(out, x, part, stride, k, rows, relu)
		return
	}
	o, from := unsafe.Pointer(&out[0]), unsafe.Pointer(&x[0])
	for r := 0; r < rows; r += Tile {
		distanceNEON((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), &part[0], uintptr(4*stride), uintptr(k))
	}
}

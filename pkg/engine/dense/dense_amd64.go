package dense

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// level is which kernels are used: 0 those in Go, 1 AVX2, 2 AVX-512.
var level = best()

func best() int {
	switch {
	case cpu.X86.HasAVX512F:
		return 2
	case cpu.X86.HasAVX2:
		return 1
	}
	return 0
}

var names = [...]string{"go", "avx2", "avx512"}

// Kernels lists the kernels of this processor, the best last.
func Kernels() []string { return names[:best()+1] }

// Use chooses one of Kernels, for tests; nothing may be computed meanwhile.
func Use(name string) {
	for i, n := range Kernels() {
		if n == name {
			level = i
		}
	}
}

// The kernels compute four columns of 16 rows, or of 64 where the name says so;
// stride is in bytes. They read k columns of x, and k+1 times four numbers of
// part, of which the distances do not use the last four.

//go:noescape
func mulAVX2(out, x, part *float32, stride, k, relu uintptr)

//go:noescape
func distanceAVX2(out, x, part *float32, stride, k uintptr)

//go:noescape
func mul64AVX512(out, x, part *float32, stride, k, relu uintptr)

//go:noescape
func distance64AVX512(out, x, part *float32, stride, k uintptr)

const wide = 64 // rows of the large tiles

// large says whether a large tile is the next one: it is faster from half of
// its rows on, where there is room for all of them.
func large(r, rows, stride int) bool {
	return level == 2 && rows-r > wide/2 && r+wide <= stride
}

func mulTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	if level == 0 {
		mulPlain(out, x, part, stride, k, rows, relu)
		return
	}
	o, from, p := unsafe.Pointer(&out[0]), unsafe.Pointer(&x[0]), &part[0]
	bytes, positive := uintptr(4*stride), uintptr(0)
	if relu {
		positive = 1
	}
	r := 0
	for ; large(r, rows, stride); r += wide {
		mul64AVX512((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), p, bytes, uintptr(k), positive)
	}
	for ; r < rows; r += Tile {
		mulAVX2((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), p, bytes, uintptr(k), positive)
	}
}

func distanceTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	if level == 0 {
		distancePlain(out, x, part, stride, k, rows, relu)
		return
	}
	o, from, p := unsafe.Pointer(&out[0]), unsafe.Pointer(&x[0]), &part[0]
	bytes := uintptr(4 * stride)
	r := 0
	for ; large(r, rows, stride); r += wide {
		distance64AVX512((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), p, bytes, uintptr(k))
	}
	for ; r < rows; r += Tile {
		distanceAVX2((*float32)(unsafe.Add(o, 4*r)), (*float32)(unsafe.Add(from, 4*r)), p, bytes, uintptr(k))
	}
}

package engine

import (
	"math/bits"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// walker finds the leaves that rows reach. It is the border behind which
// kernels stand.
type walker interface {
	// walk hands the leaf numbers of n rows, at most a block, to a sink.
	walk(rows []float64, n int, s *Scratch, to sink)
}

// sink takes leaf numbers, each row's in the order of the trees.
type sink interface {
	// tree takes the leaves of tree t for the rows from 0 on.
	tree(t int, leaves []uint32)
	// row takes the leaves of the trees from t on for one row.
	row(i, t int, leaves []uint32)
}

// forest is the walking part of Arrays, by width of keys and steps.
type forest[K, S word] struct {
	features int
	columns  []uint32
	roots    []uint32
	depths   []uint32
	keys     []K
	steps    []S
}

func newWalker(a *Arrays) walker {
	switch {
	case a.Compare == ir.Float32 && len(a.Steps64) == 0:
		return newForest(a, a.Keys32, a.Steps32)
	case a.Compare == ir.Float32:
		return newForest(a, a.Keys32, a.Steps64)
	case len(a.Steps64) == 0:
		return newForest(a, a.Keys64, a.Steps32)
	default:
		return newForest(a, a.Keys64, a.Steps64)
	}
}

func newForest[K, S word](a *Arrays, keys []K, steps []S) *forest[K, S] {
	return &forest[K, S]{a.Features, a.Columns, a.Roots, a.Depths, keys, steps}
}

// treeChunk is how many trees' leaves one row collects before they are summed,
// so that the sum of one chunk overlaps the walk of the next.
const treeChunk = 32

// walk scores whole groups tree by tree, and what is left row by row.
func (f *forest[K, S]) walk(rows []float64, n int, s *Scratch, to sink) {
	groups := rowGroups(n)
	width := (len(f.columns) + 1) * lanes
	buffer := keysOf[K](s)
	*buffer = grown(*buffer, max(1, groups)*width)
	s.leaves = grown(s.leaves, max(treeChunk, groups*lanes))
	x, leaves := *buffer, s.leaves

	for g := range groups {
		first := g * lanes
		f.fill(x[g*width:][:width], rows[first*f.features:], min(lanes, n-first))
	}
	scored := min(n, groups*lanes)
	if groups > 0 {
		for t := range f.roots {
			f.eightRows(t, x, leaves[:groups*lanes])
			to.tree(t, leaves[:scored])
		}
	}
	for i := scored; i < n; i++ {
		f.fillOne(x, rows[i*f.features:][:f.features])
		for t := 0; t < len(f.roots); t += treeChunk {
			k := min(treeChunk, len(f.roots)-t)
			f.eightTrees(t, k, x, leaves)
			to.row(i, t, leaves[:k])
		}
	}
}

// keysOf is the scratch for keys of one width.
func keysOf[K word](s *Scratch) *[]K {
	if p, ok := any(&s.keys32).(*[]K); ok {
		return p
	}
	return any(&s.keys64).(*[]K)
}

// split takes a step apart: offset to the first child, column×lanes.
func split[S word](s S) (offset, column uint64) {
	half := unsafe.Sizeof(s) * 4
	return uint64(s >> half), uint64(s & (1<<half - 1))
}

// next is one step from node j for the row whose keys start at x: to the first
// child, or to the second where the row's key is above the node's. New has
// proved that j, its children and its column exist.
func next[K, S word](keys, steps, x unsafe.Pointer, j uintptr) uintptr {
	var k K
	var s S
	offset, column := split(*(*S)(unsafe.Add(steps, j*unsafe.Sizeof(s))))
	row := *(*K)(unsafe.Add(x, uintptr(column)*unsafe.Sizeof(k)))
	node := *(*K)(unsafe.Add(keys, j*unsafe.Sizeof(k)))
	_, above := bits.Sub64(uint64(node), uint64(row), 0)
	child, _ := bits.Add64(uint64(j), offset, above)
	return uintptr(child)
}

// eightRows walks tree t for the groups of rows with the keys x, a group of
// eight rows at a time, and writes their leaf numbers.
//
// The store after each lane's step is there for the compiler: it keeps the
// loads of later lanes where they stand. Without it all are moved to the front
// of the loop, where they do not fit the registers.
func (f *forest[K, S]) eightRows(t int, x []K, leaves []uint32) {
	var k K
	keys, steps := unsafe.Pointer(unsafe.SliceData(f.keys)), unsafe.Pointer(unsafe.SliceData(f.steps))
	root, depth := uintptr(f.roots[t]), f.depths[t]
	width := (len(f.columns) + 1) * lanes
	for at := 0; at+lanes <= len(leaves); at += lanes {
		out := (*[lanes]uint32)(leaves[at:])
		row := unsafe.Pointer(&x[at/lanes*width])
		j0, j1, j2, j3, j4, j5, j6, j7 := root, root, root, root, root, root, root, root
		for d := depth; d > 0; d-- {
			j0 = next[K, S](keys, steps, row, j0)
			out[0] = uint32(j0)
			j1 = next[K, S](keys, steps, unsafe.Add(row, 1*unsafe.Sizeof(k)), j1)
			out[1] = uint32(j1)
			j2 = next[K, S](keys, steps, unsafe.Add(row, 2*unsafe.Sizeof(k)), j2)
			out[2] = uint32(j2)
			j3 = next[K, S](keys, steps, unsafe.Add(row, 3*unsafe.Sizeof(k)), j3)
			out[3] = uint32(j3)
			j4 = next[K, S](keys, steps, unsafe.Add(row, 4*unsafe.Sizeof(k)), j4)
			out[4] = uint32(j4)
			j5 = next[K, S](keys, steps, unsafe.Add(row, 5*unsafe.Sizeof(k)), j5)
			out[5] = uint32(j5)
			j6 = next[K, S](keys, steps, unsafe.Add(row, 6*unsafe.Sizeof(k)), j6)
			out[6] = uint32(j6)
			j7 = next[K, S](keys, steps, unsafe.Add(row, 7*unsafe.Sizeof(k)), j7)
			out[7] = uint32(j7)
		}
		out[0] = uint32(f.keys[j0])
		out[1] = uint32(f.keys[j1])
		out[2] = uint32(f.keys[j2])
		out[3] = uint32(f.keys[j3])
		out[4] = uint32(f.keys[j4])
		out[5] = uint32(f.keys[j5])
		out[6] = uint32(f.keys[j6])
		out[7] = uint32(f.keys[j7])
	}
}

// eightTrees walks n trees from t on for the one row in the first lane of x,
// eight trees at a time, and writes its leaf numbers. Where less than eight
// trees are left the last one fills up.
func (f *forest[K, S]) eightTrees(t, n int, x []K, leaves []uint32) {
	keys, steps := unsafe.Pointer(unsafe.SliceData(f.keys)), unsafe.Pointer(unsafe.SliceData(f.steps))
	row := unsafe.Pointer(unsafe.SliceData(x))
	var roots, depths [lanes]uint32
	for at := 0; at < n; at += lanes {
		r, d := f.roots[t+at:t+n], f.depths[t+at:t+n]
		if len(r) < lanes {
			last := len(r) - 1
			for i := range roots {
				roots[i], depths[i] = r[min(i, last)], d[min(i, last)]
			}
			r, d = roots[:], depths[:]
		}
		out := (*[lanes]uint32)(leaves[at:])
		r, d = r[:lanes], d[:lanes]
		j0, j1, j2, j3, j4, j5, j6, j7 := uintptr(r[0]), uintptr(r[1]), uintptr(r[2]), uintptr(r[3]), uintptr(r[4]), uintptr(r[5]), uintptr(r[6]), uintptr(r[7])
		for d := max(d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]); d > 0; d-- {
			j0 = next[K, S](keys, steps, row, j0)
			out[0] = uint32(j0)
			j1 = next[K, S](keys, steps, row, j1)
			out[1] = uint32(j1)
			j2 = next[K, S](keys, steps, row, j2)
			out[2] = uint32(j2)
			j3 = next[K, S](keys, steps, row, j3)
			out[3] = uint32(j3)
			j4 = next[K, S](keys, steps, row, j4)
			out[4] = uint32(j4)
			j5 = next[K, S](keys, steps, row, j5)
			out[5] = uint32(j5)
			j6 = next[K, S](keys, steps, row, j6)
			out[6] = uint32(j6)
			j7 = next[K, S](keys, steps, row, j7)
			out[7] = uint32(j7)
		}
		out[0] = uint32(f.keys[j0])
		out[1] = uint32(f.keys[j1])
		out[2] = uint32(f.keys[j2])
		out[3] = uint32(f.keys[j3])
		out[4] = uint32(f.keys[j4])
		out[5] = uint32(f.keys[j5])
		out[6] = uint32(f.keys[j6])
		out[7] = uint32(f.keys[j7])
	}
}

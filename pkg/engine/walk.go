package engine

import (
	"math/bits"
	"slices"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// walker finds the leaves that rows reach. It is the border behind which
// kernels stand.
type walker interface {
	// walk hands the leaves of n rows, at most a block, to a sink.
	walk(rows []float64, n int, s *Scratch, to sink)
}

// sink takes leaves, each row's in the order of the trees.
type sink interface {
	// byNode says whether the sink knows leaves by their nodes, and not by
	// their numbers.
	byNode() bool
	// trees takes the leaves of count trees from t on for the first n rows.
	trees(t, count, n int, leaves *block)
	// row takes the leaves of the trees from t on for one row.
	row(i, t int, leaves []uint32)
}

// treeBatch is how many trees are walked for a block of rows before their
// leaves are summed: a row's margin is loaded and stored once for all of them.
const treeBatch = 4

// block has a leaf for each tree of a batch and each row of a block.
type block [treeBatch][maxBlock]uint32

// forest is the walking part of Arrays. Its type says how: K holds a key and S
// a step; the keys of neighbouring nodes lie a KP apart, their steps an SP.
type forest[K, S, KP, SP word] struct {
	features      int
	single        bool // features are rounded to float32
	plain, banded []keyColumn[K]
	tables        []setTable
	input         ir.Precision
	rule          ir.CodeRule
	constant      int // where the constant column starts among the keys
	roots         []uint32
	depths        []uint32
	keys          unsafe.Pointer // of node 0
	steps         unsafe.Pointer
	masks         unsafe.Pointer // nil where no column is of sets
	last          K              // number of the last leaf
	eights        []eight
}

func newWalker(a *Arrays) walker {
	switch {
	case len(a.Nodes32) > 0:
		p := unsafe.SliceData(a.Nodes32)
		return newForest[uint32, uint32, uint64, uint64](a, unsafe.Pointer(&p.Key), unsafe.Pointer(&p.Step))
	case len(a.Steps32) > 0:
		return newForest[uint64, uint32, uint64, uint32](a,
			unsafe.Pointer(unsafe.SliceData(a.Keys64)), unsafe.Pointer(unsafe.SliceData(a.Steps32)))
	default:
		return newForest[uint64, uint64, uint64, uint64](a,
			unsafe.Pointer(unsafe.SliceData(a.Keys64)), unsafe.Pointer(unsafe.SliceData(a.Steps64)))
	}
}

func newForest[K, S, KP, SP word](a *Arrays, keys, steps unsafe.Pointer) *forest[K, S, KP, SP] {
	f := &forest[K, S, KP, SP]{
		features: a.Features, single: a.Compare == ir.Float32,
		tables: setTables(a), input: a.Compare, rule: a.Codes, constant: len(a.Columns) * lanes,
		roots: a.Roots, depths: a.Depths,
		keys: keys, steps: steps, last: K(max(1, len(a.LeafIDs)) - 1), eights: eights(a),
	}
	f.plain, f.banded = keyColumns[K](a)
	switch {
	case len(a.Masks32) > 0:
		f.masks = unsafe.Pointer(unsafe.SliceData(a.Masks32))
	case len(a.Masks64) > 0:
		f.masks = unsafe.Pointer(unsafe.SliceData(a.Masks64))
	}
	return f
}

// treeChunk is how many trees' leaves one row collects before they are summed:
// the sum of one chunk overlaps the walk of the next.
const treeChunk = 64

// eight is eight trees of a chunk that one row walks together, as deep as the
// deepest of them. Where a chunk has no more trees, its last one stands again.
type eight struct {
	roots [lanes]uint32
	place [lanes]uint8 // of each tree, in its chunk
	depth uint32
}

// eights groups the trees of each chunk by depth, so that flat trees do not
// wait for deep ones.
func eights(a *Arrays) []eight {
	list := make([]eight, 0, (len(a.Roots)+lanes-1)/lanes)
	var order [treeChunk]uint32 // depth, then place: a cold start waits for the sorting
	for t := 0; t < len(a.Roots); t += treeChunk {
		roots := a.Roots[t:min(t+treeChunk, len(a.Roots))]
		places := order[:len(roots)]
		for i, depth := range a.Depths[t:][:len(roots)] {
			places[i] = depth*treeChunk | uint32(i)
		}
		slices.Sort(places)
		for at := 0; at < len(places); at += lanes {
			var e eight
			for i := range e.place {
				p := places[min(at+i, len(places)-1)]
				e.place[i] = uint8(p % treeChunk)
				e.roots[i] = roots[e.place[i]]
				e.depth = p / treeChunk
			}
			list = append(list, e)
		}
	}
	return list
}

// walk scores whole groups tree by tree, and what is left row by row.
func (f *forest[K, S, KP, SP]) walk(rows []float64, n int, s *Scratch, to sink) {
	groups := rowGroups(n)
	buffer := keysOf[K](s)
	*buffer = grown(*buffer, max(1, groups)*(f.constant+lanes))
	if s.leaves == nil {
		s.leaves = new(block)
	}
	scored := min(n, groups*lanes)
	f.walkRows(rows, scored, *buffer, s.leaves, to)
	for i := scored; i < n; i++ {
		f.walkRow(i, rows[i*f.features:][:f.features], *buffer, s.leaves[0][:treeChunk], to)
	}
}

// walkRows scores n rows, in groups, tree by tree.
func (f *forest[K, S, KP, SP]) walkRows(rows []float64, n int, x []K, leaves *block, to sink) {
	width := f.constant + lanes
	groups := 0
	for ; groups*lanes < n; groups++ {
		first := groups * lanes
		f.fill(x[groups*width:][:width], rows[first*f.features:], min(lanes, n-first))
	}
	byNode := to.byNode()
	for t := 0; t < len(f.roots) && n > 0; t += treeBatch {
		count := min(treeBatch, len(f.roots)-t)
		for k := range count {
			nodes := leaves[k][:groups*lanes]
			if f.masks != nil {
				f.eightRowsMasked(t+k, x, nodes)
			} else {
				f.eightRows(t+k, x, nodes)
			}
			if !byNode {
				f.numbers(nodes)
			}
		}
		to.trees(t, count, n, leaves)
	}
}

// walkRow scores row i, chunk by chunk of the trees.
func (f *forest[K, S, KP, SP]) walkRow(i int, row []float64, x []K, leaves []uint32, to sink) {
	f.fillLane(x, row)
	byNode := to.byNode()
	for t := 0; t < len(f.roots); t += treeChunk {
		chunk := leaves[:min(treeChunk, len(f.roots)-t)]
		if eights := f.eights[t/lanes:][:(len(chunk)+lanes-1)/lanes]; f.masks != nil {
			f.eightTreesMasked(eights, x, chunk)
		} else {
			f.eightTrees(eights, x, chunk)
		}
		if !byNode {
			f.numbers(chunk)
		}
		to.row(i, t, chunk)
	}
}

// keysOf is the scratch for keys of one width.
func keysOf[K word](s *Scratch) *[]K {
	if p, ok := any(&s.keys32).(*[]K); ok {
		return p
	}
	return any(&s.keys64).(*[]K)
}

// next is one step from node j for the row whose keys start at x, lane bytes
// in: to the first child, or to the second where the row's key is above the
// node's. New has proved that j, its children and its column exist.
func next[K, S, KP, SP word](keys, steps, x unsafe.Pointer, lane, j uintptr) uintptr {
	s := *(*S)(unsafe.Add(steps, j*unsafe.Sizeof(SP(0))))
	column := uintptr(s & (1<<(unsafe.Sizeof(s)*4) - 1))
	node := *(*K)(unsafe.Add(keys, j*unsafe.Sizeof(KP(0))))
	row := *(*K)(unsafe.Add(x, column*unsafe.Sizeof(K(0))+lane))
	if !carries {
		above := uintptr(0)
		if row > node {
			above = 1
		}
		return j + uintptr(s>>(unsafe.Sizeof(s)*4)) + above
	}
	_, above := bits.Sub64(uint64(node), uint64(row), 0)
	child, _ := bits.Add64(uint64(j), uint64(s>>(unsafe.Sizeof(s)*4)), above)
	return uintptr(child)
}

// burst is how many steps are taken between two looks whether all lanes have
// come to rest on leaves. Trees of libraries that bound the depth take one
// burst; a tree that is deep on one side stops early on the others.
const burst = 8

// resting says whether the nodes in all lanes are leaves: their steps have no
// offset.
func resting[S, SP word](steps unsafe.Pointer, nodes *[lanes]uint32) bool {
	var all S
	for _, j := range nodes {
		all |= *(*S)(unsafe.Add(steps, uintptr(j)*unsafe.Sizeof(SP(0))))
	}
	return all>>(unsafe.Sizeof(all)*4) == 0
}

// eightRows walks tree t for the groups of rows with the keys x, a group of
// eight rows at a time, and writes the leaf nodes.
//
// The store after each lane's step is there for the compiler: it keeps the
// loads of later lanes where they stand. Without it all are moved to the front
// of the loop, where they do not fit the registers.
func (f *forest[K, S, KP, SP]) eightRows(t int, x []K, leaves []uint32) {
	keys, steps := f.keys, f.steps
	root, depth := uintptr(f.roots[t]), f.depths[t]
	width := f.constant + lanes
	for len(leaves) >= lanes {
		row, out := unsafe.Pointer(unsafe.SliceData(x)), (*[lanes]uint32)(leaves)
		j0, j1, j2, j3, j4, j5, j6, j7 := root, root, root, root, root, root, root, root
		for left := depth; ; left -= burst {
			for d := min(left, burst); d > 0; d-- {
				j0 = next[K, S, KP, SP](keys, steps, row, 0*unsafe.Sizeof(K(0)), j0)
				out[0] = uint32(j0)
				j1 = next[K, S, KP, SP](keys, steps, row, 1*unsafe.Sizeof(K(0)), j1)
				out[1] = uint32(j1)
				j2 = next[K, S, KP, SP](keys, steps, row, 2*unsafe.Sizeof(K(0)), j2)
				out[2] = uint32(j2)
				j3 = next[K, S, KP, SP](keys, steps, row, 3*unsafe.Sizeof(K(0)), j3)
				out[3] = uint32(j3)
				j4 = next[K, S, KP, SP](keys, steps, row, 4*unsafe.Sizeof(K(0)), j4)
				out[4] = uint32(j4)
				j5 = next[K, S, KP, SP](keys, steps, row, 5*unsafe.Sizeof(K(0)), j5)
				out[5] = uint32(j5)
				j6 = next[K, S, KP, SP](keys, steps, row, 6*unsafe.Sizeof(K(0)), j6)
				out[6] = uint32(j6)
				j7 = next[K, S, KP, SP](keys, steps, row, 7*unsafe.Sizeof(K(0)), j7)
				out[7] = uint32(j7)
			}
			if left <= burst || resting[S, SP](steps, out) {
				break
			}
		}
		x, leaves = x[width:], leaves[lanes:]
	}
}

// eightTrees walks the trees of a chunk for the one row in the first lane of
// x, eight trees at a time, and writes their leaf nodes.
func (f *forest[K, S, KP, SP]) eightTrees(chunk []eight, x []K, leaves []uint32) {
	keys, steps := f.keys, f.steps
	row := unsafe.Pointer(unsafe.SliceData(x))
	var out [lanes]uint32
	for i := range chunk {
		e := &chunk[i]
		j0, j1, j2, j3, j4, j5, j6, j7 := uintptr(e.roots[0]), uintptr(e.roots[1]), uintptr(e.roots[2]), uintptr(e.roots[3]), uintptr(e.roots[4]), uintptr(e.roots[5]), uintptr(e.roots[6]), uintptr(e.roots[7])
		for left := e.depth; ; left -= burst {
			for d := min(left, burst); d > 0; d-- {
				j0 = next[K, S, KP, SP](keys, steps, row, 0, j0)
				out[0] = uint32(j0)
				j1 = next[K, S, KP, SP](keys, steps, row, 0, j1)
				out[1] = uint32(j1)
				j2 = next[K, S, KP, SP](keys, steps, row, 0, j2)
				out[2] = uint32(j2)
				j3 = next[K, S, KP, SP](keys, steps, row, 0, j3)
				out[3] = uint32(j3)
				j4 = next[K, S, KP, SP](keys, steps, row, 0, j4)
				out[4] = uint32(j4)
				j5 = next[K, S, KP, SP](keys, steps, row, 0, j5)
				out[5] = uint32(j5)
				j6 = next[K, S, KP, SP](keys, steps, row, 0, j6)
				out[6] = uint32(j6)
				j7 = next[K, S, KP, SP](keys, steps, row, 0, j7)
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

// numbers turns leaf nodes into leaf numbers, which are bounded here: New does
// not look at them (check_trees.go).
func (f *forest[K, S, KP, SP]) numbers(leaves []uint32) {
	for i, node := range leaves {
		leaves[i] = uint32(min(*(*K)(unsafe.Add(f.keys, uintptr(node)*unsafe.Sizeof(KP(0)))), f.last))
	}
}

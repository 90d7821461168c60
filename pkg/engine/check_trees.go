package engine

import (
	"unsafe"

	"example.com/copse/pkg/ir"
)

// checkTrees judges every node: trees are laid out breadth first, each inner
// node's children next to those of the one before it, and leaves are numbered
// as they come. A cold start waits for this, so soundTree does it without a
// branch a node; what is wrong, and where, checkTree then tells.
func checkTrees(a *Arrays) error {
	nodes := uint32(a.nodes())
	if len(a.Roots) == 0 && nodes > 0 || len(a.Roots) > 0 && a.Roots[0] != 0 {
		return bad("Roots", -1, "does not start at node 0")
	}
	var inner []uint32
	leaf := uint64(0)
	sound := treeCheck(a)
	for t, root := range a.Roots {
		end := nodes
		if t+1 < len(a.Roots) {
			end = a.Roots[t+1]
		}
		if root >= end || end > nodes {
			return bad("Roots", t, "is node %d, the tree ends at %d of %d", root, end, nodes)
		}
		inner = grown(inner, int(end-root))
		next, depth := sound(root, end, leaf, inner)
		if depth == 0 {
			return checkTree(a, root, end, leaf)
		}
		if leaf = next; depth != a.Depths[t] || depth > ir.MaxDepth {
			return bad("Depths", t, "is %d, the tree has %d, at most %d are allowed", a.Depths[t], depth, ir.MaxDepth)
		}
	}
	if leaf != uint64(len(a.LeafIDs)) {
		return bad("LeafIDs", -1, "has %d elements, the trees have %d leaves", len(a.LeafIDs), leaf)
	}
	return nil
}

// treeCheck is soundTree for the form of the nodes.
func treeCheck(a *Arrays) func(root, end uint32, leaf uint64, inner []uint32) (uint64, uint32) {
	constant := uint64(len(a.Columns) * lanes)
	switch {
	case len(a.Nodes32) > 0:
		p := unsafe.SliceData(a.Nodes32)
		return func(root, end uint32, leaf uint64, inner []uint32) (uint64, uint32) {
			return soundTree[uint32, uint32, uint64, uint64](unsafe.Pointer(&p.Key), unsafe.Pointer(&p.Step), constant, root, end, leaf, inner)
		}
	case len(a.Steps32) > 0:
		keys, steps := unsafe.Pointer(unsafe.SliceData(a.Keys64)), unsafe.Pointer(unsafe.SliceData(a.Steps32))
		return func(root, end uint32, leaf uint64, inner []uint32) (uint64, uint32) {
			return soundTree[uint64, uint32, uint64, uint32](keys, steps, constant, root, end, leaf, inner)
		}
	}
	keys, steps := unsafe.Pointer(unsafe.SliceData(a.Keys64)), unsafe.Pointer(unsafe.SliceData(a.Steps64))
	return func(root, end uint32, leaf uint64, inner []uint32) (uint64, uint32) {
		return soundTree[uint64, uint64, uint64, uint64](keys, steps, constant, root, end, leaf, inner)
	}
}

// soundTree checks the nodes from root to end, which exist; leaf is the number
// of the tree's first leaf, inner has room for as many nodes. It returns the
// number of the next tree's first leaf and the depth, at least 1, or a depth of
// 0 if anything is wrong.
func soundTree[K, S, KP, SP word](keys, steps unsafe.Pointer, constant uint64, root, end uint32, leaf uint64, inner []uint32) (next uint64, depth uint32) {
	half := unsafe.Sizeof(S(0)) * 4
	inners, child, wrong := uint64(0), uint64(root)+1, uint64(0)
	for i := uint64(root); i < uint64(end); i++ {
		step := uint64(*(*S)(unsafe.Add(steps, uintptr(i)*unsafe.Sizeof(SP(0)))))
		key := uint64(*(*K)(unsafe.Add(keys, uintptr(i)*unsafe.Sizeof(KP(0)))))
		offset, column := step>>half, step&(1<<half-1)
		in := uint64(0)
		if offset != 0 {
			in = 1
		}
		resting := in - 1                    // all ones in a leaf
		left := constant - column - lanes*in // columns behind the node's, times lanes
		wrong |= offset ^ (child-i)&^resting | column&(lanes-1) | left>>63 | (left|(key^leaf))&resting
		inner[inners] = uint32(i)
		inners += in
		child += 2 * in
		leaf += 1 - in
	}
	if wrong != 0 || child != uint64(end) {
		return 0, 0
	}
	// The last node is a deepest one; pair k of children is of inner node k.
	depth = 1
	for at := end - 1; at > root+2; depth++ {
		at = inner[(at-root-1)/2]
	}
	return leaf, depth
}

// checkTree says what is wrong with a tree: soundTree's slow twin.
func checkTree(a *Arrays, root, end uint32, leaf uint64) error {
	constant := uint64(len(a.Columns) * lanes)
	next := uint64(root) + 1
	for i := root; i < end; i++ {
		key, offset, column := a.node(i)
		child := uint64(i) + offset
		switch {
		case offset == 0 && column != constant:
			return bad("nodes", int(i), "stays, but not by the constant column")
		case offset == 0 && key != leaf:
			return bad("nodes", int(i), "is leaf %d, not %d", key, leaf)
		case offset == 0:
			leaf++
			continue
		case column >= constant || column%lanes != 0:
			return bad("nodes", int(i), "has no column: %d of %d", column, constant)
		case child+1 >= uint64(end):
			return bad("nodes", int(i), "leaves its tree")
		case child != next:
			return bad("nodes", int(i), "has the children at %d, not at %d", child, next)
		}
		next += 2
	}
	if next != uint64(end) {
		return bad("nodes", int(end)-1, "is the tree's last one, of whose nodes %d have a parent", next-uint64(root)-1)
	}
	return nil
}

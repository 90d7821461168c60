package engine

import (
	"unsafe"

	"example.com/copse/pkg/ir"
)

// Question: how much is proved of the nodes when a model is opened? Choice: New
// proves that no walk can leave the arrays or take too long, a subtraction or
// two a node; that trees are trees whose leaves are numbered as they come is
// proved by CheckTrees, which takes several times as long and which `copse
// verify` calls. Why: a cold start waits for New. A file that New takes and
// CheckTrees refuses is not damaged, which checksums find, but made to be wrong,
// and its leaf values could be wrong as well. What would change it: files whose
// maker is known, by a signature, need neither.

// checkNodes proves that from every node a step leads to a node, whatever the
// row, and that its column exists.
func checkNodes(a *Arrays) error {
	nodes, constant := uint64(a.nodes()), uint64(len(a.Columns)*lanes)
	if len(a.Roots) > 0 && len(a.LeafIDs) == 0 {
		return bad("LeafIDs", -1, "is empty")
	}
	for t, root := range a.Roots {
		if uint64(root) >= nodes {
			return bad("Roots", t, "is node %d of %d", root, nodes)
		}
		if d := a.Depths[t]; d < 1 || d > ir.MaxDepth {
			return bad("Depths", t, "is %d, want 1 to %d", d, ir.MaxDepth)
		}
	}
	if nodes == 0 {
		return nil
	}
	var inside bool
	switch {
	case len(a.Nodes32) > 0:
		inside = stepsInside[uint32, uint64](unsafe.Pointer(&a.Nodes32[0].Step), nodes, constant)
	case len(a.Steps32) > 0:
		inside = stepsInside[uint32, uint32](unsafe.Pointer(&a.Steps32[0]), nodes, constant)
	default:
		inside = stepsInside[uint64, uint64](unsafe.Pointer(&a.Steps64[0]), nodes, constant)
	}
	if inside {
		return nil
	}
	for i := range uint32(nodes) {
		if err := checkStep(a, i, nodes, constant); err != nil {
			return err
		}
	}
	return bad("nodes", -1, "lead out of the arrays")
}

// stepsInside is checkStep for all of the nodes, of which there is one at
// least, without a branch a node.
func stepsInside[S, SP word](steps unsafe.Pointer, nodes, constant uint64) bool {
	half := unsafe.Sizeof(S(0)) * 4
	var outside, all uint64 // the sign of any difference, the bits of any step
	room := nodes - 2       // steps that are left from the node on
	for i := range uintptr(nodes - 1) {
		step := uint64(*(*S)(unsafe.Add(steps, i*unsafe.Sizeof(SP(0)))))
		outside |= (room - step>>half) | (constant - step&(1<<half-1))
		all |= step
		room--
	}
	last := uint64(*(*S)(unsafe.Add(steps, uintptr(nodes-1)*unsafe.Sizeof(SP(0)))))
	return outside>>63 == 0 && all&(lanes-1) == 0 && last == constant
}

// checkStep says what is wrong with the step from node i. From the last node
// none may lead on, so it is a leaf.
func checkStep(a *Arrays, i uint32, nodes, constant uint64) error {
	_, offset, column := a.node(i)
	switch {
	case uint64(i) == nodes-1:
		if offset != 0 || column != constant {
			return bad("nodes", int(i), "is the last one, and no leaf")
		}
	case uint64(i)+offset+1 >= nodes:
		return bad("nodes", int(i), "leads to node %d of %d", uint64(i)+offset+1, nodes)
	case column > constant || column%lanes != 0:
		return bad("nodes", int(i), "has no column: %d of %d", column, constant)
	}
	return nil
}

// CheckTrees proves of arrays that New took that trees are laid out breadth
// first, each inner node's children next to those of the one before it, that
// leaves are numbered as they come, and that depths are right. Its error is an
// *Error.
func CheckTrees(a *Arrays) error {
	for i := range a.Parts {
		if err := CheckTrees(&a.Parts[i]); err != nil {
			return err
		}
	}
	nodes := uint32(a.nodes())
	if nodes > 0 && (len(a.Roots) == 0 || a.Roots[0] != 0) {
		return bad("Roots", -1, "does not start at node 0")
	}
	var depths []uint32
	leaf := uint64(0)
	for t, root := range a.Roots {
		end := nodes
		if t+1 < len(a.Roots) {
			end = a.Roots[t+1]
		}
		if root >= end || end > nodes {
			return bad("Roots", t, "is node %d, the tree ends at %d of %d", root, end, nodes)
		}
		depths = grown(depths, int(end-root))
		next, err := checkTree(a, root, end, leaf, depths)
		if err != nil {
			return err
		}
		if deepest := max(1, depths[end-root-1]); deepest != a.Depths[t] {
			return bad("Depths", t, "is %d, the tree has %d", a.Depths[t], deepest)
		}
		leaf = next
	}
	if leaf != uint64(len(a.LeafIDs)) {
		return bad("LeafIDs", -1, "has %d elements, the trees have %d leaves", len(a.LeafIDs), leaf)
	}
	return nil
}

// checkTree judges the nodes from root to end and returns the number of the
// next tree's first leaf. It fills depths, the last of which is the largest.
func checkTree(a *Arrays, root, end uint32, leaf uint64, depths []uint32) (uint64, error) {
	constant := uint64(len(a.Columns) * lanes)
	next := uint64(root) + 1
	depths[0] = 0
	for i := root; i < end; i++ {
		key, offset, column := a.node(i)
		child := uint64(i) + offset
		switch {
		case uint64(i) >= next:
			return 0, bad("nodes", int(i), "has no parent")
		case offset == 0 && column != constant:
			return 0, bad("nodes", int(i), "stays, but not by the constant column")
		case offset == 0 && key != leaf:
			return 0, bad("nodes", int(i), "is leaf %d, not %d", key, leaf)
		case offset == 0:
			leaf++
			continue
		case column == constant:
			return 0, bad("nodes", int(i), "has no column: %d of %d", column, constant)
		case child+1 >= uint64(end):
			return 0, bad("nodes", int(i), "leaves its tree")
		case child != next:
			return 0, bad("nodes", int(i), "has the children at %d, not at %d", child, next)
		}
		depths[child-uint64(root)], depths[child-uint64(root)+1] = depths[i-root]+1, depths[i-root]+1
		next += 2
	}
	return leaf, nil
}

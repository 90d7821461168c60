package engine

import "example.com/copse/pkg/ir"

// visitor walks trees; its memory serves one after the other.
type visitor struct {
	queue  []int32
	depths []uint32
}

// visit calls f for the nodes of a tree breadth first, children as neighbours,
// with the distance to the first child (0 for a leaf) and the steps from the
// root.
func (v *visitor) visit(tree *ir.Tree, f func(n *ir.Node, offset int, depth uint32)) {
	v.queue, v.depths = append(v.queue[:0], 0), append(v.depths[:0], 0)
	for i := 0; i < len(v.queue); i++ {
		n, depth := &tree.Nodes[v.queue[i]], v.depths[i]
		if n.Feature == ir.Leaf {
			f(n, 0, depth)
			continue
		}
		f(n, len(v.queue)-i, depth)
		v.queue = append(v.queue, n.Left, n.Right)
		v.depths = append(v.depths, depth+1, depth+1)
	}
}

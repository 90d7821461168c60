package engine

import (
	"fmt"
	"math"

	"example.com/copse/pkg/ir"
)

// Error says which of the arrays of a compiled model cannot be used, and why.
type Error struct {
	Array   string // its name in Arrays
	Index   int    // of the element, or -1
	Message string
}

func (e *Error) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("compiled model: %s %s: compile it again", e.Array, e.Message)
	}
	return fmt.Sprintf("compiled model: %s[%d] %s: compile it again", e.Array, e.Index, e.Message)
}

func bad(array string, index int, format string, args ...any) error {
	return &Error{Array: array, Index: index, Message: fmt.Sprintf(format, args...)}
}

// check proves all that the kernels rely on: lengths agree; columns, children,
// leaf numbers and outputs exist; a step goes forward or stays, and it stays
// only on leaves, so that Depths[t] steps from Roots[t] end on a leaf.
func check(a *Arrays) error {
	if err := checkShape(a); err != nil {
		return err
	}
	if err := checkLengths(a); err != nil {
		return err
	}
	if err := checkValues(a); err != nil {
		return err
	}
	switch {
	case a.Compare == ir.Float32 && len(a.Steps64) == 0:
		return checkTrees(a, a.Keys32, a.Steps32)
	case a.Compare == ir.Float32:
		return checkTrees(a, a.Keys32, a.Steps64)
	case len(a.Steps64) == 0:
		return checkTrees(a, a.Keys64, a.Steps32)
	default:
		return checkTrees(a, a.Keys64, a.Steps64)
	}
}

func checkShape(a *Arrays) error {
	switch {
	case a.Features < 1 || a.Features > ir.MaxFeatures:
		return bad("Features", -1, "is %d, want 1 to %d", a.Features, ir.MaxFeatures)
	case a.Outputs < 1 || a.Outputs > ir.MaxOutputs:
		return bad("Outputs", -1, "is %d, want 1 to %d", a.Outputs, ir.MaxOutputs)
	case a.LeafWidth != 1 && a.LeafWidth != a.Outputs:
		return bad("LeafWidth", -1, "is %d, want 1 or %d", a.LeafWidth, a.Outputs)
	case a.Compare > ir.Float32 || a.Sum > ir.Float32:
		return bad("Compare or Sum", -1, "is no precision")
	case a.Link > ir.Share || a.Link == ir.Share && len(a.Roots) == 0:
		return bad("Link", -1, "is %d with %d trees", a.Link, len(a.Roots))
	case len(a.Roots) > ir.MaxTrees:
		return bad("Roots", -1, "has %d trees, want at most %d", len(a.Roots), ir.MaxTrees)
	}
	return nil
}

// checkLengths holds the lengths of all arrays against each other. Those that
// the precisions do not use must be empty.
func checkLengths(a *Arrays) error {
	nodes := max(len(a.Steps32), len(a.Steps64))
	leaves := len(a.LeafIDs)
	if nodes > ir.MaxNodes || leaves > nodes {
		return bad("LeafIDs", -1, "has %d leaves of %d nodes, of which there may be %d", leaves, nodes, ir.MaxNodes)
	}
	used := func(yes bool, n int) int {
		if yes {
			return n
		}
		return 0
	}
	values := leaves * a.LeafWidth
	for _, l := range []struct {
		array     string
		got, want int
	}{
		{"Depths", len(a.Depths), len(a.Roots)},
		{"Groups", len(a.Groups), len(a.Roots)},
		{"Base", len(a.Base), a.Outputs},
		{"Steps32", len(a.Steps32), used(len(a.Steps64) == 0, nodes)},
		{"Keys32", len(a.Keys32), used(a.Compare == ir.Float32, nodes)},
		{"Keys64", len(a.Keys64), used(a.Compare == ir.Float64, nodes)},
		{"Leaves32", len(a.Leaves32), used(a.Sum == ir.Float32, values)},
		{"Leaves64", len(a.Leaves64), used(a.Sum == ir.Float64, values)},
	} {
		if l.got != l.want {
			return bad(l.array, -1, "has %d elements, want %d", l.got, l.want)
		}
	}
	return nil
}

// checkValues judges what is no index of a node.
func checkValues(a *Arrays) error {
	if len(a.Columns) > 2*a.Features {
		return bad("Columns", -1, "has %d elements, want at most two a feature", len(a.Columns))
	}
	for i, c := range a.Columns {
		if int(c&^NaNAbove) >= a.Features {
			return bad("Columns", i, "is feature %d of %d", c&^NaNAbove, a.Features)
		}
	}
	for t, g := range a.Groups {
		if int64(g) >= int64(a.Outputs) {
			return bad("Groups", t, "is output %d of %d", g, a.Outputs)
		}
	}
	for i, b := range a.Base {
		if !finite(a.Sum.Round(b)) {
			return bad("Base", i, "is not finite")
		}
	}
	for i, v := range a.Leaves32 {
		if !finite(float64(v)) {
			return bad("Leaves32", i, "is not finite")
		}
	}
	for i, v := range a.Leaves64 {
		if !finite(v) {
			return bad("Leaves64", i, "is not finite")
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// checkTrees judges every node.
func checkTrees[K, S word](a *Arrays, keys []K, steps []S) error {
	if len(a.Roots) == 0 && len(steps) > 0 || len(a.Roots) > 0 && a.Roots[0] != 0 {
		return bad("Roots", -1, "does not start at node 0")
	}
	var depths []uint32
	for t, root := range a.Roots {
		end := uint32(len(steps))
		if t+1 < len(a.Roots) {
			end = a.Roots[t+1]
		}
		if root >= end || int64(end) > int64(len(steps)) {
			return bad("Roots", t, "is node %d, the tree ends at %d of %d", root, end, len(steps))
		}
		depths = grown(depths, int(end-root))
		clear(depths)
		deepest, err := checkTree(a, keys[root:end], steps[root:end], depths, int(root))
		if err != nil {
			return err
		}
		if max(1, deepest) != a.Depths[t] || deepest > ir.MaxDepth {
			return bad("Depths", t, "is %d, the tree has %d, at most %d are allowed", a.Depths[t], deepest, ir.MaxDepth)
		}
	}
	return nil
}

// checkTree judges the nodes of the tree that starts at node root, and returns
// the steps to its deepest one. depths, all 0, are as many as the nodes.
func checkTree[K, S word](a *Arrays, keys []K, steps []S, depths []uint32, root int) (uint32, error) {
	constant := uint64(len(a.Columns) * lanes)
	deepest := uint32(0)
	for i, s := range steps {
		offset, column := split(s)
		if offset == 0 {
			if column != constant {
				return 0, bad("Steps", root+i, "stays, but not by the constant column")
			}
			if uint64(keys[i]) >= uint64(len(a.LeafIDs)) {
				return 0, bad("Keys", root+i, "is leaf %d of %d", keys[i], len(a.LeafIDs))
			}
			continue
		}
		if column >= constant || column%lanes != 0 {
			return 0, bad("Steps", root+i, "has no column: %d of %d", column, constant)
		}
		child := uint64(i) + offset
		if child+1 >= uint64(len(steps)) {
			return 0, bad("Steps", root+i, "leaves its tree")
		}
		d := depths[i] + 1
		depths[child] = max(depths[child], d)
		depths[child+1] = max(depths[child+1], d)
		deepest = max(deepest, d)
	}
	return deepest, nil
}

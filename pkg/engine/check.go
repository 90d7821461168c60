package engine

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

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
// tables and outputs exist.
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
	if err := checkTables(a); err != nil {
		return err
	}
	return checkNodes(a)
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
	case a.Codes > ir.CodeExact || a.Aggregate > ir.Max:
		return bad("Codes or Aggregate", -1, "is none")
	case !a.Finish.Sound(a.Outputs):
		return bad("Finish", -1, "has no such link, answer, average or bias")
	case len(a.Roots) > ir.MaxTrees:
		return bad("Roots", -1, "has %d trees, want at most %d", len(a.Roots), ir.MaxTrees)
	}
	return nil
}

// checkLengths holds the lengths of all arrays against each other. Those that
// the precisions do not use must be empty.
func checkLengths(a *Arrays) error {
	nodes := a.nodes()
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
	linear := len(a.LinearStarts) > 0
	switch {
	case linear:
		values = 2 * leaves
	case a.LeafWidth == 1:
		values = nodes
	}
	sets := setColumns(a.Columns)
	for _, l := range []struct {
		array     string
		got, want int
	}{
		{"Depths", len(a.Depths), len(a.Roots)},
		{"Groups", len(a.Groups), len(a.Roots)},
		{"Base", len(a.Base), a.Outputs},
		{"Nodes32", len(a.Nodes32), used(a.Compare == ir.Float32 && len(a.Steps64) == 0, nodes)},
		{"Keys64", len(a.Keys64), used(a.Compare == ir.Float64 || len(a.Steps64) > 0, nodes)},
		{"Steps32", len(a.Steps32), used(a.Compare == ir.Float64 && len(a.Steps64) == 0, nodes)},
		{"Masks32", len(a.Masks32), used(sets > 0, len(a.Nodes32))},
		{"Masks64", len(a.Masks64), used(sets > 0, len(a.Keys64))},
		{"LinearStarts", len(a.LinearStarts), used(linear, leaves+1)},
		{"LinearFeatures", len(a.LinearFeatures), len(a.LinearCoeffs)},
		{"RecodePlaces", len(a.RecodePlaces), len(a.RecodeNumbers)},
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
	for i, c := range a.Columns {
		if int(featureOf(c)) >= a.Features {
			return bad("Columns", i, "is feature %d of %d", featureOf(c), a.Features)
		}
		if i == 0 {
			continue
		}
		if order := compareColumns(a.Columns[i-1], c); order > 0 || order == 0 && class(c) < 2 {
			return bad("Columns", i, "comes after one that belongs behind it")
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
	// Most of a file is this; only a file that is refused is looked at twice.
	if !allFinite32(a.Leaves32) {
		return bad("Leaves32", slices.IndexFunc(a.Leaves32, func(v float32) bool { return !finite(float64(v)) }), "is not finite")
	}
	if !allFinite64(a.Leaves64) {
		return bad("Leaves64", slices.IndexFunc(a.Leaves64, func(v float64) bool { return !finite(v) }), "is not finite")
	}
	return nil
}

// allFinite32 has no branch in its loop: the exponents of numbers that are not
// finite are all ones, which a carry out of them shows. It looks at two numbers
// at once: no carry leaves its half.
func allFinite32(list []float32) bool {
	const exponent, one = 0x7f800000_7f800000, 0x00800000_00800000
	words := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(list))), len(list))
	var carry uint64
	for ; len(words) >= 4; words = words[4:] {
		p := (*[4]uint32)(words)
		a, b := uint64(p[0])|uint64(p[1])<<32, uint64(p[2])|uint64(p[3])<<32
		carry |= (a&exponent + one) | (b&exponent + one)
	}
	for _, w := range words {
		carry |= uint64(w)&exponent + one
	}
	return carry&0x80000000_80000000 == 0
}

func allFinite64(list []float64) bool {
	const exponent, one = 0x7ff << 52, 1 << 52
	var carry uint64
	for _, v := range list {
		carry |= math.Float64bits(v)&exponent + one
	}
	return carry>>63 == 0
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// nodes is the number of nodes, whatever their form.
func (a *Arrays) nodes() int { return max(len(a.Nodes32), len(a.Steps32), len(a.Steps64)) }

// node takes node i apart, whatever its form.
func (a *Arrays) node(i uint32) (key, offset, column uint64) {
	switch {
	case len(a.Nodes32) > 0:
		n := a.Nodes32[i]
		return uint64(n.Key), uint64(n.Step >> 16), uint64(n.Step & math.MaxUint16)
	case len(a.Steps32) > 0:
		s := a.Steps32[i]
		return a.Keys64[i], uint64(s >> 16), uint64(s & math.MaxUint16)
	default:
		s := a.Steps64[i]
		return a.Keys64[i], s >> 32, s & math.MaxUint32
	}
}

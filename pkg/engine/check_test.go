package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

func clone(a Arrays) Arrays {
	a.Masks32, a.Masks64 = slices.Clone(a.Masks32), slices.Clone(a.Masks64)
	a.SetHeads, a.SetWords, a.SetCodes = slices.Clone(a.SetHeads), slices.Clone(a.SetWords), slices.Clone(a.SetCodes)
	a.RecodeLists, a.RecodeNumbers, a.RecodePlaces = slices.Clone(a.RecodeLists), slices.Clone(a.RecodeNumbers), slices.Clone(a.RecodePlaces)
	a.LinearStarts, a.LinearFeatures, a.LinearCoeffs = slices.Clone(a.LinearStarts), slices.Clone(a.LinearFeatures), slices.Clone(a.LinearCoeffs)
	a.Columns, a.Roots, a.Depths = slices.Clone(a.Columns), slices.Clone(a.Roots), slices.Clone(a.Depths)
	a.Groups, a.Nodes32, a.Keys64 = slices.Clone(a.Groups), slices.Clone(a.Nodes32), slices.Clone(a.Keys64)
	a.Steps32, a.Steps64 = slices.Clone(a.Steps32), slices.Clone(a.Steps64)
	a.Leaves32, a.Leaves64 = slices.Clone(a.Leaves32), slices.Clone(a.Leaves64)
	a.LeafIDs, a.Base = slices.Clone(a.LeafIDs), slices.Clone(a.Base)
	return a
}

// TestHostileArrays damages sound arrays in one place each.
func TestHostileArrays(t *testing.T) {
	narrow := irtest.Shape{Trees: 3, Depth: 2, Features: 4, Precision: ir.Float32}
	double := irtest.Shape{Trees: 3, Depth: 2, Features: 4, Outputs: 2, Votes: true}
	for _, c := range []struct {
		name   string
		shape  irtest.Shape
		damage func(a *Arrays)
		want   string
	}{
		{"no features", narrow, func(a *Arrays) { a.Features = 0 }, "Features is 0"},
		{"too many features", narrow, func(a *Arrays) { a.Features = ir.MaxFeatures + 1 }, "Features is"},
		{"no outputs", narrow, func(a *Arrays) { a.Outputs = 0 }, "Outputs is 0"},
		{"negative outputs", narrow, func(a *Arrays) { a.Outputs = -1 }, "Outputs is -1"},
		{"leaf width", double, func(a *Arrays) { a.LeafWidth = 3 }, "LeafWidth is 3"},
		{"compare", narrow, func(a *Arrays) { a.Compare = 2 }, "no precision"},
		{"sum", narrow, func(a *Arrays) { a.Sum = 2 }, "no precision"},
		{"link", narrow, func(a *Arrays) { a.Finish.Link = 99 }, "Finish"},
		{"bias", narrow, func(a *Arrays) { a.Finish.Bias = make([]float64, 9) }, "Finish"},
		{"other precision", narrow, func(a *Arrays) { a.Compare = ir.Float64 }, "Nodes32 has"},
		{"other sum", narrow, func(a *Arrays) { a.Sum = ir.Float64 }, "Leaves32 has"},
		{"depths short", narrow, func(a *Arrays) { a.Depths = a.Depths[1:] }, "Depths has 2"},
		{"groups short", narrow, func(a *Arrays) { a.Groups = nil }, "Groups has 0"},
		{"base short", double, func(a *Arrays) { a.Base = a.Base[1:] }, "Base has 1"},
		{"keys short", double, func(a *Arrays) { a.Keys64 = a.Keys64[1:] }, "Keys64 has"},
		{"two forms", narrow, func(a *Arrays) { a.Steps64 = make([]uint64, len(a.Nodes32)) }, "Nodes32 has"},
		{"two narrow forms", double, func(a *Arrays) { a.Nodes32 = make([]Node32, len(a.Steps32)) }, "Nodes32 has"},
		{"leaves short", double, func(a *Arrays) { a.Leaves64 = a.Leaves64[1:] }, "Leaves64 has"},
		{"more leaves than nodes", narrow, func(a *Arrays) { a.LeafIDs = make([]int32, len(a.Nodes32)+1) }, "LeafIDs has"},
		{"column", narrow, func(a *Arrays) { a.Columns[1] = 4 }, "Columns[1] is feature 4 of 4"},
		{"column above", narrow, func(a *Arrays) { a.Columns[1] = 4 | NaNAbove }, "Columns[1] is feature 4 of 4"},
		{"column twice", narrow, func(a *Arrays) { a.Columns[1] = a.Columns[0] }, "Columns[1] comes after"},
		{"columns backwards", narrow, func(a *Arrays) { a.Columns[0], a.Columns[1] = a.Columns[1], a.Columns[0] }, "Columns[1] comes after"},
		{"column of sets", narrow, func(a *Arrays) { a.Columns[len(a.Columns)-1] |= SetColumn }, "Masks32 has 0"},
		{"codes", narrow, func(a *Arrays) { a.Codes = 3 }, "Codes or Aggregate"},
		{"aggregate", narrow, func(a *Arrays) { a.Aggregate = 3 }, "Codes or Aggregate"},
		{"group", narrow, func(a *Arrays) { a.Groups[2] = 1 }, "Groups[2] is output 1 of 1"},
		{"base", narrow, func(a *Arrays) { a.Base[0] = math.NaN() }, "Base[0] is not finite"},
		{"base beyond float32", narrow, func(a *Arrays) { a.Base[0] = 1e300 }, "Base[0] is not finite"},
		{"leaf NaN", narrow, func(a *Arrays) { a.Leaves32[3] = float32(math.NaN()) }, "Leaves32[3] is not finite"},
		{"leaf infinite", double, func(a *Arrays) { a.Leaves64[0] = math.Inf(1) }, "Leaves64[0] is not finite"},
		{"root outside", narrow, func(a *Arrays) { a.Roots[2] = 1 << 30 }, "Roots[2] is node"},
		{"child outside", narrow, func(a *Arrays) { a.Nodes32[0].Step |= 0xffff << 16 }, "nodes[0] leads to node 65536 of 21"},
		{"child behind the last node", narrow, func(a *Arrays) { a.Nodes32[19].Step |= 1 << 16 }, "nodes[19] leads to node 21 of 21"},
		{"the last node leads on", narrow, func(a *Arrays) { a.Nodes32[20].Step = 8 }, "nodes[20] is the last one"},
		{"no column", narrow, func(a *Arrays) { a.Nodes32[1].Step |= 0xfff8 }, "nodes[1] has no column: 65528"},
		{"no column in the wide form", double, func(a *Arrays) { *a = *widened(a); a.Steps64[1] |= 0xffffffff }, "nodes[1] has no column"},
		{"child far outside", double, func(a *Arrays) { *a = *widened(a); a.Steps64[1] |= 0xffffffff << 32 }, "nodes[1] leads to node 4294967297"},
		{"column between lanes", narrow, func(a *Arrays) { a.Nodes32[1].Step |= 1 }, "nodes[1] has no column"},
		{"depth 0", narrow, func(a *Arrays) { a.Depths[1] = 0 }, "Depths[1] is 0"},
		{"too deep", narrow, func(a *Arrays) { a.Depths[1] = ir.MaxDepth + 1 }, "Depths[1] is 4097"},
		{"no leaves", narrow, func(a *Arrays) { a.LeafIDs = nil }, "LeafIDs is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Compile(irtest.Forest(c.shape))
			if err != nil {
				t.Fatal(err)
			}
			hostile := clone(*a)
			c.damage(&hostile)
			_, err = New(hostile)
			var typed *Error
			if !errors.As(err, &typed) {
				t.Fatalf("got error %v, want an *Error", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %q, want %q in it", err, c.want)
			}
			if _, err := New(*a); err != nil {
				t.Errorf("undamaged: %v", err)
			}
		})
	}
}

// TestCheckTrees damages arrays in ways that New does not look for.
func TestCheckTrees(t *testing.T) {
	narrow := irtest.Shape{Trees: 3, Depth: 2, Features: 4, Precision: ir.Float32}
	double := irtest.Shape{Trees: 3, Depth: 2, Features: 4, Outputs: 2, Votes: true}
	for _, c := range []struct {
		name   string
		shape  irtest.Shape
		damage func(a *Arrays)
		want   string
	}{
		{"nothing", narrow, func(*Arrays) {}, ""},
		{"nothing in the other form", double, func(*Arrays) {}, ""},
		{"first root", narrow, func(a *Arrays) { a.Roots[0] = 1 }, "Roots does not start"},
		{"roots backwards", narrow, func(a *Arrays) { a.Roots[1], a.Roots[2] = a.Roots[2], a.Roots[1] }, "nodes[7] has no parent"},
		{"a tree twice", narrow, func(a *Arrays) { a.Roots[2] = a.Roots[1] }, "Roots[1] is node 7, the tree ends at 7"},
		{"nodes without trees", narrow, func(a *Arrays) { a.Roots, a.Depths, a.Groups = nil, nil, nil }, "Roots does not start"},
		{"child in the next tree", narrow, func(a *Arrays) { a.Nodes32[2].Step += 1 << 16 }, "nodes[2] leaves its tree"},
		{"children of another", narrow, func(a *Arrays) { a.Nodes32[1].Step += 2 << 16 }, "nodes[1] has the children at 5, not at 3"},
		{"inner node of the constant column", narrow, func(a *Arrays) { a.Nodes32[1].Step = a.Nodes32[1].Step&^0xffff | uint32(len(a.Columns)*lanes) }, "nodes[1] has no column"},
		{"inner node at rest", narrow, func(a *Arrays) { a.Nodes32[0].Step &= 0xffff }, "nodes[0] stays"},
		{"leaf by another column", double, func(a *Arrays) { a.Steps32[6] = 0 }, "nodes[6] stays"},
		{"leaf number", double, func(a *Arrays) { a.Keys64[6] = 1 << 40 }, "nodes[6] is leaf"},
		{"leaves by another order", narrow, func(a *Arrays) { a.Nodes32[3].Key, a.Nodes32[4].Key = a.Nodes32[4].Key, a.Nodes32[3].Key }, "nodes[3] is leaf 1, not 0"},
		{"more leaf numbers than leaves", double, func(a *Arrays) { a.LeafIDs = append(a.LeafIDs, 1); a.Leaves64 = append(a.Leaves64, 1, 2) }, "LeafIDs has 13 elements"},
		{"too shallow", narrow, func(a *Arrays) { a.Depths[1] = 1 }, "Depths[1] is 1, the tree has 2"},
		{"too deep", narrow, func(a *Arrays) { a.Depths[1] = 3 }, "Depths[1] is 3, the tree has 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Compile(irtest.Forest(c.shape))
			if err != nil {
				t.Fatal(err)
			}
			c.damage(a)
			if e, err := New(*a); err == nil {
				scoreChecked(t, e, rand.New(rand.NewPCG(1, 1)))
			}
			for name, a := range map[string]*Arrays{"it": a, "a part": {Parts: []Arrays{{}, *a}}} {
				err := CheckTrees(a)
				var typed *Error
				if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &typed) || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s: got error %v, want %q in it", name, err, c.want)
				}
			}
		})
	}
}

// follow walks one row by the words of Arrays' documentation, with an index
// checked at every step, and returns its leaf numbers.
func follow(a *Arrays, row []float64) []uint64 {
	row = slices.Clone(row)
	first := uint32(0)
	for i := 0; i < len(a.RecodeLists); i += 2 {
		f, n := a.RecodeLists[i], a.RecodeLists[i+1]
		at := slices.Index(a.RecodeNumbers[first:first+n], row[f])
		if row[f] = math.NaN(); at >= 0 {
			row[f] = float64(a.RecodePlaces[int(first)+at])
		}
		first += n
	}
	var leaves []uint64
	for t, j := range a.Roots {
		for range a.Depths[t] {
			key, offset, column := a.node(j)
			if column/lanes == uint64(len(a.Columns)) {
				continue
			}
			x := a.keyOf(int(column/lanes), row)
			switch {
			case len(a.Masks32) > 0:
				x &= uint64(a.Masks32[j])
			case len(a.Masks64) > 0:
				x &= a.Masks64[j]
			}
			j += uint32(offset)
			if x > key {
				j++
			}
		}
		number, offset, _ := a.node(j)
		if offset != 0 {
			panic("the walk did not end on a leaf")
		}
		leaves = append(leaves, number)
	}
	return leaves
}

// keyOf is the row's key, or word, in a column.
func (a *Arrays) keyOf(column int, row []float64) uint64 {
	c := a.Columns[column]
	x := a.Compare.Round(row[c&0xfffff])
	if math.Abs(x) <= ir.ZeroBand && c&BandNaN != 0 {
		x = math.NaN()
	}
	if math.Abs(x) <= ir.ZeroBand && c&BandZero != 0 {
		x = 0
	}
	if c&SetColumn != 0 {
		return a.wordOf(column, x)
	}
	if x != x && c&NaNZero != 0 {
		x = 0
	}
	nan := uint64(0)
	if c&NaNAbove != 0 {
		nan = math.MaxUint64
	}
	if a.Compare == ir.Float32 {
		return uint64(key32(float32(x), uint32(nan)))
	}
	return key64(x, nan)
}

func (a *Arrays) wordOf(column int, x float64) uint64 {
	for i, c := range a.Columns {
		if c&SetColumn != 0 {
			column -= i
			break
		}
	}
	heads := a.SetHeads
	for ; column >= int(heads[0]); heads = heads[5:] {
		column -= int(heads[0])
	}
	wide, rows := int(heads[0]), int(heads[2])
	word := func(row int) uint64 {
		if a.Compare == ir.Float32 {
			return uint64(a.SetWords[int(heads[1])+row*wide+column])
		}
		low := a.SetWords[int(heads[1])+2*(row*wide+column):]
		return uint64(low[0]) | uint64(low[1])<<32
	}
	code, ok := a.Codes.Code(x)
	switch {
	case x != x:
		return word(0)
	case !ok:
		return word(1)
	}
	for row := range rows {
		if heads[4] == 0 && uint32(row)+heads[3] == uint32(code) ||
			heads[4] > 0 && a.SetCodes[int(heads[4])-1+row] == uint32(code) {
			return word(2 + row)
		}
	}
	return word(1)
}

// scoreChecked scores rows with arrays that New took; if they are trees, against
// follow.
func scoreChecked(t *testing.T, e *Engine, rng *rand.Rand) {
	a := &e.a
	const n = 11
	rows := make([]float64, n*a.Features)
	for i := range rows {
		rows[i] = rng.NormFloat64() * 3
		if rng.IntN(3) == 0 {
			rows[i] = math.Round(rows[i]) // a code
		}
	}
	var s Scratch
	out, ids := make([]float64, n*a.Outputs), make([]int32, n*len(a.Roots))
	e.Margin(rows, n, out, &s)
	e.Leaf(rows, n, ids, &s)
	if CheckTrees(a) != nil {
		return
	}
	for i := range n {
		for k, number := range follow(a, rows[i*a.Features:][:a.Features]) {
			if got, want := ids[i*len(a.Roots)+k], a.LeafIDs[number]; got != want {
				t.Fatalf("row %d, tree %d: leaf %d, want %d", i, k, got, want)
			}
		}
	}
}

// TestStepsInside damages steps at random, in all forms: stepsInside and
// checkStep judge alike.
func TestStepsInside(t *testing.T) {
	broken := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		sound, err := Compile(irtest.Wild(rng))
		if err != nil {
			t.Fatal(err)
		}
		a := clone(*sound)
		if rng.IntN(3) == 0 {
			a = *widened(sound)
		}
		if a.nodes() == 0 {
			continue
		}
		for range rng.IntN(3) {
			at, to := uint16(rng.Uint32()), rng.Uint64()>>rng.IntN(64)
			if rng.IntN(2) == 0 {
				to = uint64(rng.IntN(40)) << (16 * rng.IntN(3))
			}
			set(a.Nodes32, at, Node32{uint32(to), uint32(to)})
			set(a.Steps32, at, uint32(to))
			set(a.Steps64, at, to)
		}
		sane := true
		for i := range a.nodes() {
			sane = sane && checkStep(&a, uint32(i), uint64(a.nodes()), uint64(len(a.Columns)*lanes)) == nil
		}
		if err := checkNodes(&a); (err == nil) != sane {
			t.Fatalf("seed %d: sane %v, but %v", seed, sane, err)
		}
		if !sane {
			broken++
		}
	}
	if broken < 500 {
		t.Errorf("only %d arrays were broken", broken)
	}
}

// FuzzNew damages the arrays of a random model at random: New refuses them, or
// they can be scored.
func FuzzNew(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(2), []byte{3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1})
	f.Add(uint64(3), []byte{5, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, seed uint64, damage []byte) {
		rng := rand.New(rand.NewPCG(seed, 0))
		sound, err := Compile(irtest.Wild(rng))
		if err != nil {
			t.Fatal(err)
		}
		a := clone(*sound)
		for ; len(damage) >= 12; damage = damage[12:] {
			spoil(&a, damage[0], binary.LittleEndian.Uint16(damage[1:]), binary.LittleEndian.Uint64(damage[4:]))
		}
		e, err := New(a)
		if err != nil {
			return
		}
		scoreChecked(t, e, rng)
	})
}

// spoil sets element at of one array, or its length.
func spoil(a *Arrays, which byte, at uint16, to uint64) {
	words := []*[]uint32{&a.Columns, &a.Roots, &a.Depths, &a.Groups, &a.Steps32, &a.Masks32, &a.SetHeads, &a.SetWords,
		&a.SetCodes, &a.RecodeLists, &a.RecodePlaces, &a.LinearStarts, &a.LinearFeatures}
	numbers := []*[]float64{&a.Base, &a.RecodeNumbers, &a.LinearCoeffs, &a.Leaves64}
	if which >= 128 {
		n := int(to % 100)
		switch which %= 128; {
		case int(which) < len(words):
			*words[which] = make([]uint32, n)
		case int(which)-len(words) < len(numbers):
			*numbers[int(which)-len(words)] = make([]float64, n)
		case which < 40:
			a.Outputs = n
		case which < 60:
			a.LeafWidth = n
		case which < 80:
			a.Features = n
		case which < 90:
			a.Steps64 = make([]uint64, n)
		case which < 100:
			a.LeafIDs = make([]int32, n)
		case which < 110:
			a.Aggregate = ir.Aggregate(n)
		default:
			a.Codes = ir.CodeRule(n)
		}
		return
	}
	switch {
	case int(which) < len(words):
		set(*words[which], at, uint32(to))
	case int(which)-len(words) < len(numbers):
		set(*numbers[int(which)-len(words)], at, math.Float64frombits(to))
	case which < 60:
		set(a.Nodes32, at, Node32{uint32(to), uint32(to >> 32)})
	default:
		set(a.Keys64, at, to)
	}
}

func set[T any](list []T, at uint16, to T) {
	if len(list) > 0 {
		list[int(at)%len(list)] = to
	}
}

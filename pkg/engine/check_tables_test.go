package engine

import (
	"errors"
	"math"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// tabled is a model with sets that are listed and sets that are not, recoded
// features and linear leaves.
func tabled(p ir.Precision) *ir.Model {
	m := irtest.Forest(irtest.Shape{Trees: 12, Depth: 4, Features: 12, Precision: p, Categories: 20, Linear: 2, Missing: true})
	for t := range m.Trees {
		for i := range m.Trees[t].Nodes {
			if n := &m.Trees[t].Nodes[i]; n.Feature == 0 {
				m.Trees[t].Sets[n.Value] = []int32{int32(t), 1<<20 + int32(i), 1<<30 + int32(t)}
			}
		}
	}
	m.Recode = make([][]float64, 12)
	m.Recode[3], m.Recode[5] = []float64{1, -1, 0.5}, []float64{7}
	return m
}

// TestTablesAre makes sure that the next test has something to damage.
func TestTablesAre(t *testing.T) {
	for _, p := range []ir.Precision{ir.Float32, ir.Float64} {
		a, err := Compile(tabled(p))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.SetHeads) != 2*setHead || len(a.SetCodes) == 0 || len(a.RecodeLists) != 4 || len(a.LinearCoeffs) == 0 {
			t.Errorf("%d heads, %d codes, %d lists, %d terms", len(a.SetHeads), len(a.SetCodes), len(a.RecodeLists), len(a.LinearCoeffs))
		}
		if a.SetHeads[4] == 0 || a.SetHeads[setHead+4] != 0 {
			t.Errorf("heads %v: want the first one listed and the second one not", a.SetHeads)
		}
		w := newTwinOf(t, tabled(p), *a)
		for _, n := range []int{1, 9, 150} {
			w.compare(t, irtest.Rows(w.model, n, 1), n)
		}
	}
}

func TestHostileTables(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		damage func(a *Arrays)
		want   string
	}{
		{"masks short", func(a *Arrays) { a.Masks32 = a.Masks32[1:] }, "Masks32 has"},
		{"other masks", func(a *Arrays) { a.Masks64 = make([]uint64, len(a.Nodes32)) }, "Masks64 has"},
		{"no masks", func(a *Arrays) { a.Masks32 = nil }, "Masks32 has 0"},
		{"heads short", func(a *Arrays) { a.SetHeads = a.SetHeads[1:] }, "SetHeads has 9 elements"},
		{"no heads", func(a *Arrays) { a.SetHeads = nil }, "columns of sets without a table"},
		{"a table missing", func(a *Arrays) { a.SetHeads = a.SetHeads[setHead:] }, "leaves 1 columns"},
		{"no columns", func(a *Arrays) { a.SetHeads[0] = 0 }, "SetHeads[0] is 0 columns"},
		{"columns of another kind", func(a *Arrays) { a.SetHeads[0]++ }, "SetHeads[0] is 2 columns of one kind"},
		{"too many columns", func(a *Arrays) { a.SetHeads[5] = math.MaxUint32 }, "SetHeads[5] is 4294967295 columns"},
		{"words outside", func(a *Arrays) { a.SetHeads[1] = math.MaxUint32 }, "SetHeads[1] has"},
		{"too many rows", func(a *Arrays) { a.SetHeads[7]++ }, "SetHeads[6] has 23 rows"},
		{"all the rows there are", func(a *Arrays) { a.SetHeads[7] = math.MaxUint32 }, "SetHeads[6] has"},
		{"words short", func(a *Arrays) { a.SetWords = a.SetWords[:len(a.SetWords)-1] }, "SetHeads[6] has"},
		{"codes outside", func(a *Arrays) { a.SetHeads[4]++ }, "SetHeads[4] has"},
		{"codes far outside", func(a *Arrays) { a.SetHeads[4] = math.MaxUint32 }, "SetHeads[4] has"},
		{"codes descend", func(a *Arrays) { a.SetCodes[1] = a.SetCodes[0] }, "SetCodes[1] does not ascend"},
		{"lists odd", func(a *Arrays) { a.RecodeLists = a.RecodeLists[1:] }, "RecodeLists has 3"},
		{"recoded feature", func(a *Arrays) { a.RecodeLists[2] = 12 }, "RecodeLists[2] is feature 12 of 12"},
		{"recoded twice", func(a *Arrays) { a.RecodeLists[2] = a.RecodeLists[0] }, "RecodeLists[2] is feature 3"},
		{"list too long", func(a *Arrays) { a.RecodeLists[3] = math.MaxUint32 }, "RecodeLists[3] is"},
		{"numbers of no list", func(a *Arrays) { a.RecodeLists = a.RecodeLists[:2] }, "RecodeNumbers has 4 elements, its lists 3"},
		{"numbers descend", func(a *Arrays) { a.RecodeNumbers[1] = -9 }, "RecodeNumbers[1] does not ascend"},
		{"a number that is none", func(a *Arrays) { a.RecodeNumbers[1] = nan }, "RecodeNumbers[1] does not ascend"},
		{"the only number is none", func(a *Arrays) { a.RecodeNumbers[3] = nan }, "RecodeNumbers[3] does not ascend"},
		{"places short", func(a *Arrays) { a.RecodePlaces = a.RecodePlaces[1:] }, "RecodePlaces has 3"},
		{"starts short", func(a *Arrays) { a.LinearStarts = a.LinearStarts[1:] }, "LinearStarts has"},
		{"no starts", func(a *Arrays) { a.LinearStarts = nil }, "Leaves32 has"},
		{"starts late", func(a *Arrays) { a.LinearStarts[0] = 1 }, "LinearStarts[0] does not ascend"},
		{"starts descend", func(a *Arrays) { a.LinearStarts[4] = 0 }, "LinearStarts[4] does not ascend"},
		{"ends early", func(a *Arrays) { a.LinearStarts[len(a.LinearStarts)-1]-- }, "LinearStarts ends at term"},
		{"features short", func(a *Arrays) { a.LinearFeatures = a.LinearFeatures[1:] }, "LinearFeatures has"},
		{"feature", func(a *Arrays) { a.LinearFeatures[7] = 12 }, "LinearFeatures[7] is feature 12 of 12"},
		{"coefficient", func(a *Arrays) { a.LinearCoeffs[7] = nan }, "LinearCoeffs[7] is not finite"},
		{"coefficient of float64", func(a *Arrays) { a.LinearCoeffs[7] = 0.1 }, "LinearCoeffs[7] is not finite, or of another"},
		{"linear leaves not summed", func(a *Arrays) { a.Aggregate = ir.Max }, "linear leaves that are vectors, or not summed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Compile(tabled(ir.Float32))
			if err != nil {
				t.Fatal(err)
			}
			c.damage(a)
			_, err = New(*a)
			var typed *Error
			if !errors.As(err, &typed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want an *Error with %q in it", err, c.want)
			}
		})
	}
}

// TestTablesAreBounded: whatever the sets, tables are a multiple of them.
func TestTablesAreBounded(t *testing.T) {
	for name, set := range map[string]func(i int) []int32{
		"one code each":          func(i int) []int32 { return []int32{int32(i)} },
		"one code each, far":     func(i int) []int32 { return []int32{int32(i) * 100_000} },
		"the ends of the scale":  func(i int) []int32 { return []int32{int32(i), math.MaxInt32 - int32(i)} },
		"the same set":           func(int) []int32 { return []int32{3, 1 << 30} },
		"nothing":                func(int) []int32 { return nil },
		"many codes, many times": func(i int) []int32 { return []int32{int32(i % 700), int32(i%700) + 1000, 5000} },
	} {
		const splits = 6000
		m := irtest.Forest(irtest.Shape{Trees: splits, Depth: 1, Features: 1})
		members := 0
		for i := range m.Trees {
			n := &m.Trees[i].Nodes[0]
			n.Op, n.Value, m.Trees[i].Sets = ir.In, 0, [][]int32{set(i)}
			members += len(m.Trees[i].Sets[0])
		}
		a, err := Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		bound := wordsPerMember*members + 2*(rowsAnyway+2)*(splits/setBits(m.Input)+1)
		if got := len(a.SetWords) + len(a.SetCodes); got > bound {
			t.Errorf("%s: %d words for %d members, want at most %d", name, got, members, bound)
		}
		rows := make([]float64, 0, 300)
		for i := range 40 {
			rows = append(rows, float64(i), float64(i)*100_000, float64(math.MaxInt32-i))
		}
		e := newTwinOf(t, m, *a).engine
		var s Scratch
		got, margin, values := make([]float64, len(rows)), []float64{0}, []float64{0}
		e.Margin(rows, len(rows), got, &s)
		for i := range rows {
			m.Eval(rows[i:i+1], margin, values)
			if got[i] != margin[0] {
				t.Fatalf("%s: %v gives %v, want %v", name, rows[i], got[i], margin[0])
			}
		}
	}
}

// TestColumnsOfKinds: what a node needs of its feature is in its column, and
// no column has more than its nodes need.
func TestColumnsOfKinds(t *testing.T) {
	const f = 2
	node := func(op ir.Op, missing ir.Missing, left bool, threshold float64) ir.Node {
		return ir.Node{Feature: f, Op: op, Missing: missing, MissingLeft: left, Threshold: threshold}
	}
	tiny := ir.ZeroBand / 2
	for _, c := range []struct {
		name  string
		band  bool
		codes ir.CodeRule
		node  ir.Node
		want  uint32
	}{
		{"NaN left", false, 0, node(ir.LT, ir.MissingNaN, true, 0), f},
		{"NaN right", false, 0, node(ir.LT, ir.MissingNaN, false, 0), f | NaNAbove},
		{"NaN is 0", false, 0, node(ir.LE, ir.MissingNone, true, 0), f | NaNZero},
		{"NaN is 0, whatever its side", false, 0, node(ir.LE, ir.MissingNone, false, 0), f | NaNZero},
		{"0 is missing", false, 0, node(ir.LE, ir.MissingZero, false, 0), f | NaNAbove | BandNaN},
		{"0 is missing in a zero band", true, 0, node(ir.LE, ir.MissingZero, true, 0), f | BandNaN},
		{"a threshold outside the band", true, 0, node(ir.LE, ir.MissingNaN, true, 1), f},
		{"at the band's upper end", true, 0, node(ir.LE, ir.MissingNaN, true, ir.ZeroBand), f},
		{"less than the upper end", true, 0, node(ir.LT, ir.MissingNaN, true, ir.ZeroBand), f | BandZero},
		{"in the band", true, 0, node(ir.LE, ir.MissingNone, true, tiny), f | NaNZero | BandZero},
		{"at 0", true, 0, node(ir.LT, ir.MissingNaN, true, 0), f | BandZero},
		{"at the lower end", true, 0, node(ir.LE, ir.MissingNaN, true, -ir.ZeroBand), f | BandZero},
		{"less than the lower end", true, 0, node(ir.LT, ir.MissingNaN, true, -ir.ZeroBand), f},
		{"a set", true, ir.CodeCast, node(ir.In, ir.MissingNaN, true, 0), f | SetColumn},
		{"a set, whatever the side of NaN", true, ir.CodeCast, node(ir.In, ir.MissingNone, false, 0), f | SetColumn},
		{"a set of exact codes in a zero band", true, ir.CodeExact, node(ir.In, ir.MissingNaN, true, 0), f | SetColumn | BandZero},
		{"a set without 0", true, ir.CodeExact, node(ir.In, ir.MissingZero, true, 0), f | SetColumn | BandNaN},
	} {
		for _, p := range []ir.Precision{ir.Float32, ir.Float64} {
			m := &ir.Model{ZeroBand: c.band, Codes: c.codes, Input: p}
			if got := column(m, &c.node); got != c.want {
				t.Errorf("%s, precision %d: column %x, want %x", c.name, p, got, c.want)
			}
		}
	}
}

// TestBands: the bits of the zero band are those of its number.
func TestBands(t *testing.T) {
	if got := math.Float64bits(ir.ZeroBand) << 1; got != band64 {
		t.Errorf("band64 is %#x, want %#x", uint64(band64), got)
	}
	if got := math.Float32bits(float32(ir.ZeroBand)) << 1; got != band32 || float64(float32(ir.ZeroBand)) != ir.ZeroBand {
		t.Errorf("band32 is %#x, want %#x", uint32(band32), got)
	}
}

// TestAllFinite finds a number that is not finite wherever it stands.
func TestAllFinite(t *testing.T) {
	odd := []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(math.NaN(), -1)}
	even := []float64{0, math.Copysign(0, -1), 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
	for n := range 13 {
		list32, list64 := make([]float32, n), make([]float64, n)
		for i := range n {
			list32[i], list64[i] = float32(even[i%len(even)]), even[i%len(even)]
		}
		if !allFinite32(list32) || !allFinite64(list64) {
			t.Errorf("%v is finite", list64)
		}
		for i := range n {
			for _, x := range odd {
				was := list64[i]
				list32[i], list64[i] = float32(x), x
				if allFinite32(list32) || allFinite64(list64) {
					t.Errorf("%v is not finite", list64)
				}
				list32[i], list64[i] = float32(was), was
			}
		}
	}
}

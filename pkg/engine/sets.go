package engine

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// Question: how does a node ask whether a code is in a set? Choice: as many
// splits of a feature as a key has bits share a column, whose word in a row has
// an answer a bit; a table
// has the word of each code, so that the row is looked up once for all of
// them. A node's mask leaves its own bit of the word, which is then compared as
// any key. Why: a step takes one load more and no branch, and only in models
// that have sets. What would change it: sets so many that filling the columns
// costs more than walking.

// setBits is how many splits share a column: 32 or, where features are float64,
// 64. A table has the words of a column in pieces of 32 bits, low bits first.
func setBits(p ir.Precision) int {
	if p == ir.Float32 {
		return pieceBits
	}
	return 2 * pieceBits
}

const pieceBits = 32

// setSplits are the different splits of one kind of column, in the order in
// which nodes ask for them, so that a tree finds its own in few columns.
type setSplits struct {
	list []setSplit
	find map[uint64][]uint32 // by hash
	seed maphash.Seed
	key  []byte
}

// setSplit is a set, and whether NaN goes where its members do.
type setSplit struct {
	set     []int32
	nanLeft bool
}

// split is the number of a node's split among those of its column's kind.
func (c *compiler) split(column uint32, tree *ir.Tree, n *ir.Node) uint32 {
	s := c.sets[column]
	if s == nil {
		s = &setSplits{find: make(map[uint64][]uint32), seed: maphash.MakeSeed()}
		c.sets[column] = s
	}
	want := setSplit{set: tree.Sets[n.Value], nanLeft: n.MissingLeft}
	if n.Missing == ir.MissingNone {
		want.nanLeft = slices.Contains(want.set, 0)
	}
	s.key = s.key[:0]
	for _, code := range want.set {
		s.key = binary.LittleEndian.AppendUint32(s.key, uint32(code))
	}
	hash := maphash.Bytes(s.seed, s.key)
	for _, i := range s.find[hash] {
		if s.list[i].nanLeft == want.nanLeft && slices.Equal(s.list[i].set, want.set) {
			return i
		}
	}
	i := uint32(len(s.list))
	s.list = append(s.list, want)
	s.find[hash] = append(s.find[hash], i)
	return i
}

// A table has the words of several columns, row by row. It has a row for each
// code from its first one on, or a sorted list of the codes that have a row,
// whichever is within the bound that makes the size of all tables a multiple of
// that of all sets; where neither is, half of the columns get a table of their
// own.
const (
	wordsPerMember = 16
	rowsAnyway     = 64
)

// tables adds the tables of a kind of column.
func (c *compiler) tables(splits []setSplit) {
	var codes []int32
	for _, s := range splits {
		codes = append(codes, s.set...)
	}
	width := setBits(c.m.Input)
	members, columns := len(codes), (len(splits)+width-1)/width
	slices.Sort(codes)
	codes = slices.Compact(codes)
	rows, first, listed := 0, 0, false
	if len(codes) > 0 {
		first = int(codes[0])
		rows = int(codes[len(codes)-1]) - first + 1
	}
	wide := columns * width / pieceBits
	bound := wordsPerMember*members + rowsAnyway*wide
	if rows*wide > bound {
		rows, first, listed = len(codes), 0, true
	}
	if rows*wide > bound && columns > 1 {
		half := columns / 2 * width
		c.tables(splits[:half])
		c.tables(splits[half:])
		return
	}
	a := c.a
	list := uint32(0)
	if listed {
		list = uint32(len(a.SetCodes)) + 1
		for _, code := range codes {
			a.SetCodes = append(a.SetCodes, uint32(code))
		}
	}
	a.SetHeads = append(a.SetHeads, uint32(columns), uint32(len(a.SetWords)), uint32(rows), uint32(first), list)
	c.words(splits, wide, rows, func(code int32) int {
		if listed {
			i, _ := slices.BinarySearch(codes, code)
			return i
		}
		return int(code) - first
	})
}

// words adds the words of a table: those of NaN, those of no code or another
// one, and the rows.
func (c *compiler) words(splits []setSplit, wide, rows int, place func(code int32) int) {
	at := len(c.a.SetWords)
	c.a.SetWords = append(c.a.SetWords, make([]uint32, (2+rows)*wide)...)
	words := c.a.SetWords[at:]
	for i, s := range splits {
		piece, bit := i/pieceBits, uint32(1)<<(i%pieceBits)
		for row := range 2 + rows {
			words[row*wide+piece] |= bit
		}
		if s.nanLeft {
			words[piece] &^= bit
		}
		for _, code := range s.set {
			words[(2+place(code))*wide+piece] &^= bit
		}
	}
}

// setHead is how many numbers of Arrays.SetHeads a table has.
const setHead = 5

// setTable is a table ready to use.
type setTable struct {
	column uint32 // the kind of its columns
	wide   uint32 // pieces a row
	rows   uint32
	first  uint32   // code of the first row
	codes  []uint32 // of the rows, where they are not one after the other
	words  []uint32
}

// setTables takes the tables of checked arrays apart.
func setTables(a *Arrays) []setTable {
	if len(a.SetHeads) == 0 {
		return nil
	}
	var tables []setTable
	columns := a.Columns[len(a.Columns)-setColumns(a.Columns):]
	pieces := uint32(setBits(a.Compare) / pieceBits)
	for heads := a.SetHeads; len(heads) > 0; heads = heads[setHead:] {
		t := setTable{column: columns[0], wide: heads[0] * pieces, rows: heads[2], first: heads[3]}
		t.words = a.SetWords[heads[1]:][:(t.rows+2)*t.wide]
		if heads[4] > 0 {
			t.codes = a.SetCodes[heads[4]-1:][:heads[2]]
		}
		tables = append(tables, t)
		columns = columns[heads[0]:]
	}
	return tables
}

// setColumns is how many columns of sets there are.
func setColumns(columns []uint32) (n int) {
	for _, c := range columns {
		n += class(c) / 2
	}
	return n
}

// row is the row of words that a feature's value has, rounded already.
func (t *setTable) row(x float64, rule ir.CodeRule) []uint32 {
	if math.Abs(x) <= ir.ZeroBand {
		switch {
		case t.column&BandNaN != 0:
			return t.words[:t.wide]
		case t.column&BandZero != 0:
			x = 0
		}
	}
	code, ok := rule.Code(x)
	if !ok {
		if x != x {
			return t.words[:t.wide]
		}
		return t.words[t.wide:][:t.wide]
	}
	row := uint32(code) - t.first
	if t.codes != nil {
		at, found := slices.BinarySearch(t.codes, uint32(code))
		if row = uint32(at); !found {
			row = t.rows
		}
	}
	if row >= t.rows {
		return t.words[t.wide:][:t.wide]
	}
	return t.words[(row+2)*t.wide:][:t.wide]
}

// fillSets writes the words of one row, lanes apart. New has proved that there
// is room for them all.
func fillSets[K word](lane unsafe.Pointer, tables []setTable, row []float64, p ir.Precision, rule ir.CodeRule) {
	for i := range tables {
		t := &tables[i]
		words := t.row(p.Round(row[featureOf(t.column)]), rule)
		if p == ir.Float32 {
			for _, w := range words {
				*(*K)(lane) = K(w)
				lane = unsafe.Add(lane, unsafe.Sizeof(K(0))*lanes)
			}
			continue
		}
		for ; len(words) >= 2; words = words[2:] {
			*(*K)(lane) = K(uint64(words[0]) | uint64(words[1])<<pieceBits)
			lane = unsafe.Add(lane, unsafe.Sizeof(K(0))*lanes)
		}
	}
}

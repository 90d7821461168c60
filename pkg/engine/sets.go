package engine

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"

	"example.com/copse/pkg/ir"
)

// Question: how does a node ask whether a code is in a set? Choice: 32 splits
// of a feature share a column, whose word in a row has an answer a bit; a table
// has the word of each code, so that the row is looked up once for all of
// them. A node's mask leaves its own bit of the word, which is then compared as
// any key. Why: a step takes one load more and no branch, and only in models
// that have sets. What would change it: sets so many that filling the columns
// costs more than walking.

// setBits is how many splits share a column.
const setBits = 32

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

// A table of words has a row for each code from its first one on where that
// takes no more than so many rows, else a sorted list of codes. Either way its
// size is bounded by that of the sets.
const (
	rowsPerMember = 16
	rowsAnyway    = 64
)

// table adds the table of a column: the words of NaN and of no code, then the
// rows.
func (c *compiler) table(splits []setSplit) {
	a := c.a
	none := uint32(1<<len(splits) - 1)
	var missing uint32
	var codes []int32
	for i, s := range splits {
		if !s.nanLeft {
			missing |= 1 << i
		}
		codes = append(codes, s.set...)
	}
	members := len(codes)
	slices.Sort(codes)
	codes = slices.Compact(codes)
	head := []uint32{uint32(len(a.SetWords)), uint32(len(codes)), 0, 0}
	a.SetWords = append(a.SetWords, missing, none)
	first := len(a.SetWords)
	place := func(code int32) int { i, _ := slices.BinarySearch(codes, code); return i }
	if len(codes) > 0 {
		low, span := codes[0], int(codes[len(codes)-1]-codes[0])+1
		if span <= rowsPerMember*members+rowsAnyway {
			head[1], head[2] = uint32(span), uint32(low)
			place = func(code int32) int { return int(code - low) }
		} else {
			head[3] = uint32(len(a.SetCodes)) + 1
			for _, code := range codes {
				a.SetCodes = append(a.SetCodes, uint32(code))
			}
		}
	}
	for range head[1] {
		a.SetWords = append(a.SetWords, none)
	}
	for i, s := range splits {
		for _, code := range s.set {
			a.SetWords[first+place(code)] &^= 1 << i
		}
	}
	a.SetHeads = append(a.SetHeads, head...)
}

// setHead is how many numbers of Arrays.SetHeads a column has.
const setHead = 4

// setColumn is a column's table.
type setColumn struct {
	words []uint32 // of NaN, of no code, of each row
	first uint32   // code of the first row
	codes []uint32 // of the rows, where they are not one after the other
}

// word is the word of a code.
func (c *setColumn) word(code uint32) uint32 {
	row := code - c.first
	if c.codes != nil {
		at, found := slices.BinarySearch(c.codes, code)
		if row = uint32(at); !found {
			row = math.MaxUint32
		}
	}
	if rows := c.words[2:]; uint64(row) < uint64(len(rows)) {
		return rows[row]
	}
	return c.words[1]
}

// setGroup is the columns of one kind.
type setGroup struct {
	column  uint32
	columns []setColumn
}

// setGroups takes the tables of checked arrays apart.
func setGroups(a *Arrays) []setGroup {
	var groups []setGroup
	heads := a.SetHeads
	for _, column := range a.Columns {
		if column&SetColumn == 0 {
			continue
		}
		if n := len(groups); n == 0 || groups[n-1].column != column {
			groups = append(groups, setGroup{column: column})
		}
		g := &groups[len(groups)-1]
		c := setColumn{words: a.SetWords[heads[0]:][:heads[1]+2], first: heads[2]}
		if heads[3] > 0 {
			c.codes = a.SetCodes[heads[3]-1:][:heads[1]]
		}
		g.columns = append(g.columns, c)
		heads = heads[setHead:]
	}
	return groups
}

// number is what a node of the group sees of a feature's value: NaN where it is
// missing.
func (g *setGroup) number(x float64) float64 {
	if math.Abs(x) <= ir.ZeroBand {
		switch {
		case g.column&BandNaN != 0:
			return math.NaN()
		case g.column&BandZero != 0:
			return 0
		}
	}
	return x
}

// fillSets writes the words of one row, lanes apart.
func fillSets[K word](keys []K, groups []setGroup, row []float64, p ir.Precision, rule ir.CodeRule) {
	at := 0
	for i := range groups {
		g := &groups[i]
		x := g.number(p.Round(row[featureOf(g.column)]))
		code, ok := rule.Code(x)
		switch {
		case ok:
			for j := range g.columns {
				keys[at] = K(g.columns[j].word(uint32(code)))
				at += lanes
			}
		default:
			none := 1
			if math.IsNaN(x) {
				none = 0
			}
			for j := range g.columns {
				keys[at] = K(g.columns[j].words[none])
				at += lanes
			}
		}
	}
}

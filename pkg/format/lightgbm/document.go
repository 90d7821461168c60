package lightgbm

import (
	"math"
	"slices"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/schema"
)

// document makes the schema of what the file tells of its features, and the
// numbers that stand for codes (ir.Model.Recode).
func (f *file) document() (schema.Document, [][]float64, error) {
	doc := schema.Document{Features: make([]schema.Feature, len(f.header.names))}
	for i, name := range f.header.names {
		doc.Features[i] = schema.Feature{Name: name, Type: schema.Number, Missing: schema.Allow}
	}
	lists := f.tail.lists
	columns := f.assign()
	var recode [][]float64
	for j, i := range columns {
		l := &lists[j]
		if i == idle {
			continue
		}
		if i == untold {
			if l.kind == numbers || l.kind == booleans {
				return doc, nil, readerr.At(Library, "pandas_categorical"+place(j), "it cannot be told which feature "+
					"these are the categories of: train with categorical_feature set to all columns of the type category, and no other")
			}
			continue
		}
		feature := &doc.Features[i]
		switch l.kind {
		case texts:
			feature.Type, feature.Categories, feature.Unknown = schema.Category, l.texts, schema.UnknownMissing
			continue
		case booleans:
			feature.Type = schema.Boolean
		case nothing:
			continue
		}
		if l.kind == booleans && slices.Equal(l.numbers, []float64{0, 1}) {
			continue // each is its own code
		}
		if recode == nil {
			recode = make([][]float64, len(doc.Features))
		}
		recode[i] = l.numbers
	}
	return doc, recode, nil
}

// The feature of a list that may belong to several: at least one of which trees
// may ask, or only such as the training data left no choice of.
const (
	untold = -1
	idle   = -2
)

// assign finds the feature that each list of pandas_categorical belongs to.
//
// The file does not say: the lists are those of the data frame's columns of
// the type category, in their order. Where the training parameters have as
// many categorical features, it is they: that is what LightGBM makes of a data
// frame by itself. LightGBM 2 leaves them out of the parameters; there every
// feature with codes has a list. Else (a frame with ordered categories, which
// are trained as numbers, or a list of other categorical features that was
// given) a list's feature is known only where the data allow no other.
func (f *file) assign() []int {
	c := f.tail.categorical
	if len(c) == len(f.tail.lists) {
		all := true
		for j, i := range c {
			all = all && f.fits(j, i)
		}
		if all {
			return c
		}
	}
	coded := 0
	for _, in := range f.header.infos {
		if in.kind == codes {
			coded++
		}
	}
	// More features with codes than lists: some were named, and are no columns
	// of the type category.
	if columns := f.allowed(len(c) == 0 && coded <= len(f.tail.lists)); columns != nil {
		return columns
	}
	return slices.Repeat([]int{untold}, len(f.tail.lists))
}

// maxPlaces is for how many pairs of a list and a feature allowed looks.
const maxPlaces = 1 << 22

// allowed is the feature of each list where only one keeps the lists in the
// order of the features, each with one that fits, and if covered no feature with
// codes without a list. It is nil where there is no way, or too much to look at.
func (f *file) allowed(covered bool) []int {
	lists, features := len(f.tail.lists), len(f.header.names)
	if lists == 0 || lists*features > maxPlaces {
		return nil
	}
	before, after := f.ways(covered)
	if !after[0] {
		return nil
	}
	infos, wide := f.header.infos, features+1
	columns := make([]int, lists)
	for j := range columns {
		places, asked := 0, false
		for i := range features {
			if f.fits(j, i) && before[j*wide+i] && after[(j+1)*wide+i+1] {
				columns[j] = i
				asked = asked || len(infos) == 0 || infos[i].kind != unused
				places++
			}
		}
		switch {
		case places == 1:
		case asked:
			columns[j] = untold
		default:
			columns[j] = idle
		}
	}
	return columns
}

// ways says, at j×(features+1)+i, whether the first j lists can have places
// among the first i features (before), and those from j on among the features
// from i on (after).
func (f *file) ways(covered bool) (before, after []bool) {
	lists, features := len(f.tail.lists), len(f.header.names)
	infos := f.header.infos
	bare := func(i int) bool { return !covered || len(infos) == 0 || infos[i].kind != codes }
	wide := features + 1
	before, after = make([]bool, (lists+1)*wide), make([]bool, (lists+1)*wide)
	before[0], after[lists*wide+features] = true, true
	for j := range lists + 1 {
		for i := 1; i <= features; i++ {
			before[j*wide+i] = before[j*wide+i-1] && bare(i-1) || j > 0 && before[(j-1)*wide+i-1] && f.fits(j-1, i-1)
		}
	}
	for j := lists; j >= 0; j-- {
		for i := features - 1; i >= 0; i-- {
			after[j*wide+i] = after[j*wide+i+1] && bare(i) || j < lists && after[(j+1)*wide+i+1] && f.fits(j, i)
		}
	}
	return before, after
}

// fits says whether feature i may have the codes of list j, by what the
// training data had of it.
func (f *file) fits(j, i int) bool {
	if len(f.header.infos) == 0 {
		return true
	}
	in, size := f.header.infos[i], float64(f.tail.lists[j].size())
	switch in.kind {
	case codes: // -1 stands for what is missing
		// Where the data had one category, LightGBM adds the code after it.
		return in.max < size || in.padded && in.max == size
	case span:
		return in.min >= 0 && in.max < size && in.min == math.Trunc(in.min) && in.max == math.Trunc(in.max)
	default:
		return true
	}
}

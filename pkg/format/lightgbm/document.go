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

// untold is the feature of a list that may belong to several.
const untold = -1

// assign finds the feature that each list of pandas_categorical belongs to.
//
// The file does not say: the lists are those of the data frame's columns of
// the type category, in their order. Where the training parameters have as
// many categorical features, it is they: that is what LightGBM makes of a data
// frame by itself. Else (a frame with ordered categories, which are trained as
// numbers, or a list of other categorical features that was given) a list's
// feature is known only where the data allow no other.
func (f *file) assign() []int {
	lists, features := f.tail.lists, len(f.header.names)
	if c := f.tail.categorical; len(c) == len(lists) {
		all := true
		for j, i := range c {
			all = all && f.fits(j, i)
		}
		if all {
			return c
		}
	}
	// Each list as far to the front as it fits, and as far to the back: between
	// the two are all the places that it may have.
	front, back := make([]int, len(lists)), make([]int, len(lists))
	i := 0
	for j := range lists {
		for i < features && !f.fits(j, i) {
			i++
		}
		front[j] = i
		i++
	}
	i = features - 1
	for j := len(lists) - 1; j >= 0; j-- {
		for i >= 0 && !f.fits(j, i) {
			i--
		}
		back[j] = i
		i--
	}
	for j := range front {
		if front[j] != back[j] {
			front[j] = untold
		}
	}
	return front
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
		return in.max < size
	case span:
		return in.min >= 0 && in.max < size && in.min == math.Trunc(in.min) && in.max == math.Trunc(in.max)
	default:
		return true
	}
}

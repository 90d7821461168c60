package schema

import (
	"strconv"

	"example.com/copse/pkg/fault"
)

// What a message lists of categories: so many, as far as their texts are short.
const (
	listed     = 10
	listedText = 200 // bytes of all
)

// oneOf is what is told of a text that is none of the categories: the first of
// them, and how many there are if that is not all.
func oneOf(categories []string) string {
	b := []byte("must be one of ")
	n := 0
	for ; n < len(categories) && n < listed; n++ {
		text := strconv.Quote(categories[n])
		if n > 0 && len(b)+len(text) > listedText || len(text) > listedText {
			break
		}
		if n > 0 {
			b = append(b, ", "...)
		}
		b = append(b, text...)
	}
	switch {
	case n == 0:
		return "must be one of its " + strconv.Itoa(len(categories)) + " categories"
	case n < len(categories):
		b = append(b, " … ("+strconv.Itoa(len(categories))+" categories)"...)
	}
	return string(b)
}

// UnknownCategory is the fault of a row whose text for column i has no code.
func (s *Schema) UnknownCategory(row, i int) fault.Error {
	name := s.doc.Features[i].Name
	return fault.Error{Code: fault.UnknownCategory, Row: row, Field: name, Rule: string(Category),
		Message: name + " " + s.columns[i].oneOf}
}

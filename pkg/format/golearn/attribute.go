package golearn

import (
	"slices"

	"example.com/copse/pkg/schema"
)

// maxText bounds names, categories and labels: what pkg/schema takes.
const (
	maxText       = 1024
	maxAttributes = 65535 // features that a schema takes
	maxCategories = 65536 // of one attribute, and labels
)

// attribute is golearn's base.Attribute: {"type","name","attr":{"values"}}.
type attribute struct {
	name   string
	kind   attrKind
	values []string // of a category, in the file's order
}

type attrKind uint8

const (
	floatAttr attrKind = iota
	binaryAttr
	categoryAttr
)

var attrKinds = map[string]attrKind{"float": floatAttr, "binary": binaryAttr, "categorical": categoryAttr}

// attribute reads one attribute.
func (s *scanner) attribute() attribute {
	var a attribute
	known := false
	s.Object(func(member string) {
		switch member {
		case "name":
			a.name = s.text()
		case "type":
			if a.kind, known = attrKinds[s.text()]; !known {
				s.Fail("a type of attribute that golearn does not have")
			}
		case "attr":
			a.values = s.values()
		default:
			s.Skip()
		}
	})
	if s.Err() == nil && !known {
		s.Fail("an attribute without its type")
	}
	return a
}

// values reads {"values":[…]} of a category; other kinds have other members.
func (s *scanner) values() []string {
	var values []string
	if s.Null() {
		return nil
	}
	s.Object(func(member string) {
		if member != "values" || s.Null() {
			if member != "values" {
				s.Skip()
			}
			return
		}
		s.Array(func() {
			if values = append(values, s.text()); len(values) > maxCategories {
				s.Fail("more than %d values", maxCategories)
			}
		})
	})
	return values
}

// attributes reads a list of them.
func (s *scanner) attributes() []attribute {
	var list []attribute
	if s.Null() {
		return nil
	}
	s.Array(func() {
		if list = append(list, s.attribute()); len(list) > maxAttributes {
			s.Fail("more than %d attributes", maxAttributes)
		}
	})
	return list
}

// same says whether golearn takes two attributes for one (Attribute.Equals).
func (a *attribute) same(b *attribute) bool {
	return a.name == b.name && a.kind == b.kind && slices.Equal(a.values, b.values)
}

// labels are the classes that a class attribute can stand for; nil where only
// the trees tell, as for a float, whose texts depend on its precision.
func (a *attribute) labels() []string {
	switch a.kind {
	case binaryAttr:
		return []string{"0", "1"}
	case categoryAttr:
		return a.values
	default:
		return nil
	}
}

// texts are the values that children's keys can be, in the order of their
// codes: sorted, for the reason that the package document gives.
func (a *attribute) texts() []string {
	if a.kind != categoryAttr {
		return []string{"0", "1"}
	}
	texts := slices.Clone(a.values)
	slices.Sort(texts)
	return texts
}

// feature is the attribute's column. golearn knows no ranges and no missing
// values, so neither does its schema.
func (a *attribute) feature() schema.Feature {
	f := schema.Feature{Name: a.name, Missing: schema.Refuse}
	switch a.kind {
	case floatAttr:
		f.Type = schema.Number
	case binaryAttr:
		f.Type = schema.Boolean
	case categoryAttr:
		f.Type, f.Categories = schema.Category, a.texts()
	}
	return f
}

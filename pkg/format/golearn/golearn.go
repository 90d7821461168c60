package golearn

import (
	"io"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Library is the Library of the models that this package reads.
const Library = "golearn"

// Read reads one of golearn's own archives or a CART archive (see the package
// document): a model that passes ir.Check. The schema is the CART archive's own; of golearn's archives it is
// made from their attributes. Errors are *readerr.Error.
func Read(data []byte) (*ir.Model, schema.Document, error) {
	var none schema.Document
	a, err := openArchive(data)
	if err != nil {
		return nil, none, err
	}
	name, err := a.next()
	if err == io.EOF {
		return nil, none, fail("the archive is empty")
	}
	if err != nil {
		return nil, none, err
	}
	var m *ir.Model
	var doc schema.Document
	switch name {
	case manifestName:
		m, doc, err = readSaved(a)
	case CARTManifestName:
		m, doc, err = readCART(a)
	default:
		err = failAt(jsonscan.Clip(name), "the archive opens with this entry, not with golearn's %s", manifestName)
	}
	if err != nil {
		return nil, none, err
	}
	if err := ir.Check(m); err != nil {
		e := fail("the model cannot be used")
		e.Err = err
		return nil, none, e
	}
	return m, doc, nil
}

// Layout of Tree.Values: classifiers have one value a label in every leaf.
// maxValues bounds them all: 128 MiB.
const maxValues = 16 << 20

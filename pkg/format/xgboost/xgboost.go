// Package xgboost reads XGBoost's model files, JSON and UBJSON, of the versions
// 1.0 to 3.4: what Booster.save_model writes.
//
// Format: doc/tutorials/saving_model.rst and src/tree/tree_model.cc,
// src/gbm/gbtree_model.cc, src/learner.cc of XGBoost; UBJSON: ubjson.org's draft
// 12. What an objective does with margins and base scores: src/objective.
//
// The same tree of objects stands in both forms, so each has a small reader of
// its syntax (json.go, ubjson.go) and the meaning of members exists once
// (file.go and what follows). Members may come in any order, unknown ones are
// skipped, and one that stands twice is refused. A file is read in one pass: the
// columns of one tree are held until its end, when they become nodes.
//
// Memory: the finished model, the columns of the largest tree (about half of
// what its nodes take), and 64 KiB. What a file says of its own sizes is never
// believed; a byte of it costs at most 16 bytes.
//
// Question: who computes the categories of a row? Choice: this reader hands out
// the codes that the trees were trained on: the place of a text or a number in
// the training categories where the file has them (3.1 and later), else the
// number itself. XGBoost refuses what is none of them, and so does the schema.
// What would change it: XGBoost taking them for missing.
package xgboost

import (
	"bufio"
	"bytes"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Library is the format's name.
const Library = "xgboost"

// key is in the first 4 KiB of every model: XGBoost writes it first, or after
// the version.
const key = "learner"

// Is tells an XGBoost model, in JSON or UBJSON, by its beginning.
func Is(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n")
	return isUBJSON(head) && bytes.Contains(head, []byte(key)) ||
		bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"`+key+`"`))
}

// isUBJSON tells an object of UBJSON from one of JSON: after the bracket comes
// the type of the first key's length, or how many keys there are.
func isUBJSON(head []byte) bool {
	return len(head) > 1 && head[0] == '{' && bytes.IndexByte([]byte("iUIlL#$"), head[1]) >= 0
}

// Read reads a model file. Its error is a *readerr.Error whose path is a JSON
// pointer, such as /learner/gradient_booster/model/trees/3/left_children, and
// whose offset is the place in the file.
func Read(r *bufio.Reader) (*ir.Model, schema.Document, error) {
	head, _ := r.Peek(2) // an error comes again when the file is read
	in := newInput(r)
	var s syntax = newJSON(in)
	if isUBJSON(head) {
		s = newUBJSON(in)
	}
	return read(newDocument(in, s))
}

func read(d *document) (*ir.Model, schema.Document, error) {
	f := &file{document: d}
	f.top()
	if d.err == nil {
		d.end()
	}
	if d.err != nil {
		return nil, schema.Document{}, d.err
	}
	m, doc, err := f.model()
	if err != nil {
		return nil, schema.Document{}, err
	}
	if err := ir.Check(m); err != nil {
		e := readerr.New(Library, "the model cannot be scored")
		e.Err = err
		return nil, schema.Document{}, e
	}
	return m, doc, nil
}

// Package lightgbm reads LightGBM's text model files of the versions v2, v3
// and v4 (LightGBM 2 to 4): what Booster.save_model and the command line write.
//
// Format: src/boosting/gbdt_model_text.cpp and src/io/tree.cpp of LightGBM; the
// meaning of a decision: include/LightGBM/tree.h; of an objective:
// src/objective; of pandas_categorical: python-package/lightgbm/basic.py.
//
// A file is lines of KEY=VALUE: a header, a block for each tree that an empty
// line ends, "end of trees", then importances, parameters and the categories of
// pandas. Lines may be as long as a tree has leaves, so none is ever held: words
// are parsed as they come, in one pass, and what the model does not need is
// skipped.
//
// Question: how is memory bounded when counts lie? Choice: num_leaves is
// believed up to 2 MB of nodes; beyond, a tree grows as its numbers arrive. A
// file needs at most 150 bytes of memory for each byte of it (names of one
// letter, each a feature of the schema), and 4 MB: TestHostile. What would
// change it: a schema that holds plain features in less.
//
// Question: what if it cannot be told which feature a list of
// pandas_categorical belongs to? Choice: where it has texts, the feature takes
// codes, as all category features without texts do; numbers, which could be
// mistaken for codes, refuse the file. See assign. What would change it:
// LightGBM writing the names.
package lightgbm

import (
	"bufio"
	"bytes"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Library is the format's name.
const Library = "lightgbm"

// Is tells a LightGBM text model by its first line.
func Is(head []byte) bool {
	return bytes.HasPrefix(head, []byte("tree\n")) || bytes.HasPrefix(head, []byte("tree\r\n"))
}

// Read reads a model file. Its error is a *readerr.Error whose path is the
// line's key, such as "Tree=3 left_child[5]", and whose offset is the place in
// the file.
func Read(r *bufio.Reader) (*ir.Model, schema.Document, error) {
	f := &file{source: newSource(r)}
	err := f.read()
	if f.failed != nil { // whatever it looked like, this is why
		e := f.failAt("the file cannot be read to its end")
		e.Err = f.failed
		return nil, schema.Document{}, e
	}
	if err != nil {
		return nil, schema.Document{}, err
	}
	return f.model()
}

// file is what has been read of one.
type file struct {
	*source
	header header
	trees  []ir.Tree
	tail   tail
}

func (f *file) read() error {
	if !f.starts("tree") {
		return f.failAt("the file does not begin with the line tree")
	}
	f.nextLine()
	if err := f.readHeader(); err != nil {
		return err
	}
	if err := f.readTrees(); err != nil {
		return err
	}
	return f.readTail()
}

// readTrees reads all tree blocks; the header ended at the first.
func (f *file) readTrees() error {
	b := block{source: f.source, features: len(f.header.names)}
	nodes := 0
	for f.starts(treeMark) {
		if len(f.trees) == ir.MaxTrees || nodes > ir.MaxNodes {
			return f.failAt("the file has more than %d trees or %d nodes", ir.MaxTrees, ir.MaxNodes)
		}
		f.nextLine()
		b.index = len(f.trees)
		tree, err := b.read()
		if err != nil {
			return err
		}
		tree.Group = len(f.trees) % f.header.classes
		f.trees = append(f.trees, tree)
		nodes += len(tree.Nodes)
		for f.emptyLine() {
		}
	}
	switch sizes, n := f.header.treeSizes, len(f.trees); {
	case sizes >= 0 && sizes != n:
		return f.failAt("the file has %d trees, but its tree_sizes are of %d: it is damaged or not whole", n, sizes)
	case n%f.header.classes != 0:
		return f.failAt("%d trees do not make whole iterations of %d", n, f.header.classes)
	case !f.starts("end of trees") && f.header.version != "v2": // before 2.2 there was no such line
		return f.failAt("the line end of trees is missing after %d trees: the file is damaged or not whole", n)
	}
	f.nextLine()
	return nil
}

// emptyLine passes over an empty line.
func (f *file) emptyLine() bool { return !f.done() && (f.starts("\n") || f.starts("\r\n")) }

// model puts together what was read.
func (f *file) model() (*ir.Model, schema.Document, error) {
	h := &f.header
	m := &ir.Model{
		Library: Library, Version: h.version, Objective: h.objective.name,
		FeatureNames: h.names,
		Labels:       h.objective.labels(h.classes),
		ZeroBand:     true, Codes: ir.CodeCast,
		Outputs: h.classes, LeafWidth: 1, Base: make([]float64, h.classes),
		Trees:         f.trees,
		BestIteration: -1,
		Finish:        h.objective.finish,
	}
	for t := 0; t <= len(f.trees); t += h.classes {
		m.Iterations = append(m.Iterations, int32(t))
	}
	if h.average {
		m.Average = len(f.trees) / h.classes
	}
	doc, recode, err := f.document()
	if err != nil {
		return nil, schema.Document{}, err
	}
	m.Recode = recode
	return m, doc, nil
}

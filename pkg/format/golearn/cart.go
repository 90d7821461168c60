package golearn

import (
	"io"
	"slices"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// CARTManifestName and CARTSchemaName are entries of the CART archive. The
// manifest is the first of all.
const (
	CARTManifestName = "copse-cart.json"
	CARTSchemaName   = "schema.json"
)

// CARTFormat and CARTVersion are the manifest's format and version.
const (
	CARTFormat  = "copse-golearn-cart"
	CARTVersion = 1
)

// Task is what a CART archive's trees answer.
type Task string

const (
	Classifier Task = "classifier"
	Regressor  Task = "regressor"
)

// CARTManifest is copse-cart.json.
type CARTManifest struct {
	Format         string     `json:"format"`
	Version        int        `json:"version"`
	LibraryVersion string     `json:"library_version"`
	Task           Task       `json:"task"`
	Trees          []CARTTree `json:"trees"`
}

// CARTTree is one tree of the manifest.
type CARTTree struct {
	// File is the entry that holds the JSON of its RootNode.
	File string `json:"file"`
	// Features are the names of the columns that it was fitted to, in the
	// order in which its node's Feature counts them.
	Features []string `json:"features"`
}

// cartTree is one tree as its file has it; node 0 is the root.
type cartTree struct{ nodes []cartNode }

type cartNode struct {
	feature     int64
	threshold   float64
	left, right int32      // nodes, or noChild
	answer      [2]float64 // where a child is missing: label number or value
	labelled    bool       // the answers are labels
	valued      bool       // the answers are numbers
}

const noChild = -1

// cartArchive is what one pass collects.
type cartArchive struct {
	manifest CARTManifest
	doc      schema.Document
	hasDoc   bool
	trees    map[string]*cartTree
	nodes    int
}

func readCART(a *archive) (*ir.Model, schema.Document, error) {
	var none schema.Document
	c := &cartArchive{trees: map[string]*cartTree{}}
	for name := CARTManifestName; ; {
		data, err := a.content(name)
		if err != nil {
			return nil, none, err
		}
		if err := c.entry(name, data); err != nil {
			return nil, none, err
		}
		if name, err = a.next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, none, err
		}
	}
	if !c.hasDoc {
		return nil, none, failAt(CARTSchemaName, "is missing")
	}
	m, err := c.model()
	return m, c.doc, err
}

// entry reads one file of the archive. Which trees there are, the manifest
// has said: it comes first.
func (c *cartArchive) entry(name string, data []byte) error {
	switch {
	case name == CARTManifestName && c.manifest.Format == "":
		return c.readManifest(data)
	case name == CARTSchemaName && !c.hasDoc:
		s, err := schema.Parse(data)
		if err != nil {
			e := failAt(name, "cannot be used")
			e.Err = err
			return e
		}
		c.doc, c.hasDoc = *s.Document(), true
		return nil
	}
	t, listed := c.trees[name]
	if !listed || t != nil {
		return failAt(jsonscan.Clip(name), "the manifest does not list this entry, or it stands twice")
	}
	s := scan(name, data)
	r := &cartReader{scanner: s, archive: c, tree: &cartTree{}}
	r.node(0)
	c.trees[name] = r.tree
	return s.End()
}

func (c *cartArchive) readManifest(data []byte) error {
	s := scan(CARTManifestName, data)
	m := &c.manifest
	s.Object(func(member string) {
		switch member {
		case "format":
			m.Format = s.text()
		case "version":
			m.Version = int(s.Integer(maxNodes))
		case "library_version":
			m.LibraryVersion = s.text()
		case "task":
			m.Task = Task(s.text())
		case "trees":
			s.Array(func() { c.readListed(s) })
		default:
			s.Fail("a member that version %d does not have", CARTVersion)
		}
	})
	switch {
	case s.Err() != nil:
	case m.Format != CARTFormat:
		s.Fail("the format is not %q", CARTFormat)
	case m.Version != CARTVersion:
		s.Fail("version %d is not supported, only %d", m.Version, CARTVersion)
	case m.Task != Classifier && m.Task != Regressor:
		s.Fail("the task is neither %q nor %q", Classifier, Regressor)
	case len(m.Trees) == 0:
		s.Fail("lists no trees")
	}
	return s.End()
}

func (c *cartArchive) readListed(s *scanner) {
	var t CARTTree
	s.Object(func(member string) {
		switch member {
		case "file":
			t.File = s.text()
		case "features":
			s.Array(func() {
				if t.Features = append(t.Features, s.text()); len(t.Features) > maxAttributes {
					s.Fail("more than %d features", maxAttributes)
				}
			})
		default:
			s.Fail("a member that version %d does not have", CARTVersion)
		}
	})
	if _, twice := c.trees[t.File]; twice {
		s.Fail("lists a file twice")
	}
	if len(c.trees) == maxTrees {
		s.Fail("more than %d trees", maxTrees)
	}
	c.trees[t.File] = nil
	c.manifest.Trees = append(c.manifest.Trees, t)
}

type cartReader struct {
	*scanner
	archive *cartArchive
	tree    *cartTree
}

// node reads one node, or null for a child that is not there.
func (r *cartReader) node(depth int) int32 {
	if depth > 0 && r.Null() {
		return noChild
	}
	r.archive.nodes++
	if depth > maxDepth {
		r.Fail("deeper than %d levels", maxDepth)
	}
	if r.archive.nodes > maxNodes {
		r.Fail("more than %d nodes in all", maxNodes)
	}
	index := int32(len(r.tree.nodes))
	r.tree.nodes = append(r.tree.nodes, cartNode{})
	n := cartNode{left: noChild, right: noChild}
	r.Object(func(member string) {
		switch member {
		case "Left":
			n.left = r.node(depth + 1)
		case "Right":
			n.right = r.node(depth + 1)
		case "Threshold":
			n.threshold = r.Number()
		case "Feature":
			n.feature = r.Integer(maxAttributes)
		case "LeftLabel":
			n.labelled, n.answer[0] = true, float64(r.Integer(maxCategories))
		case "RightLabel":
			n.labelled, n.answer[1] = true, float64(r.Integer(maxCategories))
		case "LeftPred":
			n.valued, n.answer[0] = true, r.Number()
		case "RightPred":
			n.valued, n.answer[1] = true, r.Number()
		default:
			r.Skip()
		}
	})
	r.tree.nodes[index] = n
	return index
}

func (c *cartArchive) model() (*ir.Model, error) {
	m := &ir.Model{
		Library: Library, Version: c.manifest.LibraryVersion, Objective: "cart " + string(c.manifest.Task),
		Labels: slices.Clone(c.doc.Labels), Input: ir.Float64, Sum: ir.Float64, Outputs: 1,
	}
	if err := c.checkLabels(); err != nil {
		return nil, err
	}
	if c.manifest.Task == Classifier {
		m.Outputs = len(m.Labels)
	}
	m.LeafWidth, m.Base = m.Outputs, make([]float64, m.Outputs)
	m.Average = len(c.manifest.Trees)
	index := make(map[string]int32, len(c.doc.Features))
	for i := range c.doc.Features {
		m.FeatureNames = append(m.FeatureNames, c.doc.Features[i].Name)
		index[c.doc.Features[i].Name] = int32(i)
	}
	m.Trees = make([]ir.Tree, len(c.manifest.Trees))
	values := 0
	for i := range m.Trees {
		l := &cartLowering{archive: c, listed: &c.manifest.Trees[i], outputs: m.Outputs, values: &values, to: &m.Trees[i], voted: map[float64]int32{}}
		if err := l.lower(index); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (c *cartArchive) checkLabels() error {
	switch labels := len(c.doc.Labels); {
	case c.manifest.Task == Classifier && labels == 0:
		return failAt(CARTSchemaName, "a classifier's schema needs its labels")
	case c.manifest.Task == Regressor && labels > 0:
		return failAt(CARTSchemaName, "a regressor's schema has no labels")
	}
	return nil
}

// cartLowering turns one tree into the engine's form.
type cartLowering struct {
	archive *cartArchive
	listed  *CARTTree
	from    *cartTree
	to      *ir.Tree
	columns []int32 // of the tree's features
	outputs int
	values  *int // of all trees so far
	voted   map[float64]int32
	leaves  int32
}

func (l *cartLowering) lower(index map[string]int32) error {
	if l.from = l.archive.trees[l.listed.File]; l.from == nil {
		return failAt(jsonscan.Clip(l.listed.File), "is missing, though the manifest lists it")
	}
	for _, name := range l.listed.Features {
		column, ok := index[name]
		if !ok {
			return failAt(jsonscan.Clip(l.listed.File), "feature %q of the manifest is not in the schema", jsonscan.Clip(name))
		}
		l.columns = append(l.columns, column)
	}
	_, err := l.node(0)
	return err
}

func (l *cartLowering) node(i int32) (int32, error) {
	n := &l.from.nodes[i]
	if n.feature >= int64(len(l.columns)) {
		return 0, failAt(jsonscan.Clip(l.listed.File), "node %d asks for feature %d of %d", i, n.feature, len(l.columns))
	}
	if task := l.archive.manifest.Task; n.labelled != (task == Classifier) || n.valued != (task == Regressor) {
		return 0, failAt(jsonscan.Clip(l.listed.File), "node %d is not of a %s", i, task)
	}
	at := int32(len(l.to.Nodes))
	l.to.Nodes = append(l.to.Nodes, ir.Node{Feature: l.columns[n.feature], Op: ir.LT, Threshold: n.threshold})
	for side, child := range [2]int32{n.left, n.right} {
		number, err := l.child(child, n.answer[side])
		if err != nil {
			return 0, err
		}
		if side == 0 {
			l.to.Nodes[at].Left = number
		} else {
			l.to.Nodes[at].Right = number
		}
	}
	return at, nil
}

// child lowers a child, or the answer in its place.
func (l *cartLowering) child(child int32, answer float64) (int32, error) {
	if child != noChild {
		return l.node(child)
	}
	value, err := l.leaf(answer)
	if err != nil {
		return 0, err
	}
	l.to.Nodes = append(l.to.Nodes, ir.Node{Feature: ir.Leaf, Value: value, ID: l.leaves})
	l.leaves++
	return int32(len(l.to.Nodes) - 1), nil
}

// leaf is the place of an answer's values: a vote for a label, or a number.
func (l *cartLowering) leaf(answer float64) (int32, error) {
	if at, ok := l.voted[answer]; ok {
		return at, nil
	}
	if *l.values += l.outputs; *l.values > maxValues {
		return 0, failAt(jsonscan.Clip(l.listed.File), "leaves × labels are more than %d", maxValues)
	}
	at := int32(len(l.to.Values))
	if l.archive.manifest.Task == Regressor {
		l.to.Values = append(l.to.Values, answer)
		return at, nil
	}
	if int(answer) >= l.outputs {
		return 0, failAt(jsonscan.Clip(l.listed.File), "answers with label %d of %d", int(answer), l.outputs)
	}
	l.to.Values = append(l.to.Values, make([]float64, l.outputs)...)
	l.to.Values[int(at)+int(answer)] = 1
	l.voted[answer] = at
	return at, nil
}

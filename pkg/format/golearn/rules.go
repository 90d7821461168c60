package golearn

import "example.com/copse/pkg/format/jsonscan"

// Limits of the trees of one archive.
const (
	maxNodes = 2 << 20 // about 100 bytes each
	maxDepth = 512     // of a tree as golearn nests it; ID3 splits on a number once a path
	maxCount = 1 << 53 // of rows in a leaf: float64 holds it exactly
)

// leafAttr is the attr of a node without a rule.
const leafAttr = -1

// ruleTree is one trees.DecisionTreeNode and all below it, as the file has
// it; node 0 is the root.
type ruleTree struct {
	entry string
	nodes []ruleNode
}

type ruleNode struct {
	attr  int32   // of book.attrs, or leafAttr
	split float64 // of a float
	inner bool    // has children
	kids  []kid
	class int32   // of book.classes
	dist  []share // rows of each class; only of a single tree
}

type kid struct {
	key  string
	node int32
}

type share struct {
	class int32
	count int64
}

// book numbers the attributes and classes that an archive's trees speak of.
type book struct {
	attrs     []attribute
	attrIndex map[string]int32 // by name: golearn finds columns by it
	classes   []string
	classNo   map[string]int32
	nodes     int // of all trees so far
}

func newBook() *book {
	return &book{attrIndex: map[string]int32{}, classNo: map[string]int32{}}
}

func (b *book) class(s *scanner, text string) int32 {
	if i, ok := b.classNo[text]; ok {
		return i
	}
	if len(b.classes) == maxCategories {
		s.Fail("more than %d classes", maxCategories)
		return 0
	}
	i := int32(len(b.classes))
	b.classNo[text] = i
	b.classes = append(b.classes, text)
	return i
}

func (b *book) attr(s *scanner, a attribute) int32 {
	if s.Err() != nil {
		return leafAttr
	}
	if i, ok := b.attrIndex[a.name]; ok {
		if !b.attrs[i].same(&a) {
			s.Fail("attribute %q is described in two ways", jsonscan.Clip(a.name))
		}
		return i
	}
	if len(b.attrs) == maxAttributes {
		s.Fail("more than %d attributes", maxAttributes)
		return leafAttr
	}
	i := int32(len(b.attrs))
	b.attrIndex[a.name] = i
	b.attrs = append(b.attrs, a)
	return i
}

// readRules reads one tree. Class counts are kept only where they are asked
// for: a bag's trees vote.
func (b *book) readRules(entry string, data []byte, counts bool) (*ruleTree, error) {
	s := scan(entry, data)
	r := &ruleReader{scanner: s, book: b, tree: &ruleTree{entry: entry}, counts: counts}
	r.node(0)
	if err := s.End(); err != nil {
		return nil, err
	}
	return r.tree, nil
}

type ruleReader struct {
	*scanner
	book   *book
	tree   *ruleTree
	counts bool
}

func (r *ruleReader) node(depth int) int32 {
	r.book.nodes++
	if depth > maxDepth {
		r.Fail("deeper than %d levels", maxDepth)
	}
	if r.book.nodes > maxNodes {
		r.Fail("more than %d nodes in all", maxNodes)
	}
	index := int32(len(r.tree.nodes))
	r.tree.nodes = append(r.tree.nodes, ruleNode{})
	n := ruleNode{attr: leafAttr, class: -1}
	r.Object(func(member string) {
		switch member {
		case "children":
			if !r.Null() {
				n.inner, n.kids = true, r.children(depth)
			}
		case "class_string":
			n.class = r.book.class(r.scanner, r.text())
		case "class_dist":
			r.distribution(&n)
		case "decision_tree_rule":
			r.rule(&n)
		default:
			r.Skip()
		}
	})
	r.judge(&n)
	r.tree.nodes[index] = n
	return index
}

// judge refuses nodes on which golearn's own Predict would fail.
func (r *ruleReader) judge(n *ruleNode) {
	switch {
	case r.Err() != nil:
	case n.inner && len(n.kids) == 0:
		r.Fail("a node with an empty set of children")
	case n.inner && n.attr == leafAttr:
		r.Fail("a node with children but no rule to choose one")
	case !n.inner && n.class < 0:
		r.Fail("a leaf without a class")
	}
}

func (r *ruleReader) children(depth int) []kid {
	var kids []kid
	r.Object(func(key string) {
		kids = append(kids, kid{key, r.node(depth + 1)})
	})
	return kids
}

func (r *ruleReader) distribution(n *ruleNode) {
	if !r.counts {
		r.Skip()
		return
	}
	if r.Null() {
		return
	}
	r.Object(func(class string) {
		n.dist = append(n.dist, share{r.book.class(r.scanner, class), r.Integer(maxCount)})
	})
}

// rule reads {"split_attribute":{…},"split_val":x}; a leaf's attribute is the
// string "unknown", or the rule is null.
func (r *ruleReader) rule(n *ruleNode) {
	if r.Null() {
		return
	}
	r.Object(func(member string) {
		switch member {
		case "split_val":
			n.split = r.Number()
		case "split_attribute":
			if r.Err() == nil && r.Next() == '{' {
				n.attr = r.book.attr(r.scanner, r.attribute())
			} else {
				r.Skip()
			}
		default:
			r.Skip()
		}
	})
}

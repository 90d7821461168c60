package golearn

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Entries of golearn's archives.
const (
	manifestName   = "CLS_MANIFEST"
	manifestText   = "golearn 1.0"
	metadataName   = "METADATA"
	treeName       = "tree"
	classAttrName  = "treeClassAttr"
	forestPrefix   = "model/" // RandomForest keeps its bag there
	countName      = "NUM_CLASSIFIERS"
	classifiersDir = "CLASSIFIERS/"
	attrsName      = "REFERENCE_INSTANCESATTRS"
	classAttrsName = "REFERENCE_INSTANCESCATTRS"
)

// formatVersion is METADATA's format_version that golearn itself accepts.
const formatVersion = 1

// maxTrees bounds a bag. golearn's bags vote at a few hundred rows a second
// and have some dozens.
const maxTrees = 10_000

// saved is what one pass over an archive of golearn's collects.
type saved struct {
	book   *book
	label  string // what the archive calls itself
	single *ruleTree
	class  *attribute // treeClassAttr of the single tree, or of any tree of a bag

	bag       string // "model/" or "", where there is a bag
	hasBag    bool
	count     uint64 // NUM_CLASSIFIERS
	trees     map[uint64]*ruleTree
	attrs     []attribute // REFERENCE_INSTANCES, in the file's order
	hasAttrs  bool
	classAttr []attribute

	refused string // what the archive holds instead of trees
}

func readSaved(a *archive) (*ir.Model, schema.Document, error) {
	var none schema.Document
	text, err := a.content(manifestName)
	if err != nil {
		return nil, none, err
	}
	if string(text) != manifestText {
		return nil, none, failAt(manifestName, "is not %q, the one version that golearn has had", manifestText)
	}
	s := &saved{book: newBook(), trees: map[uint64]*ruleTree{}}
	seen := map[string]bool{}
	for {
		name, err := a.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, none, err
		}
		// golearn finds an entry by going through the tar: the first one counts.
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := s.entry(a, name); err != nil {
			return nil, none, err
		}
	}
	return s.model()
}

// entry takes what one entry says, if it says anything about trees.
func (s *saved) entry(a *archive, name string) error {
	prefix, base := "", name
	if rest, ok := strings.CutPrefix(name, forestPrefix); ok {
		prefix, base = forestPrefix, rest
	}
	if s.refused == "" {
		s.refused = otherKind(base)
	}
	take := s.taker(prefix, base)
	if take == nil {
		return nil
	}
	data, err := a.content(name)
	if err != nil {
		return err
	}
	return take(name, data)
}

// taker chooses who reads an entry; nil is nobody.
func (s *saved) taker(prefix, base string) func(name string, data []byte) error {
	if path, ok := strings.CutPrefix(base, classifiersDir); ok {
		return s.memberTaker(path)
	}
	switch base {
	case countName:
		s.bag, s.hasBag = prefix, true
		return s.takeCount
	case attrsName:
		s.hasAttrs = true
		return func(name string, data []byte) error { return takeAttributes(name, data, &s.attrs) }
	case classAttrsName:
		return func(name string, data []byte) error { return takeAttributes(name, data, &s.classAttr) }
	}
	if prefix != "" {
		return nil
	}
	switch base {
	case metadataName:
		return s.takeMetadata
	case treeName:
		return func(name string, data []byte) (err error) {
			s.single, err = s.book.readRules(name, data, true)
			return err
		}
	case classAttrName:
		return s.takeClass
	}
	return nil
}

// memberTaker is taker for what lies below CLASSIFIERS/: "i//tree".
func (s *saved) memberTaker(path string) func(name string, data []byte) error {
	number, base, _ := strings.Cut(path, "//")
	i, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil
	}
	switch base {
	case treeName:
		return func(name string, data []byte) (err error) {
			if i >= maxTrees {
				return failAt(jsonscan.Clip(name), "more than %d trees", maxTrees)
			}
			s.trees[i], err = s.book.readRules(name, data, false)
			return err
		}
	case classAttrName:
		return s.takeClass
	case countName:
		s.refused = "bag of bags"
	default:
		if s.refused == "" {
			s.refused = otherKind(base)
		}
	}
	return nil
}

// otherKind names the model that an entry belongs to, if it is none of trees.
func otherKind(base string) string {
	switch {
	case strings.HasPrefix(base, "TrainingInstances"):
		return "nearest-neighbour model (KNN)"
	case base == "COND_MAP":
		return "naive Bayes model (BernoulliNB)"
	case base == "FILTER_COUNT":
		return "one-against-all model (OneVsAllModel)"
	case base == "PARAMETERS", base == "params", base == "weights":
		return "linear model (LinearSVC)"
	}
	return ""
}

func (s *saved) takeCount(name string, data []byte) error {
	if len(data) != 8 {
		return failAt(name, "must be 8 bytes, a little-endian number")
	}
	s.count = binary.LittleEndian.Uint64(data)
	return nil
}

func (s *saved) takeMetadata(name string, data []byte) error {
	sc := scan(name, data)
	version := int64(formatVersion)
	sc.Object(func(member string) {
		switch member {
		case "classifier":
			s.label = sc.text()
		case "format_version":
			version = sc.Integer(maxCount)
		default:
			sc.Skip()
		}
	})
	if version != formatVersion {
		sc.Fail("format_version is %d; golearn itself reads only %d", version, formatVersion)
	}
	return sc.End()
}

func (s *saved) takeClass(name string, data []byte) error {
	sc := scan(name, data)
	a := sc.attribute()
	if s.class == nil {
		s.class = &a
	} else if sc.Err() == nil && !s.class.same(&a) {
		sc.Fail("is not the class attribute of the other trees")
	}
	return sc.End()
}

func takeAttributes(name string, data []byte, into *[]attribute) error {
	sc := scan(name, data)
	*into = sc.attributes()
	return sc.End()
}

// model makes sense of what was collected.
func (s *saved) model() (*ir.Model, schema.Document, error) {
	var none schema.Document
	trees, err := s.ordered()
	if err != nil {
		return nil, none, err
	}
	if err := s.adopt(); err != nil {
		return nil, none, err
	}
	labels, err := s.labels()
	if err != nil {
		return nil, none, err
	}
	m := &ir.Model{
		Library: Library, Version: strings.TrimPrefix(manifestText, Library+" "), Objective: "tree",
		Labels: labels, Outputs: len(labels), LeafWidth: len(labels), Base: make([]float64, len(labels)),
		Input: ir.Float64, Sum: ir.Float64,
	}
	if s.hasBag {
		m.Objective, m.Average = "forest", len(trees)
	}
	doc := schema.Document{Labels: labels}
	for i := range s.book.attrs {
		m.FeatureNames = append(m.FeatureNames, s.book.attrs[i].name)
		doc.Features = append(doc.Features, s.book.attrs[i].feature())
	}
	if len(m.FeatureNames) == 0 {
		return nil, none, fail("the archive names no feature: its one leaf answers the same whatever the row")
	}
	if m.Trees, err = lowerRules(s.book, trees, labels, s.hasBag); err != nil {
		return nil, none, err
	}
	return m, doc, nil
}

// ordered returns the trees: one, or as many as NUM_CLASSIFIERS says.
func (s *saved) ordered() ([]*ruleTree, error) {
	if s.refused != "" {
		return nil, unsupported(s.refused)
	}
	if !s.hasBag {
		if s.single == nil {
			return nil, s.nothing()
		}
		return []*ruleTree{s.single}, nil
	}
	path := s.bag + countName
	if s.count == 0 || s.count > maxTrees {
		return nil, failAt(path, "must be from 1 to %d", maxTrees)
	}
	if uint64(len(s.trees)) > s.count {
		return nil, failAt(path, "says %d, but the archive has %d trees", s.count, len(s.trees))
	}
	trees := make([]*ruleTree, s.count)
	for i := range trees {
		if trees[i] = s.trees[uint64(i)]; trees[i] == nil {
			return nil, failAt(s.bag+classifiersDir+strconv.Itoa(i),
				"holds no tree, of the %d classifiers that the bag has: the archive is cut short, or they are not trees", s.count)
		}
	}
	return trees, nil
}

// nothing explains an archive in which no model was found.
func (s *saved) nothing() *readerr.Error {
	if s.label == "" {
		return fail("the archive holds no model: save it again with the classifier's Save")
	}
	return unsupported("model that calls itself " + strconv.Quote(jsonscan.Clip(s.label)))
}

func unsupported(kind string) *readerr.Error {
	return fail("a %s is not supported: of golearn's models, ID3DecisionTree, RandomTree, RandomForest, "+
		"BaggedModel of trees, and CART trees in the archive of docs/golearn.md are read; train one of these", kind)
}

// adopt makes the file's own list of attributes, where it has one, the
// features, in its order, and renumbers the trees' attributes.
func (s *saved) adopt() error {
	if !s.hasAttrs {
		return nil
	}
	used := s.book.attrs
	number := make([]int32, len(used))
	index := make(map[string]int32, len(s.attrs))
	for i := range s.attrs {
		index[s.attrs[i].name] = int32(i)
	}
	for i := range used {
		at, ok := index[used[i].name]
		if !ok || !s.attrs[at].same(&used[i]) {
			return failAt(s.bag+attrsName, "does not list the attribute %q, on which a tree splits", jsonscan.Clip(used[i].name))
		}
		number[i] = at
	}
	if s.single != nil {
		renumber(s.single, number)
	}
	for _, t := range s.trees {
		renumber(t, number)
	}
	s.book.attrs, s.book.attrIndex = s.attrs, index
	return nil
}

func renumber(t *ruleTree, number []int32) {
	for i := range t.nodes {
		if n := &t.nodes[i]; n.attr != leafAttr {
			n.attr = number[n.attr]
		}
	}
}

// labels are the class attribute's, in its order; where it has none, the
// classes that the trees name, in the order of their texts.
func (s *saved) labels() ([]string, error) {
	class := s.class
	if len(s.classAttr) > 1 {
		return nil, failAt(s.bag+classAttrsName, "has more than one class attribute")
	}
	if class == nil && len(s.classAttr) == 1 {
		class = &s.classAttr[0]
	}
	if class != nil {
		if labels := class.labels(); len(labels) > 0 {
			return labels, nil
		}
	}
	return sorted(s.book.classes), nil
}

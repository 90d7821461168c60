package catboost

import (
	"bufio"
	"bytes"
	"fmt"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Library is the Library of the models that this package reads.
const Library = "catboost"

// Is says whether a file that begins with head is CatBoost's JSON: an object
// whose first member is one of those that CatBoost writes (it sorts them), and
// for those that others may write too, another one near it.
func Is(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(text, []byte("{")) {
		return false
	}
	text = bytes.TrimLeft(text[1:], " \t\r\n")
	for _, sign := range [...]struct{ first, also string }{
		{`"features_info"`, `"float_features"`},
		{`"features_info"`, `"categorical_features"`},
		{`"ctr_data"`, ``},
		{`"oblivious_trees"`, ``},
		{`"scale_and_bias"`, ``},
		{`"model_info"`, `"catboost_version_info"`},
		{`"trees"`, `"float_feature_index"`},
	} {
		if bytes.HasPrefix(text, []byte(sign.first)) && bytes.Contains(text, []byte(sign.also)) {
			return true
		}
	}
	return false
}

// Read reads a model in one pass: a model that passes ir.Check. Memory is that
// of the model, at most about 40 times the file's size for a file that is all
// leaves of one digit, 3 times for a real one. Errors are *readerr.Error.
func Read(r *bufio.Reader) (*ir.Model, schema.Document, error) {
	f := &file{Scanner: jsonscan.New(r, Library, "")}
	f.Object(f.member)
	if err := f.End(); err != nil {
		return nil, schema.Document{}, err
	}
	m, doc, err := f.model()
	if err != nil {
		return nil, schema.Document{}, err
	}
	if err := ir.Check(m); err != nil {
		e := readerr.New(Library, "the model cannot be used")
		e.Err = err
		return nil, schema.Document{}, e
	}
	return m, doc, nil
}

// file is what has been read.
type file struct {
	*jsonscan.Scanner
	floats []floatFeature
	trees  []ir.Tree // Feature counts float features until model ends
	nodes  int       // of all trees
	room   ir.Tree   // where a tree is read before its size is known
	width  int       // numbers in a leaf; 0 before the first one
	scale  float64
	bias   []float64
	info   info
}

func (f *file) member(name string) {
	switch name {
	case "features_info":
		f.features()
	case "oblivious_trees":
		f.list(func() { f.tree(f.oblivious) })
	case "trees":
		f.list(func() { f.tree(f.nonSymmetric) })
	case "scale_and_bias":
		f.scaleAndBias()
	case "model_info":
		f.modelInfo()
	case "ctr_data":
		if !f.Null() {
			f.Fail("%s", numericOnly)
		}
	default:
		f.Skip()
	}
}

const numericOnly = "the model has categorical, text or embedding features, which are not supported: " +
	"train it on numeric ones (encode categories first) and save it again"

// list reads a list; CatBoost writes an empty one as null.
func (f *file) list(element func()) {
	if !f.Null() {
		f.Array(element)
	}
}

// scaleAndBias reads [scale, [bias of each output]].
func (f *file) scaleAndBias() {
	n := 0
	f.Array(func() {
		switch n++; n {
		case 1:
			f.scale = f.Number()
		case 2:
			f.biases()
		default:
			f.Fail("more than a scale and a bias")
		}
	})
}

// biases reads one number (CatBoost before 1.0) or one an output.
func (f *file) biases() {
	if f.Next() == '0' {
		f.bias = []float64{f.Number()}
		return
	}
	f.list(func() {
		f.bias = append(f.bias, f.Number())
		if len(f.bias) > ir.MaxOutputs {
			f.Fail("more than %d outputs", ir.MaxOutputs)
		}
	})
}

// model puts together what has been read.
func (f *file) model() (*ir.Model, schema.Document, error) {
	var doc schema.Document
	if f.width == 0 {
		return nil, doc, readerr.New(Library, "the file has no trees (oblivious_trees or trees)")
	}
	columns, err := f.columns()
	if err != nil {
		return nil, doc, err
	}
	if err := f.resolve(columns); err != nil {
		return nil, doc, err
	}
	finish, err := f.finish()
	if err != nil {
		return nil, doc, err
	}
	labels, err := f.info.labels(f.width)
	if err != nil {
		return nil, doc, err
	}
	m := &ir.Model{
		Library: Library, Version: f.info.version, Objective: f.info.loss,
		Labels: labels,
		Input:  ir.Float32, Sum: ir.Float64,
		Outputs: f.width, LeafWidth: f.width,
		Base:          make([]float64, f.width),
		Trees:         f.trees,
		Iterations:    make([]int32, len(f.trees)+1),
		BestIteration: -1,
		Finish:        finish,
	}
	for i := range m.Iterations {
		m.Iterations[i] = int32(i)
	}
	for _, name := range columns {
		m.FeatureNames = append(m.FeatureNames, name)
		doc.Features = append(doc.Features, schema.Feature{Name: name, Type: schema.Number, Missing: schema.Allow})
	}
	doc.Labels = labels
	return m, doc, nil
}

// finish is scale, bias and what the loss function makes of a margin.
func (f *file) finish() (ir.Finish, error) {
	var fin ir.Finish
	identity := f.scale == 1
	for _, b := range f.bias {
		identity = identity && b == 0
	}
	if len(f.bias) > 0 && !identity {
		if f.scale == 0 {
			return fin, readerr.At(Library, "/scale_and_bias", "the scale is 0, so that every answer is the same")
		}
		if len(f.bias) != f.width {
			return fin, readerr.At(Library, "/scale_and_bias", "the bias has %d numbers, a leaf %d", len(f.bias), f.width)
		}
		fin.Scale, fin.Bias = f.scale, f.bias
	}
	err := f.info.finish(&fin, f.width)
	return fin, err
}

// resolve turns the trees' float features into columns.
func (f *file) resolve(columns []string) error {
	for t := range f.trees {
		nodes := f.trees[t].Nodes
		for i := range nodes {
			n := &nodes[i]
			if n.Feature == ir.Leaf {
				continue
			}
			if int(n.Feature) >= len(f.floats) {
				return readerr.At(Library, fmt.Sprintf("tree %d", t), "asks for float feature %d of %d", n.Feature, len(f.floats))
			}
			from := &f.floats[n.Feature]
			n.Feature, n.MissingLeft = from.column, !from.nanIsTrue
			if int(n.Feature) >= len(columns) {
				return readerr.At(Library, fmt.Sprintf("tree %d", t), "asks for column %d of %d", n.Feature, len(columns))
			}
		}
	}
	return nil
}

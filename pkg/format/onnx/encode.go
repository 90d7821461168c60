package onnx

import (
	"math"
	"slices"

	"example.com/copse/pkg/ir"
)

// Operators of ai.onnx.ml that prepare features.

func lowerScaler(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	width := n.lastAxis(v)
	offset, scale := n.perColumn("offset", width), n.perColumn("scale", width)
	if offset == nil || scale == nil {
		n.refuse("has no offset or no scale")
	}
	if v.elem != elemDouble {
		v = n.convert(v, elemFloat)
	}
	times := v.width() / width
	data := slices.Concat(slices.Repeat(offset, times), slices.Repeat(scale, times))
	n.spend(len(data))
	out := v.with(n.emit(ir.Step{Kind: ir.Scale, In: []int32{v.reg}, Data: data}, n.typeOf(v), v.width()))
	return one(n.convert(out, elemFloat))
}

// lastAxis is how many columns v has.
func (n *node) lastAxis(v *value) int {
	if len(v.dims) == 0 || v.batch == len(v.dims)-1 || v.width() == 0 {
		n.refuse("takes a tensor of rows × features")
	}
	return v.dims[len(v.dims)-1]
}

// perColumn is an attribute of one number a column, or one for all.
func (n *node) perColumn(name string, width int) []float64 {
	list := n.floats(name)
	switch len(list) {
	case 0, width:
		return list
	case 1:
		n.spend(width)
		return slices.Repeat(list, width)
	}
	n.refuse("has %d numbers %s for %d columns", len(list), name, width)
	return nil
}

// lowerImputer fills what is NaN, or one value, in columns.
func lowerImputer(n *node) []*value {
	v := n.tensorIn(0)
	n.numeric(v)
	width := n.lastAxis(v)
	fill, gone := n.floats("imputed_value_floats"), n.float("replaced_value_float", 0)
	if ints := n.ints("imputed_value_int64s"); v.elem.whole() || len(fill) == 0 {
		fill, gone = n.exact(ints), float64(n.int("replaced_value_int64", 0))
	} else {
		n.ignore("replaced_value_int64")
	}
	if len(fill) == 1 {
		fill = slices.Repeat(fill, width)
	}
	if len(fill) != width {
		n.refuse("has %d values for %d columns", len(fill), width)
	}
	step := ir.Step{Kind: ir.Impute, In: []int32{v.reg}, Ints: []int{0}, Data: slices.Repeat(fill, v.width()/width)}
	if gone == gone {
		step.Ints[0] = 1
		step.Data = append(step.Data, gone)
	}
	n.spend(len(step.Data))
	return one(v.with(n.emit(step, n.typeOf(v), v.width())))
}

func lowerFeatureVectorizer(n *node) []*value {
	widths := n.ints("inputdimensions")
	if len(widths) != len(n.in) || slices.Contains(n.in, nil) {
		n.refuse("has %d inputdimensions for %d inputs", len(widths), len(n.in))
	}
	var in []*value
	for i := range n.in {
		v := n.floatIn(i)
		if len(v.dims) == 1 && v.batch == 0 {
			v = v.shaped([]int{1, 1}, 0)
		}
		if v = n.rows2(v); int64(v.dims[1]) != widths[i] {
			n.refuse("has an input of %d columns for %d", v.dims[1], widths[i])
		}
		in = append(in, v)
	}
	return one(n.concat(in, 1))
}

// lowerOneHotEncoder gives each value as many numbers as there are categories.
func lowerOneHotEncoder(n *node) []*value {
	v := n.tensorIn(0)
	var categories []float64
	if v.elem == elemString {
		n.ignore("cats_int64s")
		categories = n.codesOf(n.strings("cats_strings"))
	} else {
		n.ignore("cats_strings")
		categories = n.exact(n.ints("cats_int64s"))
		v = n.convert(v, elemInt64)
	}
	if len(categories) == 0 {
		n.refuse("has no categories of its input's type")
	}
	width := product([]int{v.width(), len(categories)})
	if width > maxWidth {
		n.refuse("gives more than %d numbers", maxWidth)
	}
	n.spend(width)
	step := ir.Step{Kind: ir.OneHot, In: []int32{v.reg}, Data: slices.Repeat(categories, v.width())}
	for range v.width() {
		step.Ints = append(step.Ints, len(categories))
	}
	w := &value{elem: elemFloat, dims: append(slices.Clone(v.dims), len(categories)), batch: v.batch}
	w.reg = n.emit(step, n.typeOf(w), width)
	if n.int("zeros", 1) == 0 {
		n.strict = append(n.strict, strict{n.path, step.In[0], w.reg, categories})
	}
	return one(w)
}

// encoding is a table of keys and values with a default.
type encoding struct {
	from, to     elem
	keys, values []float64
	missing      float64
}

// encode maps values by a table.
func (n *node) encode(v *value, e encoding) *value {
	if v.elem != e.from {
		n.refuse("its keys are %s, its input is %s", e.from.name(), v.elem.name())
	}
	if len(e.keys) != len(e.values) || len(e.keys) == 0 {
		n.refuse("has %d keys and %d values", len(e.keys), len(e.values))
	}
	mapped := func(values []float64, missing float64, to elem) *value {
		data := append(slices.Concat(e.keys, values), missing)
		n.spend(len(data))
		return n.elementwise(ir.Step{Kind: ir.Map, Ints: []int{len(e.keys)}, Data: data}, to, []*value{v})
	}
	out := mapped(e.values, e.missing, e.to)
	if out.domain != nil || e.to.float() || n.constants[out.reg] != nil {
		return out
	}
	// Which of its values it is, in case it is a label.
	place := map[float64]float64{}
	var domain []float64
	index := make([]float64, len(e.values))
	at := func(x float64) float64 {
		i, ok := place[x]
		if !ok {
			i = float64(len(domain))
			place[x], domain = i, append(domain, x)
		}
		return i
	}
	for i, x := range e.values {
		index[i] = at(x)
	}
	missing := at(e.missing)
	out.domain, out.index = domain, mapped(index, missing, elemInt64).reg
	return out
}

func lowerLabelEncoder(n *node) []*value {
	v := n.tensorIn(0)
	if n.file.opsets["ai.onnx.ml"] < 2 || n.has("classes_strings") {
		return one(n.encode(v, n.oldEncoding("classes_strings", v)))
	}
	e := encoding{}
	e.from, e.keys = n.encoded("keys")
	e.to, e.values = n.encoded("values")
	e.missing = n.encodedDefault(e.to)
	if n.file.opsets["ai.onnx.ml"] < 4 {
		e.withoutNaN()
	}
	return one(n.encode(v, e))
}

// withoutNaN drops keys that are NaN: only since version 4 they find NaN.
func (e *encoding) withoutNaN() {
	if !slices.ContainsFunc(e.keys, math.IsNaN) || len(e.keys) != len(e.values) {
		return
	}
	keys, values := e.keys, e.values
	e.keys, e.values = nil, nil
	for i, k := range keys {
		if k == k {
			e.keys, e.values = append(e.keys, k), append(e.values, values[i])
		}
	}
}

// encoded are the keys or the values, in whichever attribute they are.
func (n *node) encoded(what string) (elem, []float64) {
	s, i, f, t := n.strings(what+"_strings"), n.ints(what+"_int64s"), n.floats(what+"_floats"), n.tensorAttr(what+"_tensor")
	switch {
	case len(s) > 0:
		return elemString, n.codesOf(s)
	case len(i) > 0:
		return elemInt64, n.exact(i)
	case len(f) > 0:
		return elemFloat, f
	case t != nil:
		return t.elem, n.constants[t.reg]
	}
	n.refuse("has no %s", what)
	return 0, nil
}

func (n *node) encodedDefault(to elem) float64 {
	s, i, f, t := n.text("default_string", "_Unused"), n.int("default_int64", -1), n.float("default_float", float32(math.Copysign(0, -1))), n.tensorAttr("default_tensor")
	switch {
	case t != nil:
		if t.elem != to || t.width() != 1 {
			n.refuse("its default is not one value of the type of its values")
		}
		return n.constants[t.reg][0]
	case to == elemString:
		return n.code(s)
	case to == elemInt64:
		return n.exact([]int64{i})[0]
	case to.whole():
		return 0
	}
	return f
}

// oldEncoding is LabelEncoder of version 1: texts to their places, or places to
// texts.
func (n *node) oldEncoding(name string, v *value) encoding {
	texts := n.codesOf(n.strings(name))
	places := make([]float64, len(texts))
	for i := range places {
		places[i] = float64(i)
	}
	s, i := n.text("default_string", "_Unused"), n.int("default_int64", -1)
	if v.elem == elemString {
		return encoding{elemString, elemInt64, texts, places, float64(i)}
	}
	return encoding{elemInt64, elemString, places, texts, n.code(s)}
}

func lowerCategoryMapper(n *node) []*value {
	v := n.tensorIn(0)
	texts, numbers := n.codesOf(n.strings("cats_strings")), n.exact(n.ints("cats_int64s"))
	s, i := n.text("default_string", "_Unused"), n.int("default_int64", -1)
	if v.elem == elemString {
		return one(n.encode(v, encoding{elemString, elemInt64, texts, numbers, float64(i)}))
	}
	return one(n.encode(v, encoding{elemInt64, elemString, numbers, texts, n.code(s)}))
}

// lowerDictVectorizer takes a map from outside, whose keys are features.
func lowerDictVectorizer(n *node) []*value {
	v := n.in[0]
	if v.keys == nil {
		n.refuse("is supported only for a map that is an input of the graph")
	}
	e, vocabulary := n.classLabels("string_vocabulary", "int64_vocabulary")
	var at []int
	for _, key := range n.labelTexts(e, vocabulary) {
		at = append(at, v.keys[key])
	}
	w := &value{elem: v.elem, dims: []int{1, len(at)}, batch: 0}
	w.reg = n.emit(ir.Step{Kind: ir.Select, In: []int32{0}, Ints: at}, n.typeOf(w), len(at))
	return one(w)
}

package onnx

import (
	"slices"
	"strconv"
	"strings"

	"example.com/copse/pkg/ir"
)

// column is a feature: one number of register 0.
type column struct {
	name string
	elem elem
	// optional says that an absent key of a map counts as 0.
	optional bool
	// known says that a text that is none of the categories is an error, and
	// rules what numbers may be.
	known bool
	rules string
}

// strict is a one-hot encoder that refuses what is none of its categories. A
// program cannot refuse a row, so the schema does.
type strict struct {
	path       string
	in, out    int32
	categories []float64
}

// refuseUnknown lets the schema refuse what encoders refuse.
func (l *lowering) refuseUnknown(live []bool) {
	for _, s := range l.strict {
		if !live[s.out] {
			continue
		}
		l.path = s.path
		for i := range l.registers[s.in].Width {
			at := l.origin(s.in, i)
			if at < 0 || l.columns[at].elem.float() {
				l.refuse("refuses unknown categories of what is no text and no whole number from outside (zeros=0): " +
					"train the encoder with handle_unknown='ignore'")
			}
			if l.columns[at].known = true; l.columns[at].elem != elemString {
				l.columns[at].rules = l.among(s.categories)
			}
		}
	}
}

// among is a rule of the schema for whole numbers.
func (l *lowering) among(list []float64) string {
	const longest = 1024 // of a schema's rules
	list = sortedOnce(list)
	texts := l.labelTexts(elemInt64, list)
	if first, last := list[0], list[len(list)-1]; last-first == float64(len(list)-1) {
		return "gte=" + texts[0] + ",lte=" + texts[len(texts)-1]
	}
	rule := "oneof=" + strings.Join(texts, " ")
	if len(rule) > longest {
		l.refuse("refuses unknown categories of a number that has too many (zeros=0): train the encoder with handle_unknown='ignore'")
	}
	return rule
}

// origin is the feature that a value is, or -1.
func (l *lowering) origin(reg int32, i int) int {
	for reg != 0 {
		if l.writer[reg] < 0 {
			return -1
		}
		switch s := &l.steps[l.writer[reg]]; {
		case s.Kind == ir.Select:
			reg, i = l.source(s, i)
		case s.Kind == ir.Convert:
			reg = s.In[0]
		default:
			return -1
		}
	}
	return i
}

// inputs makes a feature of each number of the graph's inputs, and the inputs'
// values.
func (l *lowering) inputs() {
	g := l.file.graph
	given := map[string]bool{}
	for i := range g.initializers {
		given[g.initializers[i].name] = true
	}
	var list []*infoProto
	for i := range g.inputs {
		if !given[g.inputs[i].name] { // files of IR version 3 list initializers among the inputs
			list = append(list, &g.inputs[i])
		}
	}
	if len(list) == 0 {
		l.path = "graph"
		l.refuse("the graph has no inputs")
	}
	single := true
	for _, in := range list {
		e := elem(in.elem)
		single = single && (e == elemFloat || e == elemString || e == elemBool)
	}
	row := ir.TypeFloat64
	if single {
		row = ir.TypeFloat32
	}
	l.register(row, 0, nil, -1)
	var values []*value
	var starts []int
	for _, in := range list {
		l.path = "graph: input " + quoted(in.name)
		starts = append(starts, len(l.columns))
		values = append(values, l.input(in, len(list) == 1))
	}
	l.registers[0].Width = len(l.columns)
	for i, in := range list {
		l.path = "graph: input " + quoted(in.name)
		if l.values[in.name] != nil {
			l.refuse("the name stands twice")
		}
		l.values[in.name] = values[i]
		if v := values[i]; v.keys == nil {
			at := make([]int, v.width())
			for k := range at {
				at[k] = starts[i] + k
			}
			v.reg = l.pick(&value{elem: v.elem, dims: []int{len(l.columns)}}, at)
		}
	}
}

// input adds the features of one input.
func (l *lowering) input(in *infoProto, only bool) *value {
	v := &value{elem: elem(in.elem), reg: -1}
	switch in.kind {
	case "":
	case "map":
		return l.mapInput(in, v)
	default:
		l.refuse("is a %s, which is not supported", in.kind)
	}
	l.typeOf(v)
	if !in.shaped || len(in.dims) == 0 {
		l.refuse("does not say its shape: convert the model with the number of its features")
	}
	if len(in.dims) > maxRank {
		l.refuse("has %d axes", len(in.dims))
	}
	v.dims = []int{1}
	for _, d := range in.dims[1:] {
		if d < 1 {
			l.refuse("leaves the number of features open: convert the model with it, such as FloatTensorType([None, 4])")
		}
		v.dims = append(v.dims, int(min(d, maxWidth)))
	}
	width := v.width()
	if width > ir.MaxFeatures || len(l.columns)+width > ir.MaxFeatures {
		l.refuse("has more than %d features", ir.MaxFeatures)
	}
	l.spend(width)
	for i := range width {
		name := in.name + "_" + strconv.Itoa(i)
		switch {
		case only:
			name = "f" + strconv.Itoa(i)
		case width == 1:
			name = in.name
		}
		l.columns = append(l.columns, column{name: name, elem: v.elem})
	}
	return v
}

// mapInput is a map whose keys are known from the DictVectorizer that takes it.
func (l *lowering) mapInput(in *infoProto, v *value) *value {
	if v.elem == elemString {
		l.refuse("is a map of texts, which is not supported")
	}
	l.typeOf(v)
	v.keys = map[string]int{}
	add := func(key string) {
		if _, ok := v.keys[key]; !ok {
			v.keys[key] = len(l.columns)
			l.columns = append(l.columns, column{name: key, elem: v.elem, optional: true})
		}
	}
	for i := range l.file.graph.nodes {
		n := &l.file.graph.nodes[i]
		if n.op != "DictVectorizer" || !slices.Contains(n.inputs, in.name) {
			continue
		}
		for k := range n.attributes {
			for _, key := range n.attributes[k].strings {
				add(key)
			}
			for _, key := range n.attributes[k].ints {
				add(strconv.FormatInt(key, 10))
			}
		}
	}
	if len(v.keys) == 0 || len(l.columns) > ir.MaxFeatures {
		l.refuse("is a map without a DictVectorizer that names its keys, which is not supported")
	}
	return v
}

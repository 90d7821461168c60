package onnx

import (
	"slices"
	"strings"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// result is an output of the graph.
type result struct {
	name  string
	value *value
}

// finish makes the model: the label and the values of the graph's outputs, the
// steps that they need, and the schema.
func (l *lowering) finish() (*ir.Model, schema.Document) {
	l.path = "graph"
	label, values, classes := l.sortResults()
	p := &ir.Program{Class: ir.NoRegister, Final: true}
	var labels []string
	if label != nil {
		p.Class, labels = l.class(label, classes)
	} else {
		labels = classes
	}
	p.Output = l.output(values, label)
	if label == nil && len(labels) != l.registers[p.Output].Width {
		labels = nil
	}
	l.fuse()
	live := l.live(p)
	l.refuseUnknown(live)
	categories := l.assignTexts(live)
	refused := l.refusesNaN(p, live)
	l.compact(p, live)
	m := &ir.Model{
		Library: Library,
		Version: strings.TrimSpace(l.file.producer + " " + l.file.version),
		Labels:  labels,
		Outputs: p.Registers[p.Output].Width,
		Program: p,
	}
	m.Objective = l.task
	if p.Registers[0].Type == ir.TypeFloat32 {
		m.Input = ir.Float32
	}
	if p.Registers[p.Output].Type == ir.TypeFloat32 {
		m.Sum = ir.Float32
	}
	doc := l.document(categories, refused)
	doc.Labels = labels
	for _, f := range doc.Features {
		m.FeatureNames = append(m.FeatureNames, f.Name)
	}
	return m, doc
}

// sortResults finds the label among the outputs; the others are values. classes
// are the names that a ZipMap gives them.
func (l *lowering) sortResults() (label *value, values []*value, classes []string) {
	var list []*value
	for _, r := range l.results {
		l.path = "graph: output " + quoted(r.name)
		parts := []*value{r.value}
		if r.value.parts != nil {
			parts = r.value.parts
		}
		for _, v := range parts {
			if v.sizes != nil || v.keys != nil || v.stacked {
				l.refuse("is not a tensor of numbers or texts")
			}
			if v.batch == noAxis {
				l.refuse("is the same for all rows, or does not say which row it is for")
			}
			list = append(list, v)
		}
	}
	for _, v := range list {
		isLabel := v.width() == 1 && v.domain != nil && !v.elem.float() && v.elem != elemBool
		switch {
		case isLabel && label == nil:
			label = v
			continue
		case v.elem == elemString:
			l.refuse("texts are supported only for one label a row")
		case v.classes != nil && classes == nil:
			classes = v.classes
		}
		values = append(values, v)
	}
	l.path = "graph"
	if len(values) == 0 && label == nil {
		l.refuse("the graph has no outputs")
	}
	return label, values, classes
}

// class is the register of the label's index, and the labels: in the order of
// classes, if these are the same.
func (l *lowering) class(label *value, classes []string) (int32, []string) {
	texts := l.labelTexts(label.elem, label.domain)
	labels := slices.Clone(classes)
	if !sameSet(texts, classes) {
		labels = nil
		for _, t := range texts {
			if !slices.Contains(labels, t) {
				labels = append(labels, t)
			}
		}
	}
	l.spend(len(texts) * len(labels) / 16)
	places := make([]float64, len(texts))
	same := true
	for i, t := range texts {
		places[i] = float64(slices.Index(labels, t))
		same = same && places[i] == float64(i)
	}
	for _, t := range labels {
		if t == "" {
			l.refuse("a label is an empty text")
		}
	}
	if same {
		return label.index, labels
	}
	index := &value{elem: elemInt64, dims: label.dims, batch: label.batch, reg: label.index}
	return l.table(elemInt64, places, 1, index).reg, labels
}

// sameSet says whether two lists have the same texts, each once.
func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b) && len(slices.Compact(a)) == len(b)
}

// output joins the values; a graph that only has a label answers with it, or
// with its index if it is a text.
func (l *lowering) output(values []*value, label *value) int32 {
	if len(values) == 0 {
		reg := label.reg
		if label.elem == elemString {
			reg = label.index
		}
		// The output is no text, and is float64 for the model's sum.
		return l.emit(ir.Step{Kind: ir.Select, In: []int32{reg}, Ints: []int{0}}, ir.TypeFloat64, 1)
	}
	t := ir.TypeFloat32
	var in []int32
	width := 0
	for _, v := range values {
		if v.elem != elemFloat {
			t = ir.TypeFloat64
		}
		in = append(in, v.reg)
		width += v.width()
	}
	if width < 1 || width > ir.MaxOutputs {
		l.refuse("the graph answers with %d numbers a row, want 1 to %d", width, ir.MaxOutputs)
	}
	at := make([]int, width)
	for i := range at {
		at[i] = i
	}
	return l.emit(ir.Step{Kind: ir.Select, In: in, Ints: at}, t, width)
}

// fuse makes the bias of a product of what is only added to it.
func (l *lowering) fuse() {
	uses := make([]int, len(l.registers))
	for i := range l.steps {
		for _, r := range l.steps[i].In {
			uses[r]++
		}
	}
	for _, r := range l.results {
		if r.value.reg >= 0 {
			uses[r.value.reg]++
		}
	}
	for i := range l.steps {
		s := &l.steps[i]
		if s.Kind != ir.Binary || s.Fn != ir.FnAdd {
			continue
		}
		for k, r := range s.In {
			bias := l.constants[s.In[1-k]]
			if bias == nil || l.writer[r] < 0 || uses[r] != 1 {
				continue
			}
			product := &l.steps[l.writer[r]]
			if product.Kind != ir.MatMul || product.Fn != ir.FnNone || l.registers[r].Type != l.registers[s.Out].Type ||
				l.registers[r].Width != l.registers[s.Out].Width {
				continue
			}
			m, columns := product.Ints[0], product.Ints[2]
			if m != 1 || len(bias) != columns || len(product.Data) != product.Ints[1]*columns {
				continue
			}
			out := s.Out
			*s = *product
			s.Out, s.Data = out, slices.Concat(product.Data, bias)
			break
		}
	}
}

// live marks the registers that the answer needs.
func (l *lowering) live(p *ir.Program) []bool {
	live := make([]bool, len(l.registers))
	live[0], live[p.Output] = true, true
	if p.Class != ir.NoRegister {
		live[p.Class] = true
	}
	for i := len(l.steps) - 1; i >= 0; i-- {
		if live[l.steps[i].Out] {
			for _, r := range l.steps[i].In {
				live[r] = true
			}
		}
	}
	return live
}

// compact writes the program: live registers and steps only.
func (l *lowering) compact(p *ir.Program, live []bool) {
	number := make([]int32, len(l.registers))
	for r := range l.registers {
		if r < len(live) && !live[r] {
			continue
		}
		number[r] = int32(len(p.Registers))
		p.Registers = append(p.Registers, l.registers[r])
		if data := l.constants[r]; data != nil {
			p.Constants = append(p.Constants, ir.Constant{Register: number[r], Values: data})
		}
	}
	for i := range l.steps {
		s := l.steps[i]
		if !live[s.Out] {
			continue
		}
		in := make([]int32, len(s.In))
		for k, r := range s.In {
			in[k] = number[r]
		}
		s.In, s.Out = in, number[s.Out]
		p.Steps = append(p.Steps, s)
	}
	p.Output = number[p.Output]
	if p.Class != ir.NoRegister {
		p.Class = number[p.Class]
	}
}

// refusesNaN says of each feature whether a NaN in it would come to the answer
// by arithmetic, past no step that knows what to do with it. A feature that the
// graph itself asks whether it is NaN is left to the graph.
func (l *lowering) refusesNaN(p *ir.Program, live []bool) []bool {
	refused := l.sources(live, []int32{p.Output, p.Class})
	var asked []int32
	for i := range l.steps {
		if s := &l.steps[i]; live[s.Out] && s.Kind == ir.Unary && s.Fn == ir.FnIsNaN {
			asked = append(asked, s.In[0])
		}
	}
	for i, ok := range l.sources(live, asked) {
		refused[i] = refused[i] && !ok
	}
	return refused
}

// sources marks the features from which a NaN comes to some registers.
func (l *lowering) sources(live []bool, to []int32) []bool {
	r := reach{l, make([][]bool, len(l.registers))}
	for _, reg := range to {
		if reg != ir.NoRegister {
			r.all(reg)
		}
	}
	for i := len(l.steps) - 1; i >= 0; i-- {
		if s := &l.steps[i]; live[s.Out] && slices.Contains(r.marked[s.Out], true) {
			r.back(s)
		}
	}
	return r.of(0)
}

// reach marks values of registers from which NaN comes to others.
type reach struct {
	*lowering
	marked [][]bool // nil: none yet
}

func (r *reach) of(reg int32) []bool {
	if r.marked[reg] == nil {
		r.marked[reg] = make([]bool, r.registers[reg].Width)
	}
	return r.marked[reg]
}

func (r *reach) all(reg int32) {
	list := r.of(reg)
	for i := range list {
		list[i] = true
	}
}

// back marks what a step reads for its marked results.
func (r *reach) back(s *ir.Step) {
	out := r.marked[s.Out]
	switch s.Kind {
	case ir.Trees, ir.Impute, ir.OneHot, ir.Map:
	case ir.Select:
		for k := range s.Ints {
			if out[k] {
				reg, at := r.source(s, k)
				r.of(reg)[at] = true
			}
		}
	case ir.Convert, ir.Unary, ir.Binary, ir.Scale, ir.Where:
		in := s.In
		switch {
		case s.Fn == ir.FnIsNaN:
			return
		case s.Kind == ir.Where:
			in = in[1:] // the condition is no NaN itself
		}
		for _, reg := range in {
			list := r.of(reg)
			for e := range list {
				list[e] = list[e] || len(list) == 1 || out[e]
			}
		}
	default:
		for _, reg := range s.In {
			r.all(reg)
		}
	}
}

// document is the schema of the features.
func (l *lowering) document(categories [][]string, refused []bool) schema.Document {
	var doc schema.Document
	const most = 65535
	if len(l.columns) > most {
		l.refuse("the graph has %d features, more than %d", len(l.columns), most)
	}
	for i, c := range l.columns {
		f := schema.Feature{Name: c.name, Type: schema.Number, Missing: schema.Refuse}
		switch {
		case c.elem == elemString:
			f.Type, f.Categories = schema.Category, categories[i]
			f.Missing, f.Unknown = schema.Allow, schema.UnknownMissing
			if len(f.Categories) == 0 {
				f.Categories = []string{"any"}
				f.Description = "the model does not look at it"
			}
			if c.known {
				f.Missing, f.Unknown = schema.Refuse, ""
			}
		case c.elem == elemBool:
			f.Type = schema.Boolean
		case c.elem.whole():
			f.Type, f.Rules = schema.Integer, c.rules
		case !refused[i]:
			f.Missing = schema.Allow
		}
		if c.optional {
			f.Missing, f.Default = schema.Fill, 0.0
		}
		doc.Features = append(doc.Features, f)
	}
	l.checkNames(&doc)
	return doc
}

// checkNames refuses what a schema cannot hold.
func (l *lowering) checkNames(doc *schema.Document) {
	const most, longest = 65536, 1024
	seen := map[string]bool{}
	for i := range doc.Features {
		f := &doc.Features[i]
		if f.Name == "" || len(f.Name) > 256 || seen[f.Name] {
			l.refuse("the name %s of an input is empty, longer than 256 bytes, or stands twice: rename the graph's inputs", quoted(f.Name))
		}
		seen[f.Name] = true
		if len(f.Categories) > most {
			l.refuse("the input %s has %d categories, more than %d", quoted(f.Name), len(f.Categories), most)
		}
		texts := map[string]bool{}
		for _, c := range f.Categories {
			clean := schema.NormalizeText(c)
			if len(c) > longest || texts[clean] {
				l.refuse("the category %s of %s is longer than %d bytes, or the same as another but for white space", quoted(c), quoted(f.Name), longest)
			}
			texts[clean] = true
		}
	}
	if len(doc.Labels) > ir.MaxOutputs {
		l.refuse("the graph has %d labels", len(doc.Labels))
	}
}

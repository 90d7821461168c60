package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// While the graph is lowered a text is a number of the whole graph. A row has
// codes instead: the place of a text among the categories of its feature. So at
// the end each feature gets the texts that it is compared with, in the order in
// which the graph names them, and the steps get their codes. A text that is
// none of them is NaN, which equals nothing.

// noFeature is the origin of a text that no feature holds: a constant, or one
// that a step gave.
const noFeature = -1

// texts is what assignTexts knows.
type texts struct {
	*lowering
	origin [][]int32 // of each register of texts: each value's feature
	parent []int32   // features that have the same categories, as a forest
	list   [][]float64
	code   []map[float64]float64 // a text's place in list
}

// assignTexts gives each feature its categories and rewrites the steps.
func (l *lowering) assignTexts(live []bool) [][]string {
	t := &texts{lowering: l, origin: make([][]int32, len(l.registers)), parent: make([]int32, len(l.columns)),
		list: make([][]float64, len(l.columns)), code: make([]map[float64]float64, len(l.columns))}
	for i := range t.parent {
		t.parent[i] = int32(i)
	}
	if !slices.ContainsFunc(l.columns, func(c column) bool { return c.elem == elemString }) {
		return make([][]string, len(l.columns))
	}
	for i := range l.steps {
		if s := &l.steps[i]; live[s.Out] {
			t.learn(s)
		}
	}
	for i := range l.steps {
		if s := &l.steps[i]; live[s.Out] {
			t.rewrite(s)
		}
	}
	categories := make([][]string, len(l.columns))
	for i := range categories {
		for _, c := range t.list[t.find(int32(i))] {
			categories[i] = append(categories[i], l.texts[int(c)])
		}
	}
	return categories
}

func (t *texts) find(f int32) int32 {
	for t.parent[f] != f {
		t.parent[f] = t.parent[t.parent[f]]
		f = t.parent[f]
	}
	return f
}

// join lets two features have the same categories.
func (t *texts) join(a, b int32) {
	a, b = t.find(a), t.find(b)
	if a == b {
		return
	}
	t.parent[b] = a
	for _, c := range t.list[b] {
		t.add(a, c)
	}
	t.list[b], t.code[b] = nil, nil
}

// add lets a feature have a text.
func (t *texts) add(feature int32, text float64) {
	f := t.find(feature)
	if t.code[f] == nil {
		t.code[f] = map[float64]float64{}
	}
	if _, ok := t.code[f][text]; !ok {
		t.code[f][text] = float64(len(t.list[f]))
		t.list[f] = append(t.list[f], text)
	}
}

func (t *texts) isText(reg int32) bool { return t.registers[reg].Type == ir.TypeText }

// from is the feature that holds value i of a register of texts.
func (t *texts) from(reg int32, i int) int32 {
	if t.registers[reg].Width == 1 {
		i = 0
	}
	if t.origin[reg] == nil {
		return noFeature
	}
	return t.origin[reg][i]
}

// learn follows a step: where its texts come from, and which it compares.
func (t *texts) learn(s *ir.Step) {
	switch {
	case s.Kind == ir.Select && t.isText(s.Out):
		t.origin[s.Out] = make([]int32, len(s.Ints))
		for k := range s.Ints {
			r, at := t.source(s, k)
			t.origin[s.Out][k] = t.from(r, at)
			if r == 0 {
				t.origin[s.Out][k] = int32(at)
			}
		}
	case !t.isText(s.In[len(s.In)-1]):
	case s.Kind == ir.Map:
		t.learnMap(s)
	case s.Kind == ir.OneHot:
		k := 0
		for i, count := range s.Ints {
			for _, text := range s.Data[k:][:count] {
				if f := t.from(s.In[0], i); f != noFeature {
					t.add(f, text)
				}
			}
			k += count
		}
	case s.Kind == ir.Binary:
		t.learnPair(s, s.In[0], s.In[1])
	case s.Kind == ir.Where:
		t.origin[s.Out] = t.learnPair(s, s.In[1], s.In[2])
	default:
		t.refuse("texts of the rows come to a step %s, which is not supported", s.Kind)
	}
}

func (t *texts) learnMap(s *ir.Step) {
	first := t.from(s.In[0], 0)
	for i := range t.registers[s.In[0]].Width {
		f := t.from(s.In[0], i)
		if (f == noFeature) != (first == noFeature) {
			t.refuse("texts of the rows and other texts are looked up together, which is not supported")
		}
		if f != noFeature {
			t.join(first, f)
		}
	}
	if first != noFeature {
		for _, text := range s.Data[:s.Ints[0]] {
			t.add(first, text)
		}
	}
}

// learnPair is a step that has two texts for each value; it returns where the
// result would come from.
func (t *texts) learnPair(s *ir.Step, a, b int32) []int32 {
	out := make([]int32, t.registers[s.Out].Width)
	for i := range out {
		f, g := t.from(a, i), t.from(b, i)
		switch {
		case f == noFeature && g == noFeature:
			out[i] = noFeature
		case f != noFeature && g != noFeature && s.Kind == ir.Binary:
			t.refuse("texts of two features are compared, and the graph does not name the texts they may have")
		case f != noFeature && g != noFeature:
			t.join(f, g)
			out[i] = f
		case f != noFeature:
			t.add(f, t.textOf(b, i))
			out[i] = f
		default:
			t.add(g, t.textOf(a, i))
			out[i] = g
		}
	}
	return out
}

// textOf is a constant text.
func (t *texts) textOf(reg int32, i int) float64 {
	data := t.constants[reg]
	if data == nil {
		t.refuse("texts of the rows and texts of other steps are compared, which is not supported")
	}
	if len(data) == 1 {
		i = 0
	}
	return data[i]
}

// rewrite puts codes in the place of texts.
func (t *texts) rewrite(s *ir.Step) {
	if s.Kind == ir.Select || !t.isText(s.In[len(s.In)-1]) {
		return
	}
	switch s.Kind {
	case ir.Map:
		if f := t.from(s.In[0], 0); f != noFeature {
			s.Data = slices.Clone(s.Data)
			for i := range s.Ints[0] {
				s.Data[i] = t.code[t.find(f)][s.Data[i]]
			}
		}
	case ir.OneHot:
		s.Data = slices.Clone(s.Data)
		k := 0
		for i, count := range s.Ints {
			f := t.from(s.In[0], i)
			for range count {
				if f != noFeature {
					s.Data[k] = t.code[t.find(f)][s.Data[k]]
				}
				k++
			}
		}
	case ir.Binary:
		s.In = []int32{t.coded(s, s.In[0], s.In[1]), t.coded(s, s.In[1], s.In[0])}
	case ir.Where:
		s.In = []int32{s.In[0], t.coded(s, s.In[1], s.In[2]), t.coded(s, s.In[2], s.In[1])}
	}
}

// coded is a constant operand with the codes of the other operand's features.
func (t *texts) coded(s *ir.Step, reg, other int32) int32 {
	if t.constants[reg] == nil || t.origin[other] == nil {
		return reg
	}
	data := make([]float64, t.registers[s.Out].Width)
	for i := range data {
		data[i] = t.textOf(reg, i)
		if f := t.from(other, i); f != noFeature {
			data[i] = t.code[t.find(f)][data[i]]
		}
	}
	t.spend(len(data))
	t.origin = append(t.origin, nil)
	return t.register(ir.TypeText, len(data), data, -1)
}

package onnx

import (
	"math"
	"slices"

	"example.com/copse/pkg/ir"
)

// Bounds of what is folded at load. maxWidth bounds one tensor; maxFactor and
// spare bound all work and memory together: numbers computed or copied are at
// most maxFactor times the file's bytes plus spare, whatever the file says.
const (
	maxWidth  = ir.MaxProgramData
	maxFactor = 16
	spare     = 1 << 20
	maxRank   = 8
)

// lowering turns a graph into a program.
type lowering struct {
	file   *modelProto
	path   string // of the node at hand
	opset  int64  // of the plain operators
	ops    map[opName]*operator
	values map[string]*value // of the graph at hand
	left   int               // numbers that may still be computed

	registers []ir.Register
	constants [][]float64 // of each register; nil if it depends on the row
	writer    []int32     // the step that writes it, or -1
	steps     []ir.Step

	texts []string // all texts of the graph; a text's number is its code
	codes map[string]float64

	columns []column
	results []result
	strict  []strict
	task    string // the last operator that is a model by itself
}

func newLowering(file *modelProto, size int) *lowering {
	l := &lowering{
		file:   file,
		opset:  file.opsets[""],
		ops:    map[opName]*operator{},
		values: map[string]*value{},
		codes:  map[string]float64{},
		left:   size*maxFactor + spare,
	}
	list := operators()
	for i := range list {
		l.ops[list[i].opName] = &list[i]
	}
	return l
}

// spend counts work, so that a small file cannot ask for much.
func (l *lowering) spend(n int) {
	if l.left -= n; l.left < 0 || n < 0 {
		l.refuse("the model asks for more numbers than its size allows: is it damaged?")
	}
}

// code is the number of a text.
func (l *lowering) code(text string) float64 {
	c, ok := l.codes[text]
	if !ok {
		c = float64(len(l.texts))
		l.texts = append(l.texts, text)
		l.codes[text] = c
	}
	return c
}

func (l *lowering) codesOf(texts []string) []float64 {
	list := make([]float64, len(texts))
	for i, t := range texts {
		list[i] = l.code(t)
	}
	return list
}

// typeOf is the type of register for the values of v.
func (l *lowering) typeOf(v *value) ir.Type {
	t, ok := v.elem.of()
	if !ok {
		l.refuse("tensors of %s are not supported: convert the model to float", v.elem.name())
	}
	return t
}

// register adds a register.
func (l *lowering) register(t ir.Type, width int, constant []float64, writer int32) int32 {
	l.registers = append(l.registers, ir.Register{Width: width, Type: t})
	l.constants = append(l.constants, constant)
	l.writer = append(l.writer, writer)
	return int32(len(l.registers) - 1)
}

// newConstant is a value that is the same for all rows.
func (l *lowering) newConstant(e elem, dims []int, data []float64) *value {
	v := &value{elem: e, dims: dims, batch: noAxis}
	if data == nil {
		data = []float64{}
	}
	l.spend(len(data))
	v.reg = l.register(l.typeOf(v), len(data), data, -1)
	return v
}

// scalar is one number.
func (l *lowering) scalar(e elem, x float64) *value { return l.newConstant(e, nil, []float64{x}) }

// emit adds a step and returns its register. A step whose inputs are all known
// is computed at once; a selection from selections is one selection.
func (l *lowering) emit(s ir.Step, t ir.Type, width int) int32 {
	if width > maxWidth {
		l.refuse("a tensor has more than %d numbers in a row", maxWidth)
	}
	l.spend(width + len(s.Ints))
	if s.Kind == ir.Select {
		l.through(&s, t)
		if len(s.In) == 1 && l.registers[s.In[0]].Type == t && isWhole(s.Ints, l.registers[s.In[0]].Width) {
			return s.In[0]
		}
	}
	known := true
	for _, r := range s.In {
		known = known && l.constants[r] != nil
	}
	if known || width == 0 {
		return l.register(t, width, l.fold(&s, t, width), -1)
	}
	s.Out = l.register(t, width, nil, int32(len(l.steps)))
	l.steps = append(l.steps, s)
	return s.Out
}

// fold computes a step whose inputs are known.
func (l *lowering) fold(s *ir.Step, t ir.Type, width int) []float64 {
	out := make([]float64, width)
	if width == 0 {
		return out
	}
	in := make([][]float64, len(s.In))
	for i, r := range s.In {
		in[i] = l.constants[r]
		l.spend(len(in[i]))
	}
	switch s.Kind {
	case ir.MatMul, ir.MatMulOf:
		l.spend(product(s.Ints))
	case ir.Map:
		l.spend(product([]int{len(in[0]), s.Ints[0]}))
	case ir.Distances:
		l.spend(len(s.Data))
	case ir.Trees, ir.SVM:
		l.refuse("a model is asked about constants only, which is not supported")
	}
	s.Eval(t, out, in)
	for i, x := range out {
		if x != x {
			out[i] = math.NaN() // always the same one
		}
	}
	return out
}

// through rewrites a selection so that it takes nothing from a selection, and
// only registers that it needs. t is the type of the result.
func (l *lowering) through(s *ir.Step, t ir.Type) {
	type place struct {
		reg int32
		at  int
	}
	from := make([]place, 0, len(s.Ints))
	var starts []int
	all := 0
	for _, r := range s.In {
		starts = append(starts, all)
		all += l.registers[r].Width
	}
	for _, at := range s.Ints {
		k, found := slices.BinarySearch(starts, at)
		if !found {
			k--
		} else {
			// Of empty registers the last has the place.
			for k+1 < len(starts) && starts[k+1] == at {
				k++
			}
		}
		from = append(from, place{s.In[k], at - starts[k]})
	}
	for i, p := range from {
		for l.writer[p.reg] >= 0 && l.steps[l.writer[p.reg]].Kind == ir.Select {
			step := &l.steps[l.writer[p.reg]]
			r, at := l.source(step, p.at)
			if was := l.registers[p.reg].Type; was != t && was != l.registers[r].Type {
				break // it rounds
			}
			p = place{r, at}
		}
		from[i] = p
	}
	start := map[int32]int{}
	var in []int32
	all = 0
	for i, p := range from {
		at, ok := start[p.reg]
		if !ok {
			at = all
			start[p.reg] = at
			in = append(in, p.reg)
			all += l.registers[p.reg].Width
		}
		s.Ints[i] = at + p.at
	}
	if len(in) > 0 {
		s.In = in
	}
}

// source is where a selection takes one of its values from.
func (l *lowering) source(s *ir.Step, i int) (reg int32, at int) {
	at = s.Ints[i]
	for _, reg = range s.In {
		if at < l.registers[reg].Width {
			break
		}
		at -= l.registers[reg].Width
	}
	return reg, at
}

// isWhole says whether places are all of a register in order.
func isWhole(at []int, width int) bool {
	if len(at) != width {
		return false
	}
	for i, p := range at {
		if p != i {
			return false
		}
	}
	return true
}

// unary, binary and the like are steps over values.

func (l *lowering) unary(f ir.Fn, v *value) *value {
	return l.elementwise(ir.Step{Kind: ir.Unary, Fn: f}, v.elem, []*value{v})
}

func (l *lowering) binary(f ir.Fn, a, b *value) *value {
	return l.elementwise(ir.Step{Kind: ir.Binary, Fn: f}, a.elem, []*value{a, b})
}

func (l *lowering) compare(f ir.Fn, a, b *value) *value {
	return l.elementwise(ir.Step{Kind: ir.Binary, Fn: f}, elemBool, []*value{a, b})
}

// convert is v as numbers of another type.
func (l *lowering) convert(v *value, e elem) *value {
	to := &value{elem: e}
	t, from := l.typeOf(to), l.typeOf(v)
	if t == ir.TypeText || from == ir.TypeText {
		if t != from {
			l.refuse("a text where numbers are expected")
		}
		return v
	}
	if from == t || from == ir.TypeBool || from == ir.TypeFloat32 && t == ir.TypeFloat64 ||
		from == ir.TypeInt64 && t == ir.TypeFloat64 {
		// The same numbers; registers of a narrower type read alike.
		w := *v
		w.elem = e
		return &w
	}
	return l.elementwise(ir.Step{Kind: ir.Convert}, e, []*value{v})
}

// elementwise adds a step over values of common sizes.
func (l *lowering) elementwise(s ir.Step, e elem, in []*value) *value {
	dims, batch := l.broadcast(in)
	width := product(dims)
	out := &value{elem: e, dims: dims, batch: batch}
	t := l.typeOf(out)
	full := false
	for _, v := range in {
		full = full || v.width() == width
	}
	s.In = make([]int32, len(in))
	for i, v := range in {
		if l.needSizes(v); v.width() == 1 && (full || i > 0) {
			s.In[i] = v.reg
			continue
		}
		s.In[i] = l.expand(v, dims)
	}
	out.reg = l.emit(s, t, width)
	l.domainOf(&s, t, out, in)
	if out.domain == nil && t == ir.TypeBool && l.constants[out.reg] == nil {
		out.domain, out.index = []float64{0, 1}, out.reg
	}
	return out
}

// needSizes refuses a value that depends on how many rows there are.
func (l *lowering) needSizes(v *value) {
	switch {
	case v.sizes != nil:
		l.refuse("computes with the number of rows, which is not supported here")
	case v.stacked:
		l.refuse("takes rows that were joined one below the other: only a reshape that parts them again is supported")
	case v.parts != nil, v.classes != nil, v.keys != nil:
		l.refuse("takes a tensor, not a sequence or a map")
	}
}

// domainOf tells which values out may have, if all in depend on one index.
func (l *lowering) domainOf(s *ir.Step, t ir.Type, out *value, in []*value) {
	const most = 1 << 16
	var source *value
	for _, v := range in {
		switch {
		case l.constants[v.reg] != nil && v.width() == 1:
		case v.domain == nil || source != nil && source.index != v.index || v.width() != out.width():
			return
		default:
			source = v
		}
	}
	if source == nil || len(source.domain) > most {
		return
	}
	one := *s
	args, result := make([][]float64, len(in)), make([]float64, 1)
	domain := make([]float64, len(source.domain))
	l.spend(len(domain) * len(in))
	for i := range domain {
		for k, v := range in {
			if v.domain != nil {
				args[k] = v.domain[i : i+1]
			} else {
				args[k] = l.constants[v.reg]
			}
		}
		one.Eval(t, result, args)
		domain[i] = result[0]
	}
	out.domain, out.index = domain, source.index
}

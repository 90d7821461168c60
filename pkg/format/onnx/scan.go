package onnx

import (
	"slices"

	"example.com/copse/pkg/ir"
)

// lowerScan is Scan where it computes distances between the rows and known
// points, which is how skl2onnx writes nearest neighbours and kernels: the
// state is the rows, which stay, the scanned input is the points, one a step.
//
//	next_out = next_in
//	scan_out = Σ f(next_in - next) over the features
//
// where f is a square, a magnitude, or a magnitude to some power.
func lowerScan(n *node) []*value {
	body := n.attr("body")
	n.ignore("num_scan_inputs", "scan_input_axes", "scan_output_axes", "scan_input_directions", "scan_output_directions")
	for _, name := range []string{"scan_input_axes", "scan_output_axes", "scan_input_directions", "scan_output_directions"} {
		if slices.ContainsFunc(n.ints(name), func(i int64) bool { return i != 0 }) {
			n.otherScan()
		}
	}
	if n.opset < 9 || body == nil || body.g == nil || len(n.in) != 2 || n.in[0] == nil || n.in[1] == nil {
		n.otherScan()
	}
	g := body.g
	if len(g.inputs) != 2 || len(g.outputs) != 2 {
		n.otherScan()
	}
	b := n.readBody(g)
	x, points := n.tensorIn(0), n.tensorIn(1)
	_, known := n.constant(points)
	if b == nil || !known || len(points.dims) != 2 || len(x.dims) != 2 || x.batch != 0 || x.dims[0] != 1 ||
		x.dims[1] != points.dims[1] || x.elem != points.elem {
		n.otherScan()
	}
	out := n.distances(x, points, b)
	return []*value{x, out}
}

func (n *node) otherScan() {
	n.refuse("is supported only for distances between rows and known points, as skl2onnx writes them")
}

// distances is points × rows.
func (n *node) distances(x, points *value, b *scanBody) *value {
	count := points.dims[0]
	out := &value{elem: x.elem, dims: []int{count, 1}, batch: 1}
	if b.power == 0 {
		step := ir.Step{Kind: ir.Distances, Fn: b.f, In: []int32{x.reg}, Ints: []int{count}, Data: n.constants[points.reg]}
		out.reg = n.emit(step, n.typeOf(out), count)
		return out
	}
	row := x.shaped([]int{x.dims[1]}, noAxis)
	d := n.unary(ir.FnAbs, n.binary(ir.FnSub, row, points))
	d = n.binary(ir.FnPow, d, n.scalar(d.elem, b.power))
	out.reg = n.reduce(ir.FnSum, d, []int{1}, false, d.elem).reg
	return out
}

// scanBody is what a body computes: f, or a sum of magnitudes to a power.
type scanBody struct {
	*node
	numbers map[string]*value // the body's own
	is      map[string]string // what each name of the body is, in a word
	f       ir.Fn
	power   float64
}

// readBody recognises the body, or gives nil.
func (n *node) readBody(g *graphProto) *scanBody {
	b := &scanBody{node: n, numbers: map[string]*value{},
		is: map[string]string{g.inputs[0].name: "rows", g.inputs[1].name: "point"}}
	for i := range g.initializers {
		b.numbers[g.initializers[i].name] = n.tensor(&g.initializers[i])
	}
	for i := range g.nodes {
		p := &g.nodes[i]
		if len(p.inputs) == 0 || len(p.outputs) == 0 {
			return nil
		}
		word := b.word(p)
		if word == "" {
			return nil
		}
		b.is[p.outputs[0]] = word
	}
	if b.is[g.outputs[0].name] != "rows" || b.is[g.outputs[1].name] != "distance" {
		return nil
	}
	return b
}

// number is a constant that a node of the body reads, or nil.
func (b *scanBody) number(p *nodeProto, i int) *value {
	if i >= len(p.inputs) {
		return nil
	}
	v := b.numbers[p.inputs[i]]
	if v == nil {
		v = b.values[p.inputs[i]]
	}
	if v == nil || v.reg < 0 || b.constants[v.reg] == nil {
		return nil
	}
	return v
}

// word is what a node of the body gives, or "" if that is not known.
func (b *scanBody) word(p *nodeProto) string {
	got := b.is[p.inputs[0]]
	switch p.op + " of " + got {
	case "Sub of rows":
		if len(p.inputs) == 2 && b.is[p.inputs[1]] == "point" {
			return "difference"
		}
	case "Abs of difference":
		return "magnitude"
	case "Pow of magnitude":
		if v := b.number(p, 1); v != nil && v.width() == 1 {
			b.power = b.constants[v.reg][0]
			return "power"
		}
	case "ReduceSum of magnitude", "ReduceSum of power":
		b.f = ir.FnManhattan
		return b.overFeatures(p)
	case "ReduceSumSquare of difference":
		b.f = ir.FnSqEuclidean
		return b.overFeatures(p)
	}
	if p.op == "Identity" {
		return got
	}
	return ""
}

// overFeatures is the word for a reduction over axis 1 of two that drops it.
func (b *scanBody) overFeatures(p *nodeProto) string {
	keep, axes := int64(1), []int64(nil)
	for _, a := range p.attributes {
		switch a.name {
		case "keepdims":
			keep = a.i
		case "axes":
			axes = a.ints
		default:
			return ""
		}
	}
	if len(p.inputs) > 1 {
		v := b.number(p, 1)
		if v == nil {
			return ""
		}
		axes = b.knownInts(v, "the axes")
	}
	if keep == 0 && len(axes) == 1 && (axes[0] == 1 || axes[0] == -1) {
		return "distance"
	}
	return ""
}

// lowerCDist is com.microsoft's: rows × points.
func lowerCDist(n *node) []*value {
	x, points := n.tensorIn(0), n.tensorIn(1)
	n.alike(x, points)
	f := ir.FnSqEuclidean
	switch metric := n.text("metric", "sqeuclidean"); metric {
	case "sqeuclidean":
	case "euclidean":
		f = ir.FnEuclidean
	default:
		n.refuse("its metric %s is not supported", quoted(metric))
	}
	data := n.known(points, "one of its sides")
	if len(points.dims) != 2 || n.rows2(x).dims[1] != points.dims[1] {
		n.refuse("compares rows of %v with points of %v", x.dims, points.dims)
	}
	out := &value{elem: x.elem, dims: []int{1, points.dims[0]}, batch: 0}
	step := ir.Step{Kind: ir.Distances, Fn: f, In: []int32{x.reg}, Ints: []int{points.dims[0]}, Data: data}
	out.reg = n.emit(step, n.typeOf(out), points.dims[0])
	return one(out)
}

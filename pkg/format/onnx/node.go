package onnx

import (
	"fmt"
	"slices"
	"strings"

	"example.com/copse/pkg/format/readerr"
)

// opName names an operator: its domain ("" is ONNX's own) and its type.
type opName struct{ domain, op string }

// operator is one that can be lowered. lower returns the values of all outputs
// that it has; those that the node does not name are dropped.
type operator struct {
	opName
	min, max int // inputs; max -1 is any number
	lower    func(n *node) []*value
}

// task says whether the operator is a model by itself.
func (o *operator) task() bool {
	return strings.HasPrefix(o.op, "TreeEnsemble") || strings.HasPrefix(o.op, "Linear") || strings.HasPrefix(o.op, "SVM")
}

// node is a node at hand. Inputs that it leaves out are nil.
type node struct {
	*lowering
	proto *nodeProto
	in    []*value
}

// graph lowers a graph: its constants, then those nodes that its outputs need,
// in order. The inputs are among l.values already.
func (l *lowering) graph(g *graphProto, path string) {
	if g.sparse {
		l.refuse("sparse tensors are not supported")
	}
	for i := range g.initializers {
		t := &g.initializers[i]
		l.path = path + ": initializer " + quoted(t.name)
		if l.values[t.name] != nil {
			l.refuse("the name stands twice")
		}
		l.values[t.name] = l.tensor(t)
	}
	needed := neededNodes(g)
	for i := range g.nodes {
		n := &g.nodes[i]
		l.path = nodePath(path, i) + " " + n.title()
		if needed[i] {
			l.node(n)
		}
	}
	for i := range g.outputs {
		o := &g.outputs[i]
		l.path = path + ": output " + quoted(o.name)
		v := l.values[o.name]
		if v == nil {
			l.refuse("no node computes it")
		}
		l.results = append(l.results, result{name: o.name, value: v})
	}
}

// neededNodes finds the nodes that outputs depend on.
func neededNodes(g *graphProto) []bool {
	names := map[string]bool{}
	for i := range g.outputs {
		names[g.outputs[i].name] = true
	}
	needed := make([]bool, len(g.nodes))
	for i := len(g.nodes) - 1; i >= 0; i-- {
		n := &g.nodes[i]
		needed[i] = slices.ContainsFunc(n.outputs, func(o string) bool { return names[o] })
		if needed[i] {
			for _, name := range n.inputs {
				names[name] = true
			}
		}
	}
	return needed
}

// title is how messages name a node.
func (n *nodeProto) title() string {
	op := n.op
	if n.domain != "" {
		op = n.domain + "." + op
	}
	if n.name == "" {
		return clip(op)
	}
	return clip(op) + " " + quoted(n.name)
}

func quoted(text string) string { return fmt.Sprintf("%q", clip(text)) }

// clip shortens a text from a file for a message.
func clip(text string) string {
	const most = 80
	return readerr.Clip(text, most)
}

func (l *lowering) node(p *nodeProto) {
	op := l.ops[opName{p.domain, p.op}]
	if op == nil {
		l.refuse("the operator is not supported: docs/onnx.md lists those that are; export the model without it, " +
			"or do this step before the rows are sent")
	}
	n := &node{lowering: l, proto: p}
	for _, name := range p.inputs {
		v := l.values[name]
		if v == nil && name != "" {
			l.refuse("its input %s is nowhere: nodes must stand in the order of computation", quoted(name))
		}
		n.in = append(n.in, v)
	}
	for len(n.in) > 0 && n.in[len(n.in)-1] == nil {
		n.in = n.in[:len(n.in)-1]
	}
	if len(n.in) < op.min || op.max >= 0 && len(n.in) > op.max || slices.Contains(n.in[:min(op.min, len(n.in))], nil) {
		l.refuse("has %d inputs, which do not fit", len(n.in))
	}
	l.spend(1 + len(n.in))
	out := op.lower(n)
	if op.task() {
		l.task = op.op
	}
	for i := range p.attributes {
		if a := &p.attributes[i]; !a.used {
			l.refuse("its attribute %s is not supported", quoted(a.name))
		}
	}
	for i, name := range p.outputs {
		if name == "" {
			continue
		}
		if i >= len(out) || out[i] == nil {
			l.refuse("its output %d is not supported", i)
		}
		if l.values[name] != nil {
			l.refuse("its output %s stands twice", quoted(name))
		}
		if len(out[i].dims) > maxRank {
			l.refuse("gives a tensor of more than %d axes", maxRank)
		}
		l.values[name] = out[i]
	}
}

// input is input i, or nil if the node has none.
func (n *node) input(i int) *value {
	if i < len(n.in) {
		return n.in[i]
	}
	return nil
}

// tensorIn is input i, which has to be a tensor with numbers of its own.
func (n *node) tensorIn(i int) *value {
	v := n.in[i]
	n.needSizes(v)
	return v
}

// attr finds an attribute and marks it as used; nil if the node has none.
func (n *node) attr(name string) *attrProto {
	for i := range n.proto.attributes {
		if a := &n.proto.attributes[i]; a.name == name {
			a.used = true
			if a.other {
				n.refuse("its attribute %s is of a kind that is not supported", name)
			}
			return a
		}
	}
	return nil
}

func (n *node) has(name string) bool { return n.attr(name) != nil }

// ignore accepts attributes that do not change the answer.
func (n *node) ignore(names ...string) {
	for _, name := range names {
		n.attr(name)
	}
}

func (n *node) int(name string, or int64) int64 {
	if a := n.attr(name); a != nil {
		return a.i
	}
	return or
}

func (n *node) float(name string, or float32) float64 {
	if a := n.attr(name); a != nil {
		return float64(a.f)
	}
	return float64(or)
}

func (n *node) text(name, or string) string {
	if a := n.attr(name); a != nil {
		return a.s
	}
	return or
}

func (n *node) ints(name string) []int64 {
	if a := n.attr(name); a != nil {
		return a.ints
	}
	return nil
}

func (n *node) floats(name string) []float64 {
	if a := n.attr(name); a != nil {
		n.spend(len(a.floats))
		return widen(a.floats)
	}
	return nil
}

func (n *node) strings(name string) []string {
	if a := n.attr(name); a != nil {
		return a.strings
	}
	return nil
}

// tensorAttr is an attribute that is a tensor, or nil.
func (n *node) tensorAttr(name string) *value {
	a := n.attr(name)
	if a == nil {
		return nil
	}
	if a.t == nil {
		n.refuse("its attribute %s is no tensor", name)
	}
	return n.tensor(a.t)
}

// one is the result of an operator with one output.
func one(v *value) []*value { return []*value{v} }

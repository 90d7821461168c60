package templatetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// template is one template: as written and as the transform leaves it.
type template struct {
	Source      node   `json:"source"`
	Transformed node   `json:"transformed"`
	Error       string `json:"error"`
}

// node is a mapping of a template.
type node map[string]any

// at walks down mappings by name; nil where there is nothing.
func (n node) at(path ...string) any {
	var here any = map[string]any(n)
	for _, name := range path {
		m, ok := here.(map[string]any)
		if !ok {
			return nil
		}
		here = m[name]
	}
	return here
}

func (n node) node(path ...string) node {
	m, _ := n.at(path...).(map[string]any)
	return m
}

func (n node) text(path ...string) string {
	s, _ := n.at(path...).(string)
	return s
}

// number returns a number, or -1 where there is none.
func (n node) number(path ...string) float64 {
	f, ok := n.at(path...).(float64)
	if !ok {
		return -1
	}
	return f
}

func (n node) list(path ...string) []any {
	l, _ := n.at(path...).([]any)
	return l
}

func (n node) names() []string { return slices.Sorted(maps.Keys(n)) }

// resources returns the properties of the transformed template's resources of
// a type, by logical id.
func (t template) resources(kind string) map[string]node {
	found := make(map[string]node)
	all := t.Transformed.node("Resources")
	for _, id := range all.names() {
		if all.text(id, "Type") == kind {
			found[id] = all.node(id, "Properties")
		}
	}
	return found
}

// target returns the logical id that a value refers to by Ref, GetAtt or, in
// any text within it, Sub; empty where it refers to none.
func target(value any) string {
	m, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	n := node(m)
	if id := n.text("Ref"); id != "" {
		return id
	}
	if get := n.list("Fn::GetAtt"); len(get) > 0 {
		return fmt.Sprint(get[0])
	}
	_, after, _ := strings.Cut(n.text("Fn::Sub"), "${")
	id, _, _ := strings.Cut(after, "}")
	return id
}

// literal writes a value with its substitutions of constants made, which is
// what SAM leaves of a canary's type.
func literal(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	m, _ := value.(map[string]any)
	sub := node(m).list("Fn::Sub")
	if len(sub) != 2 {
		return fmt.Sprint(value)
	}
	text := fmt.Sprint(sub[0])
	names, _ := sub[1].(map[string]any)
	for name, v := range names {
		text = strings.ReplaceAll(text, "${"+name+"}", fmt.Sprint(v))
	}
	return text
}

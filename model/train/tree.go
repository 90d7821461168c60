package main

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"
)

// grid materialises rows for golearn: the named columns, then the class as a
// number, which CART asks for. A row may stand in it several times.
//
// golearn's own SampleWithReplacement gives a view whose MapOverRows forgets
// which row is which, so that trees learn from scrambled classes; a grid that
// holds its own rows has no such mapping.
func (t *table) grid(rows []int, columns []string) (*base.DenseInstances, error) {
	class := base.NewFloatAttribute("class")
	g := base.NewDenseInstances()
	at := make([]int, len(columns))
	attrs := make([]base.Attribute, len(columns))
	for i, name := range columns {
		var err error
		if at[i], err = t.column(name); err != nil {
			return nil, err
		}
		attrs[i] = base.NewFloatAttribute(name)
		g.AddAttribute(attrs[i])
	}
	g.AddAttribute(class)
	if err := g.AddClassAttribute(class); err != nil {
		return nil, err
	}
	if err := g.Extend(len(rows)); err != nil {
		return nil, err
	}
	for i := range columns {
		// Specs are asked for by the attribute, which golearn finds by its
		// name: positions in a grid are golearn's own affair.
		spec, err := g.GetAttribute(attrs[i])
		if err != nil {
			return nil, err
		}
		for r, row := range rows {
			base.PackFloatToBytesInline(t.rows[row][at[i]], g.Get(spec, r))
		}
	}
	spec, err := g.GetAttribute(class)
	if err != nil {
		return nil, err
	}
	for r, row := range rows {
		base.PackFloatToBytesInline(float64(t.classes[row]), g.Get(spec, r))
	}
	return g, nil
}

// tree is one fitted CART tree: golearn's, and the names of the columns that
// its nodes count.
type tree struct {
	cart     *trees.CARTDecisionTreeClassifier
	features []string
}

// fitTree fits one tree to some rows and columns of the table.
func (t *table) fitTree(rows []int, columns []string, labels, depth int) (*tree, error) {
	g, err := t.grid(rows, columns)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, labels)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	out := &tree{cart: trees.NewDecisionTreeClassifier(trees.GINI, int64(depth), numbers), features: featureOrder(g)}
	if err := out.cart.Fit(g); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	return out, nil
}

// featureOrder names the columns in the order in which golearn hands them to
// a CART tree: by the very calls that the tree makes.
func featureOrder(g base.FixedDataGrid) []string {
	specs := base.ResolveAttributes(g, base.NonClassFloatAttributes(g))
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.GetAttribute().GetName()
	}
	return names
}

// predict returns the tree's class of each of some rows.
func (t *table) predict(m *tree, rows []int) ([]int64, error) {
	g, err := t.grid(rows, m.features)
	if err != nil {
		return nil, err
	}
	return m.cart.Predict(g), nil
}

// rootJSON is golearn's own JSON of the tree.
func (m *tree) rootJSON() ([]byte, error) { return json.Marshal(m.cart.RootNode) }

// count adds the tree's splits by feature, and returns its nodes and the most
// steps from its root to an answer.
func (m *tree) count(splits map[string]int) (nodes, steps int) {
	type visit struct {
		node  reflect.Value
		depth int
	}
	// The type of a node is not exported by golearn, its fields are.
	stack := []visit{{reflect.ValueOf(m.cart.RootNode), 1}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v.node.IsNil() {
			continue
		}
		nodes++
		steps = max(steps, v.depth)
		node := v.node.Elem()
		splits[m.features[node.FieldByName("Feature").Int()]]++
		for _, side := range []string{"Left", "Right"} {
			stack = append(stack, visit{node.FieldByName(side), v.depth + 1})
		}
	}
	return nodes, steps
}

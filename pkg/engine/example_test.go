package engine_test

import (
	"fmt"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
)

func Example() {
	model := &ir.Model{
		FeatureNames: []string{"petal_length"},
		Outputs:      2, LeafWidth: 2, Base: []float64{0, 0},
		Trees: []ir.Tree{{
			Nodes: []ir.Node{
				{Feature: 0, Left: 1, Right: 2, Threshold: 2.45, Op: ir.LE},
				{Feature: ir.Leaf, Value: 0},
				{Feature: ir.Leaf, Value: 2},
			},
			Values: []float64{1, 0, 0, 1},
		}},
	}
	arrays, err := engine.Compile(model)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := engine.New(*arrays)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := []float64{1.4, 4.7, 2.45}
	values := make([]float64, 3*2)
	var scratch engine.Scratch
	e.Score(rows, 3, values, &scratch)
	fmt.Println(values)
	// Output: [1 0 0 1 1 0]
}

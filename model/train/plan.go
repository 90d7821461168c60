package main

import (
	"fmt"
	"math/rand/v2"
)

// plan is everything about the training that somebody decided.
type plan struct {
	Seed    uint64
	Repeats int // of the cross-validation
	Folds   int // of each repeat
	// Shapes to choose from: every combination. A forest of fewer trees is the
	// beginning of one of more, so that sizes cost nothing to compare.
	Trees, Columns, Depths []int
}

// defaultPlan is what the shipped model was made with. The forests are small
// on purpose: answers in a fifth of a microsecond, and iris asks for no more.
// Odd numbers of trees leave fewer votes tied.
func defaultPlan() plan {
	return plan{
		Seed: 1936, Repeats: 5, Folds: 5,
		Trees: []int{31, 61}, Columns: []int{2, 4}, Depths: []int{3, 5},
	}
}

func (p *plan) check(columns int) error {
	if p.Repeats < 2 || p.Folds < 2 || len(p.Trees) == 0 || len(p.Columns) == 0 || len(p.Depths) == 0 {
		return fmt.Errorf("the plan needs at least 2 repeats, 2 folds and one shape")
	}
	for _, c := range p.Columns {
		if c < 1 || c > columns {
			return fmt.Errorf("the plan draws %d columns of %d", c, columns)
		}
	}
	return nil
}

// rng gives the generator for one purpose: purposes do not share random
// numbers, so that adding one leaves the others as they are.
func (p *plan) rng(purpose ...int) *rand.Rand {
	stream := uint64(14695981039346656037) // FNV-1a over the purpose's numbers
	for _, n := range purpose {
		stream = (stream ^ uint64(n)) * 1099511628211
	}
	return rand.New(rand.NewPCG(p.Seed, stream))
}

// Purposes of random numbers: the first number given to rng.
const (
	forChoosing = iota // the shape of the shipped model
	forAssessing
	forFitting // the shipped model
)

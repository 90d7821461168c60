package main

import (
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// shape is what is chosen about a forest.
type shape struct {
	Trees   int
	Columns int // of each tree, drawn without replacement
	Depth   int // of each tree at most
}

// draw is what chance decides for one tree: the rows, drawn with replacement,
// and the columns.
type draw struct {
	rows    []int
	columns []string
}

// draws gives the draws of n trees. A forest of fewer trees has the first of
// them.
func (t *table) draws(rng *rand.Rand, rows []int, s shape) []draw {
	all := make([]draw, s.Trees)
	for i := range all {
		d := &all[i]
		for range rows {
			d.rows = append(d.rows, rows[rng.IntN(len(rows))])
		}
		order := rng.Perm(len(t.names))[:s.Columns]
		for c, name := range t.names {
			for _, o := range order {
				if o == c {
					d.columns = append(d.columns, name)
				}
			}
		}
	}
	return all
}

// fitForest fits a forest to some rows. Trees are fitted side by side; each
// has its draw before that begins, so that the order does not matter.
func (t *table) fitForest(rng *rand.Rand, rows []int, labels int, s shape) ([]*tree, error) {
	all := t.draws(rng, rows, s)
	forest := make([]*tree, len(all))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range all {
		g.Go(func() (err error) {
			forest[i], err = t.fitTree(d.rows, d.columns, labels, s.Depth)
			return err
		})
	}
	return forest, g.Wait()
}

// votes counts, for each row, the trees that say each label: votes[n] holds
// the counts of the first n+1 trees, rows × labels.
func (t *table) votes(forest []*tree, rows []int, labels int) ([][]int, error) {
	counts := make([][]int, len(forest))
	sum := make([]int, len(rows)*labels)
	for i, m := range forest {
		classes, err := t.predict(m, rows)
		if err != nil {
			return nil, err
		}
		for r, c := range classes {
			sum[r*labels+int(c)]++
		}
		counts[i] = append([]int(nil), sum...)
	}
	return counts, nil
}

// winner is the label with the most votes, the first of equals.
func winner(votes []int) int {
	best := 0
	for i, v := range votes {
		if v > votes[best] {
			best = i
		}
	}
	return best
}

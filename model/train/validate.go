package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// folds deals rows into k parts in which each class has its share.
func (t *table) folds(rng *rand.Rand, rows []int, labels, k int) [][]int {
	parts := make([][]int, k)
	next := 0
	for class := range labels {
		var of []int
		for _, r := range rows {
			if t.classes[r] == class {
				of = append(of, r)
			}
		}
		rng.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		for _, r := range of {
			parts[next%k] = append(parts[next%k], r)
			next++
		}
	}
	return parts
}

// without returns the rows of all parts but one.
func without(parts [][]int, held int) []int {
	var rows []int
	for i, p := range parts {
		if i != held {
			rows = append(rows, p...)
		}
	}
	return rows
}

// trainer holds what the training has in common.
type trainer struct {
	table  *table
	labels int
	plan   plan
}

// result is what a training gives.
type result struct {
	chosen   shape
	scores   []score // of all shapes, on the whole table
	assessed assessment
	forest   []*tree
}

// train chooses a shape, assesses the way in which it was chosen, and fits
// the forest to all rows.
func (tr *trainer) train() (*result, error) {
	if err := tr.plan.check(len(tr.table.names)); err != nil {
		return nil, err
	}
	all := make([]int, len(tr.table.rows))
	for i := range all {
		all[i] = i
	}
	r := &result{}
	var err error
	if r.scores, err = tr.compare(all, tr.plan.Repeats, forChoosing); err != nil {
		return nil, err
	}
	r.chosen = choose(r.scores)
	if r.assessed, err = tr.assess(all); err != nil {
		return nil, err
	}
	r.forest, err = tr.table.fitForest(tr.plan.rng(forFitting), all, tr.labels, r.chosen)
	return r, err
}

// score is how well a shape did on held-out rows.
type score struct {
	Shape   shape
	Mean    float64 // accuracy, over all folds
	Error   float64 // standard error of the mean
	perFold []float64
}

// compare cross-validates every shape on some rows. purpose tells apart the
// random numbers of different calls.
func (tr *trainer) compare(rows []int, repeats int, purpose ...int) ([]score, error) {
	var scores []score
	for _, columns := range tr.plan.Columns {
		for _, depth := range tr.plan.Depths {
			for _, n := range tr.plan.Trees {
				scores = append(scores, score{Shape: shape{Trees: n, Columns: columns, Depth: depth}})
			}
		}
	}
	for repeat := range repeats {
		parts := tr.table.folds(tr.plan.rng(append(purpose, repeat)...), rows, tr.labels, tr.plan.Folds)
		for held := range parts {
			if err := tr.compareFold(scores, parts, held, append(purpose, repeat, held)...); err != nil {
				return nil, err
			}
		}
	}
	for i := range scores {
		scores[i].Mean, scores[i].Error = meanError(scores[i].perFold)
	}
	return scores, nil
}

// compareFold adds one fold's accuracy to every shape's score.
func (tr *trainer) compareFold(scores []score, parts [][]int, held int, purpose ...int) error {
	sizes := len(tr.plan.Trees)
	for first := 0; first < len(scores); first += sizes {
		s := scores[first].Shape
		s.Trees = slices.Max(tr.plan.Trees)
		forest, err := tr.table.fitForest(tr.plan.rng(append(purpose, first)...), without(parts, held), tr.labels, s)
		if err != nil {
			return err
		}
		votes, err := tr.table.votes(forest, parts[held], tr.labels)
		if err != nil {
			return err
		}
		for i := first; i < first+sizes; i++ {
			right := tr.right(votes[scores[i].Shape.Trees-1], parts[held])
			scores[i].perFold = append(scores[i].perFold, float64(right)/float64(len(parts[held])))
		}
	}
	return nil
}

// right counts the rows whose winner is their class.
func (tr *trainer) right(votes []int, rows []int) int {
	n := 0
	for i, r := range rows {
		if winner(votes[i*tr.labels:(i+1)*tr.labels]) == tr.table.classes[r] {
			n++
		}
	}
	return n
}

// choose takes the cheapest shape to score (trees × depth) whose accuracy is
// within one standard error of the best: what is better by less than that is
// better by chance. Of equally cheap ones it takes the most accurate.
func choose(scores []score) shape {
	best := slices.MaxFunc(scores, func(a, b score) int { return cmp.Compare(a.Mean, b.Mean) })
	chosen := best
	cost := func(s score) int { return s.Shape.Trees * s.Shape.Depth }
	for _, s := range scores {
		if s.Mean < best.Mean-best.Error {
			continue
		}
		if c := cmp.Compare(cost(s), cost(chosen)); c < 0 || c == 0 && s.Mean > chosen.Mean {
			chosen = s
		}
	}
	return chosen.Shape
}

// assessment is how well the whole procedure, choice of the shape included,
// does on rows that it never saw.
type assessment struct {
	accuracy  []float64 // of each repeat: the share of all rows
	folds     []float64 // of each fold
	confusion [][]int   // true class × answer, over all repeats
	ties      int       // rows whose vote had no single winner
}

// assess is nested cross-validation: for every fold, the shape is chosen by a
// cross-validation of the other folds' rows alone.
func (tr *trainer) assess(rows []int) (assessment, error) {
	a := assessment{confusion: make([][]int, tr.labels)}
	for i := range a.confusion {
		a.confusion[i] = make([]int, tr.labels)
	}
	for repeat := range tr.plan.Repeats {
		parts := tr.table.folds(tr.plan.rng(forAssessing, repeat), rows, tr.labels, tr.plan.Folds)
		right := 0
		for held := range parts {
			n, err := tr.assessFold(&a, parts, held, repeat)
			if err != nil {
				return a, err
			}
			right += n
			a.folds = append(a.folds, float64(n)/float64(len(parts[held])))
		}
		a.accuracy = append(a.accuracy, float64(right)/float64(len(rows)))
	}
	return a, nil
}

func (tr *trainer) assessFold(a *assessment, parts [][]int, held, repeat int) (right int, err error) {
	known := without(parts, held)
	scores, err := tr.compare(known, 1, forAssessing, repeat, held)
	if err != nil {
		return 0, err
	}
	rng := tr.plan.rng(forAssessing, repeat, held, forFitting)
	forest, err := tr.table.fitForest(rng, known, tr.labels, choose(scores))
	if err != nil {
		return 0, err
	}
	counts, err := tr.table.votes(forest, parts[held], tr.labels)
	if err != nil {
		return 0, err
	}
	votes := counts[len(counts)-1]
	for i, r := range parts[held] {
		of := votes[i*tr.labels : (i+1)*tr.labels]
		a.confusion[tr.table.classes[r]][winner(of)]++
		if tied(of) {
			a.ties++
		}
	}
	return tr.right(votes, parts[held]), nil
}

// tied says whether the most votes went to several labels.
func tied(votes []int) bool {
	n := 0
	for _, v := range votes {
		if v == slices.Max(votes) {
			n++
		}
	}
	return n > 1
}

// meanError is the mean and its standard error.
func meanError(x []float64) (mean, se float64) {
	mean, sd := meanSpread(x)
	return mean, sd / math.Sqrt(float64(len(x)))
}

// meanSpread is the mean and the standard deviation. The conversions keep Go
// from fusing steps, so that every processor gives the same bits.
func meanSpread(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	if len(x) < 2 {
		return mean, 0
	}
	sum := 0.0
	for _, v := range x {
		sum += float64((v - mean) * (v - mean))
	}
	return mean, math.Sqrt(sum / float64(len(x)-1))
}

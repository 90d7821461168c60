package main

import (
	"math/rand/v2"
	"strconv"
)

// rows makes bodies of JSON. Numbers have four digits after the point, so that
// every row of a run is another one and no side answers from memory.
type rows struct {
	names  []string
	rng    *rand.Rand
	value  func(*rand.Rand) float64
	buffer []byte
}

var irisNames = []string{"sepal_length", "sepal_width", "petal_length", "petal_width"}

// irisRows are flowers that the rules of both sides let pass.
func irisRows(seed uint64) *rows {
	return &rows{names: irisNames, rng: rand.New(rand.NewPCG(seed, 4)),
		value: func(r *rand.Rand) float64 { return 0.2 + 6*r.Float64() }}
}

// wideRows have 30 features f0 to f29, normally distributed.
func wideRows(seed uint64) *rows {
	return &rows{names: wideNames(), rng: rand.New(rand.NewPCG(seed, 30)), value: (*rand.Rand).NormFloat64}
}

func wideNames() []string {
	names := make([]string, 30)
	for i := range names {
		names[i] = "f" + strconv.Itoa(i)
	}
	return names
}

func (r *rows) append(b []byte) []byte {
	for i, name := range r.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendFloat(b, r.value(r.rng), 'f', 4, 64)
	}
	return append(b, '}')
}

// one returns a body of one row; it is good until the next call.
func (r *rows) one() []byte {
	r.buffer = r.append(append(r.buffer[:0], '{'))
	return r.buffer
}

// Rows of a batch, and how many of them differ: the others are copies, spread
// over the batch.
const (
	batchRows     = 1000
	batchDistinct = 600
)

// batch returns a body of a whole batch; it is good until the next call.
func (r *rows) batch() []byte {
	b := append(r.buffer[:0], '[')
	starts := make([]int, 0, batchRows+1)
	for i := range batchRows {
		if i > 0 {
			b = append(b, ',')
		}
		starts = append(starts, len(b))
		// In every five rows the fourth and the fifth repeat earlier ones.
		if i%5 >= batchDistinct*5/batchRows {
			copied := r.rng.IntN(i)
			b = append(b, b[starts[copied]:starts[copied+1]-1]...)
			continue
		}
		b = r.append(append(b, '{'))
	}
	r.buffer = append(b, ']')
	return r.buffer
}

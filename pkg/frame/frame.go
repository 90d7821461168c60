// Package frame is the one flat buffer in which rows travel from the decoder
// to the scorer.
//
// A Frame is owned by one request at a time and pooled with it. A missing
// value is NaN. Values are float64 whatever the model's own precision, so that
// rules are judged on what the caller sent; the clean stage rounds them to
// what the model asks for.
package frame

import "example.com/copse/pkg/fault"

// Frame holds Rows rows of Cols values, row-major.
type Frame struct {
	Cols   int
	Rows   int
	Values []float64 // Rows×Cols
	// Bad marks the rows that must not be scored.
	Bad []bool
	// Faults says why, in the order they were found; Row is the index here.
	// Every bad row has one at least; of all the others MaxFaults are kept.
	Faults []fault.Error
	// Dropped counts the faults that were found and not kept.
	Dropped int
}

// MaxFaults bounds what a batch of bad rows makes us remember: beyond it each
// row keeps only the first fault that is found.
const MaxFaults = 1 << 16

// Reset empties the frame for rows of cols values and keeps its memory.
func (f *Frame) Reset(cols int) {
	f.Cols, f.Rows = cols, 0
	f.Values = f.Values[:0]
	f.Bad = f.Bad[:0]
	clear(f.Faults)
	f.Faults = f.Faults[:0]
	f.Dropped = 0
}

// Append adds one row and returns its values for the caller to fill. The
// values are not cleared: whoever appends writes all of them.
func (f *Frame) Append() []float64 {
	n := len(f.Values)
	need := n + f.Cols
	if need > cap(f.Values) {
		grown := make([]float64, n, max(2*cap(f.Values), need, 64))
		copy(grown, f.Values)
		f.Values = grown
	}
	f.Values = f.Values[:need]
	f.Bad = append(f.Bad, false)
	f.Rows++
	return f.Values[n:need:need]
}

// Row returns row i.
func (f *Frame) Row(i int) []float64 {
	return f.Values[i*f.Cols : (i+1)*f.Cols : (i+1)*f.Cols]
}

// Fail marks row e.Row as bad and keeps why, see MaxFaults.
func (f *Frame) Fail(e fault.Error) {
	if len(f.Faults) >= MaxFaults && f.Bad[e.Row] {
		f.Dropped++
		return
	}
	f.Bad[e.Row] = true
	f.Faults = append(f.Faults, e)
}

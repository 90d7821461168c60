package frame

// Bad is the Index of a row that has faults instead of an answer.
const Bad = -1

// Answers are the distinct results of a frame, and which row has which.
// Scattering is the index: nothing is copied per row.
type Answers struct {
	Outputs int
	// Values holds the distinct results, Outputs each.
	Values []float64
	// Index has, for each row, the number of its result, or Bad.
	Index []int32
	Stats Stats
}

// Stats counts what happened to the rows of one request.
type Stats struct {
	Rows   int // all
	Valid  int // without faults
	Unique int // distinct among the valid
	Cached int // answered from memory
	Scored int // scored by the model
}

// Value returns result i.
func (a *Answers) Value(i int32) []float64 {
	n := int(i) * a.Outputs
	return a.Values[n : n+a.Outputs : n+a.Outputs]
}

// Distinct is the number of results.
func (a *Answers) Distinct() int {
	if a.Outputs == 0 {
		return 0
	}
	return len(a.Values) / a.Outputs
}

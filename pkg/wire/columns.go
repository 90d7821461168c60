package wire

import "strconv"

// Columns names the columns of answers of a kind, of so many numbers, as CSV's
// header does, but for the last, the error's. labelled says that the first is
// a text and all others numbers.
func (w *Formatter) Columns(k Kind, width int) (names []string, labelled bool) {
	switch {
	case k == Prediction && len(w.labels) > 0:
		names = append(names, "prediction")
		for i := range w.keys {
			names = append(names, "probability_"+w.labels[i])
		}
		return names, true
	case k == Prediction && w.outputs == 1:
		return append(names, "prediction"), false
	}
	for i := range w.columns(k, width) {
		names = append(names, k.String()+"_"+strconv.Itoa(i))
	}
	return names, false
}

// AppendNumbers appends the numbers of an answer of a kind, one a column of
// Columns; a label that comes before them is told by Prediction.
func (w *Formatter) AppendNumbers(dst []float64, k Kind, values []float64) []float64 {
	if k != Prediction || len(w.labels) == 0 {
		var few [8]float64
		return append(dst, w.numbers(few[:0], k, values)...)
	}
	for i := range w.keys {
		dst = append(dst, w.probability(values, i))
	}
	return dst
}

// Single says whether numbers are those of float32.
func (w *Formatter) Single() bool { return w.single }

package predict

import (
	"context"
	"fmt"

	"example.com/copse/pkg/fault"
)

// Answer predicts one row that is already in memory: values in the order of
// the schema's features, NaN for a missing one, a category as its code. It
// returns the model's values, one an output, and the predicted label ("" for a
// regressor). Its error is an *Error that names the first bad feature.
func (m *Model) Answer(ctx context.Context, row ...float64) (values []float64, label string, err error) {
	r := Get()
	defer r.Release()
	r.Frame.Reset(m.schema.NumFeatures())
	cells := r.Frame.Append()
	if len(row) != len(cells) {
		return nil, "", &Error{Code: fault.WrongLength, Message: fmt.Sprintf("the row has %d values, the schema %d features", len(row), len(cells))}
	}
	copy(cells, row)
	if err := m.Predict(ctx, r); err != nil {
		return nil, "", err
	}
	if len(r.Frame.Faults) > 0 {
		first := r.Frame.Faults[0]
		return nil, "", &first
	}
	values = append(values, r.Answers.Value(r.Answers.Index[0])...)
	_, label = m.formatter.Prediction(values)
	return values, label, nil
}

package local

import (
	"errors"
	"fmt"
	"io"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// maxHeldValues bounds the files that verify and bench hold in memory, in values.
const maxHeldValues = 64 << 20

// heldRows reads a whole file of rows, validated and cleaned as for scoring.
// Here a bad row is an error: there would be nothing to compare or measure.
func heldRows(path string, m *predict.Model, stdin io.Reader) ([]float64, error) {
	in, err := openInput(path, "", stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader := wire.NewReader(in, in.media, m.Schema(), wire.Options{})
	var all []float64
	var f frame.Frame
	for {
		at := reader.Rows()
		err := reader.Next(&f, blockRows)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m.Schema().Validate(&f)
		m.Schema().Clean(&f, single(m))
		if len(f.Faults) > 0 {
			e := f.Faults[0]
			return nil, fmt.Errorf("%s: row %d: %s", path, at+e.Row, e.Message)
		}
		if all = append(all, f.Values...); len(all) > maxHeldValues {
			return nil, fmt.Errorf("%s: has more than %d values: take fewer rows", path, maxHeldValues)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: has no rows", path)
	}
	return all, nil
}

// single says whether a model's features are float32.
func single(m *predict.Model) bool { return m.Engine().Arrays().Compare == ir.Float32 }

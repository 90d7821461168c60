package local

import (
	"errors"
	"fmt"
	"io"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// maxHeldValues bounds the files that verify and bench hold in memory, in values.
const maxHeldValues = 64 << 20

// heldRows reads a whole file of rows, validated and cleaned as for scoring.
// Here a bad row is an error: there would be nothing to compare or measure.
func heldRows(path string, m *predict.Model, o wire.Options, stdin io.Reader) ([]float64, error) {
	in, err := openInput(path, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	next, err := rowsOf(in, m.Schema(), o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, plain(err))
	}
	var all []float64
	var f frame.Frame
	for at := 0; ; at += f.Rows {
		err := next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, plain(err))
		}
		m.Schema().Validate(&f)
		m.Schema().Clean(&f, m.Single())
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

// rowsOf gives a file's rows, block by block, into a frame.
func rowsOf(in *input, s *schema.Schema, o wire.Options) (func(*frame.Frame) error, error) {
	if in.Table == nil {
		reader := wire.NewReader(in, in.Media, s, o)
		return func(f *frame.Frame) error { return reader.Next(f, bulk.BlockRows) }, nil
	}
	rows, err := in.Table.Match(s, o.IgnoreExtra)
	if err != nil {
		return nil, err
	}
	return func(f *frame.Frame) error {
		part, err := rows.Next(bulk.BlockRows)
		if err == nil {
			part.Take(f)
		}
		return err
	}, nil
}

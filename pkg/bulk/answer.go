package bulk

import (
	"context"
	"fmt"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// answer scores a block and has the output format it. It is not interrupted:
// a block takes milliseconds.
func (s *Scorer) answer(b *block) error {
	f, m := &b.request.Frame, s.o.Model
	if !Raw(m, s.o.Kind) {
		if err := m.Predict(context.Background(), b.request); err != nil {
			return err
		}
	} else {
		s.scoreRaw(b)
	}
	wire.SortFaults(f, m.Schema())
	b.bad, b.extra, b.why = 0, false, ""
	if len(f.Faults) > 0 {
		b.why = fmt.Sprintf("row %d: %s", b.first+f.Faults[0].Row, f.Faults[0].Message)
	}
	for _, bad := range f.Bad {
		if bad {
			b.bad++
		}
	}
	for i := range f.Faults {
		b.extra = b.extra || f.Faults[i].Code == fault.UnknownField
	}
	return s.out.format(b)
}

// Raw says whether an answer is told before the last step: leaves, margins, and
// the values of a model whose library returns margins.
func Raw(m *predict.Model, kind wire.Kind) bool {
	return kind == wire.Leaf || kind == wire.Margin ||
		kind == wire.Values && m.Engine().Arrays().Finish.Returns.OfMargins()
}

// scoreRaw scores margins or leaves, one answer a row.
func (s *Scorer) scoreRaw(b *block) {
	f, a := &b.request.Frame, &b.request.Answers
	m := s.o.Model
	m.Schema().Validate(f)
	m.Schema().Clean(f, m.Single())
	e := m.Engine()
	a.Outputs = width(m, s.o.Kind)
	n := f.Rows * a.Outputs
	a.Values = resize(a.Values, n)
	a.Index = resize(a.Index, f.Rows)
	for r := range f.Rows {
		if a.Index[r] = int32(r); f.Bad[r] {
			a.Index[r] = frame.Bad
		}
	}
	if s.o.Kind != wire.Leaf {
		e.Margin(f.Values, f.Rows, a.Values, &b.scratch)
		return
	}
	b.leaves = resize(b.leaves, n)
	e.Leaf(f.Values, f.Rows, b.leaves, &b.scratch)
	for i, leaf := range b.leaves {
		a.Values[i] = float64(leaf)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

package bulk

import (
	"io"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// tableOutput writes Parquet: the row's number, the columns of CSV, and a row's
// error as CSV has it. Where a row has none, or has one in place of an answer,
// there is null.
type tableOutput struct {
	model    *predict.Model
	kind     wire.Kind
	out      *parquetfile.Writer
	labelled bool
	numbers  int // columns of numbers
}

func newTableOutput(m *predict.Model, kind wire.Kind, out io.Writer) *tableOutput {
	names, labelled := m.Formatter().Columns(kind, width(m, kind))
	number := parquetfile.Float64
	switch {
	case kind == wire.Leaf:
		number = parquetfile.Int32
	case m.Formatter().Single():
		number = parquetfile.Float32
	}
	t := &tableOutput{model: m, kind: kind, labelled: labelled}
	columns := []parquetfile.Output{{Name: "row", Kind: parquetfile.Int64}}
	for i, name := range names {
		c := parquetfile.Output{Name: name, Kind: number, Optional: true}
		if labelled && i == 0 {
			c.Kind = parquetfile.String
		} else {
			t.numbers++
		}
		columns = append(columns, c)
	}
	columns = append(columns, parquetfile.Output{Name: "error", Kind: parquetfile.String, Optional: true})
	t.out = parquetfile.NewWriter(out, columns)
	return t
}

func (t *tableOutput) begin() error { return nil }

// format makes the columns of a block.
func (t *tableOutput) format(b *block) error {
	f, a := &b.request.Frame, &b.request.Answers
	columns := t.columns(b)
	number, error := &columns[0], &columns[len(columns)-1]
	first := len(columns) - 1 - t.numbers
	good := make([]bool, f.Rows) // the same for all rows that have an answer
	var line []float64
	fault := 0
	for r := range f.Rows {
		number.Numbers = append(number.Numbers, float64(b.first+r))
		i := a.Index[r]
		good[r] = i != frame.Bad
		if good[r] {
			line = t.model.Formatter().AppendNumbers(line[:0], t.kind, a.Value(i))
			error.Texts = append(error.Texts, "")
		} else {
			line = append(line[:0], make([]float64, t.numbers)...)
			var text string
			text, fault = errorText(f, r, fault)
			error.Texts = append(error.Texts, text)
		}
		for k, x := range line {
			c := &columns[first+k]
			c.Numbers = append(c.Numbers, x)
		}
		if t.labelled {
			label := ""
			if good[r] {
				_, label = t.model.Formatter().Prediction(a.Value(i))
			}
			columns[1].Texts = append(columns[1].Texts, label)
		}
	}
	nulls(columns[1:len(columns)-1], good, error)
	return nil
}

// columns are a block's, empty.
func (t *tableOutput) columns(b *block) []parquetfile.Values {
	n := 2 + t.numbers
	if t.labelled {
		n++
	}
	b.answer.columns = resize(b.answer.columns, n)
	for i := range b.answer.columns {
		c := &b.answer.columns[i]
		c.Numbers, c.Texts = c.Numbers[:0], c.Texts[:0]
	}
	return b.answer.columns
}

// nulls marks where answers are none, and where there is no error.
func nulls(answers []parquetfile.Values, good []bool, error *parquetfile.Values) {
	bad := make([]bool, len(good))
	for r, ok := range good {
		bad[r] = !ok
	}
	for i := range answers {
		answers[i].Null = bad
	}
	error.Null = good
}

// errorText is what CSV says of a row's faults; those before from are of other
// rows. It returns where the next row's may begin.
func errorText(f *frame.Frame, r, from int) (string, int) {
	for from < len(f.Faults) && f.Faults[from].Row < r {
		from++
	}
	to := from
	for to < len(f.Faults) && f.Faults[to].Row == r {
		to++
	}
	return wire.ErrorText(f.Faults[from:to]), to
}

func (t *tableOutput) write(b *block) error {
	return t.out.Write(b.request.Frame.Rows, b.answer.columns)
}

func (t *tableOutput) end() error { return t.out.Close() }

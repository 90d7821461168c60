package parquetfile

import (
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Bounds of what a file that is being written holds: values of a row group,
// whose pages are kept until it is whole, and bytes of all pages that are open.
const (
	groupValues = 4 << 20
	groupRows   = 1 << 20
	openBytes   = 8 << 20
	largestPage = 256 << 10
	leastPage   = 4 << 10
)

// Kind is what a column of a Writer holds.
type Kind uint8

const (
	Float64 Kind = iota
	Float32
	Int32
	Int64
	String
)

// Output is a column of a Writer. One that is Optional has null where it has
// no value.
type Output struct {
	Name     string
	Kind     Kind
	Optional bool
}

// Values are some rows of one column. Numbers are exact in float64; texts
// stand in Texts, and Null, where it is not nil, says which rows have none.
type Values struct {
	Numbers []float64
	Texts   []string
	Null    []bool
}

// Writer writes a table, row group by row group.
type Writer struct {
	w       *parquet.GenericWriter[any]
	columns []Output
	levels  []int // of definition, of a value
	some    []parquet.Value
	rows    int // of the row group
	most    int
}

// NewWriter writes columns in their order. Texts are kept once each, in a
// dictionary, and pages are packed with zstd.
func NewWriter(out io.Writer, columns []Output) *Writer {
	group := table{Group: parquet.Group{}}
	w := &Writer{columns: columns, most: max(1, min(groupRows, groupValues/len(columns)))}
	for _, c := range columns {
		var node parquet.Node
		switch c.Kind {
		case Float64:
			node = parquet.Leaf(parquet.DoubleType)
		case Float32:
			node = parquet.Leaf(parquet.FloatType)
		case Int32:
			node = parquet.Int(32)
		case Int64:
			node = parquet.Int(64)
		default:
			node = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		}
		level := 0
		if c.Optional {
			node, level = parquet.Optional(node), 1
		}
		group.Group[c.Name] = node
		group.fields = append(group.fields, &field{node, c.Name})
		w.levels = append(w.levels, level)
	}
	page := max(leastPage, min(largestPage, openBytes/len(columns)))
	w.w = parquet.NewGenericWriter[any](out, parquet.NewSchema("rows", &group),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.PageBufferSize(page),
		parquet.CreatedBy("copse", "", ""), parquet.DataPageStatistics(false))
	return w
}

// Write appends rows, given column by column.
func (w *Writer) Write(rows int, columns []Values) error {
	for from := 0; from < rows; {
		n := min(rows-from, w.most-w.rows)
		for i, c := range w.w.ColumnWriters() {
			if err := w.column(c, i, &columns[i], from, from+n); err != nil {
				return err
			}
		}
		from += n
		if w.rows += n; w.rows == w.most {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) column(to *parquet.ColumnWriter, i int, v *Values, from, end int) error {
	const at = 1024
	for from < end {
		n := min(at, end-from)
		w.some = w.some[:0]
		for r := from; r < from+n; r++ {
			if v.Null != nil && v.Null[r] {
				w.some = append(w.some, parquet.NullValue().Level(0, 0, i))
				continue
			}
			w.some = append(w.some, w.value(i, v, r).Level(0, w.levels[i], i))
		}
		if _, err := to.WriteRowValues(w.some); err != nil {
			return err
		}
		from += n
	}
	return nil
}

func (w *Writer) value(i int, v *Values, r int) parquet.Value {
	switch w.columns[i].Kind {
	case Float64:
		return parquet.DoubleValue(v.Numbers[r])
	case Float32:
		return parquet.FloatValue(float32(v.Numbers[r]))
	case Int32:
		return parquet.Int32Value(int32(v.Numbers[r]))
	case Int64:
		return parquet.Int64Value(int64(v.Numbers[r]))
	}
	return parquet.ByteArrayValue([]byte(v.Texts[r]))
}

// Flush ends a row group.
func (w *Writer) Flush() error {
	w.rows = 0
	return w.w.Flush()
}

// Close writes what is left, and the footer.
func (w *Writer) Close() error { return w.w.Close() }

// table is a group whose fields keep their order; the library's own sorts them
// by name.
type table struct {
	parquet.Group
	fields []parquet.Field
}

func (t *table) Fields() []parquet.Field { return t.fields }

// field is a named node.
type field struct {
	parquet.Node
	name string
}

func (f *field) Name() string { return f.name }

// Value is asked for by writers of Go values only, of which there are none.
func (f *field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}

package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/format"

	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// What stands in a slab for a text that has no code: not-a-numbers of their
// own, which no category's code is.
const (
	unknownText = 0x7ff8_0000_0000_0c0d
	longText    = 0x7ff8_0000_0000_0c0e
)

// cell turns values of one column into those of one feature.
type cell struct {
	schema  *schema.Schema
	feature int
	text    bool // the feature is a category
}

// number is a whole number, as JSON or CSV would give it.
func (c *cell) integer(x int64) float64 {
	if !c.text {
		return float64(x)
	}
	var digits [24]byte
	return c.code(strconv.AppendInt(digits[:0], x, 10))
}

func (c *cell) unsigned(x uint64) float64 {
	if !c.text {
		return float64(x)
	}
	var digits [24]byte
	return c.code(strconv.AppendUint(digits[:0], x, 10))
}

func (c *cell) code(text []byte) float64 {
	if len(text) > wire.DefaultText {
		return math.Float64frombits(longText)
	}
	code, ok := c.schema.Code(c.feature, text)
	if !ok {
		return math.Float64frombits(unknownText)
	}
	return code
}

// value is the plain way from any of the library's values.
func (c *cell) value(v parquet.Value, col *Column) float64 {
	switch {
	case v.IsNull():
		return nan
	case col.kind == parquet.Boolean:
		return boolean(v.Boolean())
	case col.kind == parquet.Int32 && col.unsigned:
		return c.unsigned(uint64(v.Uint32()))
	case col.kind == parquet.Int32:
		return c.integer(int64(v.Int32()))
	case col.kind == parquet.Int64 && col.unsigned:
		return c.unsigned(v.Uint64())
	case col.kind == parquet.Int64:
		return c.integer(v.Int64())
	case col.kind == parquet.Float:
		return float64(v.Float())
	case col.kind == parquet.Double:
		return v.Double()
	}
	return c.code(v.ByteArray())
}

var nan = math.NaN()

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// reader reads one column of a row group, in order.
type reader struct {
	cell   // without a schema, only the pages are turned
	column *Column
	chunk  parquet.ColumnChunk
	meta   *format.ColumnMetaData
	in     io.ReaderAt

	pages  parquet.Pages
	page   parquet.Page
	row    int64 // the next of the row group
	left   int   // rows of the page
	levels []byte
	at     int // the next of levels
	next   func() float64
	plain  parquet.ValueReader // in the place of next
	some   []parquet.Value
	dict   parquet.Dictionary
	table  []float64 // of dict, the values
	held   int64     // bytes of the page, the dictionary and the table
	index  []pageAt  // where pages are, once one was sought
}

// read fills dst with the next values.
func (r *reader) read(dst []float64) error {
	for len(dst) > 0 {
		if r.left == 0 {
			if err := r.turn(); err != nil {
				return err
			}
			continue
		}
		n := min(len(dst), r.left)
		if r.plain != nil {
			var err error
			if n, err = r.readPlain(dst[:n]); err != nil {
				return err
			}
		} else {
			r.readTyped(dst[:n])
		}
		r.left -= n
		r.row += int64(n)
		dst = dst[n:]
	}
	return nil
}

func (r *reader) readTyped(dst []float64) {
	next := r.next
	if r.levels == nil {
		for i := range dst {
			dst[i] = next()
		}
		return
	}
	levels := r.levels[r.at : r.at+len(dst)]
	r.at += len(dst)
	for i := range dst {
		if levels[i] == 0 {
			dst[i] = nan
		} else {
			dst[i] = next()
		}
	}
}

// readPlain is the slow twin of readTyped, for all types.
func (r *reader) readPlain(dst []float64) (int, error) {
	if r.some == nil {
		r.some = make([]parquet.Value, 512)
	}
	n, err := r.plain.ReadValues(r.some[:min(len(dst), len(r.some))])
	for i, v := range r.some[:n] {
		dst[i] = r.value(v, r.column)
	}
	if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
		err = errShort
	}
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

var errShort = errors.New("has fewer values than its row group has rows")

// turn opens the next page, and the column if it is not open.
func (r *reader) turn() error {
	skip := int64(0)
	if r.pages == nil {
		if err := checkPages(r.in, r.meta); err != nil {
			return err
		}
		var err error
		if r.pages, skip, err = r.pagesFrom(r.row); err != nil {
			r.pages = nil
			return err
		}
	}
	parquet.Release(r.page)
	r.page, r.next, r.plain = nil, nil, nil
	page, err := r.pages.ReadPage()
	if errors.Is(err, io.EOF) {
		return errShort
	}
	if err != nil {
		return err
	}
	if skip > 0 {
		if skip >= page.NumRows() {
			return errShort
		}
		rest := page.Slice(skip, page.NumRows())
		parquet.Release(page)
		page = rest
	}
	r.page, r.left, r.at = page, int(page.NumRows()), 0
	if r.schema == nil {
		return nil
	}
	r.levels = page.DefinitionLevels()
	d := page.Dictionary()
	if d != nil && d != r.dict {
		r.dict, r.table = d, nil
	}
	if r.next = r.typed(page.Data(), d); r.next == nil {
		r.plain = page.Values()
	}
	r.held = page.Size() + int64(8*len(r.table))
	if r.dict != nil {
		r.held += r.dict.Size() // the library keeps it as long as the column is open
	}
	return nil
}

// typed gives the values of a page one by one; nil where there is no fast way.
// Nulls are not among them.
func (r *reader) typed(data encoding.Values, d parquet.Dictionary) func() float64 {
	i := -1
	if d != nil {
		indices := data.Int32()
		if r.column.kind == parquet.Double { // as many as a page has rows, and as they are
			values := d.Page().Data()
			table := values.Double()
			return func() float64 { i++; return table[indices[i]] }
		}
		if r.table == nil {
			r.table = make([]float64, d.Len())
			for k := range r.table {
				r.table[k] = r.value(d.Index(int32(k)), r.column)
			}
		}
		table := r.table
		return func() float64 { i++; return table[indices[i]] }
	}
	switch {
	case r.column.kind == parquet.Int32 && r.column.unsigned:
		values := data.Uint32()
		return func() float64 { i++; return r.unsigned(uint64(values[i])) }
	case r.column.kind == parquet.Int32:
		values := data.Int32()
		return func() float64 { i++; return r.integer(int64(values[i])) }
	case r.column.kind == parquet.Int64 && r.column.unsigned:
		values := data.Uint64()
		return func() float64 { i++; return r.unsigned(values[i]) }
	case r.column.kind == parquet.Int64:
		values := data.Int64()
		return func() float64 { i++; return r.integer(values[i]) }
	case r.column.kind == parquet.Float:
		values := data.Float()
		return func() float64 { i++; return float64(values[i]) }
	case r.column.kind == parquet.Double:
		values := data.Double()
		return func() float64 { i++; return values[i] }
	case r.column.kind == parquet.ByteArray:
		text, ends := data.ByteArray()
		return func() float64 { i++; return r.code(text[ends[i]:ends[i+1]]) }
	}
	return nil
}

// close lets go of the pages; read opens them again where it was.
func (r *reader) close() error {
	parquet.Release(r.page)
	r.page, r.next, r.plain, r.levels, r.dict, r.table = nil, nil, nil, nil, nil, nil
	r.left, r.held = 0, 0
	if r.pages == nil {
		return nil
	}
	err := r.pages.Close()
	r.pages = nil
	return err
}

func (r *reader) error(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("the file is cut off")
	}
	return fmt.Errorf("the column %q: %w", r.column.Name, err)
}

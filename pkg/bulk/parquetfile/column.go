package parquetfile

import (
	"bytes"
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
	// checked is what the pages are read from, once they were looked at.
	checked io.ReaderAt

	pages  parquet.Pages
	page   parquet.Page
	row    int64 // the next of the row group
	left   int   // rows of the page
	levels []byte
	at     int                 // the next of levels
	next   func([]float64)     // gives the next values but for nulls
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
	if r.levels == nil {
		r.next(dst)
		return
	}
	levels := r.levels[r.at : r.at+len(dst)]
	r.at += len(dst)
	n := bytes.Count(levels, valid)
	r.next(dst[:n])
	// Values move up to their rows, the last one first.
	for i := len(dst) - 1; n <= i; i-- {
		if levels[i] == 0 {
			dst[i] = nan
		} else {
			n--
			dst[i] = dst[n]
		}
	}
}

// valid is the definition level of a value that is no null.
var valid = []byte{1}

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
		var err error
		if r.checked == nil {
			if r.checked, err = checkPages(r.in, r.meta); err != nil {
				return err
			}
		}
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

// typed gives the values of a page, the next ones at each call; nil where there
// is no fast way. Nulls are not among them.
func (r *reader) typed(data encoding.Values, d parquet.Dictionary) func([]float64) {
	switch {
	case d != nil && (r.text || r.column.kind == parquet.Boolean):
		// Looked up once for each value that there is, not for each row.
		if r.table == nil {
			r.table = make([]float64, d.Len())
			for k := range r.table {
				r.table[k] = r.value(d.Index(int32(k)), r.column)
			}
		}
		return inDictionaryOf(r.table, data.Int32())
	case d != nil:
		// As many as a page has rows, perhaps, so they are taken as they are.
		return r.numbers(d.Page().Data(), data.Int32())
	case r.column.kind == parquet.ByteArray:
		i := -1
		text, ends := data.ByteArray()
		return func(dst []float64) {
			for k := range dst {
				i++
				dst[k] = r.code(text[ends[i]:ends[i+1]])
			}
		}
	case r.text:
		return nil
	}
	return r.numbers(data, nil)
}

// numbers gives the numbers of a page, those with the indices where there are
// some.
func (r *reader) numbers(data encoding.Values, indices []int32) func([]float64) {
	switch {
	case r.column.kind == parquet.Int32 && r.column.unsigned:
		return numbersOf(data.Uint32(), indices)
	case r.column.kind == parquet.Int32:
		return numbersOf(data.Int32(), indices)
	case r.column.kind == parquet.Int64 && r.column.unsigned:
		return numbersOf(data.Uint64(), indices)
	case r.column.kind == parquet.Int64:
		return numbersOf(data.Int64(), indices)
	case r.column.kind == parquet.Float:
		return numbersOf(data.Float(), indices)
	case r.column.kind == parquet.Double:
		return numbersOf(data.Double(), indices)
	}
	return nil
}

type number interface {
	int32 | int64 | uint32 | uint64 | float32 | float64
}

func numbersOf[T number](values []T, indices []int32) func([]float64) {
	if indices != nil {
		return inDictionaryOf(values, indices)
	}
	i := 0
	return func(dst []float64) {
		for k, x := range values[i : i+len(dst)] {
			dst[k] = float64(x)
		}
		i += len(dst)
	}
}

func inDictionaryOf[T number](values []T, indices []int32) func([]float64) {
	i := 0
	return func(dst []float64) {
		for k, at := range indices[i : i+len(dst)] {
			dst[k] = float64(values[at])
		}
		i += len(dst)
	}
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

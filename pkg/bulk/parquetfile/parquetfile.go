// Package parquetfile reads rows from Parquet files and writes answers to
// them, in memory that does not grow with the number of rows.
//
// Question: whole pages of all columns, or rows? Choice: a slab of some
// thousand rows at a time, column by column, on all cores; whoever scores the
// rows turns them into a frame. Pages stay open between slabs as far as their
// memory has a bound; those of further columns are sought and decoded again.
// What would change it: files whose pages are larger than what may be held.
package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/schema"
)

// Bounds of what a file can make us hold, in bytes.
const (
	// maxFooter is the part of a file that is read as a whole: the notes on all
	// columns of all row groups. They take some ten times as much in memory.
	maxFooter = 8 << 20
	// maxPage is the largest page, as it is when unpacked. Libraries write pages
	// of about 1 MiB.
	maxPage = 16 << 20
	// openPages is how much of pages may stay open between slabs.
	openPages = 32 << 20
)

// Magic begins and ends a file.
const Magic = "PAR1"

// Is says whether head begins a Parquet file.
func Is(head []byte) bool { return strings.HasPrefix(string(head), Magic) }

// File is an open file.
type File struct {
	in      io.ReaderAt
	size    int64
	file    *parquet.File
	columns []Column
}

// Type is what the values of a column are.
type Type uint8

const (
	Nested Type = iota // no plain column
	Other              // of a type that is no feature's: a time, a decimal
	Boolean
	Integer
	Float
	Text
)

// Column is a column at the top of the file.
type Column struct {
	Name string
	Type Type
	// What is the file's own word for the type, for messages.
	What     string
	leaf     int
	kind     parquet.Kind
	unsigned bool
}

// Open reads the footer of a file.
func Open(in io.ReaderAt, size int64) (f *File, err error) {
	defer recovered(&err)
	if err := checkFooter(in, size); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("cannot be read as Parquet: %w", err)
	}
	f = &File{in: in, size: size, file: file}
	seen := make(map[string]bool)
	for _, c := range file.Root().Columns() {
		if seen[c.Name()] {
			return nil, fmt.Errorf("the column %q stands twice", fault.Quote([]byte(c.Name())))
		}
		seen[c.Name()] = true
		f.columns = append(f.columns, newColumn(c))
	}
	return f, nil
}

// recovered turns a panic of the library, as broken files may cause, into an
// error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the file is damaged: %v", r)
	}
}

func checkFooter(in io.ReaderAt, size int64) error {
	var end [8]byte
	if size < int64(len(end)+len(Magic)) {
		return errors.New("the file is cut off: it is too short for Parquet")
	}
	if _, err := in.ReadAt(end[:], size-int64(len(end))); err != nil {
		return err
	}
	if string(end[4:]) == "PARE" {
		return errors.New("the file is encrypted, and cannot be read")
	}
	if string(end[4:]) != Magic {
		return errors.New("the file is cut off: it does not end as Parquet does")
	}
	n := int64(end[0]) | int64(end[1])<<8 | int64(end[2])<<16 | int64(end[3])<<24
	switch {
	case n > size-int64(len(end)+len(Magic)):
		return errors.New("the file is damaged: its footer is larger than itself")
	case n > maxFooter:
		return fmt.Errorf("its footer has %d bytes, of which %d are read: write larger row groups, or several files", n, maxFooter)
	}
	return nil
}

func newColumn(c *parquet.Column) Column {
	if !c.Leaf() || c.Repeated() {
		return Column{Name: c.Name(), Type: Nested, What: "nested"}
	}
	t := c.Type()
	out := Column{Name: c.Name(), leaf: c.Index(), kind: t.Kind(), What: t.String()}
	logical := t.LogicalType()
	switch t.Kind() {
	case parquet.Boolean:
		out.Type = Boolean
	case parquet.Int32, parquet.Int64:
		out.Type = Other
		if logical == nil || logical.Value == nil {
			out.Type = Integer
		} else if n := integer(t); n != nil {
			out.Type, out.unsigned = Integer, !n.IsSigned
		}
	case parquet.Float, parquet.Double:
		out.Type = Float
	case parquet.ByteArray:
		if out.Type = Text; !isText(t) {
			out.Type = Other
		}
	default:
		out.Type = Other
	}
	if logical != nil {
		if _, null := logical.Value.(*format.NullType); null {
			out.Type = Integer // of which there is none: Arrow writes a column of nothing but None so
		}
	}
	return out
}

// Rows is the number of rows.
func (f *File) Rows() int64 { return f.file.NumRows() }

// Columns are those at the top, in the file's order.
func (f *File) Columns() []Column { return f.columns }

// match says whether a column can be read as a feature, or why not.
func match(c *Column, f *schema.Feature) error {
	name := fault.Quote([]byte(c.Name))
	var ok bool
	switch f.Type {
	case schema.Category:
		ok = c.Type == Text || c.Type == Integer
	case schema.Boolean:
		ok = c.Type == Boolean || c.Type == Integer
	default:
		ok = c.Type == Boolean || c.Type == Integer || c.Type == Float
	}
	switch {
	case ok:
		return nil
	case c.Type == Nested:
		return fmt.Errorf("the column %q is nested: a feature is a plain column", name)
	case f.Type == schema.Category:
		return fmt.Errorf("the column %q is of type %s, and the feature a category: write texts", name, c.What)
	case f.Type == schema.Boolean:
		return fmt.Errorf("the column %q is of type %s, and the feature true or false: write booleans", name, c.What)
	}
	return fmt.Errorf("the column %q is of type %s, and the feature a number: write integers or floats", name, c.What)
}

// find returns, for each feature, its column's place, or -1. A column that is
// no feature is refused unless extra ones are ignored.
func (f *File) find(s *schema.Schema, ignoreExtra bool) ([]int, error) {
	places := make([]int, s.NumFeatures())
	for i := range places {
		places[i] = -1
	}
	for at := range f.columns {
		c := &f.columns[at]
		i, known := s.Index([]byte(c.Name))
		switch {
		case known:
			if err := match(c, s.Feature(i)); err != nil {
				return nil, err
			}
			places[i] = at
		case !ignoreExtra:
			return nil, unknown(c.Name, s)
		}
	}
	return places, nil
}

func unknown(name string, s *schema.Schema) error {
	field := fault.Quote([]byte(name))
	message := `unknown column "` + field + `"`
	if near := fault.Nearest(name, s.NumFeatures(), func(i int) string { return s.Feature(i).Name }); near != "" {
		message += `: the nearest known name is "` + near + `"`
	}
	return &fault.Error{Code: fault.UnknownField, Row: fault.Whole, Field: field, Message: message}
}

// integer is what a type says of whole numbers, or nil.
func integer(t parquet.Type) *format.IntType {
	n, _ := t.LogicalType().Value.(*format.IntType)
	return n
}

// isText says whether bytes are a text: those that are said to be, and those of
// which nothing is said, as old libraries write them.
func isText(t parquet.Type) bool {
	logical := t.LogicalType()
	if logical == nil || logical.Value == nil {
		return true
	}
	switch logical.Value.(type) {
	case *format.StringType, *format.EnumType:
		return true
	}
	return false
}

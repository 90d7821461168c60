package schemafile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/bulk/parquetfile"
)

// Scan is what was seen of a file of rows.
type Scan struct {
	Rows    int
	Columns []*Stats
	byName  map[string]*Stats
}

func (s *Scan) column(name string) *Stats {
	if c, ok := s.byName[name]; ok {
		return c
	}
	c := newStats(name)
	s.Columns = append(s.Columns, c)
	s.byName[name] = c
	return c
}

func newScan() *Scan { return &Scan{byName: make(map[string]*Stats)} }

// bom is what spreadsheets begin a file with.
const bom = "\ufeff"

// ScanCSV reads rows below a header.
func ScanCSV(in io.Reader) (*Scan, error) {
	s := newScan()
	text := bufio.NewReader(in)
	if head, _ := text.Peek(len(bom)); string(head) == bom {
		text.Discard(len(bom)) //nolint:errcheck // it was seen
	}
	r := csv.NewReader(text)
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("there is no header")
	}
	if err != nil {
		return nil, err
	}
	for i, name := range header {
		if s.column(name); len(s.Columns) != i+1 {
			return nil, fmt.Errorf("the column %q stands twice", name)
		}
	}
	for ; ; s.Rows++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		for i, cell := range record {
			s.Columns[i].Cell(cell)
		}
	}
}

// ScanJSONL reads an object a line. A member that a row does not have is
// missing in it.
func ScanJSONL(in io.Reader) (*Scan, error) {
	s := newScan()
	d := jsontext.NewDecoder(in)
	for ; ; s.Rows++ {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			for _, c := range s.Columns {
				c.Missing = s.Rows - c.seen
			}
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", s.Rows, err)
		}
		if token.Kind() != '{' {
			return nil, fmt.Errorf("row %d: is no object", s.Rows)
		}
		if err := s.object(d); err != nil {
			return nil, fmt.Errorf("row %d: %w", s.Rows, err)
		}
	}
}

func (s *Scan) object(d *jsontext.Decoder) error {
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		column := s.column(name.String())
		var value any
		if err := json.UnmarshalDecode(d, &value); err != nil {
			return err
		}
		column.Value(value)
	}
	_, err := d.ReadToken()
	return err
}

// ScanParquet reads all columns of a file; those that are nested, or of a type
// that is no feature's, are only named.
func ScanParquet(f *parquetfile.File) (*Scan, error) {
	s := newScan()
	s.Rows = int(f.Rows())
	for _, c := range f.Columns() {
		s.column(c.Name).nested = c.Type == parquetfile.Nested || c.Type == parquetfile.Other
	}
	return s, f.Scan(func(column int, value any) { s.Columns[column].Value(value) })
}

package mlflow

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/schema"
)

// maxExample bounds the file of an input example, in bytes, and maxRows the
// rows that are taken of it: every start scores them.
const (
	maxExample = 4 << 20
	maxRows    = 64
)

// addExample takes the rows of the input example that the model's schema
// accepts. An example is no part of the model: one that is absent, too large
// or of another form is passed over. Only a path that leaves the folder is an
// error.
func addExample(folder fs.FS, value any, m *format.Model) error {
	name, ok := value.(string)
	if !ok {
		return nil
	}
	name, err := inside(name)
	if err != nil {
		return err
	}
	text, err := readText(folder, name, maxExample)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	s, err := schema.New(m.Schema)
	if err != nil {
		e := readerr.At(Format, Name, "the signature does not fit the model")
		e.Err = err
		return e
	}
	t := readTable(plain(text), true)
	for _, row := range t.rows {
		if len(m.Rows) == maxRows*s.NumFeatures() {
			break
		}
		if numbers, ok := t.numbers(s, row); ok {
			if len(m.Rows) == 0 {
				showExample(&m.Schema, numbers)
			}
			m.Rows = append(m.Rows, numbers...)
		}
	}
	return nil
}

// showExample gives each feature its value in a row.
func showExample(doc *schema.Document, row []float64) {
	for i := range doc.Features {
		f := &doc.Features[i]
		switch x := row[i]; {
		case math.IsNaN(x) || math.IsInf(x, 0):
		case f.Type == schema.Category:
			f.Example = f.Categories[int(x)]
		case f.Type == schema.Boolean:
			f.Example = x != 0
		default:
			f.Example = x
		}
	}
}

// plain writes null for the NaN that Python writes in JSON. Inside of texts
// nothing changes.
func plain(text []byte) []byte {
	const nan, null = "NaN", "null"
	out := make([]byte, 0, len(text))
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(text[i:], []byte(nan)):
			out = append(out, null...)
			i += len(nan) - 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// table is an example's rows. columns are their names; nil where they have
// none.
type table struct {
	columns []string
	rows    [][]any
}

// readTable knows the forms that MLflow writes: {"columns","data"}, a list of
// records, a list of lists, and any of them inside "dataframe_split",
// "dataframe_records", "inputs" or "instances", where wrapped allows it.
func readTable(text []byte, wrapped bool) table {
	var object struct {
		Columns   []string        `json:"columns"`
		Data      [][]any         `json:"data"`
		Split     json.RawMessage `json:"dataframe_split"`
		Records   json.RawMessage `json:"dataframe_records"`
		Inputs    json.RawMessage `json:"inputs"`
		Instances json.RawMessage `json:"instances"`
	}
	if json.Unmarshal(text, &object) == nil {
		for _, inner := range []json.RawMessage{object.Split, object.Records, object.Inputs, object.Instances} {
			if len(inner) > 0 && wrapped {
				return readTable(inner, false)
			}
		}
		return table{object.Columns, object.Data}
	}
	var lists [][]any
	if json.Unmarshal(text, &lists) == nil {
		return table{nil, lists}
	}
	var records []map[string]any
	if json.Unmarshal(text, &records) != nil || len(records) == 0 {
		return table{}
	}
	var t table
	for name := range records[0] {
		t.columns = append(t.columns, name)
	}
	for _, record := range records {
		row := make([]any, len(t.columns))
		for i, name := range t.columns {
			row[i] = record[name]
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// numbers is a row in the order of the schema, if the schema accepts it.
func (t *table) numbers(s *schema.Schema, row []any) ([]float64, bool) {
	n := s.NumFeatures()
	if len(row) != n || t.columns != nil && len(t.columns) != n {
		return nil, false
	}
	out := make([]float64, n)
	for i, value := range row {
		at := i
		if t.columns != nil {
			var ok bool
			if at, ok = s.Index([]byte(t.columns[i])); !ok {
				return nil, false
			}
		}
		x, ok := number(s, at, value)
		if !ok {
			return nil, false
		}
		out[at] = x
	}
	return out, true
}

// number is a JSON value as the number of column at.
func number(s *schema.Schema, at int, value any) (float64, bool) {
	f := s.Feature(at)
	switch value := value.(type) {
	case nil:
		return math.NaN(), f.Missing == schema.Allow
	case bool:
		if value {
			return 1, f.Type != schema.Category
		}
		return 0, f.Type != schema.Category
	case float64:
		return value, f.Type != schema.Category
	case string:
		if f.Type == schema.Category {
			return s.Code(at, []byte(value))
		}
	}
	return 0, false
}

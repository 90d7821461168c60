package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// written is the schema of the files that testdata/make/parquet.py writes.
func written(t testing.TB) *schema.Schema {
	t.Helper()
	var doc schema.Document
	for _, name := range strings.Fields("whole f64 f32 i8 u8 i16 u16 i32 u32 i64 u64 none") {
		f := schema.Feature{Name: name, Missing: schema.Allow}
		if name[0] == 'i' || name[0] == 'u' {
			f.Type = schema.Integer
		}
		doc.Features = append(doc.Features, f)
	}
	for _, name := range []string{"flag", "sure"} {
		doc.Features = append(doc.Features, schema.Feature{Name: name, Type: schema.Boolean})
	}
	doc.Features = append(doc.Features,
		schema.Feature{Name: "text", Type: schema.Category, Categories: []string{"two\nlines", "red", "grün", "a,b", `quo"te`, " padded "}},
		schema.Feature{Name: "code", Type: schema.Category, Categories: []string{"4", "2", "0", "3"}},
		schema.Feature{Name: "absent", Missing: schema.Allow})
	s, err := schema.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, path string) *File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// asText reads the same table as CSV.
func asText(t testing.TB, s *schema.Schema) *frame.Frame {
	t.Helper()
	text, err := os.ReadFile("testdata/rows.csv")
	if err != nil {
		t.Fatal(err)
	}
	var d wire.Decoder
	var f frame.Frame
	if _, e := d.Batch(text, wire.CSV, s, &wire.Options{}, &f); e != nil {
		t.Fatal(e)
	}
	wire.SortFaults(&f, s)
	return &f
}

// readAll reads all rows, so many at a time, with slabs of so many.
func readAll(f *File, s *schema.Schema, size, most int) (*frame.Frame, error) {
	rows, err := f.Match(s, false)
	if err != nil {
		return nil, err
	}
	rows.size = size
	var all, some frame.Frame
	all.Reset(s.NumFeatures())
	for {
		p, err := rows.Next(most)
		if errors.Is(err, io.EOF) {
			return &all, rows.Close()
		}
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		at := all.Rows
		p.Take(&some)
		if some.Rows < 1 || some.Rows > most {
			return nil, fmt.Errorf("a part of %d rows, want at most %d", some.Rows, most)
		}
		for r := range some.Rows {
			copy(all.Append(), some.Row(r))
		}
		for _, e := range some.Faults {
			e.Row += at
			all.Fail(e)
		}
	}
}

func hold(t *testing.T, name string, got, want *frame.Frame) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols {
		t.Fatalf("%s: got %d×%d, want %d×%d", name, got.Rows, got.Cols, want.Rows, want.Cols)
	}
	for i, x := range got.Values {
		if y := want.Values[i]; math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y) {
			t.Errorf("%s: row %d, column %d: got %v, want %v", name, i/got.Cols, i%got.Cols, x, y)
		}
	}
	if g, w := fmt.Sprint(got.Faults), fmt.Sprint(want.Faults); g != w {
		t.Errorf("%s: got the faults\n%s, want\n%s", name, g, w)
	}
}

// TestEqualsCSV: whoever wrote the file, and however, its rows are those that
// the same table has as text, faults included.
func TestEqualsCSV(t *testing.T) {
	s := written(t)
	want := asText(t, s)
	if len(want.Faults) == 0 {
		t.Fatal("no faults to compare")
	}
	paths, _ := filepath.Glob("testdata/*.parquet")
	n := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "others.parquet") {
			continue
		}
		n++
		for _, size := range []int{1000, 64, 7} {
			for _, most := range []int{1000, 10} {
				got, err := readAll(open(t, path), s, size, most)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				hold(t, path, got, want)
			}
		}
	}
	if n < 11 {
		t.Errorf("only %d files", n)
	}
}

// TestPlainTwin holds the typed ways through a page to the library's values.
func TestPlainTwin(t *testing.T) {
	s := written(t)
	paths, _ := filepath.Glob("testdata/*.parquet")
	for _, path := range paths {
		if strings.HasSuffix(path, "others.parquet") {
			continue
		}
		f := open(t, path)
		rows, err := f.Match(s, false)
		if err != nil {
			t.Fatal(err)
		}
		for rows.nextGroup() == nil {
			for _, r := range rows.readers {
				typed, plain := make([]float64, rows.left), make([]float64, rows.left)
				if err := r.read(typed); err != nil {
					t.Fatal(err)
				}
				slow := *r
				slow.row, slow.pages, slow.page = 0, nil, nil
				slow.left = 0
				for at := 0; at < len(plain); {
					if slow.left == 0 {
						if err := slow.turn(); err != nil {
							t.Fatal(err)
						}
						slow.plain = slow.page.Values()
					}
					n, err := slow.readPlain(plain[at:min(len(plain), at+slow.left)])
					if err != nil {
						t.Fatal(err)
					}
					slow.left -= n
					at += n
				}
				for i, x := range typed {
					if y := plain[i]; math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y) {
						t.Errorf("%s: %s: row %d: got %v, want %v", path, r.column.Name, i, x, y)
					}
				}
			}
		}
		_ = rows.Close()
	}
}

// TestClosedColumns: columns that find no room are read on where they were.
func TestClosedColumns(t *testing.T) {
	s := written(t)
	want := asText(t, s)
	names, _ := filepath.Glob("testdata/*.parquet")
	for _, name := range names {
		if strings.HasSuffix(name, "others.parquet") {
			continue
		}
		f := open(t, name)
		rows, err := f.Match(s, false)
		if err != nil {
			t.Fatal(err)
		}
		rows.size = 7
		var all, some frame.Frame
		all.Reset(s.NumFeatures())
		for {
			p, err := rows.Next(7)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			at := all.Rows
			p.Take(&some)
			for r := range some.Rows {
				copy(all.Append(), some.Row(r))
			}
			for _, e := range some.Faults {
				e.Row += at
				all.Fail(e)
			}
			for _, r := range rows.readers {
				if err := r.close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		hold(t, name, &all, want)
	}
}

func TestMatch(t *testing.T) {
	f := open(t, "testdata/others.parquet")
	for _, c := range []struct {
		feature schema.Feature
		want    string
	}{
		{schema.Feature{Name: "x"}, ""},
		{schema.Feature{Name: "x", Type: schema.Category, Categories: []string{"a"}}, `the column "x" is of type DOUBLE, and the feature a category: write texts`},
		{schema.Feature{Name: "x", Type: schema.Boolean}, `the column "x" is of type DOUBLE, and the feature true or false: write booleans`},
		{schema.Feature{Name: "list"}, `the column "list" is nested: a feature is a plain column`},
		{schema.Feature{Name: "struct"}, `the column "struct" is nested: a feature is a plain column`},
		{schema.Feature{Name: "time"}, `the column "time" is of type TIMESTAMP(isAdjustedToUTC=false,unit=MICROS), and the feature a number: write integers or floats`},
		{schema.Feature{Name: "date"}, `the column "date" is of type DATE, and the feature a number: write integers or floats`},
		{schema.Feature{Name: "decimal"}, `the column "decimal" is of type DECIMAL(2,1), and the feature a number: write integers or floats`},
		{schema.Feature{Name: "bytes"}, `the column "bytes" is of type BYTE_ARRAY, and the feature a number: write integers or floats`},
		{schema.Feature{Name: "fixed"}, `the column "fixed" is of type FIXED_LEN_BYTE_ARRAY(2), and the feature a number: write integers or floats`},
		{schema.Feature{Name: "half"}, `the column "half" is of type FIXED_LEN_BYTE_ARRAY(2), and the feature a number: write integers or floats`},
	} {
		s, err := schema.New(schema.Document{Features: []schema.Feature{c.feature}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Match(s, true)
		if got := fmt.Sprint(err); got != c.want && !(c.want == "" && err == nil) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	s, _ := schema.New(schema.Document{Features: []schema.Feature{{Name: "x"}, {Name: "lists"}}})
	_, err := f.Match(s, false)
	e, ok := errors.AsType[*fault.Error](err)
	if want := `unknown column "list": the nearest known name is "lists"`; !ok || e.Code != fault.UnknownField || e.Message != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestDamaged breaks a file in many places: there is an error, or rows.
func TestDamaged(t *testing.T) {
	s := written(t)
	for _, name := range []string{"arrow-snappy", "arrow-v2-zstd", "arrow-encodings", "arrow-lz4", "polars"} {
		data, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 80 { // FuzzOpen goes on
			broken := bytes.Clone(data)
			at := i * 7919 % len(broken)
			broken[at] ^= byte(1 + i%255)
			switch i % 4 {
			case 0:
				broken = broken[:at]
			case 1:
				broken = append(broken[:at:at], broken[min(len(broken), at+i):]...)
			}
			f, err := Open(bytes.NewReader(broken), int64(len(broken)))
			if err == nil {
				_, err = readAll(f, s, 50, 50)
			}
			if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "goroutine")) {
				t.Errorf("%s, damage %d: %v", name, i, err)
			}
		}
	}
	for _, c := range []struct{ text, want string }{
		{"", "too short"}, {"PAR1PAR1", "too short"}, {"PAR1....\xff\xff\xff\x00PAR1", "larger than itself"},
		{"PAR1....\x00\x00\x00\x00PARE", "encrypted"}, {"PAR1............", "cut off"},
	} {
		if _, err := Open(strings.NewReader(c.text), int64(len(c.text))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
}

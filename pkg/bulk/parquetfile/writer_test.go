package parquetfile

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestWriter reads back, by the library's rows, what was written.
func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, []Output{{"row", Int64, false}, {"label", String, true}, {"b", Float64, true}, {"a", Float32, true}, {"leaf", Int32, true}})
	w.most = 7 // rows of a group
	const rows, parts = 5, 6
	for part := range parts {
		v := make([]Values, 5)
		null := make([]bool, rows)
		for r := range rows {
			n := part*rows + r
			v[0].Numbers = append(v[0].Numbers, float64(n))
			v[1].Texts = append(v[1].Texts, []string{"x", "ü", ""}[n%3])
			v[2].Numbers = append(v[2].Numbers, float64(n)+0.1)
			v[3].Numbers = append(v[3].Numbers, float64(float32(n)+0.1))
			v[4].Numbers = append(v[4].Numbers, float64(-n))
			null[r] = n%4 == 1
		}
		for i := 1; i < 5; i++ {
			v[i].Null = null
		}
		if err := w.Write(rows, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	want := "message rows {\n\trequired int64 row (INT(64,true));\n\toptional binary label (STRING);\n\toptional double b;\n\toptional float a;\n\toptional int32 leaf (INT(32,true));\n}"
	if got := f.Schema().String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := len(f.RowGroups()); n != 5 {
		t.Errorf("got %d row groups, want 5", n)
	}
	n := 0
	for _, g := range f.RowGroups() {
		some := make([]parquet.Row, 100)
		reader := g.Rows()
		k, _ := reader.ReadRows(some)
		for _, row := range some[:k] {
			want := fmt.Sprint([]any{n, []string{"x", "ü", ""}[n%3], float64(n) + 0.1, float32(n) + 0.1, -n})
			if n%4 == 1 {
				want = fmt.Sprintf("[%d <null> <null> <null> <null>]", n)
			}
			if got := fmt.Sprint([]any{row[0], row[1], row[2], row[3], row[4]}); got != want {
				t.Errorf("row %d: got %s, want %s", n, got, want)
			}
			n++
		}
		_ = reader.Close()
	}
	if n != rows*parts {
		t.Errorf("got %d rows, want %d", n, rows*parts)
	}
}

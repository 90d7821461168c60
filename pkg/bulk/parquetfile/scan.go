package parquetfile

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Scan gives every value of every column that is a feature's in kind, column by
// column of each row group: nil, bool, float64 or string.
func (f *File) Scan(each func(column int, value any)) (err error) {
	defer recovered(&err)
	for g, group := range f.file.RowGroups() {
		chunks := group.ColumnChunks()
		for i := range f.columns {
			c := &f.columns[i]
			if c.Type == Nested || c.Type == Other {
				continue
			}
			r := &reader{column: c, chunk: chunks[c.leaf], in: f.in, meta: &f.file.Metadata().RowGroups[g].Columns[c.leaf].MetaData}
			if err := errors.Join(r.scan(group.NumRows(), func(v any) { each(i, v) }), r.close()); err != nil {
				return r.error(err)
			}
		}
	}
	return nil
}

func (r *reader) scan(rows int64, each func(any)) error {
	some := make([]parquet.Value, 512)
	for r.row < rows {
		if err := r.turn(); err != nil {
			return err
		}
		values := r.page.Values()
		for {
			n, err := values.ReadValues(some)
			for _, v := range some[:n] {
				each(r.plainValue(v))
			}
			r.row += int64(n)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) plainValue(v parquet.Value) any {
	switch {
	case v.IsNull():
		return nil
	case r.column.kind == parquet.Boolean:
		return v.Boolean()
	case r.column.kind == parquet.ByteArray:
		return string(v.ByteArray())
	}
	return r.value(v, r.column)
}

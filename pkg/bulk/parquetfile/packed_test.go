package parquetfile

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/lz4"

	"example.com/copse/pkg/schema"
)

// TestPackings reads numbers that hardly pack, and some that pack well, from
// pages of every kind, in parts and with columns that are closed between them.
func TestPackings(t *testing.T) {
	type row struct {
		Plain    float64  `parquet:"plain"`
		Optional *float64 `parquet:"optional,optional"`
		Coded    float64  `parquet:"coded,dict"`
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]row, 3000)
	for i := range rows {
		rows[i] = row{Plain: rng.NormFloat64(), Coded: float64(rng.IntN(900)) / 7}
		if rng.IntN(10) > 0 {
			rows[i].Optional = new(rng.NormFloat64())
		}
		if i%3000 > 2000 { // these pack
			rows[i] = row{Plain: 1, Optional: new(2.0), Coded: 3}
		}
	}
	s, err := schema.New(schema.Document{Features: []schema.Feature{{Name: "plain"}, {Name: "optional"}, {Name: "coded"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, codec := range []compress.Codec{&lz4.Codec{}, &parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Uncompressed} {
		for version := 1; version <= 2; version++ {
			var file bytes.Buffer
			w := parquet.NewGenericWriter[row](&file, parquet.Compression(codec),
				parquet.DataPageVersion(version), parquet.PageBufferSize(2000))
			if _, err := w.Write(rows); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%s, pages of version %d", codec, version)
			for _, size := range []int{70, 4096} {
				f, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
				if err != nil {
					t.Fatal(err)
				}
				got, err := readAll(f, s, size, size)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got.Rows != len(rows) {
					t.Fatalf("%s: %d rows, want %d", name, got.Rows, len(rows))
				}
				for i, want := range rows {
					r := got.Row(i)
					optional := r[1] != r[1] && want.Optional == nil || want.Optional != nil && r[1] == *want.Optional
					if r[0] != want.Plain || !optional || r[2] != want.Coded {
						t.Fatalf("%s, %d rows at once: row %d is %v, want %v", name, size, i, r, want)
					}
				}
			}
		}
	}
}

// TestNothing reads a column that is of no type, since nothing is in it.
func TestNothing(t *testing.T) {
	// pyarrow.parquet.write_table(pyarrow.table({"x": pyarrow.nulls(3)}), …,
	// store_schema=False, write_statistics=False), of pyarrow 26.
	file, err := base64.StdEncoding.DecodeString("" +
		"UEFSMRUEFQAVAkwVABUAEgAAABUAFQ4VEiwVBhUQFQYVBhwAAAAHGAIAAAAGAAAVBBksNQAYBnNjaGVtYRUCABUCJQIYAXhs" +
		"vAAAABYGGRwZHCYAHBUCGTUABhAZGAF4FQIWBhZQFlYmJiYIKSwVBBUAFQIAFQAVEBUCADwpBhkmBgAAAAAWUBYGJggWVgAo" +
		"IHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGRwcAAAAiAAAAFBBUjE=")
	if err != nil {
		t.Fatal(err)
	}
	for _, feature := range []schema.Feature{{Name: "x"}, {Name: "x", Type: schema.Boolean}, {Name: "x", Type: schema.Category, Categories: []string{"a"}}} {
		s, err := schema.New(schema.Document{Features: []schema.Feature{feature}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(f, s, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows != 3 || len(got.Faults) > 0 || got.Row(0)[0] == got.Row(0)[0] || got.Row(2)[0] == got.Row(2)[0] {
			t.Errorf("%s: %d rows, %v", feature.Type, got.Rows, got.Faults)
		}
	}
}

// TestUnsized reads a file with sizes in every way, and finds them zero.
func TestUnsized(t *testing.T) {
	text := []byte("abcdefghij")
	u := &unsized{in: bytes.NewReader(text), sizes: []sizeAt{{2, 1}, {4, 3}}}
	want := "ab\x00d\x80\x80\x00hij"
	for from := range text {
		for to := from; to <= len(text); to++ {
			p := make([]byte, to-from)
			if _, err := u.ReadAt(p, int64(from)); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if string(p) != want[from:to] {
				t.Errorf("from %d to %d: %q, want %q", from, to, p, want[from:to])
			}
		}
	}
	for _, head := range []string{"", "\x15", "\x15\x00", "\x15\x00\x15", "\x15\x00\x15\x80", "\x25\x00\x15\x00\x15", "\x15\x00\x25\x00\x15", "\x15\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"} {
		u := &unsized{in: bytes.NewReader([]byte(head))}
		if err := u.add(pageAt{header: len(head)}); err == nil {
			t.Errorf("%q: no error, but %v", head, u.sizes)
		}
	}
}

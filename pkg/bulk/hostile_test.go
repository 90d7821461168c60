package bulk

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/copse/pkg/fault"
)

// TestBadFiles: what is wrong with a file as a whole is an error of its own
// kind, which says what to do, and ends the work.
func TestBadFiles(t *testing.T) {
	rows := header + numbers(20_000)
	packed, zstandard := packWith(t, gz, rows), packWith(t, zst, rows)
	broken := func(text string, at int) string { return text[:at] + string(text[at]^0xff) + text[at+1:] }
	table := parquetRows(t, 100, 1)
	for _, test := range []struct {
		what, name, text string
		want             fault.Code
		says             string
		change           func(*Options)
	}{
		{"nothing", "a.csv", "", fault.EmptyBody, "empty", nil},
		{"nothing", "a.jsonl", "", fault.EmptyBody, "empty", nil},
		{"nothing", "a.parquet", "", fault.EmptyBody, "empty", nil},
		{"nothing, packed", "a.jsonl.gz", packWith(t, gz, ""), fault.EmptyBody, "empty", nil},
		{"no header", "a.csv", "\n\n", fault.EmptyBody, "no header", nil},
		{"half a gzip file", "a.csv.gz", packed[:len(packed)/2], fault.BadEncoding, "is the file whole?", nil},
		{"gzip without its end", "a.csv.gz", packed[:len(packed)-4], fault.BadEncoding, "is the file whole?", nil},
		{"a gzip header alone", "a.csv.gz", packed[:5], fault.BadEncoding, "is the file whole?", nil},
		{"gzip with another sum", "a.csv.gz", broken(packed, len(packed)-6), fault.BadEncoding, "broken", nil},
		{"gzip and more", "a.csv.gz", packed + "and more than that", fault.BadEncoding, "broken", nil},
		{"half of two members", "a.csv.gz", packed + packed[:len(packed)/2], fault.BadEncoding, "is the file whole?", nil},
		{"half a zstd file", "a.csv.zst", zstandard[:len(zstandard)/2], fault.BadEncoding, "is the file whole?", nil},
		{"zstd with another sum", "a.csv.zst", broken(zstandard, len(zstandard)-2), fault.BadEncoding, "broken", nil},
		{"zstd with a huge window", "a.csv.zst", wideWindow(t, rows), fault.BadEncoding, "without --long", nil},
		{"an open quote", "a.csv", header + "\"1,2,3\n", fault.Malformed, "closing quote", nil},
		{"a quote out of place", "a.csv", header + "1\"2,3,4\n", fault.Malformed, "quote", nil},
		{"not UTF-8", "a.csv", header + "1,2,\xff\n", fault.Malformed, "UTF-8", nil},
		{"Latin-1 in the middle", "a.csv", rows + "1,2,\xe9\n", fault.Malformed, "UTF-8", nil},
		{"UTF-16", "a.csv", "\xff\xfea\x00,\x00b\x00\n\x00", fault.UnsupportedMedia, "UTF-8", nil},
		{"UTF-16 without a mark", "a.csv", "a\x00,\x00b\x00\n\x00", fault.UnsupportedMedia, "no text", nil},
		{"a byte order mark", "a.jsonl", "\ufeff{\"a\":1}\n", fault.Malformed, "byte order mark", nil},
		{"a wrong column", "a.csv", "a,b,cc\n1,2,3\n", fault.UnknownField, `nearest known name is "c"`, nil},
		{"a column twice", "a.csv", "a,b,b\n1,2,3\n", fault.DuplicateField, "", nil},
		{"a wrong column", "a.parquet", table, fault.UnknownField, "unknown column", func(o *Options) { o.Model = other(t) }},
		{"a picture", "a", "\x89PNG\r\n\x1a\n\x00\x00", fault.UnsupportedMedia, "a picture", nil},
		{"a zip archive", "a.csv", "PK\x03\x04\x14\x00", fault.UnsupportedMedia, "zip", nil},
		{"bzip2", "a.csv.bz2", "BZh91AY&SY\x8a\x11", fault.UnsupportedMedia, "the file is packed with bzip2", nil},
		{"one JSON list", "a.json", `[{"a":1}]`, fault.UnsupportedMedia, "an object a line", nil},
		{"Parquet by its name only", "a.parquet", rows, fault.Malformed, "not Parquet", nil},
		{"Parquet that is said to be CSV", "a", table, fault.UnsupportedMedia, "is Parquet", func(o *Options) { o.Format = "csv" }},
		{"half a Parquet file", "a.parquet", table[:len(table)/2], fault.Malformed, "cut off", nil},
		{"Parquet with a broken page", "a.parquet", table[:40] + strings.Repeat("\xff", 400) + table[440:], fault.Malformed, "", nil},
		{"Parquet without a header", "a.parquet", table, fault.BadParameter, "has names", func(o *Options) { o.NoHeader = true }},
		{"Parquet in gzip", "a.parquet.gz", packWith(t, gz, table), fault.UnsupportedMedia, "from its end", nil},
	} {
		o := Options{Model: forest(t)}
		if test.change != nil {
			test.change(&o)
		}
		_, sum, err := scored(t, bytesOf(test.name, test.text), o)
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != test.want || !strings.Contains(e.Message, test.says) {
			t.Errorf("%s (%s): got %v after %d rows, want %s and %q", test.what, test.name, err, sum.Rows, test.want, test.says)
		}
		if ok && e.Code.Outcome() != fault.DeadLetter {
			t.Errorf("%s: is tried again: nothing will mend it", test.what)
		}
	}
}

// wideWindow packs with a window that is larger than what is held.
func wideWindow(t *testing.T, text string) string {
	t.Helper()
	return packWith(t, func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
		if err != nil {
			t.Fatal(err)
		}
		return z
	}, strings.Repeat(text, 20))
}

// TestBadRows: what is wrong with a row is the row's, and its neighbours have
// their answers.
func TestBadRows(t *testing.T) {
	m := forest(t)
	long := strings.Repeat("9", 10<<20)
	for _, test := range []struct {
		what, name, text string
		bad              map[int]fault.Code
		rows             int
	}{
		{"a line too short", "a.csv", header + "1,2,3\n1,2\n1,2,3\n", map[int]fault.Code{1: fault.WrongLength}, 3},
		{"a line too long", "a.csv", header + "1,2,3,4\n1,2,3\n", map[int]fault.Code{0: fault.WrongLength}, 2},
		{"a field of 10 MB", "a.csv", header + "1,2,3\n" + long + ",2,3\n1,2,3\n", map[int]fault.Code{1: fault.NotFinite}, 3},
		{"a field of 10 MB, of letters", "a.csv", header + "1,2,3\n" + strings.Repeat("x", 10<<20) + ",2,3\n1,2,3\n", map[int]fault.Code{1: fault.WrongType}, 3},
		{"a member of 10 MB", "a.jsonl", "{\"a\":1}\n{\"a\":\"" + long + "\"}\n{\"a\":1}\n", map[int]fault.Code{1: fault.WrongType}, 3},
		{"a line of 20 MB", "a.jsonl", "{\"a\":1}\n{\"a\":1" + strings.Repeat(" ", 20<<20) + "}\n{\"a\":1}\n", map[int]fault.Code{1: fault.TextTooLong}, 3},
		{"a line that is no JSON", "a.jsonl", "{\"a\":1}\nnonsense\n{\"a\":1}\n", map[int]fault.Code{1: fault.NotAnObject}, 3},
		{"a line that is not UTF-8", "a.jsonl", "{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":1}\n", map[int]fault.Code{1: fault.NotAnObject}, 3},
		{"an unknown member", "a.jsonl", "{\"a\":1}\n{\"aa\":1}\n", map[int]fault.Code{1: fault.UnknownField}, 2},
		{"two members of gzip", "a.csv.gz", packWith(t, gz, header+"1,2,3\n") + packWith(t, gz, "1,2\n"), map[int]fault.Code{1: fault.WrongLength}, 2},
	} {
		got, sum, err := scored(t, bytesOf(test.name, test.text), Options{Model: m})
		if err != nil || sum.Rows != test.rows || sum.Bad != len(test.bad) {
			t.Errorf("%s: got %d bad of %d rows and %v, want %d of %d", test.what, sum.Bad, sum.Rows, err, len(test.bad), test.rows)
			continue
		}
		for i, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
			want := `"prediction":`
			if code, bad := test.bad[i]; bad {
				want = `"error":{"code":"` + code.String() + `"`
			}
			if !strings.Contains(line, want) {
				t.Errorf("%s: row %d is %s, want %s in it", test.what, i, line, want)
			}
		}
	}
}

// TestReadersErrorsAreTheirOwn: a file that cannot be read is not said to be
// broken, whatever the library made of it, so that it is tried again.
func TestReadersErrorsAreTheirOwn(t *testing.T) {
	gone := errors.New("the store is gone")
	rows := header + numbers(100_000)
	for name, text := range map[string]string{
		"a.csv": rows, "a.csv.gz": packWith(t, func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, 0); return z }, rows),
		"a.jsonl": strings.Repeat("{\"a\":1}\n", 200_000), "a.parquet": parquetRows(t, 200_000, 1),
	} {
		for _, from := range []int64{0, 1000} {
			w := &watched{text: text, fails: func(at int64) error { return map[bool]error{true: gone}[at >= 200<<10] }}
			o := Options{Model: forest(t), From: from}
			var out strings.Builder
			_, err := Score(t.Context(), &File{Name: name, Size: int64(len(text)), At: w}, NewOutput(o.Model, o.Kind, CSV, &out), o)
			if from > 0 && strings.HasSuffix(name, "gz") {
				continue // there is nothing to read
			}
			if from > 0 && strings.HasSuffix(name, "parquet") {
				continue // nor here: its one row group begins before
			}
			if !errors.Is(err, gone) {
				t.Errorf("%s from %d: got %v, want %v", name, from, err, gone)
			}
		}
	}
}

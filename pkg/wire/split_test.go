package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// splitAll decodes the blocks of a text one after another.
func splitAll(s *Splitter, sc *schema.Schema, o Options, maxRows int) (all frame.Frame, err error) {
	all.Reset(sc.NumFeatures())
	var f frame.Frame
	var d Decoder
	var b Block
	for {
		if err = s.Next(&b); err != nil {
			return all, err
		}
		if e := d.Block(&b, sc, &o, &f); e != nil {
			return all, e
		}
		if f.Rows > maxRows {
			return all, fmt.Errorf("a block of %d rows, want at most %d", f.Rows, maxRows)
		}
		at := all.Rows
		for i := range f.Rows {
			copy(all.Append(), f.Row(i))
		}
		for _, e := range f.Faults {
			e.Row += at
			all.Fail(e)
		}
	}
}

// holdSplitter compares the blocks of a text with what a Reader gives: the
// source gives some bytes at once, 0 for all.
func holdSplitter(t *testing.T, how string, text []byte, s *schema.Schema, o Options, longest, chunk, size, rows int) {
	t.Helper()
	m := map[string]Media{"csv": CSV, "lines": NDJSON}[how]
	source := func() io.Reader {
		if chunk > 0 {
			return &chunks{text, chunk}
		}
		return bytes.NewReader(text)
	}
	reader := NewReader(source(), m, s, o)
	splitter := NewSplitter(source(), m, s, o, size, rows)
	reader.longest, splitter.longest = longest, longest
	want, wantErr := readAll(reader, 2, s.NumFeatures())
	got, err := splitAll(splitter, s, o, rows)
	switch {
	case wantErr != io.EOF && err != io.EOF && m == CSV && !utf8.Valid(text):
		// Either fails, perhaps of something else that is wrong as well.
	case err.Error() != wantErr.Error():
		t.Fatalf("%s %q, %d bytes, %d rows: got %v, want %v", how, text, size, rows, err, wantErr)
	case err == io.EOF:
		holdFrames(t, how, text, &got, &want)
	}
}

func TestSplitter(t *testing.T) {
	for _, s := range []*schema.Schema{mixed(t), flat(t, "a"), flat(t, irisNames...)} {
		for _, o := range []Options{{}, {IgnoreExtra: true}, {NoHeader: true}} {
			for _, c := range seeds() {
				if c.how != "csv" && c.how != "lines" {
					continue
				}
				for _, size := range []int{1, 64, 1000} {
					holdSplitter(t, c.how, []byte(c.body), s, o, MaxRecord, 0, size, 2)
				}
				holdSplitter(t, c.how, []byte(c.body), s, o, MaxRecord, 1, 7, 1)
			}
		}
	}
}

// TestSplitterQuotes: line ends in quotes end no record, wherever the block
// happens to end.
func TestSplitterQuotes(t *testing.T) {
	s, err := schema.New(schema.Document{Features: []schema.Feature{
		{Name: "c", Type: schema.Category, Categories: []string{"x\ny", "\"\n\"", ","}}, {Name: "a"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	rows := "\"x\ny\",1\n\"\"\"\n\"\"\",2\n\",\",3\r\n\n"
	text := "\n\"c\",a\n" + strings.Repeat(rows, 7)
	for size := 1; size < len(text)+2; size++ {
		for _, most := range []int{1, 2, 3, 100} {
			holdSplitter(t, "csv", []byte(text), s, Options{}, MaxRecord, 0, size, most)
		}
	}
	got, err := splitAll(NewSplitter(strings.NewReader(text), CSV, s, Options{}, 10, 2), s, Options{}, 2)
	if err != io.EOF || got.Rows != 21 || len(got.Faults) > 0 {
		t.Errorf("got %d rows, %v, %v", got.Rows, got.Faults, err)
	}
	for _, cut := range []string{`"x`, "\"x\ny\",1,\"", "\"x\"\ny\",1\n", `x"y`} {
		for size := 1; size < 60; size++ {
			holdSplitter(t, "csv", []byte("c,a\n"+rows+cut), s, Options{}, MaxRecord, 0, size, 2)
		}
	}
}

func TestSplitterRecord(t *testing.T) {
	s := flat(t, "a")
	for _, text := range []string{
		"{\"a\":1}\n{\"a\":2" + strings.Repeat(" ", 500) + "}\n{\"a\":3}\n",
		"{\"a\":1}\n{\"a\":2" + strings.Repeat(" ", 500),
		"{" + strings.Repeat(" ", 500) + "}\n{" + strings.Repeat(" ", 500) + "}\n{\"a\":1}",
		"{\"a\":1}\n{\"a\":2" + strings.Repeat(" ", 93) + "}\n{\"a\":3}\n",
		"{\"a\":1}\n{\"a\":2" + strings.Repeat(" ", 94) + "}\n{\"a\":3}\n",
	} {
		for _, size := range []int{1, 50, 99, 100, 101, 5000} {
			holdSplitter(t, "lines", []byte(text), s, Options{}, 100, 0, size, 2)
		}
	}
	for _, n := range []int{1, 90, 98, 99, 100, 101, 500} {
		for _, size := range []int{1, 50, 99, 100, 101, 5000} {
			holdSplitter(t, "csv", []byte("a\n1\n\""+strings.Repeat("\n", n)), s, Options{}, 100, 0, size, 2)
			holdSplitter(t, "csv", []byte("a\n1\n\""+strings.Repeat(" ", n)+"\"\n2\n"), s, Options{}, 100, 0, size, 2)
		}
	}
}

// TestSplitterErrors splits sources that fail.
func TestSplitterErrors(t *testing.T) {
	s := flat(t, "a")
	var b Block
	split := func(r io.Reader, m Media) *Splitter { return NewSplitter(r, m, s, Options{}, 100, 10) }
	if err := split(iotest.ErrReader(io.ErrClosedPipe), CSV).Next(&b); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
	half := io.MultiReader(strings.NewReader("a\n1\n2"), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := splitAll(split(half, CSV), s, Options{}, 10); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
	if got, err := splitAll(split(iotest.DataErrReader(strings.NewReader("a\n1\n2")), CSV), s, Options{}, 10); err != io.EOF || got.Rows != 2 {
		t.Errorf("got %d rows, %v", got.Rows, err)
	}
	if err := split(idle{}, NDJSON).Next(&b); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
	var e *fault.Error
	if err := split(strings.NewReader("{}"), JSON).Next(&b); !errors.As(err, &e) || e.Code != fault.UnsupportedMedia {
		t.Errorf("got %v", err)
	}
	last := split(strings.NewReader("a\n1\n"), CSV)
	if err := last.Next(&b); err != nil || b.Len() == 0 || b.Memory() < b.Len() {
		t.Errorf("got %v, %d bytes in %d", err, b.Len(), b.Memory())
	}
	for range 2 {
		if err := last.Next(&b); err != io.EOF {
			t.Errorf("got %v, want the end again", err)
		}
	}
	if b.Drop(); b.Memory() != 0 {
		t.Errorf("%d bytes are held", b.Memory())
	}
}

// TestBlockLeavesTheDecoder: the columns that blocks share are not written
// over by what the decoder reads next.
func TestBlockLeavesTheDecoder(t *testing.T) {
	s := flat(t, "a", "b")
	split := NewSplitter(strings.NewReader("b,a\n1,2\n3,4\n"), CSV, s, Options{}, 5, 1)
	var d Decoder
	var b Block
	var f frame.Frame
	var got []float64
	for split.Next(&b) == nil {
		if err := d.Block(&b, s, &Options{Limits: Limits{Rows: 1, Values: 1}}, &f); err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Values...)
		if _, err := d.Batch([]byte("a,b\n5,6\n"), CSV, s, &Options{}, &f); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != "[2 1 4 3]" {
		t.Errorf("got %v", got)
	}
}

func FuzzSplitter(f *testing.F) {
	for _, c := range seeds() {
		if c.how == "csv" || c.how == "lines" {
			f.Add(c.how == "csv", []byte(c.body), uint8(3), uint8(20), uint8(2))
		}
	}
	s := mixed(f)
	f.Fuzz(func(t *testing.T, isCSV bool, text []byte, chunk, size, rows uint8) {
		how := map[bool]string{true: "csv", false: "lines"}[isCSV]
		holdSplitter(t, how, text, s, Options{}, MaxRecord, int(chunk), int(size)+1, int(rows)+1)
	})
}

// TestSplitterRange: from any line on, and up to any offset, the records are
// those that begin there.
func TestSplitterRange(t *testing.T) {
	s := flat(t, "a", "b")
	lines := []string{"a,b\n", "1,2\n", "3,\"\n\"\n", "\n", "5,6\n", "7,8"}
	text := strings.Join(lines, "")
	all := NewSplitter(strings.NewReader(text), CSV, s, Options{}, 16, 2)
	if end, err := all.Header(); err != nil || end != int64(len(lines[0])) {
		t.Fatalf("the header ends at %d (%v)", end, err)
	}
	if got, err := splitAll(all, s, Options{}, 2); err != io.EOF || got.Rows != 4 {
		t.Errorf("behind the header: %d rows, %v", got.Rows, err)
	}
	at := int64(len(lines[0]))
	for from := 1; from < len(lines); from++ {
		for until := at; until <= int64(len(text)); until++ {
			want, begins := 0, at
			for _, line := range lines[from:] {
				if begins < until && line != "\n" {
					want++
				}
				begins += int64(len(line))
			}
			sp := NewSplitter(strings.NewReader(text), CSV, s, Options{}, 4, 2)
			if _, err := sp.Header(); err != nil {
				t.Fatal(err)
			}
			sp.Range(strings.NewReader(text[at:]), at, until)
			if got, err := splitAll(sp, s, Options{}, 2); err != io.EOF || got.Rows != want {
				t.Errorf("from %d until %d: got %d rows, %v, want %d", at, until, got.Rows, err, want)
			}
		}
		at += int64(len(lines[from]))
	}
}

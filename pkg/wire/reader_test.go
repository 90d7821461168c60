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

// readAll gathers what a Reader gives, so many rows at a time.
func readAll(r *Reader, maxRows int, cols int) (all frame.Frame, err error) {
	all.Reset(cols)
	var f frame.Frame
	for {
		at := r.Rows()
		if err = r.Next(&f, maxRows); err != nil {
			if f.Rows != 0 {
				return all, fmt.Errorf("%d rows come with %w", f.Rows, err)
			}
			return all, err
		}
		if f.Rows == 0 || f.Rows > maxRows || r.Rows() != at+f.Rows {
			return all, fmt.Errorf("%d rows, number %d after %d", f.Rows, r.Rows(), at)
		}
		for i := range f.Rows {
			copy(all.Append(), f.Row(i))
		}
		for _, e := range f.Faults {
			e.Row += at
			all.Fail(e)
		}
	}
}

// holdReader compares a Reader with the same text as one body: chunk is how
// many bytes its source gives at once, 0 for all.
func holdReader(t *testing.T, how string, text []byte, s *schema.Schema, o Options, chunk, maxRows int) {
	t.Helper()
	var d Decoder
	var want frame.Frame
	m := map[string]Media{"csv": CSV, "lines": NDJSON}[how]
	_, wantErr := d.Batch(text, m, s, &o, &want)
	var in io.Reader = bytes.NewReader(text)
	if chunk > 0 {
		in = &chunks{text, chunk}
	}
	got, err := readAll(NewReader(in, m, s, o), maxRows, s.NumFeatures())
	var e *fault.Error
	switch {
	case err == io.EOF:
		if wantErr != nil && !(wantErr.Code == fault.EmptyBody && (m == NDJSON || o.NoHeader)) {
			t.Fatalf("%s %q: got no error, want %v", how, text, wantErr)
		}
		holdFrames(t, how, text, &got, &want)
	case !errors.As(err, &e):
		t.Fatalf("%s %q: %v", how, text, err)
	case m == CSV && !utf8.Valid(text):
		// The body is looked at as a whole, the stream as it comes: either
		// fails, perhaps of something else that is wrong as well.
	case wantErr == nil || e.Code != wantErr.Code:
		t.Fatalf("%s %q: got %v, want %v", how, text, err, wantErr)
	}
}

// chunks gives a few bytes at a time.
type chunks struct {
	rest []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.n, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

func TestReader(t *testing.T) {
	for _, s := range []*schema.Schema{mixed(t), flat(t, "a"), flat(t, irisNames...)} {
		for _, o := range []Options{{}, {IgnoreExtra: true}, {NoHeader: true}} {
			for _, c := range seeds() {
				if c.how != "csv" && c.how != "lines" {
					continue
				}
				for _, chunk := range []int{0, 1, 7} {
					holdReader(t, c.how, []byte(c.body), s, o, chunk, 2)
				}
				holdReader(t, c.how, []byte(c.body), s, o, 3, 100)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range seeds() {
		if c.how == "csv" || c.how == "lines" {
			f.Add(c.how == "csv", []byte(c.body), uint8(3), uint8(2))
		}
	}
	s := mixed(f)
	f.Fuzz(func(t *testing.T, isCSV bool, text []byte, chunk, maxRows uint8) {
		how := map[bool]string{true: "csv", false: "lines"}[isCSV]
		holdReader(t, how, text, s, Options{}, int(chunk), int(maxRows)+1)
	})
}

// TestReaderLong reads more than a block, in bounded memory.
func TestReaderLong(t *testing.T) {
	b := newBodies(t, features30(), full)
	for m, text := range map[Media][]byte{CSV: b.csv(), NDJSON: append(b.lines(), '\n')} {
		header := []byte{}
		if m == CSV {
			at := bytes.IndexByte(text, '\n') + 1
			header, text = text[:at], text[at:]
		}
		r := NewReader(io.MultiReader(bytes.NewReader(header), bytes.NewReader(bytes.Repeat(text, 20))), m, b.s, Options{})
		got, err := readAll(r, 300, 30)
		if err != io.EOF || got.Rows != 20_000 || len(got.Faults) > 0 {
			t.Errorf("%v: got %d rows, %d faults, %v", m, got.Rows, len(got.Faults), err)
		}
		if cap(r.buf) > 4*readBlock {
			t.Errorf("%v: the buffer grew to %d bytes", m, cap(r.buf))
		}
		var d Decoder
		var one frame.Frame
		if _, err := d.Batch(append(header, text...), m, b.s, &Options{}, &one); err != nil {
			t.Fatal(err)
		}
		for i, x := range got.Values {
			if x != one.Values[i%len(one.Values)] {
				t.Fatalf("%v: value %d: got %v, want %v", m, i, x, one.Values[i%len(one.Values)])
			}
		}
	}
}

// TestReaderRecord is about lines beyond the limit.
func TestReaderRecord(t *testing.T) {
	s := flat(t, "a")
	long := strings.Repeat(" ", 3*readBlock)
	for _, c := range []struct {
		name, text string
		m          Media
		rows       string
	}{
		{"a line", "{\"a\":1}\n{\"a\":2" + long + "}\n{\"a\":3}\n", NDJSON, "[1][NaN][3] 1:text_too_long::bytes=1000:the line is longer than 1000 bytes"},
		{"the last line", "{\"a\":1}\n{\"a\":2" + long, NDJSON, "[1][NaN] 1:text_too_long::bytes=1000:the line is longer than 1000 bytes"},
		{"two lines", "{" + long + "}\n{" + long + "}\n", NDJSON, "[NaN][NaN] 0:text_too_long::bytes=1000:the line is longer than 1000 bytes 1:text_too_long::bytes=1000:the line is longer than 1000 bytes"},
		{"a record", "a\n1\n\"" + long, CSV, "too_large: the record at byte 4 is longer than 1000 bytes: is a quote left open?"},
	} {
		r := NewReader(strings.NewReader(c.text), c.m, s, Options{})
		r.longest = 1000
		f, err := readAll(r, 100, 1)
		got := told(nil, nil, &f)
		if err != io.EOF {
			got = err.Error()
		}
		if got != c.rows {
			t.Errorf("%s: got %s, want %s", c.name, got, c.rows)
		}
	}
}

// TestReaderErrors reads from sources that fail.
func TestReaderErrors(t *testing.T) {
	s := flat(t, "a")
	var f frame.Frame
	if err := NewReader(iotest.ErrReader(io.ErrClosedPipe), CSV, s, Options{}).Next(&f, 10); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
	half := io.MultiReader(strings.NewReader("a\n1\n2"), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := readAll(NewReader(half, CSV, s, Options{}), 10, 1); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
	if _, err := readAll(NewReader(iotest.DataErrReader(strings.NewReader("a\n1\n2")), CSV, s, Options{}), 10, 1); err != io.EOF {
		t.Errorf("got %v", err)
	}
	if err := NewReader(idle{}, CSV, s, Options{}).Next(&f, 10); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
	var e *fault.Error
	if err := NewReader(strings.NewReader("{}"), JSON, s, Options{}).Next(&f, 10); !errors.As(err, &e) || e.Code != fault.UnsupportedMedia {
		t.Errorf("got %v", err)
	}
	deep := "a\n" + strings.Repeat("1\n", readBlock) + "\"x\"y\n"
	_, err := readAll(NewReader(strings.NewReader(deep), CSV, s, Options{}), 1000, 1)
	if want := fmt.Sprintf("malformed: the body cannot be read at byte %d: text after the closing quote of a cell", len(deep)-2); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

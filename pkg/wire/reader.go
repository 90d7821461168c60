package wire

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

const (
	// readBlock is how much a Reader asks its source for at once, in bytes, as
	// long as no record is larger.
	readBlock = 256 << 10
	// MaxRecord is the longest line or record that a Reader takes, in bytes: as
	// much as the largest body by default, and room for 65,535 features.
	MaxRecord = 16 << 20
)

// maxIdle is how often in a row a source may give neither bytes nor an error.
const maxIdle = 100

// Reader reads rows of a file or object, CSV or NDJSON, a block at a time, in
// memory that is bounded by the largest record and the rows asked for.
type Reader struct {
	d       Decoder
	in      io.Reader
	m       Media
	s       *schema.Schema
	o       Options
	longest int // bytes of one record

	buf    []byte // what is read and not yet decoded: buf[from:]
	from   int
	ready  int   // end of the last record that is known to be complete
	looked int   // end of what complete has looked at
	quotes int   // and how many quotes there were
	base   int64 // offset of buf[0] in the input
	eof    bool
	idle   int
	err    error // ends the reading for good

	header bool // the CSV header was read
	skip   bool // inside a line that is too long
	rows   int  // given out
}

// NewReader reads rows of form m (CSV or NDJSON) from r. Of o.Limits only
// Depth and Text matter: Next is told how many rows it may read.
func NewReader(r io.Reader, m Media, s *schema.Schema, o Options) *Reader {
	o.Limits.Rows, o.Limits.Values = 0, 0
	return &Reader{in: r, m: m, s: s, o: o, longest: MaxRecord}
}

// Rows is the number of rows that Next has given so far, which is the number
// of the first row of the next frame.
func (r *Reader) Rows() int { return r.rows }

// Next reads up to maxRows rows into f, which it resets. At the end it returns
// io.EOF and no rows. Any other error is final and comes without rows: a
// *fault.Error if the text cannot be read on, with the byte's offset in the
// input, or the source's own.
//
// In NDJSON a line of more than 16 MiB is its row's fault; in CSV, where such a
// record may be an open quote, it ends the reading.
func (r *Reader) Next(f *frame.Frame, maxRows int) error {
	f.Reset(r.s.NumFeatures())
	if r.m == JSON {
		return fault.New(fault.UnsupportedMedia, "a JSON document is not read row by row: use CSV or NDJSON")
	}
	for r.err == nil && f.Rows < maxRows {
		switch {
		case r.from < r.ready:
			r.err = r.decode(f, maxRows)
		case r.complete():
			r.err = r.check()
		case r.eof:
			r.err = r.atEnd()
		default:
			r.err = r.fill(f)
		}
	}
	if f.Rows > 0 && (r.err == nil || r.err == io.EOF) {
		r.rows += f.Rows
		return nil
	}
	if r.err != nil {
		f.Reset(f.Cols)
	}
	return r.err
}

// atEnd is the error after the last row.
func (r *Reader) atEnd() error {
	if r.m == CSV && !r.header && !r.o.NoHeader {
		return fault.New(fault.EmptyBody, "there is no header: send one, and rows")
	}
	return io.EOF
}

// complete looks for the end of the last complete record in the buffer, and
// says whether there is a new one. It looks at every byte once.
func (r *Reader) complete() bool {
	text := r.buf[r.looked:]
	switch {
	case r.eof:
		r.ready = len(r.buf)
	case r.m == NDJSON:
		if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
			r.ready = r.looked + n + 1
		}
	default:
		if n := r.wholeRecords(text); n > 0 {
			r.ready = r.looked + n
		}
	}
	r.looked = len(r.buf)
	return r.from < r.ready
}

// wholeRecords is the length of text up to the end of its last complete CSV
// record, or 0: a line end ends a record if the quotes before it come in pairs.
func (r *Reader) wholeRecords(text []byte) (end int) {
	for p := 0; ; {
		n := bytes.IndexByte(text[p:], '\n')
		if n < 0 {
			r.quotes += bytes.Count(text[p:], []byte{'"'})
			return end
		}
		r.quotes += bytes.Count(text[p:p+n], []byte{'"'})
		if p += n + 1; r.quotes%2 == 0 {
			end = p
		}
	}
}

// check looks once at what a new stretch of complete records must be.
func (r *Reader) check() error {
	first := r.base+int64(r.from) == 0 && bytes.HasPrefix(r.buf, bom)
	d := &r.d
	r.begin(nil)
	switch {
	case r.m == CSV && !utf8.Valid(r.buf[r.from:r.ready]):
		d.validText(r.from)
	case first && r.m == NDJSON:
		d.malformed(0, "a byte order mark: send UTF-8 without one")
	case first:
		r.from = len(bom)
	}
	return r.end()
}

func longRecord(at int64, limit int) *fault.Error {
	return fault.New(fault.TooLarge, "the record at byte %d is longer than %d bytes: is a quote left open?", at, limit)
}

func (r *Reader) begin(f *frame.Frame) {
	r.d.begin(r.buf[:r.ready], r.s, &r.o, f)
	r.d.base, r.d.longest = r.base, r.longest
}

func (r *Reader) end() error {
	if err := r.d.end(); err != nil {
		return err
	}
	return nil
}

// decode reads complete records, behind those that f has already.
func (r *Reader) decode(f *frame.Frame, maxRows int) error {
	r.begin(f)
	d := &r.d
	if r.m == NDJSON {
		r.from = d.lines(r.from, maxRows)
		return r.end()
	}
	if !r.header && !r.o.NoHeader {
		if r.from = d.blankLines(r.from); r.from == r.ready {
			return r.end()
		}
	}
	if !r.header {
		r.from = d.csvHeader(r.from)
		r.header = true
	}
	if r.from >= 0 {
		r.from = d.csvRows(r.from, maxRows)
	}
	return r.end()
}

// fill reads another block behind what is left.
func (r *Reader) fill(f *frame.Frame) error {
	r.drop(r.from)
	if len(r.buf) > r.longest {
		if r.m == CSV {
			return longRecord(r.base, r.longest)
		}
		if !r.skip {
			r.longLine(f)
		}
		r.skip = true
		r.drop(len(r.buf))
	}
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, max(2*cap(r.buf), readBlock)), r.buf...)
	}
	n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if r.idle++; n > 0 {
		r.idle = 0
	}
	switch {
	case err == io.EOF:
		r.eof, err = true, nil
	case err == nil && r.idle >= maxIdle:
		err = io.ErrNoProgress
	}
	if r.skip {
		r.dropLine()
	}
	return err
}

// drop throws the first bytes of the buffer away.
func (r *Reader) drop(n int) {
	r.base += int64(n)
	r.buf = r.buf[:copy(r.buf, r.buf[n:])]
	r.from, r.ready, r.looked = 0, 0, max(0, r.looked-n)
}

// dropLine throws away what belongs to a line that is too long.
func (r *Reader) dropLine() {
	n := bytes.IndexByte(r.buf, '\n') + 1
	r.skip = n == 0
	if r.skip {
		n = len(r.buf)
	}
	r.drop(n)
}

// longLine adds a row for a line that is passed over.
func (r *Reader) longLine(f *frame.Frame) {
	row := f.Append()
	f.Fail(longLine(row, f.Rows-1, r.longest))
}

// longLine is the fault of a line beyond its limit.
func longLine(row []float64, r, limit int) fault.Error {
	blank(row)
	return fault.Error{Code: fault.TextTooLong, Row: r, Rule: limitRule(limit),
		Message: "the line is longer than " + strconv.Itoa(limit) + " bytes"}
}

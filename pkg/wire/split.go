package wire

import (
	"bytes"
	"io"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// Splitter cuts the text of a file, CSV or NDJSON, into blocks of whole
// records, so that several goroutines can decode blocks at once. It looks for
// line ends, counts quotes and reads the CSV header; all else is left to
// Decoder.Block. The blocks, decoded one after another, give the rows, faults
// and errors that a Reader gives, which is the slow twin.
//
// Where a block ends is told by its last bytes alone, but for CSV with quotes:
// a line end is a record's if the quotes before it come in pairs, so quotes
// are counted from the block's beginning, which is a record's.
type Splitter struct {
	d       Decoder // for the header
	in      io.Reader
	m       Media
	s       *schema.Schema
	o       Options
	longest int // bytes of one record
	bytes   int // of a block, as long as no record is larger
	rows    int // of a block

	rest []byte // read and not yet in a block
	base int64  // offset of rest[0] in the input
	idle int
	eof  bool
	skip bool  // inside a line that is too long
	err  error // ends the splitting for good

	until   int64 // records that begin there, or behind, are left; 0: none
	header  bool  // columns are known
	columns []int32
	found   int
}

// Block is a piece of a file: whole records, or the remark that there is a
// line too long to be held. Its memory is reused by Splitter.Next.
type Block struct {
	text    []byte
	from    int   // where records begin: behind a header
	base    int64 // offset of text[0] in the input
	long    bool  // a row that is too long, and no text
	m       Media
	longest int
	columns []int32 // of CSV, shared
	found   int
}

// Len is the number of bytes of the block's text, and Memory what it holds.
func (b *Block) Len() int    { return len(b.text) }
func (b *Block) Memory() int { return cap(b.text) }

// Drop lets go of the block's memory.
func (b *Block) Drop() { *b = Block{} }

// NewSplitter cuts r, text of form m (CSV or NDJSON), into blocks of at most
// so many rows and about so many bytes: a longer record is a block alone. Of
// o.Limits only Depth and Text matter, to whoever decodes the blocks.
func NewSplitter(r io.Reader, m Media, s *schema.Schema, o Options, bytes, rows int) *Splitter {
	o.Limits.Rows, o.Limits.Values = 0, 0
	return &Splitter{in: r, m: m, s: s, o: o, longest: MaxRecord, bytes: bytes, rows: max(1, rows),
		header: m != CSV}
}

// Header reads the header of CSV, if one is to be read, and returns the offset
// behind it, where rows begin. Its errors are those of Next.
func (s *Splitter) Header() (end int64, err error) {
	var b Block
	for s.err == nil && !s.header {
		s.err = s.fill(&b)
		if s.err == nil && len(b.text) > 0 {
			s.err = s.readHeader(&b)
		}
	}
	if b.from < len(b.text) {
		s.rest = append(b.text[b.from:len(b.text):len(b.text)], s.rest...)
		s.base = b.base + int64(b.from)
	}
	return s.base, s.err
}

// Range leaves the input, and goes on with r, which is its text from offset at
// on, where a record begins. The last record is that which begins before
// offset until. It is called behind Header.
func (s *Splitter) Range(r io.Reader, at, until int64) {
	s.in, s.base, s.until = r, at, until
	s.rest, s.idle, s.eof = nil, 0, false
}

// Next puts the next records into b. At the end it returns io.EOF; any other
// error is final, as Reader.Next's are. A block may turn out to hold no rows.
func (s *Splitter) Next(b *Block) error {
	if s.m == JSON {
		return fault.New(fault.UnsupportedMedia, "a JSON document is not read row by row: use CSV or NDJSON")
	}
	for s.err == nil {
		s.err = s.fill(b)
		if s.err != nil || len(b.text) == 0 && !b.long {
			continue
		}
		if !s.header {
			s.err = s.readHeader(b)
			if s.err != nil || !s.header {
				continue
			}
		}
		b.m, b.longest, b.columns, b.found = s.m, s.longest, s.columns, s.found
		return nil
	}
	return s.err
}

// fill reads a block. A text that is empty, without an error, means that a
// long line was passed over.
func (s *Splitter) fill(b *Block) error {
	b.from, b.long = 0, false
	if s.until > 0 && s.base >= s.until {
		return io.EOF
	}
	b.text, b.base = append(b.text[:0], s.rest...), s.base
	s.rest = s.rest[:0]
	for want := s.bytes; ; want = min(2*want, s.longest+s.bytes) {
		if err := s.read(b, want); err != nil {
			return err
		}
		if s.skip {
			s.dropLine(b)
			return nil
		}
		if end := s.cut(b.text); end > 0 {
			if s.until > 0 && b.base+int64(end) > s.until {
				end = s.begun(b.text[:end], int(s.until-b.base))
			}
			s.keep(b, end)
			return nil
		}
		if len(b.text) > s.longest {
			return s.tooLong(b)
		}
		if s.eof {
			return s.atEnd()
		}
	}
}

// read fills b up to want bytes, or to the end of the input.
func (s *Splitter) read(b *Block, want int) error {
	if cap(b.text) < want {
		b.text = append(make([]byte, 0, want), b.text...)
	}
	for len(b.text) < want && !s.eof {
		n, err := s.in.Read(b.text[len(b.text):want])
		b.text = b.text[:len(b.text)+n]
		if s.idle++; n > 0 {
			s.idle = 0
		}
		switch {
		case err == io.EOF:
			s.eof = true
		case err != nil:
			return err
		case s.idle >= maxIdle:
			return io.ErrNoProgress
		}
	}
	return nil
}

// keep ends the block at end; what is behind it begins the next one.
func (s *Splitter) keep(b *Block, end int) {
	s.rest = append(s.rest[:0], b.text[end:]...)
	s.base = b.base + int64(end)
	b.text = b.text[:end]
}

// atEnd is the error after the last record.
func (s *Splitter) atEnd() error {
	if !s.header && !s.o.NoHeader {
		return fault.New(fault.EmptyBody, "there is no header: send one, and rows")
	}
	return io.EOF
}

// tooLong is about a text that has no record's end within the limit.
func (s *Splitter) tooLong(b *Block) error {
	if s.m == CSV {
		return longRecord(b.base, s.longest)
	}
	b.long, s.skip = true, true
	s.base = b.base + int64(len(b.text))
	b.text = b.text[:0]
	return nil
}

// dropLine throws away what belongs to a line that is too long.
func (s *Splitter) dropLine(b *Block) {
	n := bytes.IndexByte(b.text, '\n') + 1
	if s.skip = n == 0 && !s.eof; n == 0 {
		n = len(b.text)
	}
	s.keep(b, n)
	b.text = b.text[:0]
}

// cut is the length of the whole records, at most s.rows of them, with which
// text begins; at the end of the input all records are whole.
func (s *Splitter) cut(text []byte) int {
	ends := bytes.Count(text, newline)
	if ends > s.rows || ends == s.rows && text[len(text)-1] != '\n' {
		return s.first(text)
	}
	return s.tail(text, s.last(text))
}

// tail adds to the records that end at end, at the end of the input, the last
// one, which nothing ends; of CSV only within the limit.
func (s *Splitter) tail(text []byte, end int) int {
	if s.eof && (s.m != CSV || len(text)-end <= s.longest) {
		return len(text)
	}
	return end
}

var newline = []byte{'\n'}

// last is the end of the last whole record, or 0.
func (s *Splitter) last(text []byte) int {
	end := bytes.LastIndexByte(text, '\n') + 1
	if s.m != CSV {
		return end
	}
	quotes := bytes.Count(text[:end], quote)
	for end > 0 && quotes%2 != 0 {
		before := bytes.LastIndexByte(text[:end-1], '\n') + 1
		quotes -= bytes.Count(text[before:end], quote)
		end = before
	}
	return end
}

var quote = []byte{'"'}

// first is the end of as many whole records as a block may have; there are
// line ends enough, but some may stand in quotes.
func (s *Splitter) first(text []byte) (end int) {
	quotes := 0
	for p, n := 0, 0; n < s.rows; {
		length := bytes.IndexByte(text[p:], '\n') + 1
		if length == 0 {
			return s.tail(text, end)
		}
		if s.m == CSV {
			quotes += bytes.Count(text[p:p+length], quote)
		}
		if p += length; quotes%2 == 0 {
			end = p
			n++
		}
	}
	return end
}

// begun is the end of the last record of text, whole ones, that begins before
// offset limit.
func (s *Splitter) begun(text []byte, limit int) int {
	quotes := 0
	for p := 0; p < len(text); {
		length := bytes.IndexByte(text[p:], '\n') + 1
		if length == 0 {
			break
		}
		if s.m == CSV {
			quotes += bytes.Count(text[p:p+length], quote)
		}
		if p += length; p >= limit && quotes%2 == 0 {
			return p
		}
	}
	return len(text)
}

// readHeader reads the header from the first block that has more than blank
// lines.
func (s *Splitter) readHeader(b *Block) error {
	d := &s.d
	d.begin(b.text, s.s, &s.o, nil)
	d.base, d.longest = b.base, s.longest
	if !utf8.Valid(b.text) {
		d.validText(0)
	}
	if b.base == 0 && bytes.HasPrefix(b.text, bom) {
		b.from = len(bom)
	}
	if !s.o.NoHeader {
		b.from = d.blankLines(b.from)
	}
	if d.err == nil && (b.from < len(b.text) || s.o.NoHeader) {
		b.from = d.csvHeader(b.from)
		s.header, s.columns, s.found = true, d.columns, d.found
	}
	if err := d.end(); err != nil {
		return err
	}
	return nil
}

// Block reads the rows of a block into f (which it resets). Its error is one
// of the whole file.
func (d *Decoder) Block(b *Block, s *schema.Schema, o *Options, f *frame.Frame) *fault.Error {
	f.Reset(s.NumFeatures())
	if b.long {
		row := f.Append()
		f.Fail(longLine(row, 0, b.longest))
		return nil
	}
	unlimited := *o
	unlimited.Limits.Rows, unlimited.Limits.Values = 0, 0
	d.begin(b.text, s, &unlimited, f)
	d.base, d.longest = b.base, b.longest
	switch {
	case b.m == NDJSON && b.base == 0 && bytes.HasPrefix(b.text, bom):
		d.malformed(0, "a byte order mark: send UTF-8 without one")
	case b.m == NDJSON:
		d.lines(0, 0)
	case !utf8.Valid(b.text):
		d.validText(0)
	default:
		own := d.columns
		d.columns, d.found = b.columns, b.found
		d.csvRows(b.from, 0)
		d.columns = own
	}
	return d.end()
}

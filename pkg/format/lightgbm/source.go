package lightgbm

import (
	"bytes"
	"errors"
	"io"

	"example.com/copse/pkg/format/readerr"
)

// window is how much of the file is held at once. A word (a number, a name)
// must fit into it; a line, which may have millions of numbers, need not.
const window = 64 << 10

// source takes a file apart into lines and words, in one pass.
//
// Invariant: buf[end] is a line feed, so a loop over a word stops there without
// looking at end; whoever stops at end asks for more.
type source struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // where buf[0] stands in the file
	eof      bool
	failed   error // of the reader
}

func newSource(r io.Reader) *source {
	s := &source{r: r, buf: make([]byte, window+slack)}
	s.buf[0] = '\n'
	return s
}

// offset is where the next byte stands in the file.
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// more reads on behind what is held from keep on, which moves to the front.
// There is nothing more at the end of the file, or if what is kept fills the
// window.
func (s *source) more(keep int) bool {
	if s.eof || keep == 0 && s.end == window {
		return false
	}
	if keep > 0 {
		copy(s.buf, s.buf[keep:s.end])
	}
	s.base += int64(keep)
	s.pos -= keep
	s.end -= keep
	s.buf[s.end] = '\n'
	// A reader that gives neither bytes nor an error too often is broken.
	for tries := 0; tries < 100; tries++ {
		n, err := s.r.Read(s.buf[s.end:window])
		s.end += n
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.failed = err
			}
		}
		if n > 0 || err != nil {
			s.buf[s.end] = '\n'
			return n > 0
		}
	}
	s.eof, s.failed = true, io.ErrNoProgress
	return false
}

// done says whether the file is at its end.
func (s *source) done() bool { return s.pos == s.end && !s.more(s.pos) }

// word is what stands up to the next space or the end of the line, and without
// spaces before it; empty at the end of the line. It holds until the next call.
func (s *source) word() ([]byte, error) { return s.upTo(' ') }

// upTo is word for words that stop ends too; the stop itself is not consumed,
// unless it stands at the very start.
func (s *source) upTo(stop byte) ([]byte, error) {
	for {
		for s.buf[s.pos] == ' ' || s.buf[s.pos] == stop {
			s.pos++
		}
		if s.pos < s.end || !s.more(s.pos) {
			break
		}
	}
	for p := s.pos; ; {
		for c := s.buf[p]; c > ' ' && c != stop || c < ' ' && c != '\n' && c != '\r'; c = s.buf[p] {
			p++
		}
		if p < s.end || s.eof {
			word := s.buf[s.pos:p]
			s.pos = p
			return word, nil
		}
		read := p - s.pos
		if !s.more(s.pos) && !s.eof {
			return nil, s.failAt("a word is longer than %d bytes", window)
		}
		p = s.pos + read
	}
}

// key is the line's text up to =, which is consumed, or up to its end. It is
// cut off where it is longer than any that is known. It holds until the next
// call.
func (s *source) key() (key []byte, assigned bool) {
	const longest = 64
	for s.end-s.pos < longest && s.more(s.pos) {
	}
	line := s.buf[s.pos:min(s.pos+longest, s.end)]
	for i, c := range line {
		switch c {
		case '=':
			s.pos += i + 1
			return line[:i], true
		case '\r', '\n':
			s.pos += i
			return line[:i], false
		}
	}
	s.pos += len(line)
	return line, false
}

// starts says whether the line goes on with text, and consumes it then.
func (s *source) starts(text string) bool {
	for s.end-s.pos < len(text) && s.more(s.pos) {
	}
	if !bytes.HasPrefix(s.buf[s.pos:s.end], []byte(text)) {
		return false
	}
	s.pos += len(text)
	return true
}

// nextLine goes to the start of the next line.
func (s *source) nextLine() {
	for {
		if i := bytes.IndexByte(s.buf[s.pos:s.end], '\n'); i >= 0 {
			s.pos += i + 1
			return
		}
		s.pos = s.end
		if !s.more(s.pos) {
			return
		}
	}
}

// Read gives the rest of the line, so that another parser may read it.
func (s *source) Read(p []byte) (int, error) {
	if s.done() {
		return 0, io.EOF
	}
	n := copy(p, s.buf[s.pos:s.end])
	if i := bytes.IndexByte(p[:n], '\n'); i >= 0 {
		n = i
	}
	s.pos += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// failAt is an error at the next byte.
func (s *source) failAt(reason string, args ...any) *readerr.Error {
	e := readerr.New(Library, reason, args...)
	e.Offset = s.offset()
	return e
}

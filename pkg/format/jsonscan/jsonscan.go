// Package jsonscan walks the JSON text of a model file token by token, in one
// pass and in no more memory than its longest text. It is for readers of
// model files: it keeps the first error, a *readerr.Error with the place.
package jsonscan

import (
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/format/readerr"
)

// MaxText bounds names and texts that are kept, in bytes.
const MaxText = 64 << 10

// Scanner walks a text. After an error every method does nothing and returns
// zero values, so that only End needs to be asked.
type Scanner struct {
	dec    *jsontext.Decoder
	format string
	entry  string
	err    error
}

// New scans r, which is a file of the format, or its entry of that name.
func New(r io.Reader, format, entry string) *Scanner {
	return &Scanner{dec: jsontext.NewDecoder(r), format: format, entry: entry}
}

// Err is the first error, or nil.
func (s *Scanner) Err() error { return s.err }

// Fail keeps an error at the current place, unless there is one already.
func (s *Scanner) Fail(reason string, args ...any) {
	if s.err != nil {
		return
	}
	e := readerr.New(s.format, reason, args...)
	e.Path = s.entry + Clip(string(s.dec.StackPointer()))
	e.Offset = s.dec.InputOffset()
	s.err = e
}

// Clip shortens a text of the file for an error, which is one line.
func Clip(s string) string {
	const longest = 64
	return readerr.Plain(readerr.Clip(s, longest))
}

// token reads the next token, which must be of the kind.
func (s *Scanner) token(kind jsontext.Kind) jsontext.Token {
	if s.err != nil {
		return jsontext.Token{}
	}
	t, err := s.dec.ReadToken()
	if err != nil {
		s.syntax(err)
		return jsontext.Token{}
	}
	if t.Kind() != kind {
		s.Fail("is a JSON %s where %s writes something else", t.Kind(), s.format)
		return jsontext.Token{}
	}
	return t
}

// syntax explains what is wrong without repeating the text.
func (s *Scanner) syntax(err error) {
	s.Fail("not the JSON that %s writes", s.format)
	var e *readerr.Error
	if !errors.As(s.err, &e) {
		return
	}
	var bad *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "the text breaks off"
	case errors.As(err, &bad):
		e.Err, e.Offset = bad.Err, bad.ByteOffset
	default:
		e.Reason, e.Err = "reading failed", err
	}
}

// Next is the kind of the next value: '{', '[', '"', '0', 't', 'f', 'n'.
func (s *Scanner) Next() jsontext.Kind {
	if s.err != nil {
		return 0
	}
	return s.dec.PeekKind()
}

// Skip reads one value and forgets it.
func (s *Scanner) Skip() {
	if s.err != nil {
		return
	}
	if err := s.dec.SkipValue(); err != nil {
		s.syntax(err)
	}
}

// Null reads a null, if that is what comes next.
func (s *Scanner) Null() bool {
	if s.Next() != 'n' {
		return false
	}
	s.Skip()
	return true
}

// Object calls member for each name; member reads the value.
func (s *Scanner) Object(member func(name string)) {
	s.token('{')
	for s.err == nil && s.dec.PeekKind() != '}' {
		if name := s.Text(); s.err == nil {
			member(name)
		}
	}
	s.token('}')
}

// Array calls element for each of a list's values; element reads it.
func (s *Scanner) Array(element func()) {
	s.token('[')
	for s.err == nil && s.dec.PeekKind() != ']' {
		element()
	}
	s.token(']')
}

// Text reads a text of at most MaxText bytes.
func (s *Scanner) Text() string {
	t := s.token('"')
	if s.err != nil {
		return ""
	}
	text := t.String()
	if len(text) > MaxText {
		s.Fail("a text of more than %d bytes", MaxText)
		return ""
	}
	return text
}

// Number reads a finite float64, correctly rounded.
func (s *Scanner) Number() float64 {
	t := s.token('0')
	if s.err != nil {
		return 0
	}
	x, err := strconv.ParseFloat(t.String(), 64)
	if err != nil || math.IsInf(x, 0) {
		s.Fail("a number that float64 cannot hold")
		return 0
	}
	return x
}

// Integer reads a whole number from 0 to most.
func (s *Scanner) Integer(most int64) int64 {
	t := s.token('0')
	if s.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(t.String(), 10, 64)
	if err != nil || n < 0 || n > most {
		s.Fail("must be a whole number from 0 to %d", most)
		return 0
	}
	return n
}

// Boolean reads true or false.
func (s *Scanner) Boolean() bool {
	if s.Next() == 't' {
		s.Skip()
		return true
	}
	s.token('f')
	return false
}

// End demands that nothing follows and returns the first error.
func (s *Scanner) End() error {
	if s.err != nil {
		return s.err
	}
	if _, err := s.dec.ReadToken(); err != io.EOF {
		s.Fail("more than one JSON value")
	}
	return s.err
}

package golearn

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/format/readerr"
)

// scanner walks a JSON text token by token and keeps the first error, so that
// reading a tree costs no more memory than the tree.
type scanner struct {
	dec   *jsontext.Decoder
	entry string
	err   error
}

func scan(entry string, data []byte) *scanner {
	return &scanner{dec: jsontext.NewDecoder(bytes.NewBuffer(data)), entry: entry}
}

// fail keeps an error at the current place, unless there is one already.
func (s *scanner) fail(reason string, args ...any) {
	if s.err != nil {
		return
	}
	e := failAt(s.entry, reason, args...)
	if p := string(s.dec.StackPointer()); p != "" {
		e.Path += clip(p)
	}
	e.Offset = s.dec.InputOffset()
	s.err = e
}

// token reads the next token, which must be of one of the kinds.
func (s *scanner) token(kinds ...jsontext.Kind) jsontext.Token {
	if s.err != nil {
		return jsontext.Token{}
	}
	t, err := s.dec.ReadToken()
	if err != nil {
		s.syntax(err)
		return jsontext.Token{}
	}
	for _, k := range kinds {
		if t.Kind() == k {
			return t
		}
	}
	s.fail("is a JSON %s where golearn writes something else", t.Kind())
	return jsontext.Token{}
}

// syntax explains what is wrong without repeating the text.
func (s *scanner) syntax(err error) {
	s.fail("not the JSON that golearn writes")
	var e *readerr.Error
	var syntax *jsontext.SyntacticError
	if errors.As(s.err, &e) && errors.As(err, &syntax) {
		e.Err, e.Offset = syntax.Err, syntax.ByteOffset
	}
}

// skip reads one value and forgets it.
func (s *scanner) skip() {
	if s.err != nil {
		return
	}
	if err := s.dec.SkipValue(); err != nil {
		s.syntax(err)
	}
}

// isNull reads a null, if that is what comes next.
func (s *scanner) isNull() bool {
	if s.err != nil || s.dec.PeekKind() != 'n' {
		return false
	}
	s.skip()
	return true
}

// object calls member for each name; member reads the value.
func (s *scanner) object(member func(name string)) {
	s.token('{')
	for s.err == nil && s.dec.PeekKind() != '}' {
		name := s.text()
		if s.err == nil {
			member(name)
		}
	}
	s.token('}')
}

// array calls element for each of a list's values; element reads it.
func (s *scanner) array(element func()) {
	s.token('[')
	for s.err == nil && s.dec.PeekKind() != ']' {
		element()
	}
	s.token(']')
}

// text reads a string of bounded length.
func (s *scanner) text() string {
	t := s.token('"')
	if s.err != nil {
		return ""
	}
	text := t.String()
	if len(text) > maxText {
		s.fail("a text of more than %d bytes", maxText)
		return ""
	}
	return text
}

// number reads a finite float64, to the bit as encoding/json does.
func (s *scanner) number() float64 {
	t := s.token('0')
	if s.err != nil {
		return 0
	}
	x, err := strconv.ParseFloat(t.String(), 64)
	if err != nil || math.IsInf(x, 0) {
		s.fail("a number that float64 cannot hold")
		return 0
	}
	return x
}

// integer reads a whole number from 0 to most.
func (s *scanner) integer(most int64) int64 {
	t := s.token('0')
	if s.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(t.String(), 10, 64)
	if err != nil || n < 0 || n > most {
		s.fail("must be a whole number from 0 to %d", most)
		return 0
	}
	return n
}

// end demands that nothing follows and returns the first error.
func (s *scanner) end() error {
	if s.err != nil {
		return s.err
	}
	if _, err := s.dec.ReadToken(); err != io.EOF {
		s.fail("more than one JSON value")
	}
	return s.err
}

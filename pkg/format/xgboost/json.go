package xgboost

import (
	"bytes"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonSyntax reads JSON.
type jsonSyntax struct {
	*input
	scalar scalar
	held   []byte // the last text
	first  bool   // nothing was read yet of the innermost object or array
	number decimal
}

func newJSON(in *input) *jsonSyntax { return &jsonSyntax{input: in} }

// space skips white space and returns the byte after it.
func (j *jsonSyntax) space() (byte, bool) {
	for {
		c, ok := j.next()
		if !ok || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, ok
		}
		j.pos++
	}
}

func (j *jsonSyntax) value(keep bool) (token, *scalar) {
	c, ok := j.space()
	if !ok {
		return nothing, nil
	}
	switch {
	case c == '{' || c == '[':
		j.pos++
		j.first = true
		if c == '{' {
			return object, nil
		}
		return array, nil
	case c == '"':
		j.pos++
		j.readText(keep)
		j.scalar.text = j.held
		return j.unless(text), &j.scalar
	case c == 't':
		return j.word("true", truth, true), &j.scalar
	case c == 'f':
		return j.word("false", truth, false), &j.scalar
	case c == 'n':
		return j.word("null", null, false), &j.scalar
	}
	raw := j.scanNumber()
	if keep && raw != nil {
		j.scalar.float = j.number.float64(raw)
		j.scalar.whole, j.scalar.exact = j.number.int64()
	}
	return j.unless(number), &j.scalar
}

// unless is t unless something failed.
func (j *jsonSyntax) unless(t token) token {
	if j.err != nil {
		return nothing
	}
	return t
}

func (j *jsonSyntax) word(w string, t token, yes bool) token {
	if !j.need(len(w)) {
		return nothing
	}
	if string(j.buf[j.pos:j.pos+len(w)]) != w {
		j.unexpected()
		return nothing
	}
	j.pos += len(w)
	j.scalar.yes = yes
	return t
}

// unexpected fails on the next byte.
func (j *jsonSyntax) unexpected() {
	if c, ok := j.next(); ok {
		j.fail("unexpected %q", rune(c))
	}
}

// scanNumber reads a number into j.number and returns its text, nil after a
// failure.
func (j *jsonSyntax) scanNumber() []byte {
	if j.have(maxNumber + 1); j.err != nil {
		return nil
	}
	b := j.buf[j.pos:]
	n := j.number.scan(b)
	switch {
	case n == 0:
		j.unexpected()
		return nil
	case n > maxNumber:
		j.fail("a number of more than %d bytes", maxNumber)
		return nil
	}
	j.pos += n
	return b[:n]
}

func (j *jsonSyntax) member() ([]byte, bool) {
	if !j.more('}') {
		return nil, false
	}
	c, ok := j.space()
	if !ok {
		return nil, false
	}
	if c != '"' {
		j.unexpected()
		return nil, false
	}
	j.pos++
	j.readText(true)
	if c, ok = j.space(); ok && c != ':' {
		j.unexpected()
	}
	j.pos++
	return j.held, j.err == nil
}

func (j *jsonSyntax) element() bool { return j.more(']') }

// more passes the comma before what comes next, or the end.
func (j *jsonSyntax) more(end byte) bool {
	c, ok := j.space()
	if !ok {
		return false
	}
	first := j.first
	j.first = false
	switch {
	case c == end:
		j.pos++
		return false
	case first:
		return true
	case c != ',':
		j.unexpected()
		return false
	}
	j.pos++
	if c, ok = j.space(); ok && c == end {
		j.unexpected()
	}
	return j.err == nil
}

// again is element for numbers after the first: mostly a comma and the next
// one's first byte.
func (j *jsonSyntax) again() bool {
	if i := j.pos; i+1 < len(j.buf) && j.buf[i] == ',' && j.buf[i+1] > ' ' && j.buf[i+1] != ']' {
		j.pos++
		return true
	}
	return j.element()
}

// readText reads a text after its opening quote.
func (j *jsonSyntax) readText(keep bool) {
	j.held = j.held[:0]
	for j.need(1) {
		rest := j.buf[j.pos:]
		n := plain(rest)
		if keep {
			j.held = append(j.held, rest[:n]...)
		}
		if j.pos += n; n == len(rest) {
			if !j.short() {
				return
			}
			continue
		}
		switch c := rest[n]; {
		case c == '"':
			j.pos++
			j.short()
			return
		case c < ' ':
			j.fail("a control character in a text")
			return
		}
		r, ok := j.escape()
		if !ok {
			return
		}
		if keep {
			j.held = utf8.AppendRune(j.held, r)
		}
	}
}

// short fails where the text that is held is too long.
func (j *jsonSyntax) short() bool {
	if len(j.held) > maxText {
		j.fail("a text of more than %d bytes", maxText)
	}
	return j.err == nil
}

// plain counts the bytes in front that stand for themselves.
func plain(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}

// escape reads a backslash and what follows it.
func (j *jsonSyntax) escape() (rune, bool) {
	if !j.need(2) {
		return 0, false
	}
	c := j.buf[j.pos+1]
	if c == 'u' {
		return j.unicode()
	}
	const names, runes = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := bytes.IndexByte([]byte(names), c)
	if i < 0 {
		j.pos++
		j.unexpected()
		return 0, false
	}
	j.pos += 2
	return rune(runes[i]), true
}

// unicode reads \uXXXX, and the second half of a pair of surrogates.
func (j *jsonSyntax) unicode() (rune, bool) {
	r, ok := j.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if j.have(2) && j.buf[j.pos] == '\\' && j.buf[j.pos+1] == 'u' {
		low, ok := j.hex()
		if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
			return both, true
		}
	}
	j.fail("half a pair of surrogates in a text")
	return 0, false
}

// hex reads \uXXXX.
func (j *jsonSyntax) hex() (r rune, ok bool) {
	const size = 6
	if !j.need(size) {
		return 0, false
	}
	for _, c := range j.buf[j.pos+2 : j.pos+size] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		if digit < 0 || c < '0' {
			j.fail("%q is no character", j.buf[j.pos:j.pos+size])
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	j.pos += size
	return r, true
}

func (j *jsonSyntax) floats(dst []float32) []float32 {
	for ok := j.element(); ok; ok = j.again() {
		raw := j.scanNumber()
		if raw == nil {
			break
		}
		dst = append(dst, j.number.float32(raw))
	}
	return dst
}

func (j *jsonSyntax) ints(dst []int32) []int32 {
	for ok := j.element(); ok; ok = j.again() {
		at := j.offset()
		if j.scanNumber() == nil {
			break
		}
		n, ok := j.number.int64()
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			j.failAt(at, "", notInt32)
			break
		}
		dst = append(dst, int32(n))
	}
	return dst
}

func (j *jsonSyntax) bits(dst []uint8) []uint8 {
	for ok := j.element(); ok; ok = j.again() {
		c, _ := j.next()
		if bit := c - '0'; bit <= 1 && j.have(2) && (j.buf[j.pos+1] == ',' || j.buf[j.pos+1] == ']') {
			j.pos++
			dst = append(dst, bit)
			continue
		}
		if dst, ok = appendBit(j.input, j, dst); !ok {
			break
		}
	}
	return dst
}

const (
	notInt32 = "want whole numbers of 32 bits"
	notBit   = "want 0, 1, true or false"
)

// appendBit reads a value that is true, false, 1 or 0.
func appendBit(in *input, s syntax, dst []uint8) ([]uint8, bool) {
	at := in.offset()
	t, value := s.value(true)
	if t == nothing {
		return dst, false
	}
	b, ok := value.bit(t)
	if !ok {
		in.failAt(at, "", notBit)
		return dst, false
	}
	return append(dst, b), true
}

// bit is a truth value, or the numbers 0 and 1.
func (s *scalar) bit(t token) (uint8, bool) {
	switch {
	case t == truth && s.yes:
		return 1, true
	case t == truth:
		return 0, true
	case t == number && s.exact && s.whole>>1 == 0:
		return uint8(s.whole), true
	}
	return 0, false
}

// skipped passes over numbers. Before anything else it stops, as if nothing had
// been read of the array.
func (j *jsonSyntax) skipped() bool {
	for ok := j.element(); ok; ok = j.again() {
		c, _ := j.next()
		if c-'0' > 9 && c != '-' {
			j.first = true
			return false
		}
		if j.scanNumber() == nil {
			break
		}
	}
	return true
}

func (j *jsonSyntax) end() {
	for j.err == nil && j.have(1) {
		if !bytes.ContainsRune([]byte(" \t\r\n"), rune(j.buf[j.pos])) {
			j.fail("unexpected %q after the model", rune(j.buf[j.pos]))
		}
		j.pos++
	}
}

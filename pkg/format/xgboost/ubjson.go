package xgboost

import (
	"encoding/binary"
	"math"
)

// ubjsonSyntax reads UBJSON: every value after a letter that says its type,
// numbers big-endian.
type ubjsonSyntax struct {
	*input
	scalar scalar
	held   []byte // the last text
	open   []container
}

// container is an object or array that is open.
type container struct {
	left  int64 // values that are to come; untold where it ends with a bracket
	typ   byte  // of all of its values, or 0
	close byte
}

const untold = -1

func newUBJSON(in *input) *ubjsonSyntax { return &ubjsonSyntax{input: in} }

// size is how many bytes a number of a type has; 0 is no number.
func size(typ byte) int {
	switch typ {
	case 'i', 'U', 'C':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

func (u *ubjsonSyntax) value(keep bool) (token, *scalar) {
	typ, ok := u.typ()
	if !ok {
		return nothing, nil
	}
	switch typ {
	case '{', '[':
		return u.begin(typ), nil
	case 'S':
		u.held = u.held[:0]
		u.readText(keep)
		u.scalar.text = u.held
		return u.unless(text), &u.scalar
	case 'T', 'F':
		u.scalar.yes = typ == 'T'
		return truth, &u.scalar
	case 'Z':
		return null, &u.scalar
	}
	n := size(typ)
	if n == 0 {
		u.pos-- // back to the letter
		u.fail("%q is no type of a value that models have", rune(typ))
		return nothing, nil
	}
	if !u.need(n) {
		return nothing, nil
	}
	u.readNumber(typ, u.buf[u.pos:u.pos+n])
	u.pos += n
	return number, &u.scalar
}

// typ is the type of the next value: its letter, or that of its array.
func (u *ubjsonSyntax) typ() (byte, bool) {
	if n := len(u.open); n > 0 && u.open[n-1].typ != 0 {
		return u.open[n-1].typ, u.err == nil
	}
	const noValue = 'N'
	for {
		c, ok := u.next()
		if !ok {
			return 0, false
		}
		if u.pos++; c != noValue {
			return c, true
		}
	}
}

func (u *ubjsonSyntax) unless(t token) token {
	if u.err != nil {
		return nothing
	}
	return t
}

func (u *ubjsonSyntax) readNumber(typ byte, b []byte) {
	s := &u.scalar
	s.exact = true
	switch typ {
	case 'i':
		s.whole = int64(int8(b[0]))
	case 'U', 'C':
		s.whole = int64(b[0])
	case 'I':
		s.whole = int64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		s.whole = int64(int32(binary.BigEndian.Uint32(b)))
	case 'L':
		s.whole = int64(binary.BigEndian.Uint64(b))
	case 'd':
		s.exact, s.float = false, float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		return
	case 'D':
		s.exact, s.float = false, math.Float64frombits(binary.BigEndian.Uint64(b))
		return
	}
	s.float = float64(s.whole)
}

// begin opens an object or array: {, {#, {$, and the same of [.
func (u *ubjsonSyntax) begin(typ byte) token {
	c := container{left: untold, close: typ + 2} // } and ] are two after { and [
	if b, ok := u.next(); ok && b == '$' {
		u.pos++
		if c.typ, ok = u.next(); !ok {
			return nothing
		}
		if !repeats(c.typ) {
			u.fail("an array of the type %q", rune(c.typ))
			return nothing
		}
		u.pos++
		if b, ok = u.next(); ok && b != '#' {
			u.fail("a type without a count")
			return nothing
		}
	}
	if b, ok := u.next(); ok && b == '#' {
		u.pos++
		c.left = u.length()
	}
	if u.err != nil {
		return nothing
	}
	u.open = append(u.open, c)
	if typ == '{' {
		return object
	}
	return array
}

// repeats says whether values of a type take room each, so that a count
// cannot promise more of them than the file has bytes.
func repeats(typ byte) bool {
	return size(typ) > 0 || typ == 'S' || typ == '{' || typ == '['
}

// length reads a count.
func (u *ubjsonSyntax) length() int64 {
	at := u.offset()
	typ, ok := u.next()
	if !ok {
		return 0
	}
	n := size(typ)
	if n == 0 || typ == 'd' || typ == 'D' || typ == 'C' {
		u.fail("%q is no type of a count", rune(typ))
		return 0
	}
	if u.pos++; !u.need(n) {
		return 0
	}
	u.readNumber(typ, u.buf[u.pos:u.pos+n])
	u.pos += n
	if u.scalar.whole < 0 {
		u.failAt(at, "", "a count of %d", u.scalar.whole)
	}
	return u.scalar.whole
}

// readText reads a text from its length on.
func (u *ubjsonSyntax) readText(keep bool) {
	at := u.offset()
	n := u.length()
	switch {
	case !keep:
		u.pass(n)
	case n > maxText:
		u.failAt(at, "", "a text of more than %d bytes", maxText)
	default:
		u.held = u.text(u.held, n)
	}
}

// more says whether the innermost object or array has one more value, and
// closes it if not.
func (u *ubjsonSyntax) more() bool {
	if u.err != nil {
		return false
	}
	c := &u.open[len(u.open)-1]
	if c.left > 0 {
		c.left--
		return true
	}
	if c.left == untold {
		b, ok := u.next()
		for ok && b == 'N' {
			u.pos++
			b, ok = u.next()
		}
		if !ok || b != c.close {
			return ok
		}
		u.pos++
	}
	u.open = u.open[:len(u.open)-1]
	return false
}

func (u *ubjsonSyntax) member() ([]byte, bool) {
	if !u.more() {
		return nil, false
	}
	u.held = u.held[:0]
	u.readText(true)
	return u.held, u.err == nil
}

func (u *ubjsonSyntax) element() bool { return u.more() }

// typed hands out the rest of an array whose numbers have one type, in parts as
// they arrive, and closes it. It does nothing where there is no such type.
func (u *ubjsonSyntax) typed(take func(typ byte, part []byte)) bool {
	if u.err != nil {
		return true
	}
	c := u.open[len(u.open)-1]
	n := size(c.typ)
	if n == 0 {
		return false
	}
	for c.left > 0 && u.need(n) {
		part := min(int64((len(u.buf)-u.pos)/n), c.left)
		take(c.typ, u.buf[u.pos:u.pos+int(part)*n])
		if u.err != nil {
			return true
		}
		u.pos += int(part) * n
		c.left -= part
	}
	u.open = u.open[:len(u.open)-1]
	return true
}

func (u *ubjsonSyntax) skipped() bool { return u.typed(func(byte, []byte) {}) }

func (u *ubjsonSyntax) floats(dst []float32) []float32 {
	done := u.typed(func(typ byte, part []byte) {
		n := size(typ)
		if typ == 'd' {
			for ; len(part) >= 4; part = part[4:] {
				dst = append(dst, math.Float32frombits(binary.BigEndian.Uint32(part)))
			}
			return
		}
		for ; len(part) >= n; part = part[n:] {
			u.readNumber(typ, part)
			dst = append(dst, float32(u.scalar.float))
		}
	})
	for !done && u.element() {
		if !u.wantNumber() {
			break
		}
		dst = append(dst, float32(u.scalar.float))
	}
	return dst
}

// wantNumber reads a value that must be a number.
func (u *ubjsonSyntax) wantNumber() bool {
	at := u.offset()
	t, _ := u.value(false)
	if t != number {
		u.failAt(at, "", "want a number, not %s", t)
	}
	return t == number
}

func (u *ubjsonSyntax) ints(dst []int32) []int32 {
	done := u.typed(func(typ byte, part []byte) {
		if typ == 'l' {
			for ; len(part) >= 4; part = part[4:] {
				dst = append(dst, int32(binary.BigEndian.Uint32(part)))
			}
			return
		}
		n := size(typ)
		for at := u.offset(); len(part) >= n; part = part[n:] {
			u.readNumber(typ, part)
			if dst = u.appendInt(dst, at); u.err != nil {
				return
			}
			at += int64(n)
		}
	})
	for !done && u.element() {
		at := u.offset()
		if !u.wantNumber() {
			break
		}
		if dst = u.appendInt(dst, at); u.err != nil {
			break
		}
	}
	return dst
}

func (u *ubjsonSyntax) appendInt(dst []int32, at int64) []int32 {
	n := u.scalar.whole
	if !u.scalar.exact || n < math.MinInt32 || n > math.MaxInt32 {
		u.failAt(at, "", notInt32)
		return dst
	}
	return append(dst, int32(n))
}

func (u *ubjsonSyntax) bits(dst []uint8) []uint8 {
	done := u.typed(func(typ byte, part []byte) {
		n := size(typ)
		for at := u.offset(); len(part) >= n; part = part[n:] {
			u.readNumber(typ, part)
			b, ok := u.scalar.bit(number)
			if !ok {
				u.failAt(at, "", notBit)
				return
			}
			dst = append(dst, b)
			at += int64(n)
		}
	})
	for !done && u.element() {
		var ok bool
		if dst, ok = appendBit(u.input, u, dst); !ok {
			break
		}
	}
	return dst
}

func (u *ubjsonSyntax) end() {
	if u.err == nil && u.have(1) {
		u.fail("unexpected %q after the model", rune(u.buf[u.pos]))
	}
}

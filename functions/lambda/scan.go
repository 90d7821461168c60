package lambda

import (
	"encoding/binary"
	"math/bits"
)

// The scanner reads the few members of an event that a request needs, in
// place: no map, no copy. It is strict about syntax, so what it accepts every
// JSON reader accepts; its slow twin in the tests is a general JSON reader
// with the event types of aws-lambda-go.
//
// Question: why not a general reader in production? Choice: it would take
// longer than the prediction, since an event is some 1.8 KB around a row of
// 100 bytes. What would change it: a reader in the standard library that
// skips without allocating.

// maxDepth bounds the nesting of an event. The deepest real ones, with claims
// of an authorizer, nest five levels.
const maxDepth = 100

// skipSpace returns the index of the first byte at or after i that is no white
// space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index after the value that starts at b[i], or -1 where
// there is none that is well formed and nested at most depth levels deep.
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case c == '{' || c == '[':
		return skipNested(b, i, depth)
	case c == 't':
		return skipWord(b, i, "true")
	case c == 'f':
		return skipWord(b, i, "false")
	case c == 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

// skipNested is skipValue for an object or a list.
func skipNested(b []byte, i, depth int) int {
	if depth <= 0 {
		return -1
	}
	end := byte('}')
	if b[i] == '[' {
		end = ']'
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == end {
		return i + 1
	}
	for i < len(b) {
		if end == '}' {
			_, at := member(b, i)
			if at < 0 {
				return -1
			}
			i = at
		}
		if i = skipValue(b, i, depth-1); i < 0 {
			return -1
		}
		if i = skipSpace(b, i); i >= len(b) {
			return -1
		}
		if b[i] == end {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i = skipSpace(b, i+1)
	}
	return -1
}

// member reads a name and its colon. It returns the name with its quotes and
// the index of the value, or -1.
func member(b []byte, i int) (name []byte, at int) {
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	end := skipString(b, i)
	if end < 0 {
		return nil, -1
	}
	at = skipSpace(b, end)
	if at >= len(b) || b[at] != ':' {
		return nil, -1
	}
	return b[i:end], skipSpace(b, at+1)
}

// special marks what of eight bytes needs a look within a string: a quote, a
// backslash or a control character. The lowest bit that is set is the high bit
// of the first such byte; higher ones may be wrong. (A byte is less than n where
// subtracting n borrows and its own high bit is clear: Hacker's Delight, 6-1.)
func special(w uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & high
}

// skipString is skipValue for a string.
func skipString(b []byte, i int) int {
	i++
	for {
		for i+8 <= len(b) {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = skipEscape(b, i); i < 0 {
				return -1
			}
		case c < 0x20:
			return -1
		}
		i++
	}
}

// skipEscape returns the index of the last byte of the escape at b[i], or -1.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if hex4(b, i+2) < 0 {
			return -1
		}
		return i + 5
	}
	return -1
}

// hex4 reads four hexadecimal digits at b[i], or returns -1.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// skipNumber is skipValue for a number, in JSON's grammar.
func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	default:
		if i = skipDigits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits skips at least one digit.
func skipDigits(b []byte, i int) int {
	from := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

// walkObjectAt walks over the object at b[i]: visit gets each member's name
// (with its quotes) and the index of its value, and returns the index after the
// value, or -1 where that is not well formed. It returns the index after the
// object, or -1.
func walkObjectAt(b []byte, i int, visit func(name []byte, at int) int) int {
	if i >= len(b) || b[i] != '{' {
		return -1
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		name, at := member(b, i)
		if at < 0 {
			return -1
		}
		var done bool
		if i, done = next(b, visit(name, at), '}'); done || i < 0 {
			return i
		}
	}
}

// walkListAt is walkObjectAt for the values of a list.
func walkListAt(b []byte, i int, visit func(at int) int) int {
	if i >= len(b) || b[i] != '[' {
		return -1
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		var done bool
		if i, done = next(b, visit(i), ']'); done || i < 0 {
			return i
		}
	}
}

// next goes on after a value that ended at i: to the next one, or behind the
// end of what it stands in, or nowhere (-1).
func next(b []byte, i int, end byte) (_ int, done bool) {
	if i < 0 {
		return -1, true
	}
	if i = skipSpace(b, i); i >= len(b) {
		return -1, true
	}
	switch b[i] {
	case end:
		return i + 1, true
	case ',':
		return skipSpace(b, i+1), false
	}
	return -1, true
}

// walkObject calls visit with the name (with its quotes) and the value of each
// member of the object that raw is. It returns false where raw is no object.
func walkObject(raw []byte, visit func(name, value []byte)) bool {
	end := walkObjectAt(raw, skipSpace(raw, 0), func(name []byte, at int) int {
		end := skipValue(raw, at, maxDepth-1)
		if end >= 0 {
			visit(name, raw[at:end])
		}
		return end
	})
	return end >= 0 && skipSpace(raw, end) == len(raw)
}

// walkList is walkObject for the values of a list; names are nil.
func walkList(raw []byte, visit func(_, value []byte)) bool {
	end := walkListAt(raw, skipSpace(raw, 0), func(at int) int {
		end := skipValue(raw, at, maxDepth-1)
		if end >= 0 {
			visit(nil, raw[at:end])
		}
		return end
	})
	return end >= 0 && skipSpace(raw, end) == len(raw)
}

// isText and isNull tell the kind of a value that was skipped over.
func isText(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }
func isNull(raw []byte) bool { return len(raw) == 0 || raw[0] == 'n' }

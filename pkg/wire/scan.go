package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
)

// scanner walks over JSON text as RFC 8259 has it, strictly: no invalid UTF-8,
// no lone surrogates, no control characters in strings, nothing after the
// value. Its methods take the position of the next byte and return the one
// behind what they read, or -1 after noting why they cannot.
type scanner struct {
	b     []byte
	base  int64 // offset of b in the text that the caller knows
	depth int
	stack []byte
	err   *fault.Error
	// quiet keeps only what and where instead of making an error: in NDJSON a
	// broken line is a row's fault.
	quiet bool
	what  string
	where int
}

func (s *scanner) reset(b []byte, depth int) {
	s.b, s.base, s.depth, s.err, s.quiet = b, 0, depth, nil, false
}

func (s *scanner) fail(e *fault.Error) int {
	s.err = e
	return -1
}

// malformed notes a syntax error at byte p.
func (s *scanner) malformed(p int, what string) int {
	s.what, s.where = what, p
	if s.quiet {
		return -1
	}
	return s.fail(fault.New(fault.Malformed, "the body cannot be read at byte %d: %s", s.base+int64(p), what))
}

func (s *scanner) tooDeep(p int) int {
	s.what, s.where = "brackets nested too deeply", p
	if s.quiet {
		return -1
	}
	return s.fail(fault.New(fault.TooDeep, "the body is nested more than %d deep at byte %d: a row is flat", s.depth, s.base+int64(p)))
}

// at returns the byte at p, or 0, which is no byte of JSON outside strings.
func (s *scanner) at(p int) byte {
	if uint(p) < uint(len(s.b)) {
		return s.b[p]
	}
	return 0
}

// space skips white space.
func (s *scanner) space(p int) int {
	b := s.b
	for p < len(b) && b[p] <= ' ' {
		switch b[p] {
		case ' ', '\n', '\t', '\r':
			p++
		default:
			return p
		}
	}
	return p
}

func load(b []byte, p int) uint64 { return binary.LittleEndian.Uint64(b[p:]) }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special has a bit set if one of the eight bytes ends a plain run of a
// string: a quote, a backslash, a control character, or anything but ASCII.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w | w) & highs
}

// str reads the string whose opening quote stands before p and returns the
// position of its closing quote. Plain strings are their own bytes.
func (s *scanner) str(p int) (end int, plain bool) {
	b := s.b
	plain = true
	for {
		for p+8 <= len(b) && special(load(b, p)) == 0 {
			p += 8
		}
		if p >= len(b) {
			return s.malformed(p, "a string without its closing quote"), false
		}
		switch c := b[p]; {
		case c == '"':
			return p, plain
		case c == '\\':
			plain = false
			if p = s.escape(p + 1); p < 0 {
				return -1, false
			}
		case c < ' ':
			return s.malformed(p, "a control character in a string"), false
		case c < utf8.RuneSelf:
			p++
		default:
			r, size := utf8.DecodeRune(b[p:])
			if r == utf8.RuneError && size == 1 {
				return s.malformed(p, "bytes that are not UTF-8"), false
			}
			p += size
		}
	}
}

// escape reads what follows a backslash.
func (s *scanner) escape(p int) int {
	switch s.at(p) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 1
	case 'u':
		r := s.hex4(p + 1)
		switch {
		case r < 0:
			return s.malformed(p, "an escape that is not four hexadecimal digits")
		case r < 0xd800 || r >= 0xe000:
			return p + 5
		case r < 0xdc00 && s.at(p+5) == '\\' && s.at(p+6) == 'u' && s.hex4(p+7)>>10 == 0xdc00>>10:
			return p + 11
		}
		return s.malformed(p, "half of a surrogate pair")
	}
	return s.malformed(p, "an unknown escape")
}

// hex4 reads four hexadecimal digits, or returns -1.
func (s *scanner) hex4(p int) rune {
	if p+4 > len(s.b) {
		return -1
	}
	var r rune
	for _, c := range s.b[p : p+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape appends the text of a string that str has found sound, and stops
// when it is longer than most bytes.
func (s *scanner) unescape(dst []byte, p, end, most int) []byte {
	b := s.b
	for p < end && len(dst) <= most {
		c := b[p]
		if c != '\\' {
			dst = append(dst, c)
			p++
			continue
		}
		p += 2
		switch c = b[p-1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := s.hex4(p)
			p += 4
			if r >= 0xd800 && r < 0xdc00 {
				r = 0x10000 + (r-0xd800)<<10 + (s.hex4(p+2) - 0xdc00)
				p += 6
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// literal reads true, false or null.
func (s *scanner) literal(p int, word string) int {
	if p+len(word) <= len(s.b) && string(s.b[p:p+len(word)]) == word {
		return p + len(word)
	}
	return s.malformed(p, "no JSON value")
}

// startsValue says whether c can be the first byte of a value.
func startsValue(c byte) bool {
	switch c {
	case '{', '[', '"', '-', 't', 'f', 'n':
		return true
	}
	return c-'0' < 10
}

// scalar skips a value that is not an object or a list.
func (s *scanner) scalar(p int) int {
	switch c := s.at(p); c {
	case '"':
		end, _ := s.str(p + 1)
		if end < 0 {
			return -1
		}
		return end + 1
	case 't':
		return s.literal(p, "true")
	case 'f':
		return s.literal(p, "false")
	case 'n':
		return s.literal(p, "null")
	default:
		n := scanNumber(s.b, p)
		if n.end < 0 {
			return s.malformed(p, "no JSON value")
		}
		return n.end
	}
}

// skip passes over the value at p, which stands inside level brackets. It
// keeps its own stack, so that nesting costs a byte and never a call.
func (s *scanner) skip(p, level int) int {
	s.stack = s.stack[:0]
	for {
		if c := s.at(p); c == '{' || c == '[' {
			if level+len(s.stack) >= s.depth {
				return s.tooDeep(p)
			}
			p = s.space(p + 1)
			if s.at(p) == c+2 { // '}' or ']'
				p++
			} else {
				s.stack = append(s.stack, c)
				if c == '{' {
					p = s.skipName(p)
				}
				if p < 0 {
					return -1
				}
				continue
			}
		} else if p = s.scalar(p); p < 0 {
			return -1
		}
		var done bool
		if p, done = s.unwind(p); done || p < 0 {
			return p
		}
	}
}

// unwind closes what ends after a value. It is done at the outermost end;
// otherwise p is where the next value starts.
func (s *scanner) unwind(p int) (next int, done bool) {
	for len(s.stack) > 0 {
		p = s.space(p)
		open := s.stack[len(s.stack)-1]
		switch s.at(p) {
		case ',':
			p = s.space(p + 1)
			if open == '{' {
				p = s.skipName(p)
			}
			return p, false
		case open + 2:
			s.stack = s.stack[:len(s.stack)-1]
			p++
		default:
			return s.malformed(p, "neither a comma nor a closing bracket"), true
		}
	}
	return p, true
}

// skipName reads a member's name and colon and returns where its value starts.
func (s *scanner) skipName(p int) int {
	if s.at(p) != '"' {
		return s.malformed(p, "no member name")
	}
	end, _ := s.str(p + 1)
	if end < 0 {
		return -1
	}
	return s.colon(end + 1)
}

func (s *scanner) colon(p int) int {
	if p = s.space(p); s.at(p) != ':' {
		return s.malformed(p, "no colon after a member name")
	}
	return s.space(p + 1)
}

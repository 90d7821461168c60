package lambda

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText appends the text of the string raw (with its quotes, known to be
// well formed). Half of a surrogate pair becomes U+FFFD; other bytes pass as
// they are, as in HTTP.
func appendText(dst, raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	from := 0
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			i++
			continue
		}
		dst = append(dst, raw[from:i]...)
		dst, i = appendEscape(dst, raw, i)
		from = i
	}
	return append(dst, raw[from:]...)
}

// appendEscape appends what the escape at raw[i] stands for, which is known to
// be well formed, and returns the index after it, or after the pair that it is
// half of.
func appendEscape(dst, raw []byte, i int) (_ []byte, next int) {
	switch c := raw[i+1]; c {
	case 'b':
		dst = append(dst, '\b')
	case 'f':
		dst = append(dst, '\f')
	case 'n':
		dst = append(dst, '\n')
	case 'r':
		dst = append(dst, '\r')
	case 't':
		dst = append(dst, '\t')
	case 'u':
		r := hex4(raw, i+2)
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
				low = hex4(raw, i+2)
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		return utf8.AppendRune(dst, r), i
	default: // '"', '\\', '/'
		dst = append(dst, c)
	}
	return dst, i + 2
}

// appendTextAt appends the text of the string at b[i], and returns the index
// after the string, or -1 where it is not well formed: skipString and
// appendText in one pass, since a message's body is nearly all of its event and
// has a backslash at every quote.
func appendTextAt(dst, b []byte, i int) (_ []byte, end int) {
	i++
	// No text is longer than what it is written as. A run may be written with
	// 16 bytes more than it has.
	dst = slices.Grow(dst, len(b)-i+16)
	out := dst[:cap(dst)]
	n := len(dst)
	for {
		i, n = textBlocks(out, n, b, i)
		if i >= len(b) {
			return dst, -1
		}
		switch c := b[i]; {
		case c == '"':
			return out[:n], i + 1
		case c < 0x20:
			return dst, -1
		case c != '\\':
			out[n] = c // near the end of b, or of a block with a control character
			i, n = i+1, n+1
		default:
			if skipEscape(b, i) < 0 {
				return dst, -1
			}
			// It fits, as all does.
			text, next := appendEscape(out[:n], b, i)
			i, n = next, len(text)
		}
	}
}

// textBlock is how many bytes textBlocks takes at a time: the bits of a word.
const textBlock = 64

// textBlocks writes text of a string from b[i] to out[n], as long as it is
// plain or has the escapes of quotes and slashes only, in whole blocks. It
// returns where it stopped: at anything else, or too near the end of b.
func textBlocks(out []byte, n int, b []byte, i int) (_, _ int) {
	for i+textBlock+16 <= len(b) {
		from := (*[textBlock + 16]byte)(b[i:])
		marks, control := markBlock(from)
		if control {
			return i, n
		}
		to := (*[textBlock + 16]byte)(out[n:])
		at, m := 0, 0 // what of the block is read, and written
		for marks != 0 {
			next := bits.TrailingZeros64(marks) & 63
			m = copyRun(to, m, from, at, next)
			e := from[next+1]
			if from[next] != '\\' || e != '"' && e != '\\' && e != '/' {
				return i + next, n + m
			}
			to[m] = e
			m++
			at = next + 2
			marks &^= 3 << next
		}
		if at < textBlock {
			m = copyRun(to, m, from, at, textBlock)
			at = textBlock
		}
		i, n = i+at, n+m
	}
	return i, n
}

// copyRun copies from[at:end] to to[m:], and up to 15 bytes more of no meaning:
// runs are short.
func copyRun(to *[textBlock + 16]byte, m int, from *[textBlock + 16]byte, at, end int) int {
	n := m + end - at
	for {
		copy(to[m&63:m&63+16], from[at&63:at&63+16])
		if m, at = m+16, at+16; at >= end {
			return n
		}
	}
}

// markBlock sets a bit for each quote and backslash, and says whether there is
// a control character.
func markBlock(b *[textBlock + 16]byte) (marks uint64, control bool) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	var below uint64
	for j := 0; j < textBlock; j += 8 {
		w := binary.LittleEndian.Uint64(b[j:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// The high bit of a byte stays clear just where the byte is zero.
		both := (((quote &^ high) + ^uint64(high)) | quote) & (((slash &^ high) + ^uint64(high)) | slash)
		marks |= ((^both & high) * 0x0002040810204081 >> 56) << j
		below |= (w - ones*0x20) &^ w
	}
	return marks, below&high != 0
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD, as encoding/json writes them.
func appendQuoted[T []byte | string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, "\uFFFD"...)
		}
		i++
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

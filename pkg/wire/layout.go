package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"example.com/copse/pkg/schema"
)

// kind is how a column's value is written.
type kind uint8

const (
	numeric kind = iota // number, integer
	boolean
	category
)

// key is how a feature's member begins when a program writes it: its name in
// quotes and the colon, as words to compare with.
type key struct {
	n    int    // bytes of `"name":`; 0 where it cannot be predicted
	head uint64 // its first eight bytes, under mask
	tail uint64 // its last eight bytes, at shift, under mask
	mask uint64
	// shift is 0 for a key of up to eight bytes, whose tail is its head.
	shift  int
	middle string // what is between head and tail
	slow   bool   // not for the fast loop
	kind   kind
	text   string
}

// layout is a schema as the decoder wants it. It also learns the order in
// which the members of rows come.
type layout struct {
	schema *schema.Schema
	keys   []key
	// follow[c+1] is the column whose member came after column c's last time,
	// follow[0] the first one.
	follow []int32
	// seen[c] is the stamp of the row that had column c last; one more if it
	// had it twice.
	seen  []uint32
	stamp uint32
}

// compile prepares for a schema, if it is another one than last time.
func (l *layout) compile(s *schema.Schema) {
	if l.schema == s {
		return
	}
	l.schema = s
	n := s.NumFeatures()
	l.keys, l.follow, l.seen, l.stamp = l.keys[:0], l.follow[:0], l.seen[:0], 0
	for c := range n {
		l.keys = append(l.keys, newKey(s.Feature(c)))
		l.follow = append(l.follow, int32(c))
		l.seen = append(l.seen, 0)
	}
	l.follow = append(l.follow, 0)
}

func newKey(f *schema.Feature) key {
	k := key{kind: numeric, slow: true}
	switch f.Type {
	case schema.Boolean:
		k.kind = boolean
	case schema.Category:
		k.kind = category
	}
	if !plain(f.Name) {
		return k
	}
	k.text = `"` + f.Name + `":`
	k.n = len(k.text)
	k.slow = k.kind != numeric || k.n >= 64
	k.shift = max(0, k.n-8)
	k.middle = k.text[min(8, k.shift):k.shift]
	var first, last [8]byte
	copy(first[:], k.text)
	copy(last[:], k.text[k.shift:])
	k.mask = ^uint64(0) >> (8 * max(0, 8-k.n))
	k.head, k.tail = binary.LittleEndian.Uint64(first[:]), binary.LittleEndian.Uint64(last[:])
	return k
}

// plain says whether a name is its own JSON text.
func plain(name string) bool {
	for _, c := range []byte(name) {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(name)
}

// starts says whether b has the key at p.
func (k *key) starts(b []byte, p int) bool {
	return k.n > 0 && p+k.n <= len(b) && string(b[p:p+k.n]) == k.text
}

// next begins a row: stamps of rows before are older by two or more.
func (l *layout) next() {
	if l.stamp += 2; l.stamp < 2 {
		clear(l.seen)
		l.stamp = 2
	}
}

// lead is how many bytes the fast loop looks at without checking, a member and
// what follows it: a key of at most 64 and a number of at most quickLead.
const lead = 64 + quickLead + 16

// inOrder reads members as long as they are what a program writes that knows
// the schema: in its order, numbers without an exponent, no space but one after
// a comma or a colon. It starts with column c at p and returns the first column
// that it left and its member's position; closed is true when it read the row's
// last brace, and p is behind it.
//
// It is the hot loop of the whole reader. Whatever it does not know, and the
// end of the body, it leaves to members, its slow twin, at the start of the
// member in question.
func (l *layout) inOrder(b []byte, p, c int, row []float64) (col, next int, closed bool) {
	keys := l.keys[:len(row)]
	for ; c < len(keys); c++ {
		k := &keys[c]
		if len(b)-p < lead {
			break
		}
		w := (*[lead]byte)(b[p:])
		diff := binary.LittleEndian.Uint64(w[:]) ^ k.head
		diff |= binary.LittleEndian.Uint64(w[k.shift&63:]) ^ k.tail
		if diff&k.mask != 0 || k.slow || k.n > 16 && string(w[8:8+(k.n-16)&63]) != k.middle {
			break
		}
		q := k.n & 63
		if w[q] == ' ' {
			q++
		}
		x, n, after := quickNumber((*[quickLead]byte)(w[q:]))
		if n < 0 || after != ',' && after != '}' {
			var end int
			if x, end = finiteNumber(b, p+q); end < 0 || end == len(b) || b[end] != ',' && b[end] != '}' {
				break
			}
			n, after = end-p-q, b[end]
		}
		row[c] = x
		p += q + n + 1
		if after == '}' {
			return c + 1, p, true
		}
		if p < len(b) && b[p] == ' ' {
			p++
		}
	}
	return c, p, false
}

// fast is inOrder for all of the text, its last bytes too: they are copied to
// where there is room behind them.
func (d *Decoder) fast(p, c int, row []float64) (col, next int, closed bool) {
	c, p, closed = d.inOrder(d.wide, p, c, row)
	if rest := len(d.wide) - p; !closed && c < len(row) && rest > 0 && rest < lead {
		clear(d.tail[copy(d.tail[:], d.wide[p:]):])
		var n int
		c, n, closed = d.inOrder(d.tail[:], 0, c, row)
		p += n
	}
	return c, p, closed
}

// negative is the sign bit where b is a minus.
func negative(b byte) uint64 {
	if b == '-' {
		return 1
	}
	return 0
}

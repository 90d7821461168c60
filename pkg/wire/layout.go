package wire

import (
	"math"
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
	// quick is n, or more than any body has where the fast loop must not try.
	quick int
	head uint64 // its first eight bytes, under mask
	mask uint64
	tail uint64 // its last eight bytes, at shift, under mask
	// shift is 0 for a key of up to eight bytes, whose tail is its head.
	shift int
	kind  kind
	text  string
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

const never = math.MaxInt / 2

func newKey(f *schema.Feature) key {
	k := key{kind: numeric, quick: never}
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
	if k.kind == numeric {
		k.quick = k.n
	}
	var first, last [8]byte
	copy(first[:], k.text)
	k.shift = max(0, k.n-8)
	copy(last[:], k.text[k.shift:])
	k.mask = ^uint64(0) >> (8 * max(0, 8-k.n))
	k.head, k.tail = load(first[:], 0), load(last[:], 0)
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

// matches says whether b has the key at p; there must be n+8 bytes left.
func (k *key) matches(b []byte, p int) bool {
	if ((load(b, p)^k.head)|(load(b, p+k.shift)^k.tail))&k.mask != 0 {
		return false
	}
	return k.n <= 16 || string(b[p+8:p+k.shift]) == k.text[8:k.shift]
}

// starts is matches for any p.
func (k *key) starts(b []byte, p int) bool {
	if p+k.n+8 <= len(b) {
		return k.n > 0 && k.matches(b, p)
	}
	return k.n > 0 && p+k.n <= len(b) && string(b[p:p+k.n]) == k.text
}

// next begins a row: stamps of rows before are older by two or more.
func (l *layout) next() {
	if l.stamp += 2; l.stamp < 2 {
		clear(l.seen)
		l.stamp = 2
	}
}

// lead is how far the fast loop looks beyond a key without checking: a space,
// a sign, eight bytes of number, comma and space.
const lead = longLead

// inOrder reads members as long as they are what a program writes that knows
// the schema: in its order, numbers of at most eight characters, no space but
// one after a comma or a colon. It starts with column c at p and returns the
// first column that it left and its member's position; closed is true when it
// read the row's last brace, and p is behind it.
//
// It is the hot loop of the whole reader. Whatever it does not know it leaves
// to object, its slow twin, at the start of the member in question.
func (l *layout) inOrder(b []byte, p, c int, row []float64) (col, next int, closed bool) {
	keys := l.keys[:len(row)]
	for ; c < len(keys); c++ {
		k := &keys[c]
		q := p + k.quick
		if q+lead >= len(b) || !k.matches(b, p) {
			return c, p, false
		}
		if b[q] == ' ' {
			q++
		}
		x, n, next := longNumber((*[lead]byte)(b[q:]))
		end := q + n
		if n < 0 || next != ',' && next != '}' {
			if x, end = quickNumber(b, q); end < 0 || end+2 > len(b) {
				return c, p, false
			}
			next = b[end]
		}
		row[c] = x
		switch next {
		case ',':
			p = end + 1
			if b[p] == ' ' {
				p++
			}
		case '}':
			return c + 1, end + 1, true
		default:
			return c, p, false
		}
	}
	return c, p, false
}

// negative is the sign bit where b is a minus.
func negative(b byte) uint64 {
	if b == '-' {
		return 1
	}
	return 0
}

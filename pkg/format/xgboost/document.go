package xgboost

import (
	"bytes"
	"strconv"
)

// document is a file as values inside values: it keeps the path to the one that
// is read, bounds the depth, and refuses members that stand twice.
type document struct {
	*input
	syntax syntax
	depth  int
	keys   [maxDepth]keySet
}

func newDocument(in *input, s syntax) *document { return &document{input: in, syntax: s} }

// keySet is the keys of an object so far.
type keySet struct {
	text []byte
	ends []int
	many map[string]bool // instead, once there are more than fewKeys
}

// fewKeys is up to how many keys are compared one by one.
const fewKeys = 32

func (k *keySet) reset() { *k = keySet{text: k.text[:0], ends: k.ends[:0]} }

// add says whether the key is new.
func (k *keySet) add(key []byte) bool {
	if k.many != nil {
		if k.many[string(key)] {
			return false
		}
		k.many[string(key)] = true
		return true
	}
	from := 0
	for _, end := range k.ends {
		if bytes.Equal(k.text[from:end], key) {
			return false
		}
		from = end
	}
	k.text = append(k.text, key...)
	if k.ends = append(k.ends, len(k.text)); len(k.ends) < fewKeys {
		return true
	}
	k.many = make(map[string]bool)
	from = 0
	for _, end := range k.ends {
		k.many[string(k.text[from:end])] = true
		from = end
	}
	return true
}

// want begins a value of one kind.
func (d *document) want(t token) *scalar {
	at := d.offset()
	got, s := d.syntax.value(true)
	if got != t && got != nothing {
		d.failAt(at, "", "want %s, not %s", t, got)
		return nil
	}
	if d.err != nil {
		return nil
	}
	return s
}

// inside counts a level of nesting.
func (d *document) inside() bool {
	if d.err != nil {
		return false
	}
	if d.depth >= maxDepth {
		d.fail("values are nested deeper than %d", maxDepth)
		return false
	}
	d.depth++
	return true
}

// object reads an object; each is called before each member's value and must
// read it.
func (d *document) object(each func(key []byte)) {
	if d.want(object); d.err == nil {
		d.members(each)
	}
}

func (d *document) members(each func(key []byte)) {
	if !d.inside() {
		return
	}
	keys := &d.keys[d.depth-1]
	keys.reset()
	above := len(d.path)
	for {
		at := d.offset()
		key, ok := d.syntax.member()
		if !ok {
			break
		}
		d.path = appendPointer(d.path[:above], key)
		if !keys.add(key) {
			d.failAt(at, "", "stands twice")
			return
		}
		if each(key); d.err != nil {
			return // the path stays where it is
		}
	}
	if d.err == nil {
		d.path = d.path[:above]
		d.depth--
	}
}

// array reads an array; each must read the element.
func (d *document) array(each func(i int)) {
	if d.want(array); d.err == nil {
		d.elements(each)
	}
}

func (d *document) elements(each func(i int)) {
	if !d.inside() {
		return
	}
	above := len(d.path)
	for i := 0; d.syntax.element(); i++ {
		d.path = strconv.AppendInt(append(d.path[:above], '/'), int64(i), 10)
		if each(i); d.err != nil {
			return
		}
	}
	if d.err == nil {
		d.path = d.path[:above]
		d.depth--
	}
}

// appendPointer appends a step of a JSON pointer (RFC 6901), cut short where it
// is no name of XGBoost's.
func appendPointer(path, key []byte) []byte {
	const longest = 64
	path = append(path, '/')
	for _, c := range bytes.ToValidUTF8(key[:min(len(key), longest)], []byte("?")) {
		switch {
		case c == '~':
			path = append(path, "~0"...)
		case c == '/':
			path = append(path, "~1"...)
		case c < ' ':
			path = append(path, '?')
		default:
			path = append(path, c)
		}
	}
	return path
}

// skip passes over a value, whatever it is.
func (d *document) skip() {
	switch t, _ := d.syntax.value(false); t {
	case object:
		d.members(func([]byte) { d.skip() })
	case array:
		if d.syntax.skipped() || !d.inside() {
			return
		}
		for d.syntax.element() {
			d.skip()
		}
		d.depth--
	}
}

// text reads a text. It is valid until the next value.
func (d *document) text() []byte {
	if s := d.want(text); s != nil {
		return s.text
	}
	return nil
}

// real reads a number, or a text that is one: XGBoost writes parameters as
// texts.
func (d *document) real() float64 {
	at := d.offset()
	t, s := d.syntax.value(true)
	switch t {
	case nothing:
		return 0
	case number:
		return s.float
	case text:
		var n decimal
		if n.scan(s.text) == len(s.text) && len(s.text) > 0 {
			return n.float64(s.text)
		}
	}
	d.failAt(at, "", "want a number")
	return 0
}

// count reads a whole number from 0 to most.
func (d *document) count(most int) int {
	at := d.offset()
	x := d.real()
	if !(x >= 0 && x <= float64(most)) || x != float64(int(x)) {
		d.failAt(at, "", "want a whole number from 0 to %d", most)
		return 0
	}
	return int(x)
}

// floats, ints and bits read an array of numbers into what dst has room for,
// and more.
func (d *document) floats(dst []float32) []float32 {
	if d.want(array); d.err != nil {
		return dst[:0]
	}
	return d.syntax.floats(dst[:0])
}

func (d *document) ints(dst []int32) []int32 {
	if d.want(array); d.err != nil {
		return dst[:0]
	}
	return d.syntax.ints(dst[:0])
}

func (d *document) bits(dst []uint8) []uint8 {
	if d.want(array); d.err != nil {
		return dst[:0]
	}
	return d.syntax.bits(dst[:0])
}

func (d *document) end() { d.syntax.end() }

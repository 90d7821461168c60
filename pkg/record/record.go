// Package record writes texts and numbers one after the other, and reads them
// back: the form of those sections of a bundle that are no arrays.
//
// Question: why not JSON? Choice: decoding JSON into structs costs each
// cold start its reflection, many times what this takes. What
// would change it: a decoder in the standard library that needs none.
//
// A text is its length as a uvarint and its bytes; a number is a float64,
// little-endian; a list is its length and its texts; a value is a tag byte and
// what the tag says.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Tags of values.
const (
	tagNone byte = iota
	tagNumber
	tagFalse
	tagTrue
	tagText
)

// AppendUint appends a whole number.
func AppendUint(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

// AppendText appends a text.
func AppendText(b []byte, s string) []byte { return append(AppendUint(b, len(s)), s...) }

// AppendList appends a list of texts.
func AppendList(b []byte, list []string) []byte {
	b = AppendUint(b, len(list))
	for _, s := range list {
		b = AppendText(b, s)
	}
	return b
}

// AppendNumber appends a float64.
func AppendNumber(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

// AppendValue appends nil, a float64, a bool or a string.
func AppendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, tagNone), nil
	case float64:
		return AppendNumber(append(b, tagNumber), v), nil
	case bool:
		if v {
			return append(b, tagTrue), nil
		}
		return append(b, tagFalse), nil
	case string:
		return AppendText(append(b, tagText), v), nil
	}
	return nil, fmt.Errorf("record: no form for a %T", v)
}

// Reader reads what the functions above wrote. After an error everything it
// reads is empty, so that Close need be asked only once.
type Reader struct {
	rest []byte
	bad  bool
}

// NewReader returns a reader of data.
func NewReader(data []byte) *Reader { return &Reader{rest: data} }

// Close says whether all of the data was read, and nothing was missing.
func (r *Reader) Close() error {
	if r.bad || len(r.rest) > 0 {
		return errors.New("record: the data is not what was written")
	}
	return nil
}

// Failed says whether something that was read was missing.
func (r *Reader) Failed() bool { return r.bad }

// Uint reads a whole number up to limit.
func (r *Reader) Uint(limit int) int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(limit) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *Reader) take(n int) []byte {
	if n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// Text reads a text.
func (r *Reader) Text() string { return string(r.take(r.Uint(len(r.rest)))) }

// List reads a list of texts; a text takes at least one byte, which bounds it.
func (r *Reader) List() []string {
	n := r.Uint(len(r.rest))
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, r.Text())
	}
	return list
}

// Number reads a float64.
func (r *Reader) Number() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// Value reads nil, a float64, a bool or a string.
func (r *Reader) Value() any {
	b := r.take(1)
	if b == nil {
		return nil
	}
	switch b[0] {
	case tagNone:
		return nil
	case tagNumber:
		return r.Number()
	case tagFalse, tagTrue:
		return b[0] == tagTrue
	case tagText:
		return r.Text()
	}
	r.bad, r.rest = true, nil
	return nil
}

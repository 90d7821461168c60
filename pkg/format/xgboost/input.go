package xgboost

import (
	"errors"
	"io"

	"example.com/copse/pkg/format/readerr"
)

// window is how much of a file is looked at at once, in bytes.
const window = 64 << 10

// input is a file as a window that moves over it. The first failure stays;
// whoever reads on after it reads nothing.
type input struct {
	r    io.Reader
	buf  []byte // the window: buf[pos:] is still to be read
	pos  int
	base int64 // of buf[0] in the file
	over bool  // the window reaches to the end of the file
	path []byte
	err  *readerr.Error
}

func newInput(r io.Reader) *input {
	return &input{r: r, buf: make([]byte, 0, window)}
}

// offset is the place of the next byte in the file.
func (in *input) offset() int64 { return in.base + int64(in.pos) }

// fail keeps the first thing that is wrong, with its place.
func (in *input) fail(reason string, args ...any) { in.failAt(in.offset(), "", reason, args...) }

// failAt is fail for a place that was read before; more is added to the path.
func (in *input) failAt(offset int64, more, reason string, args ...any) {
	if in.err != nil {
		return
	}
	in.err = readerr.At(Library, string(in.path)+more, reason, args...)
	in.err.Offset = offset
}

// have makes the window hold n bytes, or all that is left; n is at most window.
// It says whether there are so many.
func (in *input) have(n int) bool {
	for len(in.buf)-in.pos < n && !in.over {
		in.fill()
	}
	return len(in.buf)-in.pos >= n
}

// fill moves the window on.
func (in *input) fill() {
	in.base += int64(in.pos)
	rest := copy(in.buf[:cap(in.buf)], in.buf[in.pos:])
	in.pos = 0
	n, err := io.ReadAtLeast(in.r, in.buf[rest:cap(in.buf)], 1)
	in.buf = in.buf[:rest+n]
	if err == nil {
		return
	}
	in.over = true
	if !errors.Is(err, io.EOF) && in.err == nil {
		in.fail("the file cannot be read to its end")
		in.err.Err = err
	}
}

// need is have for what must be there.
func (in *input) need(n int) bool {
	if in.err != nil {
		return false
	}
	if !in.have(n) {
		in.fail("the file ends here: copy or save it again")
		return false
	}
	return true
}

// next returns the next byte without reading it.
func (in *input) next() (byte, bool) {
	if in.pos < len(in.buf) && in.err == nil {
		return in.buf[in.pos], true
	}
	if !in.need(1) {
		return 0, false
	}
	return in.buf[in.pos], true
}

// text appends n bytes to dst, as they arrive.
func (in *input) text(dst []byte, n int64) []byte {
	for n > 0 && in.need(1) {
		part := in.buf[in.pos:min(int64(len(in.buf)), int64(in.pos)+n)]
		dst = append(dst, part...)
		in.pos += len(part)
		n -= int64(len(part))
	}
	return dst
}

// pass skips n bytes.
func (in *input) pass(n int64) {
	for n > 0 && in.need(1) {
		part := min(int64(len(in.buf)-in.pos), n)
		in.pos += int(part)
		n -= part
	}
}

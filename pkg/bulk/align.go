package bulk

import (
	"bytes"
	"context"
	"errors"
	"io"

	"example.com/copse/pkg/fault"
)

// cutter finds where records begin, near any offset of a file, so that files
// can be shared among machines by ranges of bytes.
//
// Question: how is it known, in the middle of CSV, whether a line end stands in
// quotes? Choice: the bytes before the offset are read under every assumption
// of what came before them; those that meet a quote where none can be, or a
// record longer than may be, are false. Where one is left, what it says is
// certain, and nothing was guessed from how rows usually look. A file where two
// are left, for as far as the longest record, cannot be cut there, and it is
// said so. Who reads the range before the border needs none of this: it reads
// from where a record begins, so it knows.
// What would change it: a store that keeps the borders beside the file.
type cutter struct {
	ctx     context.Context
	at      io.ReaderAt
	size    int64
	longest int // bytes of a record
	look    int // how much is looked at before and behind an offset, at first
}

// firstLook is enough for most files that have quotes; without any, it has to
// be a whole record that might have been.
const firstLook = 256 << 10

// lines is the first offset, not before x, where a line begins, or the size.
func (c *cutter) lines(x int64) (int64, error) {
	if x <= 0 || x >= c.size {
		return max(0, min(x, c.size)), nil
	}
	from := NewAhead(c.ctx, c.at, x-1, c.size, AheadOptions{First: c.look})
	defer from.Close()
	buffer := make([]byte, c.look)
	for at := x - 1; ; {
		n, err := from.Read(buffer)
		if end := bytes.IndexByte(buffer[:n], '\n'); end >= 0 {
			return at + int64(end) + 1, nil
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return c.size, nil
		case err != nil:
			return 0, err
		}
	}
}

var errUncut = fault.New(fault.Malformed, "quoted cells leave open where a record begins: this file cannot be cut here, score it whole")

// csv is the first offset, not before x, where a record of CSV begins, or the
// size.
func (c *cutter) csv(x int64) (int64, error) {
	if x <= 0 || x >= c.size {
		return max(0, min(x, c.size)), nil
	}
	// A cell that is open from the first byte on is beyond the longest record
	// when x is reached.
	for _, back := range []int{c.look, c.longest + 2*slack} {
		border, err := c.search(max(0, x-int64(back)), x)
		if err != nil || border >= 0 {
			return border, err
		}
		if x <= int64(back) {
			break // it was all there is
		}
	}
	return 0, errUncut
}

// slack is by how much the readers of CSV may exceed the longest record before
// they say that one is too long: its line end.
const slack = 2

// search returns where, not before x, a record begins, having looked at what is
// before from offset from on; -1 where it is not certain.
func (c *cutter) search(from, x int64) (int64, error) {
	s := newSearch(c, from, x)
	if err := s.read(x, always); err != nil {
		return 0, err
	}
	// Behind x only a little, as long as there is doubt; without, to the end of
	// the record.
	if err := s.read(min(c.size, x+int64(c.look)), s.open); err != nil {
		return 0, err
	}
	if s.doubt() && s.pos < c.size {
		return -1, nil
	}
	if err := s.read(c.size, s.open); err != nil {
		return 0, err
	}
	if s.pos == c.size {
		s.end()
	}
	switch {
	case len(s.all) == 0:
		return 0, fault.New(fault.Malformed, "before byte %d, a quote stands where none can be, or a record is longer than %d bytes", s.pos, c.longest)
	case s.open():
		return -1, nil
	}
	return s.all[0].border, nil
}

func always() bool { return true }

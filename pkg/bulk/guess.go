package bulk

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// place is where in a record of CSV an offset is, as pkg/wire reads it.
type place uint8

const (
	cellStart   place = iota
	inCell            // one without quotes
	inQuotes          // of a cell that began with one
	quoteEnd          // behind a quote in quotes: one more is a quote of the text
	afterReturn       // behind that and a carriage return
	nowhere           // no CSV can be like this
)

// guess is what may be the case at an offset.
type guess struct {
	place place
	// begun is where the record began, at the latest.
	begun int64
	// border is where the first record not before the offset that is asked for
	// begins; -1: not seen yet.
	border int64
}

// advance reads on: p is the text from offset base on, x the offset that is
// asked for.
func (g *guess) advance(p []byte, base, x int64) {
	for i := 0; i < len(p); {
		switch g.place {
		case nowhere:
			return
		case inQuotes:
			n := bytes.IndexByte(p[i:], '"')
			if n < 0 {
				return
			}
			i += n + 1
			g.place = quoteEnd
		case quoteEnd, afterReturn:
			g.behindQuotes(p[i], base+int64(i)+1, x)
			i++
		default:
			n := bytes.IndexByte(p[i:], '"')
			if n < 0 {
				g.plain(p[i:], base+int64(i), x)
				return
			}
			g.plain(p[i:i+n], base+int64(i), x)
			i += n + 1
			if g.place == inCell {
				g.place = nowhere
			} else {
				g.place = inQuotes
			}
		}
	}
}

// plain reads text without quotes, outside of quotes.
func (g *guess) plain(p []byte, base, x int64) {
	if len(p) == 0 {
		return
	}
	// The first line end behind which is x or more.
	if from := max(0, x-1-base); g.border < 0 && from < int64(len(p)) {
		if n := bytes.IndexByte(p[from:], '\n'); n >= 0 {
			g.border = base + from + int64(n) + 1
		}
	}
	if n := bytes.LastIndexByte(p, '\n'); n >= 0 {
		g.begun = base + int64(n) + 1
	}
	g.place = inCell
	if last := p[len(p)-1]; last == ',' || last == '\n' {
		g.place = cellStart
	}
}

// behindQuotes reads the byte before offset next.
func (g *guess) behindQuotes(b byte, next, x int64) {
	switch {
	case b == '\n':
		g.place, g.begun = cellStart, next
		if g.border < 0 && next >= x {
			g.border = next
		}
	case g.place == afterReturn:
		g.place = nowhere
	case b == '"':
		g.place = inQuotes
	case b == ',':
		g.place = cellStart
	case b == '\r':
		g.place = afterReturn
	default:
		g.place = nowhere
	}
}

// search is how the guesses fare.
type search struct {
	c      *cutter
	x      int64
	pos    int64 // read up to there
	all    []guess
	buffer []byte
}

// newSearch begins at an offset with everything that may be the case there: at
// the file's beginning, one thing.
func newSearch(c *cutter, from, x int64) *search {
	s := &search{c: c, x: x, buffer: make([]byte, c.look)}
	if from < int64(len(bom)) {
		from = 0
	}
	s.pos = from
	for p := range nowhere {
		if from > 0 || p == cellStart {
			s.all = append(s.all, guess{place: p, begun: from, border: -1})
		}
	}
	return s
}

// bom is a byte order mark: as much as text without quotes.
const bom = "\ufeff"

// read goes on to offset to, as long as more is wanted.
func (s *search) read(to int64, more func() bool) error {
	if s.pos >= to || !more() {
		return nil
	}
	from := NewAhead(s.c.ctx, s.c.at, s.pos, to, AheadOptions{First: s.c.look})
	defer from.Close()
	for more() {
		n, err := from.Read(s.buffer)
		s.feed(s.buffer[:n])
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// feed has all guesses read on, and leaves those that turn out false, or are
// like another.
func (s *search) feed(p []byte) {
	for i := range s.all {
		s.all[i].advance(p, s.pos, s.x)
	}
	s.pos += int64(len(p))
	left := s.all[:0]
	for _, g := range s.all {
		if g.place == nowhere || s.pos-g.begun > int64(s.c.longest+slack) {
			continue
		}
		i := slices.IndexFunc(left, func(o guess) bool { return o.place == g.place })
		if i < 0 {
			left = append(left, g)
			continue
		}
		left[i].begun = max(left[i].begun, g.begun)
	}
	s.all = left
}

// doubt says whether there are guesses with and without open quotes. Those
// without agree on every border, since every line end is one, and so do those
// with.
func (s *search) doubt() bool {
	for i := range s.all {
		if (s.all[i].place == inQuotes) != (s.all[0].place == inQuotes) {
			return true
		}
	}
	return false
}

// open says whether reading on may tell more.
func (s *search) open() bool {
	return len(s.all) > 0 && (s.doubt() || s.all[0].border < 0)
}

// end is the end of the file, where no quote is open.
func (s *search) end() {
	s.all = slices.DeleteFunc(s.all, func(g guess) bool { return g.place == inQuotes })
	for i := range s.all {
		if s.all[i].border < 0 {
			s.all[i].border = s.pos
		}
	}
}

package bulk

import (
	"context"
	"io"
	"slices"
	"sync"
)

// Bounds of what segments hold of a file, in bytes.
const (
	segmentsHeld = 16 << 20 // in all
	segmentLeast = 64 << 10
	segmentMost  = 1 << 20
	// wholeFile is a file that is read at once.
	wholeFile = 4 << 20
	// segmentsFlight is how many reads may be under way that nobody waits for yet.
	segmentsFlight = 16
)

// segments is a file that is read in many places by turns, a little at each,
// as Parquet is: a read of a store costs some ten milliseconds, however small.
// It reads aligned segments, keeps those that were used last, and fetches those
// that will be used next while others are worked on.
//
// Question: segments of the file, or of each column? Choice: of the file, so
// that many small columns share one read. What would change it: files whose
// columns are so many that a segment for each finds no room.
type segments struct {
	ctx    context.Context
	at     io.ReaderAt
	size   int64
	flight chan struct{}
	reads  sync.WaitGroup

	mu     sync.Mutex
	bytes  int64 // of a segment
	most   int   // how many are kept
	chunks [][2]int64
	held   map[int64]*segment
	idle   [][]byte
	clock  int64
}

// segment is a piece of the file; done is closed when data and err are there.
type segment struct {
	number int64
	data   []byte
	err    error
	done   chan struct{}
	users  int
	used   int64 // when, by the clock
}

func newSegments(ctx context.Context, at io.ReaderAt, size int64) *segments {
	s := &segments{ctx: ctx, at: at, size: size, flight: make(chan struct{}, segmentsFlight),
		bytes: segmentLeast, most: segmentsHeld / segmentLeast, held: map[int64]*segment{}}
	if size <= wholeFile {
		s.bytes = max(1, size)
	}
	return s
}

// expect prepares for what a table's columns will ask for: their number, and
// the chunks that they consist of, in the file's order. Nothing is read ahead
// over the end of a chunk.
func (s *segments) expect(columns int, chunks [][2]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = chunks
	if s.size <= wholeFile {
		return
	}
	// Two of each column, the one that is read and the next.
	n := int64(2*columns + 2)
	s.bytes = max(segmentLeast, min(segmentMost, segmentsHeld/n/segmentLeast*segmentLeast))
	s.most = int(segmentsHeld / s.bytes)
	s.held = map[int64]*segment{} // those of another size
}

// ReadAt is io.ReaderAt's.
func (s *segments) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		if at >= s.size || at < 0 {
			return n, io.EOF
		}
		k, err := s.some(p[n:], at)
		if n += k; err != nil {
			return n, err
		}
		at += int64(k)
	}
	return n, nil
}

// some reads within one segment.
func (s *segments) some(p []byte, at int64) (int, error) {
	g, number, bytes := s.take(at)
	defer s.leave(g)
	select {
	case <-g.done:
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
	if g.err != nil {
		return 0, g.err
	}
	return copy(p, g.data[at-number*bytes:]), nil
}

// take finds the segment that holds an offset, or has it read.
func (s *segments) take(at int64) (g *segment, number, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, bytes = at/s.bytes, s.bytes
	g = s.find(number, false)
	g.users++
	if end := s.chunkEnd(at); (number+1)*s.bytes < end {
		s.find(number+1, true)
	}
	return g, number, bytes
}

// Soon has the first bytes of a range read, which will be asked for.
func (s *segments) Soon(at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at >= 0 && at < s.size {
		s.find(at/s.bytes, true)
	}
}

// find returns a segment that is held, or begins to read it: what is early only
// where there is room for it, and when there is room in flight; else it is nil.
func (s *segments) find(number int64, early bool) *segment {
	g := s.held[number]
	s.clock++
	if g != nil {
		g.used = s.clock
		return g
	}
	if !s.makeRoom() && early {
		return nil
	}
	from := number * s.bytes
	n := int(min(s.bytes, s.size-from))
	g = &segment{number: number, done: make(chan struct{}), used: s.clock}
	s.held[number] = g
	buffer := s.buffer(n)
	s.reads.Go(func() {
		defer close(g.done)
		if early {
			s.flight <- struct{}{}
			defer func() { <-s.flight }()
		}
		if g.data, g.err = readPart(s.ctx, s.at, buffer, from); g.err != nil {
			s.forget(g)
		}
	})
	return g
}

// forget lets a segment be read again.
func (s *segments) forget(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[g.number] == g {
		delete(s.held, g.number)
	}
}

// buffer is memory for a segment.
func (s *segments) buffer(n int) []byte {
	if last := len(s.idle) - 1; last >= 0 {
		b := s.idle[last]
		s.idle = s.idle[:last]
		if cap(b) >= n {
			return b[:n]
		}
	}
	return make([]byte, n)
}

// makeRoom lets go of the segment that was not used for longest, if there are
// enough. It says whether there is room now.
func (s *segments) makeRoom() bool {
	if len(s.held) < s.most {
		return true
	}
	var oldest *segment
	for _, g := range s.held {
		if g.users == 0 && g.ready() && (oldest == nil || g.used < oldest.used) {
			oldest = g
		}
	}
	if oldest != nil {
		delete(s.held, oldest.number)
		s.idle = append(s.idle, oldest.data)
	}
	return oldest != nil
}

func (g *segment) ready() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

func (s *segments) leave(g *segment) {
	s.mu.Lock()
	g.users--
	s.mu.Unlock()
}

// chunkEnd is where the chunk ends that holds an offset; 0 if none does.
func (s *segments) chunkEnd(at int64) int64 {
	i, found := slices.BinarySearchFunc(s.chunks, at, func(c [2]int64, at int64) int {
		switch {
		case c[1] <= at:
			return -1
		case c[0] > at:
			return 1
		}
		return 0
	})
	if !found {
		return 0
	}
	return s.chunks[i][1]
}

// Close waits for the reads under way.
func (s *segments) Close() error {
	s.reads.Wait()
	return nil
}

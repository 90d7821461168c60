package bulk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// watched is a store's file that counts reads, and how many there are at once.
type watched struct {
	text        string
	reads, read atomic.Int64
	now, most   atomic.Int64
	// fails, where it is set, may give an error instead.
	fails func(at int64) error
	// gate, where it is set, holds a read back until it is let through.
	gate chan struct{}
}

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	w.reads.Add(1)
	if n := w.now.Add(1); n > w.most.Load() {
		w.most.Store(n)
	}
	defer w.now.Add(-1)
	if w.gate != nil {
		<-w.gate
	}
	if w.fails != nil {
		if err := w.fails(at); err != nil {
			return 0, err
		}
	}
	n, err := strings.NewReader(w.text).ReadAt(p, at)
	w.read.Add(int64(n))
	return n, err
}

func randomText(n int) string {
	rng := rand.New(rand.NewPCG(13, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// TestAheadIsTheFile: whatever the sizes of parts, the bytes are the file's, in
// order, and each is read once.
func TestAheadIsTheFile(t *testing.T) {
	text := randomText(1000)
	for part := 1; part < 40; part += 6 {
		for flight := 1; flight < 5; flight++ {
			for _, from := range []int64{0, 1, 333, 999, 1000} {
				w := &watched{text: text}
				a := NewAhead(t.Context(), w, from, 1000, AheadOptions{Part: part, Flight: flight, First: 7})
				got, err := io.ReadAll(iotest.OneByteReader(a))
				if err = errors.Join(err, a.Close()); err != nil || string(got) != text[from:] {
					t.Fatalf("parts of %d, %d in flight, from %d: got %d bytes, %v", part, flight, from, len(got), err)
				}
				if w.read.Load() != 1000-from || w.most.Load() > int64(flight) {
					t.Errorf("parts of %d, %d in flight, from %d: read %d bytes, %d at once", part, flight, from, w.read.Load(), w.most.Load())
				}
			}
		}
	}
	if err := iotest.TestReader(NewAhead(t.Context(), strings.NewReader(text), 0, 1000, AheadOptions{Part: 10, First: 3}), []byte(text)); err != nil {
		t.Error(err)
	}
}

// TestAheadGoesAhead: while the first part is worked on, the next ones are
// read; and the first is read alone.
func TestAheadGoesAhead(t *testing.T) {
	w := &watched{text: randomText(100), gate: make(chan struct{}, 100)}
	a := NewAhead(t.Context(), w, 0, 100, AheadOptions{Part: 10, Flight: 3, First: 10})
	w.gate <- struct{}{}
	if _, err := io.ReadFull(a, make([]byte, 10)); err != nil || w.reads.Load() != 1 {
		t.Fatalf("%d reads, %v: the first is to be alone", w.reads.Load(), err)
	}
	var waits sync.WaitGroup
	waits.Go(func() { _, _ = io.ReadFull(a, make([]byte, 1)) })
	for range 9 { // none of them is let through by who reads
		w.gate <- struct{}{}
	}
	waits.Wait()
	if _, err := io.Copy(io.Discard, a); err != nil || w.most.Load() > 3 {
		t.Errorf("%d reads at once, %v", w.most.Load(), err)
	}
}

// TestAheadFails: an error stands behind the bytes before it, and stays.
func TestAheadFails(t *testing.T) {
	gone := errors.New("gone")
	text := randomText(100)
	for name, test := range map[string]struct {
		at   io.ReaderAt
		size int64
		want error
		n    int
	}{
		"fails":   {&watched{text: text, fails: func(at int64) error { return map[bool]error{true: gone}[at >= 40] }}, 100, gone, 40},
		"shorter": {strings.NewReader(text), 120, io.ErrUnexpectedEOF, 100},
		"panics":  {&watched{text: text, fails: func(at int64) error { return map[bool]error{true: gone}[at >= 40 && panics()] }}, 100, nil, 40},
	} {
		a := NewAhead(t.Context(), test.at, 0, test.size, AheadOptions{Part: 10, Flight: 4, First: 10})
		got, err := io.ReadAll(a)
		if test.want == nil {
			if err == nil || !strings.Contains(err.Error(), "a defect") {
				t.Errorf("%s: got %v", name, err)
			}
			err = nil
		}
		if !errors.Is(err, test.want) || string(got) != text[:test.n] {
			t.Errorf("%s: got %d bytes and %v, want %d and %v", name, len(got), err, test.n, test.want)
		}
		if _, again := a.Read(make([]byte, 1)); again == nil {
			t.Errorf("%s: reads on after an error", name)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func panics() bool { panic("of the store") }

func TestAheadIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{text: randomText(100), gate: make(chan struct{})}
	a := NewAhead(ctx, w, 0, 100, AheadOptions{})
	cancel()
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	close(w.gate)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := a.Read(make([]byte, 1)); err == nil {
		t.Error("reads on when it is closed")
	}
}

// TestSegmentsAreTheFile holds random reads, by several goroutines, against the
// bytes; what is held has a bound.
func TestSegmentsAreTheFile(t *testing.T) {
	text := randomText(6 << 20)
	w := &watched{text: text}
	s := newSegments(t.Context(), w, int64(len(text)))
	s.expect(40, [][2]int64{{0, 1 << 20}, {1 << 20, 5 << 20}})
	s.most = 5
	var all sync.WaitGroup
	for seed := range uint64(4) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 500 {
				at := rng.Int64N(int64(len(text)))
				p := make([]byte, rng.IntN(1+rng.IntN(300<<10)))
				if rng.IntN(5) == 0 {
					s.Soon(at)
				}
				n, err := s.ReadAt(p, at)
				want := text[at:min(len(text), int(at)+len(p))]
				if string(p[:n]) != want || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: got %d, %v", len(p), at, n, err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := s.Close(); err != nil || len(s.held) > 5+4 {
		t.Errorf("holds %d segments (%v)", len(s.held), err)
	}
}

func TestSegmentsFail(t *testing.T) {
	gone := errors.New("gone")
	w := &watched{text: randomText(8 << 20)}
	w.fails = func(at int64) error { return map[bool]error{true: gone}[at > 0 && w.reads.Load() < 3] }
	s := newSegments(t.Context(), w, 8<<20)
	p := make([]byte, 100)
	if _, err := s.ReadAt(p, 2<<20); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Errors are not kept.
	w.fails = nil
	if _, err := s.ReadAt(p, 2<<20); err != nil || string(p) != w.text[2<<20:2<<20+100] {
		t.Errorf("a second time: %v", err)
	}
	if _, err := s.ReadAt(p, -1); !errors.Is(err, io.EOF) {
		t.Errorf("before the file: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = newSegments(ctx, w, 8<<20)
	if _, err := s.ReadAt(p, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadsOfFiles states how often a store is asked: Parquet with its many
// small pages hardly more often than it has segments, and no byte much more
// often than once.
func TestReadsOfFiles(t *testing.T) {
	m := forest(t)
	for _, test := range []struct {
		name, text string
		most       int64   // reads
		share      float64 // of the file's bytes
	}{
		{"small.csv", header + numbers(1000), 1, 1},
		{"large.csv", header + strings.Repeat(numbers(1000), 500), 3, 1},
		{"small.parquet", parquetRows(t, 5000, 2), 2, 2.1},
		{"large.parquet", parquetRows(t, 200_000, 3), 40, 1.2},
	} {
		w := &watched{text: test.text}
		var out bytes.Buffer
		o := Options{Model: m}
		sum, err := Score(t.Context(), &File{Name: test.name, Size: int64(len(test.text)), At: w}, NewOutput(m, o.Kind, JSONL, &out), o)
		if err != nil || sum.Bad > 0 {
			t.Fatalf("%s: %v, %d bad rows", test.name, err, sum.Bad)
		}
		share := float64(w.read.Load()) / float64(len(test.text))
		t.Logf("%s: %d bytes, %d rows: %d reads of %.2f of it", test.name, len(test.text), sum.Rows, w.reads.Load(), share)
		if w.reads.Load() > test.most || share > test.share {
			t.Errorf("%s: %d reads of %.2f of the file, want at most %d and %.2f", test.name, w.reads.Load(), share, test.most, test.share)
		}
	}
}

package predict

import (
	"sync"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/wire"
)

// Request is all the memory that one request needs. Get one, Release it after
// the last byte of the answer is written.
type Request struct {
	Frame   frame.Frame
	Answers frame.Answers
	Decoder wire.Decoder
	Encoder wire.Encoder
	Body    []byte // what was read
	Out     []byte // what is to be written

	distinct distinct
	misses   []int32   // of the distinct rows, those to score
	block    []float64 // their values, dense
	scored   []float64 // their results
	scratch  engine.Scratch
}

var pool = sync.Pool{New: func() any { return new(Request) }}

// Get takes a request from the pool.
func Get() *Request { return pool.Get().(*Request) }

// keepBytes is the most memory that a request keeps in the pool: what thousands
// of ordinary rows need. One that grew for a huge request is left to the
// collector, so that it does not hold memory for ever.
const keepBytes = 4 << 20

// Release gives it back. The caller keeps nothing of it.
func (r *Request) Release() {
	if r.Memory()+cap(r.Body)+cap(r.Out) > keepBytes {
		return
	}
	r.Body, r.Out = r.Body[:0], r.Out[:0]
	pool.Put(r)
}

// faultBytes is about what a fault takes, with its message.
const faultBytes = 160

// Memory is about what the rows and their answers hold, in bytes. What was
// read, and what is to be written, is not counted.
func (r *Request) Memory() int {
	return 8*(cap(r.Frame.Values)+cap(r.Answers.Values)+cap(r.block)+cap(r.scored)+cap(r.distinct.hashes)) +
		4*(cap(r.Answers.Index)+cap(r.misses)+cap(r.distinct.slots)+cap(r.distinct.rows)) +
		cap(r.Frame.Bad) + faultBytes*cap(r.Frame.Faults)
}

// Scored lists the distinct rows, by their number in Answers, that the last
// Predict scored; the others came from memory.
func (r *Request) Scored() []int32 { return r.misses }

// distinct finds equal rows: open addressing over the rows' hashes, each row
// compared whole before it is called equal.
type distinct struct {
	slots  []int32  // number of the distinct row + 1, 0 is free
	hashes []uint64 // of each distinct row
	rows   []int32  // of each distinct row, its first row in the frame
}

// find fills index with each valid row's distinct number, and the rows and
// hashes of the distinct ones. With merge false every valid row is distinct.
func (d *distinct) find(f *frame.Frame, index []int32, merge bool) {
	d.hashes, d.rows = d.hashes[:0], d.rows[:0]
	size := 8
	for size < 2*f.Rows {
		size *= 2
	}
	if cap(d.slots) < size {
		d.slots = make([]int32, size)
	}
	d.slots = d.slots[:size]
	clear(d.slots)
	mask := uint64(size - 1)
	for r := range f.Rows {
		if f.Bad[r] {
			index[r] = frame.Bad
			continue
		}
		row := f.Values[r*f.Cols : (r+1)*f.Cols]
		h := hashRow(row)
		at := h & mask
		for {
			n := d.slots[at]
			if n == 0 || !merge {
				index[r] = int32(len(d.rows))
				d.rows = append(d.rows, int32(r))
				d.hashes = append(d.hashes, h)
				d.slots[at] = int32(len(d.rows))
				break
			}
			if d.hashes[n-1] == h && sameRow(f.Row(int(d.rows[n-1])), row) {
				index[r] = n - 1
				break
			}
			at = (at + 1) & mask
		}
	}
}

// grow returns s with length n, its contents undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

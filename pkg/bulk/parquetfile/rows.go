package parquetfile

import (
	"cmp"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parquet-go/parquet-go/format"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// slabValues is how many values are decoded at a time, and slabRows the most
// rows of them; there are two slabs.
const (
	slabValues = 2 << 20
	slabRows   = 16 << 10
)

// Rows gives a file's rows, some at a time.
//
// A file that has a method Soon(at) is told where it will be read next.
type Rows struct {
	f       *File
	s       *schema.Schema
	places  []int // of each feature, its column, or -1
	group   int   // the next row group
	left    int64 // rows of the group that is open
	readers []*reader
	slab    *slab
	at      int // the next row of slab
	size    int // rows of a slab
	free    chan *slab
	texts   []int // the features that are categories
	cores   int   // that decode
	from    int64 // of the file: only row groups that begin there
	to      int64 // and before there; 0 is the end
}

// slab holds rows column by column, those of features only. It is free again
// when all its rows are taken.
type slab struct {
	rows    int
	columns [][]float64 // of each feature; nil where there is no column
	left    atomic.Int64
	free    chan<- *slab
}

// Part is some rows of a file, not yet in a frame.
type Part struct {
	s        *schema.Schema
	texts    []int
	slab     *slab
	from, to int
}

// Match matches the file's columns with the features. A column that is none of
// them is a *fault.Error with the code UnknownField, unless ignoreExtra.
func (f *File) Match(s *schema.Schema, ignoreExtra bool) (*Rows, error) {
	places, err := f.find(s, ignoreExtra)
	if err != nil {
		return nil, err
	}
	r := &Rows{f: f, s: s, places: places, free: make(chan *slab, 2), cores: runtime.GOMAXPROCS(0)}
	n := 0
	for i, at := range places {
		if at < 0 {
			continue
		}
		n++
		if s.Feature(i).Type == schema.Category {
			r.texts = append(r.texts, i)
		}
	}
	r.size = max(1, min(slabRows, slabValues/max(1, n)))
	for range cap(r.free) {
		b := &slab{columns: make([][]float64, len(places)), free: r.free}
		for i, at := range places {
			if at >= 0 {
				b.columns[i] = make([]float64, r.size)
			}
		}
		r.free <- b
	}
	return r, nil
}

// On has columns decoded on so many cores, in place of all. It is called before
// Next.
func (r *Rows) On(cores int) { r.cores = cores }

// Within leaves the row groups whose first column does not begin in a range of
// the file's bytes; to is 0 for all that follows. It is called before Next.
func (r *Rows) Within(from, to int64) { r.from, r.to = from, to }

// within says whether a row group is one of those.
func (r *Rows) within(group *format.RowGroup) bool {
	at, _ := chunkRange(&group.Columns[0].MetaData)
	at = max(0, min(at, r.f.size-1)) // a file that lies has all its groups in some range
	return at >= r.from && (r.to == 0 || at < r.to)
}

// Chunks are the pieces of the file that hold the columns which are features,
// of the row groups that are read, in the file's order: from, to.
func (r *Rows) Chunks() (columns int, chunks [][2]int64) {
	for _, group := range r.f.file.Metadata().RowGroups {
		if !r.within(&group) {
			continue
		}
		for _, at := range r.places {
			if at < 0 {
				continue
			}
			if from, to := chunkRange(&group.Columns[r.f.columns[at].leaf].MetaData); from < to {
				chunks = append(chunks, [2]int64{from, to})
			}
		}
	}
	for _, at := range r.places {
		if at >= 0 {
			columns++
		}
	}
	slices.SortFunc(chunks, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	return columns, chunks
}

// Next gives the next rows, at most so many. At the end it returns io.EOF. It
// waits where two slabs of rows are given out and not yet taken.
func (r *Rows) Next(most int) (Part, error) {
	if r.slab == nil || r.at == r.slab.rows {
		if err := r.fill(); err != nil {
			return Part{}, err
		}
	}
	p := Part{s: r.s, texts: r.texts, slab: r.slab, from: r.at, to: min(r.at+most, r.slab.rows)}
	r.at = p.to
	return p, nil
}

// Take puts the rows of the part into a frame, which it resets, and lets go of
// them. It may be called by any goroutine, once.
func (p *Part) Take(f *frame.Frame) {
	f.Reset(p.s.NumFeatures())
	n := p.to - p.from
	for range n {
		f.Append()
	}
	for c, column := range p.slab.columns {
		at := f.Values[c:]
		if column == nil {
			for r := range n {
				at[r*f.Cols] = nan
			}
			continue
		}
		for r, x := range column[p.from:p.to] {
			at[r*f.Cols] = x
		}
	}
	for r := range n {
		p.findFaults(f, r)
	}
	if p.slab.left.Add(int64(-n)) == 0 {
		p.slab.free <- p.slab
	}
}

// findFaults tells of a row's texts that have no code.
func (p *Part) findFaults(f *frame.Frame, r int) {
	row := f.Row(r)
	for _, c := range p.texts {
		switch math.Float64bits(row[c]) {
		case unknownText:
			row[c] = nan
			f.Fail(p.s.UnknownCategory(r, c))
		case longText:
			row[c] = nan
			f.Fail(wire.TextTooLong(p.s, r, c, wire.DefaultText))
		}
	}
}

// fill decodes the next slab, its columns on several cores.
func (r *Rows) fill() error {
	r.slab = nil
	for r.left == 0 {
		if err := r.nextGroup(); err != nil {
			return err
		}
	}
	b := <-r.free
	b.rows = int(min(int64(r.size), r.left))
	if err := r.decode(b); err != nil {
		return err
	}
	r.left -= int64(b.rows)
	b.left.Store(int64(b.rows))
	r.slab, r.at = b, 0
	return nil
}

// decode fills a slab. A column that finds no room for its pages closes them
// when it is done.
func (r *Rows) decode(b *slab) error {
	var next atomic.Int64
	var held atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, len(r.readers))
	for range min(r.cores, len(r.readers)) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(r.readers) {
					return
				}
				c := r.readers[i]
				errs[i] = c.guarded(b.columns[c.feature][:b.rows])
				if held.Add(c.held) > openPages && errs[i] == nil {
					held.Add(-c.held)
					errs[i] = c.close()
				}
			}
		})
	}
	all.Wait()
	return cmp.Or(errs...) // the first column's: one line is enough
}

// guarded is read, where the library may panic at what is broken.
func (r *reader) guarded(dst []float64) (err error) {
	defer func() {
		if err != nil {
			err = r.error(err)
		}
	}()
	defer recovered(&err)
	return r.read(dst)
}

// nextGroup opens the next row group.
func (r *Rows) nextGroup() (err error) {
	if err := r.Close(); err != nil {
		return err
	}
	defer recovered(&err)
	groups := r.f.file.RowGroups()
	notes := r.f.file.Metadata().RowGroups
	for r.group < len(groups) && !r.within(&notes[r.group]) {
		r.group++
	}
	if r.group == len(groups) {
		return io.EOF
	}
	g := groups[r.group]
	chunks := g.ColumnChunks()
	metas := notes[r.group].Columns
	for i, at := range r.places {
		if at < 0 {
			continue
		}
		c := &r.f.columns[at]
		chunk := chunks[c.leaf]
		r.readers = append(r.readers, &reader{
			cell:   cell{schema: r.s, feature: i, text: r.s.Feature(i).Type == schema.Category},
			column: c, chunk: chunk, meta: &metas[c.leaf].MetaData, in: r.f.in,
		})
	}
	r.left = g.NumRows()
	r.group++
	if soon, ok := r.f.in.(interface{ Soon(at int64) }); ok {
		for _, c := range r.readers {
			at, _ := chunkRange(c.meta)
			soon.Soon(at)
		}
	}
	return nil
}

// Close closes the columns that are open.
func (r *Rows) Close() error {
	var errs []error
	for _, c := range r.readers {
		errs = append(errs, c.close())
	}
	r.readers = r.readers[:0]
	return errors.Join(errs...)
}

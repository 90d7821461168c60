// Package predict is the pipeline: validate → clean → deduplicate → look up →
// score the misses together → store → scatter, as one straight function
// between the reader of rows and the writer of answers (both package wire).
//
// The invariant: answers are bit-identical with the cache on or off,
// deduplication on or off, at any batch size and order, through any adapter,
// on any architecture. TestInvariant here and the end-to-end test in
// functions hold it.
package predict

import (
	"context"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/wire"
)

// Error is what a request, a row or a record fails with; Code is its closed
// list of codes.
type (
	Error = fault.Error
	Code  = fault.Code
)

// scoreBlock is how many rows are scored between two looks at the deadline:
// some milliseconds of a large model.
const scoreBlock = 4096

// Predict answers the rows of r.Frame in r.Answers. Bad rows are in
// r.Frame.Faults; the error, an *Error, concerns the request as a whole.
func (m *Model) Predict(ctx context.Context, r *Request) error {
	f, a := &r.Frame, &r.Answers
	m.schema.Validate(f)
	m.schema.Clean(f, m.single)
	if len(f.Faults) > 0 {
		wire.SortFaults(f, m.schema)
	}

	a.Index = grow(a.Index, f.Rows)
	r.distinct.find(f, a.Index, !m.options.NoDedup)
	n := len(r.distinct.rows)
	a.Outputs = m.engine.Width()
	a.Values = grow(a.Values, n*a.Outputs)
	a.Stats = frame.Stats{Rows: f.Rows, Unique: n}
	for _, i := range a.Index {
		if i != frame.Bad {
			a.Stats.Valid++
		}
	}

	m.lookUp(r)
	if err := m.scoreMisses(ctx, r); err != nil {
		return err
	}
	m.store(r)
	a.Stats.Scored = len(r.misses)
	a.Stats.Cached = n - len(r.misses)
	return nil
}

// lookUp fills the values that are remembered and lists the misses. The lock
// is taken once for all rows, and not held while scoring.
func (m *Model) lookUp(r *Request) {
	r.misses = r.misses[:0]
	if !m.remembers {
		for i := range r.distinct.rows {
			r.misses = append(r.misses, int32(i))
		}
		return
	}
	c := m.options.Cache
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, row := range r.distinct.rows {
		key := cacheKey{m.identity, r.distinct.hashes[i]}
		if !c.lookup(key, r.Frame.Row(int(row)), r.Answers.Value(int32(i))) {
			r.misses = append(r.misses, int32(i))
		}
	}
}

// scoreMisses scores all misses in one go. Where all rows are distinct misses
// the frame itself is the block.
func (m *Model) scoreMisses(ctx context.Context, r *Request) error {
	f, a := &r.Frame, &r.Answers
	n := len(r.misses)
	block := f.Values
	if n < f.Rows {
		r.block = grow(r.block, n*f.Cols)
		for i, d := range r.misses {
			copy(r.block[i*f.Cols:(i+1)*f.Cols], f.Row(int(r.distinct.rows[d])))
		}
		block = r.block
	}
	out := a.Values
	direct := n == len(r.distinct.rows)
	if !direct {
		r.scored = grow(r.scored, n*a.Outputs)
		out = r.scored
	}
	for at := 0; at < n; at += scoreBlock {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Deadline, ctx.Err(), "the time of the request ended before all rows were scored: send fewer rows")
		}
		k := min(scoreBlock, n-at)
		m.engine.Score(block[at*f.Cols:(at+k)*f.Cols], k, out[at*a.Outputs:(at+k)*a.Outputs], &r.scratch)
	}
	if !direct {
		for i, d := range r.misses {
			copy(a.Value(d), r.scored[i*a.Outputs:(i+1)*a.Outputs])
		}
	}
	return nil
}

// store remembers the scored rows.
func (m *Model) store(r *Request) {
	if !m.remembers || len(r.misses) == 0 {
		return
	}
	c := m.options.Cache
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range r.misses {
		key := cacheKey{m.identity, r.distinct.hashes[d]}
		c.store(key, r.Frame.Row(int(r.distinct.rows[d])), r.Answers.Value(d))
	}
}

package httpapi

import (
	"bytes"
	"context"

	"golang.org/x/sync/semaphore"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// Memory of all batches that are answered at once, beside their bodies. A batch
// that may need more than all of workBudget runs alone in it. What is small may
// also use the rest, so that clients who fill the one with large batches, or
// read their answers slowly, do not stop the others.
const (
	workBudget  = 96 << 20
	smallBudget = 32 << 20
	smallWork   = 4 << 20
)

// What a batch needs, in bytes.
const (
	workValue   = 24      // the frame, its copy in growing, the block of distinct rows
	workRow     = 64      // marks, hashes and numbers of distinct rows
	workOutput  = 16      // the answers and the block that was scored
	workFault   = 200     // a fault, its message and the growing of their list
	workDeflate = 1 << 20 // the state of gzip
)

// weight is the most memory that a batch of so many rows may need. Every value
// may be wrong.
func (h *Handler) weight(m *predict.Model, rows int) int64 {
	features, outputs := m.Schema().NumFeatures(), m.Engine().Width()
	values := rows * features
	if l := h.wire.Limits.Values; l > 0 {
		values = min(values, l)
	}
	w := workValue*values + (workRow+workOutput*outputs)*rows + workFault*min(values, frame.MaxFaults+rows)
	if rows*perRow >= minGzip {
		w += workDeflate
	}
	return int64(w)
}

// likelyRows says from a look at a batch how many rows it has if they are of
// the form that rows have: of JSON it counts brackets.
func likelyRows(body []byte, m wire.Media) int {
	if m != wire.JSON {
		return bytes.Count(body, []byte{'\n'}) + 1
	}
	return bytes.Count(body, []byte{'{'}) + bytes.Count(body, []byte{'['}) + 1
}

// mostRows says how many rows a batch has at most. Of JSON it counts commas,
// since ids, and what is no row, have no brackets.
func mostRows(body []byte, m wire.Media) int {
	likely := likelyRows(body, m)
	if m != wire.JSON {
		return likely
	}
	return max(likely, bytes.Count(body, []byte{','})+1)
}

// allowed is a number of rows, but not more than a batch may have.
func (h *Handler) allowed(rows int) int {
	if l := h.wire.Limits.Rows; l > 0 {
		return min(rows, l)
	}
	return rows
}

// admission is the memory that is set aside for one batch.
type admission struct {
	h    *Handler
	from *semaphore.Weighted
	n    int64
}

// acquire waits until so much memory is free, in place of what was held.
func (a *admission) acquire(ctx context.Context, weight int64) *fault.Error {
	a.release()
	a.from, a.n = a.h.work, min(weight, workBudget)
	if a.n <= smallWork {
		if a.from.TryAcquire(a.n) {
			return nil
		}
		a.from = a.h.small
	}
	if a.from.Acquire(ctx, a.n) != nil {
		a.n = 0
		return fault.New(fault.Overloaded, "all memory for batches is in use: try again in a moment")
	}
	return nil
}

// shrink gives back what turned out not to be needed.
func (a *admission) shrink(weight int64) {
	if weight < a.n {
		a.from.Release(a.n - weight)
		a.n = weight
	}
}

func (a *admission) release() {
	if a.n > 0 {
		a.from.Release(a.n)
		a.n = 0
	}
}

// decode reads the rows of req.Body, or ids, in memory that is set aside
// before. Rows beyond the likely number are read again, from the beginning, in
// memory for the most that there can be.
func (h *Handler) decode(ctx context.Context, m *predict.Model, req *predict.Request, in wire.Media, a *admission) ([]string, *fault.Error) {
	for rows := h.allowed(likelyRows(req.Body, in)); ; {
		if fe := a.acquire(ctx, h.weight(m, rows)); fe != nil {
			return nil, fe
		}
		o := h.wire
		o.Limits.Rows = rows
		ids, fe := req.Decoder.Batch(req.Body, in, m.Schema(), &o, &req.Frame)
		if fe != nil && fe.Code == fault.TooManyRows {
			if most := h.allowed(mostRows(req.Body, in)); rows < most {
				rows = most
				continue
			}
		}
		if fe == nil && ids != nil {
			fe = a.acquire(ctx, h.weight(m, len(ids)))
		}
		return ids, fe
	}
}

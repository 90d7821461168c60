package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"example.com/copse/pkg/fault"
)

// workBudget bounds the memory of all batches that are answered at once, and
// workPerByte is what a byte of a body may need at most: the shortest value of
// a dense batch takes two bytes ("1,") and becomes eight in the frame and
// eight in the block of distinct rows. A larger batch runs alone.
const (
	workBudget  = 128 << 20
	workPerByte = 8
)

// firstRead is the buffer that a body starts with when its length is not
// known, or not believed: memory follows what arrives, not what is announced.
const firstRead = 4 << 10

// minRead is the least room that a read is given.
const minRead = 512

// body reads the request's body into buf, inflated where it comes gzipped.
// The caller gives back the held bytes.
func (x *exchange) body(buf []byte) (data []byte, held int64, err *fault.Error) {
	zipped, err := contentEncoding(x.r.Header)
	if err != nil {
		return buf, 0, err
	}
	if n := x.r.ContentLength; n > x.h.o.MaxBody {
		return buf, 0, tooLarge(x.h.o.MaxBody)
	} else if n >= 0 && int64(cap(buf)) < n+minRead && n <= 1<<20 {
		buf = make([]byte, 0, n+minRead)
	}
	data, held, err = x.readAll(x.r.Body, buf[:0])
	if err != nil || !zipped {
		return data, held, err
	}
	return x.inflate(data, held)
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "the body is larger than %d bytes: send fewer rows at a time", limit)
}

// contentEncoding says whether the body is gzipped.
func contentEncoding(h http.Header) (bool, *fault.Error) {
	v := h["Content-Encoding"]
	if len(v) == 0 {
		return false, nil
	}
	switch e := strings.ToLower(strings.TrimSpace(v[0])); {
	case len(v) > 1:
	case e == "" || e == "identity":
		return false, nil
	case e == "gzip" || e == "x-gzip":
		return true, nil
	}
	return false, fault.New(fault.UnsupportedMedia, "the content encoding is not known here: send gzip or none")
}

// readAll appends src to buf up to the limit, and counts what it holds in the
// handler's total.
func (x *exchange) readAll(src io.Reader, buf []byte) (data []byte, held int64, fe *fault.Error) {
	limit := x.h.o.MaxBody
	if cap(buf) == 0 {
		buf = make([]byte, 0, firstRead)
	}
	for {
		if cap(buf)-len(buf) < minRead {
			grown := make([]byte, len(buf), 2*cap(buf)+minRead)
			copy(grown, buf)
			buf = grown
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		held += int64(n)
		if x.h.held.Add(int64(n)) > x.h.o.MaxInflight {
			return buf, held, fault.New(fault.Overloaded, "too many bodies are in memory: try again in a moment")
		}
		if int64(len(buf)) > limit {
			return buf, held, tooLarge(limit)
		}
		if err == io.EOF { //nolint:errorlint // a Reader's contract is io.EOF itself
			return buf, held, nil
		}
		if err != nil {
			return buf, held, readFault(err)
		}
	}
}

// readFault names why a body broke off. A client that sends too slowly meets
// the server's own read deadline.
func readFault(err error) *fault.Error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.SlowBody, err, "the body did not arrive in time")
	}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.BadEncoding, err, "the body is not a whole gzip stream")
	}
	return fault.Wrap(fault.Malformed, err, "the body could not be read to its end")
}

var inflaters sync.Pool

// inflate undoes gzip under the same limit as the body itself.
func (x *exchange) inflate(zipped []byte, held int64) ([]byte, int64, *fault.Error) {
	z, ok := inflaters.Get().(*gzip.Reader)
	var err error
	if !ok {
		z, err = gzip.NewReader(bytes.NewReader(zipped))
	} else {
		err = z.Reset(bytes.NewReader(zipped))
	}
	if err != nil {
		return nil, held, fault.Wrap(fault.BadEncoding, err, "the body is not a gzip stream")
	}
	defer inflaters.Put(z)
	data, more, fe := x.readAll(z, nil)
	if fe != nil && fe.Code == fault.Malformed {
		fe.Code, fe.Message = fault.BadEncoding, "the body is not a whole gzip stream"
	}
	return data, held + more, fe
}

// admit waits for the memory that a batch of this size may need.
func (x *exchange) admit(ctx context.Context, size int) (release func(), err *fault.Error) {
	weight := min(int64(size)*workPerByte, workBudget)
	if x.h.work.Acquire(ctx, weight) != nil {
		return nil, fault.New(fault.Overloaded, "all memory for batches is in use: try again in a moment")
	}
	return func() { x.h.work.Release(weight) }, nil
}

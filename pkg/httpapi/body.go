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

// firstRead is the buffer that a body starts with where no length is announced,
// in bytes.
const firstRead = 4 << 10

// minRead is the least room that a read is given.
const minRead = 512

// freeBytes of each body do not count towards MaxInflight, so that whoever
// fills it with large bodies does not keep single rows from being answered. A
// buffer of an announced length starts with as much at most: memory follows
// what arrives.
const freeBytes = 16 << 10

// body reads the request's body into buf, inflated where it comes gzipped.
// The caller gives back the held bytes.
func (x *exchange) body(buf []byte) (data []byte, held int64, err *fault.Error) {
	zipped, err := contentEncoding(x.r.Header)
	if err != nil {
		return buf, 0, err
	}
	n := x.r.ContentLength
	if n > x.h.o.MaxBody {
		return buf, 0, tooLarge(x.h.o.MaxBody)
	}
	if n < 0 {
		n = x.h.o.MaxBody
	} else if first := min(n, freeBytes-minRead) + minRead; int64(cap(buf)) < first {
		buf = make([]byte, 0, first)
	}
	data, held, err = x.readAll(x.r.Body, buf[:0], n)
	if err != nil || !zipped {
		return data, held, err
	}
	data, more, err := x.inflate(data)
	return data, held + more, err
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

// readAll appends src, of which size bytes are expected at most, to buf up to
// the limit. It counts the memory that it holds in the handler's total.
func (x *exchange) readAll(src io.Reader, buf []byte, size int64) (data []byte, held int64, fe *fault.Error) {
	limit := x.h.o.MaxBody
	if cap(buf) > freeBytes && !x.hold(&held, cap(buf)-freeBytes) {
		x.h.held.Add(-held)
		buf, held = nil, 0
	}
	for {
		if cap(buf)-len(buf) < minRead {
			grown := make([]byte, len(buf), max(min(2*cap(buf), int(size)), len(buf), firstRead)+minRead)
			if more := cap(grown) - max(cap(buf), freeBytes); more > 0 && !x.hold(&held, more) {
				return buf, held, fault.New(fault.Overloaded, "too many bodies are in memory: try again in a moment")
			}
			copy(grown, buf)
			buf = grown
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
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

// hold counts n bytes more and says whether that is within the limit.
func (x *exchange) hold(held *int64, n int) bool {
	*held += int64(n)
	return x.h.held.Add(int64(n)) <= x.h.o.MaxInflight
}

// readFault names why a body broke off. A client that sends too slowly meets
// the server's own read deadline.
func readFault(err error) *fault.Error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.SlowBody, err, "the body did not arrive in time")
	}
	return fault.Wrap(fault.Malformed, err, "the body broke off before its end: send it again")
}

var inflaters sync.Pool

// inflate undoes gzip under the same limit as the body itself.
func (x *exchange) inflate(zipped []byte) (data []byte, held int64, fe *fault.Error) {
	z, ok := inflaters.Get().(*gzip.Reader)
	var err error
	if !ok {
		z, err = gzip.NewReader(bytes.NewReader(zipped))
	} else {
		err = z.Reset(bytes.NewReader(zipped))
	}
	if err != nil {
		return nil, 0, fault.Wrap(fault.BadEncoding, err, "the body is not a gzip stream")
	}
	defer inflaters.Put(z)
	data, held, fe = x.readAll(z, nil, x.h.o.MaxBody)
	if fe != nil && fe.Code == fault.Malformed {
		fe.Code, fe.Message = fault.BadEncoding, "the body is not a whole gzip stream"
	}
	return data, held, fe
}

package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// Open finds an object; o.Version is its generation. An older generation that
// the bucket still has is read like the live one.
func (c *Client) Open(ctx context.Context, o ingest.Object) (ingest.Reader, error) {
	api, err := c.api(ctx)
	if err != nil {
		return nil, err
	}
	var generation int64
	if o.Version != "" {
		if generation, err = strconv.ParseInt(o.Version, 10, 64); err != nil || generation <= 0 {
			return nil, fault.Wrap(fault.ObjectNotFound, err, "the object's version is no generation, which is a positive number")
		}
	}
	r := &reader{ctx: ctx, api: api, generation: generation, object: o}
	is, err := r.stat(generation)
	if err != nil {
		return nil, r.missing(err)
	}
	r.generation = is.Generation
	r.object.Version, r.object.ETag = strconv.FormatInt(is.Generation, 10), is.Etag
	r.object.Size = int64(is.Size) //nolint:gosec // an object has at most 5 TiB
	return r, nil
}

// reader is one generation of an object.
type reader struct {
	ctx        context.Context // it bounds all reads, as ingest.Objects says
	api        *storage.Service
	generation int64
	object     ingest.Object
}

func (r *reader) Object() ingest.Object { return r.object }
func (r *reader) Close() error          { return nil }

// stat asks what there is of a generation, or of the live one where it is 0.
func (r *reader) stat(generation int64) (is *storage.Object, err error) {
	err = again(r.ctx, func() (err error) {
		call := r.get(generation).Fields("generation", "size", "etag")
		is, err = call.Do()
		return err
	})
	return is, err
}

func (r *reader) get(generation int64) *storage.ObjectsGetCall {
	call := r.api.Objects.Get(r.object.Bucket, r.object.Key).Context(r.ctx)
	if generation != 0 {
		call.Generation(generation)
	}
	return call
}

// missing says of a generation that is not there whether there is another, and
// passes other errors on.
func (r *reader) missing(err error) error {
	if statusOf(err) != http.StatusNotFound {
		return err
	}
	if r.generation != 0 {
		switch _, other := r.stat(0); {
		case other == nil:
			return fault.Wrap(fault.ObjectChanged, err, "the object was replaced after its event")
		case statusOf(other) != http.StatusNotFound:
			return other
		}
	}
	return fault.Wrap(fault.ObjectNotFound, err, "there is no such object, or no longer")
}

// ReadAt reads a range. Where it breaks off, what is left of it is asked for
// again.
func (r *reader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("read at a negative offset")
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	want := min(int64(len(p)), max(r.object.Size-off, 0))
	pause, end := pauses(), time.Now().Add(patience)
	for int64(n) < want {
		got, err := r.readPart(p[n:want], off+int64(n))
		if n += got; got > 0 {
			pause, end = pauses(), time.Now().Add(patience)
		}
		if err == nil {
			continue
		}
		if !passing(err) || r.ctx.Err() != nil || time.Now().After(end) || gax.Sleep(r.ctx, pause.Pause()) != nil {
			return n, r.missing(err)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readPart reads from one answer, as much as comes of it.
func (r *reader) readPart(p []byte, off int64) (int, error) {
	call := r.get(r.generation)
	call.Header().Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1))
	answer, err := call.Download() //nolint:bodyclose // CloseBody does
	if err != nil {
		return 0, err
	}
	defer googleapi.CloseBody(answer)
	if answer.StatusCode != http.StatusPartialContent && (off != 0 || int64(len(p)) != r.object.Size) {
		return 0, &googleapi.Error{Code: http.StatusRequestedRangeNotSatisfiable, Message: "the store answered without the range that it was asked for"}
	}
	return io.ReadFull(answer.Body, p)
}

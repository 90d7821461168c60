package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

const (
	// PartSize is that of a multipart upload's parts, in bytes: with S3's 10,000
	// parts, results of up to 78 GiB.
	PartSize = 8 << 20
	maxParts = 10_000
	// flying is how many parts are on their way while the next one is filled: 24
	// MiB in all, whatever the result.
	flying = 2
	// abortTimeout bounds the giving up, which goes on after the event's time.
	abortTimeout = 5 * time.Second
)

var always = aws.String("*")

// upload is a result that is written.
type upload struct {
	s      *Store
	name   string
	info   ingest.Info
	ctx    context.Context // of the parts
	cancel context.CancelFunc

	part   []byte // that is filled
	number int32  // of parts sent
	id     string // of the multipart upload; "": not begun
	over   bool   // committed, or given up

	sending sync.WaitGroup
	slots   chan []byte // memory of parts: nil where there is none yet

	mu   sync.Mutex
	done []types.CompletedPart // by number
	err  error                 // the first of a part
}

// Create begins a result. It calls nobody: a small one is sent by Commit.
func (s *Store) Create(ctx context.Context, name string, info ingest.Info) (ingest.Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u := &upload{s: s, name: name, info: info, slots: make(chan []byte, flying)}
	u.ctx, u.cancel = context.WithCancel(ctx)
	for range flying {
		u.slots <- nil
	}
	return u, nil
}

// Write takes in bytes, and sends a part when it is full and not the last.
func (u *upload) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if len(u.part) == PartSize {
			if err := u.send(); err != nil {
				return n, err
			}
		}
		k := min(len(p)-n, PartSize-len(u.part))
		u.part = append(room(u.part, k), p[n:n+k]...)
		n += k
	}
	return n, nil
}

// room is a part with room for n bytes more: its memory doubles, since most
// results are small, up to that of a whole part.
func room(part []byte, n int) []byte {
	if len(part)+n <= cap(part) {
		return part
	}
	return append(make([]byte, 0, min(PartSize, max(2*cap(part), len(part)+n))), part...)
}

// send sends the part that is filled on its way, and takes other memory for
// the next.
func (u *upload) send() error {
	if u.id == "" {
		if err := u.begin(); err != nil {
			return err
		}
	}
	if u.number == maxParts {
		return fault.New(fault.ReplyTooLarge, "the result has over %d GiB, the most that is written: score the object by ranges", maxParts*PartSize>>30)
	}
	var next []byte
	select {
	case next = <-u.slots:
	case <-u.ctx.Done():
		return u.failure(u.ctx.Err())
	}
	u.mu.Lock()
	u.done = append(u.done, types.CompletedPart{})
	err := u.err
	u.mu.Unlock()
	if err != nil {
		return err
	}
	u.number++
	number, body := u.number, u.part
	if u.part = next[:0]; next == nil {
		u.part = make([]byte, 0, PartSize)
	}
	u.sending.Go(func() {
		defer func() { u.slots <- body }()
		if err := u.upload(number, body); err != nil {
			u.fail(err)
		}
	})
	return nil
}

func (u *upload) begin() error {
	out, err := u.s.client().CreateMultipartUpload(u.ctx, &s3.CreateMultipartUploadInput{
		Bucket: &u.s.bucket, Key: &u.name, ContentType: named(u.info.ContentType), Metadata: u.info.Meta,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return writeError(err)
	}
	u.id = aws.ToString(out.UploadId)
	return nil
}

// upload sends one part. A panic of it fails the upload, not the process.
func (u *upload) upload(number int32, body []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("s3: panic: %v", p)
		}
	}()
	out, err := u.s.client().UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &u.s.bucket, Key: &u.name, UploadId: &u.id, PartNumber: &number, Body: bytes.NewReader(body),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return writeError(err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[number-1] = types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
	return nil
}

// fail keeps the first error, and stops the other parts.
func (u *upload) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	u.cancel()
}

// failure is the first error of a part, or else err.
func (u *upload) failure(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return u.err
	}
	return err
}

// Commit writes the object, if there is none of its name.
func (u *upload) Commit(ctx context.Context) (existed bool, err error) {
	if u.over {
		return false, errors.New("s3: the upload is over")
	}
	if u.id == "" {
		existed, err = u.put(ctx)
	} else {
		existed, err = u.complete(ctx)
	}
	if err != nil {
		return false, err
	}
	if existed {
		u.Abort(ctx)
	}
	u.over = true
	u.cancel()
	return existed, nil
}

// put writes an object of one part.
func (u *upload) put(ctx context.Context) (existed bool, err error) {
	_, err = u.s.client().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &u.s.bucket, Key: &u.name, ContentType: named(u.info.ContentType), Metadata: u.info.Meta,
		Body: bytes.NewReader(u.part), IfNoneMatch: always, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	switch {
	case err == nil:
		return false, nil
	case status(err) == http.StatusPreconditionFailed:
		return true, nil
	}
	return false, writeError(err)
}

// complete makes the parts an object.
func (u *upload) complete(ctx context.Context) (existed bool, err error) {
	if len(u.part) > 0 { // else this end was tried before
		if err := u.send(); err != nil {
			return false, err
		}
	}
	u.sending.Wait()
	if err := u.failure(nil); err != nil {
		return false, err
	}
	_, err = u.s.client().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.s.bucket, Key: &u.name, UploadId: &u.id, IfNoneMatch: always,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.done},
	}, func(o *s3.Options) {
		// It may take minutes, in which S3 sends spaces.
		o.HTTPClient = u.s.client().patient
	})
	switch status(err) {
	case http.StatusPreconditionFailed:
		return true, nil
	case http.StatusNotFound, http.StatusConflict:
		// The upload is no more: it was completed, and the answer lost; or it met
		// another writer of the name. Then it cannot be completed again, but the
		// other one can have been.
		if there, e := u.s.Exists(ctx, u.name); e != nil || there {
			return there, e
		}
		return false, fault.Wrap(fault.Unavailable, err, "the upload ended before it was complete")
	}
	if err != nil {
		return false, writeError(err)
	}
	return false, nil
}

// Abort gives up. It waits for the parts that are on their way, since S3 may
// keep one that arrives later.
func (u *upload) Abort(ctx context.Context) {
	if u.over {
		return
	}
	u.over = true
	u.cancel()
	u.sending.Wait()
	u.part, u.slots = nil, nil
	if u.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	// Of one that stays, the bucket's lifecycle takes care.
	_, _ = u.s.client().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.s.bucket, Key: &u.name, UploadId: &u.id})
}

package gcsstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"runtime/debug"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"

	"example.com/copse/pkg/ingest"
)

const (
	// whole is what is sent in one request: most results of messages.
	whole = 1 << 20
	// part is a part of a resumable upload: a multiple of 256 KiB. It is kept
	// until the service has it, so that it can be sent again.
	part = 8 << 20
)

// Create begins an object. ctx bounds the upload until Commit.
func (b *Bucket) Create(ctx context.Context, name string, info ingest.Info) (ingest.Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	api, err := b.client.api(ctx)
	if err != nil {
		return nil, err
	}
	media := info.ContentType
	if media == "" {
		media = "application/octet-stream"
	}
	return &upload{ctx: ctx, api: api, bucket: b.name, whole: b.client.whole, part: b.client.part,
		object: &storage.Object{Name: name, ContentType: media, Metadata: info.Meta}}, nil
}

// upload is an object that is being written: in head, until that is full, then
// to stream, from which a goroutine sends it.
type upload struct {
	ctx    context.Context
	api    *storage.Service
	bucket string
	object *storage.Object
	whole  int
	part   int
	head   []byte
	stream *stream
	stop   context.CancelFunc
	sent   chan error // the goroutine's result
	ended  bool
}

func (u *upload) Write(p []byte) (int, error) {
	if u.ended {
		return 0, fs.ErrClosed
	}
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	if u.stream == nil && len(u.head)+len(p) <= u.whole {
		u.head = append(u.head, p...)
		return len(p), nil
	}
	if u.stream == nil {
		u.begin()
	}
	return u.stream.Write(p)
}

// begin starts the resumable upload.
func (u *upload) begin() {
	ctx, stop := context.WithCancel(u.ctx)
	u.stop, u.sent, u.stream = stop, make(chan error, 1), newStream(ctx)
	media := io.MultiReader(bytes.NewReader(u.head), u.stream)
	u.head = nil
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic in an upload: %v\n%s", p, debug.Stack())
			}
			u.stream.endReading()
			u.sent <- err
		}()
		// The order matters: Media reads the first part.
		call := u.insert(ctx).Media(media, googleapi.ContentType(u.object.ContentType), googleapi.ChunkSize(u.part),
			googleapi.ChunkRetryDeadline(patience), googleapi.EnableAutoChecksum())
		_, err = call.Do()
	}()
}

// insert is the call that makes the object, unless there is one.
func (u *upload) insert(ctx context.Context) *storage.ObjectsInsertCall {
	return u.api.Objects.Insert(u.bucket, u.object).IfGenerationMatch(0).Fields("generation").
		WithRetry(pauses(), passing).Context(ctx)
}

// Commit ends the object. The answer to the call that made it may be lost; the
// next try is then told that there is one, as if another had been first. So an
// object of the name that is there after a failure is as good as a success.
func (u *upload) Commit(ctx context.Context) (existed bool, err error) {
	if u.ended {
		return false, fs.ErrClosed
	}
	if err := errors.Join(ctx.Err(), u.ctx.Err()); err != nil {
		return false, err // Abort is still to come
	}
	u.ended = true
	if u.stream == nil {
		err = u.sendWhole(ctx)
	} else {
		err = u.sendRest(ctx)
	}
	switch {
	case err == nil:
		return false, nil
	case statusOf(err) == http.StatusPreconditionFailed:
		return true, nil
	}
	if there, _ := exists(ctx, u.api, u.bucket, u.object.Name); there {
		return true, nil
	}
	return false, err
}

// Exists says whether there is an object of a name.
func (b *Bucket) Exists(ctx context.Context, name string) (bool, error) {
	api, err := b.client.api(ctx)
	if err != nil {
		return false, err
	}
	return exists(ctx, api, b.name, name)
}

func exists(ctx context.Context, api *storage.Service, bucket, name string) (bool, error) {
	is := &reader{ctx: ctx, api: api, object: ingest.Object{Bucket: bucket, Key: name}}
	_, err := is.stat(0)
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

func (u *upload) sendWhole(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, patience) // the client itself tries for as long as there is time
	defer stop()
	u.object.Crc32c = checksum(u.head)
	_, err := u.insert(ctx).Media(bytes.NewReader(u.head), googleapi.ContentType(u.object.ContentType), googleapi.ChunkSize(0)).Do()
	return err
}

func (u *upload) sendRest(ctx context.Context) error {
	defer u.stop()
	defer context.AfterFunc(ctx, u.stop)()
	u.stream.endWriting()
	return <-u.sent
}

// Abort gives up what was not committed: the reader of the stream fails, which
// is no end of the object.
func (u *upload) Abort(context.Context) {
	if u.ended {
		return
	}
	u.ended, u.head = true, nil
	if u.stream != nil {
		u.stop()
		<-u.sent //nolint:errcheck // it was stopped
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of an object as the JSON API writes it.
func checksum(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli)))
}

package ingest

import (
	"context"
	"io"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
)

// Object names an object of a store, or a range of its bytes.
type Object struct {
	Scheme string // of the store: "s3", "gs", "file"
	Bucket string
	Key    string // as it is, not URL-encoded
	// Version is the version id or generation, ETag what S3 names the content
	// by. Where either is set, other bytes under the same key are not these.
	Version string
	ETag    string
	// Sequencer orders the events of one key where there are no versions.
	Sequencer string
	Size      int64 // in bytes, or -1 where the event does not say
	// From and To are a range of bytes: the rows that begin in it. To is 0 for
	// all that follows.
	From, To int64
}

// Objects reads objects of a store.
type Objects interface {
	// Open finds an object and holds on to what it is now. An object that is
	// not there is a fault.ObjectNotFound, one that was replaced since its event
	// a fault.ObjectChanged; other errors may pass. ctx bounds all later reads.
	Open(ctx context.Context, o Object) (Reader, error)
}

// Reader is one version of an object. ReadAt may be called by several
// goroutines; a range that breaks off is asked for again by the driver. An
// object that is replaced or deleted meanwhile is an error as of Open.
type Reader interface {
	io.ReaderAt
	io.Closer
	// Object is what was opened, with Version, ETag and Size as the store says.
	Object() Object
}

// Store keeps results as objects.
type Store interface {
	// Create begins an object under a name (a key, prefix and all). Of what is
	// written nothing is seen before Commit.
	Create(ctx context.Context, name string, info Info) (Upload, error)
}

// Info is what is noted beside a result object.
type Info struct {
	ContentType string
	// Meta are at most a few short texts of printable ASCII, by names of small
	// letters and '-'.
	Meta map[string]string
}

// Upload is an object that is being written.
type Upload interface {
	io.Writer
	// Commit makes the object visible, whole, unless there is one of its name:
	// then existed is true, and the other one stays as it is. It is for who
	// wrote it first: a record that is delivered again ends here.
	Commit(ctx context.Context) (existed bool, err error)
	// Abort gives up what was written and not committed. It may be called after
	// Commit, and does nothing then.
	Abort(ctx context.Context)
}

// Finder is a Store that can say cheaply whether there is an object of a name.
type Finder interface {
	Exists(ctx context.Context, name string) (bool, error)
}

// Score scores an object's rows and writes the answers, lines of JSONL, to the
// work's Out, in order. Its error is a *fault.Error where the object is at
// fault, ctx's own, or, wrapped, the reader's or the writer's.
//
// Question: why not call package bulk? Choice: a main that reads objects hands
// it in (package objectscore), so that a function for requests, which shares
// this package, links neither Parquet nor zstd. What would change it: a
// function of its own for requests alone.
type Score func(ctx context.Context, w *Work) (Scored, error)

// Work is what Score is to do.
type Work struct {
	Model       *predict.Model
	Object      Reader
	Name        string // by its extension the form is told
	Size        int64  // in bytes
	From, To    int64  // the range, as of Object
	IgnoreExtra bool
	Out         io.Writer
	// Read is told, now and then, how many bytes of the object have been read.
	Read func(n int64)
}

// Scored is what was written.
type Scored struct {
	Rows, Bad int
	Why       string // the first bad row, and what is wrong with it
	// Stats counts distinct rows within the blocks that were scored together.
	Stats frame.Stats
}

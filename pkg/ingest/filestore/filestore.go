// Package filestore keeps objects in a folder of this machine: DIR/BUCKET/KEY.
// It stands in for a bucket where events are tried out and measured (copse
// invoke --objects), and in tests.
//
// Question: how like a bucket is it? Choice: in what the rest of the code
// relies on, exactly. A result becomes visible whole or not at all, and the
// first one of a name stays (a hard link, which fails where the name is taken);
// an object that is replaced or deleted while it is read is an error. Versions
// are told by time and size, since a hash would read each file twice; there is
// no metadata, which would have to be a second object beside the first; and
// nothing is forced to the disk, since no machine crashes with a process. What
// would change it: a function whose results really live in a folder.
package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// Options say how a folder is read.
type Options struct {
	// AnyVersion takes an object for the one that an event means whatever
	// version or ETag the event names: one that was made elsewhere names what no
	// file can have.
	AnyVersion bool
}

// Folder holds buckets. It is safe for concurrent use. No name leads out of
// it: neither "..", nor a link.
type Folder struct {
	root *os.Root
	o    Options
}

// New returns the folder at dir, which must be there.
func New(dir string, o Options) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root, o}, nil
}

// Close lets go of the folder. Readers and uploads end before.
func (f *Folder) Close() error { return f.root.Close() }

// Open finds an object.
func (f *Folder) Open(ctx context.Context, o ingest.Object) (ingest.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, ok := join(o.Bucket, o.Key)
	if !ok {
		return nil, notFound(fs.ErrInvalid)
	}
	// A pipe would wait for its writer when it is opened, so it is looked at
	// before.
	if _, err := f.stat(name); err != nil {
		return nil, err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, asFault(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	is := o
	is.Version, is.ETag, is.Size = "", tag(info), info.Size()
	if changed := o.Version != "" || o.ETag != "" && o.ETag != is.ETag; changed && !f.o.AnyVersion {
		return nil, errors.Join(replaced(), file.Close())
	}
	return &reader{ctx: ctx, folder: f, name: name, file: file, info: info, object: is}, nil
}

// stat looks at a file: other things than files are no objects.
func (f *Folder) stat(name string) (fs.FileInfo, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, asFault(err)
	}
	if !info.Mode().IsRegular() {
		return nil, notFound(errors.New("it is no file"))
	}
	return info, nil
}

// tag names a file's content as far as its time and size tell it.
func tag(info fs.FileInfo) string {
	return fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
}

// join is the path of an object below the folder. A key with empty, "." or ".."
// parts has none: it is one that a folder cannot hold. Names with a dot before
// them are uploads.
func join(bucket, key string) (name string, ok bool) {
	if bucket != "" {
		if strings.ContainsAny(bucket, "/\\") || strings.HasPrefix(bucket, ".") {
			return "", false
		}
		bucket += "/"
	}
	name = bucket + key
	return name, key != "" && fs.ValidPath(name) && !strings.HasPrefix(name, uploadPrefix) && !strings.ContainsRune(name, 0)
}

// asFault says of a file that is not there, or cannot be, that the object is
// not.
func asFault(err error) error {
	// The system's word for what was wrong, without the name of its call.
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	for _, none := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG} {
		if errors.Is(err, none) {
			return notFound(err)
		}
	}
	return err
}

func notFound(cause error) error {
	return fault.Wrap(fault.ObjectNotFound, cause, "there is no such object, or no longer")
}

func replaced() error {
	return fault.New(fault.ObjectChanged, "the object was replaced after its event")
}

// reader is a file as it was when it was opened.
type reader struct {
	ctx    context.Context // it bounds all reads, as ingest.Objects says
	folder *Folder
	name   string
	file   *os.File
	info   fs.FileInfo
	object ingest.Object
}

func (r *reader) Object() ingest.Object { return r.object }
func (r *reader) Close() error          { return r.file.Close() }

// ReadAt reads, and then makes sure that the object is still the one that was
// opened: what was read before that look is of it.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.ReadAt(p, off)
	now, statErr := r.folder.stat(r.name)
	if statErr != nil {
		return 0, statErr
	}
	if !os.SameFile(now, r.info) || tag(now) != tag(r.info) {
		return 0, replaced()
	}
	return n, err
}

// Bucket keeps results in one bucket of the folder, or, where the name is
// empty, in the folder itself.
func (f *Folder) Bucket(name string) *Bucket { return &Bucket{f, name} }

// Bucket is an ingest.Store.
type Bucket struct {
	folder *Folder
	name   string
}

// Exists says whether there is an object of a name.
func (b *Bucket) Exists(ctx context.Context, name string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	path, ok := join(b.name, name)
	if !ok {
		return false, nil
	}
	_, err := b.folder.stat(path)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code == fault.ObjectNotFound {
		return false, nil
	}
	return err == nil, err
}

// uploadPrefix begins the names of files that are being written, in the folder
// itself. A process that is killed leaves its own behind.
const uploadPrefix = ".copse-upload-"

// Create begins an object.
func (b *Bucket) Create(ctx context.Context, name string, _ ingest.Info) (ingest.Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	to, ok := join(b.name, name)
	if !ok {
		return nil, errors.New("a folder cannot hold this name: it has an empty part, or one of dots")
	}
	temp := uploadPrefix + rand.Text()
	file, err := b.folder.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &upload{ctx: ctx, root: b.folder.root, file: file, temp: temp, to: to}, nil
}

type upload struct {
	ctx      context.Context // that of Create, as of an upload to a bucket
	root     *os.Root
	file     *os.File
	temp, to string
	done     bool
}

func (u *upload) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.file.Write(p)
}

// Commit gives the file its name. A link fails where the name is taken, which
// a rename does not.
func (u *upload) Commit(ctx context.Context) (existed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if u.done {
		return false, fs.ErrClosed
	}
	defer u.Abort(ctx)
	if err := u.file.Close(); err != nil {
		return false, err
	}
	if err := u.root.MkdirAll(path.Dir(u.to), 0o777); err != nil {
		return false, err
	}
	err = u.root.Link(u.temp, u.to)
	if errors.Is(err, fs.ErrExist) {
		return true, nil
	}
	return false, err
}

func (u *upload) Abort(context.Context) {
	if u.done {
		return
	}
	u.done = true
	_ = u.file.Close()        // it may be closed
	_ = u.root.Remove(u.temp) // the object, where there is one, has a name of its own
}

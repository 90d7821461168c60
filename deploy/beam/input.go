package copsebeam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/gcsstore"
	"example.com/copse/pkg/ingest/s3store"
)

// input is a file as it was when the pipeline first looked at it, so that all
// of its ranges are of one content. It travels between workers.
type input struct {
	Name     string
	Size     int64  // in bytes, or -1
	Version  string // of an object: version id or generation
	ETag     string // of an object
	Modified int64  // of other files, in nanoseconds of the epoch; 0: not known
}

// opened is an input that can be read.
type opened struct {
	bulk.File
	is    input
	close func() error
}

// objects are the drivers of buckets, by scheme, each made when it is first
// needed.
var objects = map[string]func() (ingest.Objects, error){
	gcsstore.Scheme: sync.OnceValues(func() (ingest.Objects, error) { return gcsstore.New(), nil }),
	s3store.Scheme: sync.OnceValues(func() (ingest.Objects, error) {
		// As Beam's own filesystem: workers have profiles and roles of instances.
		c, err := config.LoadDefaultConfig(context.Background())
		if err != nil {
			return nil, err
		}
		return s3store.ObjectsOf(s3.NewFromConfig(c, func(o *s3.Options) {
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // a range has none of its own
		})), nil
	}),
}

// open opens a file, and makes sure that it is still what it was, where in says
// what that is: with only a name, whatever is there.
func (in input) open(ctx context.Context) (*opened, error) {
	scheme, rest, _ := cutScheme(in.Name)
	if driver, ok := objects[scheme]; ok {
		return in.openObject(ctx, driver, scheme, rest)
	}
	files, err := systemOf(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	is := input{Name: in.Name, Size: -1}
	r, err := files.open(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	o := &opened{close: r.Close}
	if is.Size, err = files.size(ctx, in.Name); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if m, ok := files.Interface.(filesystem.LastModifiedGetter); ok {
		at, err := m.LastModified(ctx, in.Name)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		is.Modified = at.UnixNano()
	}
	if in.Modified != 0 && in != is {
		return nil, errors.Join(fault.New(fault.ObjectChanged, "the file was replaced while the pipeline ran: run it again"), r.Close())
	}
	o.is = is
	o.File = bulk.File{Name: in.Name, Size: is.Size, Stream: r}
	o.At, _ = r.(io.ReaderAt)
	return o, nil
}

func (in input) openObject(ctx context.Context, driver func() (ingest.Objects, error), scheme, rest string) (*opened, error) {
	store, err := driver()
	if err != nil {
		return nil, err
	}
	bucket, key, _ := strings.Cut(rest, "/")
	r, err := store.Open(ctx, ingest.Object{Scheme: scheme, Bucket: bucket, Key: key, Version: in.Version, ETag: in.ETag})
	if err != nil {
		return nil, err
	}
	is := r.Object()
	return &opened{
		File:  bulk.File{Name: in.Name, Size: is.Size, At: r},
		is:    input{Name: in.Name, Size: is.Size, Version: is.Version, ETag: is.ETag},
		close: r.Close,
	}, nil
}

// of says which file an error is about, in the words of the command line.
func of(name string, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch place, is := errors.AsType[*fs.PathError](err); {
	case err == nil:
		return nil
	case is && place.Path == name:
		return fmt.Errorf("%s: %w", name, place.Err)
	case !ok:
		return fmt.Errorf("%s: %w", name, err)
	case e.Code == fault.UnknownField:
		return fmt.Errorf("%s: %s (--ignore-extra passes over columns that are no feature)", name, e.Message)
	case e.Err != nil:
		return fmt.Errorf("%s: %s: %w", name, e.Message, e.Err)
	}
	return fmt.Errorf("%s: %s", name, e.Message)
}

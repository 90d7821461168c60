package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
)

// breaks is how often in a row a body may break off without a byte; what fails
// before its first byte the SDK tries again.
const breaks = 5

// Open finds an object: the version and content that its event names, where it
// names them, else what is there now.
func (s *Objects) Open(ctx context.Context, o ingest.Object) (ingest.Reader, error) {
	if !possible(o.Bucket) {
		return nil, noSuchName(nil)
	}
	head, err := s.client().HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &o.Bucket, Key: &o.Key, VersionId: named(o.Version), IfMatch: quoted(o.ETag),
	})
	if status(err) == http.StatusBadRequest {
		return nil, s.refused(ctx, &o, err)
	}
	if err != nil {
		return nil, readError(err)
	}
	o.Size = aws.ToInt64(head.ContentLength)
	o.ETag = strings.Trim(aws.ToString(head.ETag), `"`)
	if v := aws.ToString(head.VersionId); v != "" {
		o.Version = v
	}
	return &reader{ctx: ctx, client: s.client(), object: o}, nil
}

// impossible are the codes of names that no object, bucket or version has, by
// docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: a pointer that
// says one is hopeless.
var impossible = map[string]bool{"InvalidArgument": true, "InvalidBucketName": true, "KeyTooLongError": true}

func noSuchName(err error) error {
	return fault.Wrap(fault.ObjectNotFound, err, "there can be no such object: its bucket, key or version is none that S3 has")
}

// possible says whether a bucket may be called so: the oldest ones have capital
// letters and '_' too. The SDK would take an ARN for another endpoint.
func possible(bucket string) bool {
	return bucket != "" && !strings.ContainsFunc(bucket, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// refused asks why a HEAD is refused, whose answer has no body to say so: the
// same of a GET has. Of other reasons, such as credentials that expired, some
// pass.
func (s *Objects) refused(ctx context.Context, o *ingest.Object, head error) error {
	out, err := s.client().GetObject(ctx, &s3.GetObjectInput{
		Bucket: &o.Bucket, Key: &o.Key, VersionId: named(o.Version), IfMatch: quoted(o.ETag), Range: aws.String("bytes=0-0"),
	})
	switch {
	case err == nil:
		_ = out.Body.Close() // it was asked for the error only
		return readError(head)
	case impossible[code(err)]:
		return noSuchName(err)
	}
	return readError(err)
}

// reader reads one version of an object.
type reader struct {
	ctx    context.Context
	client *client
	object ingest.Object
}

func (r *reader) Object() ingest.Object { return r.object }

func (r *reader) Close() error { return nil }

// ReadAt reads a range in one request, and asks for the rest of one that
// breaks off.
func (r *reader) ReadAt(p []byte, from int64) (n int, err error) {
	if from < 0 {
		return 0, errors.New("s3: a negative offset")
	}
	want := int(max(0, min(int64(len(p)), r.object.Size-from)))
	for broken := 0; n < want; {
		k, err := r.part(p[n:want], from+int64(n))
		n += k
		if err == nil {
			continue
		}
		if k > 0 {
			broken = 0
		}
		if _, final := errors.AsType[*fault.Error](err); final || broken == breaks {
			return n, err
		}
		broken++
		if awsenv.Wait(r.ctx, broken) != nil {
			return n, err
		}
	}
	if want < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// part reads into p what one answer gives of it. p is within the object.
func (r *reader) part(p []byte, from int64) (int, error) {
	to := from + int64(len(p))
	out, err := r.client.GetObject(r.ctx, &s3.GetObjectInput{
		Bucket: &r.object.Bucket, Key: &r.object.Key, VersionId: named(r.object.Version), IfMatch: quoted(r.object.ETag),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, to-1)),
	})
	if err != nil {
		return 0, readError(err)
	}
	defer out.Body.Close()
	if want := fmt.Sprintf("bytes %d-%d/%d", from, to-1, r.object.Size); aws.ToString(out.ContentRange) != want &&
		(out.ContentRange != nil || from != 0 || to != r.object.Size) {
		return 0, fault.New(fault.ObjectChanged, "the store answered with another range than it was asked for")
	}
	n, err := io.ReadFull(out.Body, p)
	if err != nil {
		return n, fmt.Errorf("s3: the object broke off after %d bytes of %d: %w", n, len(p), err)
	}
	return n, nil
}

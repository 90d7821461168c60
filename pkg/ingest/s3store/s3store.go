// Package s3store reads objects of Amazon S3 and keeps results there, through
// the SDK.
//
// An object is written once: under a name that is taken, what is there stays
// (If-None-Match: * on PutObject and CompleteMultipartUpload,
// docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). So a
// conditional write whose answer was lost and which is tried again, finds its
// own object, and that is success like any other that is found.
//
// Results of up to one part are one PutObject; larger ones are a multipart
// upload, of which nothing is seen until it is completed. One that a process
// began and could not give up, since it was killed, is left to the bucket's
// lifecycle (AbortIncompleteMultipartUpload).
//
// Question: the SDK's upload manager, or its plain calls? Choice: the plain
// calls. The manager takes a reader and commits when it ends, while here a
// result may be given up after its last byte; and it is one more package at
// start. What would change it: parts that are uploaded again after a part of
// them was lost.
package s3store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/internal/awsenv"
	"example.com/copse/pkg/ingest/sinkuri"
)

// Scheme of the URIs of buckets and objects: "s3://BUCKET/KEY".
const Scheme = "s3"

// client is the SDK's, and what a call waits with that has no bound of its own.
type client struct {
	*s3.Client
	patient aws.HTTPClient
}

// newClient returns a function that makes a client at its first call: a
// function that never meets an object pays nothing for it.
func newClient() (func() *client, error) {
	region := awsenv.Region()
	if region == "" {
		return nil, awsenv.ErrNoRegion
	}
	return sync.OnceValue(func() *client {
		endpoint := awsenv.Endpoint("S3")
		return &client{s3.New(s3.Options{
			Region:       region,
			BaseEndpoint: endpoint,
			UsePathStyle: endpoint != nil, // emulators have no names of hosts for buckets
			Credentials:  awsenv.Credentials(),
			HTTPClient:   awsenv.Client(awsenv.CallTimeout),
			// Two writers of one name met: the one that is tried again finds
			// what the other wrote.
			Retryer: awsenv.Retryer("ConditionalRequestConflict", "OperationAborted"),
			// A range has no checksum of its own; TLS guards it on its way.
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		}), awsenv.Client(0)}
	}), nil
}

// Open returns the sink for the URI "s3://BUCKET/PREFIX/": results and dead
// letters are objects there. It calls nobody. The signature is that of a sink's
// driver.
func Open(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	where, err := sinkuri.S3(uri)
	if err != nil {
		return nil, err
	}
	store, err := New(where.Bucket)
	if err != nil {
		return nil, err
	}
	return ingest.NewBucket(store, Scheme, where.Bucket, where.Prefix, ingest.BucketOptions{}), nil
}

// OpenObjects returns the objects of S3. The signature is that of an objects'
// driver.
func OpenObjects(context.Context, *slog.Logger) (ingest.Objects, error) {
	return NewObjects()
}

// Store keeps results in one bucket. It is safe for concurrent use.
type Store struct {
	bucket string
	client func() *client
}

// New returns a store for a bucket of the function's region. It calls nobody.
func New(bucket string) (*Store, error) {
	c, err := newClient()
	if err != nil {
		return nil, err
	}
	return &Store{bucket: bucket, client: c}, nil
}

// Objects reads objects of buckets of the function's region. It is safe for
// concurrent use.
type Objects struct{ client func() *client }

// NewObjects returns them. It calls nobody.
func NewObjects() (*Objects, error) {
	c, err := newClient()
	if err != nil {
		return nil, err
	}
	return &Objects{c}, nil
}

// ObjectsOf returns them for a client of the caller's, whose region and
// credentials may come from elsewhere than the environment.
func ObjectsOf(c *s3.Client) *Objects {
	return &Objects{func() *client { return &client{c, awsenv.Client(0)} }}
}

// status is the HTTP status that an error came with, or 0.
func status(err error) int {
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// readError is an error of reading as the rest of the code knows it: of the
// catalogue where it can never pass, or where people should be told what to do.
func readError(err error) error {
	switch s := status(err); {
	case code(err) == "InvalidObjectState":
		return fault.Wrap(fault.Unavailable, err, "the object is archived: restore it first")
	case code(err) == "NoSuchBucket":
		return fault.Wrap(fault.Unavailable, err, "there is no such bucket")
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed: // the latter is a version that marks a deletion
		return fault.Wrap(fault.ObjectNotFound, err, "there is no such object, or no longer")
	case s == http.StatusPreconditionFailed:
		return fault.Wrap(fault.ObjectChanged, err, "the object was replaced since its event")
	case s == http.StatusRequestedRangeNotSatisfiable: // it is shorter than it was
		return fault.Wrap(fault.ObjectChanged, err, "the object was replaced while it was read")
	case s == http.StatusForbidden:
		return fault.Wrap(fault.Unavailable, err, "access denied: the function's role needs s3:GetObject (of versions: s3:GetObjectVersion), and s3:ListBucket on the bucket, without which S3 does not tell a missing object from a forbidden one")
	}
	return otherError(err)
}

// writeError is readError for writing, of which nothing is final.
func writeError(err error) error {
	switch {
	case code(err) == "NoSuchBucket":
		return fault.Wrap(fault.Unavailable, err, "there is no such bucket for results")
	case status(err) == http.StatusForbidden:
		return fault.Wrap(fault.Unavailable, err, "access denied: the function's role needs, for results, s3:PutObject, s3:AbortMultipartUpload and s3:GetObject below the prefix, and s3:ListBucket on the bucket, without which S3 does not tell that a result is not there yet")
	}
	return otherError(err)
}

func otherError(err error) error {
	if status(err) == http.StatusMovedPermanently {
		return fault.Wrap(fault.Unavailable, err, "the bucket is in another region than the function")
	}
	return fmt.Errorf("s3: %w", err)
}

// quoted is an entity tag as HTTP has it; events name it without its quotes.
func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + strings.Trim(etag, `"`) + `"`)
}

// named is nil for the empty name.
func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Exists says whether there is an object of a name.
func (s *Store) Exists(ctx context.Context, name string) (bool, error) {
	_, err := s.client().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &name})
	switch {
	case err == nil:
		return true, nil
	case status(err) == http.StatusNotFound:
		return false, nil
	}
	return false, writeError(err)
}

var (
	_ ingest.Store   = (*Store)(nil)
	_ ingest.Objects = (*Objects)(nil)
)

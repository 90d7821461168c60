package s3store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/mototest"
	"example.com/copse/pkg/ingest/sinktest"
)

// use points the driver at a server.
func use(t testing.TB, address string) {
	t.Helper()
	set, ok := t.(interface{ Setenv(key, value string) })
	if !ok {
		t.Fatal("no environment")
	}
	set.Setenv("AWS_ENDPOINT_URL_S3", address)
	set.Setenv("AWS_REGION", "eu-west-1")
	set.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	set.Setenv("AWS_SECRET_ACCESS_KEY", "example")
}

// side is a client of the tests' own, that looks at what the driver did.
type side struct{ *s3.Client }

func newSide(address string) side {
	return side{s3.New(s3.Options{
		Region: "eu-west-1", BaseEndpoint: &address, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})}
}

func (s side) create(t testing.TB, bucket string, versions bool) {
	t.Helper()
	_, err := s.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintEuWest1}})
	if err == nil && versions {
		_, err = s.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bucket,
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s side) put(t testing.TB, bucket, key string, body []byte) ingest.Object {
	t.Helper()
	out, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Object{Scheme: "s3", Bucket: bucket, Key: key, Size: int64(len(body)),
		Version: aws.ToString(out.VersionId), ETag: strings.Trim(aws.ToString(out.ETag), `"`)}
}

func (s side) get(t testing.TB, bucket, key string) ([]byte, ingest.Info, bool) {
	t.Helper()
	out, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		if status(err) != http.StatusNotFound {
			t.Fatal(err)
		}
		return nil, ingest.Info{}, false
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body, ingest.Info{ContentType: aws.ToString(out.ContentType), Meta: out.Metadata}, true
}

func (s side) pending(t testing.TB, bucket string) int {
	t.Helper()
	out, err := s.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Uploads)
}

func mustNew(t testing.TB, bucket string) (*Store, *Objects) {
	t.Helper()
	store, err := New(bucket)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	return store, objects
}

// TestConformance runs the suite against moto, which honours If-None-Match on
// PutObject and on CompleteMultipartUpload, but checks it without a lock: so
// behind a proxy that lets one request in at a time.
func TestConformance(t *testing.T) {
	address := mototest.OneAtATime(t, mototest.Start(t))
	s := newSide(address)
	buckets := 0
	for _, versions := range []bool{false, true} {
		t.Run(fmt.Sprintf("versions=%v", versions), func(t *testing.T) {
			sinktest.Store(t, func(t *testing.T) sinktest.Bucket {
				use(t, address)
				buckets++
				bucket := fmt.Sprintf("bucket-%d", buckets)
				s.create(t, bucket, versions)
				store, objects := mustNew(t, bucket)
				return sinktest.Bucket{
					Store: store, Objects: objects, Scheme: Scheme, Name: bucket,
					Put: func(t testing.TB, key string, body []byte) ingest.Object { return s.put(t, bucket, key, body) },
					Delete: func(t testing.TB, key string) {
						if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
							t.Fatal(err)
						}
					},
					Get:     func(t testing.TB, key string) ([]byte, ingest.Info, bool) { return s.get(t, bucket, key) },
					Pending: func(t testing.TB) int { return s.pending(t, bucket) },
					Large:   PartSize, Versions: versions,
				}
			})
		})
	}
}

func TestNoRegion(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	_, a := New("b")
	_, b := NewObjects()
	if a == nil || b == nil || !strings.Contains(errors.Join(a, b).Error(), "AWS_REGION") {
		t.Errorf("got %v, %v", a, b)
	}
}

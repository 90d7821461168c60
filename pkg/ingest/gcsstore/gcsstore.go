// Package gcsstore reads objects of Google Cloud Storage and keeps results
// there: the scheme "gs".
//
// Question: which of Google's SDKs? Choice: google.golang.org/api/storage/v1,
// the client that is generated from the JSON API's description. Measured in
// functions/gcf/server on linux/amd64, which links Pub/Sub's client anyway
// (stripped binary; process start to first connection, median of 25; resident
// memory then):
//
//	no sink of a cloud                            11.7 MB    7.7 ms   10.4 MB
//	with Pub/Sub                                  22.8 MB   12.2 ms   18.0 MB
//	  + google.golang.org/api/storage/v1          23.0 MB   12.3 ms   18.1 MB
//	  + cloud.google.com/go/storage v1.70
//	    (tag disable_grpc_modules)                27.0 MB   15.3 ms   19.9 MB
//
// The larger one is built on the smaller one where it speaks JSON, and adds
// retries of reads, which are here. What would change it: buckets that answer
// gRPC only.
//
// Question: what makes a write conditional? Choice: ifGenerationMatch=0, which
// lets it succeed only where there is no object of the name
// (cloud.google.com/storage/docs/request-preconditions). A result of up to a
// MiB goes in one request, a larger one in a resumable upload, of which nothing
// is seen before its last part. Both carry a CRC-32C that the service checks.
// An upload that was given up leaves a session, which ends by itself after a
// week (cloud.google.com/storage/docs/resumable-uploads).
package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/googleapis/gax-go/v2"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"
	transport "google.golang.org/api/transport/http"

	"example.com/copse/pkg/ingest"
)

// Scheme of objects and of the sink's URI: "gs://BUCKET/PREFIX/".
const Scheme = "gs"

const (
	// patience is how long one call is tried again, where the caller's context
	// does not end before.
	patience = 2 * time.Minute
	// answerTimeout is how long the service may take to begin its answer once it
	// has the request: a connection that died silently is no answer.
	answerTimeout = 30 * time.Second
	// connections that are kept: reads ahead, of several events at a time.
	connections = 32
)

// Client speaks with Cloud Storage. It is safe for concurrent use, and looks
// for credentials when it is first used: a function whose events carry rows
// needs none.
type Client struct {
	whole, part int // see the constants of these names
	mu          sync.Mutex
	service     *storage.Service
}

// New returns a client: of the emulator that STORAGE_EMULATOR_HOST names, or of
// Google with the credentials that its libraries find.
func New() *Client { return &Client{whole: whole, part: part} }

// api is the service, connected.
func (c *Client) api(ctx context.Context) (*storage.Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		// Credentials are for later calls, too: ctx must not end them.
		s, err := connect(context.WithoutCancel(ctx), os.Getenv("STORAGE_EMULATOR_HOST"))
		if err != nil {
			return nil, fmt.Errorf("no client for Cloud Storage: %w", err)
		}
		c.service = s
	}
	return c.service, nil
}

func connect(ctx context.Context, emulator string) (*storage.Service, error) {
	dial := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // net/http documents its type
	dial.ResponseHeaderTimeout, dial.MaxIdleConnsPerHost = answerTimeout, connections
	if emulator != "" {
		return storage.NewService(ctx, option.WithEndpoint(endpoint(emulator)),
			option.WithHTTPClient(&http.Client{Transport: asStored{dial}}))
	}
	authorised, err := transport.NewTransport(ctx, asStored{dial},
		option.WithScopes(storage.DevstorageReadWriteScope), option.WithTelemetryDisabled())
	if err != nil {
		return nil, err
	}
	return storage.NewService(ctx, option.WithHTTPClient(&http.Client{Transport: authorised}))
}

// endpoint is that of an emulator, which Google's libraries take with and
// without "http://".
func endpoint(emulator string) string {
	if !strings.Contains(emulator, "://") {
		emulator = "http://" + emulator
	}
	return strings.TrimRight(emulator, "/") + "/storage/v1/"
}

// asStored asks for the bytes as they are stored. Cloud Storage would inflate
// an object that has Content-Encoding gzip, and ignore the range then
// (cloud.google.com/storage/docs/transcoding). The generated client refuses to
// set the header.
type asStored struct{ http.RoundTripper }

func (t asStored) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Range") != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return t.RoundTripper.RoundTrip(r)
}

// pauses between tries: they grow, and are drawn by lot.
func pauses() *gax.Backoff {
	return &gax.Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2}
}

// again calls f until it succeeds, fails for good, or time runs out.
func again(ctx context.Context, f func() error) error {
	pause, end := pauses(), time.Now().Add(patience)
	for {
		err := f()
		if !passing(err) || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		if gax.Sleep(ctx, pause.Pause()) != nil {
			return err
		}
	}
}

// passing says whether an error may be gone at another try
// (cloud.google.com/storage/docs/retry-strategy).
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	status := statusOf(err)
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.Response != nil {
		status = e.Response.StatusCode
	}
	if status != 0 {
		return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	}
	// What is left is of the network, or an answer that broke off.
	return true
}

// statusOf is the status that the service answered with, or 0.
func statusOf(err error) int {
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return e.Code
	}
	return 0
}

// Bucket keeps results in a bucket.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{c, name} }

// Bucket is an ingest.Store.
type Bucket struct {
	client *Client
	name   string
}

var (
	_ ingest.Objects = (*Client)(nil)
	_ ingest.Store   = (*Bucket)(nil)
	_ ingest.Finder  = (*Bucket)(nil)
	_ io.ReaderAt    = (*reader)(nil)
)

// Open returns the sink of a URI. It finds credentials, or the emulator, but
// calls nobody: a bucket that does not exist shows at the first result. The
// signature is that of a sink's driver.
func Open(ctx context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	l, err := ingest.ParseLocation(uri)
	if err != nil {
		return nil, err
	}
	client := New()
	if _, err := client.api(ctx); err != nil {
		return nil, err
	}
	return ingest.NewBucket(client.Bucket(l.Bucket), Scheme, l.Bucket, l.Prefix, ingest.BucketOptions{}), nil
}

// OpenObjects returns the reader of objects. The signature is that of a
// driver.
func OpenObjects(context.Context, *slog.Logger) (ingest.Objects, error) { return New(), nil }

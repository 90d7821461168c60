package gcsstore

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinktest"
)

const bucket = "answers"

// smallPart keeps the tests short; a part is a multiple of 256 KiB.
const smallPart = 512 << 10

func small() *Client { return &Client{whole: 64 << 10, part: smallPart} }

// start starts the fake of Cloud Storage and makes it the one that clients of
// this test find, through front.
func start(t *testing.T, versions bool) (*fakestorage.Server, *front) {
	t.Helper()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket, VersioningEnabled: versions})
	to, err := url.Parse(fake.URL())
	if err != nil {
		t.Fatal(err)
	}
	f := &front{to: httputil.NewSingleHostReverseProxy(to)}
	f.to.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	return fake, f
}

// front stands before the fake and meddles with the calls that a test names.
type front struct {
	to     *httputil.ReverseProxy
	mu     sync.Mutex
	meddle func(call int, r *http.Request) meddling
	calls  []string // what each call was
}

type meddling int

const (
	pass     meddling = iota
	refuse            // 503, not passed on
	throttle          // 429, not passed on
	drop              // the connection ends, not passed on
	lose              // passed on, and the answer is lost
	half              // passed on, and the answer breaks off in its body
)

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	do := pass
	if f.meddle != nil {
		do = f.meddle(len(f.calls), r)
	}
	f.calls = append(f.calls, r.Method+" "+cmp.Or(r.URL.Query().Get("uploadType"), r.URL.Query().Get("alt")))
	f.mu.Unlock()
	switch do {
	case refuse:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case throttle:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case lose:
		f.to.ServeHTTP(httptest.NewRecorder(), r)
	case half:
		answer := httptest.NewRecorder()
		f.to.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
	case drop:
	default:
		f.to.ServeHTTP(w, r)
		return
	}
	panic(http.ErrAbortHandler) // ends the connection
}

// during sets what is done with the calls that follow, which are counted from 0.
func (f *front) during(meddle func(call int, r *http.Request) meddling) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meddle, f.calls = meddle, nil
}

func (f *front) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

func put(t testing.TB, fake *fakestorage.Server, key string, body []byte) ingest.Object {
	t.Helper()
	fake.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: key}, Content: body})
	is, err := fake.GetObject(bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Object{Scheme: Scheme, Bucket: bucket, Key: key, Size: int64(len(body)), Version: strconv.FormatInt(is.Generation, 10)}
}

func remove(t testing.TB, key string) {
	t.Helper()
	api, err := New().api(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Objects.Delete(bucket, key).Do(); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	for name, versions := range map[string]bool{"live only": false, "versions": true} {
		t.Run(name, func(t *testing.T) {
			sinktest.Store(t, func(t *testing.T) sinktest.Bucket {
				fake, _ := start(t, versions)
				client := small()
				return sinktest.Bucket{
					Store: client.Bucket(bucket), Objects: client, Scheme: Scheme, Name: bucket,
					Put:    func(t testing.TB, key string, body []byte) ingest.Object { return put(t, fake, key, body) },
					Delete: remove,
					Get: func(_ testing.TB, key string) ([]byte, ingest.Info, bool) {
						o, err := fake.GetObject(bucket, key)
						return o.Content, ingest.Info{ContentType: o.ContentType, Meta: o.Metadata}, err == nil
					},
					Large: smallPart, Versions: versions,
				}
			})
		})
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Code.String()
	}
	if err != nil {
		return "error"
	}
	return "none"
}

// create writes an object of n bytes and commits it.
func create(t *testing.T, name string, n int) (existed bool, err error) {
	t.Helper()
	u, err := small().Bucket(bucket).Create(t.Context(), name, ingest.Info{ContentType: "application/x-ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort(t.Context())
	if _, err := u.Write(content(n)); err != nil {
		return false, err
	}
	return u.Commit(t.Context())
}

func content(n int) []byte { return bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n] }

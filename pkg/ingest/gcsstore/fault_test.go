package gcsstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"example.com/copse/pkg/ingest"
)

// TestCommitFaults: each call fails in turn, in each way, once. The object is
// there then, whole, and the caller knows that the work is done; it cannot be
// told whose it is where an answer was lost.
func TestCommitFaults(t *testing.T) {
	fake, front := start(t, false)
	for size, calls := range map[int]int{1000: 1, smallPart + 1000: 3} {
		for call := range calls {
			for _, do := range []meddling{refuse, throttle, drop, lose} {
				if do == lose && size > smallPart && call == 1 {
					continue // the fake appends a part that comes twice; Cloud Storage does not: TestSession
				}
				name := fmt.Sprintf("faults/%d-%d-%d", size, call, do)
				front.during(func(n int, _ *http.Request) meddling {
					if n == call {
						return do
					}
					return pass
				})
				existed, err := create(t, name, size)
				if err != nil || existed != (do == lose && call == calls-1) {
					t.Errorf("%s: got %v, %v after %v", name, existed, err, front.calls)
				}
				if o, err := fake.GetObject(bucket, name); err != nil || !bytes.Equal(o.Content, content(size)) {
					t.Errorf("%s: %d bytes, %v", name, len(o.Content), err)
				}
			}
		}
	}
}

// TestCommitDoesNotReplace: a name that is taken stays as it is, whatever
// becomes of the answer.
func TestCommitDoesNotReplace(t *testing.T) {
	fake, front := start(t, false)
	for _, do := range []meddling{pass, refuse, lose} {
		name := "taken/" + strconv.Itoa(int(do))
		put(t, fake, name, []byte("first"))
		front.during(func(n int, _ *http.Request) meddling {
			if n == 0 {
				return do
			}
			return pass
		})
		if existed, err := create(t, name, 1000); !existed || err != nil {
			t.Errorf("%s: got %v, %v", name, existed, err)
		}
		if o, err := fake.GetObject(bucket, name); err != nil || string(o.Content) != "first" {
			t.Errorf("%s: %q, %v", name, o.Content, err)
		}
	}
}

// TestCommitFails: what does not pass is an error, at once, or when time is up.
func TestCommitFails(t *testing.T) {
	_, front := start(t, false)
	u, err := New().Bucket("nowhere").Create(t.Context(), "a", ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	if existed, err := u.Commit(t.Context()); existed || statusOf(err) != http.StatusNotFound {
		t.Errorf("no bucket: got %v, %v", existed, err)
	}
	if _, err := u.Commit(t.Context()); err == nil {
		t.Error("committed twice")
	}
	if _, err := u.Write([]byte("x")); err == nil {
		t.Error("written after the end")
	}
	front.during(func(int, *http.Request) meddling { return refuse })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if u, err = New().Bucket(bucket).Create(ctx, "late", ingest.Info{}); err != nil {
		t.Fatal(err)
	}
	if existed, err := u.Commit(ctx); existed || err == nil {
		t.Errorf("late: got %v, %v", existed, err)
	}
	if front.count() < 2 {
		t.Errorf("%d tries", front.count())
	}
}

// TestLargeUploadOfTakenName: that the name is taken shows at the end, and
// nothing is held up before.
func TestLargeUploadOfTakenName(t *testing.T) {
	fake, _ := start(t, false)
	put(t, fake, "taken", []byte("first"))
	u, err := New().Bucket(bucket).Create(t.Context(), "taken", ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(content(2*part + 1)); err != nil {
		t.Fatal(err)
	}
	if existed, err := u.Commit(t.Context()); !existed || err != nil {
		t.Errorf("got %v, %v", existed, err)
	}
}

// TestUploadWithoutReader: an upload whose sender gave up takes what is still
// written, and says why at the end.
func TestUploadWithoutReader(t *testing.T) {
	_, front := start(t, false)
	front.during(func(int, *http.Request) meddling { return pass })
	u, err := New().Bucket("nowhere").Create(t.Context(), "a", ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := u.Write(content(part)); err != nil {
			t.Fatal(err)
		}
	}
	if existed, err := u.Commit(t.Context()); existed || statusOf(err) != http.StatusNotFound {
		t.Errorf("got %v, %v", existed, err)
	}
}

// session is a resumable upload as Cloud Storage keeps it: by offsets, so that
// a part which comes twice is there once
// (cloud.google.com/storage/docs/performing-resumable-uploads).
type session struct {
	t      *testing.T
	lose   int // of the parts' answers the one that is lost
	parts  int
	stored []byte
	hash   string
}

func (s *session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if r.URL.Query().Get("uploadType") == "resumable" {
		w.Header().Set("Location", "http://"+r.Host+"/session")
		return
	}
	from, rest := 0, r.Header.Get("Content-Range")
	if n, _ := fmt.Sscanf(rest, "bytes %d-", &from); n == 0 {
		from = len(s.stored) // "bytes */TOTAL"
	}
	if from > len(s.stored) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.stored = append(s.stored[:from], body...)
	if strings.HasSuffix(rest, "/*") {
		w.Header().Set("X-Http-Status-Code-Override", "308")
	} else {
		s.hash = r.Header.Get("X-Goog-Hash")
	}
	if s.parts++; s.parts == s.lose+1 {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "{}")
}

// TestSession: the answer to any part is lost, and the part sent again.
func TestSession(t *testing.T) {
	for lose := range 4 {
		s := &session{t: t, lose: lose}
		server := httptest.NewServer(s)
		t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
		existed, err := create(t, "a", 3*smallPart+1000)
		server.Close()
		want := content(3*smallPart + 1000)
		if existed || err != nil || !bytes.Equal(s.stored, want) || s.hash != "crc32c="+checksum(want) || s.parts != 5 {
			t.Errorf("answer %d lost: %d of %d bytes in %d parts, %s, %v, %v", lose, len(s.stored), len(want), s.parts, s.hash, existed, err)
		}
	}
}

// TestReadFaults: a read that fails or breaks off goes on where it was.
func TestReadFaults(t *testing.T) {
	fake, front := start(t, false)
	body := content(100_000)
	event := put(t, fake, "read", body)
	for _, do := range []meddling{refuse, throttle, drop, lose, half} {
		front.during(func(n int, _ *http.Request) meddling {
			if n < 2 { // the look, and the first read
				return do
			}
			return pass
		})
		if do == half {
			front.during(func(n int, _ *http.Request) meddling {
				if n == 1 || n == 2 {
					return do
				}
				return pass
			})
		}
		r, err := New().Open(t.Context(), event)
		if err != nil {
			t.Errorf("%d: %v", do, err)
			continue
		}
		got := make([]byte, 50_000)
		if n, err := r.ReadAt(got, 10); n != len(got) || err != nil || !bytes.Equal(got, body[10:10+len(got)]) {
			t.Errorf("%d: got %d, %v after %v", do, n, err, front.calls)
		}
	}
}

// TestReadEndsInTime: what does not pass ends with the time.
func TestReadEndsInTime(t *testing.T) {
	fake, front := start(t, false)
	event := put(t, fake, "read", content(1000))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := New().Open(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	front.during(func(int, *http.Request) meddling { return drop })
	if n, err := r.ReadAt(make([]byte, 10), 0); n != 0 || err == nil || err == io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestReadInflatable: an object with Content-Encoding gzip is read as it is
// stored, ranges and all.
func TestReadInflatable(t *testing.T) {
	fake, front := start(t, false)
	body := []byte("\x1f\x8b not really gzip, and nobody looks")
	fake.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: "z", ContentEncoding: "gzip"}, Content: body})
	r, err := New().Open(t.Context(), ingest.Object{Scheme: Scheme, Bucket: bucket, Key: "z", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	front.during(func(_ int, r *http.Request) meddling {
		asked <- r.Header.Get("Accept-Encoding")
		return pass
	})
	got := make([]byte, 10)
	if n, err := r.ReadAt(got, 3); n != 10 || err != nil || !bytes.Equal(got, body[3:13]) || <-asked != "gzip" {
		t.Errorf("got %d, %v: %q", n, err, got)
	}
}

// TestBadVersions: what is no generation is none of the object's.
func TestBadVersions(t *testing.T) {
	fake, _ := start(t, false)
	event := put(t, fake, "a", []byte("rows"))
	for _, version := range []string{"3/L4kqtJlcpXroDTDmpUMLUo", "-1", "0", "9223372036854775808"} {
		event.Version = version
		if _, err := New().Open(t.Context(), event); code(err) != "object_not_found" {
			t.Errorf("%s: got %v", version, err)
		}
	}
}

func TestPassing(t *testing.T) {
	status := func(code int) error { return fmt.Errorf("wrapped: %w", &googleapi.Error{Code: code}) }
	token := func(code int) error {
		return &oauth2.RetrieveError{Response: &http.Response{StatusCode: code}}
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {context.Canceled, false}, {fmt.Errorf("x: %w", context.DeadlineExceeded), false},
		{status(400), false}, {status(401), false}, {status(403), false}, {status(404), false}, {status(412), false},
		{status(408), true}, {status(429), true}, {status(500), true}, {status(502), true}, {status(503), true}, {status(504), true},
		{token(400), false}, {token(503), true},
		{io.ErrUnexpectedEOF, true}, {errors.New("connection reset by peer"), true},
	} {
		if got := passing(tt.err); got != tt.want {
			t.Errorf("%v: got %v", tt.err, got)
		}
	}
}

func TestOpenSink(t *testing.T) {
	start(t, false)
	for uri, want := range map[string]string{
		"gs://answers/daily/": "gs://answers/daily/", "gs://answers": "gs://answers/", "gs://": "", "gs:answers": "", "gs://answers//x": "",
	} {
		sink, err := Open(t.Context(), uri, nil)
		if (err == nil) != (want != "") {
			t.Errorf("%s: got %v", uri, err)
			continue
		}
		if b, ok := sink.(*ingest.Bucket); want != "" && (!ok || b.Location().String() != want) {
			t.Errorf("%s: got %v", uri, b.Location())
		}
	}
	objects, err := OpenObjects(t.Context(), nil)
	if _, notThere := objects.Open(t.Context(), ingest.Object{Bucket: bucket, Key: "none"}); err != nil || code(notThere) != "object_not_found" {
		t.Errorf("got %v, %v", err, notThere)
	}
}

func TestEndpoint(t *testing.T) {
	for emulator, want := range map[string]string{
		"localhost:4443": "http://localhost:4443/storage/v1/", "http://localhost:4443/": "http://localhost:4443/storage/v1/",
		"https://gcs.example": "https://gcs.example/storage/v1/",
	} {
		if got := endpoint(emulator); got != want {
			t.Errorf("%s: got %s", emulator, got)
		}
	}
}

// TestNoCredentials: without any, there is an error and no panic, and the next
// call asks again.
func TestNoCredentials(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
	for range 2 {
		if _, err := New().Open(t.Context(), ingest.Object{Bucket: bucket, Key: "a"}); err == nil || !strings.Contains(err.Error(), "no client for Cloud Storage") {
			t.Errorf("got %v", err)
		}
	}
}

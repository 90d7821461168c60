package s3store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/mototest"
)

// weather lies between the driver and a server: a fault is asked of each
// request, and answers instead of the server, or breaks what that one answers.
type weather struct {
	http.Handler // the server

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, server http.Handler) (happened bool)
	calls []string
}

func (f *weather) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls = append(f.calls, operation(r))
	fault := f.fault
	f.mu.Unlock()
	if fault == nil || !fault(w, r, f.Handler) {
		f.Handler.ServeHTTP(w, r)
	}
}

// operation names what a request asks for.
func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPut && q.Has("partNumber"):
		return "UploadPart"
	case r.Method == http.MethodPut:
		return "PutObject"
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost:
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete:
		return "AbortMultipartUpload"
	case r.Method == http.MethodHead:
		return "HeadObject"
	}
	return "GetObject"
}

// set lets faults happen from now on, and forgets the calls so far.
func (f *weather) set(fault func(http.ResponseWriter, *http.Request, http.Handler) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.calls = fault, nil
}

func (f *weather) count(operation string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == operation {
			n++
		}
	}
	return n
}

// first lets a fault happen to the first n requests of an operation.
func first(n int, of string, fault func(http.ResponseWriter, *http.Request, http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request, server http.Handler) bool {
		mu.Lock()
		happens := operation(r) == of && n > 0
		if happens {
			n--
		}
		mu.Unlock()
		if happens {
			fault(w, r, server)
		}
		return happens
	}
}

// answer is S3's own error.
func answer(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>m</Message></Error>", code)
	}
}

// lost lets the server do it, and cuts the connection instead of the answer.
func lost(_ http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// half answers with half of the body that was announced.
func half(w http.ResponseWriter, r *http.Request, server http.Handler) {
	whole := httptest.NewRecorder()
	server.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	panic(http.ErrAbortHandler)
}

// stage is a bucket of moto behind weather, and the driver opened on it.
type stage struct {
	*weather
	side
	store   *Store
	objects *Objects
}

// TestFaults runs all tests of faults on one server.
func TestFaults(t *testing.T) {
	to, err := url.Parse(mototest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &weather{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	use(t, server.URL)
	s := newSide(to.String())
	s.create(t, "results", false)
	store, objects := mustNew(t, "results")
	for _, c := range []struct {
		name string
		test func(*testing.T, *stage)
	}{
		{"write", writeFaults},
		{"completed by another", completedByAnother},
		{"read", readFaults},
		{"read gives up", readGivesUp},
		{"open", openFaults},
		{"names that nothing has", impossibleNames},
		{"existing forbidden", existsForbidden},
		{"conditions", conditions},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.set(nil)
			c.test(t, &stage{f, s, store, objects})
		})
	}
}

func write(t *testing.T, store *Store, name string, body []byte) (existed bool, err error) {
	t.Helper()
	u, err := store.Create(t.Context(), name, ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort(t.Context())
	if _, err := u.Write(body); err != nil {
		return false, err
	}
	return u.Commit(t.Context())
}

// writeFaults: what may pass is tried again, an answer that was lost makes
// no second object, and nothing is left behind.
func writeFaults(t *testing.T, f *stage) {
	large := make([]byte, PartSize+1)
	for i, c := range []struct {
		name    string
		fault   func(http.ResponseWriter, *http.Request, http.Handler) bool
		body    []byte
		existed bool
		code    fault.Code // where there is an error
		there   bool       // the object, then
	}{
		{"a put's answer is lost", first(1, "PutObject", lost), []byte("a"), true, 0, true},
		{"two writers met", first(1, "PutObject", answer(409, "ConditionalRequestConflict")), []byte("a"), false, 0, true},
		{"too fast", first(2, "PutObject", answer(503, "SlowDown")), []byte("a"), false, 0, true},
		{"forbidden", first(1, "PutObject", answer(403, "AccessDenied")), []byte("a"), false, fault.Unavailable, false},
		{"no bucket", first(1, "PutObject", answer(404, "NoSuchBucket")), []byte("a"), false, fault.Unavailable, false},
		{"another region", first(1, "PutObject", answer(301, "PermanentRedirect")), []byte("a"), false, fault.Unavailable, false},
		{"a part's answer is lost", first(1, "UploadPart", lost), large, false, 0, true},
		{"a part fails", first(9, "UploadPart", answer(403, "AccessDenied")), large, false, fault.Unavailable, false},
		{"an upload cannot begin", first(1, "CreateMultipartUpload", answer(403, "AccessDenied")), large, false, fault.Unavailable, false},
		// Moto, like S3 for a while, answers the same to the same end.
		{"the end's answer is lost", first(1, "CompleteMultipartUpload", lost), large, false, 0, true},
		{"an error after all", first(1, "CompleteMultipartUpload", answer(200, "InternalError")), large, false, 0, true},
		{"the upload is no more", first(1, "CompleteMultipartUpload", answer(404, "NoSuchUpload")), large, false, fault.Unavailable, false},
		{"the end meets another writer", first(1, "CompleteMultipartUpload", answer(409, "Conflict")), large, false, fault.Unavailable, false},
	} {
		name := fmt.Sprintf("fault/%d", i)
		f.set(c.fault)
		existed, err := write(t, f.store, name, c.body)
		e, known := errors.AsType[*fault.Error](err)
		if existed != c.existed || (err != nil) != (c.code != 0) || known && e.Code != c.code {
			t.Errorf("%s: got %v, %v", c.name, existed, err)
		}
		if known && strings.HasPrefix(e.Message, "access denied") {
			namesRights(t, c.name, err)
		}
		got, _, there := f.get(t, "results", name)
		if there != c.there || there && !bytes.Equal(got, c.body) {
			t.Errorf("%s: the object is there: %v, and has %d bytes", c.name, there, len(got))
		}
		if n := f.pending(t, "results"); n != 0 {
			t.Errorf("%s: %d uploads are left", c.name, n)
		}
	}
}

// namesRights: who is denied access is told of all that writing results needs.
func namesRights(t *testing.T, name string, err error) {
	t.Helper()
	for _, right := range []string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket"} {
		if err == nil || !strings.Contains(err.Error(), right) {
			t.Errorf("%s: got %v, want it to name %s", name, err, right)
		}
	}
}

// existsForbidden: a look for a result is part of writing it.
func existsForbidden(t *testing.T, f *stage) {
	f.set(first(1, "HeadObject", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) }))
	there, err := f.store.Exists(t.Context(), "fault/none")
	if there {
		t.Error("what may not be seen is there")
	}
	namesRights(t, "exists", err)
}

// completedByAnother: the end of an upload that meets another writer finds
// what that one wrote.
func completedByAnother(t *testing.T, f *stage) {
	f.set(first(1, "CompleteMultipartUpload", func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		f.put(t, "results", "met", []byte("the other's"))
		answer(409, "Conflict")(w, r, server)
	}))
	existed, err := write(t, f.store, "met", make([]byte, PartSize+1))
	if got, _, _ := f.get(t, "results", "met"); !existed || err != nil || string(got) != "the other's" {
		t.Errorf("got %v, %v; the object is %.20q", existed, err, got)
	}
}

// readFaults: a body that breaks off is read on from there.
func readFaults(t *testing.T, f *stage) {
	body := bytes.Repeat([]byte("0123456789"), 10_000)
	event := f.put(t, "results", "read", body)
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request, http.Handler) bool
		calls int
		want  string // of the error
		code  fault.Code
	}{
		{"broken off twice", first(2, "GetObject", half), 3, "", 0},
		{"no answer", first(2, "GetObject", lost), 3, "", 0},
		{"too fast", first(2, "GetObject", answer(503, "SlowDown")), 3, "", 0},
		{"forbidden", first(1, "GetObject", answer(403, "AccessDenied")), 1, "s3:GetObject", fault.Unavailable},
		{"archived", first(1, "GetObject", answer(403, "InvalidObjectState")), 1, "archived", fault.Unavailable},
		{"shorter", first(1, "GetObject", answer(416, "InvalidRange")), 1, "replaced", fault.ObjectChanged},
		{"another range", first(1, "GetObject", func(w http.ResponseWriter, r *http.Request, server http.Handler) {
			r.Header.Set("Range", "bytes=7-99")
			server.ServeHTTP(w, r)
		}), 1, "another range", fault.ObjectChanged},
		{"the whole instead of a range", first(1, "GetObject", func(w http.ResponseWriter, r *http.Request, server http.Handler) {
			r.Header.Del("Range")
			server.ServeHTTP(w, r)
		}), 1, "another range", fault.ObjectChanged},
	} {
		f.set(nil)
		r, err := f.objects.Open(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		f.set(c.fault)
		p := make([]byte, 50_000)
		n, err := r.ReadAt(p, 10)
		e, _ := errors.AsType[*fault.Error](err)
		switch {
		case c.want == "" && (n != len(p) || err != nil || !bytes.Equal(p, body[10:10+len(p)])):
			t.Errorf("%s: got %d bytes, %v", c.name, n, err)
		case c.want != "" && (e == nil || e.Code != c.code || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s, …%s…", c.name, err, c.code, c.want)
		}
		if got := f.count("GetObject"); got != c.calls {
			t.Errorf("%s: %d requests, want %d", c.name, got, c.calls)
		}
	}
}

// readGivesUp: a body that always breaks off before its first byte is an
// error in the end.
func readGivesUp(t *testing.T, f *stage) {
	r, err := f.objects.Open(t.Context(), f.put(t, "results", "read", []byte("rows")))
	if err != nil {
		t.Fatal(err)
	}
	f.set(first(breaks+1, "GetObject", func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		w.Header().Set("Content-Range", "bytes 0-3/4")
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush() // else nothing is sent
		panic(http.ErrAbortHandler)
	}))
	if n, err := r.ReadAt(make([]byte, 4), 0); n != 0 || err == nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if got := f.count("GetObject"); got != breaks+1 {
		t.Errorf("%d requests, want %d", got, breaks+1)
	}
}

// openFaults: a HEAD's errors have a status and no code.
func openFaults(t *testing.T, f *stage) {
	event := f.put(t, "results", "open", []byte("rows"))
	for _, c := range []struct {
		status int
		code   fault.Code
		want   string
	}{
		{403, fault.Unavailable, "s3:ListBucket"},
		{404, fault.ObjectNotFound, "no such object"},
		{405, fault.ObjectNotFound, "no such object"}, // a version that is a deletion
		{412, fault.ObjectChanged, "replaced"},
		{301, fault.Unavailable, "another region"},
	} {
		f.set(first(1, "HeadObject", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(c.status) }))
		_, err := f.objects.Open(t.Context(), event)
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Code != c.code || !strings.Contains(e.Message, c.want) {
			t.Errorf("status %d: got %v, want %s, …%s…", c.status, err, c.code, c.want)
		}
	}
}

// impossibleNames: a name that S3 refuses never passes, unlike credentials that
// it refuses with the same status.
func impossibleNames(t *testing.T, f *stage) {
	event := f.put(t, "results", "open", []byte("rows"))
	f.set(nil)
	for _, bucket := range []string{"", "a b", "arn:aws:s3:::results", "arn:aws:s3:eu-west-1:123456789012:accesspoint:x", "results?x", "ü"} {
		_, err := f.objects.Open(t.Context(), ingest.Object{Scheme: "s3", Bucket: bucket, Key: "k"})
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Code != fault.ObjectNotFound || len(f.calls) > 0 {
			t.Errorf("%q: got %v after %v", bucket, err, f.calls)
		}
	}
	for _, c := range []struct {
		get  func(http.ResponseWriter, *http.Request, http.Handler)
		want fault.Code // 0: an error that may pass
	}{
		{answer(400, "InvalidArgument"), fault.ObjectNotFound}, // a version
		{answer(400, "KeyTooLongError"), fault.ObjectNotFound},
		{answer(400, "InvalidBucketName"), fault.ObjectNotFound},
		{answer(404, "NoSuchVersion"), fault.ObjectNotFound},
		{answer(400, "ExpiredToken"), 0},
		{func(w http.ResponseWriter, r *http.Request, server http.Handler) { server.ServeHTTP(w, r) }, 0},
	} {
		f.set(func(w http.ResponseWriter, r *http.Request, server http.Handler) bool {
			if operation(r) == "HeadObject" {
				w.WriteHeader(http.StatusBadRequest)
				return true
			}
			c.get(w, r, server)
			return true
		})
		_, err := f.objects.Open(t.Context(), event)
		e, final := errors.AsType[*fault.Error](err)
		if err == nil || final != (c.want != 0) || final && e.Code != c.want {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

// conditions: of an object without versions the entity tag says whether
// it is still the one of the event; of one with versions both do.
func conditions(t *testing.T, f *stage) {
	event := f.put(t, "results", "k", []byte("rows"))
	var seen []string
	f.set(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		seen = append(seen, r.Method+" "+r.Header.Get("If-Match")+" "+r.URL.Query().Get("versionId"))
		return false
	})
	r, err := f.objects.Open(t.Context(), ingest.Object{Scheme: "s3", Bucket: "results", Key: "k", ETag: `"` + event.ETag + `"`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAt(make([]byte, 4), 0); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("HEAD %q \nGET %q ", event.ETag, event.ETag)
	if got := strings.Join(seen, "\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOpenSink(t *testing.T) {
	for _, c := range []struct{ uri, region, want string }{
		{"s3://results", "eu-west-1", ""}, {"s3://results/daily/", "eu-west-1", ""}, {"s3://my.results-1/a b/ü", "eu-west-1", ""},
		{"s3://", "eu-west-1", "BUCKET"}, {"s3://Results/", "eu-west-1", "small letters"}, {"s3://ab/", "eu-west-1", "3 to 63"},
		{"s3://results/a//b/", "eu-west-1", "parts"}, {"s3://results/", "", "AWS_REGION"},
	} {
		t.Setenv("AWS_REGION", c.region)
		t.Setenv("AWS_DEFAULT_REGION", "")
		sink, err := Open(t.Context(), c.uri, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.uri, err, c.want)
		}
		if b, ok := sink.(*ingest.Bucket); err == nil && (!ok || b.Location().Scheme != Scheme) {
			t.Errorf("%s: got %T", c.uri, sink)
		}
	}
}

// TestRoom: the memory of a part is never more than a part's.
func TestRoom(t *testing.T) {
	var part []byte
	for n := 1; len(part) < PartSize; n = 3*n + 1 {
		n = min(n, PartSize-len(part))
		before := len(part)
		part = room(part, n)
		if cap(part) > PartSize || len(part) != before || cap(part)-len(part) < n {
			t.Fatalf("room for %d after %d: got %d of %d", n, before, len(part), cap(part))
		}
		part = append(part, make([]byte, n)...)
	}
}

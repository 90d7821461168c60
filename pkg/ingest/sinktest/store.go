package sinktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/copse/pkg/ingest"
)

// Bucket is a bucket of a store, and what the suite must know of it.
type Bucket struct {
	Store   ingest.Store
	Objects ingest.Objects
	// Scheme and Name are those of its objects.
	Scheme, Name string
	// Put writes an object past the driver, and returns it as an event names it;
	// Delete removes one. Get returns what is stored, and false for nothing.
	Put    func(t testing.TB, key string, body []byte) ingest.Object
	Delete func(t testing.TB, key string)
	Get    func(t testing.TB, key string) (body []byte, info ingest.Info, ok bool)
	// Pending counts what was begun and neither committed nor given up; nil
	// where nobody can see that.
	Pending func(t testing.TB) int
	// Large is the size, in bytes, of an object that takes the driver several
	// parts; a multiple of its parts, if it has such.
	Large int
	// Versions says that what was replaced or deleted can still be opened by its
	// version, Held that what is open can be read to its end, whatever becomes
	// of it.
	Versions, Held bool
	// Bare says that the store notes nothing beside an object.
	Bare bool
}

// Store checks a store and, where the bucket has them, its objects. Each
// subtest opens a bucket of its own, which is empty.
func Store(t *testing.T, open func(t *testing.T) Bucket) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Bucket)
	}{
		{"commit", commit},
		{"names", names},
		{"existing", existing},
		{"race", race},
		{"race large", raceLarge},
		{"abort", abort},
		{"ended", ended},
		{"ended after a part", endedLate},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, Bucket)
	}{
		{"open", openObject},
		{"not found", notFound},
		{"versions", versions},
		{"read", read},
		{"read together", readTogether},
		{"replaced", replaced},
		{"deleted", deleted},
		{"reading ended", readEnded},
		{"written and read", roundTrip},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			if b.Objects == nil {
				t.Skip("this store is not read")
			}
			c.test(t, b)
		})
	}
}

var info = ingest.Info{ContentType: "application/x-ndjson", Meta: map[string]string{
	"copse-model": "iris", "copse-source": `{"kind":"s3","key":"a b+c%20\u00e9"}`,
}}

// noise is n bytes that do not repeat, the same for each seed.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, n)
	_, _ = r.Read(b) // never fails
	return b
}

// create begins an object and writes body in pieces of odd sizes, into memory
// that is used again.
func create(ctx context.Context, b Bucket, name string, body []byte) (ingest.Upload, error) {
	u, err := b.Store.Create(ctx, name, info)
	if err != nil {
		return nil, err
	}
	piece := make([]byte, max(len(body)/7, 1))
	for r := bytes.NewReader(body); ; {
		n, err := r.Read(piece)
		if err == io.EOF {
			return u, nil
		}
		if k, err := u.Write(piece[:n]); err != nil || k != n {
			return u, fmt.Errorf("write of %d bytes: %d, %w", n, k, err)
		}
		clear(piece)
	}
}

func mustCreate(t *testing.T, b Bucket, name string, body []byte) ingest.Upload {
	t.Helper()
	u, err := create(t.Context(), b, name, body)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// holds checks what is stored under a name: body, or nothing where it is nil.
func holds(t *testing.T, b Bucket, name string, body []byte) {
	t.Helper()
	got, _, ok := b.Get(t, name)
	switch {
	case ok && body == nil:
		t.Errorf("%q: there is an object of %d bytes, want none", name, len(got))
	case !ok && body != nil:
		t.Errorf("%q: there is no object, want one of %d bytes", name, len(body))
	case !bytes.Equal(got, body):
		t.Errorf("%q: there are %d other bytes than the %d that were written", name, len(got), len(body))
	}
}

func settled(t *testing.T, b Bucket) {
	t.Helper()
	if b.Pending == nil {
		return
	}
	if n := b.Pending(t); n != 0 {
		t.Errorf("%d uploads are left, which cost money until someone removes them", n)
	}
}

// commit: of what is written nothing is seen before Commit, and all after it,
// at all sizes around the driver's parts.
func commit(t *testing.T, b Bucket) {
	for i, size := range []int{0, 1, 1000, b.Large - 1, b.Large, b.Large + 1} {
		name, body := fmt.Sprintf("commit/%d.jsonl", i), noise(uint64(i), size)
		u := mustCreate(t, b, name, body)
		holds(t, b, name, nil)
		existed, err := u.Commit(t.Context())
		if existed || err != nil {
			t.Errorf("%d bytes: got %v, %v", size, existed, err)
		}
		u.Abort(t.Context()) // does nothing now
		holds(t, b, name, body)
		_, got, _ := b.Get(t, name)
		if !b.Bare && (got.ContentType != info.ContentType || !maps.Equal(got.Meta, info.Meta)) {
			t.Errorf("%d bytes: noted are %+v, want %+v", size, got, info)
		}
	}
	settled(t, b)
}

// names: a key is any text; what has a meaning in URLs and forms has none here.
func names(t *testing.T, b Bucket) {
	for i, name := range []string{
		"plain", "a b.jsonl", "a+b.jsonl", "a%20b.jsonl", "a%2Fb/100%.jsonl", "a&b=c?d#e;f.jsonl", "größe/日本語/🌳.jsonl",
		"in/bucket@3/L4kqtJlcpXroDTDmpUMLUo,0-1000.jsonl", `quoted'"<>.jsonl`, "tail ",
	} {
		body := fmt.Appendf(nil, "%d %s", i, name)
		if existed, err := mustCreate(t, b, name, body).Commit(t.Context()); existed || err != nil {
			t.Errorf("%q: got %v, %v", name, existed, err)
			continue
		}
		holds(t, b, name, body)
	}
}

// existing: who wrote first stays, whatever the sizes.
func existing(t *testing.T, b Bucket) {
	sizes := []int{0, 100, b.Large + 1}
	for i, first := range sizes {
		for j, second := range sizes {
			name, body := fmt.Sprintf("existing/%d-%d", i, j), noise(1, first)
			if existed, err := mustCreate(t, b, name, body).Commit(t.Context()); existed || err != nil {
				t.Fatalf("%d bytes: got %v, %v", first, existed, err)
			}
			if existed, err := mustCreate(t, b, name, noise(2, second)).Commit(t.Context()); !existed || err != nil {
				t.Errorf("%d bytes where there are %d: got %v, %v; want true, nil", second, first, existed, err)
			}
			holds(t, b, name, body)
		}
	}
	settled(t, b)
}

func race(t *testing.T, b Bucket)      { commitTogether(t, b, 8, 100) }
func raceLarge(t *testing.T, b Bucket) { commitTogether(t, b, 3, b.Large+1) }

// commitTogether: of several that commit one name at once, one wins.
func commitTogether(t *testing.T, b Bucket, many, size int) {
	uploads := make([]ingest.Upload, many)
	for i := range uploads {
		uploads[i] = mustCreate(t, b, "race", noise(uint64(i), size))
	}
	var won, winner atomic.Int64
	var wg sync.WaitGroup
	for i, u := range uploads {
		wg.Go(func() {
			existed, err := u.Commit(t.Context())
			if err != nil {
				t.Errorf("commit %d: %v", i, err)
			} else if !existed {
				won.Add(1)
				winner.Store(int64(i))
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of %d wrote the object, want 1", won.Load(), many)
	}
	holds(t, b, "race", noise(uint64(winner.Load()), size))
	settled(t, b)
}

// abort: what was given up leaves nothing, and the name free.
func abort(t *testing.T, b Bucket) {
	for _, size := range []int{0, 100, b.Large + 1} {
		name := fmt.Sprintf("abort/%d", size)
		u := mustCreate(t, b, name, noise(1, size))
		u.Abort(t.Context())
		u.Abort(t.Context()) // as a deferred one does
		holds(t, b, name, nil)
		settled(t, b)
		body := noise(2, size)
		if existed, err := mustCreate(t, b, name, body).Commit(t.Context()); existed || err != nil {
			t.Errorf("%d bytes after an abort: got %v, %v", size, existed, err)
		}
		holds(t, b, name, body)
	}
}

// ended: after the end of its context a Commit fails, and nothing is seen.
func ended(t *testing.T, b Bucket) { commitEnded(t, b, 100) }

// endedLate is ended for an object of which parts are on their way.
func endedLate(t *testing.T, b Bucket) { commitEnded(t, b, b.Large+1) }

func commitEnded(t *testing.T, b Bucket, size int) {
	ctx, cancel := context.WithCancel(t.Context())
	u, err := create(ctx, b, "ended", noise(1, size))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if existed, err := u.Commit(ctx); err == nil {
		t.Errorf("commit after its context: existed %v, no error", existed)
	}
	u.Abort(t.Context())
	holds(t, b, "ended", nil)
	settled(t, b)
	if u, err = create(ctx, b, "ended", noise(1, size)); u != nil {
		if err == nil {
			_, err = u.Commit(ctx)
		}
		u.Abort(t.Context())
	}
	if err == nil {
		t.Error("an object that was begun after the end: no error")
	}
	holds(t, b, "ended", nil)
	settled(t, b)
}

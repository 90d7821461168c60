package sinktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// object names an object of the bucket of which nothing is known.
func (b Bucket) object(key string) ingest.Object {
	return ingest.Object{Scheme: b.Scheme, Bucket: b.Name, Key: key, Size: -1}
}

func mustOpen(t *testing.T, b Bucket, o ingest.Object) ingest.Reader {
	t.Helper()
	r, err := b.Objects.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("%q: %v", o.Key, err)
	}
	t.Cleanup(func() { _ = r.Close() }) // a test may have closed it
	return r
}

// fails checks an error's code: one of those given.
func fails(t *testing.T, what string, err error, codes ...fault.Code) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	for _, c := range codes {
		if ok && e.Code == c {
			return
		}
	}
	t.Errorf("%s: got %v, want the code %v", what, err, codes)
}

func all(r ingest.Reader) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(r, 0, r.Object().Size))
}

// openObject: what was opened is what is there, under any name, with or without
// what an event says of it.
func openObject(t *testing.T, b Bucket) {
	for _, key := range []string{"plain", "a b+c%20d&e=f?g#h", "größe/日本語/🌳.csv"} {
		body := []byte("rows of " + key)
		event := b.Put(t, key, body)
		for _, o := range []ingest.Object{event, b.object(key)} {
			r := mustOpen(t, b, o)
			got := r.Object()
			if got.Scheme != b.Scheme || got.Bucket != b.Name || got.Key != key || got.Size != int64(len(body)) ||
				got.Version+got.ETag == "" || event.Version != "" && got.Version != event.Version {
				t.Errorf("%q: opened %+v, want %+v and a size of %d", key, got, event, len(body))
			}
			if data, err := all(r); err != nil || !bytes.Equal(data, body) {
				t.Errorf("%q: read %q, %v", key, data, err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("%q: %v", key, err)
			}
			// What was opened can be opened again by what is said of it.
			if data, err := all(mustOpen(t, b, got)); err != nil || !bytes.Equal(data, body) {
				t.Errorf("%q: again: read %q, %v", key, data, err)
			}
		}
	}
}

// notFound: an object that never was, or is no more.
func notFound(t *testing.T, b Bucket) {
	_, err := b.Objects.Open(t.Context(), b.object("never/was"))
	fails(t, "an object that never was", err, fault.ObjectNotFound)
	event := b.Put(t, "gone", []byte("rows"))
	b.Delete(t, "gone")
	_, err = b.Objects.Open(t.Context(), b.object("gone"))
	fails(t, "an object that was deleted", err, fault.ObjectNotFound)
	if !b.Versions {
		_, err = b.Objects.Open(t.Context(), event)
		fails(t, "an object that was deleted since its event", err, fault.ObjectNotFound)
	}
}

// versions: an event is of the object as it was then.
func versions(t *testing.T, b Bucket) {
	first, second := []byte("first rows"), []byte("the second rows")
	event := b.Put(t, "versions", first)
	later := b.Put(t, "versions", second)
	if b.Versions {
		if data, err := all(mustOpen(t, b, event)); err != nil || !bytes.Equal(data, first) {
			t.Errorf("the older version: read %q, %v", data, err)
		}
	} else {
		_, err := b.Objects.Open(t.Context(), event)
		fails(t, "an object that was replaced since its event", err, fault.ObjectChanged)
	}
	for _, o := range []ingest.Object{later, b.object("versions")} {
		if data, err := all(mustOpen(t, b, o)); err != nil || !bytes.Equal(data, second) {
			t.Errorf("%+v: read %q, %v", o, data, err)
		}
	}
	if b.Versions {
		b.Delete(t, "versions")
		if data, err := all(mustOpen(t, b, event)); err != nil || !bytes.Equal(data, first) {
			t.Errorf("the older version of what was deleted: read %q, %v", data, err)
		}
	}
}

// read: ReadAt as io.ReaderAt has it, at all borders.
func read(t *testing.T, b Bucket) {
	const size = 1000
	body := noise(1, size)
	r := mustOpen(t, b, b.Put(t, "read", body))
	for _, c := range []struct {
		from int64
		n    int
		want int // bytes
	}{
		{0, size, size}, {0, 1, 1}, {0, size + 1, size}, {0, 0, 0}, {1, size - 1, size - 1}, {1, size, size - 1},
		{size / 2, 10, 10}, {size - 1, 1, 1}, {size - 1, 2, 1}, {size, 1, 0}, {size + 1, 1, 0}, {1 << 40, 5, 0}, {size, 0, 0},
	} {
		p := bytes.Repeat([]byte{'x'}, c.n+1) // one more, which stays as it is
		n, err := r.ReadAt(p[:c.n], c.from)
		// A read that ends with the object may say so at once or at the next.
		short := c.want < c.n
		mayEnd := c.n == 0 || c.from+int64(c.want) == size
		if n != c.want || short && err != io.EOF || !short && err != nil && (err != io.EOF || !mayEnd) {
			t.Errorf("%d bytes at %d: got %d, %v; want %d", c.n, c.from, n, err, c.want)
			continue
		}
		if n > 0 && !bytes.Equal(p[:n], body[c.from:c.from+int64(n)]) || p[c.n] != 'x' {
			t.Errorf("%d bytes at %d: got others than are there", c.n, c.from)
		}
	}
	if n, err := r.ReadAt(make([]byte, 1), -1); n != 0 || err == nil || err == io.EOF {
		t.Errorf("a byte at -1: got %d, %v", n, err)
	}
	empty := mustOpen(t, b, b.Put(t, "empty", nil))
	if n, err := empty.ReadAt(make([]byte, 1), 0); n != 0 || err != io.EOF || empty.Object().Size != 0 {
		t.Errorf("an empty object of %d bytes: got %d, %v", empty.Object().Size, n, err)
	}
}

// readTogether: parts of an object, read by several at once.
func readTogether(t *testing.T, b Bucket) {
	body := noise(1, b.Large+1)
	r := mustOpen(t, b, b.Put(t, "together", body))
	if got := r.Object().Size; got != int64(len(body)) {
		t.Fatalf("%d bytes, want %d", got, len(body))
	}
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 5 {
				from := random.IntN(len(body))
				p := make([]byte, random.IntN(min(len(body)-from, 1<<20)+1))
				if n, err := r.ReadAt(p, int64(from)); n != len(p) || err != nil && err != io.EOF || !bytes.Equal(p, body[from:from+n]) {
					t.Errorf("%d bytes at %d: got %d, %v, or others than are there", len(p), from, n, err)
				}
			}
		})
	}
	wg.Wait()
	if data, err := all(r); err != nil || !bytes.Equal(data, body) {
		t.Errorf("all: %d bytes of %d, %v", len(data), len(body), err)
	}
}

// replaced: what is read is of one version, or an error; never some of each.
func replaced(t *testing.T, b Bucket) {
	first := bytes.Repeat([]byte("first\n"), 200)
	r := mustOpen(t, b, b.Put(t, "replaced", first))
	part := make([]byte, 100)
	if n, err := r.ReadAt(part, 0); n != len(part) || err != nil {
		t.Fatal(n, err)
	}
	b.Put(t, "replaced", bytes.Repeat([]byte("other\n"), 300))
	n, err := r.ReadAt(part, 600)
	if b.Versions || b.Held {
		if n != len(part) || err != nil || !bytes.Equal(part, first[600:700]) {
			t.Errorf("got %d, %v: %q", n, err, part[:n])
		}
		return
	}
	if n != 0 {
		t.Errorf("got %d bytes of another version", n)
	}
	fails(t, "an object that was replaced while it was read", err, fault.ObjectChanged)
}

func deleted(t *testing.T, b Bucket) {
	body := bytes.Repeat([]byte("first\n"), 200)
	r := mustOpen(t, b, b.Put(t, "deleted", body))
	b.Delete(t, "deleted")
	part := make([]byte, 100)
	n, err := r.ReadAt(part, 600)
	if b.Versions || b.Held {
		if n != len(part) || err != nil || !bytes.Equal(part, body[600:700]) {
			t.Errorf("got %d, %v: %q", n, err, part[:n])
		}
		return
	}
	if n != 0 {
		t.Errorf("got %d bytes of an object that is no more", n)
	}
	fails(t, "an object that was deleted while it was read", err, fault.ObjectNotFound, fault.ObjectChanged)
}

// readEnded: the context of Open bounds all reads.
func readEnded(t *testing.T, b Bucket) {
	event := b.Put(t, "ended", []byte("rows"))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.Objects.Open(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if n, err := r.ReadAt(make([]byte, 4), 0); err == nil {
		t.Errorf("read %d bytes after the end", n)
	}
	if r, err := b.Objects.Open(ctx, event); err == nil {
		t.Error("opened after the end")
		_ = r.Close()
	}
}

// roundTrip: what the store writes, the objects read.
func roundTrip(t *testing.T, b Bucket) {
	for i, size := range []int{0, 1000, b.Large + 1} {
		key, body := fmt.Sprintf("out put/%d+.jsonl", i), noise(uint64(i), size)
		if existed, err := mustCreate(t, b, key, body).Commit(t.Context()); existed || err != nil {
			t.Fatal(existed, err)
		}
		if data, err := all(mustOpen(t, b, b.object(key))); err != nil || !bytes.Equal(data, body) {
			t.Errorf("%q: %d bytes of %d, %v", key, len(data), size, err)
		}
	}
}

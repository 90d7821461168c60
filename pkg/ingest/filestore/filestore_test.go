package filestore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

func folder(t testing.TB, o Options) (*Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, dir
}

func put(t testing.TB, s ingest.Store, name, text string) (existed bool) {
	t.Helper()
	u, err := s.Create(t.Context(), name, ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, text); err != nil {
		t.Fatal(err)
	}
	existed, err = u.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u.Abort(t.Context()) // does nothing
	return existed
}

func get(t testing.TB, f *Folder, o ingest.Object) (string, ingest.Object) {
	t.Helper()
	r, err := f.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("%s: %v", o.Key, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.NewSectionReader(r, 0, r.Object().Size))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), r.Object()
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

// files are the files of a folder, uploads among them.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestNames writes and reads back keys of all kinds, which all are different
// objects and lie where one would look for them.
func TestNames(t *testing.T) {
	f, dir := folder(t, Options{})
	for _, key := range []string{
		"a", "b/c/d.csv", "with space", "plus+sign", "50%", "50%25", "größe/日本.csv", "-", "...", "a..b", `back\slash`, "q?x=1#f",
		strings.Repeat("long/", 100) + "name", "in/.hidden",
	} {
		if put(t, f.Bucket("b"), key, key) {
			t.Errorf("%q: there before", key)
		}
		text, o := get(t, f, ingest.Object{Scheme: "s3", Bucket: "b", Key: key, From: 3, To: 7})
		if text != key || o.Size != int64(len(key)) || o.Key != key || o.Bucket != "b" || o.Scheme != "s3" || o.From != 3 || o.To != 7 || o.ETag == "" {
			t.Errorf("%q: got %q and %+v", key, text, o)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "b", filepath.FromSlash(key))); err != nil || string(data) != key {
			t.Errorf("%q: %v, %q", key, err, data)
		}
	}
	put(t, f.Bucket(""), "top", "x")
	if text, _ := get(t, f, ingest.Object{Key: "top"}); text != "x" {
		t.Errorf("got %q", text)
	}
}

// TestRefused: no name leads out of the folder, or to what is no file.
func TestRefused(t *testing.T) {
	f, dir := folder(t, Options{})
	outside := filepath.Join(filepath.Dir(dir), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, f.Bucket("b"), "dir/file", "x")
	links := map[string]string{"out": outside, "up": "../../outside", "loop": "loop"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, "b", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "b", "parent")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "b", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ bucket, key, read, write string }{
		{"b", "", "object_not_found", "error"},
		{"b", "dir", "object_not_found", ""},
		{"b", "dir/", "object_not_found", "error"},
		{"b", "/dir/file", "object_not_found", "error"},
		{"b", "dir//file", "object_not_found", "error"},
		{"b", "./dir/file", "object_not_found", "error"},
		{"b", "../outside", "object_not_found", "error"},
		{"b", "../../outside", "object_not_found", "error"},
		{"b", "dir/file/below", "object_not_found", "error"},
		{"b", "none", "object_not_found", ""},
		{"b", "zero\x00byte", "object_not_found", "error"},
		{"b", strings.Repeat("n", 1024), "object_not_found", "error"},
		{"..", "outside", "object_not_found", "error"},
		{"b/dir", "file", "object_not_found", "error"},
		{"", uploadPrefix + "A", "object_not_found", "error"},
		{"b", "out", "error", ""},
		{"b", "up", "error", ""},
		{"b", "parent/outside", "error", "error"},
		{"b", "loop", "error", ""},
		{"b", "pipe", "object_not_found", ""},
	} {
		_, err := f.Open(t.Context(), ingest.Object{Bucket: c.bucket, Key: c.key})
		if got := code(err); got != c.read {
			t.Errorf("reading %s/%q: got %s, want %s: %v", c.bucket, c.key, got, c.read, err)
		}
		if c.write == "" {
			continue
		}
		u, err := f.Bucket(c.bucket).Create(t.Context(), c.key, ingest.Info{})
		if err == nil {
			_, err = u.Commit(t.Context())
		}
		if got := code(err); got != c.write {
			t.Errorf("writing %s/%q: got %s, want %s: %v", c.bucket, c.key, got, c.write, err)
		}
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "secret" {
		t.Errorf("outside is now %q, %v", data, err)
	}
	for _, name := range files(t, dir) {
		if strings.HasPrefix(name, uploadPrefix) {
			t.Errorf("%s was left behind", name)
		}
	}
}

// TestFirstStays: of several results of one name the first stays, and each
// other writer is told that there was one.
func TestFirstStays(t *testing.T) {
	f, dir := folder(t, Options{})
	const n = 20
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := ""
	for i := range n {
		text := strings.Repeat(string(rune('a'+i)), 10_000)
		u, err := f.Bucket("b").Create(t.Context(), "r/1", ingest.Info{})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := io.WriteString(u, text); err != nil {
				t.Error(err)
			}
			existed, err := u.Commit(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !existed {
				won += text
			}
		})
	}
	wg.Wait()
	if got, _ := get(t, f, ingest.Object{Bucket: "b", Key: "r/1"}); got != won || len(got) != 10_000 {
		t.Errorf("%d bytes are there, %d were said to be written", len(got), len(won))
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

// TestUnseen: what is not committed is nowhere, and what is given up leaves
// nothing.
func TestUnseen(t *testing.T) {
	f, dir := folder(t, Options{})
	u, err := f.Bucket("b").Create(t.Context(), "x", ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(t.Context(), ingest.Object{Bucket: "b", Key: "x"}); code(err) != "object_not_found" {
		t.Errorf("before Commit: %v", err)
	}
	u.Abort(t.Context())
	u.Abort(t.Context())
	if _, err := u.Commit(t.Context()); err == nil {
		t.Error("Commit after Abort made an object")
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestExists(t *testing.T) {
	f, dir := folder(t, Options{})
	b := f.Bucket("b")
	put(t, b, "dir/x", "")
	if err := os.Symlink("../../outside", filepath.Join(dir, "b", "out")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		want   bool
		failed bool
	}{
		{"dir/x", true, false}, {"dir", false, false}, {"dir/y", false, false}, {"dir/x/y", false, false}, {"../b/dir/x", false, false}, {"", false, false},
		{"out", false, true},
	} {
		if got, err := b.Exists(t.Context(), c.name); got != c.want || err != nil != c.failed {
			t.Errorf("%q: got %v, %v", c.name, got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Exists(ctx, "dir/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestVersions(t *testing.T) {
	strict, dir := folder(t, Options{})
	put(t, strict.Bucket("b"), "x", "one")
	_, o := get(t, strict, ingest.Object{Bucket: "b", Key: "x"})
	lenient, err := New(dir, Options{AnyVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	defer lenient.Close()
	other := o
	other.ETag = `"d41d8cd98f00b204e9800998ecf8427e"`
	version := o
	version.Version = "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
	for _, c := range []struct {
		f    *Folder
		o    ingest.Object
		want string
	}{
		{strict, o, "none"}, {strict, other, "object_changed"}, {strict, version, "object_changed"},
		{lenient, o, "none"}, {lenient, other, "none"}, {lenient, version, "none"},
	} {
		r, err := c.f.Open(t.Context(), c.o)
		if got := code(err); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.o, got, c.want)
			continue
		}
		if err == nil {
			if got := r.Object(); got.ETag != o.ETag || got.Version != "" {
				t.Errorf("%+v", got)
			}
			_ = r.Close()
		}
	}
}

// TestChanged: an object that is not what it was when it was opened gives no
// more bytes, however it changed.
func TestChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"deleted": {os.Remove, "object_not_found"},
		"replaced": {func(path string) error {
			if err := os.WriteFile(path+"2", []byte("12345678"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		}, "object_changed"},
		"appended": {func(path string) error { return os.WriteFile(path, []byte("123456789"), 0o600) }, "object_changed"},
		"rewritten": {func(path string) error {
			if err := os.WriteFile(path, []byte("87654321"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, time.Unix(1, 0))
		}, "object_changed"},
		"a folder now": {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "object_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := folder(t, Options{AnyVersion: true})
			put(t, f.Bucket("b"), "x", "12345678")
			r, err := f.Open(t.Context(), ingest.Object{Bucket: "b", Key: "x"})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			p := make([]byte, 4)
			if n, err := r.ReadAt(p, 2); n != 4 || err != nil || string(p) != "3456" {
				t.Fatalf("%d, %v, %s", n, err, p)
			}
			if n, err := r.ReadAt(p, 6); n != 2 || !errors.Is(err, io.EOF) {
				t.Fatalf("at the end: %d, %v", n, err)
			}
			if err := c.change(filepath.Join(dir, "b", "x")); err != nil {
				t.Fatal(err)
			}
			if n, err := r.ReadAt(p, 0); n != 0 || code(err) != c.want {
				t.Errorf("got %d bytes, %v, want %s", n, err, c.want)
			}
		})
	}
}

// TestContext: the end of the event's time ends reads and writes.
func TestContext(t *testing.T) {
	f, dir := folder(t, Options{})
	put(t, f.Bucket("b"), "x", "12345678")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := f.Open(ctx, ingest.Object{Bucket: "b", Key: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	u, err := f.Bucket("b").Create(ctx, "y", ingest.Info{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_, readErr := r.ReadAt(make([]byte, 1), 0)
	_, writeErr := u.Write([]byte("x"))
	_, commitErr := u.Commit(ctx)
	u.Abort(ctx)
	_, openErr := f.Open(ctx, ingest.Object{Bucket: "b", Key: "x"})
	_, createErr := f.Bucket("b").Create(ctx, "z", ingest.Info{})
	for i, err := range []error{readErr, writeErr, commitErr, openErr, createErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: got %v", i, err)
		}
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := New(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// FuzzNames: a key that can be written is read back, and no key writes
// anything but one file below its bucket.
func FuzzNames(f *testing.F) {
	for _, key := range []string{"a", "a/b", "../a", "/a", "a/../../b", "a//b", "\x00", "a\\b", ".", "..", uploadPrefix} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		folder, dir := folder(t, Options{})
		u, err := folder.Bucket("b").Create(t.Context(), key, ingest.Info{})
		if err == nil {
			_, err = u.Commit(t.Context())
		}
		got := files(t, dir)
		if err != nil {
			if len(got) != 0 {
				t.Errorf("%q was refused, and %q are there", key, got)
			}
			return
		}
		if len(got) != 1 || got[0] != "b/"+key {
			t.Errorf("%q made %q", key, got)
		}
		if text, _ := get(t, folder, ingest.Object{Bucket: "b", Key: key}); text != "" {
			t.Errorf("%q holds %q", key, text)
		}
	})
}

// BenchmarkRead is the local store's share of scoring an object: parts of
// 8 MiB of a file in memory.
func BenchmarkRead(b *testing.B) {
	f, _ := folder(b, Options{})
	const part, parts = 8 << 20, 8
	put(b, f.Bucket("b"), "x", string(bytes.Repeat([]byte("5.1,3.5\n"), part/8*parts)))
	r, err := f.Open(b.Context(), ingest.Object{Bucket: "b", Key: "x"})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, part)
	b.SetBytes(part)
	for b.Loop() {
		if _, err := r.ReadAt(p, part*3); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWords: an error names the object, and no call of the system.
func TestWords(t *testing.T) {
	f, _ := folder(t, Options{})
	_, err := f.Open(t.Context(), ingest.Object{Bucket: "rows", Key: "in/absent.csv"})
	if want := "rows/in/absent.csv: no such file or directory"; err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "statat") {
		t.Errorf("got %v, want …%s", err, want)
	}
}

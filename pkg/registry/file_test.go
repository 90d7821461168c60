package registry

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/predict"
)

const (
	archive  = "../../model/iris.golearn"
	compiled = "../../model/iris.copse"
)

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRead: a bundle and a model file, by path and from memory, with and
// without a digest, give models that answer alike.
func TestRead(t *testing.T) {
	for _, path := range []string{archive, compiled} {
		data := content(t, path)
		sum := fmt.Sprintf("%x", sha256.Sum256(data))
		memory, err := ReadFrom(data)
		if err != nil {
			t.Fatal(err)
		}
		uris := []string{path, path + "#sha256=" + sum, path + "#sha256=" + strings.ToUpper(sum)}
		if memory.Bundle != nil {
			own, err := bundle.Open(memory.Bundle)
			if err != nil {
				t.Fatal(err)
			}
			uris = append(uris, path+"#sha256="+strings.TrimPrefix(own.Digest(), "sha256:"))
		}
		for _, uri := range uris {
			f, err := Read(uri, int64(len(data)))
			if err != nil {
				t.Fatalf("%s: %v", uri, err)
			}
			if (f.Bundle == nil) == (f.Model == nil) || f.SHA256 != memory.SHA256 || !bytes.Equal(f.Bundle, memory.Bundle) {
				t.Errorf("%s: bundle %d bytes, model %v, digest %q", uri, len(f.Bundle), f.Model != nil, f.SHA256)
			}
			m, err := f.Open("x", predict.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, label, err := m.Answer(t.Context(), 5.1, 3.5, 1.4, 0.2); err != nil || label != "setosa" || m.Name() != "x" {
				t.Errorf("%s: got %q, %v", uri, label, err)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	size := int64(len(content(t, archive)))
	other := "#sha256=" + strings.Repeat("0", 64)
	for _, tt := range []struct {
		uri  string
		max  int64
		want string
	}{
		{archive, size - 1, "iris.golearn has more than"},
		{archive + other, size, "not the one that was asked for"},
		{compiled + other, 1 << 20, "not the one that was asked for"},
		{write("broken", "hello") + other, 9, "not the one that was asked for"},
		{write("text", "hello"), 9, "no known format"},
		{write("empty", ""), 9, "the file is empty"},
		{folder, 9, "is a folder"},
		{filepath.Join(folder, "none"), 9, "no such file"},
		{"s3://bucket/key", 9, "not read from s3:// here"},
	} {
		if _, err := Read(tt.uri, tt.max); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.uri, err, tt.want)
		}
	}
}

// TestLimited: exactly as many bytes pass, and one more is an error, however
// they come.
func TestLimited(t *testing.T) {
	for size := range 5 {
		in := &limited{iotest.OneByteReader(strings.NewReader("abcd"[:min(size, 4)])), 3}
		var out bytes.Buffer
		if _, err := out.ReadFrom(in); (err != nil) != (size > 3) {
			t.Errorf("%d bytes: error %v", size, err)
		}
	}
}

// TestLargeBundleIsMapped: a bundle from mapFrom on is used where the system
// has mapped it, the second time from the same mapping, and takes no heap.
func TestLargeBundleIsMapped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files are not mapped on this system")
	}
	data, err := bundle.Write([]bundle.Section{{Kind: bundle.Leaves64, Element: 8, Data: make([]byte, mapFrom)}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large.copse")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	first, err := Read(path, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Read(path, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if !bytes.Equal(first.Bundle, data) || &first.Bundle[0] != &second.Bundle[0] {
		t.Error("the mapping has other bytes, or there are two")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > mapFrom/8 {
		t.Errorf("%d bytes were allocated for a mapped file of %d", used, len(data))
	}
}

package copsebeam

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/memfs"

	"example.com/copse/model"
)

func TestWriteFileIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "new", "folder", "out.csv")
	put := func(text string, err error) error {
		return writeFile(t.Context(), name, func(w io.Writer) error {
			if _, e := io.WriteString(w, text); e != nil {
				return e
			}
			if _, e := os.Stat(name); e == nil && err != nil && text == "first" {
				t.Error("it is seen before it is whole")
			}
			return err
		})
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{
		{"first", broken, ""}, {"whole", nil, "whole"}, {"half", broken, "whole"}, {"again", nil, "again"},
	} {
		if err := put(c.text, c.err); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", c.text, err, c.err)
		}
		got, _ := os.ReadFile(name)
		if string(got) != c.want {
			t.Errorf("after %s: got %q, want %q", c.text, got, c.want)
		}
		if all := resultsIn(t, dir); len(all) > 1 {
			t.Errorf("after %s: %v", c.text, all)
		}
	}
}

// bucket stands in for a store of objects: it shows what is written when it is
// closed, and gives it up when the context ends.
type bucket struct {
	filesystem.Interface
	objects map[string]string
}

type upload struct {
	ctx  context.Context
	of   *bucket
	name string
	text strings.Builder
}

func (b *bucket) OpenWrite(ctx context.Context, name string) (io.WriteCloser, error) {
	return &upload{ctx: ctx, of: b, name: name}, nil
}

func (u *upload) Write(p []byte) (int, error) { return u.text.Write(p) }

func (u *upload) Close() error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	u.of.objects[u.name] = u.text.String()
	return nil
}

func TestWriteFileGivesObjectsUp(t *testing.T) {
	b := &bucket{objects: map[string]string{}}
	systems.Store("bucket", &system{b, escapes.Replace})
	t.Cleanup(func() { systems.Delete("bucket") })
	broken := errors.New("broken")
	for _, fails := range []error{broken, nil} {
		err := writeFile(t.Context(), "bucket://b/50%.csv", func(w io.Writer) error {
			_, _ = io.WriteString(w, "text") // it returns nil
			return fails
		})
		if !errors.Is(err, fails) || (len(b.objects) == 0) != (fails != nil) {
			t.Errorf("got %v and %v", err, b.objects)
		}
	}
	if b.objects["bucket://b/50%25.csv"] != "text" {
		t.Errorf("got %v", b.objects)
	}
}

func TestReplacedFilesAreTold(t *testing.T) {
	name := writeText(t, t.TempDir()+"/rows.csv", "a\n1\n")
	first, err := input{Name: name}.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := first.is.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.is.open(t.Context()); err == nil || !strings.Contains(of(name, err).Error(), "rows.csv: the file was replaced") {
		t.Errorf("got %v", err)
	}
}

func TestMatch(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "b.csv", "sub/a.csv", "sub/deep/c.csv"} {
		writeText(t, filepath.Join(dir, name), "")
	}
	files, err := systemOf(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ pattern, base, want string }{
		{"/a.csv", "/", "/a.csv"},
		{"/nix", "/", "/nix"}, // who opens it says that it is not there
		{"/*.csv", "/", "/a.csv /b.csv"},
		{"/", "/", "/a.csv /b.csv"},
		{"/*/a.csv", "/", "/sub/a.csv"},
		{"/sub/*", "/sub/", "/sub/a.csv"},
		{"/[b-z].csv", "/", "/b.csv"},
		{"/?.nix", "/", ""},
	} {
		names, base, err := files.match(t.Context(), dir+c.pattern)
		if got := strings.ReplaceAll(strings.Join(names, " "), dir, ""); err != nil || got != c.want || base != dir+c.base {
			t.Errorf("%s: got %q below %q, %v", c.pattern, got, strings.TrimPrefix(base, dir), err)
		}
	}
}

// TestLargeModelsAreStaged has a bundle behind a file, of which the pipeline
// carries the digest only.
func TestLargeModelsAreStaged(t *testing.T) {
	m := mustModel(t, xgboost)
	if err := m.Stage(t.Context(), t.TempDir()); err != nil || m.Bundle == nil || m.URI != "" {
		t.Fatalf("a small model is not carried: %v", err)
	}
	bundle := m.Bundle
	m.Name = "staged" // it is not warm yet
	m.Bundle = append(bundle, make([]byte, carriedBytes)...)
	dir := "memfs://models"
	if err := m.Stage(t.Context(), dir); err != nil || m.Bundle != nil || m.URI == "" {
		t.Fatalf("a large model is carried: %v", err)
	}
	memfs.Write(m.URI, mustModel(t, "").Bundle)
	if _, err := m.load(t.Context()); err == nil || !strings.Contains(err.Error(), "another model than when the pipeline was started") {
		t.Errorf("another model was taken: %v", err)
	}
	memfs.Write(m.URI, bundle)
	first, err := m.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.load(t.Context()); err != nil || again != first || first.Digest() != m.Digest {
		t.Errorf("it is loaded anew: %v", err)
	}
}

func TestOpenModel(t *testing.T) {
	dir := t.TempDir()
	bundle := string(model.Bundle())
	path := writeText(t, dir+"/iris.copse", bundle)
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(bundle)))
	for _, c := range []struct{ uri, want string }{
		{"", ""}, {path, ""}, {path + "#sha256=" + digest, ""}, {xgboost, ""},
		{path + "#sha256=00", "the file's digest is sha256:"},
		{dir + "/nix", "no such file"},
		{writeText(t, dir+"/text", "text"), "model "},
		{"nix://bucket/model", `scheme "nix" not registered`},
	} {
		m, err := OpenModel(t.Context(), c.uri)
		switch {
		case c.want == "" && (err != nil || m.Digest == "" || m.Bundle == nil):
			t.Errorf("%s: got %v", c.uri, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want …%s…", c.uri, err, c.want)
		}
	}
	if _, err := (&Model{Name: "none"}).load(t.Context()); err == nil {
		t.Error("a model of nothing is loaded")
	}
}

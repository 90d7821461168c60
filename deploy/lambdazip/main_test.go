package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func files(t *testing.T, folder string, contents map[string]string) []string {
	t.Helper()
	var names []string
	for name, text := range contents {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	return names
}

var contents = map[string]string{"bootstrap": "#!/bin/sh\n", "iris.copse": "bundle"}

func TestPackHoldsExecutableFilesAtItsRoot(t *testing.T) {
	folder := t.TempDir()
	out := filepath.Join(folder, "out.zip")
	if err := pack(out, files(t, folder, contents)); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if got, want := len(z.File), len(contents); got != want {
		t.Fatalf("got %d entries, want %d", got, want)
	}
	for _, f := range z.File {
		if got, want := f.Mode(), os.FileMode(0o755); got != want {
			t.Errorf("%s: got mode %v, want %v", f.Name, got, want)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(text), contents[f.Name]; got != want {
			t.Errorf("%s: got %q, want %q", f.Name, got, want)
		}
	}
}

func TestPackIsReproducible(t *testing.T) {
	var archives [][]byte
	for i := range 2 {
		folder := t.TempDir()
		names := files(t, folder, contents)
		later := time.Now().Add(time.Duration(i) * time.Hour)
		for _, name := range names {
			if err := os.Chtimes(name, later, later); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(folder, "out.zip")
		if err := pack(out, names); err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, archive)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same files gave other bytes in another folder at another time")
	}
}

func TestPackRefuses(t *testing.T) {
	folder := t.TempDir()
	names := files(t, folder, map[string]string{"a/bootstrap": "1", "b/bootstrap": "2"})
	if err := pack(filepath.Join(folder, "out.zip"), names); err == nil {
		t.Error("two files of one name: got no error")
	}
	if err := pack(filepath.Join(folder, "out.zip"), []string{filepath.Join(folder, "absent")}); err == nil {
		t.Error("an absent file: got no error")
	}
}

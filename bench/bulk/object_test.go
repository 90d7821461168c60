package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRepeated: the object is the header and the rows so often, wherever it is
// read.
func TestRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,2\n3,4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for times := 1; times < 4; times++ {
		r, err := repeat(in, times)
		if err != nil {
			t.Fatal(err)
		}
		want := "a,b\n" + strings.Repeat("1,2\n3,4\n", times)
		if err := iotest.TestReader(io.NewSectionReader(r, 0, r.size), []byte(want)); err != nil || r.size != int64(len(want)) {
			t.Errorf("%d times: %d bytes, %v", times, r.size, err)
		}
	}
}

// TestSameAnswers: numbers may be written in another way, but not differ.
func TestSameAnswers(t *testing.T) {
	folder := t.TempDir()
	write := func(name, row string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("p,0,1\n"+strings.Repeat(row, 999)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := write("ours.csv", "1,0.25,0.75,\n")
	for row, same := range map[string]bool{"1,0.25,0.750\n": true, "1,0.25,7.5e-1\n": true, "0,0.25,0.75\n": false, "1,0.25,0.7500001\n": false} {
		if err := sameAnswers(ours, write("theirs.csv", row)); (err == nil) != same {
			t.Errorf("%q: got %v, want them to be the same: %v", row, err, same)
		}
	}
	if err := sameAnswers(ours, filepath.Join(folder, "none")); err == nil {
		t.Error("no file: got no error")
	}
}

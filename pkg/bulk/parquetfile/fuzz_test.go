package parquetfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen: whatever a file holds, there are rows or an error, and no panic.
func FuzzOpen(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.parquet")
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds")
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	s := written(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		rows, err := file.Match(s, true)
		if err != nil {
			return
		}
		rows.size = 50
		for range 100 {
			p, err := rows.Next(20)
			if err != nil {
				break
			}
			if n := p.to - p.from; n < 1 || n > 20 {
				t.Fatalf("a part of %d rows", n)
			}
			p.slab.left.Add(int64(p.from - p.to))
			if p.slab.left.Load() == 0 {
				p.slab.free <- p.slab
			}
		}
		_ = rows.Close()
		_ = file.Scan(func(int, any) {})
	})
}

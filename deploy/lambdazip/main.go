// Command lambdazip packs files into a zip archive as AWS Lambda takes it: the
// files at its root, all of them executable, since a zip made elsewhere than on
// Unix would lose that bit and the function with it. The same files give the
// same bytes, in any folder and at any time.
//
//	lambdazip OUT.zip FILE...
package main

import (
	"archive/zip"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: lambdazip OUT.zip FILE...")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

// epoch is the time of every entry: the earliest that a zip can say.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack writes files to the archive out, in the order of their names.
func pack(out string, files []string) (err error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Compare(filepath.Base(a), filepath.Base(b))
	})
	for i := 1; i < len(files); i++ {
		if filepath.Base(files[i]) == filepath.Base(files[i-1]) {
			return fmt.Errorf("two files are named %q: rename one", filepath.Base(files[i]))
		}
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f, files)
}

func write(w io.Writer, files []string) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, name := range files {
		if err := add(z, name); err != nil {
			return err
		}
	}
	return z.Close()
}

func add(z *zip.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	header := &zip.FileHeader{Name: filepath.Base(name), Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	entry, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, f)
	return err
}

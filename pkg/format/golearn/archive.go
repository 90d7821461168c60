package golearn

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"example.com/copse/pkg/format/readerr"
)

// Limits. A file is read by whoever operates the function, so they guard
// against damage and carelessness: each is far beyond what golearn, which fits
// some hundred rows a second, was ever used for.
const (
	maxInflated = 256 << 20 // bytes of the tar, so that a gzip bomb ends early
	maxEntry    = 64 << 20  // bytes of one entry that is kept
	maxEntries  = 100_000   // golearn writes two a tree, and a dozen more
	maxName     = 1024      // bytes of an entry's name in errors and comparisons
)

// block is the unit of a tar: every entry ends on a multiple of it.
const block = 512

var gzipMagic = []byte{0x1f, 0x8b}

// fail and failAt make this package's errors.
func fail(reason string, args ...any) *readerr.Error {
	return readerr.New("golearn", reason, args...)
}

func failAt(path, reason string, args ...any) *readerr.Error {
	return readerr.At("golearn", path, reason, args...)
}

// archive reads a tar, gzipped or not, entry by entry.
type archive struct {
	tar     *tar.Reader
	in      meter
	entries int
}

// meter counts the bytes of the tar and ends a bomb.
type meter struct {
	r io.Reader
	n int64
}

var errTooLarge = errors.New("too large")

func (m *meter) Read(p []byte) (int, error) {
	if m.n >= maxInflated {
		return 0, errTooLarge
	}
	n, err := m.r.Read(p[:min(int64(len(p)), maxInflated-m.n)])
	m.n += int64(n)
	return n, err
}

func openArchive(data []byte) (*archive, error) {
	a := &archive{}
	a.in.r = bytes.NewReader(data)
	if bytes.HasPrefix(data, gzipMagic) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, a.explain(err)
		}
		a.in.r = z
	}
	a.tar = tar.NewReader(&a.in)
	return a, nil
}

// next returns the next entry's name, or io.EOF. A stream that breaks off
// between two entries is whole: golearn's ID3 does not close its archives.
func (a *archive) next() (string, error) {
	head, err := a.tar.Next()
	if errors.Is(err, io.ErrUnexpectedEOF) && a.in.n > 0 && a.in.n%block == 0 {
		return "", io.EOF
	}
	if err == io.EOF {
		return "", io.EOF
	}
	if err != nil {
		return "", a.explain(err)
	}
	if a.entries++; a.entries > maxEntries {
		return "", a.explainf("more than %d entries", maxEntries)
	}
	if len(head.Name) > maxName {
		return "", a.explainf("an entry's name is longer than %d bytes", maxName)
	}
	return head.Name, nil
}

// content returns what the current entry holds. A sparse one
// holds more than the tar has bytes, but its holes are zeros, and no JSON.
func (a *archive) content(name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(a.tar, maxEntry+1))
	if err != nil {
		e := a.explain(err)
		e.Path = name
		return nil, e
	}
	if len(data) > maxEntry {
		return nil, failAt(name, "larger than %d bytes", maxEntry)
	}
	return data, nil
}

// explain says where in the tar an archive is broken.
func (a *archive) explain(err error) *readerr.Error {
	if errors.Is(err, errTooLarge) {
		return a.explainf("larger than %d bytes once inflated", maxInflated)
	}
	e := a.explainf("the archive is damaged: copy or save it again")
	e.Err = err
	return e
}

func (a *archive) explainf(reason string, args ...any) *readerr.Error {
	e := fail(reason, args...)
	e.Offset = a.in.n
	return e
}

// Is says whether data is an archive that Read takes, by its first entry.
func Is(data []byte) bool {
	a, err := openArchive(data)
	if err != nil {
		return false
	}
	name, err := a.next()
	return err == nil && (name == manifestName || name == CARTManifestName)
}

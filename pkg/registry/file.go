package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/format"
	"example.com/copse/pkg/predict"
)

// Bundle loads a model from a bundle in memory, such as an embedded one.
func Bundle(data []byte, o predict.Options) Load {
	return func(_ context.Context, name string) (*predict.Model, error) {
		return predict.Open(name, data, o)
	}
}

// File loads a model from a path, which may end in #sha256=… of the file. The
// file is a bundle or any model file that pkg/format reads, told by content.
func File(uri string, maxBytes int64, o predict.Options) Load {
	return func(_ context.Context, name string) (*predict.Model, error) {
		f, err := Read(uri, maxBytes)
		if err != nil {
			return nil, err
		}
		return f.Open(name, o)
	}
}

// Fetch reads the object that a URI names, without its fragment, whole.
type Fetch func(ctx context.Context, uri string) ([]byte, error)

// Object loads a model from a store, by a URI which may end in #sha256=… of the
// object. What it holds is told by content, as of a file.
func Object(uri string, fetch Fetch, o predict.Options) Load {
	return func(ctx context.Context, name string) (*predict.Model, error) {
		path, want, _ := strings.Cut(uri, "#sha256=")
		data, err := fetch(ctx, path)
		if err != nil {
			return nil, err
		}
		f, err := fetched(data, want)
		if err != nil {
			return nil, err
		}
		return f.Open(name, o)
	}
}

// fetched reads a model from memory, whose digest must be want unless that is
// "".
func fetched(data []byte, want string) (*Opened, error) {
	var err error
	switch {
	case want == "":
	case bundle.Is(data):
		err = checkBundle(want, data)
	default:
		err = checkDigest(want, sha256.Sum256(data))
	}
	if err != nil {
		return nil, err
	}
	return ReadFrom(data)
}

// Opened is what a path holds: a bundle, or a model as its library saved it.
type Opened struct {
	// Bundle is the file's bytes where it is a bundle: mapped if it is large,
	// and then never to be changed or unmapped.
	Bundle []byte
	// Model is what any other file holds, and SHA256 that file's digest in hex.
	Model  *format.Model
	SHA256 string
}

// Open makes the model ready.
func (f *Opened) Open(name string, o predict.Options) (*predict.Model, error) {
	data := f.Bundle
	if data == nil {
		var err error
		if data, err = f.Compile(predict.Info{Name: name}, f.Model.Rows); err != nil {
			return nil, err
		}
	}
	return predict.Open(name, data, o)
}

// Compile makes a bundle of the model, with self-test rows.
func (f *Opened) Compile(info predict.Info, rows []float64) ([]byte, error) {
	info.Source, info.SourceSHA256 = f.Model.Source, f.SHA256
	return predict.Compile(f.Model.IR, f.Model.Schema, info, rows)
}

// ReadFrom reads a model from memory, told by its content.
func ReadFrom(data []byte) (*Opened, error) {
	if bundle.Is(data) {
		return &Opened{Bundle: data}, nil
	}
	m, err := format.Read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return &Opened{Model: m, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}, nil
}

// Read reads the file of a path with an optional #sha256=…, which it checks.
// Other URIs are named and refused. A model file is read as a stream, so that
// its text is never in memory as a whole.
func Read(uri string, maxBytes int64) (*Opened, error) {
	path, want, _ := strings.Cut(uri, "#sha256=")
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf("models are not read from %s:// here: put the file beside the binary", scheme)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder, not a model file: for an MLflow folder, compile it first (copse compile)", filepath.Base(path))
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil, errors.New("the file is empty")
	case info.Size() > maxBytes:
		return nil, tooLarge(path, maxBytes)
	}
	f, err := read(file, info.Size(), maxBytes, want)
	if errors.Is(err, errTooLarge) {
		return nil, tooLarge(path, maxBytes)
	}
	return f, err
}

func tooLarge(path string, maxBytes int64) error {
	return fmt.Errorf("%s has more than %d bytes: raise COPSE_MAX_MODEL", filepath.Base(path), maxBytes)
}

// read reads an open file, whose digest must be want unless that is "".
func read(file *os.File, size, maxBytes int64, want string) (*Opened, error) {
	in := bufio.NewReader(&limited{file, maxBytes})
	if top, _ := in.Peek(len(bundle.Magic)); bundle.Is(top) {
		data, err := bundleBytes(file, in, size)
		if err != nil {
			return nil, err
		}
		if want != "" {
			if err := checkBundle(want, data); err != nil {
				return nil, err
			}
		}
		return &Opened{Bundle: data}, nil
	}
	sum := sha256.New()
	all := io.TeeReader(in, sum)
	m, err := format.Read(all)
	if err == nil || want != "" {
		// What a reader leaves unread, and a file whose digest decides before
		// its content does.
		if _, e := io.Copy(io.Discard, all); e != nil {
			return nil, e
		}
	}
	digest := [sha256.Size]byte(sum.Sum(nil))
	if want != "" {
		if err := checkDigest(want, digest); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return &Opened{Model: m, SHA256: fmt.Sprintf("%x", digest)}, nil
}

// checkBundle takes the digest of the file, or the bundle's own, computed.
func checkBundle(want string, data []byte) error {
	err := checkDigest(want, sha256.Sum256(data))
	if err == nil {
		return nil
	}
	file, e := bundle.Open(data)
	if e == nil && file.CheckDigest() == nil && strings.EqualFold("sha256:"+want, file.Digest()) {
		return nil
	}
	return err
}

func checkDigest(want string, sum [sha256.Size]byte) error {
	if !strings.EqualFold(want, hex.EncodeToString(sum[:])) {
		return fmt.Errorf("the file's digest is sha256:%x, not the one that was asked for", sum)
	}
	return nil
}

// mapFrom is the size from which a bundle is mapped and not read, in bytes:
// below it reading costs less than the faults of a mapping's pages.
const mapFrom = 8 << 20

// bundleBytes reads a bundle, or maps a large one. in stands at its start.
func bundleBytes(file *os.File, in io.Reader, size int64) ([]byte, error) {
	if size >= mapFrom {
		if data, err := mapFile(file, size); err == nil {
			return data, nil
		}
	}
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead) // or it would grow step by step
	_, err := data.ReadFrom(in)
	return data.Bytes(), err
}

// limited is a reader that fails when it has given so many bytes and there are
// more: a file may grow, and a pipe has no size.
type limited struct {
	r    io.Reader
	left int64
}

var errTooLarge = errors.New("the file is too large")

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// NameOf is the name of a model whose path came without one: the file's base
// name without its last extension.
func NameOf(uri string) string {
	path, _, _ := strings.Cut(uri, "#")
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

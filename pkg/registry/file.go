package registry

import (
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
		data, err := ReadFile(uri, maxBytes)
		if err != nil {
			return nil, err
		}
		return OpenAny(name, data, o)
	}
}

// OpenAny opens a bundle, or compiles a model file and opens what it gives.
func OpenAny(name string, data []byte, o predict.Options) (*predict.Model, error) {
	if !bundle.Is(data) {
		var err error
		if data, err = compile(name, data); err != nil {
			return nil, err
		}
	}
	return predict.Open(name, data, o)
}

func compile(name string, data []byte) ([]byte, error) {
	m, doc, source, err := format.Read(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return predict.Compile(m, doc, predict.Info{
		Name: name, Source: source, SourceSHA256: hex.EncodeToString(sum[:])}, nil)
}

// ReadFile reads the file of a path with an optional #sha256=…, which it
// checks. Other URIs are named and refused.
func ReadFile(uri string, maxBytes int64) ([]byte, error) {
	path, want, _ := strings.Cut(uri, "#sha256=")
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf("models are not read from %s:// yet: put the file beside the binary", scheme)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > maxBytes:
		return nil, fmt.Errorf("%s has more than %d bytes: raise COPSE_MAX_MODEL", filepath.Base(path), maxBytes)
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	}
	if sum := sha256.Sum256(data); want != "" && !strings.EqualFold(want, hex.EncodeToString(sum[:])) {
		return nil, fmt.Errorf("the file's digest is sha256:%x, not the one that was asked for", sum)
	}
	return data, nil
}

// NameOf is the name of a model whose path came without one: the file's base
// name without its last extension.
func NameOf(uri string) string {
	path, _, _ := strings.Cut(uri, "#")
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

package copsebeam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

// system is one of Beam's filesystems.
type system struct {
	filesystem.Interface
	escape func(name string) string
}

// systems are those of this process, by scheme. They hold clients of clouds,
// which are costly to make and safe to share; so none is ever closed.
var systems sync.Map

func systemOf(ctx context.Context, name string) (*system, error) {
	scheme, _, _ := cutScheme(name)
	if fs, ok := systems.Load(scheme); ok {
		return fs.(*system), nil //nolint:forcetypeassert // nothing else is kept
	}
	fs, err := filesystem.New(context.WithoutCancel(ctx), name)
	if err != nil {
		return nil, err
	}
	s := &system{fs, func(name string) string { return name }}
	if scheme == "gs" || scheme == "s3" {
		s.escape = escapes.Replace
	}
	kept, _ := systems.LoadOrStore(scheme, s)
	return kept.(*system), nil //nolint:forcetypeassert // as above
}

// escapes are for Beam's filesystems of buckets, which read names as URLs,
// though those that they list are none.
var escapes = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23")

// cutScheme cuts gs://bucket/key, and leaves a local path as it is.
func cutScheme(name string) (scheme, rest string, ok bool) {
	if scheme, rest, ok = strings.Cut(name, "://"); ok {
		return scheme, rest, true
	}
	return "", name, false
}

// join is a path below a folder, of any filesystem.
func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// open reads a file from its start.
func (s *system) open(ctx context.Context, name string) (io.ReadCloser, error) {
	return s.OpenRead(ctx, s.escape(name))
}

func (s *system) size(ctx context.Context, name string) (int64, error) {
	return s.Size(ctx, s.escape(name))
}

var errNoRemove = errors.New("the filesystem removes nothing")

func (s *system) remove(ctx context.Context, name string) error {
	r, ok := s.Interface.(filesystem.Remover)
	if !ok {
		return errNoRemove
	}
	return r.Remove(ctx, s.escape(name))
}

// readAll reads a whole file of at most so many bytes.
func readAll(ctx context.Context, name string, limit int64) ([]byte, error) {
	fs, err := systemOf(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := fs.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the file has more than %d bytes", limit)
	}
	return data, err
}

// writeFile writes a file that is seen whole or not at all, and replaces one
// of its name. Where the filesystem renames (a local one does), it gets its
// name last; stores of objects show one only when it is closed, and give it up
// when their context ends.
func writeFile(ctx context.Context, name string, write func(io.Writer) error) error {
	fs, err := systemOf(ctx, name)
	if err != nil {
		return err
	}
	if renamer, ok := fs.Interface.(filesystem.Renamer); ok {
		return fs.writeAside(ctx, renamer, name, write)
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	w, err := fs.OpenWrite(ctx, fs.escape(name))
	if err != nil {
		return unwritable(name, err)
	}
	if err := write(w); err != nil {
		giveUp()
		_ = w.Close() // what failed first is told
		return err
	}
	return unwritable(name, w.Close())
}

func (s *system) writeAside(ctx context.Context, r filesystem.Renamer, name string, write func(io.Writer) error) (err error) {
	dir, base := path.Split(name)
	temp := dir + "." + base + "." + rand.Text()
	w, err := s.OpenWrite(ctx, temp)
	if err != nil {
		return unwritable(name, err)
	}
	defer func() {
		if err != nil {
			_ = s.remove(context.WithoutCancel(ctx), temp)
		}
	}()
	if err := write(w); err != nil {
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return unwritable(name, err)
	}
	return unwritable(name, r.Rename(ctx, temp, name))
}

func unwritable(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s cannot be written: %w", name, err)
}

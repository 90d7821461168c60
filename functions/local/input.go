package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/fault"
)

// stdio is the path that means standard input or output.
const stdio = "-"

// window is what a zstd file may ask for, in bytes: what `zstd --long` writes.
const window = 128 << 20

// input is an opened file of rows.
type input struct {
	*bulk.Input
	file io.Closer
}

// openInput opens a file of rows and finds out what it is.
func openInput(path string, stdin io.Reader) (*input, error) {
	f, file, err := openFile(path, stdin)
	if err != nil {
		return nil, err
	}
	in, err := bulk.Open(context.Background(), f, &bulk.Options{Spool: true, Window: window})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, plain(err)), file.Close())
	}
	return &input{in, file}, nil
}

func (in *input) Close() error { return errors.Join(in.Input.Close(), in.file.Close()) }

// openFile opens a path, or is standard input. Regular files can be read
// anywhere.
func openFile(path string, stdin io.Reader) (*bulk.File, io.Closer, error) {
	in := &bulk.File{Name: path, Size: -1}
	if path == stdio {
		in.Stream = stdin
		return in, io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, errors.Unwrap(err)) // without the path, which is told already
	}
	in.Stream = f
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		err = errors.New("is a folder, not a file")
	case err == nil && info.Mode().IsRegular():
		in.Size, in.At = info.Size(), f
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return in, f, nil
}

const ignoreExtra = "--ignore-extra passes over columns that are no feature"

// plain is a reader's error in its own words.
func plain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case !ok:
		return err
	case e.Code == fault.UnknownField:
		return fmt.Errorf("%s (%s)", e.Message, ignoreExtra)
	case e.Code == fault.Internal && e.Err != nil:
		return fmt.Errorf("%s: %w", e.Message, e.Err)
	}
	return errors.New(e.Message)
}

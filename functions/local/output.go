package local

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// outputBuffer is how much is written at once, in bytes.
const outputBuffer = 256 << 10

// output is standard output, or a file that appears under its name only when
// it is whole: whoever reads the folder never sees half of it.
type output struct {
	*bufio.Writer
	pack io.WriteCloser // below the buffer, or nil
	file *os.File       // nil: standard output
	path string         // of the whole file; "" if file is written in place
}

// openOutput opens "" or "-" as standard output. A path that is there and is
// no regular file (a pipe, /dev/null) is written in place.
func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "" || path == stdio {
		return &output{Writer: bufio.NewWriterSize(stdout, outputBuffer)}, nil
	}
	o := &output{path: path}
	var err error
	if info, e := os.Stat(path); e == nil && !info.Mode().IsRegular() {
		o.path = ""
		o.file, err = os.OpenFile(path, os.O_WRONLY, 0)
	} else {
		o.file, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	}
	if err != nil {
		return nil, fmt.Errorf("-o %s: %w", path, errors.Unwrap(err))
	}
	var to io.Writer = o.file
	if o.pack, err = packer(path, o.file); err != nil {
		return nil, o.finish(err)
	}
	if o.pack != nil {
		to = o.pack
	}
	o.Writer = bufio.NewWriterSize(to, outputBuffer)
	return o, nil
}

// packer compresses what goes to a file called .gz or .zst; others have none.
func packer(path string, to io.Writer) (io.WriteCloser, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".gz":
		return gzip.NewWriter(to), nil
	case ".zst":
		return zstd.NewWriter(to)
	}
	return nil, nil
}

// finish writes what is left and gives the file its name; after a failure it
// removes the file instead. It returns failure, or why the file is not there.
func (o *output) finish(failure error) error {
	err := failure
	if err == nil || o.file == nil { // what goes to a pipe ends with a whole line
		err = cmp.Or(failure, o.Flush())
	}
	if o.pack != nil {
		if e := o.pack.Close(); err == nil {
			err = e
		}
	}
	if o.file == nil {
		return err
	}
	if err == nil && o.path != "" {
		err = errors.Join(o.file.Chmod(0o644), o.file.Sync())
	}
	if e := o.file.Close(); err == nil {
		err = e
	}
	if err == nil && o.path != "" {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil && o.path != "" {
		_ = os.Remove(o.file.Name()) // what failed first is told
	}
	return err
}

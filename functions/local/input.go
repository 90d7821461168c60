package local

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/copse/functions/local/internal/parquetfile"
	"example.com/copse/pkg/wire"
)

const (
	// inputBuffer is how much of a file is read at once, in bytes.
	inputBuffer = 256 << 10
	// inputHead is how much of a file is looked at to tell what it is.
	inputHead = 4096
	// maxWindow bounds what a zstd frame may ask the decoder to hold: what
	// `zstd --long` writes.
	maxWindow = 128 << 20
)

// stdio is the path that means standard input or output.
const stdio = "-"

// input is an opened file of rows.
type input struct {
	io.Reader
	media wire.Media
	table *parquetfile.File // in the place of both, if it is Parquet
	size  int64             // of the file, or -1
	read  atomic.Int64      // bytes read of the file, for the progress
	close []func() error
}

// openInput opens a file of rows, undoes .gz and .zst (told by content), and
// finds out its kind: the one that is given, else by name, else by content.
func openInput(path, kind string, stdin io.Reader) (*input, error) {
	in := &input{size: -1}
	if err := in.open(path, kind, stdin); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), in.Close())
	}
	return in, nil
}

func (in *input) open(path, kind string, stdin io.Reader) error {
	file, err := in.file(path, stdin)
	if err != nil {
		return err
	}
	raw := bufio.NewReaderSize(&counter{file, &in.read}, inputBuffer)
	plain, err := in.inflate(raw)
	if err != nil {
		return err
	}
	head, err := plain.Peek(inputHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch parquet := kind == "parquet" || kind == "" && extension(path) == "parquet"; {
	case parquetfile.Is(head) && (kind == "" || parquet):
		return in.openTable(file, raw, plain)
	case parquetfile.Is(head):
		return fmt.Errorf("is Parquet, and not what --input-format says: %s", kind)
	case parquet:
		return errors.New("is not Parquet: it does not begin with PAR1")
	}
	in.Reader = plain
	in.media, err = mediaOf(path, kind, head)
	return err
}

// file opens a path, or is standard input.
func (in *input) file(path string, stdin io.Reader) (io.Reader, error) {
	if path == stdio {
		return stdin, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // without the path, which is told already
	}
	in.close = append(in.close, f.Close)
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a folder, not a file")
	case info.Mode().IsRegular():
		in.size = info.Size()
	}
	return f, nil
}

// openTable opens a Parquet file. It is read from its end, so that what comes
// from a pipe, or is packed once more, goes to a temporary file first.
func (in *input) openTable(file io.Reader, raw, plain *bufio.Reader) error {
	f, ok := file.(*os.File)
	if size := in.size; ok && size >= 0 && raw == plain {
		in.read.Store(0)
		return in.openFile(&countedAt{f, &in.read}, size)
	}
	spool, err := os.CreateTemp("", "copse-*.parquet")
	if err != nil {
		return err
	}
	in.close = append(in.close, spool.Close, func() error { return os.Remove(spool.Name()) })
	size, err := io.Copy(spool, plain)
	if err != nil {
		return err
	}
	return in.openFile(spool, size)
}

func (in *input) openFile(at io.ReaderAt, size int64) (err error) {
	in.table, err = parquetfile.Open(at, size)
	return err
}

// inflate looks at the first bytes: names lie.
func (in *input) inflate(raw *bufio.Reader) (*bufio.Reader, error) {
	head, _ := raw.Peek(4) // a shorter file is no archive
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(packed{z}, inputBuffer), nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		in.close = append(in.close, func() error { z.Close(); return nil })
		return bufio.NewReaderSize(packed{z}, inputBuffer), nil
	}
	return raw, nil
}

// packed is compressed data that says so when it breaks off.
type packed struct{ io.Reader }

var errCut = fmt.Errorf("the compressed data breaks off: is the file whole? (%w)", io.ErrUnexpectedEOF)

func (p packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return n, err
}

// Close closes what was opened, the outermost first.
func (in *input) Close() error {
	var errs []error
	for i := len(in.close) - 1; i >= 0; i-- {
		errs = append(errs, in.close[i]())
	}
	return errors.Join(errs...)
}

// mediaByName maps what users call a kind, and extensions of files.
func mediaByName(name string) (m wire.Media, ok bool) {
	switch name {
	case "csv":
		return wire.CSV, true
	case "jsonl", "ndjson":
		return wire.NDJSON, true
	}
	return 0, false
}

// extension is a file's, in small letters and without .gz or .zst.
func extension(path string) string {
	path = strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst"} {
		path = strings.TrimSuffix(path, packed)
	}
	return strings.TrimPrefix(filepath.Ext(path), ".")
}

func mediaOf(path, kind string, head []byte) (wire.Media, error) {
	if m, ok := mediaByName(kind); ok {
		return m, nil
	}
	text := bytes.TrimLeft(head, "\ufeff \t\r\n")
	if m, ok := mediaByName(extension(path)); ok {
		return m, nil
	}
	switch {
	case bytes.HasPrefix(text, []byte("[")):
		return 0, errors.New("is one JSON list: write an object a line (JSONL) instead, as jq -c '.[]' does")
	case bytes.HasPrefix(text, []byte("{")):
		return wire.NDJSON, nil
	}
	return wire.CSV, nil
}

func badFormat(flag string) error {
	return fmt.Errorf("%s: must be csv, jsonl or parquet", flag)
}

// counter counts the bytes that pass.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// countedAt counts the bytes that are read of a file, wherever.
type countedAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

func (c *countedAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(p, at)
	c.n.Add(int64(n))
	return n, err
}

package bulk

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/wire"
)

const (
	// inputBuffer is how much of a file is read at once to look at it, in bytes:
	// less than a block, which is then read without it.
	inputBuffer = 64 << 10
	// inputHead is how much of a file is looked at to tell what it is.
	inputHead = 4096
	// zstdWindow bounds what a zstd frame may ask the decoder to hold, in bytes:
	// the 8 MiB that RFC 8878, section 3.1.1.1.2, asks decoders to support, and
	// zstd without --long or --ultra stays within.
	zstdWindow = 8 << 20
)

// Input is an opened file of rows, of which it is known what it is.
type Input struct {
	// Reader gives the text, unpacked.
	io.Reader
	Media wire.Media
	// Table is in the place of both, if the file is Parquet.
	Table *parquetfile.File

	name     string
	packed   bool
	segments *segments // below Table, if it is not in a temporary file
	meter    *meter
	close    []func() error
}

// Open finds out what a file is: the form that o names, else by name, else by
// content; and undoes gzip and zstd, told by content alone. Close ends what it began,
// and does not close the file.
func Open(ctx context.Context, f *File, o *Options) (*Input, error) {
	in := &Input{name: f.Name, meter: &meter{ctx: ctx, f: f}}
	if err := checkRange(f, o); err != nil {
		return nil, err
	}
	if err := in.open(f, o); err != nil {
		return nil, errors.Join(in.meter.cause(err), in.Close())
	}
	return in, nil
}

func (in *Input) open(f *File, o *Options) error {
	raw := bufio.NewReaderSize(in.meter.stream(), inputBuffer)
	plain, err := in.inflate(raw, cmp.Or(o.Window, zstdWindow))
	if err != nil {
		return err
	}
	in.packed = plain != raw
	head, err := plain.Peek(inputHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(head) == 0 {
		return fault.New(fault.EmptyBody, "the file is empty")
	}
	parquet := o.Format == parquetName || o.Format == "" && extension(f.Name) == parquetName
	switch {
	case parquetfile.Is(head) && (o.Format == "" || parquet):
		return in.openTable(f, o, plain)
	case parquetfile.Is(head):
		return fault.New(fault.UnsupportedMedia, "the file is Parquet, and not what its format is said to be: %s", o.Format)
	case parquet:
		return fault.New(fault.Malformed, "is not Parquet: it does not begin with %s", parquetfile.Magic)
	}
	in.Reader = plain
	in.Media, err = mediaOf(f.Name, o.Format, head)
	return err
}

// openTable opens a Parquet file. It is read from its end, so that what is a
// stream, or is packed once more, goes to a temporary file first.
func (in *Input) openTable(f *File, o *Options, plain *bufio.Reader) error {
	var at io.ReaderAt
	size := f.Size
	if f.At == nil || in.packed {
		if !o.Spool {
			return fault.New(fault.UnsupportedMedia, "Parquet is read from its end: it cannot come packed once more, or as a stream")
		}
		spool, err := os.CreateTemp("", "copse-*.parquet")
		if err != nil {
			return err
		}
		in.close = append(in.close, spool.Close, func() error { return os.Remove(spool.Name()) })
		if size, err = io.Copy(spool, plain); err != nil {
			return err
		}
		at = spool
	} else {
		in.segments = newSegments(in.meter.ctx, in.meter.at(), size)
		in.close = append(in.close, in.segments.Close)
		at = &meteredAt{in.meter, in.segments}
	}
	var err error
	if in.Table, err = parquetfile.Open(at, size); err != nil {
		return asFault(fault.Malformed, err)
	}
	return nil
}

// inflate looks at the first bytes: names lie.
func (in *Input) inflate(raw *bufio.Reader, window int) (*bufio.Reader, error) {
	head, _ := raw.Peek(4) // a shorter file is no archive
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, unpacking(err, window)
		}
		return bufio.NewReaderSize(packed{z, window}, inputBuffer), nil
	case isZstd(head):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return nil, unpacking(err, window)
		}
		in.close = append(in.close, func() error { z.Close(); return nil })
		return bufio.NewReaderSize(packed{z, window}, inputBuffer), nil
	}
	return raw, nil
}

// isZstd knows a frame, and one to be skipped, as pzstd puts before each (RFC
// 8878, sections 3.1.1 and 3.1.2).
func isZstd(head []byte) bool {
	return bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) == 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:], []byte{0x2a, 0x4d, 0x18})
}

// packed is compressed data that says so when it is broken.
type packed struct {
	io.Reader
	window int
}

func (p packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && err != io.EOF {
		err = unpacking(err, p.window)
	}
	return n, err
}

// unpacking is an error of the packers.
func unpacking(err error, window int) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.New(fault.BadEncoding, "the compressed data breaks off: is the file whole?")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.New(fault.BadEncoding, "the compressed data asks for a window of more than %d MiB: compress it without --long", window>>20)
	}
	return fault.Wrap(fault.BadEncoding, err, "the compressed data is broken")
}

// bytes is how much of the file was read.
func (in *Input) bytes() int64 { return in.meter.n.Load() }

// Close ends what Open began, the outermost first.
func (in *Input) Close() error {
	var errs []error
	for i := len(in.close) - 1; i >= 0; i-- {
		errs = append(errs, in.close[i]())
	}
	return errors.Join(append(errs, in.meter.close())...)
}

// extension is a file's, in small letters and without .gz or .zst.
func extension(path string) string {
	path = strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst"} {
		path = strings.TrimSuffix(path, packed)
	}
	return strings.TrimPrefix(filepath.Ext(path), ".")
}

// FormOf finds the form that a file's name tells.
func FormOf(path string) (Form, bool) { return FormByName(extension(path)) }

func mediaOf(path, kind string, head []byte) (wire.Media, error) {
	if m, ok := mediaByName(kind); ok {
		return m, nil
	}
	if err := noText(head); err != nil {
		return 0, err
	}
	text := bytes.TrimLeft(head, "\ufeff \t\r\n")
	if m, ok := mediaByName(extension(path)); ok {
		return m, nil
	}
	switch {
	case bytes.HasPrefix(text, []byte("[")):
		return 0, fault.New(fault.UnsupportedMedia, "the file is one JSON list: write an object a line (JSONL) instead, as jq -c '.[]' does")
	case bytes.HasPrefix(text, []byte("{")):
		return wire.NDJSON, nil
	}
	return wire.CSV, nil
}

// noText refuses what is none of the forms. Texts in UTF-16 have a zero byte
// at every other place, and what else has one is no text.
func noText(head []byte) error {
	for _, k := range []struct{ magic, what string }{
		{"PK\x03\x04", "a zip archive (or a workbook): unpack it, or save it as CSV"},
		{"\x89PNG", "a picture"},
		{"BZh91AY&SY", "packed with bzip2: use gzip or zstd"},
		{"\xfd7zXZ", "packed with xz: use gzip or zstd"},
		{"\xff\xfe", "UTF-16: save it as UTF-8"},
		{"\xfe\xff", "UTF-16: save it as UTF-8"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return fault.New(fault.UnsupportedMedia, "the file is %s", k.what)
		}
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return fault.New(fault.UnsupportedMedia, "the file is no text: CSV, JSONL and Parquet can be read, plain or packed with gzip or zstd")
	}
	return nil
}

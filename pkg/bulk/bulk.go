// Package bulk scores files of any size: rows of CSV, JSONL or Parquet, plain
// or packed, into answers of the same forms, in bounded memory and in order.
//
// Question: who owns the file? Choice: the caller, who gives a stream or an
// io.ReaderAt and takes the answers as a stream, so that the same code scores
// files, pipes and objects of any store. What would change it: a store that
// is faster with another way of reading.
//
// Question: how is a file shared among cores? Choice: one goroutine cuts it
// into blocks of whole records, which is cheap; blocks are read, scored and
// formatted on all cores, and written in order. Whatever the file holds, the
// number of blocks is fixed and each has a bound.
//
// Question: and among machines? Choice: by ranges of bytes. A row belongs to
// the range in which its first byte lies, and where that is, is found from the
// bytes around the border alone (see align).
package bulk

import (
	"context"
	"errors"
	"io"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// Options say how files are scored.
type Options struct {
	Model *predict.Model
	Kind  wire.Kind
	// IgnoreExtra passes over columns and members that are no feature.
	IgnoreExtra bool
	// NoHeader reads CSV columns by position.
	NoHeader bool
	// Format is the input's: "csv", "jsonl", "ndjson" or "parquet"; empty: told
	// by name and content.
	Format string
	// From and To are a range of the file's bytes, for files with At: the rows
	// that begin in it are scored. To is 0 for all that follows. Ranges that
	// share the file's bytes share its rows: none is cut, missed or there twice.
	//   - CSV, JSONL: a row begins at its line's first byte. CSV's header is read
	//     from the file's beginning.
	//   - Parquet: a row group begins where its first column does.
	//   - What is packed as a whole (gzip, zstd): all rows begin at byte 0.
	// CSV whose quoted cells leave open where records begin cannot be cut, and
	// is a fault.Malformed that says so.
	From, To int64
	// Cores is how many cores work; 0 is GOMAXPROCS.
	Cores int
	// First is the number of the first row.
	First int
	// Spool lets Parquet that cannot be read from its end (a stream, or packed
	// once more) go to a temporary file first. Without it, it is an error.
	Spool bool
	// Window is what a zstd frame may ask the reader to hold, in bytes; 0 is
	// 8 MiB, what zstd writes without --long or --ultra.
	Window int
	// Read is told, now and then, how many bytes of the file have been read. It
	// is called by one goroutine; nil: by none.
	Read func(n int64)
	// Wrote is told how many rows have been written, in the same way.
	Wrote func(rows int)

	// In tests: less than firstLook and wire.MaxRecord.
	look, longest int
}

// File is a file of rows. One of Stream and At must be there; where both are,
// At is for what a stream cannot do.
type File struct {
	// Name tells the form, by its extension.
	Name string
	// Size is in bytes, -1 where it is not known. At needs it.
	Size   int64
	Stream io.Reader
	At     io.ReaderAt
}

// Summary is what was written.
type Summary struct {
	Rows int
	Bad  int // rows with an error in place of an answer
	// Why is the first of those, by number, and what is wrong with it.
	Why string
	// Extra says that some row has a member that is no feature.
	Extra bool
	// Stats are the counts of all blocks together: rows that are alike in two
	// blocks are distinct. Answers that are raw (see Raw) have none.
	Stats frame.Stats
}

// FileError is an error of one file of several.
type FileError struct {
	Name string
	Err  error
}

func (e *FileError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// Score scores a file, and ends the output. Its error is a *fault.Error where
// the file is at fault, and another moment would not mend it; ctx's own; or,
// wrapped, what the file's reader or the output's writer said.
func Score(ctx context.Context, f *File, out Output, o Options) (Summary, error) {
	s := NewScorer(ctx, out, o)
	s.Add(f) //nolint:errcheck // End returns it
	sum, err := s.End()
	if e, ok := errors.AsType[*FileError](err); ok {
		err = e.Err
	}
	return sum, err
}

// Forms of files by what users call them, and by extensions.
func mediaByName(name string) (m wire.Media, ok bool) {
	switch name {
	case "csv":
		return wire.CSV, true
	case "jsonl", "ndjson":
		return wire.NDJSON, true
	}
	return 0, false
}

// KnowsFormat says whether Options.Format may have a name.
func KnowsFormat(name string) bool {
	_, ok := mediaByName(name)
	return ok || name == "" || name == parquetName
}

const parquetName = "parquet"

// asFault keeps an error of the catalogue, and of others says that the file is
// at fault.
func asFault(code fault.Code, err error) *fault.Error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	return fault.New(code, "%s", err.Error())
}

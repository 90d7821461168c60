package parquetfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// headerBytes is how much is read at once to see a page's header.
const headerBytes = 1024

// checkPages refuses a column whose pages are larger than what may be held,
// before one is unpacked. It reads the pages' headers only, and none where the
// column as a whole is small.
func checkPages(in io.ReaderAt, meta *format.ColumnMetaData) error {
	if meta.TotalUncompressedSize <= maxPage {
		return nil
	}
	at := meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + meta.TotalCompressedSize
	var compact thrift.CompactProtocol
	buffer := bufio.NewReaderSize(nil, headerBytes)
	for at < end {
		section := io.NewSectionReader(in, at, end-at)
		buffer.Reset(section)
		var header format.PageHeader
		if err := thrift.NewDecoder(compact.NewReader(buffer)).Decode(&header); err != nil {
			return err
		}
		if header.CompressedPageSize < 0 || header.UncompressedPageSize < 0 {
			return errors.New("a page has no size")
		}
		if n := max(header.CompressedPageSize, header.UncompressedPageSize); n > maxPage {
			return fmt.Errorf("a page has %d bytes, of which %d are read: write smaller pages", n, maxPage)
		}
		read, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		at += read - int64(buffer.Buffered()) + int64(header.CompressedPageSize)
	}
	return nil
}

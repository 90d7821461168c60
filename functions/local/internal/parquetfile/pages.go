package parquetfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// headerBytes is how much is read at once to see a page's header.
const headerBytes = 1024

// checkPages refuses a column whose pages are larger than what may be held,
// before one is unpacked. It reads the pages' headers only, and none where the
// column as a whole is small.
//
// Pages in LZ4 are unpacked here once to see that they can be: the library
// takes any error for a lack of room, and asks for more of it for ever.
func checkPages(in io.ReaderAt, meta *format.ColumnMetaData) error {
	isLZ4 := meta.Codec == format.Lz4Raw
	if meta.TotalUncompressedSize <= maxPage && !isLZ4 {
		return nil
	}
	at := meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + meta.TotalCompressedSize
	var compact thrift.CompactProtocol
	buffer := bufio.NewReaderSize(nil, headerBytes)
	var packed, unpacked []byte
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
		at += read - int64(buffer.Buffered())
		if isLZ4 {
			packed = resize(packed, int(header.CompressedPageSize))
			unpacked = resize(unpacked, int(header.UncompressedPageSize))
			if _, err := in.ReadAt(packed, at); err != nil {
				return err
			}
			if err := unpackLZ4(&header, packed, unpacked); err != nil {
				return err
			}
		}
		at += int64(header.CompressedPageSize)
	}
	return nil
}

// unpackLZ4 unpacks what of a page is packed: in pages of version 2 the levels
// before it are not, and perhaps nothing is.
func unpackLZ4(header *format.PageHeader, packed, into []byte) error {
	levels := 0
	if header.DataPageHeaderV2.Valid {
		v2 := &header.DataPageHeaderV2.V
		if v2.IsCompressed.Valid && !v2.IsCompressed.V {
			return nil
		}
		levels = int(v2.DefinitionLevelsByteLength) + int(v2.RepetitionLevelsByteLength)
	}
	if levels < 0 || levels > len(packed) || levels > len(into) {
		return errors.New("a page is shorter than its levels")
	}
	if _, err := lz4.UncompressBlock(packed[levels:], into[levels:]); err != nil {
		return errors.New("a page cannot be unpacked: the file is damaged")
	}
	return nil
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

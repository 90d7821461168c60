package parquetfile

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// headerBytes is how much is read at once to see a page's header.
const headerBytes = 1024

// pageAt is where a page of a column is.
type pageAt struct {
	offset int64
	header int   // bytes before its data
	rows   int64 // 0 of a dictionary
	packed int   // bytes of its data
	coded  bool  // its values stand in the dictionary
}

func (p *pageAt) end() int64 { return p.offset + int64(p.header) + int64(p.packed) }

// chunkRange is where the pages of a column are.
func chunkRange(meta *format.ColumnMetaData) (from, to int64) {
	from = meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 && d < from {
		from = d
	}
	return from, from + meta.TotalCompressedSize
}

// walkPages reads the headers of a column's pages, and nothing else.
func walkPages(in io.ReaderAt, meta *format.ColumnMetaData, each func(*format.PageHeader, pageAt) error) error {
	at, end := chunkRange(meta)
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
		read, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		p := pageAt{offset: at, header: int(read) - buffer.Buffered(), packed: int(header.CompressedPageSize)}
		switch {
		case header.DataPageHeader.Valid:
			p.rows, p.coded = int64(header.DataPageHeader.V.NumValues), inDictionary(header.DataPageHeader.V.Encoding)
		case header.DataPageHeaderV2.Valid:
			p.rows, p.coded = int64(header.DataPageHeaderV2.V.NumRows), inDictionary(header.DataPageHeaderV2.V.Encoding)
		}
		if err := each(&header, p); err != nil {
			return err
		}
		at = p.end()
	}
	return nil
}

func inDictionary(e format.Encoding) bool {
	return e == format.PlainDictionary || //nolint:staticcheck // old files have it
		e == format.RLEDictionary
}

// checkPages refuses a column whose pages are larger than what may be held,
// before one is unpacked. It looks at no page where the column as a whole is
// small. It returns what the library is to read the column from.
//
// Pages in LZ4 are unpacked here once to see that they can be: the library
// takes any error for a lack of room, and asks for more of it for ever. And it
// reads them with another size in their headers, see unsized.
func checkPages(in io.ReaderAt, meta *format.ColumnMetaData) (io.ReaderAt, error) {
	isLZ4 := meta.Codec == format.Lz4Raw
	if meta.TotalUncompressedSize <= maxPage && !isLZ4 {
		return in, nil
	}
	var packed, unpacked []byte
	out := &unsized{in: in}
	err := walkPages(in, meta, func(header *format.PageHeader, p pageAt) error {
		if n := max(header.CompressedPageSize, header.UncompressedPageSize); n > maxPage {
			return fmt.Errorf("a page has %d bytes, of which %d are read: write smaller pages", n, maxPage)
		}
		if !isLZ4 {
			return nil
		}
		packed, unpacked = resize(packed, p.packed), resize(unpacked, int(header.UncompressedPageSize))
		if _, err := in.ReadAt(packed, p.offset+int64(p.header)); err != nil {
			return err
		}
		n, err := unpackLZ4(header, packed, unpacked)
		if err != nil || n == 0 {
			return err
		}
		return out.add(p)
	})
	switch {
	case err != nil:
		return nil, err
	case !isLZ4:
		return in, nil
	}
	return out, nil
}

// unsized is a file in which some pages say that they have no bytes when
// unpacked.
//
// Question: why? Choice: parquet-go v0.32.0 unpacks LZ4 into memory of its own
// where a page's size is less than three times what it was packed, and then
// goes on with the memory of that size, which holds whatever was there before
// (Column.decompress). Of a page that turns out larger than was said, it takes
// what was unpacked. What would change it: a release that takes it always.
type unsized struct {
	in    io.ReaderAt
	sizes []sizeAt // in the file's order
}

// sizeAt is where a page's header has the size.
type sizeAt struct {
	offset int64
	bytes  int
}

// add finds the size in a page's header, whose second field it is, behind the
// page's type (parquet.thrift, PageHeader; Thrift's compact protocol).
func (u *unsized) add(p pageAt) error {
	const number = 0x15 // the next field, an i32
	var head [12]byte
	b := head[:min(len(head), p.header)]
	if _, err := u.in.ReadAt(b, p.offset); err != nil {
		return err
	}
	varint := func(at int) int { // behind it
		for at < len(b) && b[at] >= 0x80 {
			at++
		}
		return at + 1
	}
	at := varint(1)
	if at >= len(b) || b[0] != number || b[at] != number || varint(at+1) > len(b) {
		return errors.New("a page's header is not as the format has it: the file is damaged")
	}
	u.sizes = append(u.sizes, sizeAt{p.offset + int64(at) + 1, varint(at+1) - at - 1})
	return nil
}

func (u *unsized) ReadAt(p []byte, at int64) (int, error) {
	n, err := u.in.ReadAt(p, at)
	i, _ := slices.BinarySearchFunc(u.sizes, at, func(s sizeAt, at int64) int {
		return cmp.Compare(s.offset+int64(s.bytes)-1, at)
	})
	for ; i < len(u.sizes) && u.sizes[i].offset < at+int64(n); i++ {
		s := u.sizes[i]
		for k := range s.bytes {
			if x := s.offset + int64(k) - at; x >= 0 && x < int64(n) {
				p[x] = 0x80 // zero, and it goes on
				if k == s.bytes-1 {
					p[x] = 0
				}
			}
		}
	}
	return n, err
}

// unpackLZ4 unpacks what of a page is packed: in pages of version 2 the levels
// before it are not, and perhaps nothing is.
// It returns the bytes of it.
func unpackLZ4(header *format.PageHeader, packed, into []byte) (int, error) {
	levels := 0
	if header.DataPageHeaderV2.Valid {
		v2 := &header.DataPageHeaderV2.V
		if v2.IsCompressed.Valid && !v2.IsCompressed.V {
			return 0, nil
		}
		levels = int(v2.DefinitionLevelsByteLength) + int(v2.RepetitionLevelsByteLength)
	}
	if levels < 0 || levels > len(packed) || levels > len(into) {
		return 0, errors.New("a page is shorter than its levels")
	}
	n, err := lz4.UncompressBlock(packed[levels:], into[levels:])
	if err != nil {
		return 0, errors.New("a page cannot be unpacked: the file is damaged")
	}
	return n, nil
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// jump is a file in which a column's pages before one are left out, but for
// the dictionary where it is needed: the library, which reads a column from
// its start, begins there without unpacking what is before.
type jump struct {
	in         io.ReaderAt
	from, end  int64 // of the column in the file
	dict       int64 // bytes of the dictionary, at from; 0 leaves it out
	dictOffset int64
	page       int64 // offset of the first page
}

func (j *jump) ReadAt(p []byte, at int64) (n int, err error) {
	at -= j.from
	if at < j.dict {
		n, err = j.in.ReadAt(p[:min(int64(len(p)), j.dict-at)], j.dictOffset+at)
		if err != nil || n == len(p) {
			return n, err
		}
		at += int64(n)
	}
	at += j.page - j.dict
	rest := p[n:]
	if left := j.end - at; left < int64(len(rest)) {
		rest, err = rest[:max(0, left)], io.EOF
	}
	k, e := j.in.ReadAt(rest, at)
	return n + k, cmp.Or(e, err)
}

// pagesFrom opens the column at the page that holds a row, and says how many
// rows of that page come before it.
func (r *reader) pagesFrom(row int64) (parquet.Pages, int64, error) {
	file, ok := r.chunk.(*parquet.FileColumnChunk)
	switch {
	case !ok:
		return r.chunk.Pages(), 0, nil
	case row == 0:
		return file.PagesFrom(r.checked), 0, nil
	}
	if r.index == nil {
		if err := walkPages(r.in, r.meta, func(_ *format.PageHeader, p pageAt) error {
			r.index = append(r.index, p)
			return nil
		}); err != nil {
			return nil, 0, err
		}
	}
	j := &jump{in: r.checked}
	j.from, j.end = chunkRange(r.meta)
	for i := range r.index {
		p := &r.index[i]
		if row < p.rows {
			// A dictionary is the first page, if there is one.
			if first := &r.index[0]; first.rows == 0 && slices.ContainsFunc(r.index[i:], func(p pageAt) bool { return p.coded }) {
				j.dict, j.dictOffset = first.end()-first.offset, first.offset
			}
			j.page = p.offset
			return file.PagesFrom(j), row, nil
		}
		row -= p.rows
	}
	return nil, 0, errShort
}

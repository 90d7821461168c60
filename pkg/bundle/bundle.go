// Package bundle reads and writes .copse files: a header, a table of sections
// and the sections themselves, checksummed and aligned, so that a model is
// used where it lies, without parsing. docs/bundle-format.md is the format's
// document; what a section means is its reader's business.
//
// Question: why a format of our own? Choice: JSON of a forest takes tens of
// milliseconds to parse, and a cold start has a few in all; a file of flat
// arrays is checked in microseconds. What would change it: a standard
// container with aligned, checksummed sections and no code in it.
package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unsafe"
)

// Magic opens every bundle; its line end shows a transfer that changed text.
const Magic = "\x89COPSE\r\n"

// Major changes when an old reader must refuse a file, Minor when it need not.
const (
	Major = 1
	Minor = 0
)

const (
	headerSize  = 64
	entrySize   = 32
	align       = 64         // of each section: a cache line
	endianTag   = 0x01020304 // as a little-endian uint32
	maxSections = 2048
	// MaxSize bounds a file: offsets in compiled models are 32 bits wide.
	MaxSize = 4 << 30
)

// Kind says what a section holds. Numbers are part of the format: append only.
type Kind uint32

const (
	Info           Kind = 1  // record: provenance
	Schema         Kind = 2  // record: schema document
	Shape          Kind = 3  // uint32: sizes and kinds
	Columns        Kind = 4  // uint32
	Roots          Kind = 5  // uint32, one a tree
	Depths         Kind = 6  // uint32, one a tree
	Groups         Kind = 7  // uint32, one a tree
	Nodes32        Kind = 8  // 8 bytes a node: key, step
	Keys64         Kind = 9  // uint64, one a node
	Leaves32       Kind = 10 // float32
	Leaves64       Kind = 11 // float64
	LeafIDs        Kind = 12 // int32
	Base           Kind = 13 // float64, one an output
	SelfTestRows   Kind = 14 // float64, row-major
	SelfTestMargin Kind = 15 // float64, row-major
	SelfTestValues Kind = 16 // float64, row-major
	Steps32        Kind = 17 // uint32, one a node
	Steps64        Kind = 18 // uint64, one a node
	Finish         Kind = 19 // float64: scale, parameter, then the bias
	Masks32        Kind = 20 // uint32, one a node
	SetHeads       Kind = 21 // uint32, five a table
	SetWords       Kind = 22 // uint32
	SetCodes       Kind = 23 // uint32
	RecodeLists    Kind = 24 // uint32, two a recoded feature
	RecodeNumbers  Kind = 25 // float64
	RecodePlaces   Kind = 26 // uint32
	LinearStarts   Kind = 27 // uint32, one a leaf and one more
	LinearFeatures Kind = 28 // uint32
	LinearCoeffs   Kind = 29 // float64
	Program        Kind = 30 // record: the steps of a program
	ProgramData    Kind = 31 // float64: the numbers of its constants and steps
	Masks64        Kind = 40 // uint64, one a node
	Digest         Kind = 41 // 32 bytes: see File.Digest
	lastKind            = Digest
)

// partShift is where the number of a part stands in a kind.
const partShift = 16

// Part is the kind for part i of a model of several: 0 is the model itself.
func (k Kind) Part(i int) Kind { return k | Kind(i)<<partShift }

// known says whether this package has a name for the kind, in any part.
func (k Kind) known() bool {
	k &= 1<<partShift - 1
	return k > 0 && k <= lastKind
}

// Section is one part of a file. Element is the size of its elements in bytes.
type Section struct {
	Kind    Kind
	Element int
	// Optional sections may be skipped by a reader that does not know them.
	Optional bool
	Data     []byte
}

// flagOptional in a table entry marks a section that may be skipped.
const flagOptional = 1

// ErrNotBundle says that data does not start like a bundle.
var ErrNotBundle = errors.New("bundle: not a .copse file")

// Is says whether data starts like a bundle.
func Is(data []byte) bool {
	return len(data) >= len(Magic) && string(data[:len(Magic)]) == Magic
}

// Write lays out a file, with a section for its digest at the end. The same
// sections give the same bytes.
func Write(sections []Section) ([]byte, error) {
	sections = slices.DeleteFunc(slices.Clone(sections), func(s Section) bool { return s.Kind == Digest })
	sum := digest(sections)
	sections = append(sections, Section{Kind: Digest, Element: 1, Data: sum[:]})
	if len(sections) > maxSections {
		return nil, fmt.Errorf("bundle: %d sections, at most %d", len(sections), maxSections)
	}
	end := roundUp(headerSize + entrySize*len(sections))
	offsets := make([]int, len(sections))
	for i, s := range sections {
		if s.Element <= 0 || len(s.Data)%s.Element != 0 {
			return nil, fmt.Errorf("bundle: section %d is no multiple of its element", s.Kind)
		}
		offsets[i] = end
		end = roundUp(end + len(s.Data))
	}
	if uint64(end) > MaxSize {
		return nil, fmt.Errorf("bundle: %d bytes, at most %d", end, uint64(MaxSize))
	}
	out := make([]byte, end)
	for i, s := range sections {
		copy(out[offsets[i]:], s.Data)
		putEntry(out[headerSize+i*entrySize:], s, offsets[i], crc32.ChecksumIEEE(s.Data))
	}
	putHeader(out, len(sections))
	return out, nil
}

func roundUp(n int) int { return (n + align - 1) &^ (align - 1) }

func putEntry(b []byte, s Section, offset int, sum uint32) {
	le := binary.LittleEndian
	var flags uint16
	if s.Optional {
		flags = flagOptional
	}
	le.PutUint32(b[0:], uint32(s.Kind))
	le.PutUint16(b[4:], flags)
	le.PutUint16(b[6:], uint16(s.Element))
	le.PutUint64(b[8:], uint64(offset))
	le.PutUint64(b[16:], uint64(len(s.Data)))
	le.PutUint32(b[24:], sum)
}

func putHeader(b []byte, sections int) {
	le := binary.LittleEndian
	copy(b, Magic)
	le.PutUint16(b[8:], Major)
	le.PutUint16(b[10:], Minor)
	le.PutUint32(b[12:], endianTag)
	le.PutUint32(b[20:], uint32(sections))
	le.PutUint64(b[24:], uint64(len(b)))
	table := b[headerSize : headerSize+sections*entrySize]
	le.PutUint32(b[32:], crc32.ChecksumIEEE(table))
	le.PutUint32(b[36:], headerSum(b))
}

// headerSum is the checksum of the header with its own field as zero.
func headerSum(b []byte) uint32 {
	var h [headerSize]byte
	copy(h[:], b)
	clear(h[36:40])
	return crc32.ChecksumIEEE(h[:])
}

// File is an open bundle. It refers to the data it was opened on, which must
// not change.
type File struct {
	sections []Section // that are known
	all      []Section
}

// Open checks the header, the table and every checksum, once; afterwards a
// section's bytes can be trusted to be those that were written. It refuses
// required sections that it does not know.
func Open(data []byte) (*File, error) {
	if !Is(data) {
		return nil, ErrNotBundle
	}
	n, err := checkHeader(data)
	if err != nil {
		return nil, err
	}
	f := &File{sections: make([]Section, 0, n), all: make([]Section, 0, n)}
	last := headerSize + n*entrySize
	for i := range n {
		s, end, err := readEntry(data, i, last)
		if err != nil {
			return nil, err
		}
		last = end
		f.all = append(f.all, s)
		if !s.Kind.known() {
			if s.Optional {
				continue
			}
			return nil, fmt.Errorf("bundle: section %d has the unknown kind %d: a newer copse made this file", i, s.Kind)
		}
		if _, twice := f.Section(s.Kind); twice {
			return nil, fmt.Errorf("bundle: two sections of kind %d", s.Kind)
		}
		f.sections = append(f.sections, s)
	}
	return f, nil
}

func checkHeader(data []byte) (sections int, err error) {
	le := binary.LittleEndian
	switch {
	case len(data) < headerSize:
		return 0, errors.New("bundle: the file ends in its header")
	case le.Uint16(data[8:]) != Major:
		return 0, fmt.Errorf("bundle: format version %d, this copse reads %d: compile the model again", le.Uint16(data[8:]), Major)
	case le.Uint32(data[12:]) != endianTag || !littleEndian():
		return 0, errors.New("bundle: byte order of another kind of machine")
	case le.Uint32(data[36:]) != headerSum(data):
		return 0, errors.New("bundle: the header's checksum is wrong: the file is damaged")
	case le.Uint64(data[24:]) != uint64(len(data)):
		return 0, fmt.Errorf("bundle: the file has %d bytes, its header says %d: it was cut or added to", len(data), le.Uint64(data[24:]))
	}
	n := le.Uint32(data[20:])
	if n > maxSections || headerSize+int(n)*entrySize > len(data) {
		return 0, errors.New("bundle: the section table does not fit the file")
	}
	table := data[headerSize : headerSize+int(n)*entrySize]
	if le.Uint32(data[32:]) != crc32.ChecksumIEEE(table) {
		return 0, errors.New("bundle: the section table's checksum is wrong: the file is damaged")
	}
	return int(n), nil
}

// readEntry reads entry i; sections stand in order and never overlap.
func readEntry(data []byte, i, last int) (s Section, end int, err error) {
	le := binary.LittleEndian
	b := data[headerSize+i*entrySize:]
	offset, length := le.Uint64(b[8:]), le.Uint64(b[16:])
	s = Section{
		Kind:     Kind(le.Uint32(b)),
		Element:  int(le.Uint16(b[6:])),
		Optional: le.Uint16(b[4:])&flagOptional != 0,
	}
	size := uint64(len(data))
	if offset%align != 0 || offset < uint64(last) || offset > size || length > size-offset {
		return s, 0, fmt.Errorf("bundle: section %d lies outside the file", i)
	}
	if s.Element == 0 || length%uint64(s.Element) != 0 {
		return s, 0, fmt.Errorf("bundle: section %d is no multiple of its element", i)
	}
	end = int(offset + length)
	s.Data = data[offset:end:end]
	if crc32.ChecksumIEEE(s.Data) != le.Uint32(b[24:]) {
		return s, 0, fmt.Errorf("bundle: section %d's checksum is wrong: the file is damaged", i)
	}
	return s, end, nil
}

func littleEndian() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}

// Section returns the bytes of a kind.
func (f *File) Section(k Kind) ([]byte, bool) {
	for i := range f.sections {
		if f.sections[i].Kind == k {
			return f.sections[i].Data, true
		}
	}
	return nil, false
}

// Sections lists what the file holds, in order. It is shared.
func (f *File) Sections() []Section { return f.sections }

// Digest is "sha256:" and the digest that the file says it has: the SHA-256 of
// all sections but the one that holds it. Open does not compute it, which would
// take several times as long as all other checks; the checksums find damage, and
// who takes files from strangers compares CheckDigest.
func (f *File) Digest() string {
	sum, ok := f.Section(Digest)
	if !ok || len(sum) != sha256.Size {
		computed := digest(f.all)
		sum = computed[:]
	}
	return "sha256:" + hex.EncodeToString(sum)
}

// CheckDigest computes the digest, and fails where the file says another one.
func (f *File) CheckDigest() error {
	sum := digest(f.all)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != f.Digest() {
		return fmt.Errorf("bundle: the digest of the sections is %s, the file says %s: it was not written by copse", got, f.Digest())
	}
	return nil
}

// digest hashes kinds, forms and bytes of sections, the digest's own left out.
func digest(sections []Section) [sha256.Size]byte {
	h := sha256.New()
	for _, s := range sections {
		if s.Kind == Digest {
			continue
		}
		var head [entrySize]byte
		putEntry(head[:], s, 0, 0)
		h.Write(head[:])
		h.Write(s.Data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Plain are the element types of sections: fixed size, no pointers, every bit
// pattern valid.
type Plain interface {
	~uint32 | ~int32 | ~uint64 | ~float32 | ~float64 | ~struct{ Key, Step uint32 }
}

// View returns a section as a slice of T, in place where the data is aligned
// for T and as a copy where it is not (go:embed promises no alignment). A
// section that the file lacks is empty.
func View[T Plain](f *File, k Kind) ([]T, error) {
	for i := range f.sections {
		if s := &f.sections[i]; s.Kind == k {
			return view[T](s)
		}
	}
	return nil, nil
}

func view[T Plain](s *Section) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if s.Element != size {
		return nil, fmt.Errorf("bundle: elements of section kind %d have %d bytes, want %d", s.Kind, s.Element, size)
	}
	n := len(s.Data) / size
	if n == 0 {
		return nil, nil
	}
	p := unsafe.Pointer(unsafe.SliceData(s.Data))
	if uintptr(p)%unsafe.Alignof(zero) == 0 {
		return unsafe.Slice((*T)(p), n), nil
	}
	out := make([]T, n)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), n*size), s.Data)
	return out, nil
}

// Of makes a section of a slice, whose memory it shares.
func Of[T Plain](k Kind, values []T) Section {
	var zero T
	size := int(unsafe.Sizeof(zero))
	s := Section{Kind: k, Element: size}
	if len(values) > 0 {
		s.Data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*size)
	}
	return s
}

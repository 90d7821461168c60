package mutation_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// mutate breaks data in one to three seeded ways. other is a second file of the
// same format, to take parts of. data is not changed.
func mutate(rng *rand.Rand, data, other []byte) []byte {
	out := slices.Clone(data)
	ways := ways()
	for range 1 + rng.IntN(8)/6 + rng.IntN(16)/15 {
		out = ways[rng.IntN(len(ways))](rng, out, other)
		if len(out) == 0 {
			break
		}
	}
	return out
}

// way breaks data, which it may change, and which is not empty.
type way func(rng *rand.Rand, data, other []byte) []byte

// ways has the ones most often that leave the rest of a file readable.
func ways() []way {
	return []way{
		flipBits, setByte, truncate, remove, duplicate, move, splice,
		editNumber, editNumber, editNumber, swapNumbers,
		editInteger, editInteger, swapChunks, swapLines, removeLine, duplicateLine,
		swapLists, removeElement, duplicateElement, nest, editKind,
	}
}

func flipBits(rng *rand.Rand, data, _ []byte) []byte {
	for range 1 + rng.IntN(4) {
		data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
	}
	return data
}

func setByte(rng *rand.Rand, data, _ []byte) []byte {
	hostile := []byte("\x00\x01\x7f\x80\xff\"\\[]{},:-.eN=\n ")
	data[rng.IntN(len(data))] = hostile[rng.IntN(len(hostile))]
	return data
}

func truncate(rng *rand.Rand, data, _ []byte) []byte { return data[:rng.IntN(len(data))] }

// chunk is a range of data, mostly a short one.
func chunk(rng *rand.Rand, data []byte) (from, to int) {
	from = rng.IntN(len(data))
	most := len(data) - from
	if rng.IntN(4) > 0 {
		most = min(most, 64)
	}
	return from, from + 1 + rng.IntN(most)
}

func remove(rng *rand.Rand, data, _ []byte) []byte {
	from, to := chunk(rng, data)
	return slices.Delete(data, from, to)
}

func duplicate(rng *rand.Rand, data, _ []byte) []byte {
	from, to := chunk(rng, data)
	return slices.Insert(data, to, slices.Clone(data[from:to])...)
}

// move copies a chunk over another place.
func move(rng *rand.Rand, data, _ []byte) []byte {
	from, to := chunk(rng, data)
	copy(data[rng.IntN(len(data)):], slices.Clone(data[from:to]))
	return data
}

// splice continues with the other file somewhere.
func splice(rng *rand.Rand, data, other []byte) []byte {
	if len(other) == 0 {
		return data
	}
	at := rng.IntN(len(data))
	return append(data[:at:at], other[min(at, rng.IntN(len(other))):]...)
}

func swapChunks(rng *rand.Rand, data, _ []byte) []byte {
	n := 1 + rng.IntN(min(32, len(data)))
	a, b := rng.IntN(len(data)-n+1), rng.IntN(len(data)-n+1)
	for i := range n {
		data[a+i], data[b+i] = data[b+i], data[a+i]
	}
	return data
}

func isNumber(b byte) bool { return b >= '0' && b <= '9' || b == '-' || b == '.' }

// number finds the text of a number near a random place.
func number(rng *rand.Rand, data []byte) (from, to int) {
	from = rng.IntN(len(data))
	for from < len(data) && !isNumber(data[from]) {
		from++
	}
	for from > 0 && from < len(data) && isNumber(data[from-1]) {
		from--
	}
	for to = from; to < len(data) && isNumber(data[to]); to++ {
	}
	return from, to
}

// editNumber puts a hostile number in the place of one.
func editNumber(rng *rand.Rand, data, _ []byte) []byte {
	hostile := [...]string{"-1", "0", "1", "2", "3", "7", "255", "65536", "-2147483648", "2147483647", "4294967296", "9223372036854775807",
		"1000000000", "99999999999999999999", "1e9", "1e38", "3.5e38", "1e308", "1e999", "-1e999", "1e-45", "5e-324", "0.1", "-0", "NaN", "nan", "inf", "null", "true", "\"0\"", ""}
	from, to := number(rng, data)
	return slices.Replace(data, from, to, []byte(hostile[rng.IntN(len(hostile))])...)
}

func swapNumbers(rng *rand.Rand, data, _ []byte) []byte {
	a, b := number(rng, data)
	c, d := number(rng, data)
	return swapRanges(data, a, b, c, d)
}

// swapRanges swaps two ranges, unless they overlap.
func swapRanges(data []byte, a, b, c, d int) []byte {
	if c < a {
		a, b, c, d = c, d, a, b
	}
	if b > c {
		return data
	}
	return slices.Concat(data[:a], data[c:d], data[b:c], data[a:b], data[d:])
}

// editInteger writes a hostile integer of 1 to 8 bytes in either order, or a
// protobuf's varint.
func editInteger(rng *rand.Rand, data, _ []byte) []byte {
	hostile := [...]uint64{0, 1, 2, 3, 127, 128, 255, 256, 65535, math.MaxInt32, math.MaxUint32, 1 << 31, 1 << 40, math.MaxInt64, math.MaxUint64, 1 << 63,
		uint64(math.Float32bits(float32(math.NaN()))), uint64(math.Float32bits(float32(math.Inf(1)))), math.Float64bits(math.NaN()), math.Float64bits(math.Inf(-1))}
	v := hostile[rng.IntN(len(hostile))]
	var b [binary.MaxVarintLen64]byte
	n := 1 << rng.IntN(4)
	switch rng.IntN(3) {
	case 0:
		binary.LittleEndian.PutUint64(b[:], v)
	case 1:
		binary.BigEndian.PutUint64(b[:], v)
		copy(b[:], b[8-n:8])
	default:
		n = binary.PutUvarint(b[:], v)
	}
	copy(data[rng.IntN(len(data)):], b[:n])
	return data
}

// line is a line with its end.
func line(rng *rand.Rand, data []byte) (from, to int) {
	at := rng.IntN(len(data))
	from = bytes.LastIndexByte(data[:at], '\n') + 1
	to = len(data)
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		to = at + n + 1
	}
	return from, to
}

func swapLines(rng *rand.Rand, data, _ []byte) []byte {
	a, b := line(rng, data)
	c, d := line(rng, data)
	return swapRanges(data, a, b, c, d)
}

func removeLine(rng *rand.Rand, data, _ []byte) []byte {
	from, to := line(rng, data)
	return slices.Delete(data, from, to)
}

func duplicateLine(rng *rand.Rand, data, _ []byte) []byte {
	from, to := line(rng, data)
	return slices.Insert(data, to, slices.Clone(data[from:to])...)
}

// list is the inside of [] without [ in it.
func list(rng *rand.Rand, data []byte) (from, to int) {
	at := rng.IntN(len(data))
	end := bytes.IndexByte(data[at:], ']')
	if end < 0 {
		return 0, 0
	}
	to = at + end
	return bytes.LastIndexByte(data[:to], '[') + 1, to
}

func swapLists(rng *rand.Rand, data, _ []byte) []byte {
	a, b := list(rng, data)
	c, d := list(rng, data)
	return swapRanges(data, a, b, c, d)
}

// element is what stands between two separators, with the second one.
func element(rng *rand.Rand, data []byte) (from, to int) {
	const separators = ", \t"
	at := rng.IntN(len(data))
	from = bytes.LastIndexAny(data[:at], separators) + 1
	to = len(data)
	if n := bytes.IndexAny(data[at:], separators); n >= 0 {
		to = at + n + 1
	}
	return from, to
}

func removeElement(rng *rand.Rand, data, _ []byte) []byte {
	from, to := element(rng, data)
	return slices.Delete(data, from, to)
}

func duplicateElement(rng *rand.Rand, data, _ []byte) []byte {
	from, to := element(rng, data)
	if to-from > 1<<10 {
		return data
	}
	return slices.Insert(data, to, bytes.Repeat(data[from:to], 1+rng.IntN(64))...)
}

// nest opens many brackets.
func nest(rng *rand.Rand, data, _ []byte) []byte {
	if rng.IntN(8) > 0 {
		return editKind(rng, data, nil)
	}
	open := [...]string{"[", "{", `{"a":`, `{"left":`, "[[", "\x0a\x02"}
	at := rng.IntN(len(data))
	return slices.Insert(data, at, bytes.Repeat([]byte(open[rng.IntN(len(open))]), 1<<rng.IntN(14))...)
}

// editKind changes a bracket or a quote, so that a value has another type.
func editKind(rng *rand.Rand, data, _ []byte) []byte {
	const marks = `[]{}":,=$#`
	at := rng.IntN(len(data))
	if n := bytes.IndexAny(data[at:], marks); n >= 0 {
		data[at+n] = marks[rng.IntN(len(marks))]
	}
	return data
}

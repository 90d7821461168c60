package wire

import "encoding/binary"

// repeats remembers where the rows of a body stand, so that a row which is
// written exactly as an earlier one is not read again: its values are copied.
// Equal text means equal values; what is written otherwise is read, and found
// to be equal later, or not.
//
// A slot holds the last row whose first bytes fell into it. What decides is the
// whole text, compared byte for byte.
type repeats struct {
	slots       []repeat // repeatSlots, made for the first body that has use for them
	on          bool
	tries, hits int
}

type repeat struct{ at, end, row int32 }

const (
	repeatBits  = 12
	repeatSlots = 1 << repeatBits
	// repeatHead is how many bytes of a row choose its slot.
	repeatHead = 64
	// repeatFeatures is the width from which a row is dear enough to read.
	repeatFeatures = 8
	// repeatBody is the size of a body from which forgetting the last body's
	// rows is cheap beside reading this one.
	repeatBody = 1 << 16
	// After repeatTrial rows without a hit in repeatWorth of them, a body is
	// taken to have no equal rows.
	repeatTrial = 4096
	repeatWorth = 16
)

// begin forgets the rows of the last body.
func (s *repeats) begin(body []byte, features int) {
	s.on = features >= repeatFeatures && len(body) >= repeatBody
	if !s.on {
		return
	}
	s.tries, s.hits = 0, 0
	if s.slots == nil {
		s.slots = make([]repeat, repeatSlots)
		return
	}
	clear(s.slots)
}

// find returns an earlier row that stands at p again, and where it ends there;
// or the slot in which the row at p should be kept, or nil for none.
func (s *repeats) find(b []byte, p int) (row, end int, slot *repeat) {
	if !s.on || len(b)-p < repeatHead {
		return 0, 0, nil
	}
	if s.tries++; s.tries%repeatTrial == 0 && s.hits*repeatWorth < s.tries {
		s.on = false
		return 0, 0, nil
	}
	slot = &s.slots[headHash((*[repeatHead]byte)(b[p:]))>>(64-repeatBits)]
	n := int(slot.end - slot.at)
	if n == 0 || n > len(b)-p || string(b[slot.at:slot.end]) != string(b[p:p+n]) {
		return 0, 0, slot
	}
	s.hits++
	return int(slot.row), p + n, nil
}

// headHash mixes the first bytes of a row; who chooses them can only make
// rows be read that need not be.
func headHash(b *[repeatHead]byte) (h uint64) {
	const odd = 0x9e3779b97f4a7c15
	for i := 0; i < repeatHead; i += 8 {
		h += (binary.LittleEndian.Uint64(b[i:]) ^ uint64(i)) * (odd + uint64(i)<<8)
	}
	return (h ^ h>>29) * odd
}

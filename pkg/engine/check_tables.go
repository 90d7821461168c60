package engine

import (
	"math"
)

// checkTables judges what sets, recoded features and linear leaves look up.
func checkTables(a *Arrays) error {
	if err := checkSets(a); err != nil {
		return err
	}
	if err := checkRecode(a); err != nil {
		return err
	}
	return checkLinear(a)
}

// checkSets demands a table for every column of sets, and one kind of column a
// table.
func checkSets(a *Arrays) error {
	if len(a.SetHeads)%setHead != 0 {
		return bad("SetHeads", -1, "has %d elements, want %d a table", len(a.SetHeads), setHead)
	}
	columns := a.Columns[len(a.Columns)-setColumns(a.Columns):]
	pieces := uint64(setBits(a.Compare) / pieceBits)
	for i := 0; i < len(a.SetHeads); i += setHead {
		head := a.SetHeads[i:][:setHead]
		wide, at, rows, list := uint64(head[0]), uint64(head[1]), uint64(head[2]), uint64(head[4])
		if wide == 0 || wide > uint64(len(columns)) || columns[0] != columns[wide-1] {
			return bad("SetHeads", i, "is %d columns of one kind, there are %d columns left", wide, len(columns))
		}
		columns = columns[wide:]
		if rows > uint64(len(a.SetWords)) || at+(rows+2)*wide*pieces > uint64(len(a.SetWords)) {
			return bad("SetHeads", i+1, "has %d rows of %d words from %d on, of %d", rows+2, wide*pieces, at, len(a.SetWords))
		}
		if list == 0 {
			continue
		}
		if list-1+rows > uint64(len(a.SetCodes)) {
			return bad("SetHeads", i+4, "has %d codes from %d on, of %d", rows, list-1, len(a.SetCodes))
		}
		if k := descent(a.SetCodes[list-1:][:rows]); k >= 0 {
			return bad("SetCodes", int(list)-1+k, "does not ascend")
		}
	}
	if len(columns) > 0 {
		return bad("SetHeads", -1, "leaves %d columns of sets without a table", len(columns))
	}
	return nil
}

// descent is the first element that is not above the one before it, or -1.
func descent[T uint32 | float64](list []T) int {
	for i := 1; i < len(list); i++ {
		if !(list[i-1] < list[i]) {
			return i
		}
	}
	return -1
}

func checkRecode(a *Arrays) error {
	if len(a.RecodeLists)%2 != 0 {
		return bad("RecodeLists", -1, "has %d elements, want two a feature", len(a.RecodeLists))
	}
	at := uint64(0)
	for i := 0; i < len(a.RecodeLists); i += 2 {
		f, n := a.RecodeLists[i], uint64(a.RecodeLists[i+1])
		if int64(f) >= int64(a.Features) || i > 0 && f <= a.RecodeLists[i-2] {
			return bad("RecodeLists", i, "is feature %d of %d, or does not ascend", f, a.Features)
		}
		if at+n > uint64(len(a.RecodeNumbers)) {
			return bad("RecodeLists", i+1, "is %d numbers, %d are left", n, uint64(len(a.RecodeNumbers))-at)
		}
		numbers := a.RecodeNumbers[at:][:n]
		if k := descent(numbers); k >= 0 || n == 1 && math.IsNaN(numbers[0]) {
			return bad("RecodeNumbers", int(at)+max(0, k), "does not ascend")
		}
		at += n
	}
	if at != uint64(len(a.RecodeNumbers)) {
		return bad("RecodeNumbers", -1, "has %d elements, its lists %d", len(a.RecodeNumbers), at)
	}
	return nil
}

func checkLinear(a *Arrays) error {
	if len(a.LinearStarts) == 0 {
		if len(a.LinearCoeffs) > 0 {
			return bad("LinearCoeffs", -1, "has %d terms of no leaf", len(a.LinearCoeffs))
		}
		return nil
	}
	if a.LeafWidth != 1 || a.Aggregate != 0 {
		return bad("LinearStarts", -1, "has linear leaves that are vectors, or not summed")
	}
	last := uint32(0)
	for i, start := range a.LinearStarts {
		if start < last || i == 0 && start != 0 {
			return bad("LinearStarts", i, "does not ascend")
		}
		last = start
	}
	if int64(last) != int64(len(a.LinearCoeffs)) {
		return bad("LinearStarts", -1, "ends at term %d of %d", last, len(a.LinearCoeffs))
	}
	for i, f := range a.LinearFeatures {
		if int64(f) >= int64(a.Features) {
			return bad("LinearFeatures", i, "is feature %d of %d", f, a.Features)
		}
	}
	for i, c := range a.LinearCoeffs {
		if c != a.Sum.Round(c) || !finite(c) {
			return bad("LinearCoeffs", i, "is not finite, or of another precision")
		}
	}
	return nil
}

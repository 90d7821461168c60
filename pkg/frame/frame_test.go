package frame

import (
	"testing"

	"example.com/copse/pkg/fault"
)

func TestFrame(t *testing.T) {
	var f Frame
	f.Reset(3)
	for r := range 100 {
		for c, row := 0, f.Append(); c < 3; c++ {
			row[c] = float64(10*r + c)
		}
	}
	if f.Rows != 100 || len(f.Values) != 300 || f.Row(42)[2] != 422 {
		t.Errorf("got %d rows, %d values, %v", f.Rows, len(f.Values), f.Row(42))
	}
	f.Fail(fault.Error{Code: fault.Missing, Row: 7})
	if !f.Bad[7] || f.Bad[6] || len(f.Faults) != 1 {
		t.Error("Fail marks the wrong row")
	}
	f.Reset(2)
	if f.Rows != 0 || len(f.Values)+len(f.Bad)+len(f.Faults) != 0 || len(f.Append()) != 2 {
		t.Error("Reset leaves something")
	}
}

// TestRowsCannotReachOverTheirEnd: a row's slice ends with the row, so that an
// append to it never writes into the next one.
func TestRowsCannotReachOverTheirEnd(t *testing.T) {
	var f Frame
	f.Reset(2)
	first := f.Append()
	f.Append()
	if cap(first) != 2 || cap(f.Row(0)) != 2 {
		t.Errorf("capacities %d and %d, want 2", cap(first), cap(f.Row(0)))
	}
}

func TestReuseDoesNotAllocate(t *testing.T) {
	var f Frame
	fill := func() {
		f.Reset(4)
		for range 1000 {
			clear(f.Append())
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnswers(t *testing.T) {
	a := Answers{Outputs: 2, Values: []float64{1, 2, 3, 4}, Index: []int32{1, Bad, 0, 1}}
	if a.Distinct() != 2 || a.Value(1)[0] != 3 {
		t.Errorf("got %d, %v", a.Distinct(), a.Value(1))
	}
	if (&Answers{}).Distinct() != 0 {
		t.Error("no outputs: something is distinct")
	}
}

// TestFaultsAreBounded: beyond the bound each row keeps its first fault, and
// the others are counted.
func TestFaultsAreBounded(t *testing.T) {
	var f Frame
	f.Reset(1)
	const rows = MaxFaults
	for range rows {
		f.Append()
	}
	for r := range rows {
		for range 3 {
			f.Fail(fault.Error{Code: fault.Missing, Row: r})
		}
	}
	// A third of the rows keep all three, the rest one each.
	const full = MaxFaults / 3
	if want := 3*full + 1 + rows - full - 1; len(f.Faults) < rows || len(f.Faults) > want+2 {
		t.Errorf("got %d faults of %d rows, want about %d", len(f.Faults), rows, want)
	}
	if got := len(f.Faults) + f.Dropped; got != 3*rows {
		t.Errorf("%d kept and dropped, want %d", got, 3*rows)
	}
	for r, bad := range f.Bad {
		if !bad {
			t.Fatalf("row %d is not bad", r)
		}
	}
	f.Reset(1)
	if f.Dropped != 0 {
		t.Error("Reset keeps the count")
	}
}

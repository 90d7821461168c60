package objectscore

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestBoundMemory: the goal holds while objects are worked on, one or several,
// and is beside what is held already.
func TestBoundMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	held := make([]byte, 64<<20)
	small := boundMemory(smallObject - 1)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("a small object: the goal is %d", got)
	}
	small()
	first, second := boundMemory(smallObject), boundMemory(1<<40)
	want := int64(memoryGoal + len(held))
	for _, done := range []func(){first, second} {
		if got := debug.SetMemoryLimit(-1); got < want || got > want+32<<20 {
			t.Errorf("the goal is %d, want %d and some", got, want)
		}
		done()
	}
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the goal is left at %d", got)
	}
	held[0] = 1
	t.Setenv("GOMEMLIMIT", "1GiB")
	boundMemory(1 << 40)()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("with GOMEMLIMIT: the goal is %d", got)
	}
}

package serve

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	LimitMemory([]string{"GOMEMLIMIT=1GiB"})
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("with GOMEMLIMIT: got %d", got)
	}
	model := make([]byte, 64<<20)
	LimitMemory(nil)
	if got := debug.SetMemoryLimit(-1); got < WorkMemory+int64(len(model)) || got > WorkMemory+int64(len(model))+64<<20 {
		t.Errorf("got %d", got)
	}
	model[0] = 1
}

package objectscore

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

const (
	// memoryGoal is what the work on objects should hold at most beside what is
	// held already, in bytes. It needs some 60 MiB: what is read ahead, the parts
	// of the result under way, blocks, columns that are being decoded. With the
	// program itself that stays under 128 MB.
	memoryGoal = 80 << 20
	// smallObject is the size below which an object does not need so much.
	smallObject = 4 << 20
)

// bound is the collector's goal while objects are worked on. The goal is the
// process's, and so is this.
var bound struct {
	sync.Mutex
	users  int
	before int64
}

// boundMemory tells the collector the goal while an object of so many bytes is
// worked on, unless GOMEMLIMIT says another: else twice as much as is held
// might wait to be collected. What is held already (models above all) is told
// by a collection, which costs a millisecond, where the work takes many. The
// function that it returns takes the goal back, when no object is left.
func boundMemory(size int64) func() {
	if size < smallObject || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	bound.Lock()
	defer bound.Unlock()
	if bound.users++; bound.users == 1 {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		bound.before = debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(min(int64(now.HeapAlloc)+memoryGoal, bound.before)) //nolint:gosec // a heap has less than 2⁶³ bytes
	}
	return func() {
		bound.Lock()
		defer bound.Unlock()
		if bound.users--; bound.users == 0 {
			debug.SetMemoryLimit(bound.before)
		}
	}
}

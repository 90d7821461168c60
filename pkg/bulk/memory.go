package bulk

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// bound is the collector's goal while files are scored. The goal is the
// process's, and so is this.
var bound struct {
	sync.Mutex
	users  int
	before int64
}

// BoundMemory tells the collector that so many bytes are the most that the work
// should hold beside what is held already, unless GOMEMLIMIT says another limit:
// else twice as much as is held might wait to be collected. What is held already
// (models above all) is told by a collection, which costs a millisecond, where
// the work takes many. Of several at once the first one's goal counts. The
// function that it returns takes the goal back, when none is left.
func BoundMemory(goal int64) func() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	bound.Lock()
	defer bound.Unlock()
	if bound.users++; bound.users == 1 {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		bound.before = debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(min(int64(now.HeapAlloc)+goal, bound.before)) //nolint:gosec // a heap has less than 2⁶³ bytes
	}
	return func() {
		bound.Lock()
		defer bound.Unlock()
		if bound.users--; bound.users == 0 {
			debug.SetMemoryLimit(bound.before)
		}
	}
}

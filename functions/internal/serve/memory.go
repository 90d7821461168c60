package serve

import (
	"runtime"
	"runtime/debug"
)

// WorkMemory is what a server may hold beside its models before the collector
// works harder: with what the runtime needs, it stays under 300 MB. What
// requests hold is bounded by the settings; this bounds what has not been
// collected yet.
const WorkMemory = 220 << 20

// LimitMemory sets the collector's limit once the models are loaded, so that a
// large one does not use it up. GOMEMLIMIT in the environment replaces it.
func LimitMemory(environ []string) {
	if Lookup(environ, "GOMEMLIMIT") != "" {
		return
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.HeapAlloc) + WorkMemory) //nolint:gosec // a heap has less than 2⁶³ bytes
}

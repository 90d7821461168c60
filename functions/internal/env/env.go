// Package env reads what a process is told by its environment, in the form of
// os.Environ, wherever it runs.
package env

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Lookup is a variable's value, "" if it is not there. Of several the last one
// counts.
func Lookup(environ []string, name string) string {
	value := ""
	for _, entry := range environ {
		if n, v, ok := strings.Cut(entry, "="); ok && n == name {
			value = v
		}
	}
	return value
}

// LimitMemory sets the collector's limit: work is what may be held, in bytes,
// beside what is held now. Called once the models are loaded, a large one does
// not use it up. GOMEMLIMIT in the environment replaces it.
func LimitMemory(environ []string, work int64) {
	if Lookup(environ, "GOMEMLIMIT") != "" {
		return
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.HeapAlloc) + work) //nolint:gosec // a heap has less than 2⁶³ bytes
}

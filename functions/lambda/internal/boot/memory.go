package boot

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// workMemory is what work on events may hold beside the models before the
// collector works harder, in bytes. An object of any size needs some 60 MB at a
// time; without a bound the heap grows to twice that.
const workMemory = 100 << 20

// limitMemory sets the collector's limit once the models are loaded, so that a
// large one does not use it up. A function with more memory has more processors
// and more in work, and may use more. GOMEMLIMIT in the environment replaces it;
// elsewhere than on the platform there is none.
func limitMemory(environ []string) {
	size := 0 // of the function, in MB
	for _, setting := range environ {
		switch name, value, _ := strings.Cut(setting, "="); name {
		case "GOMEMLIMIT":
			if value != "" {
				return
			}
		case "AWS_LAMBDA_FUNCTION_MEMORY_SIZE":
			size, _ = strconv.Atoi(value) // 0 where it is no number
		}
	}
	if size <= 0 {
		return
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.HeapAlloc) + max(workMemory, int64(size)<<20*3/8)) //nolint:gosec // a heap has less than 2⁶³ bytes
}

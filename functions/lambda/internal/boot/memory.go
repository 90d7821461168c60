package boot

import (
	"strconv"

	"example.com/copse/functions/internal/env"
)

// workMemory is what work on events may hold beside the models before the
// collector works harder, in bytes. An object of any size needs some 60 MB at a
// time; without a bound the heap grows to twice that.
const workMemory = 100 << 20

// limitMemory sets the collector's limit once the models are loaded. A function
// with more memory has more processors and more in work, and may use more.
// Elsewhere than on the platform there is no limit.
func limitMemory(environ []string) {
	size, err := strconv.Atoi(env.Lookup(environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE")) // in MB
	if err != nil || size <= 0 {
		return
	}
	env.LimitMemory(environ, max(workMemory, int64(size)<<20*3/8))
}

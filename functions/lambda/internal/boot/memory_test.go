package boot

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		environ []string
		least   int64 // 0: no limit
	}{
		{nil, 0},
		{[]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=x"}, 0},
		{[]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "GOMEMLIMIT=1GiB"}, 0}, // the runtime has read it
		{[]string{"GOMEMLIMIT=", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"}, workMemory},
		{[]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256"}, workMemory},
		{[]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024"}, 384 << 20},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		limitMemory(c.environ)
		got := debug.SetMemoryLimit(-1)
		if c.least == 0 && got != math.MaxInt64 || c.least > 0 && (got < c.least || got > c.least+64<<20) {
			t.Errorf("%v: got %d, want %d and the heap", c.environ, got, c.least)
		}
	}
}

package figures

import (
	"strconv"
	"strings"
)

// Measurements are the values of every "NAME unit" in the output of go test,
// one of each repetition. NAME is without "Benchmark" and the number of
// processors.
type Measurements map[string][]float64

// Benchmarks reads the output of go test -bench.
func Benchmarks(out string) Measurements {
	values := make(Measurements)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			name = name[:i]
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				key := name + " " + fields[i+1]
				values[key] = append(values[key], value)
			}
		}
	}
	return values
}

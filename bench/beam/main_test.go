package main

import (
	"testing"

	"example.com/copse/bench/internal/figures"
)

const output = `goos: linux
BenchmarkFile/copse-score-2     1   50.0 MB/s   200000 rows/s
BenchmarkFile/copse-score-2     1   60.0 MB/s   240000 rows/s
BenchmarkFile/prism-ranges-1-2  1   45.0 MB/s   180000 rows/s
BenchmarkFile/prism-ranges-7-2  1   30.0 MB/s   120000 rows/s
BenchmarkRows-2                 1   27000 rows/s
PASS
`

func TestTable(t *testing.T) {
	rows, err := table(figures.Benchmarks(output))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range rows {
		got = append(got, f.Value+" "+f.Ratio)
	}
	want := []string{"240 thousand rows/s, 60 MB/s 1.00 ×", "180 thousand rows/s, 45 MB/s 0.75 ×", "120 thousand rows/s, 30 MB/s 0.50 ×", "27 thousand rows/s "}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: got %q, want %q", ways[i].what, got[i], want[i])
		}
	}
	if _, err := table(figures.Benchmarks("PASS")); err == nil {
		t.Error("benchmarks that did not run: got no error")
	}
}

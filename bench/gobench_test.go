package main

import (
	"regexp"
	"strings"
	"testing"
)

const output = `goos: linux
BenchmarkScore/float32/1-2   65932   3043 ns/op   30.43 ns/row/tree   0 B/op   0 allocs/op
BenchmarkScore/float32/1-2   65932   3000 ns/op   20.5 ns/row/tree   0 B/op   0 allocs/op
BenchmarkScore/float32/reference-2   100   35565 ns/op   205 ns/row/tree   0 B/op   0 allocs/op
PASS
`

func TestFigure(t *testing.T) {
	q := quantity{"scoring", "./pkg/engine", "Score/float32/1", "ns/row/tree", 1, "%.1f ns", 20, "Score/float32/reference"}
	got, err := q.figure(parse(output))
	if err != nil {
		t.Fatal(err)
	}
	if got.Value != "20.5 ns" || got.Control != "205.0 ns" || got.Ratio != "10.0 ×" || got.Target != "at most 20.0 ns" || got.Met {
		t.Errorf("got %+v", got)
	}
	q.limit = 20.5
	if got, err := q.figure(parse(output)); err != nil || !got.Met {
		t.Errorf("at its limit: got %+v, %v", got, err)
	}
	q.benchmark = "Score/float32/2"
	if _, err := q.figure(parse(output)); err == nil {
		t.Error("a benchmark that did not run: got no error")
	}
	q.benchmark, q.control = "Score/float32/1", "Score/none"
	if _, err := q.figure(parse(output)); err == nil {
		t.Error("a control that did not run: got no error")
	}
}

// TestPattern: every level of the pattern matches that level of every name.
func TestPattern(t *testing.T) {
	names := []string{"Predict/http-api-v2", "Adapter/http-api-v2.json", "Distinct"}
	levels := strings.Split(pattern(names), "/")
	for _, name := range names {
		for i, part := range strings.Split("Benchmark"+name, "/") {
			if !regexp.MustCompile(levels[i]).MatchString(part) {
				t.Errorf("%s does not match %s", part, levels[i])
			}
		}
	}
	if regexp.MustCompile(levels[0]).MatchString("BenchmarkPredicted") {
		t.Error("the pattern matches the beginning of a longer name")
	}
}

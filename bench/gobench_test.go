package main

import (
	"strings"
	"testing"

	"example.com/copse/bench/internal/figures"
)

const output = `goos: linux
BenchmarkScore/float32/1-2   65932   3043 ns/op   30.43 ns/row/tree   0 B/op   0 allocs/op
BenchmarkScore/float32/1-2   65932   3000 ns/op   20.5 ns/row/tree   0 B/op   0 allocs/op
BenchmarkScore/float32/reference-2   100   35565 ns/op   205 ns/row/tree   0 B/op   0 allocs/op
PASS
`

func TestFigure(t *testing.T) {
	q := quantity{"scoring", "./pkg/engine", "Score/float32/1", "ns/row/tree", 1, "%.1f ns", atMost(20), "Score/float32/reference"}
	got, err := q.figure(figures.Benchmarks(output))
	if err != nil {
		t.Fatal(err)
	}
	if got.Value != "20.5 ns" || got.Control != "205.0 ns" || got.Ratio != "10.0 ×" || got.Target != "at most 20.0 ns" || got.Met {
		t.Errorf("got %+v", got)
	}
	q.goal = atMost(20.5)
	if got, err := q.figure(figures.Benchmarks(output)); err != nil || !got.Met {
		t.Errorf("at its limit: got %+v, %v", got, err)
	}
	q.benchmark = "Score/float32/2"
	if _, err := q.figure(figures.Benchmarks(output)); err == nil {
		t.Error("a benchmark that did not run: got no error")
	}
	q.benchmark, q.control = "Score/float32/1", "Score/none"
	if _, err := q.figure(figures.Benchmarks(output)); err == nil {
		t.Error("a control that did not run: got no error")
	}
}

// TestGoals: which of several repetitions counts, and when a goal is reached.
func TestGoals(t *testing.T) {
	const three = "BenchmarkRead-2 1 100 MB/s 1 ns/op\nBenchmarkRead-2 1 300 MB/s 1 ns/op\nBenchmarkRead-2 1 200 MB/s 1 ns/op\nBenchmarkPlain-2 1 80 MB/s\n"
	for _, tt := range []struct {
		goal                 goal
		value, ratio, target string
		met                  bool
	}{
		{goal{}, "100", "0.8 ×", "", false},
		{atMost(100), "100", "0.8 ×", "at most 100", true},
		{atMost(99), "100", "0.8 ×", "at most 99", false},
		{alwaysAtMost(300), "300", "0.3 ×", "at most 300", true},
		{alwaysAtMost(299), "300", "0.3 ×", "at most 299", false},
		{atLeast(300), "300", "0.3 ×", "at least 300", true},
		{atLeast(301), "300", "0.3 ×", "at least 301", false},
		{usually(200), "200", "0.4 ×", "at least 200", true},
		{usually(201), "200", "0.4 ×", "at least 201", false},
		{atMostControl(1.25), "100", "1.25 ×", "at most 1.25 ×", true},
		{atMostControl(1.2), "100", "1.25 ×", "at most 1.2 ×", false},
	} {
		q := quantity{"reading", "", "Read", "MB/s", 1, "%.0f", tt.goal, "Plain"}
		got, err := q.figure(figures.Benchmarks(three))
		if err != nil {
			t.Fatal(err)
		}
		if got.Value != tt.value || got.Ratio != tt.ratio || got.Target != tt.target || got.Met != tt.met || got.Control != "80" {
			t.Errorf("%+v: got %+v", tt, got)
		}
	}
}

// TestWorst: of alternatives the one that is farthest from the goal counts, and
// is named.
func TestWorst(t *testing.T) {
	const four = "BenchmarkKinds/a/plain-2 1 10 ns\nBenchmarkKinds/a/sets-2 1 12 ns\nBenchmarkKinds/b/plain-2 1 4 ns\nBenchmarkKinds/b/sets-2 1 6 ns\n"
	for _, tt := range []struct {
		goal             goal
		what, value, con string
	}{
		{atMost(1), "sets, worst case (Kinds/a/sets)", "12", "10"},
		{atLeast(1), "sets, worst case (Kinds/b/sets)", "6", "4"},
		{atMostControl(1), "sets, worst case (Kinds/b/sets)", "6", "4"},
	} {
		q := quantity{"sets", "", "Kinds/a|b/sets", "ns", 1, "%.0f", tt.goal, "Kinds/a|b/plain"}
		got, err := q.figure(figures.Benchmarks(four))
		if err != nil {
			t.Fatal(err)
		}
		if got.What != tt.what || got.Value != tt.value || got.Control != tt.con {
			t.Errorf("%+v: got %+v", tt, got)
		}
	}
	q := quantity{"sets", "", "Kinds/a|b|c/sets", "ns", 1, "%.0f", atMost(1), ""}
	if _, err := q.figure(figures.Benchmarks(four)); err == nil {
		t.Error("one of the alternatives did not run: got no error")
	}
}

func TestAlternatives(t *testing.T) {
	got := strings.Join(alternatives("Kinds/a|b/1|2/sets"), " ")
	if want := "Kinds/a/1/sets Kinds/a/2/sets Kinds/b/1/sets Kinds/b/2/sets"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := alternatives("Distinct"); len(got) != 1 || got[0] != "Distinct" {
		t.Errorf("without alternatives: got %q", got)
	}
}

// TestQuantities: controls have as many alternatives as what they control.
func TestQuantities(t *testing.T) {
	for _, q := range quantities {
		if q.control != "" && strings.Contains(q.benchmark+q.control, "|") && len(alternatives(q.benchmark)) != len(alternatives(q.control)) {
			t.Errorf("%s: %q and %q have different numbers of alternatives", q.what, q.benchmark, q.control)
		}
		if q.goal.kind == times && q.control == "" {
			t.Errorf("%s: nothing to compare with", q.what)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{[]string{"Distinct"}, "^(BenchmarkDistinct)$"},
		{[]string{"Predict/v2", "Adapter/v1", "Predict/v2"}, "^(BenchmarkAdapter|BenchmarkPredict)$/^(v1|v2)$"},
		{[]string{"Score/a/1", "Kinds/a|b/1|64/sets"}, "^(BenchmarkScore)$/^(a)$/^(1)$|^(BenchmarkKinds)$/^(a|b)$/^(1|64)$/^(sets)$"},
	} {
		if got := pattern(tt.names); got != tt.want {
			t.Errorf("pattern(%q): got %s, want %s", tt.names, got, tt.want)
		}
	}
}

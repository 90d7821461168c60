package figures

import (
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 3},
	}
	for _, tt := range tests {
		if got := Median(tt.values); got != tt.want {
			t.Errorf("Median(%v): got %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestMedianRatio(t *testing.T) {
	if got, want := MedianRatio([]float64{2, 30, 6}, []float64{1, 10, 3}), 2.0; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWrite(t *testing.T) {
	var out strings.Builder
	rows := []Figure{
		AtMost(Figure{What: "start", Value: "2 ms", Control: "1 ms"}, 2, 1.6),
		AtLeast(Figure{What: "serving", Value: "1 µs", Control: "9 µs"}, 9, 6),
		{What: "note", Value: "1"},
	}
	if err := Write(&out, "Title", rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"### Title\n", "| start | 2 ms | 1 ms | 2.00 × | at most 1.6 × | **no** |\n",
		"| serving | 1 µs | 9 µs | 9.0 × | at least 6 × | yes |\n", "| note | 1 |  |  |  |  |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want it to hold %q", out.String(), want)
		}
	}
}

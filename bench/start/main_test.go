package main

import (
	"testing"
	"time"

	"example.com/copse/functions/lambda/runtimetest"
)

func TestRatioComparesTheLeast(t *testing.T) {
	runs := func(ms ...int) (s []runtimetest.StartUp) {
		for _, n := range ms {
			s = append(s, runtimetest.StartUp{Next: time.Duration(n) * time.Millisecond})
		}
		return s
	}
	next := func(s runtimetest.StartUp) time.Duration { return s.Next }
	got := ratio("start", runs(9, 3, 4), runs(2, 8, 5), next, 1.6)
	if got.Value != "3.00 ms (median 4.00)" || got.Control != "2.00 ms (median 5.00)" || got.Ratio != "1.50 ×" || !got.Met {
		t.Errorf("got %+v", got)
	}
	if got := ratio("start", runs(4), runs(2), next, 1.6); got.Met {
		t.Errorf("2 × is not at most 1.6 ×: got %+v", got)
	}
}

func TestAnswered(t *testing.T) {
	tests := []struct {
		reply string
		good  bool
	}{
		{`"ok"`, true},
		{`{"statusCode":200,"body":"{}"}`, true},
		{`{"statusCode":422,"body":"{}"}`, false},
		{`{}`, false},
		{`ok`, false},
		{``, false},
	}
	for _, tt := range tests {
		if err := answered([]byte(tt.reply)); (err == nil) != tt.good {
			t.Errorf("answered(%q): got error %v, want good %v", tt.reply, err, tt.good)
		}
	}
}

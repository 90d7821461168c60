package local

import (
	"math"
	"testing"
)

func TestULPs(t *testing.T) {
	tiny, tiny32 := math.SmallestNonzeroFloat64, float64(math.SmallestNonzeroFloat32)
	for _, test := range []struct {
		a, b   float64
		single bool
		want   uint64
	}{
		{1, 1, false, 0},
		{1, math.Nextafter(1, 2), false, 1},
		{math.Nextafter(1, 0), math.Nextafter(1, 2), false, 2},
		{1, float64(math.Nextafter32(1, 2)), true, 1},
		{0, math.Copysign(0, -1), false, 0},
		{-tiny, tiny, false, 2},
		{-tiny32, tiny32, true, 2},
		{math.MaxFloat64, math.Inf(1), false, 1},
		{math.Inf(-1), math.Inf(1), false, 2 * 0x7ff0000000000000},
		{math.NaN(), math.NaN(), false, 0},
		{math.NaN(), 1, false, math.MaxUint64},
	} {
		for _, got := range []uint64{ulps(test.a, test.b, test.single), ulps(test.b, test.a, test.single)} {
			if got != test.want {
				t.Errorf("%v and %v: got %d ulp, want %d", test.a, test.b, got, test.want)
			}
		}
	}
}

func TestGoogleShape(t *testing.T) {
	for event, want := range map[string]bool{
		`{"specversion":"1.0","type":"x"}`:            true,
		`{"message":{"data":"e30="}}`:                 true,
		`{"subscription":"projects/p/subscriptions"}`: true,
		"POST /predict HTTP/1.1\n\n{}":                true,
		`{"message":"text"}`:                          false,
		`{"Records":[]}`:                              false,
		`{"sepal_length":1}`:                          false,
		`[1]`:                                         false,
		`{`:                                           false,
	} {
		if got := googleShape([]byte(event)); got != want {
			t.Errorf("%s: got %v, want %v", event, got, want)
		}
	}
}

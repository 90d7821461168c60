package lightgbm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// words are numbers as files have them, and what only looks like one.
var words = []string{
	"0", "-0", "1", "-1", "7", "12345678", "123456789", "999999999999999999", "1000000000000000000",
	"9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
	"0.5", "-0.25", "3.1415926535897931", "-0.0012345678901234567", "0.00012345678901234567",
	"0.1", "0.30000000000000004", "123456.78901234567", "12345678901234567", "1e5", "1e-05", "1E5", "1e+05",
	"1.0000000180025095e-35", "1.7976931348623157e+308", "4.9406564584124654e-324", "1e400", "-1e400", "1e-400",
	"9007199254740993", "9007199254740992.5", "9007199254740993e1", "9007199254740993e-1", "1.23456789012345678901234567890",
	"0.000000000000000000000000000000000001", "00000000000000000000000000001", "1e22", "1e23", "1e-22", "1e-23", "123e0001", "123e1000",
	"", "-", "+", ".", "e", "1.", ".5", "+1", "1e", "1e+", "--1", "1-", "1.2.3", "1x", "0x1p-2", "1_000", "inf", "-inf", "nan", "NaN", "Infinity",
	"1,2", "1\t", "\x00", "½", "9223372036854775807.5", "5e-1e", "179769313486231580793e289",
}

// held gives a source that has all of text in its window.
func held(text string) *source {
	buf := append([]byte(text), '\n')
	return &source{buf: append(buf, make([]byte, slack)...), end: len(text), eof: true}
}

// agree holds the fast paths to their slow twins over one word: where a fast
// path is ok, it read what the twin reads and stands where the twin stands.
func agree(t *testing.T, text string) (fast bool) {
	t.Helper()
	slow := held(text)
	word, err := slow.word()
	if err != nil {
		t.Fatal(err)
	}
	s := held(text)
	x, ok := s.fastNumber()
	want, wantOK := number(word)
	if ok && (!wantOK || math.Float64bits(x) != math.Float64bits(want) || s.pos != slow.pos) {
		t.Errorf("%q is %v at %d, want %v at %d (%v)", text, x, s.pos, want, slow.pos, wantOK)
	}
	if !ok && s.pos != 0 {
		t.Errorf("%q: not a number, and yet at %d", text, s.pos)
	}
	fast = ok
	s = held(text)
	n, ok := s.fastInteger()
	wantN, wantOK := integer(word)
	if ok && (!wantOK || n != wantN || s.pos != slow.pos) {
		t.Errorf("%q is %d at %d, want %d at %d (%v)", text, n, s.pos, wantN, slow.pos, wantOK)
	}
	if !ok && s.pos != 0 {
		t.Errorf("%q: not a whole number, and yet at %d", text, s.pos)
	}
	return fast
}

func TestNumbers(t *testing.T) {
	for _, w := range words {
		for _, text := range []string{w, "  " + w + " 1", w + "\n", w + "\r\n", w + " "} {
			agree(t, text)
		}
	}
}

// TestManyNumbers: random float64 the way LightGBM writes them take the fast
// path, nearly all, and are read exactly.
func TestManyNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	missed := 0
	const n = 50_000
	for range n {
		x := math.Ldexp(rng.NormFloat64(), rng.IntN(24)-14)
		if !agree(t, fmt.Sprintf("%.17g\n", x)) {
			missed++
		}
		x = math.Float64frombits(rng.Uint64())
		agree(t, fmt.Sprintf("%.17g ", x))
		agree(t, strconv.FormatFloat(x, 'g', 1+rng.IntN(18), 64)+"\n")
	}
	if missed > n/50 {
		t.Errorf("%d of %d usual numbers take the slow path", missed, n)
	}
}

// TestHalves: decimals half way between two float64, and right beside, where
// the quotient's test must not be fooled.
func TestHalves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		m := uint64(1)<<53 + rng.Uint64N(1<<53)
		for _, text := range []string{
			fmt.Sprintf("%d.5", m), fmt.Sprintf("%d", 2*m+1), fmt.Sprintf("%d.0", 2*m+1), fmt.Sprintf("%d.00", 2*m+1),
			fmt.Sprintf("%d.1", 2*m+1), fmt.Sprintf("%d.9", 2*m),
		} {
			agree(t, text+" ")
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, w := range words {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, text string) {
		agree(t, text)
		agree(t, text+"\n")
	})
}

// TestAtof: LightGBM's own steps, whose last bit may be another than the
// nearest's.
func TestAtof(t *testing.T) {
	for _, tt := range []struct {
		word string
		want float64
		ok   bool
	}{
		{"1", 1, true},
		{"0.7", 0.7, true},
		{"-2.5", -2.5, true},
		{"+3", 3, true},
		{"1.00544", math.Nextafter(1.00544, 2), true}, // 1 + 544/100000, rounded twice
		{"1e-05", 1 / 1e5, true},
		{"2.5e+10", 2.5e10, true},
		{"1e400", 1.0000000000000006e308, true}, // an exponent is cut off at 308, and 1e308 made in steps
		{"", 0, false},
		{"x", 0, false},
		{"1x", 1, false},
		{".", 0, true},
	} {
		if got, ok := atof([]byte(tt.word)); ok != tt.ok || ok && math.Float64bits(got) != math.Float64bits(tt.want) {
			t.Errorf("%q is %v (%v), want %v (%v)", tt.word, got, ok, tt.want, tt.ok)
		}
	}
}

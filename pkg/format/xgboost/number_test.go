package xgboost

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestScanNumber(t *testing.T) {
	for _, tt := range []struct {
		text  string
		size  int
		want  float64
		whole bool
	}{
		{"0", 1, 0, true},
		{"-0", 2, 0, true},
		{"12,", 2, 12, true},
		{"-12]", 3, -12, true},
		{"1.5E-1", 6, 0.15, false},
		{"1e5", 3, 1e5, false},
		{"1E+5 ", 4, 1e5, false},
		{"0.0001", 6, 0.0001, false},
		{"9223372036854775807", 19, 9223372036854775807, true},
		{"9223372036854775808", 19, 9223372036854775808, false}, // no int64
		{"00000", 0, 0, false},
		{"01", 0, 0, false},
		{"123456789012345678901234567890", 30, 123456789012345678901234567890, false},
		{"0.1000000000000000055511151231257827", 36, 0.1, false},
		{"1e-400", 6, 0, false},
		{"1e99999999999999999999", 22, math.Inf(1), false},
		{"NaN", 3, math.NaN(), false},
		{"Infinity", 8, math.Inf(1), false},
		{"-Infinity,", 9, math.Inf(-1), false},
		{"-NaN", 0, 0, false},
		{"nan", 0, 0, false},
		{"Inf", 0, 0, false},
		{"", 0, 0, false},
		{"-", 0, 0, false},
		{"+1", 0, 0, false},
		{".5", 0, 0, false},
		{"1.", 0, 0, false},
		{"1.e5", 0, 0, false},
		{"1e", 0, 0, false},
		{"1e+", 0, 0, false},
		{"true", 0, 0, false},
	} {
		var d decimal
		n := d.scan([]byte(tt.text))
		if n != tt.size {
			t.Errorf("%q: got %d bytes, want %d", tt.text, n, tt.size)
			continue
		}
		if n == 0 {
			continue
		}
		got := d.float64([]byte(tt.text[:n]))
		if got != tt.want && !(got != got && tt.want != tt.want) {
			t.Errorf("%q: got %v, want %v", tt.text, got, tt.want)
		}
		if i, ok := d.int64(); ok != tt.whole || ok && float64(i) != tt.want {
			t.Errorf("%q: got %v, %v as a whole number, want %v", tt.text, i, ok, tt.whole)
		}
	}
}

// holdFloat32 holds a number's text to strconv, which rounds once.
func holdFloat32(t *testing.T, text string) {
	t.Helper()
	var d decimal
	if n := d.scan([]byte(text)); n != len(text) {
		t.Fatalf("%q: got %d bytes", text, n)
	}
	x, _ := strconv.ParseFloat(text, 32)
	want := float32(x)
	if d.whole && want == 0 {
		want = 0 // -0 is an integer
	}
	if got := d.float32([]byte(text)); math.Float32bits(got) != math.Float32bits(want) && want == want {
		t.Errorf("%s: got %v (%#x), want %v (%#x)", text, got, math.Float32bits(got), want, math.Float32bits(want))
	}
}

// TestFloat32 asks for numbers half way between two float32, on both sides of
// it by less than float64 can tell, and for random ones in many forms.
func TestFloat32(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "-0.0", "-0E0", "1", "16777217", "16777219", "33554434.999999999999",
		"1.00000005960464477539062500", // half way
		"1.00000005960464477539062501", "1.00000005960464477539062499",
		"1.0000000596046447", "1.0000000596046448", "1.00000017881393432617187",
		"3.4028235E38", "3.4028236E38", "3.40282356779733661637539395458142568447E38", "3.40282356779733661637539395458142568448E38",
		"1.17549435E-38", "1.1754943E-38", "1E-45", "7E-46", "7.1E-46", "1E-46", "4.9E-324", "1E400", "-1E400",
		"8.589973E9", "9007199254740993", "9007199254740992.5", "123456789012345678", "1e22", "1e23", "9007199254740991e22",
	} {
		holdFloat32(t, text)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		x := math.Float32frombits(r.Uint32())
		if x-x != 0 {
			continue
		}
		holdFloat32(t, strconv.FormatFloat(float64(x), 'E', -1, 32)) // as XGBoost writes
		holdFloat32(t, strconv.FormatFloat(float64(x), 'g', -1, 64)) // as Python writes
		half := (float64(x) + float64(math.Nextafter32(x, math.MaxFloat32))) / 2
		holdFloat32(t, strconv.FormatFloat(half, 'e', 16, 64))
		holdFloat32(t, strconv.FormatFloat(half, 'e', r.IntN(12), 64))
	}
}

func FuzzFloat32(f *testing.F) {
	for _, s := range []string{"1.5", "1E-30", "-0", "1.00000005960464477539062500", "1e22", "0.1000000000000000055511151231257827"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d decimal
		if n := d.scan([]byte(text)); n == 0 || n != len(text) || d.special != 0 {
			return
		}
		holdFloat32(t, text)
	})
}

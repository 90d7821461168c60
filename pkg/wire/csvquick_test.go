package wire

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// oddCells are cells that end the fast way, or ought not to.
var oddCells = []string{"", "0", "-0", "7", "-1.5", "12345678", "0.1234567890123456789", "123456789012345678901234567890",
	"1e5", "1E+05", "2.5e-3", "007", "+1", ".5", "5.", "-", "nan", "NaN", "inf", "-inf", "Infinity", "1e999", "x",
	" 1", "1 ", "\t2", `"3"`, `""`, `"4,5"`, "\"6\n\"", "\"7\r\n\"", `"8""9"`, "1\r", "é", "1-2", "1.2.3"}

// TestCellsInRuns holds rows with many numbers and some odd cells among them
// against the twin, with columns that are no numbers or no features.
func TestCellsInRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	wide := make([]string, 70)
	for i := range wide {
		wide[i] = "c" + strconv.Itoa(i)
	}
	var d Decoder
	for _, names := range [][]string{wide, wide[:9], wide[:1]} {
		s := flat(t, names...)
		for range 400 {
			odd := 1 + rng.IntN(40)
			var b strings.Builder
			header := names[:1+rng.IntN(len(names))]
			b.WriteString(strings.Join(header, ",") + ",extra\n")
			for range 1 + rng.IntN(6) {
				cells := len(header) + 1
				if rng.IntN(8) == 0 {
					cells += rng.IntN(3) - 1
				}
				for c := range cells {
					if c > 0 {
						b.WriteByte(',')
					}
					if rng.IntN(odd) == 0 {
						b.WriteString(oddCells[rng.IntN(len(oddCells))])
					} else {
						b.WriteString(strconv.FormatFloat(rng.NormFloat64()*100, 'f', rng.IntN(6), 64))
					}
				}
				b.WriteString([]string{"\n", "\n", "\r\n"}[rng.IntN(3)])
			}
			hold(t, &d, "csv", []byte(b.String()), s, Options{IgnoreExtra: true})
		}
	}
}

// TestFindEnds holds the places of what may end a cell against a search byte by
// byte.
func TestFindEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for range 2000 {
		text := make([]byte, rng.IntN(100))
		for i := range text {
			text[i] = ",\n-.09\x00\xff\xac\x8a\"xxxxxxx"[rng.IntN(18)]
		}
		d := Decoder{scanner: scanner{b: text}}
		from, want := rng.IntN(10), 1+rng.IntN(runCells)
		n := d.findEnds(from, want)
		at := from
		for i := range n {
			for text[at] >= '-' {
				at++
			}
			if int(d.ends[i]) != at {
				t.Fatalf("%q from %d: end %d is %d, want %d", text, from, i, d.ends[i], at)
			}
			at++
		}
		if rest := len(text) - at; n < want && rest > 8 && strings.ContainsFunc(string(text[at:len(text)-8]), func(r rune) bool { return r < '-' }) {
			t.Fatalf("%q from %d: found %d ends of %d", text, from, n, want)
		}
	}
}

package lightgbm

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// sources gives the same text in one piece and byte by byte.
func sources(text string) map[string]*source {
	return map[string]*source{
		"whole": newSource(strings.NewReader(text)),
		"bytes": newSource(iotest.OneByteReader(strings.NewReader(text))),
	}
}

// TestWords: a line's words, whatever its end and the spaces between them.
func TestWords(t *testing.T) {
	for _, tt := range []struct {
		text string
		stop byte
		want []string
	}{
		{"a bc def\nnext", ' ', []string{"a", "bc", "def"}},
		{"  a   bc \r\nnext", ' ', []string{"a", "bc"}},
		{"a\tb c", ' ', []string{"a\tb", "c"}},
		{"\n", ' ', nil},
		{"", ' ', nil},
		{"a:b c:d:e\n", ':', []string{"a", "b", "c", "d", "e"}},
		{"1,2,3]\n", ',', []string{"1", "2", "3]"}},
		{"Größe 東京\n", ' ', []string{"Größe", "東京"}},
		{strings.Repeat("x", window/2) + " " + strings.Repeat("y", window/2+9) + " z", ' ', []string{strings.Repeat("x", window/2), strings.Repeat("y", window/2+9), "z"}},
	} {
		for kind, s := range sources(tt.text) {
			var got []string
			for {
				word, err := s.upTo(tt.stop)
				if err != nil {
					t.Fatal(err)
				}
				if len(word) == 0 {
					break
				}
				got = append(got, string(word))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%.20q in %s: got %.60q, want %.60q", tt.text, kind, got, tt.want)
			}
		}
	}
	s := newSource(strings.NewReader(strings.Repeat("x", window+1)))
	if _, err := s.word(); err == nil {
		t.Error("a word that is longer than the window is not refused")
	}
}

// TestLines: keys, their ends, and where each stands.
func TestLines(t *testing.T) {
	text := "key=1 2\nbare\r\n\n=x\n" + strings.Repeat("long", window) + "\nlast=" + strings.Repeat("1 ", window) + "\nend"
	type line struct {
		key      string
		assigned bool
		offset   int64
	}
	long := int64(18)
	last := long + 4*window + 1
	want := []line{
		{"key", true, 4}, {"bare", false, 12}, {"", false, 14}, {"", true, 16},
		{strings.Repeat("long", 16), false, long + 64}, {"last", true, last + 5}, {"end", false, int64(len(text))},
	}
	for kind, s := range sources(text) {
		var got []line
		for !s.done() {
			key, assigned := s.key()
			got = append(got, line{string(key), assigned, s.offset()})
			s.nextLine()
		}
		if !slices.Equal(got, want) {
			t.Errorf("in %s: got %v, want %v", kind, got, want)
		}
	}
}

func TestStarts(t *testing.T) {
	for kind, s := range sources("end of trees\n") {
		if s.starts("end of parameters") || s.starts("Tree=") || !s.starts("end of ") || !s.starts("trees") || s.starts("more") || s.offset() != 12 {
			t.Errorf("in %s: at byte %d", kind, s.offset())
		}
	}
}

// TestRestOfLine: another parser gets no more than the line.
func TestRestOfLine(t *testing.T) {
	rest := "[1, 2]" + strings.Repeat(" ", 2*window)
	for kind, s := range sources("list:" + rest + "\nnext=1\n") {
		if !s.starts("list:") {
			t.Fatal("the line does not start")
		}
		if got, err := io.ReadAll(s); err != nil || string(got) != rest {
			t.Errorf("in %s: got %d bytes, want %d (%v)", kind, len(got), len(rest), err)
		}
		s.nextLine()
		if key, _ := s.key(); string(key) != "next" {
			t.Errorf("in %s: the next line is %q", kind, key)
		}
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestStuck: a reader that never gives anything is given up.
func TestStuck(t *testing.T) {
	s := newSource(stuck{})
	if !s.done() || !errors.Is(s.failed, io.ErrNoProgress) {
		t.Errorf("got %v, want %v", s.failed, io.ErrNoProgress)
	}
}

// TestInteger: what integer takes for a whole number.
func TestInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "+7": 7, "-12": -12, "007": 7, "999999999999999999": 999999999999999999, "-999999999999999999": -999999999999999999,
	} {
		if got, ok := integer([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %d (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "+", "1.0", "1e3", "x", "1x", " 1", "--1", "1000000000000000000", "½"} {
		if got, ok := integer([]byte(text)); ok {
			t.Errorf("%q: got %d, want none", text, got)
		}
	}
}

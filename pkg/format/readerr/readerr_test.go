package readerr_test

import (
	"errors"
	"testing"

	"example.com/copse/pkg/format/readerr"
)

func TestError(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		err  *readerr.Error
		want string
	}{
		{readerr.New("", "the file is empty"), "model file: the file is empty"},
		{readerr.New("golearn", "%d trees", 3), "golearn: 3 trees"},
		{readerr.At("golearn", "a/b", "gone"), "golearn: a/b: gone"},
		{&readerr.Error{Format: "golearn", Path: "tree/x", Offset: 7, Reason: "bad", Err: cause}, "golearn: tree/x: byte 7: bad: cause"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if err := (&readerr.Error{Err: cause}); !errors.Is(err, cause) {
		t.Error("the cause is not reached")
	}
}

// TestOneLine: whatever stands in a file, an error is a line that can be printed.
func TestOneLine(t *testing.T) {
	e := readerr.At("f", "a\nb\xff", "node %s", "\x1b[31m")
	e.Err = errors.New("two\r\nlines")
	if got, want := e.Error(), "f: a\uFFFDb\uFFFD: node \uFFFD[31m: two\uFFFD\uFFFDlines"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := readerr.Plain("Größe 5 °C"); got != "Größe 5 °C" {
		t.Errorf("got %q", got)
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{"": "", "abcd": "abcd", "abcde": "abcd…"} {
		if got := readerr.Clip(text, 4); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

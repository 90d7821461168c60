package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// TestDraw: the picture is well-formed, and has what was measured.
func TestDraw(t *testing.T) {
	picture := string(draw(parsed(t)))
	decoder := xml.NewDecoder(strings.NewReader(picture))
	elements := make(map[string]int)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
	// A line of each side of each model, and each of the four sides once in the
	// legend.
	if got, want := elements["path"], 3+2+4; got != want {
		t.Errorf("got %d lines, want %d", got, want)
	}
	if got, want := elements["circle"], 2+2+1+1+1; got != want {
		t.Errorf("got %d points, want %d", got, want)
	}
	for _, want := range []string{">Treelite</text>", ">A: XGBoost ", ">1,000</text>", `class="copse"`} {
		if !strings.Contains(picture, want) {
			t.Errorf("got no %s in\n%s", want, picture)
		}
	}
	if strings.Contains(picture, "lleaves</text>") || strings.Contains(picture, "NaN") {
		t.Errorf("a library that was not measured, or a number that is none, in\n%s", picture)
	}
}

// TestStyles: every library of peers.py has its own class.
func TestStyles(t *testing.T) {
	for peer, want := range map[string]string{"Copse": "copse", "ONNX Runtime 1.32.0": "onnx", "lleaves 1.3.0": "lleaves", "nobody 1": ""} {
		if got := class(peer); got != want {
			t.Errorf("class(%q): got %q, want %q", peer, got, want)
		}
	}
}

func TestScale(t *testing.T) {
	for _, tt := range []struct{ x, from, to, want float64 }{
		{1, 1, 100, 0}, {10, 1, 100, 50}, {100, 1, 100, 100}, {7, 7, 7, 50},
	} {
		if got := scale(tt.x, tt.from, tt.to, 100); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("scale(%v, %v, %v): got %v, want %v", tt.x, tt.from, tt.to, got, tt.want)
		}
	}
}

func TestDecades(t *testing.T) {
	lo, hi := parsed(t)[0].decades() // from 5 to 70
	if lo != 1 || hi != 100 {
		t.Errorf("got %v to %v, want 1 to 100", lo, hi)
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"four": "four", "fivés": "fivés", "sixsix": "sixs…"} {
		if got := cut(text, 5); got != want {
			t.Errorf("cut(%q): got %q, want %q", text, got, want)
		}
	}
}

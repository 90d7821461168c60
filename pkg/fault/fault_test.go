package fault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestTable holds the catalogue complete: names unique and of one form,
// statuses of errors, titles for people.
func TestTable(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]Code{}
	for _, c := range Codes() {
		if other, twice := seen[c.String()]; twice {
			t.Errorf("codes %d and %d are both called %s", c, other, c)
		}
		seen[c.String()] = c
		if !form.MatchString(c.String()) {
			t.Errorf("code %d has the name %q", c, c)
		}
		if c.Status() < 400 || c.Status() > 599 {
			t.Errorf("%s: status %d is none of an error", c, c.Status())
		}
		if c.Title() == "" || strings.HasSuffix(c.Title(), ".") {
			t.Errorf("%s: title %q", c, c.Title())
		}
	}
}

// TestRetry states which errors a queue should try again: those that another
// moment may mend, and nothing that lies in the record itself.
func TestRetry(t *testing.T) {
	want := map[Code]bool{Internal: true, Overloaded: true, RateLimited: true, Unavailable: true,
		Deadline: true, SlowBody: true, FeaturesFailed: true, TooSlow: true}
	for _, c := range Codes() {
		if got := c.Outcome() == Retry; got != want[c] {
			t.Errorf("%s: retry %v, want %v", c, got, want[c])
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("connection refused")
	tests := []struct {
		e    *Error
		want string
	}{
		{New(Malformed, "byte %d is no JSON", 7), "malformed: byte 7 is no JSON"},
		{Wrap(Unavailable, cause, "not loaded"), "unavailable: not loaded: connection refused"},
		{&Error{Code: OutOfRange, Row: 3, Field: "a", Message: "a must be at most 1"}, "out_of_range: row 3: a: a must be at most 1"},
	}
	for _, tt := range tests {
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if !errors.Is(Wrap(Internal, cause, "x"), cause) {
		t.Error("the cause is lost")
	}
}

func TestFrom(t *testing.T) {
	own := New(TooLarge, "too large")
	tests := []struct {
		err  error
		code Code
		want string
	}{
		{own, TooLarge, "too large"},
		{fmt.Errorf("reading: %w", own), TooLarge, "too large"},
		{fmt.Errorf("calling: %w", context.DeadlineExceeded), Deadline, "the time of the event ended"},
		{context.Canceled, Deadline, "the time of the event ended"},
		{errors.New("secret"), Internal, "an internal error: ask"},
	}
	for _, tt := range tests {
		if got := From(tt.err, "event", "ask"); got.Code != tt.code || got.Message != tt.want {
			t.Errorf("%v: got %s %q, want %s %q", tt.err, got.Code, got.Message, tt.code, tt.want)
		}
	}
}

func TestQuote(t *testing.T) {
	tests := []struct{ in, want string }{
		{"sepal_width", "sepal_width"},
		{"", ""},
		{`a"b\c`, `a\u0022b\u005cc`},
		{"<script>", `\u003cscript\u003e`},
		{"a\nb", `a\u000ab`},
		{"größe", `gr\u00f6\u00dfe`},
		{"\xff", `\ufffd`},
		{"🌳", `\U0001f333`},
		{strings.Repeat("x", 100), strings.Repeat("x", 64)},
		{strings.Repeat("x", 62) + "\n", strings.Repeat("x", 62)},
	}
	for _, tt := range tests {
		if got := Quote([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add([]byte("sepal\x00\xff\u2028"))
	f.Fuzz(func(t *testing.T, name []byte) {
		got := Quote(name)
		if len(got) > maxEcho {
			t.Errorf("%d characters", len(got))
		}
		for _, r := range got {
			if r < ' ' || r > '~' || strings.ContainsRune(`"<>&`, r) {
				t.Errorf("%q holds %q", got, r)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"sepal_length", "sepal_width", "petal_length"}
	tests := []struct{ name, want string }{
		{"sepal_witdh", "sepal_width"},
		{"sepallength", "sepal_length"},
		{"Sepal_width", "sepal_width"},
		{"petal_lengths", "petal_length"},
		{"colour", ""},
		{"", ""},
		{strings.Repeat("s", 1000), ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.name, len(known), func(i int) string { return known[i] }); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

package jsonscan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
)

func TestScan(t *testing.T) {
	const text = `{"name":"a","n":7,"x":-1.5e-3,"yes":true,"no":false,"none":null,"list":[1,2,[3]],"other":{"deep":[{}]}}`
	var got []string
	s := jsonscan.New(iotest.OneByteReader(strings.NewReader(text)), "format", "")
	s.Object(func(name string) {
		switch name {
		case "name":
			got = append(got, s.Text())
		case "n":
			got = append(got, fmt.Sprint(s.Integer(7)))
		case "x":
			got = append(got, fmt.Sprint(s.Number()))
		case "yes", "no":
			got = append(got, fmt.Sprint(s.Boolean()))
		case "none":
			got = append(got, fmt.Sprint(s.Null()))
		case "list":
			got = append(got, fmt.Sprint(s.Null(), s.Next()))
			s.Array(func() { s.Skip(); got = append(got, "element") })
		default:
			s.Skip()
		}
	})
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "7", "-0.0015", "true", "false", "true", "false [", "element", "element", "element"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestErrors: the first one counts, with its place; nothing is read after it.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, text string
		scan       func(s *jsonscan.Scanner)
		want       string
	}{
		{"kind", `{"a":[1,"2"]}`, func(s *jsonscan.Scanner) {
			s.Object(func(string) { s.Array(func() { s.Number() }) })
		}, "format: entry/a/1: byte 11: is a JSON string where format writes something else"},
		{"syntax", `{"a":}`, func(s *jsonscan.Scanner) { s.Object(func(string) { s.Number() }) }, "format: entry/a: byte 5: not the JSON"},
		{"cut", `{"a":[`, func(s *jsonscan.Scanner) { s.Object(func(string) { s.Skip() }) }, "the text breaks off"},
		{"cut in a list", `[1,`, func(s *jsonscan.Scanner) { s.Array(func() { s.Number() }) }, "the text breaks off"},
		{"twice", `{"a":1,"a":2}`, func(s *jsonscan.Scanner) { s.Object(func(string) { s.Number() }) }, "duplicate object member name"},
		{"long text", `"` + strings.Repeat("x", jsonscan.MaxText+1) + `"`, func(s *jsonscan.Scanner) { s.Text() }, "a text of more than 65536 bytes"},
		{"beyond float64", `1e400`, func(s *jsonscan.Scanner) { s.Number() }, "float64 cannot hold"},
		{"whole", `1.5`, func(s *jsonscan.Scanner) { s.Integer(9) }, "must be a whole number from 0 to 9"},
		{"negative", `-1`, func(s *jsonscan.Scanner) { s.Integer(9) }, "must be a whole number from 0 to 9"},
		{"too large", `10`, func(s *jsonscan.Scanner) { s.Integer(9) }, "must be a whole number from 0 to 9"},
		{"no truth", `0`, func(s *jsonscan.Scanner) { s.Boolean() }, "is a JSON number"},
		{"own", `[7]`, func(s *jsonscan.Scanner) { s.Array(func() { s.Number(); s.Fail("seven"); s.Fail("eight") }) }, "format: entry/0: byte 2: seven"},
		{"control characters", `{"a` + `\n` + `b":x}`, func(s *jsonscan.Scanner) { s.Object(func(string) { s.Skip() }) }, "entry/a\uFFFDb"},
	} {
		s := jsonscan.New(strings.NewReader(c.text), "format", "entry")
		c.scan(s)
		s.Skip()
		if s.Number() != 0 || s.Integer(1) != 0 || s.Text() != "" || s.Boolean() || s.Null() || s.Next() != 0 {
			t.Errorf("%s: something is read after the error", c.name)
		}
		err := s.End()
		if e, ok := errors.AsType[*readerr.Error](err); !ok || !strings.Contains(e.Error(), c.want) || !errors.Is(s.Err(), err) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestEnd(t *testing.T) {
	s := jsonscan.New(strings.NewReader("1 2"), "format", "")
	s.Number()
	if err := s.End(); err == nil || !strings.Contains(err.Error(), "more than one JSON value") {
		t.Errorf("got %v", err)
	}
	torn := errors.New("torn")
	s = jsonscan.New(iotest.ErrReader(torn), "format", "")
	s.Skip()
	if err := s.End(); !errors.Is(err, torn) {
		t.Errorf("got %v", err)
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"plain":                 "plain",
		"a\nb\x00":              "a�b�",
		"a\xffb":                "a�b",
		strings.Repeat("x", 99): strings.Repeat("x", 64) + "…",
	} {
		if got := jsonscan.Clip(text); got != want {
			t.Errorf("of %.20q: got %q, want %q", text, got, want)
		}
	}
}

package lambda

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// jsonTexts are whole texts, good and bad; they seed the fuzz targets too.
var jsonTexts = []string{
	`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `-1.5e+10`, `1E-2`, `""`, `"a\"b\\\/\b\f\n\r\t\u00e9"`,
	` { "a" : [ 1 , { "b" : null } ] , "c" : "d" } `, `{"a":1,"a":2}`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`,
	`"\ud83d\ud83d\ude00"`, `"\ud83d\n"`, `"` + "\xff\xfe" + `"`, `"ü"`,
	``, ` `, `{`, `}`, `[`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{a:1}`, `'a'`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`,
	`nul`, `nulll`, `tru`, `falsey`, `"`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`, "\"a\nb\"", `{"a":1 "b":2}`, `[1 2]`, `{}{}`, `[1]]`, `NaN`,
	strings.Repeat("[", 90) + strings.Repeat("]", 90),
}

// validHere is skipValue over a whole text.
func validHere(b []byte) bool {
	end := skipValue(b, skipSpace(b, 0), maxDepth)
	return end >= 0 && skipSpace(b, end) == len(b)
}

func depth(b []byte) int {
	deep, most := 0, 0
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		t, err := dec.Token()
		if err != nil {
			return most
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			deep++
			most = max(most, deep)
		case json.Delim('}'), json.Delim(']'):
			deep--
		}
	}
}

func checkSkip(t *testing.T, b []byte) {
	t.Helper()
	want := json.Valid(b) && depth(b) <= maxDepth
	if got := validHere(b); got != want {
		t.Errorf("skipValue takes %q: %v, want %v", b, got, want)
	}
}

func TestSkipValue(t *testing.T) {
	for _, text := range jsonTexts {
		checkSkip(t, []byte(text))
	}
	for _, n := range []int{maxDepth, maxDepth + 1, 100_000} {
		deep := strings.Repeat("[", n) + strings.Repeat("]", n)
		if got, want := validHere([]byte(deep)), n <= maxDepth; got != want {
			t.Errorf("%d levels are taken: %v, want %v", n, got, want)
		}
		deep = strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		if got, want := validHere([]byte(deep)), n <= maxDepth; got != want {
			t.Errorf("%d levels of objects are taken: %v, want %v", n, got, want)
		}
	}
}

func FuzzSkipValue(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkSkip(t, b) })
}

// checkTextAt holds appendTextAt equal to skipString and appendText, its slow
// twins, at any place and with anything behind the string.
func checkTextAt(t *testing.T, b []byte) {
	t.Helper()
	for i := range b {
		if b[i] != '"' {
			continue
		}
		want, wantEnd := []byte("before"), slowSkipString(b, i)
		if wantEnd >= 0 {
			want = appendText(want, b[i:wantEnd])
		}
		got, end := appendTextAt([]byte("before"), b, i)
		if end != wantEnd || !bytes.Equal(got, want) {
			t.Errorf("appendTextAt(%q, %d) = %q, %d, want %q, %d", b, i, got, end, want, wantEnd)
		}
		if end := skipString(b, i); end != wantEnd {
			t.Errorf("skipString(%q, %d) = %d, want %d", b, i, end, wantEnd)
		}
	}
}

// slowSkipString is skipString byte by byte.
func slowSkipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = skipEscape(b, i); i < 0 {
				return -1
			}
		case c < 0x20:
			return -1
		}
	}
	return -1
}

// TestTextAt has every byte at every place among eight, and strings that end
// near the end of the payload.
func TestTextAt(t *testing.T) {
	for _, text := range jsonTexts {
		for _, around := range []string{"", ",", `,"nextnext"`} {
			checkTextAt(t, []byte(text+around))
		}
	}
	for c := range 256 {
		for at := range 9 {
			plain := []byte(`"123456789abc"`)
			plain[1+at] = byte(c)
			checkTextAt(t, plain)
		}
	}
}

// checkText holds appendText equal to encoding/json on the raw form of a
// string. encoding/json replaces bytes that are no UTF-8 where appendText
// passes them, so those are left out.
func checkText(t *testing.T, raw []byte) {
	t.Helper()
	if !isText(raw) || !utf8.Valid(raw) || skipString(raw, 0) != len(raw) {
		return
	}
	var want string
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if got := string(appendText(nil, raw)); got != want {
		t.Errorf("appendText(%q) = %q, want %q", raw, got, want)
	}
}

func TestAppendText(t *testing.T) {
	for _, text := range jsonTexts {
		checkText(t, []byte(text))
	}
	if got, want := string(appendText(nil, []byte("\"\xff\""))), "\xff"; got != want {
		t.Errorf("a byte that is no UTF-8 became %q", got)
	}
}

func FuzzAppendText(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkText(t, b)
		checkTextAt(t, b)
		checkQuoted(t, string(b))
	})
}

// checkQuoted reads appendQuoted's output back with encoding/json.
func checkQuoted(t *testing.T, s string) {
	t.Helper()
	quoted := appendQuoted(nil, s)
	if again := appendQuoted(nil, []byte(s)); !bytes.Equal(quoted, again) {
		t.Errorf("appendQuoted of bytes and string differ: %q, %q", again, quoted)
	}
	var got, want string
	if err := json.Unmarshal(quoted, &got); err != nil {
		t.Errorf("appendQuoted(%q) = %s: %v", s, quoted, err)
		return
	}
	plain, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plain, &want); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("appendQuoted(%q) reads back as %q, want %q", s, got, want)
	}
}

func TestAppendQuoted(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x01\x1f\n\t\r", "\x7f", "ünïcode \u2028", "\xff", "a\xe2\x82", "😀", "\xed\xa0\x80"} {
		checkQuoted(t, s)
	}
}

// TestTextBlocks has each kind of byte at each place of a long text, beside
// another: blocks and runs begin and end anywhere.
func TestTextBlocks(t *testing.T) {
	long := `"` + strings.Repeat("0123456789abcdef", 20) + `"`
	for _, odd := range []string{`\"`, `\\`, `\/`, `\n`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\x`, "\n", `"`, "ü", `\"\"\"`, `\\\\\\`} {
		for at := 1; at < 150; at++ {
			checkTextAt(t, []byte(long[:at]+odd+long[at:]))
			checkTextAt(t, []byte(long[:at]+odd+long[at:at+20]+odd+long[at+20:]))
		}
	}
}

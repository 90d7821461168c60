package xgboost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/format/casetest"
)

// events writes down what a document holds, one event a line.
func events(d *document) (string, error) {
	var b strings.Builder
	writeEvents(d, &b)
	if d.err == nil {
		d.end()
	}
	if d.err != nil {
		return "", d.err
	}
	return b.String(), nil
}

func writeEvents(d *document, b *strings.Builder) {
	switch t, s := d.syntax.value(true); t {
	case object:
		b.WriteString("{\n")
		d.members(func(key []byte) {
			fmt.Fprintf(b, "%q:\n", key)
			writeEvents(d, b)
		})
		b.WriteString("}\n")
	case array:
		b.WriteString("[\n")
		d.elements(func(int) { writeEvents(d, b) })
		b.WriteString("]\n")
	case text:
		fmt.Fprintf(b, "%q\n", s.text)
	case number:
		b.WriteString(strconv.FormatFloat(s.float, 'g', -1, 64) + "\n")
	case truth:
		fmt.Fprintln(b, s.yes)
	case null:
		b.WriteString("null\n")
	}
}

// jsonEvents is the same by jsontext, the slow twin.
func jsonEvents(data []byte) (string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(true))
	var b strings.Builder
	for {
		key := false
		if kind, n := d.StackIndex(d.StackDepth()); kind == '{' {
			key = n%2 == 0
		}
		if d.StackDepth() == 0 && b.Len() > 0 {
			break
		}
		tok, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		switch tok.Kind() {
		case '"':
			fmt.Fprintf(&b, "%q", tok.String())
			if key {
				b.WriteByte(':')
			}
		case '0':
			x, err := strconv.ParseFloat(tok.String(), 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				return "", err
			}
			b.WriteString(strconv.FormatFloat(x, 'g', -1, 64))
		default:
			b.WriteString(tok.String())
		}
		b.WriteByte('\n')
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one value")
	}
	return b.String(), nil
}

// limits are why this reader may refuse what JSON allows.
func limits(err error) bool {
	for _, reason := range []string{"nested deeper", "a text of more", "a number of more"} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}

// holdJSON holds the reader of JSON to jsontext.
func holdJSON(t *testing.T, data []byte) {
	t.Helper()
	for _, wild := range []string{"NaN", "Infinity", `\u`, "\xff"} {
		if bytes.Contains(data, []byte(wild)) {
			return // taken here, or written another way
		}
	}
	if !bytes.Equal(bytes.ToValidUTF8(data, nil), data) {
		return
	}
	in := newInput(bytes.NewReader(data))
	got, err := events(newDocument(in, newJSON(in)))
	want, twin := jsonEvents(data)
	switch {
	case err == nil && twin == nil && got != want:
		t.Errorf("%.200q: got %s, want %s", data, got, want)
	case err == nil && twin != nil:
		t.Errorf("%.200q: is taken; jsontext: %v", data, twin)
	case err != nil && twin == nil && !limits(err):
		t.Errorf("%.200q: %v; jsontext takes it", data, err)
	}
}

func jsonSeeds() []string {
	return []string{
		`{}`, `[]`, `0`, `-1.5e3`, `"a"`, `true`, `false`, `null`, ` { "a" : [ 1 , 2 , { } ] } `,
		`{"a":1,"a":2}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `[1 2]`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{"a":1`, `[1`, `"a`, `tru`, `nul`, `trueX`,
		`01`, `1.`, `+1`, `--1`, `1e`, `.5`, `1 2`, `{}}`, `[]]`, `]`, `}`, `,`, `:`, ``, ` `,
		`"\"\\\/\b\f\n\r\t"`, `"\x"`, `"\`, "\"\x01\"", "\"a\nb\"", `"é漢😀"`, `{"é":1}`, `{"a":{"a":{"a":1}},"b":[[],[[]]]}`,
		`[true,false,null,"x",1,[2],{"k":3}]`, `[1,2,3,"x",4,5]`, `[1,2,3,]`, `[1,2,3,`, `[1,2,x]`, `[-]`, `[1,-,2]`,
		`{"a":[1,2,3],"b":[1.5E-1,2E0]}`, strings.Repeat("[", 70) + strings.Repeat("]", 70), strings.Repeat("[", 64) + strings.Repeat("]", 64),
		`[1` + strings.Repeat("0", 600) + `]`,
		`{"` + strings.Repeat(`a":1,"b`, 3) + `":1}`,
	}
}

func TestJSON(t *testing.T) {
	for _, s := range jsonSeeds() {
		holdJSON(t, []byte(s))
	}
	holdJSON(t, []byte(`"`+strings.Repeat("x", 70000)+`"`))
	holdJSON(t, []byte(`[`+strings.Repeat(" ", 70000)+`1]`))
	many := members{}
	for i := range 100 {
		many = append(many, pair{"key" + strconv.Itoa(i), i})
	}
	holdJSON(t, asJSON(many))
	holdJSON(t, asJSON(append(many, pair{"key50", 1})))
	holdJSON(t, appendJSON(nil, makeModel(2, 3, 4), true))
	for _, path := range casetest.Models(t, Library) {
		if data, err := os.ReadFile(path); err == nil && strings.HasSuffix(path, ".json") {
			holdJSON(t, data)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds() {
		f.Add([]byte(s))
	}
	f.Add(asJSON(makeModel(1, 1, 2)))
	f.Fuzz(holdJSON)
}

// TestText: what JSON escapes.
func TestText(t *testing.T) {
	for _, tt := range []struct{ text, want, fault string }{
		{`"\u00e9\u6F22"`, "é漢", ""},
		{`"\ud83d\ude00"`, "😀", ""},
		{`"\u0000"`, "\x00", ""},
		{`"\ud83d"`, "", "half a pair of surrogates"},
		{`"\ud83dx"`, "", "half a pair of surrogates"},
		{`"\ud83d\u0041"`, "", "half a pair of surrogates"},
		{`"\ude00"`, "", "half a pair of surrogates"},
		{`"\u00g0"`, "", "is no character"},
		{`"\u00`, "", "the file ends here"},
		{`"\q"`, "", "unexpected 'q'"},
		{"\"\xff\"", "\xff", ""},
	} {
		in := newInput(strings.NewReader(tt.text))
		d := newDocument(in, newJSON(in))
		got := string(d.text())
		switch {
		case tt.fault == "" && (d.err != nil || got != tt.want):
			t.Errorf("%s: got %q, %v, want %q", tt.text, got, d.err, tt.want)
		case tt.fault != "" && (d.err == nil || !strings.Contains(d.err.Error(), tt.fault)):
			t.Errorf("%s: got %v, want %q", tt.text, d.err, tt.fault)
		}
	}
}

// TestSkip: what is skipped must be as sound as what is read, and what follows
// is found.
func TestSkip(t *testing.T) {
	for _, s := range jsonSeeds() {
		data := []byte(`{"skipped":` + s + `,"then":7}`)
		in := newInput(bytes.NewReader(data))
		d := newDocument(in, newJSON(in))
		then := 0
		d.object(func(key []byte) {
			if string(key) == "then" {
				then = d.count(10)
				return
			}
			d.skip()
		})
		d.end()
		_, twin := jsonEvents(data)
		if read := d.err == nil && then == 7; read != (twin == nil) && (d.err == nil || !limits(d.err)) {
			t.Errorf("%.100s: got %v, %d; jsontext: %v", data, d.err, then, twin)
		}
	}
}

// naive decodes UBJSON value by value from bytes in memory: the slow twin of
// the reader's windows and typed arrays. It panics where something is wrong.
type naive struct {
	b   []byte
	out strings.Builder
}

func (n *naive) take(size int) []byte {
	b := n.b[:size]
	n.b = n.b[size:]
	return b
}

func (n *naive) number(typ byte) (whole int64, float float64) {
	switch typ {
	case 'i':
		whole = int64(int8(n.take(1)[0]))
	case 'U', 'C':
		whole = int64(n.take(1)[0])
	case 'I':
		whole = int64(int16(binary.BigEndian.Uint16(n.take(2))))
	case 'l':
		whole = int64(int32(binary.BigEndian.Uint32(n.take(4))))
	case 'L':
		whole = int64(binary.BigEndian.Uint64(n.take(8)))
	case 'd':
		return 0, float64(math.Float32frombits(binary.BigEndian.Uint32(n.take(4))))
	case 'D':
		return 0, math.Float64frombits(binary.BigEndian.Uint64(n.take(8)))
	default:
		panic("type")
	}
	return whole, float64(whole)
}

func (n *naive) length() int64 {
	typ := n.take(1)[0]
	if !strings.ContainsRune("iUIlL", rune(typ)) {
		panic("length")
	}
	whole, _ := n.number(typ)
	if whole < 0 {
		panic("negative")
	}
	return whole
}

func (n *naive) pad() {
	for n.b[0] == 'N' {
		n.take(1)
	}
}

func (n *naive) value(typ byte, depth int) {
	if typ == 0 {
		n.pad()
		typ = n.take(1)[0]
	}
	switch typ {
	case '{', '[':
		n.container(typ, depth+1)
	case 'S':
		size := n.length()
		if size > int64(len(n.b)) {
			panic("short")
		}
		fmt.Fprintf(&n.out, "%q\n", n.take(int(size)))
	case 'T', 'F':
		fmt.Fprintln(&n.out, typ == 'T')
	case 'Z':
		n.out.WriteString("null\n")
	default:
		_, x := n.number(typ)
		n.out.WriteString(strconv.FormatFloat(x, 'g', -1, 64) + "\n")
	}
}

func (n *naive) container(open byte, depth int) {
	if depth > maxDepth {
		panic("depth")
	}
	end := open + 2
	n.out.WriteByte(open)
	n.out.WriteByte('\n')
	typ, left := byte(0), int64(-1)
	if n.b[0] == '$' {
		n.take(1)
		if typ = n.take(1)[0]; !strings.ContainsRune("iUIlLdDCS{[", rune(typ)) || n.b[0] != '#' {
			panic("type")
		}
	}
	if n.b[0] == '#' {
		n.take(1)
		left = n.length()
	}
	keys := map[string]bool{}
	for {
		if left == 0 {
			break
		}
		if left < 0 {
			if n.pad(); n.b[0] == end {
				n.take(1)
				break
			}
		}
		left--
		if open == '{' {
			size := n.length()
			if size > int64(len(n.b)) {
				panic("short")
			}
			key := string(n.take(int(size)))
			if keys[key] {
				panic("twice")
			}
			keys[key] = true
			fmt.Fprintf(&n.out, "%q:\n", key)
		}
		n.value(typ, depth)
	}
	n.out.WriteByte(end)
	n.out.WriteByte('\n')
}

func ubjsonEvents(data []byte) (s string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	n := naive{b: data}
	n.value(0, 0)
	if len(n.b) > 0 {
		return "", errors.New("more than one value")
	}
	return n.out.String(), nil
}

func holdUBJSON(t *testing.T, data []byte) {
	t.Helper()
	in := newInput(bytes.NewReader(data))
	got, err := events(newDocument(in, newUBJSON(in)))
	want, twin := ubjsonEvents(data)
	if err != nil && limits(err) {
		return
	}
	if (err == nil) != (twin == nil) || got != want {
		t.Errorf("%.200q: got %q, %v, want %q, %v", data, got, err, want, twin)
	}
}

func ubjsonSeeds() [][]byte {
	var seeds [][]byte
	for _, s := range []string{
		"{}", "[]", "Z", "T", "F", "NZ", "i\xff", "U\xff", "I\x80\x00", "l\x80\x00\x00\x00", "L\x00\x00\x00\x00\x00\x00\x00\x07",
		"d\x3f\x80\x00\x00", "D\x3f\xf0\x00\x00\x00\x00\x00\x00", "C!", "Si\x03abc", "Si\xff", "SU\xffx", "H", "X", "", "i", "S", "Sd",
		"[i\x01i\x02]", "[#i\x02i\x01i\x02", "[$i#i\x03\x01\x02\x03", "[$d#i\x01\x3f\x80\x00\x00", "[$T#i\x05", "[$Z#i\x05", "[$N#i\x05", "[$i]", "[$i",
		"[$S#i\x02i\x01ai\x01b", "[$[#i\x02]]", "[$[#i\x02$i#i\x01\x07$i#i\x00", "[$i#i\xff", "[$l#L\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01", "[#L\x7f\xff\xff\xff\xff\xff\xff\xffZ",
		"{i\x01ai\x01}", "{#i\x01i\x01ai\x01", "{$i#i\x02i\x01a\x01i\x01b\x02", "{i\x01ai\x01i\x01ai\x02}", "{i\x01a}", "{i\x01", "{Ni\x01aNi\x01N}", "[NN]",
		"{}}", "[]]", "]", "}", "ZZ", "\x00", "[\x00]",
	} {
		seeds = append(seeds, []byte(s))
	}
	deep := bytes.Repeat([]byte("["), 70)
	return append(seeds, deep, append(bytes.Repeat([]byte("["), 64), bytes.Repeat([]byte("]"), 64)...))
}

func TestUBJSON(t *testing.T) {
	for _, s := range ubjsonSeeds() {
		holdUBJSON(t, s)
	}
	m := makeModel(2, 3, 4)
	for _, s := range []style{asXGBoost, {}, {small: true}, {typed: true, small: true}, {counted: true}} {
		holdUBJSON(t, s.appendUBJSON(nil, m))
	}
	for _, path := range casetest.Models(t, Library) {
		if data, err := os.ReadFile(path); err == nil && strings.HasSuffix(path, ".ubj") {
			holdUBJSON(t, data)
		}
	}
}

func FuzzUBJSON(f *testing.F) {
	for _, s := range ubjsonSeeds() {
		f.Add(s)
	}
	f.Add(asUBJSON(makeModel(1, 1, 2)))
	f.Fuzz(holdUBJSON)
}

// TestReaders: a file that comes byte by byte, or in halves, is the same file,
// and a failure to read it is told as such.
func TestReaders(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	m := makeModel(3, 6, 5).set(strings.Repeat("long ", 40000), "comment")
	for name, data := range map[string][]byte{"JSON": appendJSON(nil, m, true), "UBJSON": asUBJSON(m)} {
		want, err := readAll(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range []io.Reader{iotest.OneByteReader(reader(data)), iotest.HalfReader(reader(data)), iotest.DataErrReader(reader(data))} {
			if got, err := readAll(in); err != nil || !same(got, want) {
				t.Errorf("%s, reader %d: another model, or %v", name, i, err)
			}
		}
		for range 20 {
			broken := errors.New("broken")
			n := int64(r.IntN(len(data)))
			_, err := readAll(io.MultiReader(io.LimitReader(reader(data), n), iotest.ErrReader(broken)))
			if !errors.Is(err, broken) {
				t.Errorf("%s broken after %d bytes: got %v", name, n, err)
			}
		}
	}
}

package wire

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// twin is the plain decoder that Decoder must equal: tokens of jsontext and
// records of encoding/csv, a map for what was seen, strconv for numbers.
type twin struct {
	s     *schema.Schema
	o     Options
	f     *frame.Frame
	dec   *jsontext.Decoder
	outer int // brackets around the decoder's text
	names []int
}

// stop carries the error of a body out of the depth of the twin.
type stop struct{ err *fault.Error }

func (t *twin) run(f func() []string) (ids []string, err *fault.Error) {
	defer func() {
		if p := recover(); p != nil {
			s, ok := p.(stop)
			if !ok {
				panic(p)
			}
			ids, err = nil, s.err
			t.f.Reset(t.s.NumFeatures())
		}
	}()
	t.f.Reset(t.s.NumFeatures())
	return f(), nil
}

func fail(code fault.Code) { panic(stop{fault.New(code, "twin")}) }

func (t *twin) depth() int {
	if t.o.Limits.Depth == 0 {
		return DefaultDepth
	}
	return t.o.Limits.Depth
}

func (t *twin) text() int {
	if t.o.Limits.Text == 0 {
		return DefaultText
	}
	return t.o.Limits.Text
}

func (t *twin) open(body []byte) {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		fail(fault.EmptyBody)
	}
	t.dec = jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
}

func (t *twin) token() jsontext.Token {
	tok, err := t.dec.ReadToken()
	if err != nil {
		fail(fault.Malformed)
	}
	return tok
}

// peek is the kind of the next token, which must be a sound beginning.
func (t *twin) peek() jsontext.Kind {
	k := t.dec.PeekKind()
	if k == 0 {
		t.token()
	}
	return k
}

func (t *twin) close() {
	if _, err := t.dec.ReadToken(); err != io.EOF {
		fail(fault.Malformed)
	}
}

func (t *twin) skip() {
	base := t.dec.StackDepth()
	for {
		k := t.token().Kind()
		if (k == '{' || k == '[') && t.outer+t.dec.StackDepth() > t.depth() {
			fail(fault.TooDeep)
		}
		if t.dec.StackDepth() == base {
			return
		}
	}
}

func (t *twin) keep(r int, code fault.Code, field, rule string) {
	t.f.Fail(fault.Error{Code: code, Row: r, Field: field, Rule: rule})
}

func (t *twin) newRow() ([]float64, int) {
	l := t.o.Limits
	if l.Rows > 0 && t.f.Rows == l.Rows || l.Values > 0 && (t.f.Rows+1)*t.f.Cols > l.Values {
		fail(fault.TooManyRows)
	}
	row := t.f.Append()
	blank(row)
	return row, t.f.Rows - 1
}

func (t *twin) single(body []byte) []string {
	t.open(body)
	if id, ok := t.soleID(body); ok {
		return id
	}
	row := t.f.Append()
	blank(row)
	t.row(row, 0)
	t.close()
	return nil
}

// soleID looks whether the body is an object with the one member id.
func (t *twin) soleID(body []byte) (ids []string, ok bool) {
	if _, feature := t.s.Index([]byte("id")); feature {
		return nil, false
	}
	look := twin{s: t.s, o: t.o, f: &frame.Frame{}}
	_, err := look.run(func() []string {
		look.open(body)
		if look.token().Kind() != '{' || look.peek() != '"' || look.token().String() != "id" {
			fail(fault.Malformed)
		}
		look.skip()
		if look.token().Kind() != '}' {
			fail(fault.Malformed)
		}
		look.close()
		return nil
	})
	if err != nil {
		return nil, false
	}
	if !t.o.ByID {
		fail(fault.NoFeatureSource)
	}
	t.token()
	t.token()
	id, bad := t.id()
	if bad != 0 {
		fail(bad)
	}
	return []string{id}, true
}

func (t *twin) id() (id string, bad fault.Code) {
	k := t.peek()
	if k != '"' && k != '0' {
		t.skip()
		return "", fault.WrongType
	}
	id = t.token().String()
	switch {
	case k == '0' && strings.ContainsAny(id, ".eE"):
		return "", fault.WrongType
	case len(id) > t.text():
		return "", fault.TextTooLong
	}
	return id, 0
}

// row reads a value that should be an object of features.
func (t *twin) row(row []float64, r int) {
	if t.peek() != '{' {
		t.skip()
		t.keep(r, fault.NotAnObject, "", "object")
		return
	}
	t.token()
	times := make(map[int]int)
	unknown := 0
	for t.peek() != '}' {
		name := t.token().String()
		t.peek()
		c, ok := t.s.Index([]byte(name))
		switch times[c]++; {
		case !ok:
			times[c]--
			if unknown++; !t.o.IgnoreExtra && unknown <= maxUnknown {
				t.keep(r, fault.UnknownField, fault.Quote([]byte(name)), "known")
			}
			t.skip()
		case times[c] == 1:
			t.value(row, c, r)
		case times[c] == 2:
			t.keep(r, fault.DuplicateField, name, "once")
			t.skip()
		default:
			t.skip()
		}
	}
	t.token()
}

func (t *twin) value(row []float64, c, r int) {
	f := t.s.Feature(c)
	k := t.peek()
	number := f.Type == schema.Number || f.Type == schema.Integer
	switch {
	case k == 'n':
		t.token()
	case k == '0' && number:
		row[c] = t.number(t.token().String(), c, r)
	case (k == 't' || k == 'f') && f.Type == schema.Boolean:
		row[c] = 0
		if t.token().Bool() {
			row[c] = 1
		}
	case k == '"' && f.Type == schema.Category:
		row[c] = t.code(t.token().String(), c, r)
	default:
		t.skip()
		t.keep(r, fault.WrongType, f.Name, string(f.Type))
	}
}

func (t *twin) number(text string, c, r int) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.keep(r, fault.NotFinite, t.s.Feature(c).Name, "float64")
		return math.NaN()
	}
	return x
}

func (t *twin) code(text string, c, r int) float64 {
	name := t.s.Feature(c).Name
	if len(text) > t.text() {
		t.keep(r, fault.TextTooLong, name, "bytes="+strconv.Itoa(t.text()))
		return math.NaN()
	}
	for i, known := range t.s.Feature(c).Categories {
		if schema.NormalizeText(known) == schema.NormalizeText(text) {
			return float64(i)
		}
	}
	t.keep(r, fault.UnknownCategory, name, "category")
	return math.NaN()
}

func (t *twin) batch(body []byte) (ids []string) {
	t.open(body)
	switch t.peek() {
	case '[':
		t.rows()
	case '{':
		ids = t.object(body)
	default:
		fail(fault.Malformed)
	}
	t.close()
	return ids
}

// list goes over the values of a list.
func (t *twin) list(each func()) {
	t.token()
	for t.peek() != ']' {
		each()
	}
	t.token()
}

func (t *twin) rows() {
	t.list(func() {
		if t.peek() == '}' {
			t.token()
		}
		row, r := t.newRow()
		t.row(row, r)
	})
}

func (t *twin) object(body []byte) (ids []string) {
	have := make(map[string]bool)
	var late []byte
	t.token()
	for t.peek() != '}' {
		name := t.token().String()
		t.peek()
		_, feature := t.s.Index([]byte(name))
		form := name == "rows" || name == "columns" || name == "data" || name == "ids" && !feature
		if !form && t.o.IgnoreExtra {
			t.skip()
			continue
		}
		table := have["columns"] || have["data"] || name == "columns" || name == "data"
		list := have["rows"] || name == "rows"
		byID := have["ids"] || name == "ids"
		if !form || have[name] || table && list || table && byID || list && byID {
			fail(fault.Malformed)
		}
		have[name] = true
		if byID && !t.o.ByID {
			fail(fault.NoFeatureSource)
		}
		if t.peek() != '[' {
			fail(fault.Malformed)
		}
		switch {
		case name == "rows":
			t.rows()
		case name == "ids":
			ids = t.ids()
		case name == "columns":
			t.columns()
		case have["columns"]:
			t.data()
		default:
			from := t.dec.InputOffset()
			t.skip()
			late = bytes.TrimLeft(body[from:t.dec.InputOffset()], ": \t\r\n")
		}
	}
	t.token()
	if len(have) == 0 || have["columns"] != have["data"] {
		fail(fault.Malformed)
	}
	if late != nil {
		inner := *t
		inner.open(late)
		inner.outer = 1
		inner.data()
	}
	return ids
}

func (t *twin) ids() []string {
	ids := []string{}
	t.list(func() {
		if t.peek() == '}' {
			t.token()
		}
		if l := t.o.Limits.Rows; l > 0 && len(ids) == l {
			fail(fault.TooManyRows)
		}
		id, _ := t.id()
		ids = append(ids, id)
	})
	return ids
}

func (t *twin) columns() {
	t.names = nil
	t.list(func() {
		if t.peek() != '"' {
			fail(fault.Malformed)
		}
		t.column(t.token().String())
	})
}

func (t *twin) column(name string) {
	c, ok := t.s.Index([]byte(name))
	if !ok {
		c = -1
		if !t.o.IgnoreExtra {
			fail(fault.UnknownField)
		}
	}
	for _, other := range t.names {
		if other == c && ok {
			fail(fault.DuplicateField)
		}
	}
	t.names = append(t.names, c)
}

func (t *twin) data() {
	t.list(func() {
		if t.peek() == '}' {
			t.token()
		}
		row, r := t.newRow()
		if t.peek() != '[' {
			t.skip()
			t.keep(r, fault.NotAnObject, "", "list")
			return
		}
		n, mark := 0, len(t.f.Faults)
		t.list(func() {
			if n < len(t.names) && t.names[n] >= 0 {
				t.value(row, t.names[n], r)
			} else {
				t.skip()
			}
			n++
		})
		t.length(row, r, n, mark)
	})
}

func (t *twin) length(row []float64, r, n, mark int) {
	if n != len(t.names) {
		blank(row)
		t.f.Faults = t.f.Faults[:mark]
		t.keep(r, fault.WrongLength, "", "len="+strconv.Itoa(len(t.names)))
	}
}

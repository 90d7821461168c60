package wire

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

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
	return []string{t.id()}, true
}

func (t *twin) id() string {
	k := t.peek()
	if k == '"' || k == '0' {
		id := t.token().String()
		if k == '0' && strings.ContainsAny(id, ".eE") {
			fail(fault.WrongType)
		}
		if len(id) > t.text() {
			fail(fault.TextTooLong)
		}
		return id
	}
	t.skip()
	fail(fault.WrongType)
	return ""
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
		ids = append(ids, t.id())
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

func (t *twin) lines(body []byte) []string {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		fail(fault.EmptyBody)
	}
	if bytes.HasPrefix(body, bom) {
		fail(fault.Malformed)
	}
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if len(bytes.Trim(line, " \t\r\n")) == 0 {
			continue
		}
		row, r := t.newRow()
		one := twin{s: t.s, o: t.o, f: &frame.Frame{}}
		_, err := one.run(func() []string {
			one.open(line)
			row := one.f.Append()
			blank(row)
			one.row(row, 0)
			one.close()
			return nil
		})
		if err != nil {
			t.keep(r, fault.NotAnObject, "", "json")
			continue
		}
		copy(row, one.f.Row(0))
		for _, e := range one.f.Faults {
			e.Row = r
			t.f.Fail(e)
		}
	}
	return nil
}

func (t *twin) csv(body []byte) []string {
	if len(body) == 0 {
		fail(fault.EmptyBody)
	}
	if !utf8.Valid(body) {
		fail(fault.Malformed)
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, bom)))
	in.FieldsPerRecord = -1
	if t.o.NoHeader {
		for c := range t.s.NumFeatures() {
			t.names = append(t.names, c)
		}
	} else {
		header, err := in.Read()
		if err == io.EOF {
			fail(fault.EmptyBody)
		}
		// Names before a broken cell are judged before it.
		for _, name := range header {
			t.column(name)
		}
		if err != nil {
			fail(fault.Malformed)
		}
	}
	for {
		cells, err := in.Read()
		if err == io.EOF {
			return nil
		}
		row, r := t.newRow()
		if err != nil {
			fail(fault.Malformed)
		}
		mark := len(t.f.Faults)
		for n, cell := range cells {
			if n < len(t.names) && t.names[n] >= 0 {
				row[t.names[n]] = t.cell(cell, t.names[n], r)
			}
		}
		t.length(row, r, len(cells), mark)
	}
}

var decimalRE = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

func (t *twin) cell(text string, c, r int) float64 {
	f := t.s.Feature(c)
	special := map[string]float64{"": math.NaN()}
	switch f.Type {
	case schema.Category:
		if text == "" {
			return math.NaN()
		}
		return t.code(text, c, r)
	case schema.Boolean:
		for _, s := range []string{"1", "true", "True", "TRUE"} {
			special[s] = 1
		}
		for _, s := range []string{"0", "false", "False", "FALSE"} {
			special[s] = 0
		}
	default:
		special["nan"], special["NaN"] = math.NaN(), math.NaN()
		special["inf"], special["Infinity"], special["-inf"] = math.Inf(1), math.Inf(1), math.Inf(-1)
		if decimalRE.MatchString(text) {
			return t.number(text, c, r)
		}
	}
	if x, ok := special[text]; ok {
		return x
	}
	t.keep(r, fault.WrongType, f.Name, string(f.Type))
	return math.NaN()
}

// reads are the ways into a decoder, by name.
var reads = []string{"row", "batch", "csv", "lines"}

func (t *twin) read(how string, body []byte) ([]string, *fault.Error) {
	return t.run(func() []string {
		switch how {
		case "row":
			return t.single(body)
		case "batch":
			return t.batch(body)
		case "csv":
			return t.csv(body)
		}
		return t.lines(body)
	})
}

func read(d *Decoder, how string, body []byte, s *schema.Schema, o *Options, f *frame.Frame) ([]string, *fault.Error) {
	switch how {
	case "row":
		return d.Row(body, s, o, f)
	case "csv":
		return d.Batch(body, CSV, s, o, f)
	case "lines":
		return d.Batch(body, NDJSON, s, o, f)
	}
	return d.Batch(body, JSON, s, o, f)
}

// hold reads a body with both decoders and compares all that they find.
func hold(t *testing.T, d *Decoder, how string, body []byte, s *schema.Schema, o Options) {
	t.Helper()
	var got, want frame.Frame
	ids, err := read(d, how, body, s, &o, &got)
	slow := twin{s: s, o: o, f: &want}
	wantIDs, wantErr := slow.read(how, body)
	if (err == nil) != (wantErr == nil) || err != nil && err.Code != wantErr.Code {
		t.Fatalf("%s %q %+v: got error %v, want %v", how, body, o, err, wantErr)
	}
	if strings.Join(ids, "|") != strings.Join(wantIDs, "|") || (ids == nil) != (wantIDs == nil) {
		t.Fatalf("%s %q: got ids %q, want %q", how, body, ids, wantIDs)
	}
	holdFrames(t, how, body, &got, &want)
}

func holdFrames(t *testing.T, how string, body []byte, got, want *frame.Frame) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols || len(got.Values) != len(want.Values) {
		t.Fatalf("%s %q: got %d×%d, want %d×%d", how, body, got.Rows, got.Cols, want.Rows, want.Cols)
	}
	for i, x := range got.Values {
		y := want.Values[i]
		if math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y) {
			t.Fatalf("%s %q: row %d column %d: got %v, want %v", how, body, i/got.Cols, i%got.Cols, x, y)
		}
	}
	for i := range min(len(got.Faults), len(want.Faults)) {
		g, w := got.Faults[i], want.Faults[i]
		if g.Code != w.Code || g.Row != w.Row || g.Field != w.Field || g.Rule != w.Rule {
			t.Fatalf("%s %q: fault %d: got %+v, want %+v", how, body, i, g, w)
		}
		if g.Message == "" || !utf8.ValidString(g.Message) {
			t.Fatalf("%s %q: fault %d has the message %q", how, body, i, g.Message)
		}
	}
	if len(got.Faults) != len(want.Faults) {
		t.Fatalf("%s %q: got %d faults, want %d", how, body, len(got.Faults), len(want.Faults))
	}
	for r, bad := range got.Bad {
		if bad != want.Bad[r] {
			t.Fatalf("%s %q: row %d: got bad %v, want %v", how, body, r, bad, want.Bad[r])
		}
	}
}

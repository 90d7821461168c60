package wire

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// told is what a caller learns of a body: the error's code, or the rows and
// their faults.
func told(ids []string, err *fault.Error, f *frame.Frame) string {
	if err != nil {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", err.Code, err.Field, err.Message))
	}
	if ids != nil {
		return fmt.Sprintf("ids %q", ids)
	}
	var b strings.Builder
	for r := range f.Rows {
		fmt.Fprint(&b, f.Row(r))
	}
	for _, e := range f.Faults {
		fmt.Fprintf(&b, " %d:%s:%s:%s:%s", e.Row, e.Code, e.Field, e.Rule, e.Message)
	}
	return b.String()
}

func TestDecode(t *testing.T) {
	s, err := schema.New(schema.Document{Features: []schema.Feature{
		{Name: "length"}, {Name: "count", Type: schema.Integer}, {Name: "open", Type: schema.Boolean},
		{Name: "color", Type: schema.Category, Categories: []string{"red", "green"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const form = `a batch is a list of rows, or an object with "rows", or with "columns" and "data"`
	for _, c := range []struct {
		name, how, body string
		o               Options
		want            string
	}{
		{"all types", "row", `{"length":1.5,"count":3.0,"open":true,"color":"green"}`, Options{}, "[1.5 3 1 1]"},
		{"absent and null", "row", `{"count":null}`, Options{}, "[NaN NaN NaN NaN]"},
		{"no coercion", "row", `{"length":"1","count":true,"open":1,"color":0}`, Options{}, "[NaN NaN NaN NaN]" +
			" 0:wrong_type:length:number:length must be a number 0:wrong_type:count:integer:count must be a whole number" +
			" 0:wrong_type:open:boolean:open must be true or false 0:wrong_type:color:category:color must be a text"},
		{"near name", "row", `{"lenght":1}`, Options{}, `[NaN NaN NaN NaN] 0:unknown_field:lenght:known:unknown field "lenght": the nearest known name is "length"`},
		{"case", "row", `{"LENGTH":1}`, Options{}, `[NaN NaN NaN NaN] 0:unknown_field:LENGTH:known:unknown field "LENGTH": the nearest known name is "length"`},
		{"far name", "row", `{"wavelengths of it":1}`, Options{}, `[NaN NaN NaN NaN] 0:unknown_field:wavelengths of it:known:unknown field "wavelengths of it"`},
		{"escaped name", "row", `{"<b>\n":1}`, Options{}, `[NaN NaN NaN NaN] 0:unknown_field:\u003cb\u003e\u000a:known:unknown field "\u003cb\u003e\u000a"`},
		{"ignored", "row", `{"lenght":[1,{}],"count":2}`, Options{IgnoreExtra: true}, `[NaN 2 NaN NaN]`},
		{"twice", "row", `{"count":1,"count":2}`, Options{}, `[NaN 1 NaN NaN] 0:duplicate_field:count:once:count stands twice`},
		{"too large", "row", `{"length":1e400}`, Options{}, `[NaN NaN NaN NaN] 0:not_finite:length:float64:length is beyond what 64 bits hold`},
		{"category", "row", `{"color":"blue"}`, Options{}, `[NaN NaN NaN NaN] 0:unknown_category:color:category:color must be one of "red", "green"`},
		{"long text", "row", `{"color":"greenish"}`, Options{Limits: Limits{Text: 5}}, `[NaN NaN NaN NaN] 0:text_too_long:color:bytes=5:color is a text of more than 5 bytes`},
		{"not a row", "row", `[1]`, Options{}, `[NaN NaN NaN NaN] 0:not_an_object::object:a row is a JSON object of features`},
		{"bare NaN", "row", `{"length":NaN}`, Options{}, `malformed length the body cannot be read at byte 10: JSON has no NaN and no infinity: send null where a value is missing`},
		{"bom", "row", "\ufeff{}", Options{}, `malformed  the body cannot be read at byte 0: a byte order mark: send UTF-8 without one`},
		{"empty", "row", " \n", Options{}, `empty_body  the body is empty: send rows`},
		{"rest", "row", `{} {}`, Options{}, `malformed  the body cannot be read at byte 3: more text after the end of the value`},
		{"id", "row", `{"id":"x"}`, Options{ByID: true}, `ids ["x"]`},
		{"integer id", "row", `{"id":12345678901234567890}`, Options{ByID: true}, `ids ["12345678901234567890"]`},
		{"wrong id", "row", `{"id":1.5}`, Options{ByID: true}, `wrong_type id an id is a text or a whole number`},
		{"no source", "row", `{"id":"x"}`, Options{}, `no_feature_source  rows by id need a feature source, and none is configured: send the features`},
		{"neighbours", "batch", `[{"count":1},{"count":"x"},7,{"count":2}]`, Options{}, "[NaN 1 NaN NaN][NaN NaN NaN NaN][NaN NaN NaN NaN][NaN 2 NaN NaN]" +
			" 1:wrong_type:count:integer:count must be a whole number 2:not_an_object::object:a row is a JSON object of features"},
		{"one bad byte", "batch", `[{"count":1},{"count":}]`, Options{}, `malformed count the body cannot be read at byte 22: no JSON value`},
		{"no form", "batch", `{"count":1}`, Options{}, `malformed  the body cannot be read at byte 1: ` + form},
		{"no rows", "batch", `{"rows":[]}`, Options{}, ``},
		{"table", "batch", `{"data":[[1,true],[2]],"columns":["count","open"]}`, Options{}, "[NaN 1 1 NaN][NaN NaN NaN NaN] 1:wrong_length::len=2:the row has 1 values for 2 columns"},
		{"unknown column", "batch", `{"columns":["cuont"],"data":[]}`, Options{}, `unknown_field cuont unknown column "cuont": the nearest known name is "count"`},
		{"two forms", "batch", `{"rows":[],"data":[]}`, Options{}, `malformed  the body cannot be read at byte 11: rows in more than one form`},
		{"rows", "batch", `[{},{},{}]`, Options{Limits: Limits{Rows: 2}}, `too_many_rows  more than 2 rows: send fewer at once`},
		{"values", "batch", `[{},{},{}]`, Options{Limits: Limits{Values: 11}}, `too_many_rows  more than 11 values (rows × features): send fewer rows at once`},
		{"deep", "batch", strings.Repeat("[", 100_000), Options{}, `too_deep  the body is nested more than 64 deep at byte 64: a row is flat`},
		{"ids", "batch", `{"ids":["a",7,"a"]}`, Options{ByID: true}, `ids ["a" "7" "a"]`},
		{"ids that are none", "batch", `{"ids":["a",null,1.5,{"b":[]},"b"]}`, Options{ByID: true}, `ids ["a" "" "" "" "b"]`},
		{"csv", "csv", "color,count,open,length\r\nred,1,0,\r\n\r\n\"green\",2,TRUE,-inf\r\n", Options{}, "[NaN 1 0 0][-Inf 2 1 1]"},
		{"csv header", "csv", ",count\n0,1\n", Options{}, `unknown_field  unknown column "": it has no name`},
		{"csv extra", "csv", ",count\n0,1\n", Options{IgnoreExtra: true}, `[NaN 1 NaN NaN]`},
		{"csv faults", "csv", "length,color\nx,blue\n1\n", Options{}, "[NaN NaN NaN NaN][NaN NaN NaN NaN] 0:wrong_type:length:number:length must be a number" +
			` 0:unknown_category:color:category:color must be one of "red", "green"` + " 1:wrong_length::len=2:the row has 1 values for 2 columns"},
		{"csv by position", "csv", "1,2,0,red\n", Options{NoHeader: true}, "[1 2 0 0]"},
		{"open quote", "csv", "length\n\"1\n2\n", Options{}, `malformed  the body cannot be read at byte 12: a cell without its closing quote`},
		{"latin-1", "csv", "length\n\xe9\n", Options{}, `malformed  the body cannot be read at byte 7: bytes that are not UTF-8`},
		{"lines", "lines", "{\"count\":1}\n\n{\"count\":\n[]\n{\"count\":2}", Options{}, "[NaN 1 NaN NaN][NaN NaN NaN NaN][NaN NaN NaN NaN][NaN 2 NaN NaN]" +
			" 1:not_an_object::json:the line cannot be read at its byte 9: no JSON value 2:not_an_object::object:a row is a JSON object of features"},
	} {
		var d Decoder
		var f frame.Frame
		ids, err := read(&d, c.how, []byte(c.body), s, &c.o, &f)
		if got := told(ids, err, &f); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAny(t *testing.T) {
	s := flat(t, "a", "rows")
	for _, c := range []struct {
		body  string
		m     Media
		batch bool
		rows  int
	}{
		{`{"a":1}`, JSON, false, 1}, {`{"rows":1}`, JSON, false, 1}, {`[{"a":1}]`, JSON, true, 1}, {` {"data":[[1]],"\u0063olumns":["a"]}`, JSON, true, 1},
		{`{"a":{"columns":1}}`, JSON, false, 1}, {`{"ids":[]}`, JSON, true, 0}, {`5`, JSON, false, 1}, {"a\n1\n2", CSV, true, 2}, {"{}\n{}", NDJSON, true, 2}, {`{"a":1,"columns"`, JSON, true, 0}, {`{"a"`, JSON, false, 0}, {``, JSON, false, 0},
	} {
		var d Decoder
		var f frame.Frame
		batch, _, _ := d.Any([]byte(c.body), c.m, s, &Options{ByID: true}, &f)
		if batch != c.batch || f.Rows != c.rows {
			t.Errorf("%s: got batch %v, %d rows, want %v, %d", c.body, batch, f.Rows, c.batch, c.rows)
		}
	}
}

// TestLinesInQuotes: line ends in a quoted cell stay as they are.
func TestLinesInQuotes(t *testing.T) {
	s, err := schema.New(schema.Document{Features: []schema.Feature{
		{Name: "a", Type: schema.Category, Categories: []string{"x\ny", "x\r\ny", "x\r"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	var f frame.Frame
	body := "a\r\n\"x\r\ny\"\r\n\"x\ny\"\r\n\"x\r\"\r\n"
	if _, err := d.Batch([]byte(body), CSV, s, &Options{}, &f); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Values, len(f.Faults)); got != "[1 0 2] 0" {
		t.Errorf("got %s, want the codes 1, 0, 2", got)
	}
}

// TestNoEcho holds messages to the rule that input is not repeated.
func TestNoEcho(t *testing.T) {
	s := mixed(t)
	var d Decoder
	for _, c := range seeds() {
		body := strings.ReplaceAll(c.body, "red", "SECRET")
		var f frame.Frame
		_, err := read(&d, c.how, []byte(body), s, &Options{}, &f)
		faults := f.Faults
		if err != nil {
			faults = append(faults, *err)
		}
		for _, e := range faults {
			if e.Code != fault.UnknownField && strings.Contains(e.Error()+e.Rule, "SECRET") {
				t.Errorf("%s %q: %v", c.how, body, &e)
			}
		}
	}
}

// TestHostile reads bodies that are made to cost: time and memory stay bounded.
func TestHostile(t *testing.T) {
	names := make([]string, 2000)
	for i := range names {
		names[i] = fmt.Sprintf("a_feature_of_some_length_%d", i)
	}
	wide := flat(t, names...)
	var unknown strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&unknown, `{"a_feature_of_some_lenght_%d":"%d"},`, i, i)
	}
	var wrong strings.Builder
	for range 200_000 {
		wrong.WriteString(`{"a":"","b":"","c":""},`)
	}
	for name, c := range map[string]struct {
		s    *schema.Schema
		body string
	}{
		"unknown names":  {wide, "[" + unknown.String() + "{}]"},
		"wrong types":    {flat(t, "a", "b", "c"), "[" + wrong.String() + "{}]"},
		"open brackets":  {wide, strings.Repeat(`[{"x":`, 1<<20)},
		"a long number":  {flat(t, "a"), `[{"a":` + strings.Repeat("9", 1<<20) + `}]`},
		"a long zero":    {flat(t, "a"), `[{"a":0.` + strings.Repeat("0", 1<<20) + `1}]`},
		"unknown in one": {wide, `[{` + strings.Repeat(`"x":1,`, 1<<20) + `"x":1}]`},
		"a long name":    {wide, `[{"` + strings.Repeat(`x`, 1<<20) + `":1}]`},
	} {
		var d Decoder
		var f frame.Frame
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _ = d.Batch([]byte(c.body), JSON, c.s, &Options{Limits: Limits{Rows: 1 << 20, Values: 50_000_000}}, &f)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		values := uint64(cap(f.Values)) * 8
		if used := after.TotalAlloc - before.TotalAlloc; used > 3*values+(300<<20) {
			t.Errorf("%s: allocated %d MB beside %d MB of values", name, used>>20, values>>20)
		}
		if len(f.Faults) > frame.MaxFaults+f.Rows {
			t.Errorf("%s: got %d faults of %d rows", name, len(f.Faults), f.Rows)
		}
		if took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// TestAllocs pins what a warmed decoder and frame allocate: nothing a row.
func TestAllocs(t *testing.T) {
	b := newBodies(t, features30(), full)
	for _, c := range []struct {
		m    Media
		body []byte
	}{{JSON, b.objects(",", ":")}, {JSON, b.objects(", ", ": ")}, {JSON, b.table()}, {CSV, b.csv()}, {NDJSON, b.lines()}} {
		var d Decoder
		var f frame.Frame
		var o Options
		got := testing.AllocsPerRun(10, func() {
			if _, err := d.Batch(c.body, c.m, b.s, &o, &f); err != nil {
				t.Fatal(err)
			}
		})
		if got > 0 || f.Rows != 1000 {
			t.Errorf("%v: got %v allocations for %d rows, want 0", c.m, got, f.Rows)
		}
	}
}

// TestBodies holds the benchmark's bodies to the twin and to each other.
func TestBodies(t *testing.T) {
	for name, number := range map[string]func() *bodies{
		"six": func() *bodies { return newBodies(t, features30(), six) }, "full": func() *bodies { return newBodies(t, features30(), full) },
		"iris": func() *bodies { return newBodies(t, irisNames, iris) },
	} {
		b := number()
		var d Decoder
		var first frame.Frame
		if _, err := d.Batch(b.objects(",", ":"), JSON, b.s, &Options{}, &first); err != nil {
			t.Fatal(err)
		}
		hold(t, &d, "batch", b.objects(", ", ": "), b.s, Options{})
		for how, body := range map[string][]byte{"csv": b.csv(), "batch": b.table(), "lines": b.lines()} {
			hold(t, &d, how, body, b.s, Options{})
			var f frame.Frame
			if _, err := read(&d, how, body, b.s, &Options{}, &f); err != nil {
				t.Fatal(err)
			}
			holdFrames(t, name+" "+how, nil, &f, &first)
		}
		for i, x := range first.Values {
			if math.IsNaN(x) {
				t.Fatalf("%s: value %d is missing", name, i)
			}
		}
	}
}

// TestSpaces holds the decoder to its twin wherever a space may stand, and
// wherever a body may be cut.
func TestSpaces(t *testing.T) {
	s := mixed(t)
	body := "[" + inOrderRow + "," + inOrderRow + "]"
	var d Decoder
	for i := range body {
		hold(t, &d, "batch", []byte(body[:i]), s, Options{})
		for _, c := range []string{" ", "\n", "\t\r", ",", "}", "0", ".", "\"", "\\", "\x00", "\xff"} {
			hold(t, &d, "batch", []byte(body[:i]+c+body[i:]), s, Options{})
			hold(t, &d, "batch", []byte(body[:i]+c+body[i+1:]), s, Options{})
		}
	}
}

func TestSortFaults(t *testing.T) {
	s := flat(t, "a", "b", "c")
	var d Decoder
	var f frame.Frame
	if _, err := d.Batch([]byte(`[{},{"c":"x","zz":1,"a":"x"},{"b":[]}]`), JSON, s, &Options{}, &f); err != nil {
		t.Fatal(err)
	}
	f.Fail(fault.Error{Row: 0, Field: "a"})
	f.Fail(fault.Error{Row: 1, Field: "b"})
	SortFaults(&f, s)
	got := ""
	for _, e := range f.Faults {
		got += fmt.Sprint(e.Row, e.Field, " ")
	}
	if want := "0a 1a 1b 1c 1zz 2b "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMediaType(t *testing.T) {
	for text, want := range map[string]string{
		"application/json": "application/json", "Application/JSON; charset=UTF-8": "application/json", "application/json;charset=\"utf-8\"": "application/json",
		"text/csv": "text/csv", "text/csv; header=present": "text/csv", "application/x-ndjson": "application/x-ndjson", "application/ndjson": "application/x-ndjson", "application/jsonl": "application/x-ndjson",
		"": "", "text/plain": "", "application/json; charset=latin-1": "", "application/problem+json": "", "application/json; charset": "", "text/json": "", ";": "",
	} {
		m, ok := MediaType(text)
		got := ""
		if ok {
			got = m.String()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

package schemafile

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

const rows = `length,count,open,color,empty,id,0weird: #name
1.5,3,true,red,,a0,5
-2.5e-7,-1,False,no,,a1,6
,0,,1,,a2,7
inf,9007199254740991,TRUE,"two
lines",,a3,8
`

func proposed(t *testing.T, s *Scan, model *schema.Document) (*Proposal, string) {
	t.Helper()
	p := Propose(s, model)
	text, err := p.AppendYAML(nil, "rows.csv", s.Rows)
	if err != nil {
		t.Fatal(err)
	}
	return p, string(text)
}

// same holds a proposal to what its own text says.
func same(t *testing.T, p *Proposal, text string) {
	t.Helper()
	doc, err := Parse("a.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if len(doc.Features) != len(p.Document.Features) {
		t.Fatalf("got %d features, want %d", len(doc.Features), len(p.Document.Features))
	}
	for i := range doc.Features {
		if got, want := fmt.Sprintf("%q", fmt.Sprint(doc.Features[i])), fmt.Sprintf("%q", fmt.Sprint(p.Document.Features[i])); got != want {
			t.Errorf("got %s, want %s in\n%s", got, want, text)
		}
	}
	if !reflect.DeepEqual(doc.Labels, p.Document.Labels) {
		t.Errorf("got the labels %q, want %q", doc.Labels, p.Document.Labels)
	}
}

// TestQuotedHeader: a mark of the byte order before a quoted name, as pandas
// writes both.
func TestQuotedHeader(t *testing.T) {
	s, err := ScanCSV(strings.NewReader("\ufeff\"a,b\",c\n1,2\n"))
	if err != nil || len(s.Columns) != 2 || s.Columns[0].Name != "a,b" || s.Rows != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestProposeFromCSV(t *testing.T) {
	s, err := ScanCSV(strings.NewReader("\ufeff" + rows))
	if err != nil {
		t.Fatal(err)
	}
	p, text := proposed(t, s, nil)
	same(t, p, text)
	want := `# A schema proposed from rows.csv, of 4 rows.
#
# The ranges are those of the rows: widen them to all that may come. Say what
# is missing and what it means, in which unit it is, and delete what is no
# feature. docs/schema.md has all that can be said. Then:
#   copse compile MODEL --schema THIS_FILE -o OUT.copse
#
features:
- name: length
  type: number
  description: Missing in 25.0 % of the rows.
  example: 1.5
  rules: gte=-2.5e-07
  missing: allow
- name: count
  type: integer
  example: 3
  rules: gte=-1,lte=9007199254740991
- name: open
  type: boolean
  description: Missing in 25.0 % of the rows.
  example: true
  missing: allow
# categories: must be in the order of the model's codes
- name: color
  type: category
  example: red
  categories: ['1', "no", red, "two\nlines"]
# no value in any row
- name: empty
  type: number
  description: Missing in 100.0 % of the rows.
  missing: allow
# categories: must be in the order of the model's codes
- name: id
  type: category
  example: a0
  categories: [a0, a1, a2, a3]
- name: '0weird: #name'
  type: integer
  example: 5
  rules: gte=5,lte=8
`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	// The rows themselves pass.
	sc, err := schema.New(p.Document)
	if err != nil {
		t.Fatal(err)
	}
	var d wire.Decoder
	var f frame.Frame
	if _, e := d.Batch([]byte(rows), wire.CSV, sc, &wire.Options{}, &f); e != nil {
		t.Fatal(e)
	}
	if sc.Validate(&f); f.Rows != 4 || len(f.Faults) > 0 {
		t.Errorf("got %d rows, %v", f.Rows, f.Faults)
	}
}

func TestProposeFromJSONL(t *testing.T) {
	s, err := ScanJSONL(strings.NewReader(`{"a":1,"b":true,"c":"x","d":[1],"e":1}
{"a":2.5,"c":null,"e":"x","f":0}

{"c":"","b":false}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, text := proposed(t, s, nil)
	same(t, p, text)
	var got []string
	for _, f := range p.Document.Features {
		got = append(got, fmt.Sprintf("%s %s %s %s %q %v %s", f.Name, f.Type, f.Rules, f.Missing, f.Categories, f.Example, f.Description))
	}
	want := []string{
		"a number gte=1,lte=2.5 allow [] 1 Missing in 33.3 % of the rows.",
		"b boolean  allow [] true Missing in 33.3 % of the rows.",
		`c category  allow ["" "x"] x Missing in 33.3 % of the rows.`,
		"f integer gte=0,lte=0 allow [] 0 Missing in 66.7 % of the rows.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if left := strings.Join(p.Left, "; "); !strings.Contains(left, "d: ") || !strings.Contains(left, "e: ") || !strings.Contains(text, "Left out:\n#   d: values") {
		t.Errorf("got %s in\n%s", left, text)
	}
}

func TestProposeFromParquet(t *testing.T) {
	data, err := os.ReadFile("../../../../pkg/bulk/parquetfile/testdata/arrow-dictionary.parquet")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquetfile.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	fromParquet, err := ScanParquet(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.Open("../../../../pkg/bulk/parquetfile/testdata/rows.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	fromCSV, err := ScanCSV(text)
	if err != nil {
		t.Fatal(err)
	}
	p, a := proposed(t, fromParquet, nil)
	_, b := proposed(t, fromCSV, nil)
	if same(t, p, a); a != b {
		t.Errorf("Parquet gives\n%s, CSV\n%s", a, b)
	}
	others, _ := os.ReadFile("../../../../pkg/bulk/parquetfile/testdata/others.parquet")
	if f, err = parquetfile.Open(bytes.NewReader(others), int64(len(others))); err != nil {
		t.Fatal(err)
	}
	s, err := ScanParquet(f)
	if err != nil {
		t.Fatal(err)
	}
	if p := Propose(s, nil); len(p.Document.Features) != 2 || len(p.Left) != 7 {
		t.Errorf("got %d features, and left %q", len(p.Document.Features), p.Left)
	}
}

// TestProposeForAModel: the model's features, in its order, with its codes.
func TestProposeForAModel(t *testing.T) {
	s, err := ScanCSV(strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	model := &schema.Document{Labels: []string{"no", "1"}, Features: []schema.Feature{
		{Name: "count", Missing: schema.Allow, Unit: "pieces"}, {Name: "weight"}, {Name: "id"},
		{Name: "color", Type: schema.Category, Categories: []string{"red", "no", "1"}, Unknown: schema.UnknownMissing},
		{Name: "length", Rules: "gte=-10", Description: "From end to end."}, {Name: "open"}, {Name: "empty"},
	}}
	p, text := proposed(t, s, model)
	same(t, p, text)
	var got []string
	for i, f := range p.Document.Features {
		got = append(got, fmt.Sprintf("%s %s %s %s %q %v %s|%s", f.Name, f.Type, f.Rules, f.Missing, f.Categories, f.Example, f.Description, p.Notes[i]))
	}
	want := []string{
		"count integer gte=-1,lte=9007199254740991 allow [] 3 |",
		"weight number   [] <nil> |not in the rows",
		"id number   [] <nil> |the rows have texts here, and the model takes numbers",
		`color category   ["red" "no" "1"] red |the rows have other texts too, such as "two\nlines"`,
		"length number gte=-10 allow [] 1.5 From end to end. Missing in 25.0 % of the rows.|",
		"open boolean  allow [] true Missing in 25.0 % of the rows.|",
		"empty number  allow [] <nil> Missing in 100.0 % of the rows.|no value in any row",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(p.Left) != 1 || len(model.Features[0].Rules) > 0 {
		t.Errorf("left %q; the model's own: %+v", p.Left, model.Features[0])
	}
}

// TestTextsSurvive: whatever a text is, it is read back as it was.
func TestTextsSurvive(t *testing.T) {
	texts := []string{"no", "yes", "on", "true", "null", "~", "", " ", " padded ", "1", "1.5", "0x10", "1e3", ".inf", "2020-01-01", "a: b", "# x", "x # y", "- x", "? x", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "'", `"`, `\`, "two\nlines", "tab\tin", "grün", "\u2028", "\u0085", "\ufeff", "\U0001f333", "\x7f", "<<", "=", "12:30"}
	s := newScan()
	s.Rows = len(texts)
	for i, text := range texts {
		c := s.column("c" + text)
		c.Value(text)
		c.Value(fmt.Sprint("other", i))
		s.column("all").Value(text)
	}
	p, text := proposed(t, s, nil)
	same(t, p, text)
}

func TestScanErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no header"}, {"a,a\n", "stands twice"}, {"a,b\n1\n", "wrong number of fields"}, {"a\n\"1", "quote"},
	} {
		if _, err := ScanCSV(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"[1]", "row 0: is no object"}, {"{}\n{\"a\":1,}", "row 1: "}, {`{"a":1,"a":2}`, "duplicate"}, {`{"a":`, "row 0: "},
	} {
		if _, err := ScanJSONL(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
}

// TestMemoryOfTexts: columns of many or long texts are no categories, and what
// they hold has a bound.
func TestMemoryOfTexts(t *testing.T) {
	s := newScan()
	for i := range 3000 {
		s.column("many").Value(fmt.Sprint("x", i))
		s.column("late").Value(float64(i))
		s.column("long").Value(strings.Repeat("x", maxText+i%2))
		s.Rows++
	}
	s.column("late").Value("x")
	p := Propose(s, nil)
	if len(p.Document.Features) != 0 || len(p.Left) != 3 {
		t.Errorf("got %+v, left %q", p.Document.Features, p.Left)
	}
	for _, c := range s.Columns {
		if len(c.texts) > maxCategories {
			t.Errorf("%s holds %d texts", c.Name, len(c.texts))
		}
	}
}

package httpapi

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// hostile is text that breaks out of what escapes it badly.
const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&{{title}}` + "\u2028"

// hostileUnit is as much of it as a unit may have.
const hostileUnit = `</script><script>alert(1)</script>`

// testModels are a classifier of numbers, and a regressor with everything that
// a schema can say, in hostile words.
func testModels(t testing.TB) []modelDoc {
	t.Helper()
	flowers := schema.Document{Name: "iris", Title: "Iris", Description: "Three species.", Target: "species"}
	for _, name := range []string{"sepal_length", "sepal_width"} {
		flowers.Features = append(flowers.Features, schema.Feature{Name: name, Type: schema.Number, Unit: "cm",
			Description: "A length.", Rules: "gt=0,lte=10", Example: 5.1})
	}
	houses := schema.Document{Name: "houses/ü", Title: hostile, Description: hostile, Target: hostile, Unit: hostileUnit,
		Features: []schema.Feature{
			{Name: "area", Rules: "gte=10,lt=1000", Unit: hostileUnit},
			{Name: "rooms", Type: schema.Integer, Rules: "gte=1,lte=20", Missing: schema.Allow},
			{Name: "garden", Type: schema.Boolean},
			{Name: "heating", Type: schema.Category, Categories: []string{"gas", hostile, "a,\"b\""}, Missing: schema.Allow},
			{Name: "age", Missing: schema.Fill, Default: 30.0, Rules: "gte=0"},
			{Name: "floor", Type: schema.Integer, Rules: "gt=3,lt=5"},
			{Name: hostile, Description: hostile},
			{Name: "__proto__", Rules: "ne=0"},
			{Name: "code", Type: schema.Category, Categories: []string{"a,\"b\"", "c"}},
			{Name: "street", Type: schema.Category, Categories: []string{"x"}, Missing: schema.Allow, Unknown: schema.UnknownMissing},
		}}
	return []modelDoc{
		testModel(t, flowers, predict.Info{Library: "golearn", Labels: []string{"setosa", "versicolor", hostile}}),
		testModel(t, houses, predict.Info{Library: hostile}),
	}
}

func testModel(t testing.TB, doc schema.Document, info predict.Info) modelDoc {
	t.Helper()
	s, err := schema.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return modelDoc{name: doc.Name, digest: "sha256:" + strings.Repeat("0", 64), trees: 3, shares: len(info.Labels) > 0, outputs: max(1, len(info.Labels)),
		info: info, schema: s}
}

func testDocument(t testing.TB, o docOptions) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(openAPIDocument(testModels(t), o), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at walks into a document.
func at(t testing.TB, v any, path ...string) any {
	t.Helper()
	for i, name := range path {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[name]; !ok {
				t.Fatalf("no %q among %v", strings.Join(path[:i+1], " "), keys(x))
			}
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(x) {
				t.Fatalf("no %q in a list of %d", strings.Join(path[:i+1], " "), len(x))
			}
			v = x[n]
		default:
			t.Fatalf("nothing below %q", strings.Join(path[:i], " "))
		}
	}
	return v
}

func keys(m map[string]any) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	doc := testDocument(t, docOptions{maxBody: 1 << 20, maxRows: 1000, version: "1.2.3"})
	if got := at(t, doc, "openapi"); got != "3.1.0" {
		t.Errorf("openapi is %v", got)
	}
	if got := at(t, doc, "servers", "0", "url"); got != "." {
		t.Errorf("the server is %v, want one relative to the document", got)
	}
	paths := at(t, doc, "paths").(map[string]any)
	for r := routePredict; r < numRoutes; r++ {
		op := at(t, paths, r.String()).(map[string]any)
		var methods []string
		for m := range op {
			methods = append(methods, strings.ToUpper(m))
		}
		slices.Sort(methods)
		if got, want := strings.Join(methods, ", "), r.methods(); got != want {
			t.Errorf("%s is described with %s, and has %s", r, got, want)
		}
	}
	for _, path := range []string{"/models/iris/predict", "/models/iris/batch-predict", "/models/houses%2F%C3%BC/predict"} {
		at(t, paths, path, "post", "responses", "200")
	}
	for _, path := range []string{"/predict", "/batch-predict"} {
		got := keys(at(t, paths, path, "post", "responses").(map[string]any))
		want := []string{"200"}
		for _, s := range statuses() {
			if s != 404 {
				want = append(want, strconv.Itoa(s))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s answers %v, want %v", path, got, want)
		}
	}
	for _, path := range []string{"/docs", "/openapi.json"} {
		at(t, paths, path, "get", "responses", "304")
	}
	at(t, paths, "/readyz", "get", "responses", "503")
	if got, want := keys(at(t, paths, "/batch-predict", "post", "requestBody", "content").(map[string]any)),
		[]string{"application/json", "application/x-ndjson", "text/csv"}; !slices.Equal(got, want) {
		t.Errorf("bodies of %v, want %v", got, want)
	}
}

// TestOpenAPIHolds checks what a reader of the document relies on: every
// reference leads somewhere, every operation has a name of its own, every
// component is used, and every error has a status and a code.
func TestOpenAPIHolds(t *testing.T) {
	for _, byID := range []bool{false, true} {
		doc := testDocument(t, docOptions{byID: byID})
		used, ids := map[string]bool{}, map[string]bool{}
		walk(doc, func(name string, v any) {
			if name == "$ref" {
				used[v.(string)] = true
			}
			if name == "operationId" {
				if ids[v.(string)] {
					t.Errorf("two operations are called %v", v)
				}
				ids[v.(string)] = true
			}
		})
		for r := range used {
			at(t, doc, strings.Split(strings.TrimPrefix(r, "#/"), "/")...)
		}
		for _, kind := range []string{"schemas", "responses", "headers", "parameters"} {
			for name := range at(t, doc, "components", kind).(map[string]any) {
				if full := "#/components/" + kind + "/" + name; !used[full] && name != "Problem404" {
					t.Errorf("%s is used nowhere", full)
				}
			}
		}
		codes := at(t, doc, "components", "schemas", "Problem", "properties", "code", "enum").([]any)
		for _, c := range fault.Codes() {
			if !slices.Contains(codes, any(c.String())) {
				t.Errorf("no code %s", c)
			}
			text := at(t, doc, "components", "responses", "Problem"+strconv.Itoa(c.Status()), "description").(string)
			if !strings.Contains(text, "`"+c.String()+"`") {
				t.Errorf("status %d does not tell of %s", c.Status(), c)
			}
		}
		if _, has := at(t, doc, "components", "schemas").(map[string]any)["Ids"]; has != byID {
			t.Errorf("rows by id are described: %v, want %v", has, byID)
		}
	}
}

func walk(v any, visit func(name string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			visit(name, e)
			walk(e, visit)
		}
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

func TestRowSchema(t *testing.T) {
	doc := testDocument(t, docOptions{})
	row := at(t, doc, "components", "schemas", "iris.Row")
	want := `{"description":"A length, in cm.","examples":[5.1],"exclusiveMinimum":0,"maximum":10,"type":"number","x-unit":"cm"}`
	if got, _ := json.Marshal(at(t, row, "properties", "sepal_length")); string(got) != want {
		t.Errorf("sepal_length:\ngot  %s\nwant %s", got, want)
	}
	if got := at(t, row, "additionalProperties"); got != false {
		t.Errorf("additionalProperties is %v", got)
	}
	houses := at(t, doc, "components", "schemas", "houses__.Row")
	for _, tt := range []struct {
		path []string
		want any
	}{
		{[]string{"rooms", "type"}, []any{"integer", "null"}},
		{[]string{"rooms", "minimum"}, 1.0},
		{[]string{"area", "minimum"}, 10.0},
		{[]string{"area", "exclusiveMaximum"}, 1000.0},
		{[]string{"garden", "type"}, "boolean"},
		{[]string{"heating", "type"}, []any{"string", "null"}},
		{[]string{"heating", "enum"}, []any{"gas", hostile, "a,\"b\"", nil}},
		{[]string{"age", "default"}, 30.0},
		{[]string{"age", "type"}, []any{"number", "null"}},
		{[]string{"floor", "exclusiveMinimum"}, 3.0},
		{[]string{"floor", "examples"}, []any{4.0}},
		{[]string{"__proto__", "not", "enum"}, []any{0.0}},
	} {
		if got := at(t, at(t, houses, "properties"), tt.path...); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.path, got, tt.want)
		}
	}
	required := at(t, houses, "required").([]any)
	if want := []any{"area", "garden", "floor", hostile, "__proto__", "code"}; !reflect.DeepEqual(required, want) {
		t.Errorf("required: got %v, want %v", required, want)
	}
}

// TestFeaturesKeepTheirOrder matters to who reads the document, and to its ETag.
func TestFeaturesKeepTheirOrder(t *testing.T) {
	models := testModels(t)
	text := openAPIDocument(models, docOptions{})
	from := bytes.Index(text, []byte(`"iris.Row"`))
	length, width := bytes.Index(text[from:], []byte("sepal_length")), bytes.Index(text[from:], []byte("sepal_width"))
	if length < 0 || width < length {
		t.Errorf("sepal_length at %d, sepal_width at %d", length, width)
	}
	if again := openAPIDocument(models, docOptions{}); !bytes.Equal(text, again) {
		t.Error("the same models give another document")
	}
}

func TestSpan(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		rules   string
		want    span
		words   string
		example float64
	}{
		{"", span{lo: -inf, hi: inf}, "", 0},
		{"gte=0,lte=10", span{lo: 0, hi: 10}, "0 to 10", 5},
		{"gt=0,lte=10", span{lo: 0, hi: 10, loOpen: true}, "more than 0, at most 10", 5},
		{"gte=1,gt=1", span{lo: 1, hi: inf, loOpen: true}, "more than 1", 2},
		{"gt=1,gte=2,lt=3", span{lo: 2, hi: 3, hiOpen: true}, "at least 2, less than 3", 2.5},
		{"min=1,max=1", span{lo: 1, hi: 1}, "exactly 1", 1},
		{"eq=-2.5", span{lo: -2.5, hi: -2.5}, "exactly -2.5", -2.5},
		{"ne=0", span{lo: -inf, hi: inf, never: []float64{0}}, "not 0", 1},
		{"gt=0,lt=0.5", span{lo: 0, hi: 0.5, loOpen: true, hiOpen: true}, "more than 0, less than 0.5", 0.25},
		{"lte=-1e300", span{lo: -inf, hi: -1e300}, "", 0},
		{"required", span{lo: -inf, hi: inf, rest: []string{"required"}}, "required", 0},
	} {
		got := spanOf(&schema.Feature{Rules: tt.rules})
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.rules, got, tt.want)
		}
		if words := got.words(); words != tt.words {
			t.Errorf("%q: got %q, want %q", tt.rules, words, tt.words)
		}
		if x := got.example(false); x != tt.example {
			t.Errorf("%q: example %v, want %v", tt.rules, x, tt.example)
		}
	}
}

// TestSpanAgreesWithTheSchema holds the documents' reading of the rules
// against the schema's own judgement of values.
func TestSpanAgreesWithTheSchema(t *testing.T) {
	for _, rules := range []string{"gte=0,lte=10", "gt=0,lt=10", "gte=1,gt=1", "eq=3", "ne=3", "min=-1,max=1", "lt=0.1"} {
		s, err := schema.New(schema.Document{Features: []schema.Feature{{Name: "x", Rules: rules}}})
		if err != nil {
			t.Fatal(err)
		}
		spanned := spanOf(s.Feature(0))
		for _, x := range []float64{-2, -1, 0, math.SmallestNonzeroFloat64, 0.1, 1, 2, 2.5, 3, math.Nextafter(10, 0), 10, 10.5, math.MaxFloat64} {
			_, err := schema.New(schema.Document{Features: []schema.Feature{{Name: "x", Rules: rules, Example: x}}})
			if got, want := spanned.holds(x), err == nil; got != want {
				t.Errorf("%q: %v is taken: %v, and the schema says %v", rules, x, got, want)
			}
		}
	}
}

// TestExamplesAreAccepted makes each example an example of the schema itself,
// which refuses one that its rules do not allow.
func TestExamplesAreAccepted(t *testing.T) {
	for _, m := range testModels(t) {
		doc := *m.schema.Document()
		doc.Features = slices.Clone(doc.Features)
		for i := range doc.Features {
			doc.Features[i].Example = m.example(i)
		}
		if _, err := schema.New(doc); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestSingleBoundsWhatTheModelHolds(t *testing.T) {
	m := testModel(t, schema.Document{Features: []schema.Feature{{Name: "x"}, {Name: "y", Scale: -10, Offset: 5}, {Name: "z", Rules: "gte=0"}}}, predict.Info{})
	m.single = true
	for i, want := range []span{
		{lo: -overSingle, hi: overSingle, loOpen: true, hiOpen: true},
		{lo: (overSingle - 5) / -10, hi: (-overSingle - 5) / -10, loOpen: true, hiOpen: true},
		{lo: 0, hi: overSingle, hiOpen: true},
	} {
		got := m.span(m.schema.Feature(i))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("feature %d: got %+v, want %+v", i, got, want)
		}
	}
}

func TestOverSingle(t *testing.T) {
	for x, want := range map[float64]bool{math.MaxFloat32: false, math.Nextafter(overSingle, 0): false, overSingle: true} {
		if got := math.IsInf(float64(float32(x)), 1); got != want {
			t.Errorf("%v as a float32 is infinite: %v, want %v", x, got, want)
		}
	}
}

func TestExampleCSV(t *testing.T) {
	models := testModels(t)
	m := testModel(t, schema.Document{Features: []schema.Feature{{Name: "a,b", Example: 1.5},
		{Name: "c", Type: schema.Category, Categories: []string{`say "x"`}}, {Name: "d", Type: schema.Boolean}}}, predict.Info{})
	for _, tt := range []struct {
		m    *modelDoc
		want string
	}{
		{&models[0], "sepal_length,sepal_width\n5.1,5.1\n"},
		{&m, "\"a,b\",c,d\n1.5,\"say \"\"x\"\"\",true\n"},
	} {
		if got := tt.m.exampleCSV(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestComponentNames(t *testing.T) {
	models := withKeys([]modelDoc{{name: "a"}, {name: "a b"}, {name: "a_b"}, {name: ""}, {name: "ü"}})
	var got []string
	for _, m := range models {
		got = append(got, m.key)
	}
	if want := []string{"a", "a_b", "a_b_2", "_3", "_"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAnswers looks at the three shapes of an answer.
func TestAnswers(t *testing.T) {
	numbers := testModel(t, schema.Document{Unit: "EUR", Features: []schema.Feature{{Name: "x"}}}, predict.Info{})
	many := numbers
	many.outputs = 3
	for _, tt := range []struct {
		m    modelDoc
		want string
	}{
		{numbers, `{"prediction":{"description":"The predicted value.","type":["number","null"],"x-unit":"EUR"}}`},
		{many, `{"prediction":{"description":"The predicted values.","type":"array","items":{"type":["number","null"]},"minItems":3,"maxItems":3,"x-unit":"EUR"}}`},
	} {
		if got := string(appendJSON(nil, tt.m.answer())); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	if got := keys(at(t, testDocument(t, docOptions{}), "components", "schemas", "iris.Reply", "properties").(map[string]any)); !slices.Equal(got, []string{"model", "prediction", "probabilities"}) {
		t.Errorf("a classifier's reply has %v", got)
	}
}

func BenchmarkOpenAPI(b *testing.B) {
	models := testModels(b)
	for b.Loop() {
		openAPIDocument(models, docOptions{})
	}
}

// TestUnknownCategories: where an unknown text counts as missing the document
// lists the known ones and forbids no other.
func TestUnknownCategories(t *testing.T) {
	for unknown, want := range map[schema.Unknown]string{
		schema.UnknownRefuse:  `"type":["string","null"],"enum":["a",null]`,
		schema.UnknownMissing: `"anyOf":[{"enum":["a",null]},{"description":"Any other text counts as missing.","type":"string"}]`,
	} {
		m := testModel(t, schema.Document{Features: []schema.Feature{
			{Name: "c", Type: schema.Category, Categories: []string{"a"}, Missing: schema.Allow, Unknown: unknown}}}, predict.Info{})
		text, err := json.Marshal(m.featureSchema(0))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: got %s, want %s in it (%v)", unknown, text, want, err)
		}
	}
}

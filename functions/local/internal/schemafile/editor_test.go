package schemafile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/copse/pkg/schema"
)

var update = flag.Bool("update", false, "write docs/schema.schema.json anew")

const (
	editorFile = "../../../../docs/schema.schema.json"
	docsFile   = "../../../../docs/schema.md"
)

// described are the meanings of the names in the two tables of docs/schema.md,
// the document's and a feature's.
func described(t *testing.T) [2]map[string]string {
	t.Helper()
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	tables := [2]map[string]string{{}, {}}
	at := -1
	row := regexp.MustCompile("^\\| (`[^|]*`) \\| (.*) \\|$")
	link := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "| of the document | |":
			at = 0
		case line == "| of a feature | |":
			at = 1
		}
		m := row.FindStringSubmatch(line)
		if m == nil || at < 0 {
			continue
		}
		meaning := strings.ReplaceAll(link.ReplaceAllString(m[2], "$1"), "`", "")
		for name := range strings.SplitSeq(m[1], ", ") {
			tables[at][strings.Trim(name, "`")] = strings.ToUpper(meaning[:1]) + meaning[1:]
		}
	}
	return tables
}

type object = map[string]any

// editorSchema makes a JSON Schema (draft 7, which editors know best) of the
// structs that a file is read into.
func editorSchema(t *testing.T) []byte {
	t.Helper()
	tables := described(t)
	feature := structure(t, reflect.TypeFor[schema.Feature](), tables[1])
	feature["allOf"] = []object{
		// Without a type or categories, those of the model's file hold.
		{"if": object{"properties": object{"type": object{"enum": []schema.Type{schema.Number, schema.Integer, schema.Boolean}}}, "required": []string{"type"}},
			"then": object{"properties": object{"categories": false}}},
		when("missing", schema.Fill, object{"required": []string{"default"}}, object{"properties": object{"default": false}}),
	}
	document := structure(t, reflect.TypeFor[schema.Document](), tables[0])
	properties := document["properties"].(object)
	properties["features"].(object)["items"] = feature
	document["$schema"] = "http://json-schema.org/draft-07/schema#"
	document["title"] = "A schema file of Copse"
	document["required"] = []string{"features"}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func when(name string, value any, then, otherwise object) object {
	return object{
		"if":   object{"properties": object{name: object{"const": value}}, "required": []string{name}},
		"then": then, "else": otherwise,
	}
}

func structure(t *testing.T, typ reflect.Type, meanings map[string]string) object {
	properties := object{}
	var required []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := Names(typ)[i]
		tag := f.Tag.Get("validate")
		p := member(t, f.Type, tag)
		if p["description"] = meanings[name]; meanings[name] == "" {
			t.Errorf("docs/schema.md says nothing of %s", name)
		}
		delete(meanings, name)
		properties[name] = p
		if strings.HasPrefix(tag, "required") {
			required = append(required, name)
		}
	}
	for name := range meanings {
		t.Errorf("docs/schema.md tells of %s, which a file cannot have", name)
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// member turns a field's type, and its tag for validator, into a schema.
func member(t *testing.T, typ reflect.Type, tag string) object {
	own, items, _ := strings.Cut(tag, ",dive")
	p := object{}
	switch typ.Kind() {
	case reflect.String:
		p["type"] = "string"
	case reflect.Float64:
		p["type"] = "number"
	case reflect.Bool:
		p["type"] = "boolean"
	case reflect.Interface:
		p["type"] = []string{"number", "boolean", "string"}
	case reflect.Slice:
		p["type"] = "array"
		if typ.Elem().Kind() == reflect.String {
			p["items"] = member(t, typ.Elem(), strings.TrimPrefix(items, ","))
		}
	default:
		t.Fatalf("no type for %v", typ)
	}
	for rule := range strings.SplitSeq(own, ",") {
		name, param, _ := strings.Cut(rule, "=")
		n, _ := strconv.Atoi(param)
		switch {
		case name == "oneof":
			p["enum"] = strings.Fields(param)
		case name == "max" && typ.Kind() == reflect.Slice:
			p["maxItems"] = n
		case name == "min" && typ.Kind() == reflect.Slice:
			p["minItems"] = n
		case name == "max":
			p["maxLength"] = n
		case name == "required":
			p["minLength"] = 1
		case name != "" && name != "omitempty":
			t.Errorf("the rule %q has no counterpart", rule)
		}
	}
	return p
}

// TestEditorSchema holds docs/schema.schema.json to the structs and to the
// words of docs/schema.md.
func TestEditorSchema(t *testing.T) {
	want := editorSchema(t)
	if *update {
		if err := os.WriteFile(editorFile, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(editorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the structs say: run go test with -update", editorFile)
	}
}

// TestEditorSchemaAgrees: what the file's reader takes, and refuses by name or
// type, the JSON Schema takes and refuses too.
func TestEditorSchemaAgrees(t *testing.T) {
	var doc any
	text, err := os.ReadFile(editorFile)
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	editor, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"sample": sample}
	docs, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile("(?s)```(?:yaml|json)\n(.*?)```").FindAllSubmatch(docs, -1) {
		files["docs/schema.md, "+strconv.Itoa(i)] = string(m[1])
	}
	if len(files) < 2 {
		t.Errorf("docs/schema.md has %d examples", len(files)-1)
	}
	for _, text := range []string{
		"features: []", "features:\n- {name: x, rule: a}", "features:\n- {name: 5}", "features:\n- {unit: cm}", "features:\n- {name: x, type: text}",
		"features:\n- {name: x, type: category}", "features:\n- {name: x, type: number, categories: [a]}", "features:\n- {name: x, categories: [a]}", "features:\n- {name: x, missing: fill}",
		"features:\n- {name: x, default: 5}", "features:\n- {name: x, scale: big}", "feature: []", "title: x",
	} {
		files[text] = text
	}
	model := schema.Document{Features: []schema.Feature{{Name: "x", Type: schema.Category, Categories: []string{"a"}}}}
	for name, text := range files {
		_, refused := Parse("a", []byte(text), &model)
		l, err := locate("a", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(l.text, &value); err != nil {
			t.Fatal(err)
		}
		if err := editor.Validate(value); (err == nil) != (refused == nil) {
			t.Errorf("%s: the reader says %v, the JSON Schema %v", name, refused, err)
		}
	}
}

package schemafile

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/copse/pkg/schema"
)

const sample = `# a comment
title: Iris species
features:
  - name: sepal_length
    unit: cm
    rules: gte=0,lte=10
    example: 5.1
  - {name: color, type: category, categories: [red, "1", no], missing: allow}
  - name: count
    type: integer
    default: 3
    missing: fill
    description: >
      Two lines
      in one.
  - name: open
    type: boolean
    example: true
    unit:
labels: [a, b]
`

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"yaml", "a.yaml", sample, `{"title":"Iris species","features":[{"name":"sepal_length","type":"","unit":"cm","example":5.1,"rules":"gte=0,lte=10"},` +
			`{"name":"color","type":"category","missing":"allow","categories":["red","1","no"]},` +
			`{"name":"count","type":"integer","description":"Two lines in one.\n","missing":"fill","default":3},` +
			`{"name":"open","type":"boolean","example":true}],"labels":["a","b"]}`},
		{"by content", "a", "features:\n- name: x\n", `{"features":[{"name":"x","type":""}]}`},
		{"json", "a.json", "{\n\t\"features\": [{\"name\": \"x\"}]\n}\n", `{"features":[{"name":"x","type":""}]}`},
		{"json by content", "schema", `{"features":[{"name":"x","scale":1e-1}]}`, `{"features":[{"name":"x","type":"","scale":0.1}]}`},
		{"json named yaml", "a.yml", `{"features": [{"name": "x"}]}`, `{"features":[{"name":"x","type":""}]}`},
		{"an alias", "a.yaml", "features:\n- &f {name: x, unit: cm}\n- {name: y}\nunit: &u kg\ntarget: *u\n", `{"features":[{"name":"x","type":"","unit":"cm"},{"name":"y","type":""}],"target":"kg","unit":"kg"}`},
	} {
		doc, err := Parse(c.file, []byte(c.text), nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, _ := json.Marshal(doc); string(got) != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.yaml", "", "is empty"},
		{"a.yaml", "# nothing\n", "is empty"},
		{"a.yaml", "features:\n- name: x\n  rule: gte=0\n", `line 3: unknown name "rule": did you mean "rules"?`},
		{"a.yaml", "feature:\n- name: x\n", `line 1: unknown name "feature": did you mean "features"?`},
		{"a.yaml", "features:\n- name: x\n  type: category\n  categories:\n  - a\n  - 1\n", "line 6: a value of categories must be a text: put quotes around it"},
		{"a.yaml", "features:\n- name: 5\n", "line 2: name must be a text: put quotes around it"},
		{"a.yaml", "features:\n  name: x\n", "line 1: features must be a list"},
		{"a.yaml", "features:\n- x\n", "line 2: a value of features must have names and values"},
		{"a.yaml", "features:\n- name: x\n  scale: big\n", "line 3: scale must be a number"},
		{"a.yaml", "features:\n- name: x\n- name: y\n  rules: gte=a\n", `line 4: feature "y": rules "gte=a": `},
		{"a.yaml", "features:\n- name: x\n- name: y\n  rules: gte=1\n  example: 0\n", `line 5: feature "y": example: y must be at least 1`},
		{"a.yaml", "features:\n- name: x\n  type: text\n", `line 3: feature 0, "x": type must keep to "oneof=number integer boolean category"`},
		{"a.yaml", "features:\n- name: x\n- name: x\n", `line 3: feature "x" stands twice`},
		{"a.yaml", "features:\n- name: x\n  name: y\n", `line 3: "name" stands twice, or is no name`},
		{"a.yaml", "features:\n- name: x\n  unit: [\n", "line 4: is no YAML"},
		{"a.yaml", "features:\n\t- name: x\n", "line 2: is no YAML"},
		{"a.yaml", "features:\n- name: x\n  default: .inf\n", "line 3: .inf is no number"},
		{"a.yaml", "features: []\n", "features must keep to"},
		{"a.yaml", "- a\n", "must have names and values"},
		{"a.json", "{\n\"features\": [\n{\"name\": \"x\",\n\"rule\": \"\"}]}", `line 4: unknown name "rule": did you mean "rules"?`},
		{"a.json", "{\n\"features\": [\n{\"name\": \"x\"\n\"unit\": \"\"}]}", "line 4: is no JSON"},
		{"a.json", "{\n\"features\": [\n{\"name\": \"x\",\n\"name\": \"y\"}]}", `line 4: "name" stands twice`},
		{"a.json", "{\"features\": [\n{\"name\": \"x\",\n", "line 2: the text ends too early"},
		{"a.json", "{\"features\": [{\"name\": \"x\"}]}\n\n{}\n", "line 3: there is more text"},
		{"a.json", "{\"features\": [{\"name\": \"x\",\n\"categories\": \"a\"}]}\n", "line 2: categories must be a list"},
		{"a.json", "[]", "must have names and values"},
		{"a.yaml", strings.Repeat("[", 100), "line 2: is no YAML"},
		{"a.yaml", strings.Repeat("[", 100) + strings.Repeat("]", 100), "line 1: is nested too deeply"},
		{"a.yaml", "features: &a\n- name: x\n- *a\n", "line"},
		{"a.yaml", strings.Repeat(" ", maxFile+1), "more than"},
	} {
		_, err := Parse(c.file, []byte(c.text), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.100q:\ngot %v\nwant %s", c.file, c.text, err, c.want)
		}
	}
}

// FuzzParse: whatever the text, there is a document that the schema takes, or
// an error of one line.
func FuzzParse(f *testing.F) {
	for _, text := range []string{sample, `{"features":[{"name":"x"}]}`, "features:\n- &a {name: x}\n- *a", "a: {b: [c, 1, true, ~, .nan]}", "\t", "? a\n: b", "%YAML 1.1\n---\na: !!binary x"} {
		f.Add(true, []byte(text))
		f.Add(false, []byte(text))
	}
	f.Fuzz(func(t *testing.T, isYAML bool, text []byte) {
		name := map[bool]string{true: "a.yaml", false: "a.json"}[isYAML]
		doc, err := Parse(name, text, nil)
		if err != nil {
			if s := err.Error(); s == "" || strings.Contains(s, "\n") || !utf8.ValidString(s) {
				t.Errorf("%q: got %q", text, s)
			}
			return
		}
		if _, err := schema.New(doc); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

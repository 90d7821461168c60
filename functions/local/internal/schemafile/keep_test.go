package schemafile

import (
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/schema"
)

// own is what a model file says of its features.
var own = schema.Document{Features: []schema.Feature{
	{Name: "number", Type: schema.Number, Missing: schema.Allow, Finite: true},
	{Name: "city", Type: schema.Category, Missing: schema.Allow, Unknown: schema.UnknownMissing, Categories: []string{"a", "b"}},
	{Name: "filled", Type: schema.Number, Missing: schema.Fill, Default: 5.0},
	{Name: "open", Type: schema.Boolean, Missing: schema.Refuse},
}}

// TestKeep: what a file leaves out stays as the model has it, and what it says
// holds.
func TestKeep(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       schema.Feature
	}{
		{"nothing is said", "{name: number}", own.Features[0]},
		{"nothing of a category", "{name: city}", own.Features[1]},
		{"nothing of a default", "{name: filled}", own.Features[2]},
		{"nothing of a boolean", "{name: open}", own.Features[3]},
		{"nulls", "{name: city, type: null, missing: null, unknown: null, categories: null}", own.Features[1]},
		{"a null in JSON", `{"name": "city", "categories": null}`, own.Features[1]},
		{"another thing is said", "{name: number, rules: gte=0}",
			schema.Feature{Name: "number", Type: schema.Number, Missing: schema.Allow, Finite: true, Rules: "gte=0"}},
		{"all is said", "{name: number, type: integer, missing: refuse, finite: false}",
			schema.Feature{Name: "number", Type: schema.Integer, Missing: schema.Refuse}},
		{"a category is said to be strict", "{name: city, unknown: refuse, missing: refuse}",
			schema.Feature{Name: "city", Type: schema.Category, Missing: schema.Refuse, Unknown: schema.UnknownRefuse, Categories: []string{"a", "b"}}},
		{"its codes are given", "{name: city, type: integer}", schema.Feature{Name: "city", Type: schema.Integer, Missing: schema.Allow}},
		{"no default any more", "{name: filled, missing: allow}", schema.Feature{Name: "filled", Type: schema.Number, Missing: schema.Allow}},
		{"another default", "{name: filled, default: 7}",
			schema.Feature{Name: "filled", Type: schema.Number, Missing: schema.Fill, Default: 7.0}},
		{"a feature that the model does not have", "{name: other}", schema.Feature{Name: "other"}},
	} {
		for _, before := range []string{"", "{name: first}, "} { // the place in the file is not the model's
			doc, err := Parse("a.yaml", []byte("features: ["+before+tt.text+"]"), &own)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if got := doc.Features[len(doc.Features)-1]; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
			}
		}
	}
}

// TestKeepRefuses: what does not go with what the model says is an error at its
// line.
func TestKeepRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"- name: city\n  rules: gte=0":       `line 3: feature "city": a category takes no rules`,
		"- name: number\n  categories: [a]":  `line 3: feature "number": categories need the type "category"`,
		"- name: filled\n  scale: 2":         `feature "filled": "missing": "fill" needs a default`,
		"- name: number\n  default: 2":       `a default needs "missing": "fill"`,
		"- name: other\n  type: category":    "a category feature needs its categories",
		"- name: city\n  categories: [a, a]": `category "a" stands twice`,
		"- name: number\n  finite: 2":        "finite must be",
	} {
		if _, err := Parse("a.yaml", []byte("features:\n"+text), &own); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

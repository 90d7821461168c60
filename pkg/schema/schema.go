// Package schema says what a row means: which features it has, in which order,
// of which type, unit and range, and what is done when one is missing.
//
// A Schema is made once, when a model is loaded, and is immutable: all names
// become column numbers, categories become codes, and rules in validator/v10's
// tag syntax become ranges (see rules.go). Requests then only pay for
// comparisons.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Type is what a feature's value may be.
type Type string

const (
	Number   Type = "number"
	Integer  Type = "integer"
	Boolean  Type = "boolean" // false is 0, true is 1
	Category Type = "category"
)

// Missing is what happens to a row in which a feature has no value.
type Missing string

const (
	// Refuse makes the row an error. It is the default.
	Refuse Missing = "refuse"
	// Allow hands NaN to the model, which learned where to send it.
	Allow Missing = "allow"
	// Fill puts the feature's Default in its place.
	Fill Missing = "fill"
)

// Unknown is what happens to a row with a text that is none of a feature's
// categories.
type Unknown string

const (
	// UnknownRefuse makes the row an error. It is the default, as "" is.
	UnknownRefuse Unknown = "refuse"
	// UnknownMissing takes the text for no value: Missing then says what
	// happens. It is what libraries do whose model has the categories.
	UnknownMissing Unknown = "missing"
)

// Feature is one column, as a schema file states it.
type Feature struct {
	Name        string `json:"name" validate:"required,max=256"`
	Type        Type   `json:"type" validate:"oneof=number integer boolean category"`
	Unit        string `json:"unit,omitempty" validate:"max=64"`
	Description string `json:"description,omitempty" validate:"max=4096"`
	// Example is a value that the rules accept: a number, a boolean or, for a
	// category, its text.
	Example any `json:"example,omitempty"`
	// Rules are in validator/v10's tag syntax: "gte=0,lte=10".
	Rules   string  `json:"rules,omitempty" validate:"max=1024"`
	Missing Missing `json:"missing,omitempty" validate:"oneof=refuse allow fill"`
	// Finite refuses infinities, as XGBoost does.
	Finite bool `json:"finite,omitempty"`
	// Default is the value for Missing == Fill.
	Default any `json:"default,omitempty"`
	// Categories are the texts of a category, in the order of their codes.
	Categories []string `json:"categories,omitempty" validate:"max=65536,dive,max=1024"`
	// Unknown says what a text outside Categories is.
	Unknown Unknown `json:"unknown,omitempty" validate:"omitempty,oneof=refuse missing"`
	// Scale and Offset turn the caller's unit into the one that the model was
	// trained in: model value = value × Scale + Offset. Rules and Unit are the
	// caller's. Scale 0 means 1.
	Scale  float64 `json:"scale,omitempty"`
	Offset float64 `json:"offset,omitempty"`
}

// Document is a schema file.
type Document struct {
	Name        string    `json:"name,omitempty" validate:"max=256"`
	Title       string    `json:"title,omitempty" validate:"max=256"`
	Description string    `json:"description,omitempty" validate:"max=16384"`
	Features    []Feature `json:"features" validate:"min=1,max=65535,dive"`
	// Labels are the texts of the classes in the order of the model's outputs.
	Labels []string `json:"labels,omitempty" validate:"max=65536,dive,max=1024"`
	// Target names what is predicted, Unit its unit.
	Target string `json:"target,omitempty" validate:"max=256"`
	Unit   string `json:"unit,omitempty" validate:"max=64"`
}

// column is what requests need of a feature, compiled.
type column struct {
	lo, hi  float64 // closed range; NaN and everything outside go to judge
	rules   rules
	codes   map[string]int32 // categories
	oneOf   string           // what is told of a text that is none of them
	unknown bool             // a text outside the categories is missing
	fill    float64
	scale   float64
	offset  float64
}

// Schema is a compiled Document.
type Schema struct {
	doc     Document
	columns []column
	lo, hi  []float64
	index   map[string]int32
	convert bool // some column has a scale, an offset or a fill
	slow    bool // a range per column does not tell the whole rule
	kept    []bool
}

// Parse reads a schema file in JSON and compiles it. Its error names the
// feature and what is wrong with it.
func Parse(data []byte) (*Schema, error) {
	var doc Document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if dec.More() {
		return nil, errors.New("schema: more than one JSON value")
	}
	return New(doc)
}

// New checks a document against its own rules and compiles it.
func New(doc Document) (*Schema, error) {
	doc = withDefaults(doc)
	if err := checkDocument(&doc); err != nil {
		return nil, err
	}
	for i := range doc.Features {
		f := &doc.Features[i]
		if err := tryTag(f, f.Rules); err != nil {
			return nil, fmt.Errorf("schema: feature %q: %w", f.Name, err)
		}
	}
	return build(doc)
}

// withDefaults fills in what a file may leave out, in a copy.
func withDefaults(doc Document) Document {
	doc.Features = append([]Feature(nil), doc.Features...)
	for i := range doc.Features {
		f := &doc.Features[i]
		if f.Missing == "" {
			f.Missing = Refuse
		}
		if f.Type == "" {
			f.Type = Number
		}
	}
	return doc
}

func build(doc Document) (*Schema, error) {
	s := &Schema{
		doc:     doc,
		columns: make([]column, len(doc.Features)),
		lo:      make([]float64, len(doc.Features)),
		hi:      make([]float64, len(doc.Features)),
		index:   make(map[string]int32, len(doc.Features)),
	}
	for i := range doc.Features {
		f := &doc.Features[i]
		if _, twice := s.index[f.Name]; twice {
			return nil, fmt.Errorf("schema: feature %q stands twice", f.Name)
		}
		s.index[f.Name] = int32(i)
		if err := s.columns[i].compile(f); err != nil {
			return nil, fmt.Errorf("schema: feature %q: %w", f.Name, err)
		}
		c := &s.columns[i]
		s.lo[i], s.hi[i] = c.lo, c.hi
		s.convert = s.convert || c.scale != 1 || c.offset != 0 || f.Missing == Fill
		s.slow = s.slow || c.rules.tag != "" || f.Type == Integer || f.Type == Boolean
	}
	return s, nil
}

// compile resolves one feature's rules, categories and default.
func (c *column) compile(f *Feature) error {
	if err := c.compileCategories(f); err != nil {
		return err
	}
	var err error
	if c.rules, err = compileRules(f); err != nil {
		return err
	}
	c.lo, c.hi = c.rules.lo, c.rules.hi
	if f.Finite {
		c.lo, c.hi = math.Max(c.lo, -math.MaxFloat64), math.Min(c.hi, math.MaxFloat64)
	}
	switch f.Type {
	case Boolean:
		c.lo, c.hi = math.Max(c.lo, 0), math.Min(c.hi, 1)
	case Category:
		c.lo, c.hi = 0, float64(len(f.Categories)-1)
	}
	c.scale, c.offset = f.Scale, f.Offset
	if c.scale == 0 {
		c.scale = 1
	}
	if !finite(c.scale) || !finite(c.offset) {
		return errors.New("scale and offset must be finite")
	}
	if f.Type == Category && (c.scale != 1 || c.offset != 0) {
		return errors.New("a category has no scale or offset")
	}
	if f.Missing == Fill {
		if f.Default == nil {
			return errors.New(`"missing": "fill" needs a default`)
		}
		if c.fill, err = c.value(f, f.Default); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	} else if f.Default != nil {
		return errors.New(`a default needs "missing": "fill"`)
	}
	if f.Example != nil {
		if _, err := c.value(f, f.Example); err != nil {
			return fmt.Errorf("example: %w", err)
		}
	}
	return nil
}

func (c *column) compileCategories(f *Feature) error {
	if f.Type != Category {
		if len(f.Categories) > 0 {
			return fmt.Errorf("categories need the type %q", Category)
		}
		return nil
	}
	if len(f.Categories) == 0 {
		return errors.New("a category feature needs its categories")
	}
	c.unknown = f.Unknown == UnknownMissing
	c.oneOf = oneOf(f.Categories)
	c.codes = make(map[string]int32, len(f.Categories))
	for code, text := range f.Categories {
		if _, twice := c.codes[text]; twice {
			return fmt.Errorf("category %q stands twice", text)
		}
		c.codes[text] = int32(code)
	}
	// Texts that are alike when cleaned keep their own codes, and the first of
	// them is meant by a text that is exactly none.
	for code, text := range f.Categories {
		key := NormalizeText(text)
		if _, taken := c.codes[key]; !taken {
			c.codes[key] = int32(code)
		}
	}
	return nil
}

// value turns a JSON value of the schema file into the column's number and
// holds it against the rules.
func (c *column) value(f *Feature, v any) (float64, error) {
	x, err := c.number(f, v)
	if err != nil {
		return 0, err
	}
	if e := c.judge(f, x); e != nil {
		return 0, errors.New(e.Message)
	}
	return x, nil
}

func (c *column) number(f *Feature, v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		if f.Type == Number || f.Type == Integer {
			return v, nil
		}
	case bool:
		if f.Type == Boolean && v {
			return 1, nil
		} else if f.Type == Boolean {
			return 0, nil
		}
	case string:
		if f.Type == Category {
			if code, ok := c.codes[NormalizeText(v)]; ok {
				return float64(code), nil
			}
			return 0, errors.New("is none of the categories")
		}
	}
	return 0, fmt.Errorf("is not of type %s", f.Type)
}

// NormalizeText is the clean form of a category's text: Unicode NFC, without
// white space around it.
func NormalizeText(s string) string {
	return norm.NFC.String(strings.TrimSpace(s))
}

// Document returns what the schema was made from, defaults filled in. It is
// shared: do not change it.
func (s *Schema) Document() *Document { return &s.doc }

// NumFeatures is the number of columns.
func (s *Schema) NumFeatures() int { return len(s.columns) }

// Feature returns column i's feature. It is shared: do not change it.
func (s *Schema) Feature(i int) *Feature { return &s.doc.Features[i] }

// Range is the closed range of column i that its type and rules allow;
// infinite where they allow all.
func (s *Schema) Range(i int) (lo, hi float64) { return s.lo[i], s.hi[i] }

// Index finds a feature by its exact name.
func (s *Schema) Index(name []byte) (int, bool) {
	i, ok := s.index[string(name)]
	return int(i), ok
}

// Code turns a category's text into the code of column i, NaN where an unknown
// one counts as missing. It does not allocate for a text that is written as
// the schema has it.
func (s *Schema) Code(i int, text []byte) (float64, bool) {
	c := &s.columns[i]
	if code, ok := c.codes[string(text)]; ok {
		return float64(code), true
	}
	code, ok := c.codes[NormalizeText(string(text))]
	if !ok && c.unknown {
		return math.NaN(), true
	}
	return float64(code), ok
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Package schemafile reads the schema files that users write, in YAML or JSON,
// with the line of what is wrong, and proposes one from rows of data.
//
// Question: one reader for both, since JSON is nearly YAML? Choice: two, which
// meet in JSON text and a table of lines. Why: YAML takes no tabs for spaces,
// and the errors of a JSON reader speak of JSON. What would change it: a YAML
// library that reads any JSON.
package schemafile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/schema"
)

// maxFile bounds a schema file, in bytes: 65,535 features of 256 bytes.
const maxFile = 16 << 20

// Error is what is wrong with a schema file. Line counts from 1; 0 is the file
// as a whole.
type Error struct {
	Line   int
	Reason string
}

// Error is one line, whatever the file has in its texts.
func (e *Error) Error() string {
	reason := strings.ReplaceAll(strings.ToValidUTF8(e.Reason, "\ufffd"), "\n", " ")
	if e.Line == 0 {
		return reason
	}
	return "line " + strconv.Itoa(e.Line) + ": " + reason
}

// located is a file's content as JSON, and the line of each value by its JSON
// pointer.
type located struct {
	text  []byte
	lines map[jsontext.Pointer]int
}

// line is that of a value, or of the nearest one that it is part of.
func (l *located) line(p jsontext.Pointer) int {
	for {
		if n, ok := l.lines[p]; ok || p == "" {
			return n
		}
		p = p.Parent()
	}
}

// Parse reads a schema file and checks it. It is YAML if its name ends in
// .yaml or .yml, or if it does not begin with a brace. What it leaves out of a
// feature is as model says, if that is not nil: see keep. Errors are *Error.
func Parse(name string, data []byte, model *schema.Document) (schema.Document, error) {
	l, err := locate(name, data)
	if err != nil {
		return schema.Document{}, err
	}
	var doc schema.Document
	if err := json.Unmarshal(l.text, &doc, json.RejectUnknownMembers(true)); err != nil {
		return schema.Document{}, l.explain(err)
	}
	if model != nil {
		l.keep(&doc, model)
	}
	if _, err := schema.New(doc); err != nil {
		return schema.Document{}, l.blame(&doc, err)
	}
	return doc, nil
}

// keep fills in what the file leaves out and the model's own file says: a
// feature's type, what a missing value and an unknown text are, whether it is
// finite, and its categories. A default for missing values is the model's only
// where the unit is too.
func (l *located) keep(doc, model *schema.Document) {
	own := make(map[string]*schema.Feature, len(model.Features))
	for i := range model.Features {
		own[model.Features[i].Name] = &model.Features[i]
	}
	for i := range doc.Features {
		f := &doc.Features[i]
		m, ok := own[f.Name]
		if !ok {
			continue
		}
		f.Type = cmp.Or(f.Type, m.Type)
		if f.Type == schema.Category {
			f.Unknown = cmp.Or(f.Unknown, m.Unknown)
			if f.Categories == nil {
				f.Categories = m.Categories
			}
		}
		f.Missing = cmp.Or(f.Missing, m.Missing)
		if sameUnit := (f.Scale == 0 || f.Scale == 1) && f.Offset == 0; sameUnit && f.Missing == schema.Fill && f.Default == nil {
			f.Default = m.Default
		}
		if _, says := l.lines[jsontext.Pointer("/features/"+strconv.Itoa(i)+"/finite")]; !says {
			f.Finite = m.Finite
		}
	}
}

func locate(name string, data []byte) (*located, error) {
	if len(data) > maxFile {
		return nil, &Error{Reason: fmt.Sprintf("has more than %d bytes", maxFile)}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case len(text) == 0:
		return nil, &Error{Reason: "is empty"}
	case ext == ".yaml" || ext == ".yml":
	case ext == ".json" || text[0] == '{':
		return locateJSON(data)
	}
	return locateYAML(data)
}

// locateJSON finds the line of every value.
func locateJSON(data []byte) (*located, error) {
	l := &located{text: data, lines: make(map[jsontext.Pointer]int)}
	d := jsontext.NewDecoder(bytes.NewReader(data))
	line, at := 1, int64(0)
	for first := true; first || d.StackDepth() > 0; first = false {
		if _, err := d.ReadToken(); err != nil {
			return nil, syntax(data, err)
		}
		end := d.InputOffset()
		line += bytes.Count(data[at:end], []byte("\n"))
		at = end
		if p := d.StackPointer(); l.lines[p] == 0 {
			l.lines[p] = line
		}
	}
	if rest := bytes.TrimLeft(data[at:], " \t\r\n"); len(rest) > 0 {
		return nil, &Error{Line: lineOf(data, len(data)-len(rest)), Reason: "there is more text after the schema's closing brace"}
	}
	return l, nil
}

func lineOf(data []byte, at int) int { return 1 + bytes.Count(data[:at], []byte("\n")) }

// syntax is an error in JSON's grammar.
func syntax(data []byte, err error) error {
	var e *jsontext.SyntacticError
	if !errors.As(err, &e) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Line: lineOf(data, len(bytes.TrimRight(data, " \t\r\n"))), Reason: "the text ends too early: a bracket is missing"}
	}
	if errors.Is(e, jsontext.ErrDuplicateName) {
		return &Error{Line: lineOf(data, int(e.ByteOffset)), Reason: strconv.Quote(e.JSONPointer.LastToken()) + " stands twice"}
	}
	reason := strings.TrimPrefix(e.Err.Error(), "jsontext: ")
	return &Error{Line: lineOf(data, min(int(e.ByteOffset), len(data))), Reason: "is no JSON: " + reason}
}

// explain turns an error of types or names into one about the file.
func (l *located) explain(err error) error {
	var e *json.SemanticError
	if !errors.As(err, &e) {
		return &Error{Reason: err.Error()}
	}
	name := e.JSONPointer.LastToken()
	out := &Error{Line: l.line(e.JSONPointer)}
	if errors.Is(e, json.ErrUnknownName) {
		out.Reason = "unknown name " + strconv.Quote(name)
		if near := nearest(name, e.JSONPointer); near != "" {
			out.Reason += ": did you mean " + strconv.Quote(near) + "?"
		}
		return out
	}
	if _, err := strconv.Atoi(name); err == nil {
		name = "a value of " + e.JSONPointer.Parent().LastToken()
	}
	out.Reason = name + " " + mustBe(e.GoType)
	return out
}

// nearest finds the name that was meant among those that may stand there.
func nearest(name string, p jsontext.Pointer) string {
	t := reflect.TypeFor[schema.Document]()
	if strings.HasPrefix(string(p), "/features/") {
		t = reflect.TypeFor[schema.Feature]()
	}
	names := Names(t)
	return fault.Nearest(name, len(names), func(i int) string { return names[i] })
}

// Names are the names of a struct's members in a file.
func Names(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func mustBe(t reflect.Type) string {
	switch {
	case t == nil:
		return "has a value of the wrong kind"
	case t.Kind() == reflect.String:
		return "must be a text: put quotes around it"
	case t.Kind() == reflect.Slice:
		return "must be a list"
	case t.Kind() == reflect.Struct:
		return "must have names and values"
	}
	return "must be a number"
}

// blame finds the line of what the schema's own rules refuse: that of the
// feature that is refused alone too, or has the name of one before it.
func (l *located) blame(doc *schema.Document, err error) error {
	reason := strings.TrimPrefix(err.Error(), "schema: ")
	seen := make(map[string]bool)
	for i := range doc.Features {
		f := &doc.Features[i]
		p := jsontext.Pointer("/features/" + strconv.Itoa(i))
		if seen[f.Name] {
			return &Error{Line: l.line(p), Reason: fmt.Sprintf("feature %q stands twice", f.Name)}
		}
		seen[f.Name] = true
		if _, err := schema.New(schema.Document{Features: slices.Clone(doc.Features[i : i+1])}); err != nil {
			return &Error{Line: l.line(l.member(p, err)), Reason: strings.TrimPrefix(err.Error(), "schema: ")}
		}
	}
	return &Error{Reason: reason}
}

// member is the place of the first member of a feature that an error speaks
// of, else the feature's own.
func (l *located) member(feature jsontext.Pointer, err error) jsontext.Pointer {
	for _, name := range Names(reflect.TypeFor[schema.Feature]()) {
		p := feature.AppendToken(name)
		if _, there := l.lines[p]; there && name != "name" && strings.Contains(err.Error(), strings.TrimSuffix(name, "s")) {
			return p
		}
	}
	return feature
}

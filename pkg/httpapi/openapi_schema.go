package httpapi

import (
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/schema"
)

// featureSchema is the JSON Schema of one feature's value.
func (m *modelDoc) featureSchema(i int) object {
	f := m.schema.Feature(i)
	optional := f.Missing != schema.Refuse
	o := object{}.with("type", typeOf(f, optional))
	o = o.when(f.Description != "" || f.Unit != "", "description", describeFeature(f))
	switch f.Type {
	case schema.Category:
		list := anys(f.Categories)
		if optional {
			list = append(list, nil)
		}
		if f.Unknown == schema.UnknownMissing {
			known := object{{"enum", list}}
			o = o.with("anyOf", []any{known, described("Any other text counts as missing.", object{{"type", "string"}})})
		} else {
			o = o.with("enum", list)
		}
	case schema.Number, schema.Integer:
		o = m.ranged(o, f)
	}
	o = o.when(f.Missing == schema.Fill, "default", f.Default)
	o = o.with("examples", []any{m.example(i)})
	return o.when(f.Unit != "", "x-unit", f.Unit)
}

// ranged adds a number's rules.
func (m *modelDoc) ranged(o object, f *schema.Feature) object {
	s := m.span(f)
	low, high := "minimum", "maximum"
	if s.loOpen {
		low = "exclusiveMinimum"
	}
	if s.hiOpen {
		high = "exclusiveMaximum"
	}
	o = o.when(s.lo > negInf, low, s.lo).when(s.hi < posInf, high, s.hi)
	if s.never != nil {
		o = o.with("not", object{{"enum", s.never}})
	}
	return o.when(s.rest != nil, "x-rules", strings.Join(s.rest, ","))
}

func typeOf(f *schema.Feature, optional bool) any {
	t := string(f.Type)
	if f.Type == schema.Category {
		t = "string"
	}
	if optional {
		return []any{t, "null"}
	}
	return t
}

// describeFeature is the description with the unit and what a missing value
// means.
func describeFeature(f *schema.Feature) string {
	var parts []string
	if f.Description != "" {
		parts = append(parts, strings.TrimSuffix(f.Description, "."))
	}
	if f.Unit != "" {
		parts = append(parts, "in "+f.Unit)
	}
	return strings.Join(parts, ", ") + "."
}

// example is a value of feature i that the server accepts: the schema's own,
// else one that its rules allow.
func (m *modelDoc) example(i int) any {
	f := m.schema.Feature(i)
	switch {
	case f.Example != nil:
		return f.Example
	case f.Missing == schema.Fill:
		return f.Default
	case f.Type == schema.Category:
		return f.Categories[0]
	case f.Type == schema.Boolean:
		return true
	}
	s := m.span(f)
	return s.example(f.Type == schema.Integer)
}

// span is what the feature's rules, and the model's own precision, allow.
func (m *modelDoc) span(f *schema.Feature) span {
	s := spanOf(f)
	if m.single {
		s.single(f)
	}
	return s
}

// exampleRow is a row that the server accepts.
func (m *modelDoc) exampleRow() object {
	row := make(object, m.schema.NumFeatures())
	for i := range row {
		row[i] = member{m.schema.Feature(i).Name, m.example(i)}
	}
	return row
}

// exampleColumns is the example as a header and the cells under it.
func (m *modelDoc) exampleColumns() (names, cells []any) {
	for _, c := range m.exampleRow() {
		names, cells = append(names, c.name), append(cells, c.value)
	}
	return names, cells
}

// rowSchema is the JSON Schema of a row.
func (m *modelDoc) rowSchema() object {
	properties, required := object{}, []any{}
	for i := range m.schema.NumFeatures() {
		f := m.schema.Feature(i)
		properties = properties.with(f.Name, m.featureSchema(i))
		if f.Missing == schema.Refuse {
			required = append(required, f.Name)
		}
	}
	return object{
		{"type", "object"},
		{"description", "One row: the model's features by name."},
		{"properties", properties},
		{"required", required},
		{"additionalProperties", false},
		{"examples", []any{m.exampleRow()}},
	}
}

// closed is an object of exactly these members, the optional ones last.
func closed(required, optional object) object {
	names := make([]any, len(required))
	for i, p := range required {
		names[i] = p.name
	}
	all := append(append(object{}, required...), optional...)
	return object{{"type", "object"}, {"properties", all}, {"required", names}, {"additionalProperties", false}}
}

func listOf(items any) object { return object{{"type", "array"}, {"items", items}} }

func described(text string, o object) object {
	return append(object{{"description", text}}, o...)
}

// oneRow is the body of /predict.
func (m *modelDoc) oneRow(byID bool) object {
	row := ref("schemas", m.key+".Row")
	if !byID {
		return row
	}
	return object{{"oneOf", []any{row, ref("schemas", "Id")}}}
}

// batch is the JSON body of /batch-predict.
func (m *modelDoc) batch(byID bool) object {
	rows := listOf(ref("schemas", m.key+".Row"))
	n := m.schema.NumFeatures()
	names, values := make([]any, n), make([]any, n)
	for i := range n {
		f := m.schema.Feature(i)
		names[i], values[i] = object{{"const", f.Name}}, m.featureSchema(i)
	}
	forms := []any{
		described("A list of rows.", rows),
		described("Rows by name.", closed(object{{"rows", rows}}, nil)),
		described("Columns once, then the values of each row in their order. Columns may come in any order, "+
			"and those of features that may be missing may be left out.", closed(object{
			{"columns", tuple(names)},
			{"data", listOf(tuple(values))},
		}, nil)),
	}
	if byID {
		forms = append(forms, ref("schemas", "Ids"))
	}
	return object{{"oneOf", forms}}
}

// tuple is a list of exactly these items.
func tuple(items []any) object {
	return object{{"type", "array"}, {"prefixItems", items}, {"minItems", len(items)}, {"maxItems", len(items)}}
}

// answer is the members of one row's answer.
func (m *modelDoc) answer() object {
	doc := m.schema.Document()
	labels := m.info.Labels
	number := object{{"type", []any{"number", "null"}}} // null: not finite, which JSON has no number for
	if len(labels) == 0 {
		value, what := number, "The predicted value"
		if m.outputs > 1 {
			value, what = append(listOf(number), member{"minItems", m.outputs}, member{"maxItems", m.outputs}), "The predicted values"
		}
		return object{{"prediction", described(target(doc, what), value).when(doc.Unit != "", "x-unit", doc.Unit)}}
	}
	shares := make(object, len(labels))
	for i, l := range labels {
		shares[i] = member{l, number}
	}
	members := object{{"prediction", object{{"type", "string"}, {"enum", anys(labels)}, {"description", target(doc, "The predicted label")}}}}
	if m.shares {
		members = append(members, member{"probabilities", described("The probability of each label.", closed(shares, nil))})
	}
	return members
}

func target(doc *schema.Document, what string) string {
	if doc.Target == "" {
		return what + "."
	}
	return what + " of " + doc.Target + "."
}

// replySchema is the reply of /predict, batchSchema that of /batch-predict.
func (m *modelDoc) replySchema() object {
	return closed(m.answer().with("model", m.modelRef()), nil)
}

func (m *modelDoc) batchSchema() object {
	count := object{{"type", "integer"}, {"minimum", 0}}
	failed := closed(object{{"error", ref("schemas", "RowError")}}, nil)
	return closed(object{
		{"predictions", described("One entry a row, in the order of the request.",
			listOf(object{{"anyOf", []any{closed(m.answer(), nil), failed}}}))},
		{"stats", closed(object{
			{"rows", described("All rows.", count)},
			{"valid", described("Rows without an error.", count)},
			{"unique", described("Different ones among them.", count)},
			{"cached", described("Answered from memory.", count)},
			{"scored", described("Scored by the model.", count)},
		}, nil)},
		{"model", m.modelRef()},
	}, nil)
}

func (m *modelDoc) modelRef() object {
	return closed(object{{"name", object{{"const", m.name}}}, {"digest", object{{"const", m.digest}}}}, nil)
}

// problemSchema is every error's body; rowErrorSchema a row's error within a
// batch that is answered otherwise.
func problemSchema() object {
	text, code := object{{"type", "string"}}, object{{"type", "string"}, {"enum", codeNames()}}
	rowError := closed(object{{"code", code}, {"message", text}}, object{{"field", text}, {"rule", text},
		{"row", described("None where a column of all rows is wrong.", object{{"type", "integer"}, {"minimum", 0}})}})
	return described("An error, after RFC 9457.", closed(object{
		{"type", described("A name of the kind of error.", text)},
		{"title", text},
		{"status", object{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
		{"code", described("What is wrong: the list is closed, new codes are only ever added to it.", code)},
		{"request_id", text},
	}, object{
		{"detail", described("What is wrong and what to do next.", text)},
		{"errors", described("Every bad field of every bad row, the first 100 of them.",
			append(listOf(rowError), member{"maxItems", maxErrors}))},
	}))
}

func rowErrorSchema() object {
	text := object{{"type", "string"}}
	members := func(o object) object {
		return closed(object{{"code", object{{"type", "string"}, {"enum", codeNames()}}}, {"message", text}},
			append(object{{"field", text}, {"rule", text}}, o...))
	}
	return described("Why a row has no answer: its first bad field, and the further ones in more.",
		members(object{{"more", listOf(members(nil))}}))
}

func codeNames() []any {
	var names []any
	for _, c := range fault.Codes() {
		names = append(names, c.String())
	}
	return names
}

package httpapi

import (
	"encoding/json"
	"strconv"
)

// object is a JSON object whose members keep their order: a document that
// lists features in schema order is one that people can read, and its bytes,
// and so its ETag, are always the same.
type object []member

type member struct {
	name  string
	value any
}

// with returns the object with further members.
func (o object) with(name string, value any) object { return append(o, member{name, value}) }

// when is with, where the condition holds.
func (o object) when(holds bool, name string, value any) object {
	if !holds {
		return o
	}
	return o.with(name, value)
}

// ref is a reference to a component.
func ref(kind, name string) object {
	return object{{"$ref", "#/components/" + kind + "/" + name}}
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) { return appendJSON(nil, o), nil }

// appendJSON writes what documents are made of: objects, lists, texts and
// numbers. Texts have <, > and & escaped, so that no schema's text can end a
// script block in which the document stands.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSON(dst, m.name), ':')
			dst = appendJSON(dst, m.value)
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case bool:
		return strconv.AppendBool(dst, v)
	}
	text, err := json.Marshal(v)
	if err != nil { // a NaN or an infinity, which no checked schema holds
		return append(dst, "null"...)
	}
	return append(dst, text...)
}

// anys turns texts into a list of any values.
func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}

package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
)

// maxPointer bounds a body that is looked at as a pointer, in bytes: a key of
// S3 or Cloud Storage has at most 1,024, each of which JSON may write as six.
const maxPointer = 16 << 10

// Pointer reads a body that points to an object instead of holding rows:
//
//	{"object":"s3://BUCKET/KEY","version":"…","etag":"…","from":0,"to":1000}
//
// All members but object may be absent. The key is as it is, not URL-encoded;
// version is the store's own name of one (a version id, a generation); from and
// to are a range of bytes. A body is a pointer if its member object is a text;
// ok is false for all others, and err says what is wrong with one. Whoever has
// a feature of that name does not ask.
func Pointer(body []byte) (o *Object, ok bool, err error) {
	if body = bytes.TrimLeft(body, " \t\r\n"); len(body) == 0 || body[0] != '{' ||
		len(body) > maxPointer || !bytes.Contains(body, []byte(`"object"`)) {
		return nil, false, nil
	}
	members, fe := members(body)
	raw := members["object"]
	if len(raw) == 0 || raw[0] != '"' {
		return nil, false, nil
	}
	if fe == nil {
		o, fe = readPointer(members, raw)
	}
	if fe != nil {
		return nil, true, fe
	}
	return o, true, nil
}

// members takes an object apart, by its exact names. With an error come those
// before it.
func members(body []byte) (map[string]json.RawMessage, *fault.Error) {
	broken := func(err error) *fault.Error {
		return fault.Wrap(fault.Malformed, err, "the pointer to an object is no valid JSON")
	}
	all := make(map[string]json.RawMessage)
	d := json.NewDecoder(bytes.NewReader(body))
	_, err := d.Token() // the bracket
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		text, _ := name.(string) // an object's names are
		var value json.RawMessage
		if err = d.Decode(&value); err != nil {
			break
		}
		if _, twice := all[text]; twice {
			return all, fault.New(fault.Malformed, "the pointer to an object has a member twice: %s", fault.Quote([]byte(text)))
		}
		all[text] = value
	}
	if err == nil {
		_, err = d.Token() // the other bracket
	}
	switch {
	case err != nil:
		return all, broken(err)
	case d.More():
		return all, fault.New(fault.Malformed, "more text after the pointer to an object")
	case !utf8.Valid(body):
		return all, fault.New(fault.Malformed, "the pointer to an object is not in UTF-8")
	}
	return all, nil
}

func readPointer(members map[string]json.RawMessage, uri json.RawMessage) (*Object, *fault.Error) {
	o := &Object{Size: -1}
	if fe := o.parse(textOf(uri)); fe != nil {
		return nil, fe
	}
	for name, raw := range members {
		if name == "object" {
			continue
		}
		to, known := map[string]any{"version": &o.Version, "etag": &o.ETag, "from": &o.From, "to": &o.To}[name]
		if !known {
			return nil, fault.New(fault.Malformed, "the pointer to an object has a member that is none of object, version, etag, from and to: %s", fault.Quote([]byte(name)))
		}
		if json.Unmarshal(raw, to) != nil || string(raw) == "null" {
			return nil, fault.New(fault.Malformed, "the pointer's version and etag are texts, from and to whole numbers of bytes")
		}
	}
	if _, given := members["to"]; o.From < 0 || given && o.To <= o.From {
		return nil, fault.New(fault.Malformed, "the pointer's range is none: 0 ≤ from < to")
	}
	return o, nil
}

// textOf is a JSON string's text.
func textOf(raw json.RawMessage) string {
	var text string
	_ = json.Unmarshal(raw, &text) // it is a string
	return text
}

// parse reads a URI. A file has no bucket where its URI has three slashes.
func (o *Object) parse(uri string) *fault.Error {
	scheme, rest, ok := strings.Cut(uri, "://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || scheme == "" || key == "" || bucket == "" && scheme != "file" {
		return fault.New(fault.Malformed, `the pointer's object must be SCHEME://BUCKET/KEY, such as "s3://bucket/rows.csv"`)
	}
	o.Scheme, o.Bucket, o.Key = scheme, bucket, key
	return nil
}

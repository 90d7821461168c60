package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/copse/pkg/fault"
)

// DefaultName is the template of the names of objects' results, below the
// sink's prefix.
const DefaultName = "{bucket}/{key}@{version}{range}.jsonl"

// maxName is the longest key of an object in S3 and Cloud Storage, in bytes.
const maxName = 1024

// Template makes the name of a result from what its object is called.
//
// Names are as different as the objects: two objects, versions or ranges never
// have one name, or the second's answers would be taken for written. Values are
// escaped for that (see appendEscaped), and between two of them stands a
// character that no value contains.
//
// Question: a placeholder for the date? Choice: no. A record that is delivered
// again after midnight would be answered twice.
type Template struct{ parts []part }

// part is a literal text, or a placeholder.
type part struct{ literal, field string }

// placeholders, and the characters of literals that no value contains. A key
// keeps its slashes.
const (
	placeholders = "{bucket}, {key}, {version}, {range}, {model} and {digest}"
	separators   = "@+,"
)

// ParseTemplate reads and checks a template: literal text with placeholders
// {bucket}, {key}, {version} (the object's version, or else its ETag), {range}
// (empty, or @FROM-TO), {model} and {digest} (the model's name, and the hex
// digits of its digest). {key} and {version} must be there; without {range} it
// follows the version.
func ParseTemplate(text string) (*Template, error) {
	t := new(Template)
	seen := map[string]bool{}
	for rest := text; rest != ""; {
		literal, after, open := strings.Cut(rest, "{")
		if literal != "" {
			t.parts = append(t.parts, part{literal: literal})
		}
		if !open {
			break
		}
		field, behind, closed := strings.Cut(after, "}")
		switch field {
		case "bucket", "key", "version", "range", "model", "digest":
		default:
			return nil, fmt.Errorf("there is no placeholder {%s}: there are %s", fault.Quote([]byte(field)), placeholders)
		}
		switch {
		case !closed:
			return nil, fmt.Errorf("the placeholder {%s has no end", field)
		case seen[field]:
			return nil, fmt.Errorf("{%s} stands twice", field)
		}
		seen[field] = true
		t.parts = append(t.parts, part{field: field})
		rest = behind
	}
	switch {
	case !seen["key"]:
		return nil, errors.New("it has no {key}: objects would share a name, and the first one's answers be taken for those of all")
	case !seen["version"]:
		return nil, errors.New("it has no {version}: a replaced object's answers would be taken for written")
	}
	if !seen["range"] {
		t.addRange()
	}
	return t, t.check(!seen["range"])
}

// addRange puts the range behind the version.
func (t *Template) addRange() {
	for i, p := range t.parts {
		if p.field == "version" {
			t.parts = append(t.parts[:i+1:i+1], append([]part{{field: "range"}}, t.parts[i+1:]...)...)
			return
		}
	}
}

// check refuses what leads out of the prefix, and values that run together.
// ranged says that the range was put in by addRange.
func (t *Template) check(ranged bool) error {
	var shape strings.Builder // with one letter for each value that is never empty
	// The last placeholder, until a character ends its value. A slash does, even
	// a key's: of all values only the key has some, so that counted from both
	// ends of the name they fall into their places.
	open := ""
	for _, p := range t.parts {
		switch {
		case p.literal != "":
			if i := strings.IndexFunc(p.literal, func(r rune) bool { return r > 0x7e || !plain(byte(r)) && !strings.ContainsRune(separators+"/", r) }); i >= 0 {
				return fmt.Errorf("%q cannot stand in it: letters, digits and -_.=/%s can", fault.Quote([]byte(p.literal[i:])), separators)
			}
			if strings.ContainsAny(p.literal, separators+"/") {
				open = ""
			}
			shape.WriteString(p.literal)
			continue
		case p.field == "range": // may be empty, and begins with a separator
			open = p.field
			continue
		case open != "":
			return runTogether(open, p.field, ranged)
		}
		open = p.field
		shape.WriteByte('v')
	}
	for segment := range strings.SplitSeq(shape.String(), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return errors.New(`it leads out of the prefix: it has a part that is empty, "." or ".."`)
		}
	}
	return nil
}

func runTogether(one, other string, ranged bool) error {
	where := ""
	if one == "range" && ranged {
		where = " ({range} follows {version} where it is not written elsewhere)"
	}
	return fmt.Errorf("{%s} and {%s} would run together%s: put one of / %s between them; values may have other characters of their own", one, other, where, strings.Join(strings.Split(separators, ""), " "))
}

// HasBucket says whether names of different buckets' objects are different.
func (t *Template) HasBucket() bool {
	return slices.Contains(t.parts, part{field: "bucket"})
}

// name is the result's name for an object, below the prefix.
func (t *Template) name(o *Object, model, digest string) string {
	var dst []byte
	for _, p := range t.parts {
		switch p.field {
		case "":
			dst = append(dst, p.literal...)
		case "bucket":
			dst = appendEscaped(dst, o.Bucket, false)
		case "key":
			dst = appendEscaped(dst, o.Key, true)
		case "version":
			dst = appendEscaped(dst, o.identity(), false)
		case "range":
			dst = o.appendRange(dst)
		case "model":
			dst = appendEscaped(dst, model, false)
		case "digest":
			dst = appendEscaped(dst, strings.TrimPrefix(digest, "sha256:"), false)
		}
	}
	return string(dst)
}

// identity is what tells an object's content from others under its key: its
// version, or else what the store names the content by. "null" is S3's name of
// a version that is written over.
func (o *Object) identity() string {
	if o.Version != "" && o.Version != "null" {
		return o.Version
	}
	return strings.Trim(o.ETag, `"`)
}

// appendRange appends the range, or nothing for the whole.
func (o *Object) appendRange(dst []byte) []byte {
	if o.From == 0 && o.To == 0 {
		return dst
	}
	dst = strconv.AppendInt(append(dst, '@'), o.From, 10)
	if dst = append(dst, '-'); o.To > 0 {
		dst = strconv.AppendInt(dst, o.To, 10)
	}
	return dst
}

// plain says which bytes of a value stand in a name as they are.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.=", c) >= 0
}

const hexDigits = "0123456789ABCDEF"

// appendEscaped appends a value so that different values have different texts
// that are safe in a key: bytes that are not plain are %XX, as are the dots of
// "." and "..". With slashes, those that part two texts stay, and the dots
// count in each text. The empty value is "-", and "-" is "%2D".
func appendEscaped(dst []byte, value string, slashes bool) []byte {
	switch value {
	case "":
		return append(dst, '-')
	case "-":
		return append(dst, "%2D"...)
	}
	begin := 0 // of the text between slashes
	for i := range len(value) {
		c := value[i]
		switch {
		case c == '/' && slashes && i > begin && i < len(value)-1:
			dst = append(dst, c)
			begin = i + 1
		case plain(c) && (c != '.' || !dots(value, begin, slashes)):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
			if c == '/' && slashes {
				begin = i + 1
			}
		}
	}
	return dst
}

// dots says whether the text that begins there is "." or "..".
func dots(value string, begin int, slashes bool) bool {
	text := value[begin:]
	if slashes {
		text, _, _ = strings.Cut(text, "/")
	}
	return text == "." || text == ".."
}

// fit keeps a name within a store's limit. Of one that is longer, the end
// becomes the digest of all of it: as stable, and as different from others.
// No other name has the character that stands between.
func fit(name string, most int, extension string) string {
	if len(name) <= most {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	tail := "~" + hex.EncodeToString(sum[:]) + extension
	return name[:max(most-len(tail), 0)] + tail
}

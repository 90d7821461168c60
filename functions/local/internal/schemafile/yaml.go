package schemafile

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// Bounds of what a YAML file can unfold to by its aliases, and of nesting.
const (
	maxNodes = 1 << 20
	maxDepth = 32
)

// locateYAML reads YAML and writes it as JSON.
func locateYAML(data []byte) (*located, error) {
	var root yaml.Node
	if err := load(data, &root); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	w := &writer{l: &located{lines: make(map[jsontext.Pointer]int)}, out: jsontext.NewEncoder(&text)}
	node := &root
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	if err := w.value(node, "", 0); err != nil {
		return nil, err
	}
	w.l.text = text.Bytes()
	return w.l, nil
}

func load(data []byte, root *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Reason: fmt.Sprintf("is no YAML: %v", r)}
		}
	}()
	if err := yaml.Load(data, root); err != nil {
		return yamlError(err)
	}
	return nil
}

// place is how the library names a line, before it says what is wrong there.
var place = regexp.MustCompile(`^.* at L(\d+)\.C\d+: `)

func yamlError(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if strings.Contains(text, "no documents") {
		return &Error{Reason: "is empty"}
	}
	e := &Error{Reason: "is no YAML: " + text}
	if m := place.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Reason = "is no YAML: " + strings.TrimPrefix(text, m[0])
	}
	return e
}

// writer writes nodes as JSON and notes their lines.
type writer struct {
	l     *located
	out   *jsontext.Encoder
	nodes int
}

func (w *writer) value(n *yaml.Node, at jsontext.Pointer, depth int) error {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return &Error{Line: n.Line, Reason: "is nested too deeply, or too large"}
	}
	if _, ok := w.l.lines[at]; !ok {
		w.l.lines[at] = n.Line
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.value(n.Alias, at, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, at, depth)
	case yaml.SequenceNode:
		return w.sequence(n, at, depth)
	case yaml.ScalarNode:
		return w.scalar(n)
	}
	return &Error{Line: n.Line, Reason: "must have names and values"}
}

func (w *writer) mapping(n *yaml.Node, at jsontext.Pointer, depth int) error {
	if err := w.out.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			return &Error{Line: key.Line, Reason: strconv.Quote(key.Value) + " stands twice, or is no name"}
		}
		seen[key.Value] = true
		if isNull(value) {
			continue // a name without a value is left out
		}
		if err := w.out.WriteToken(jsontext.String(key.Value)); err != nil {
			return &Error{Line: key.Line, Reason: err.Error()}
		}
		to := at.AppendToken(key.Value)
		w.l.lines[to] = key.Line
		if err := w.value(value, to, depth+1); err != nil {
			return err
		}
	}
	return w.out.WriteToken(jsontext.EndObject)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (w *writer) sequence(n *yaml.Node, at jsontext.Pointer, depth int) error {
	if err := w.out.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for i, item := range n.Content {
		if err := w.value(item, at.AppendToken(strconv.Itoa(i)), depth+1); err != nil {
			return err
		}
	}
	return w.out.WriteToken(jsontext.EndArray)
}

// scalar writes a text, a number or a boolean; times and all else are texts.
func (w *writer) scalar(n *yaml.Node) error {
	token := jsontext.String(n.Value)
	var err error
	switch n.ShortTag() {
	case "!!null":
		token = jsontext.Null
	case "!!bool":
		var b bool
		if err = n.Decode(&b); err == nil {
			token = jsontext.Bool(b)
		}
	case "!!int", "!!float":
		var x float64
		if err = n.Decode(&x); err == nil {
			if x-x != 0 {
				return &Error{Line: n.Line, Reason: n.Value + " is no number that a schema can have"}
			}
			token = jsontext.Float(x)
		}
	}
	if err == nil {
		err = w.out.WriteToken(token)
	}
	if err != nil {
		return &Error{Line: n.Line, Reason: err.Error()}
	}
	return nil
}

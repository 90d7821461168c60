package schemafile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// AppendYAML appends the proposal as a schema file, with comments for whoever
// edits it. from names the rows.
func (p *Proposal) AppendYAML(dst []byte, from string, rows int) ([]byte, error) {
	// By way of JSON, whose names and omissions are those of the format.
	text, err := json.Marshal(p.Document, json.OmitZeroStructFields(true))
	if err != nil {
		return nil, err
	}
	root, err := node(jsontext.NewDecoder(bytes.NewReader(text)))
	if err != nil {
		return nil, err
	}
	p.comment(root)
	var out bytes.Buffer
	out.Write(dst)
	for _, line := range p.head(from, rows) {
		fmt.Fprintln(&out, strings.TrimSpace("# "+oneLine(line)))
	}
	w, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithUnicode(true))
	if err != nil {
		return nil, err
	}
	if err := w.Dump(root); err != nil {
		return nil, err
	}
	return out.Bytes(), w.Close()
}

func (p *Proposal) head(from string, rows int) []string {
	lines := []string{
		fmt.Sprintf("A schema proposed from %s, of %d rows.", from, rows),
		"",
		"The ranges are those of the rows: widen them to all that may come. Say what",
		"is missing and what it means, in which unit it is, and delete what is no",
		"feature. docs/schema.md has all that can be said. Then:",
		"  copse compile MODEL --schema THIS_FILE -o OUT.copse",
	}
	if len(p.Left) > 0 {
		lines = append(lines, "", "Left out:")
		for _, left := range p.Left {
			lines = append(lines, "  "+left)
		}
	}
	return append(lines, "")
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// node is the next JSON value as YAML. Lists of texts stay on one line as long
// as they are short.
func node(d *jsontext.Decoder) (*yaml.Node, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return children(d, &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, '}')
	case '[':
		n, err := children(d, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}, ']')
		if err == nil && len(n.Content) <= 12 && n.Content[0].Kind == yaml.ScalarNode {
			n.Style = yaml.FlowStyle
		}
		return n, err
	case '"':
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: token.String()}
		n.Style = textStyle(n.Value)
		return n, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: token.String()}, nil
}

func children(d *jsontext.Decoder, n *yaml.Node, end jsontext.Kind) (*yaml.Node, error) {
	for d.PeekKind() != end {
		child, err := node(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err := d.ReadToken()
	return n, err
}

// textStyle is quotes where other readers of YAML would take a text for
// something else, and where it has more than letters on one line.
func textStyle(text string) yaml.Style {
	plain := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if text == "" || plain.ShortTag() != "!!str" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return yaml.DoubleQuotedStyle
	}
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off":
		return yaml.DoubleQuotedStyle
	}
	return 0
}

// comment puts the notes above their features.
func (p *Proposal) comment(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "features" {
			continue
		}
		for k, f := range root.Content[i+1].Content {
			if p.Notes[k] != "" {
				f.HeadComment = oneLine(p.Notes[k])
			}
		}
	}
}

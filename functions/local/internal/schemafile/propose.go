package schemafile

import (
	"fmt"
	"strconv"
	"strings"

	"example.com/copse/pkg/schema"
)

// Proposal is a schema made from rows, and what its reader should know.
type Proposal struct {
	Document schema.Document
	// Notes are told beside each feature, "" for none.
	Notes []string
	// Left are the columns that are no features, and why.
	Left []string
}

// Propose makes a schema of what was seen. model, if it is not nil, is what the
// model file itself says: its features are then all, in its order.
func Propose(s *Scan, model *schema.Document) *Proposal {
	p := new(Proposal)
	if model == nil {
		for _, c := range s.Columns {
			f, note, why := guess(c)
			if why != "" {
				p.Left = append(p.Left, c.Name+": "+why)
				continue
			}
			p.add(f, note, s, c)
		}
		return p
	}
	p.Document = *model
	p.Document.Features = nil
	used := make(map[string]bool)
	for _, f := range model.Features {
		c, ok := s.byName[f.Name]
		used[f.Name] = true
		if !ok {
			p.add(f, "not in the rows", s, nil)
			continue
		}
		note := refine(&f, c)
		p.add(f, note, s, c)
	}
	for _, c := range s.Columns {
		if !used[c.Name] {
			p.Left = append(p.Left, c.Name+": no feature of the model")
		}
	}
	return p
}

// add appends a feature with what all of them have. What the schema itself
// would refuse of the rows, an example or a range, is left out.
func (p *Proposal) add(f schema.Feature, note string, s *Scan, c *Stats) {
	if f.Type == "" {
		f.Type = schema.Number
	}
	if c != nil {
		if f.Example = c.sample(); f.Example == "" {
			f.Example = nil
		}
		if c.Missing > 0 && f.Missing != schema.Fill {
			f.Missing = schema.Allow
		}
		share := share(c.Missing, s.Rows)
		if c.Missing > 0 {
			f.Description = strings.TrimSpace(f.Description + " " + share)
		}
	}
	if !accepted(f) {
		f.Example = nil
	}
	if !accepted(f) {
		f.Rules = ""
	}
	p.Document.Features = append(p.Document.Features, f)
	p.Notes = append(p.Notes, note)
}

func accepted(f schema.Feature) bool {
	_, err := schema.New(schema.Document{Features: []schema.Feature{f}})
	return err == nil
}

// share is how much is missing, to a tenth of a percent, and never 0.
func share(missing, rows int) string {
	if rows == 0 || missing == 0 {
		return ""
	}
	percent := 100 * float64(missing) / float64(rows)
	if percent < 0.1 {
		return "Missing in less than 0.1 % of the rows."
	}
	return "Missing in " + strconv.FormatFloat(percent, 'f', 1, 64) + " % of the rows."
}

// guess makes a feature of a column of which no model is known, or says why it
// is none.
func guess(c *Stats) (f schema.Feature, note, why string) {
	f.Name = c.Name
	if c.Name == "" || len(c.Name) > 256 {
		return f, "", "a name that no feature can have"
	}
	switch c.kind() {
	case nothing:
		f.Type, note = schema.Number, "no value in any row"
	case numbers:
		f.Type, f.Rules = schema.Number, c.rules()
	case wholes:
		f.Type, f.Rules = schema.Integer, c.rules()
	case booleans:
		f.Type = schema.Boolean
	case categories:
		f.Type, f.Categories = schema.Category, c.sorted()
		note = "categories: must be in the order of the model's codes"
	case texts:
		return f, "", fmt.Sprintf("more than %d different texts, or long ones", maxCategories)
	default:
		return f, "", "values that are no numbers, booleans or texts, or several of these"
	}
	return f, note, ""
}

// refine adds to a model's own feature what the rows say, and tells where they
// disagree.
func refine(f *schema.Feature, c *Stats) (note string) {
	k := c.kind()
	if f.Type == schema.Category {
		known := make(map[string]bool)
		for _, text := range f.Categories {
			known[schema.NormalizeText(text)] = true
		}
		for _, text := range c.sorted() {
			if !known[schema.NormalizeText(text)] {
				return "the rows have other texts too, such as " + strconv.Quote(text)
			}
		}
		return ""
	}
	switch k {
	case nothing:
		return "no value in any row"
	case numbers, wholes, booleans:
	default:
		return "the rows have texts here, and the model takes numbers"
	}
	if f.Rules != "" || f.Type != "" && f.Type != schema.Number {
		return ""
	}
	switch k {
	case wholes:
		f.Type = schema.Integer
	case booleans:
		f.Type = schema.Boolean
		return ""
	}
	f.Rules = c.rules()
	return ""
}

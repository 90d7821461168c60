package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"net/url"
	"strings"

	"example.com/copse/pkg/schema"
)

// The page is one document. It is put together here rather than by
// html/template, which would keep every method of every type in a function's
// binary: the schemas go into a block of JSON, and the page's script makes
// text of them, never HTML.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// docsDocument returns the page, and the Content-Security-Policy it is sent
// with: only the page's own script and style, known by their hashes, and only
// requests to where the page comes from. All its addresses are relative, so
// that it works behind a stage's prefix.
func docsDocument(models []modelDoc, o docOptions) (body []byte, csp string) {
	title := "Copse"
	if len(models) > 0 {
		title = models[0].title() + " · Copse"
	}
	page := strings.NewReplacer(
		"{{title}}", html.EscapeString(title),
		"{{version}}", html.EscapeString(o.version),
		"{{css}}", pageCSS,
		"{{data}}", string(appendJSON(nil, pageData(models))),
		"{{js}}", pageJS,
	).Replace(pageHTML)
	return []byte(page), strings.Join([]string{
		"default-src 'none'",
		"script-src " + hashSource(pageJS),
		"style-src " + hashSource(pageCSS),
		"img-src data:", // the icon
		"connect-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageData is what the page's script reads.
func pageData(models []modelDoc) object {
	list := make([]any, len(models))
	for i := range models {
		m := &models[i]
		doc := m.schema.Document()
		base := ""
		if i > 0 {
			base = "models/" + url.PathEscape(m.name) + "/"
		}
		features := make([]any, m.schema.NumFeatures())
		blank := m.blank()
		for c := range features {
			features[c] = m.pageFeature(c, blank)
		}
		list[i] = object{
			{"name", m.name}, {"base", base}, {"digest", m.digest}, {"library", m.info.Library}, {"trees", m.trees},
			{"title", m.title()}, {"description", doc.Description}, {"target", doc.Target}, {"unit", doc.Unit},
			{"labels", anys(m.info.Labels)}, {"features", features},
		}
	}
	return object{{"models", list}}
}

// pageFeature is what the page knows of a feature; example gives it one even if
// it may be left empty.
func (m *modelDoc) pageFeature(i int, example bool) object {
	f := m.schema.Feature(i)
	s := m.span(f)
	bounds := f.Type == schema.Number || f.Type == schema.Integer
	words := ""
	if bounds {
		if words = s.words(); words != "" && f.Unit != "" {
			words += " " + f.Unit
		}
	}
	o := object{{"name", f.Name}, {"type", string(f.Type)}, {"unit", f.Unit}, {"description", f.Description},
		{"range", words}, {"missing", string(f.Missing)}}
	if f.Example != nil || f.Missing == schema.Refuse || example {
		o = o.with("example", m.example(i))
	}
	return o.when(f.Missing == schema.Fill, "default", f.Default).
		when(f.Type == schema.Category, "categories", anys(f.Categories)).
		when(bounds && bounded(s.lo), "lo", s.lo).when(bounds && s.loOpen, "loOpen", true).
		when(bounds && bounded(s.hi), "hi", s.hi).when(bounds && s.hiOpen, "hiOpen", true)
}

// blank says that nothing in the schema fills a field of the page: then all
// fields have examples, or the first answer would be that of an empty row.
func (m *modelDoc) blank() bool {
	for _, f := range m.schema.Document().Features {
		if f.Example != nil || f.Missing != schema.Allow {
			return false
		}
	}
	return true
}

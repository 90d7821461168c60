package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// maxPage is the most that the page weighs without its data.
const maxPage = 60 << 10

func TestPageIsSmall(t *testing.T) {
	page, _ := docsDocument(testModels(t)[:1], docOptions{})
	if len(page) > maxPage {
		t.Errorf("the page has %d bytes, more than %d", len(page), maxPage)
	}
}

// TestPolicyNamesWhatThePageHas recomputes the hashes from the page as it goes
// out: a script or a style that the policy does not know would not run.
func TestPolicyNamesWhatThePageHas(t *testing.T) {
	page, policy := docsDocument(testModels(t), docOptions{version: hostile})
	for _, tt := range []struct{ directive, open, close string }{
		{"script-src", "<script>", "</script>"},
		{"style-src", "<style>", "</style>"},
	} {
		_, rest, ok := strings.Cut(string(page), tt.open)
		text, after, closed := strings.Cut(rest, tt.close)
		if !ok || !closed {
			t.Fatalf("the page has no %s", tt.open)
		}
		if strings.Contains(after, tt.open) {
			t.Errorf("the page has a second %s", tt.open)
		}
		sum := sha256.Sum256([]byte(text))
		want := tt.directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	for _, want := range []string{"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q", want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.ContainsAny(policy, "*\n\r") {
		t.Errorf("the policy is too wide: %q", policy)
	}
}

// TestPageAsksNobodyElse looks for addresses: all are relative, so that the
// page works behind any prefix and calls no other host.
func TestPageAsksNobodyElse(t *testing.T) {
	page, _ := docsDocument(testModels(t)[:1], docOptions{})
	for _, m := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		if a := m[1]; strings.HasPrefix(a, "/") || strings.Contains(a, "://") && !strings.HasPrefix(a, "data:") {
			t.Errorf("the address %q is not relative", a)
		}
	}
	text := strings.ReplaceAll(string(page), "http://www.w3.org/2000/svg", "")
	if i := strings.Index(text, "://"); i >= 0 {
		t.Errorf("the page names a host: %q", text[max(0, i-20):i+20])
	}
}

// TestHostileSchema makes sure that no text of a schema becomes HTML.
func TestHostileSchema(t *testing.T) {
	page, _ := docsDocument(testModels(t), docOptions{version: hostile})
	for _, bad := range []string{"alert(1)</script>", "<img", "onerror=alert(2)>"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	if n := strings.Count(string(page), "</script>"); n != 2 {
		t.Errorf("the page closes %d scripts, want 2", n)
	}
	data := between(t, string(page), `<script type="application/json" id="data">`, "</script>")
	var got struct {
		Models []struct{ Name, Title, Base string }
	}
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatal(err)
	}
	if got.Models[1].Title != hostile {
		t.Errorf("the title arrives as %q, want %q", got.Models[1].Title, hostile)
	}
	if base := got.Models[1].Base; base != "models/houses%2F%C3%BC/" {
		t.Errorf("the second model's base is %q", base)
	}
	if got.Models[0].Base != "" {
		t.Errorf("the default model's base is %q, want none", got.Models[0].Base)
	}
}

func between(t *testing.T, text, open, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, open)
	inside, _, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("nothing between %q and %q", open, end)
	}
	return inside
}

// TestPageFeatures compares what the page's script reads of each feature.
func TestPageFeatures(t *testing.T) {
	m := testModels(t)[1]
	for i, want := range map[int]string{
		0: `"range":"at least 10, less than 1000 `,
		1: `"missing":"allow","lo":1,"hi":20}`,
		2: `"missing":"refuse","example":true}`,
		4: `"range":"at least 0","missing":"fill","default":30,"lo":0}`,
		5: `"range":"more than 3, less than 5","missing":"refuse","example":4,"lo":3,"loOpen":true,"hi":5,"hiOpen":true}`,
		8: `"example":"a,\"b\"","categories":["a,\"b\"","c"]}`,
	} {
		if got := string(appendJSON(nil, m.pageFeature(i, false))); !strings.Contains(got, want) {
			t.Errorf("feature %d:\ngot  %s\nwant %s", i, got, want)
		}
	}
}

func BenchmarkDocs(b *testing.B) {
	models := testModels(b)
	for b.Loop() {
		docsDocument(models, docOptions{})
	}
}

// FuzzDocuments puts any text into a schema: the page keeps its shape, and the
// OpenAPI document is JSON in which the text arrives as it is.
func FuzzDocuments(f *testing.F) {
	for _, text := range []string{"x", hostile, "{{js}}{{data}}", "<!--<script>", "]]>", "\u2028\u2029", "a\x00b", "\xff"} {
		f.Add(text, "gte=0")
	}
	f.Add("x", "gt=1,ne=2,lt=1e9,required")
	f.Fuzz(func(t *testing.T, text, rules string) {
		s, err := schema.New(schema.Document{Title: text, Description: text, Features: []schema.Feature{
			{Name: text, Description: text, Rules: rules},
			{Name: text + "2", Type: schema.Category, Categories: []string{text}, Missing: schema.Allow},
		}})
		if err != nil {
			t.Skip(err)
		}
		models := []modelDoc{{name: text, outputs: 1, shares: true, info: predict.Info{Library: text, Labels: []string{text, text + "3"}}, schema: s}}
		page, _ := docsDocument(models, docOptions{version: text})
		plain, _ := docsDocument(models[:0], docOptions{})
		for _, tag := range []string{"<script", "</script>", "<style>", "</style>", "<!--", "<img"} {
			if got, want := strings.Count(string(page), tag), strings.Count(string(plain), tag); got != want {
				t.Fatalf("%q stands in the page %d times, want %d", tag, got, want)
			}
		}
		var doc struct{ Info struct{ Title string } }
		if err := json.Unmarshal(openAPIDocument(models, docOptions{}), &doc); err != nil {
			t.Fatal(err)
		}
		if want := models[0].title(); utf8.ValidString(want) && doc.Info.Title != want {
			t.Errorf("the title arrives as %q, want %q", doc.Info.Title, want)
		}
	})
}

// TestBlankPage: a schema that fills no field gives all of them an example; one
// that fills some leaves the optional ones empty.
func TestBlankPage(t *testing.T) {
	for _, tt := range []struct {
		first schema.Feature
		want  bool
	}{
		{schema.Feature{Name: "a", Missing: schema.Allow}, true},
		{schema.Feature{Name: "a", Missing: schema.Allow, Example: 1.0}, false},
		{schema.Feature{Name: "a"}, false},
	} {
		m := testModel(t, schema.Document{Features: []schema.Feature{tt.first, {Name: "b", Missing: schema.Allow}}}, predict.Info{})
		if got := m.blank(); got != tt.want {
			t.Errorf("%+v: blank is %v, want %v", tt.first, got, tt.want)
		}
		if got := slices.ContainsFunc(m.pageFeature(1, m.blank()), func(x member) bool { return x.name == "example" }); got != tt.want {
			t.Errorf("%+v: the second feature has an example: %v, want %v", tt.first, got, tt.want)
		}
	}
}

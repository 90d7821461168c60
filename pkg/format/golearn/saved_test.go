package golearn_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

const fixtures = "../../../testdata/golearn"

// fixture reads a file that golearn saved.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fixtures, name+".golearn"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read reads an archive and proves that what it gives is sound.
func read(t testing.TB, data []byte) (*ir.Model, schema.Document) {
	t.Helper()
	m, doc, err := golearn.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Check(m); err != nil {
		t.Fatal(err)
	}
	if _, err := schema.New(doc); err != nil {
		t.Fatal(err)
	}
	return m, doc
}

// cases reads the rows of a fixture and golearn's answers to them.
func cases(t *testing.T, name string) (header []string, rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(fixtures, name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[0], records[1:]
}

// encode turns a row's cells, which stand under header, into the schema's
// columns, by name.
func encode(t *testing.T, doc *schema.Document, header, cells []string) []float64 {
	t.Helper()
	row := make([]float64, len(doc.Features))
	for i := range doc.Features {
		f := &doc.Features[i]
		text := cells[slices.Index(header, f.Name)]
		if f.Type == schema.Category {
			code := slices.Index(f.Categories, text)
			if code < 0 {
				t.Fatalf("%s: %q is no category", f.Name, text)
			}
			row[i] = float64(code)
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		row[i] = x
	}
	return row
}

// best is the index of the largest, the first of equals.
func best(values []float64) int { return slices.Index(values, slices.Max(values)) }

// ties says whether several values are the largest.
func ties(values []float64) bool {
	return slices.Index(values[best(values)+1:], slices.Max(values)) >= 0
}

// TestSavedModels holds the reader's answers against golearn's own. Where
// golearn's change from call to call, ours must be one of them; in models
// without categories such a row must be a real tie of votes.
func TestSavedModels(t *testing.T) {
	for _, tt := range []struct {
		name    string
		numbers bool // no categories: only ties of votes are undecided
		trees   int
		share   bool
	}{
		{"id3-iris", true, 1, false},
		{"id3-goods", false, 1, false},
		{"id3-pruned", false, 1, false},
		{"randomtree-iris", true, 1, false},
		{"forest-iris", true, 12, true},
		{"forest-goods", false, 8, true},
		{"bag-iris", true, 7, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, doc := read(t, fixture(t, tt.name))
			if len(m.Trees) != tt.trees || (m.Average == tt.trees) != tt.share || m.Input != ir.Float64 || m.Library != "golearn" {
				t.Errorf("%d trees, average %v, input %v, library %q", len(m.Trees), m.Average, m.Input, m.Library)
			}
			header, rows := cases(t, tt.name)
			undecided, tied := 0, 0
			margin, values := make([]float64, m.Outputs), make([]float64, m.Outputs)
			for i, cells := range rows {
				m.Eval(encode(t, &doc, header, cells), margin, values)
				answers := strings.Split(cells[slices.Index(header, "answers")], "|")
				got := m.Labels[best(values)]
				if !slices.Contains(answers, got) {
					t.Errorf("row %d: got %s, golearn answers %q", i, got, answers)
				}
				if ties(values) {
					tied++
				}
				if len(answers) > 1 {
					undecided++
					if tt.numbers && !ties(values) {
						t.Errorf("row %d: golearn answers %q, but the values %v do not tie", i, answers, values)
					}
				}
				checkShares(t, i, m, header, cells, values)
			}
			t.Logf("%d rows, %d undecided in golearn, %d ties of ours", len(rows), undecided, tied)
		})
	}
}

// checkShares compares values with PredictProba's, where it was asked: to the
// bit, but for the one unit in the last place by which a leaf's own class is
// favoured in a tie.
func checkShares(t *testing.T, i int, m *ir.Model, header, cells []string, values []float64) {
	t.Helper()
	for k, label := range m.Labels {
		at := slices.Index(header, "share_"+label)
		if at < 0 || cells[at] == "" {
			continue
		}
		want, err := strconv.ParseFloat(cells[at], 64)
		if err != nil {
			t.Fatal(err)
		}
		favoured := values[k] == math.Nextafter(want, 2) && k == best(values)
		if values[k] != want && !favoured {
			t.Errorf("row %d: share of %s: got %v, want %v", i, label, values[k], want)
		}
	}
}

func TestSavedSchema(t *testing.T) {
	_, doc := read(t, fixture(t, "forest-goods"))
	got := map[string]schema.Feature{}
	for _, f := range doc.Features {
		got[f.Name] = f
	}
	want := map[string]schema.Type{"colour": schema.Category, "size": schema.Category,
		"fragile": schema.Boolean, "weight": schema.Number}
	if len(got) != len(want) {
		t.Errorf("got %d features, want %d", len(got), len(want))
	}
	for name, typ := range want {
		if got[name].Type != typ {
			t.Errorf("%s: got type %q, want %q", name, got[name].Type, typ)
		}
		if got[name].Rules != "" || got[name].Missing != schema.Refuse {
			t.Errorf("%s: got rules %q, missing %q", name, got[name].Rules, got[name].Missing)
		}
	}
	if c := got["size"].Categories; !slices.Equal(c, []string{"large", "medium", "small"}) {
		t.Errorf("categories %q are not in the order of their texts", c)
	}
	if want := []string{"top", "middle", "floor"}; !slices.Equal(doc.Labels, want) {
		t.Errorf("got labels %q, want %q: the class attribute's order", doc.Labels, want)
	}
}

func TestOtherModelsAreRefusedByName(t *testing.T) {
	for name, want := range map[string]string{
		"knn":   "nearest-neighbour model (KNN) is not supported",
		"bayes": "naive Bayes model (BernoulliNB) is not supported",
	} {
		_, _, err := golearn.Read(fixture(t, name))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "train one of these") {
			t.Errorf("%s: got %v, want %q and what to do", name, err, want)
		}
	}
}

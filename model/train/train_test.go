package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/predict"
)

const dataPath = "../../testdata/iris/iris.csv"

func irisTable(t testing.TB) *table {
	t.Helper()
	raw, err := os.ReadFile(dataPath)
	if err != nil {
		t.Fatal(err)
	}
	tb, err := readTable(raw, labels)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func upTo(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// TestCommittedFiles trains again, as make model does, and demands the bytes
// that are committed.
func TestCommittedFiles(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("golearn's sums are fused on this processor: the shipped model is trained on amd64")
	}
	if raceEnabled {
		t.Skip("ten thousand trees take minutes under the race detector; TestSmallTraining runs there")
	}
	files, err := build(dataPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the trainer makes (%d bytes, want %d): run make model and commit it", name, len(got), len(want))
		}
	}
}

// small is a plan that trains in a moment.
func small(t testing.TB) *trainer {
	return &trainer{table: irisTable(t), labels: 3,
		plan: plan{Seed: 7, Repeats: 2, Folds: 3, Trees: []int{3, 5}, Columns: []int{2, 4}, Depths: []int{2}}}
}

// TestSmallTraining: the same seed gives the same bytes, another seed others.
func TestSmallTraining(t *testing.T) {
	archive := func(seed uint64) []byte {
		tr := small(t)
		tr.plan.Seed = seed
		r, err := tr.train()
		if err != nil {
			t.Fatal(err)
		}
		out, err := writeArchive(irisSchema(tr.table), r.forest)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := archive(7)
	if again := archive(7); !bytes.Equal(first, again) {
		t.Error("the same seed gave other bytes")
	}
	if other := archive(8); bytes.Equal(first, other) {
		t.Error("another seed gave the same bytes")
	}
}

// TestAnswersAreGolearns holds the compiled bundle, the way that a function
// scores it, against golearn's own trees, one by one: on every row of the
// table, on thresholds and the numbers beside them, and far outside the data.
// Votes that tie are counted: golearn would break them at random.
func TestAnswersAreGolearns(t *testing.T) {
	tr := small(t)
	tr.plan.Trees, tr.plan.Depths = []int{16}, []int{4}
	r, err := tr.train()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := writeArchive(irisSchema(tr.table), r.forest)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := compile(archive)
	if err != nil {
		t.Fatal(err)
	}
	file, err := format.Read(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	model, err := predict.Open("iris", bundle, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	probes := &table{names: tr.table.names, rows: slices.Clone(tr.table.rows)}
	rng := tr.plan.rng(99)
	for f, cuts := range thresholds(file.IR) {
		for _, cut := range cuts {
			for _, x := range []float64{cut, math.Nextafter(cut, -1), math.Nextafter(cut, 99), cut + rng.NormFloat64()} {
				row := slices.Clone(tr.table.rows[rng.IntN(len(tr.table.rows))])
				row[f] = min(10, max(0.1, x))
				probes.rows = append(probes.rows, row)
			}
		}
	}
	n := len(probes.rows)
	probes.classes = make([]int, n)
	counts, err := probes.votes(r.forest, upTo(n), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := counts[len(counts)-1]

	req := predict.Get()
	defer req.Release()
	req.Frame.Reset(4)
	for _, row := range probes.rows {
		copy(req.Frame.Append(), row)
	}
	if err := model.Predict(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	ties := 0
	for i := range n {
		votes := want[i*3 : i*3+3]
		if req.Answers.Index[i] < 0 {
			t.Fatalf("row %d %v has no answer", i, probes.rows[i])
		}
		for k, got := range req.Answers.Value(req.Answers.Index[i]) {
			if got != float64(votes[k])/float64(len(r.forest)) {
				t.Fatalf("row %d %v: share %d is %v, golearn's trees vote %v", i, probes.rows[i], k, got, votes)
			}
		}
		if tied(votes) {
			ties++
		}
	}
	t.Logf("%d rows, %d ties of votes", n, ties)
}

// TestGridGoesByName: whatever the order in which columns are asked for,
// golearn is told the right values for the right names.
func TestGridGoesByName(t *testing.T) {
	tb := irisTable(t)
	rows := []int{149, 0, 0, 77}
	for _, columns := range [][]string{{"petal_width", "sepal_length"}, {"sepal_length", "petal_width"}, tb.names} {
		g, err := tb.grid(rows, columns)
		if err != nil {
			t.Fatal(err)
		}
		if _, n := g.Size(); n != len(rows) {
			t.Errorf("%d rows, want %d", n, len(rows))
		}
		if got := featureOrder(g); !slices.Equal(got, columns) {
			t.Errorf("golearn counts %q, the grid was made of %q", got, columns)
		}
		for i, row := range rows {
			text := g.RowString(i)
			for _, name := range columns {
				c, err := tb.column(name)
				if err != nil {
					t.Fatal(err)
				}
				if value := hundredths(tb.rows[row][c]); !strings.Contains(text, value) {
					t.Errorf("row %d has %q, want %s = %s", i, text, name, value)
				}
			}
		}
	}
	if _, err := tb.grid(rows, []string{"petals"}); err == nil {
		t.Error("a column that does not exist was found")
	}
}

// hundredths writes a number as golearn's attribute does.
func hundredths(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

func TestFoldsAreStratified(t *testing.T) {
	tr := small(t)
	rows := upTo(150)
	parts := tr.table.folds(tr.plan.rng(1), rows, 3, 7)
	var all []int
	for i, part := range parts {
		counts := make([]int, 3)
		for _, r := range part {
			counts[tr.table.classes[r]]++
		}
		if slices.Min(counts) < 7 || slices.Max(counts) > 8 {
			t.Errorf("part %d has %v of the classes", i, counts)
		}
		all = append(all, part...)
		if rest := without(parts, i); len(rest)+len(part) != 150 || slices.ContainsFunc(rest, func(r int) bool { return slices.Contains(part, r) }) {
			t.Errorf("part %d is not held out", i)
		}
	}
	slices.Sort(all)
	if !slices.Equal(all, rows) {
		t.Error("the parts are not the table")
	}
}

func TestDraws(t *testing.T) {
	tr := small(t)
	rows := upTo(150)
	few := tr.table.draws(tr.plan.rng(1), rows, shape{Trees: 3, Columns: 2})
	many := tr.table.draws(tr.plan.rng(1), rows, shape{Trees: 5, Columns: 2})
	for i, d := range few {
		if !slices.Equal(d.rows, many[i].rows) || !slices.Equal(d.columns, many[i].columns) {
			t.Errorf("tree %d of a small forest is not tree %d of a large one", i, i)
		}
		distinct := slices.Compact(slices.Sorted(slices.Values(d.rows)))
		// A bootstrap has 1 - 1/e of the rows: 95 of 150.
		if len(d.rows) != 150 || len(distinct) < 75 || len(distinct) > 115 || len(d.columns) != 2 {
			t.Errorf("tree %d: %d rows, %d distinct, columns %q", i, len(d.rows), len(distinct), d.columns)
		}
	}
}

func TestChoose(t *testing.T) {
	s := func(trees, depth int, mean, se float64) score {
		return score{Shape: shape{Trees: trees, Depth: depth}, Mean: mean, Error: se}
	}
	for _, tt := range []struct {
		name   string
		scores []score
		want   int
	}{
		{"the best, if others are worse by more than its error", []score{s(10, 1, 0.80, 0.01), s(50, 1, 0.90, 0.01)}, 1},
		{"the cheapest within the error", []score{s(10, 1, 0.895, 0.5), s(50, 1, 0.90, 0.01)}, 0},
		{"depth costs as trees do", []score{s(20, 1, 0.90, 0.01), s(10, 3, 0.90, 0.01)}, 0},
		{"the more accurate of equally cheap ones", []score{s(9, 2, 0.88, 0.1), s(9, 2, 0.89, 0.1), s(30, 2, 0.90, 0.1)}, 1},
	} {
		if got := choose(tt.scores); got != tt.scores[tt.want].Shape {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.scores[tt.want].Shape)
		}
	}
}

func TestFigures(t *testing.T) {
	mean, sd := meanSpread([]float64{2, 4, 4, 4, 5, 5, 7, 9})
	if mean != 5 || math.Abs(sd-math.Sqrt(32.0/7)) > 1e-15 {
		t.Errorf("mean %v, spread %v", mean, sd)
	}
	if _, sd := meanSpread([]float64{3}); sd != 0 {
		t.Errorf("the spread of one number is %v", sd)
	}
	got := figures([][]int{{8, 2}, {4, 6}}, 0, "a", 10)
	if got.Precision != 8.0/12 || got.Recall != 0.8 || got.Label != "a" {
		t.Errorf("got %+v", got)
	}
	for _, tt := range []struct {
		votes  []int
		winner int
		tied   bool
	}{{[]int{1, 3, 2}, 1, false}, {[]int{2, 2, 1}, 0, true}, {[]int{0, 2, 2}, 1, true}} {
		if winner(tt.votes) != tt.winner || tied(tt.votes) != tt.tied {
			t.Errorf("%v: winner %d, tied %v", tt.votes, winner(tt.votes), tied(tt.votes))
		}
	}
}

func TestBadTables(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a header alone":  "x,species\n",
		"no number":       "x,species\nhello,setosa\n",
		"another species": "x,species\n1,rose\n",
		"a short row":     "x,species\n1\n",
	} {
		if _, err := readTable([]byte(text), labels); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tr := small(t)
	tr.plan.Columns = []int{5}
	if _, err := tr.train(); err == nil {
		t.Error("a plan that draws 5 columns of 4 was carried out")
	}
}

// TestMatrixIsXML: the picture is well formed and says its numbers in words.
func TestMatrixIsXML(t *testing.T) {
	svg := matrix(labels, [][]int{{50, 0, 0}, {0, 45, 5}, {0, 0, 0}})
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", "versicolor was answered as 0 setosa, 45 versicolor, 5 virginica", "90.0 %"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

// TestPinnedVersion: what the card and the archive say is what go.mod pins.
func TestPinnedVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mod, []byte("github.com/sjwhitworth/golearn "+golearnVersion)) {
		t.Errorf("go.mod does not pin golearn at %s", golearnVersion)
	}
}

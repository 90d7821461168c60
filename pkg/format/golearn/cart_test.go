package golearn_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"

	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// entry is one file of an archive made by a test.
type entry struct{ name, text string }

// tarOf packs entries, in order.
func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// columns is a table for golearn: numbers, and a number to learn.
type columns struct {
	names  []string
	rows   [][]float64
	target []float64
}

// random invents a table whose values repeat, as measured ones do, so that
// thresholds fall between and upon them.
func random(rng *rand.Rand, rows, cols int, target func(row []float64) float64) *columns {
	c := &columns{}
	for i := range cols {
		c.names = append(c.names, fmt.Sprintf("f%d", i))
	}
	for range rows {
		row := make([]float64, cols)
		for i := range row {
			row[i] = math.Round(rng.NormFloat64()*8) / 4
		}
		c.rows = append(c.rows, row)
		c.target = append(c.target, target(row))
	}
	return c
}

// grid materialises the table, its columns in the order given.
func (c *columns) grid(t testing.TB, order []int, rows [][]float64) *base.DenseInstances {
	t.Helper()
	g := base.NewDenseInstances()
	var attrs []base.Attribute
	for _, i := range order {
		attrs = append(attrs, base.NewFloatAttribute(c.names[i]))
	}
	target := base.NewFloatAttribute("target")
	for _, a := range append(attrs, target) {
		g.AddAttribute(a)
	}
	if err := g.AddClassAttribute(target); err != nil {
		t.Fatal(err)
	}
	if err := g.Extend(len(rows)); err != nil {
		t.Fatal(err)
	}
	set := func(a base.Attribute, value func(r int) float64) {
		spec, err := g.GetAttribute(a)
		if err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			base.PackFloatToBytesInline(value(r), g.Get(spec, r))
		}
	}
	for i, a := range attrs {
		set(a, func(r int) float64 { return rows[r][order[i]] })
	}
	set(target, func(r int) float64 { return c.target[r%len(c.target)] })
	return g
}

// order is how golearn counts a grid's columns, by name.
func order(g base.FixedDataGrid) []string {
	var names []string
	for _, s := range base.ResolveAttributes(g, base.NonClassFloatAttributes(g)) {
		names = append(names, s.GetAttribute().GetName())
	}
	return names
}

// probes are the table's rows and many that it does not have: every
// threshold, the float64 on either side, NaN and the infinities.
func (c *columns) probes(rng *rand.Rand, m *ir.Model) [][]float64 {
	rows := append([][]float64(nil), c.rows...)
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324}
	for i := range m.Trees {
		for _, n := range m.Trees[i].Nodes {
			if n.Feature == ir.Leaf {
				continue
			}
			for _, x := range []float64{n.Threshold, math.Nextafter(n.Threshold, 99), math.Nextafter(n.Threshold, -99), odd[rng.IntN(len(odd))]} {
				row := append([]float64(nil), c.rows[rng.IntN(len(c.rows))]...)
				row[n.Feature] = x
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// cartArchive packs trees as the package document has it.
func cartArchive(t testing.TB, task golearn.Task, doc schema.Document, features [][]string, roots []string) []byte {
	t.Helper()
	m := golearn.CARTManifest{Format: golearn.CARTFormat, Version: golearn.CARTVersion, LibraryVersion: "v0", Task: task}
	entries := []entry{{}, {golearn.CARTSchemaName, jsonOf(t, doc)}}
	for i, root := range roots {
		file := fmt.Sprintf("trees/%d.json", i)
		m.Trees = append(m.Trees, golearn.CARTTree{File: file, Features: features[i]})
		entries = append(entries, entry{file, root})
	}
	entries[0] = entry{golearn.CARTManifestName, jsonOf(t, m)}
	return tarOf(t, entries...)
}

func (c *columns) document(labels ...string) schema.Document {
	doc := schema.Document{Labels: labels}
	for _, n := range c.names {
		doc.Features = append(doc.Features, schema.Feature{Name: n, Type: schema.Number, Missing: schema.Refuse})
	}
	return doc
}

// TestCARTClassifier holds a forest of golearn's classifiers, each fitted to
// its own rows and to columns in its own order, against what golearn's trees
// answer one by one.
func TestCARTClassifier(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	c := random(rng, 60, 4, func(row []float64) float64 {
		return float64(min(2, max(0, int(row[1]+row[3]+rng.NormFloat64()/2)+1)))
	})
	for _, size := range []int{1, 9} {
		var fitted []*trees.CARTDecisionTreeClassifier
		var features [][]string
		var orders [][]int
		var roots []string
		for range size {
			perm := rng.Perm(4)[:2+rng.IntN(3)]
			g := c.grid(t, perm, c.rows)
			tree := trees.NewDecisionTreeClassifier(trees.ENTROPY, 5, []int64{0, 1, 2})
			if err := tree.Fit(g); err != nil {
				t.Fatal(err)
			}
			fitted, features, orders = append(fitted, tree), append(features, order(g)), append(orders, perm)
			roots = append(roots, jsonOf(t, tree.RootNode))
		}
		m, _ := read(t, cartArchive(t, golearn.Classifier, c.document("a", "b", "c"), features, roots))
		rows := c.probes(rng, m)
		votes := make([]float64, len(rows)*3)
		for i, tree := range fitted {
			for r, label := range tree.Predict(c.grid(t, orders[i], rows)) {
				votes[r*3+int(label)]++
			}
		}
		margin, values := make([]float64, 3), make([]float64, 3)
		for r, row := range rows {
			m.Eval(row, margin, values)
			for k := range values {
				if want := votes[r*3+k]; margin[k] != want || values[k] != want/float64(size) {
					t.Fatalf("%d trees, row %d %v: got %v and %v, want %v votes", size, r, row, margin, values, votes[r*3:r*3+3])
				}
			}
		}
		t.Logf("%d trees, %d rows", size, len(rows))
	}
}

// TestCARTRegressor does the same for numbers: one tree's answers are
// golearn's to the bit, several trees' are their mean, summed in order.
func TestCARTRegressor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	c := random(rng, 50, 3, func(row []float64) float64 { return row[0]*row[1] + rng.NormFloat64() })
	var roots []string
	var features [][]string
	var fitted []*trees.CARTDecisionTreeRegressor
	all := []int{0, 1, 2}
	for i := range 3 {
		g := c.grid(t, all, c.rows)
		tree := trees.NewDecisionTreeRegressor(trees.MSE, int64(3+i))
		if err := tree.Fit(g); err != nil {
			t.Fatal(err)
		}
		fitted, features = append(fitted, tree), append(features, order(g))
		roots = append(roots, jsonOf(t, tree.RootNode))
	}
	for size := 1; size <= 3; size += 2 {
		m, _ := read(t, cartArchive(t, golearn.Regressor, c.document(), features[:size], roots[:size]))
		rows := c.probes(rng, m)
		sums := make([]float64, len(rows))
		for _, tree := range fitted[:size] {
			for r, x := range tree.Predict(c.grid(t, all, rows)) {
				sums[r] += x
			}
		}
		margin, values := make([]float64, 1), make([]float64, 1)
		for r, row := range rows {
			if m.Eval(row, margin, values); margin[0] != sums[r] || values[0] != sums[r]/float64(size) {
				t.Fatalf("%d trees, row %d %v: got %v, want %v", size, r, row, values[0], sums[r]/float64(size))
			}
		}
	}
}

// TestCARTWithoutSplit: golearn's tree on rows of one class has a root that
// asks x < 0 and answers label 0 on the right, whatever the labels. So do we.
func TestCARTWithoutSplit(t *testing.T) {
	c := random(rand.New(rand.NewPCG(3, 3)), 10, 2, func([]float64) float64 { return 1 })
	g := c.grid(t, []int{0, 1}, c.rows)
	tree := trees.NewDecisionTreeClassifier(trees.GINI, 3, []int64{0, 1})
	if err := tree.Fit(g); err != nil {
		t.Fatal(err)
	}
	m, _ := read(t, cartArchive(t, golearn.Classifier, c.document("no", "yes"), [][]string{order(g)}, []string{jsonOf(t, tree.RootNode)}))
	rows := [][]float64{{-1, 0}, {0, 0}, {1, 1}, {math.NaN(), 1}}
	got := make([]int64, len(rows))
	margin, values := make([]float64, 2), make([]float64, 2)
	for r, row := range rows {
		m.Eval(row, margin, values)
		got[r] = int64(best(values))
	}
	if want := tree.Predict(c.grid(t, []int{0, 1}, rows)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, golearn answers %v", got, want)
	}
}

// TestGzippedCART: a tar of either kind is the same model.
func TestGzippedCART(t *testing.T) {
	c := columns{names: []string{"x"}}
	root := `{"Left":null,"Right":null,"Threshold":1.5,"Feature":0,"LeftPred":-1,"RightPred":2}`
	plain := cartArchive(t, golearn.Regressor, c.document(), [][]string{{"x"}}, []string{root})
	a, _ := read(t, plain)
	b, _ := read(t, gzipOf(t, plain))
	if jsonOf(t, a) != jsonOf(t, b) {
		t.Errorf("gzipped: got %+v, want %+v", b, a)
	}
}

// Command make trains golearn's models on small data and keeps what golearn
// saves, with golearn's own answers beside it.
//
//	go run ./testdata/golearn/make        (needs a C compiler: golearn's ensemble does)
//
// golearn draws from maps, so another run gives other archives, with answers
// to match; README.md lists the files.
package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/ensemble"
	"github.com/sjwhitworth/golearn/knn"
	"github.com/sjwhitworth/golearn/meta"
	"github.com/sjwhitworth/golearn/naive"
	"github.com/sjwhitworth/golearn/trees"
)

// asks is how often a model is asked the same rows: where golearn lets a map
// decide, its answers differ, and all that were seen are kept.
const asks = 200

func main() {
	out := flag.String("out", "testdata/golearn", "folder to write to")
	iris := flag.String("iris", "testdata/iris/iris.csv", "the iris table")
	flag.Parse()
	if err := run(*out, *iris); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

func run(out, iris string) error {
	rng := rand.New(rand.NewSource(1))
	flowers, err := readIris(iris)
	if err != nil {
		return err
	}
	goods := makeGoods(rng, 160)
	flowerRows := append(slices.Clone(flowers.rows), flowers.strange(rng, 60)...)
	goodsRows := append(slices.Clone(goods.rows), goods.strange(rng, 120)...)

	models := []struct {
		name  string
		data  *data
		rows  []row
		model base.Classifier
	}{
		{"id3-iris", flowers, flowerRows, trees.NewID3DecisionTree(0)},
		{"id3-goods", goods, goodsRows, trees.NewID3DecisionTree(0)},
		{"id3-pruned", goods, goodsRows, trees.NewID3DecisionTree(0.3)},
		{"randomtree-iris", flowers, flowerRows, trees.NewRandomTree(2)},
		{"forest-iris", flowers, flowerRows, ensemble.NewRandomForest(12, 3)},
		{"forest-goods", goods, goodsRows, ensemble.NewRandomForest(8, 3)},
	}
	for _, m := range models {
		if err := m.model.Fit(m.data.grid(m.data.rows)); err != nil {
			return err
		}
		if err := keep(filepath.Join(out, m.name), m.data, m.rows, m.model); err != nil {
			return err
		}
	}
	return runRest(out, flowers, flowerRows)
}

// runRest makes a bag, whose Fit has another signature, and the models that
// Copse does not read.
func runRest(out string, flowers *data, rows []row) error {
	bag := &meta.BaggedModel{RandomFeatures: 2}
	for range 7 {
		bag.AddModel(trees.NewRandomTree(2))
	}
	grid := flowers.grid(flowers.rows)
	bag.Fit(grid)
	if err := keep(filepath.Join(out, "bag-iris"), flowers, rows, bag); err != nil {
		return err
	}
	near := knn.NewKnnClassifier("euclidean", "linear", 3)
	if err := near.Fit(grid); err != nil {
		return err
	}
	if err := near.Save(filepath.Join(out, "knn.golearn")); err != nil {
		return err
	}
	bits := &data{attrs: []base.Attribute{base.NewBinaryAttribute("a"), base.NewBinaryAttribute("b")}, class: base.NewBinaryAttribute("c")}
	for i := range 16 {
		bits.rows = append(bits.rows, row{cells: []string{strconv.Itoa(i & 1), strconv.Itoa(i >> 1 & 1)}, class: strconv.Itoa(i & 1)})
	}
	bayes := naive.NewBernoulliNBClassifier()
	if err := bayes.Fit(bits.grid(bits.rows)); err != nil {
		return err
	}
	return bayes.Save(filepath.Join(out, "bayes.golearn"))
}

// saver is what every model kept here can do.
type saver interface {
	Save(path string) error
	Predict(base.FixedDataGrid) (base.FixedDataGrid, error)
}

// keep saves a model, and the rows with golearn's answers: the classes that
// it gave in several calls, joined by |, and of an ID3 tree the shares.
func keep(path string, d *data, rows []row, m saver) error {
	if err := m.Save(path + ".golearn"); err != nil {
		return err
	}
	if err := os.Chmod(path+".golearn", 0o644); err != nil {
		return err
	}
	answers := make([]map[string]bool, len(rows))
	for range asks {
		got, err := m.Predict(d.grid(rows))
		if err != nil {
			return err
		}
		for i := range rows {
			if answers[i] == nil {
				answers[i] = map[string]bool{}
			}
			answers[i][base.GetClass(got, i)] = true
		}
	}
	id3, _ := m.(*trees.ID3DecisionTree)
	records := [][]string{d.header(id3 != nil)}
	for i, r := range rows {
		record := append(slices.Clone(r.cells), join(answers[i]))
		if id3 != nil {
			shares, err := d.shares(id3, r)
			if err != nil {
				return err
			}
			record = append(record, shares...)
		}
		records = append(records, record)
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(records); err != nil {
		return err
	}
	return os.WriteFile(path+".csv", out.Bytes(), 0o644)
}

func join(set map[string]bool) string {
	var all []string
	for s := range set {
		all = append(all, s)
	}
	slices.Sort(all)
	return strings.Join(all, "|")
}

// row is one example as text; class is empty where it is unknown.
type row struct {
	cells []string
	class string
}

// data is a small table for golearn.
type data struct {
	attrs []base.Attribute
	class base.Attribute
	rows  []row
}

// grid materialises rows.
func (d *data) grid(rows []row) *base.DenseInstances {
	g := base.NewDenseInstances()
	var specs []base.AttributeSpec
	for _, a := range d.attrs {
		g.AddAttribute(a)
	}
	g.AddAttribute(d.class)
	must(g.AddClassAttribute(d.class))
	must(g.Extend(len(rows)))
	for _, a := range append(slices.Clone(d.attrs), d.class) {
		s, err := g.GetAttribute(a)
		must(err)
		specs = append(specs, s)
	}
	for i, r := range rows {
		for c := range d.attrs {
			g.Set(specs[c], i, sysVal(d.attrs[c], r.cells[c]))
		}
		class := r.class
		if class == "" {
			class = d.rows[0].class
		}
		g.Set(specs[len(d.attrs)], i, d.class.GetSysValFromString(class))
	}
	return g
}

// sysVal keeps every bit of a float, where the attribute would round.
func sysVal(a base.Attribute, text string) []byte {
	if _, ok := a.(*base.FloatAttribute); ok {
		x, err := strconv.ParseFloat(text, 64)
		must(err)
		return base.PackFloatToBytes(x)
	}
	return a.GetSysValFromString(text)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (d *data) header(shares bool) []string {
	var names []string
	for _, a := range d.attrs {
		names = append(names, a.GetName())
	}
	names = append(names, "answers")
	if shares {
		for _, v := range d.class.(*base.CategoricalAttribute).GetValues() {
			names = append(names, "share_"+v)
		}
	}
	return names
}

// shares asks PredictProba, which takes one row; where its answers differ
// from call to call there is none to keep.
func (d *data) shares(t *trees.ID3DecisionTree, r row) ([]string, error) {
	values := d.class.(*base.CategoricalAttribute).GetValues()
	out := make([]string, len(values))
	for ask := range asks {
		got, err := t.PredictProba(d.grid([]row{r}))
		if err != nil {
			return nil, err
		}
		now := make([]string, len(values))
		for i := range now {
			now[i] = "0"
		}
		for _, p := range got {
			now[slices.Index(values, p.ClassValue)] = strconv.FormatFloat(p.Probability, 'g', -1, 64)
		}
		if ask > 0 && !slices.Equal(now, out) {
			return make([]string, len(values)), nil
		}
		out = now
	}
	return out, nil
}

func readIris(path string) (*data, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, err
	}
	class := base.NewCategoricalAttribute()
	class.SetName("species")
	d := &data{class: class}
	for _, name := range records[0][:4] {
		d.attrs = append(d.attrs, base.NewFloatAttribute(name))
	}
	for _, r := range records[1:] {
		class.GetSysValFromString(r[4])
		d.rows = append(d.rows, row{r[:4], r[4]})
	}
	return d, nil
}

// makeGoods invents a table with categories (not in the order of their
// texts), a bit and a number, and a class that depends on all of them.
func makeGoods(rng *rand.Rand, n int) *data {
	values := map[string][]string{
		"colour": {"red", "green", "blue", "amber", "Δ-violet", "umber", "teal", "azure", "pink"},
		"size":   {"small", "medium", "large"},
	}
	d := &data{}
	for _, name := range []string{"colour", "size"} {
		a := base.NewCategoricalAttribute()
		a.SetName(name)
		for _, v := range values[name] {
			a.GetSysValFromString(v)
		}
		d.attrs = append(d.attrs, a)
	}
	d.attrs = append(d.attrs, base.NewBinaryAttribute("fragile"), base.NewFloatAttribute("weight"))
	class := base.NewCategoricalAttribute()
	class.SetName("shelf")
	for _, v := range []string{"top", "middle", "floor"} {
		class.GetSysValFromString(v)
	}
	d.class = class
	for range n {
		// Low numbers are drawn more often, so that some nodes never meet the
		// rarest colours.
		c, s, b, w := rng.Intn(9)*rng.Intn(9)/8, rng.Intn(3), rng.Intn(2), math.Round(rng.Float64()*20)/2
		shelf := "middle"
		switch {
		case b == 1 && w < 6 || c == 3:
			shelf = "top"
		case w > 5+float64(s) || rng.Float64() < 0.15:
			shelf = "floor"
		}
		d.rows = append(d.rows, row{[]string{values["colour"][c], values["size"][s], strconv.Itoa(b), strconv.FormatFloat(w, 'g', -1, 64)}, shelf})
	}
	return d
}

// strange gives rows that training did not see: other numbers, NaN, the
// infinities, and categories drawn one by one.
func (d *data) strange(rng *rand.Rand, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		for c, a := range d.attrs {
			text := d.rows[rng.Intn(len(d.rows))].cells[c]
			if cat, ok := a.(*base.CategoricalAttribute); ok {
				text = cat.GetValues()[rng.Intn(len(cat.GetValues()))]
			}
			if _, ok := a.(*base.FloatAttribute); ok {
				switch x, _ := strconv.ParseFloat(text, 64); rng.Intn(8) {
				case 0:
					text = "NaN"
				case 1:
					text = []string{"Inf", "-Inf", "-0"}[rng.Intn(3)]
				case 2:
					text = strconv.FormatFloat(math.Nextafter(x, 9), 'g', -1, 64)
				default:
					text = strconv.FormatFloat(x+rng.NormFloat64(), 'g', -1, 64)
				}
			}
			rows[i].cells = append(rows[i].cells, text)
		}
	}
	return rows
}

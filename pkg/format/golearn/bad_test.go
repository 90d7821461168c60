package golearn_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

const (
	classAttr = `{"type":"categorical","name":"y","attr":{"values":["a","b"]}}`
	floatX    = `{"type":"float","name":"x","attr":{"precision":2}}`
	catC      = `{"type":"categorical","name":"c","attr":{"values":["p","q","r"]}}`
	leafA     = `{"node_type":1,"children":null,"class_dist":{"a":2},"class_string":"a","decision_tree_rule":{"split_attribute":"unknown","split_val":0}}`
	leafB     = `{"node_type":1,"children":null,"class_dist":{"b":3},"class_string":"b","decision_tree_rule":null}`
)

// splitOn is a node that asks for an attribute.
func splitOn(attr string, children string) string {
	return `{"node_type":2,"children":` + children + `,"class_dist":{"a":1,"b":1},"class_string":"a",` +
		`"decision_tree_rule":{"split_attribute":` + attr + `,"split_val":1.5}}`
}

var goodTree = splitOn(floatX, `{"0":`+leafA+`,"1":`+leafB+`}`)

// savedOf is an archive such as golearn's Save writes.
func savedOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	head := []entry{{"CLS_MANIFEST", "golearn 1.0"}, {"METADATA", `{"format_version":1,"classifier":"KNN","ClassifierVersion":"1.0","classifier_metadata":null}`}}
	return gzipOf(t, tarOf(t, append(head, entries...)...))
}

// single is the archive of one tree.
func single(t testing.TB, tree string) []byte {
	return savedOf(t, entry{"tree", tree}, entry{"treeClassAttr", classAttr})
}

// bagOf is the archive of a bag that says it has count trees.
func bagOf(t testing.TB, count byte, trees ...string) []byte {
	entries := []entry{{"NUM_RANDOM_FEATURES", "\x00\x00\x00\x00\x00\x00\x00\x00"}, {"NUM_CLASSIFIERS", string(count) + "\x00\x00\x00\x00\x00\x00\x00"}}
	for i, tree := range trees {
		prefix := "CLASSIFIERS/" + string(rune('0'+i)) + "//"
		entries = append(entries, entry{prefix + "tree", tree}, entry{prefix + "treeClassAttr", classAttr})
	}
	return savedOf(t, append(entries, entry{"REFERENCE_INSTANCESCATTRS", "[" + classAttr + "]"},
		entry{"REFERENCE_INSTANCESATTRS", "[" + catC + "," + floatX + "]"})...)
}

// evaluate returns a model's values for a row.
func evaluate(m *ir.Model, row ...float64) []float64 {
	margin, values := make([]float64, m.Outputs), make([]float64, m.Outputs)
	m.Eval(row, margin, values)
	return values
}

func TestHandMadeArchives(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		row  []float64
		want []float64
	}{
		{"a tree, left", single(t, goodTree), []float64{1.5}, []float64{1, 0}},
		{"a tree, right", single(t, goodTree), []float64{1.6}, []float64{0, 1}},
		{"a bag of one votes", bagOf(t, 1, goodTree), []float64{0, 2}, []float64{0, 1}},
		{"a bag of two", bagOf(t, 2, goodTree, leafA), []float64{0, 2}, []float64{0.5, 0.5}},
		{"one child takes all", single(t, splitOn(floatX, `{"1":`+leafB+`}`)), []float64{-7}, []float64{0, 1}},
		{"no counts: the class alone", single(t, splitOn(floatX, `{"0":{"children":null,"class_string":"b"},"1":`+leafA+`}`)),
			[]float64{0}, []float64{0, 1}},
		{"counts of nothing", single(t, splitOn(floatX, `{"0":{"children":null,"class_string":"b","class_dist":{"a":0}},"1":`+leafA+`}`)),
			[]float64{0}, []float64{0, 1}},
		{"the class of a tied leaf", single(t, splitOn(floatX, `{"0":{"children":null,"class_string":"b","class_dist":{"a":4,"b":4}},"1":`+leafA+`}`)),
			[]float64{0}, []float64{0.5, 0.5000000000000001}},
		{"a category below its child", single(t, splitOn(catC, `{"q":`+leafA+`,"r":`+leafB+`}`)), []float64{0}, []float64{1, 0}},
		{"a category above all children", single(t, splitOn(catC, `{"p":`+leafA+`,"q":`+leafB+`}`)), []float64{2}, []float64{0, 1}},
		{"the first entry of a name counts", savedOf(t, entry{"tree", goodTree}, entry{"treeClassAttr", classAttr}, entry{"tree", "broken"}),
			[]float64{0}, []float64{1, 0}},
		{"labels from the trees alone", savedOf(t, entry{"tree", goodTree}), []float64{0}, []float64{1, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := read(t, tt.data)
			if got := evaluate(m, tt.row...); !equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// deep nests splits n levels deep.
func deep(n int) string {
	open := `{"children":{"1":` + leafA + `,"0":`
	shut := `},"class_string":"a","decision_tree_rule":{"split_attribute":` + floatX + `,"split_val":1}}`
	return strings.Repeat(open, n) + leafB + strings.Repeat(shut, n)
}

func TestBadSavedArchives(t *testing.T) {
	whole := single(t, goodTree)
	inflated := tarOf(t, entry{"CLS_MANIFEST", "golearn 1.0"}, entry{"tree", goodTree}, entry{"treeClassAttr", classAttr})
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "empty"},
		{"cut in the gzip header", whole[:6], "damaged"},
		{"cut in the stream", whole[:len(whole)/2], "damaged"},
		{"cut inside an entry", inflated[:1024+700], "damaged"},
		{"another archive", tarOf(t, entry{"hello.txt", "hi"}), "hello.txt"},
		{"another version", gzipOf(t, tarOf(t, entry{"CLS_MANIFEST", "golearn 2.0"})), "CLS_MANIFEST"},
		{"another metadata version", gzipOf(t, tarOf(t, entry{"CLS_MANIFEST", "golearn 1.0"}, entry{"METADATA", `{"format_version":2}`})), "METADATA"},
		{"no model", savedOf(t), `calls itself "KNN"`},
		{"no metadata either", gzipOf(t, tarOf(t, entry{"CLS_MANIFEST", "golearn 1.0"})), "holds no model"},
		{"one-against-all", savedOf(t, entry{"FILTER_COUNT", "x"}), "OneVsAllModel"},
		{"linear", savedOf(t, entry{"PARAMETERS", "x"}), "LinearSVC"},
		{"a bag of bags", savedOf(t, entry{"NUM_CLASSIFIERS", "\x01\x00\x00\x00\x00\x00\x00\x00"}, entry{"CLASSIFIERS/0//NUM_CLASSIFIERS", "x"}), "bag of bags"},
		{"a bag of neighbours", savedOf(t, entry{"CLASSIFIERS/0//TrainingInstancesDATA", "x"}), "KNN"},
		{"fewer trees than said", bagOf(t, 3, goodTree, goodTree), "CLASSIFIERS/2"},
		{"more trees than said", bagOf(t, 1, goodTree, goodTree), "says 1"},
		{"no trees", bagOf(t, 0), "from 1 to"},
		{"a short count", savedOf(t, entry{"NUM_CLASSIFIERS", "\x01"}), "8 bytes"},
		{"not JSON", single(t, "not JSON"), "tree: byte 1: not the JSON"},
		{"JSON cut short", single(t, goodTree[:60]), "the text breaks off"},
		{"text after the value", single(t, goodTree+"\x00"), "more than one JSON value"},
		{"two values", single(t, goodTree+"{}"), "more than one JSON value"},
		{"a number where a node is due", single(t, splitOn(floatX, `{"0":7,"1":`+leafA+`}`)), "/children/0"},
		{"no children at all", single(t, splitOn(floatX, `{}`)), "empty set of children"},
		{"children, no rule", single(t, `{"children":{"0":`+leafA+`},"class_string":"a","decision_tree_rule":{"split_attribute":"unknown","split_val":0}}`), "no rule"},
		{"a leaf without a class", single(t, splitOn(floatX, `{"0":{"children":null},"1":`+leafA+`}`)), "without a class"},
		{"an unknown class", single(t, strings.ReplaceAll(goodTree, `"b"`, `"z"`)), `"z"`},
		{"a class that is not the most frequent", single(t, splitOn(floatX, `{"0":{"children":null,"class_string":"b","class_dist":{"a":4,"b":3}},"1":`+leafA+`}`)), "most frequent"},
		{"negative counts", single(t, splitOn(floatX, `{"0":{"children":null,"class_string":"b","class_dist":{"b":-3}},"1":`+leafA+`}`)), "whole number"},
		{"an unknown type", single(t, splitOn(`{"type":"date","name":"x"}`, `{"0":`+leafA+`}`)), "type of attribute"},
		{"no type", single(t, splitOn(`{"name":"x"}`, `{"0":`+leafA+`}`)), "without its type"},
		{"an attribute in two ways", single(t, splitOn(floatX, `{"0":`+splitOn(`{"type":"binary","name":"x"}`, `{"0":`+leafA+`}`)+`}`)), "two ways"},
		{"a child of no value", single(t, splitOn(catC, `{"zz":`+leafA+`}`)), "does not have"},
		{"a float's third child", single(t, splitOn(floatX, `{"0":`+leafA+`,"2":`+leafA+`}`)), "does not have"},
		{"a threshold beyond float64", single(t, strings.ReplaceAll(goodTree, "1.5", "1e999")), "float64"},
		{"too deep", single(t, deep(600)), "deeper than"},
		{"a long name", single(t, strings.ReplaceAll(goodTree, `"name":"x"`, `"name":"`+strings.Repeat("x", 2000)+`"`)), "more than 1024 bytes"},
		{"an attribute that is not listed", bagOf(t, 1, strings.ReplaceAll(goodTree, `"name":"x"`, `"name":"w"`)), "does not list"},
		{"one leaf, no feature", single(t, leafA), "names no feature"},
		{"a label twice", savedOf(t, entry{"tree", goodTree}, entry{"treeClassAttr", `{"type":"categorical","name":"y","attr":{"values":["a","b","a"]}}`}), "twice"},
		{"trees of two classes", savedOf(t, entry{"tree", goodTree}, entry{"treeClassAttr", classAttr},
			entry{"CLASSIFIERS/0//treeClassAttr", `{"type":"binary","name":"y"}`}), "class attribute of the other trees"},
		{"a long entry name", savedOf(t, entry{strings.Repeat("n", 3000), "x"}), "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.data, tt.want) })
	}
}

// wantError demands an error of the right type that says want.
func wantError(t *testing.T, data []byte, want string) {
	t.Helper()
	_, _, err := golearn.Read(data)
	var e *readerr.Error
	if !errors.As(err, &e) || e.Format != "golearn" || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want a golearn error with %q", err, want)
	}
}

func TestBadCARTArchives(t *testing.T) {
	doc := schema.Document{Features: []schema.Feature{{Name: "x", Type: schema.Number, Missing: schema.Refuse}}}
	labelled := doc
	labelled.Labels = []string{"a", "b"}
	root := `{"Left":null,"Right":null,"Threshold":1.5,"Feature":0,"LeftLabel":0,"RightLabel":1}`
	number := `{"Left":null,"Right":null,"Threshold":1.5,"Feature":0,"LeftPred":0,"RightPred":1}`
	x := [][]string{{"x"}}
	nested := strings.Repeat(`{"Left":`, 600) + root + strings.Repeat(`,"Feature":0}`, 600)
	good := `{"format":"copse-golearn-cart","version":1,"library_version":"v0","task":"classifier","trees":[{"file":"t","features":["x"]}]}`
	document := jsonOf(t, labelled)
	manifest := func(text string) []byte {
		return tarOf(t, entry{golearn.CARTManifestName, text}, entry{golearn.CARTSchemaName, document}, entry{"t", root})
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"no schema", tarOf(t, entry{golearn.CARTManifestName, good}, entry{"t", root}), "schema.json: is missing"},
		{"no tree", tarOf(t, entry{golearn.CARTManifestName, good}, entry{golearn.CARTSchemaName, document}), "t: is missing"},
		{"another tree", tarOf(t, entry{golearn.CARTManifestName, good}, entry{"u", root}), "u: the manifest does not list"},
		{"a tree twice", tarOf(t, entry{golearn.CARTManifestName, good}, entry{"t", root}, entry{"t", root}), "stands twice"},
		{"a bad schema", tarOf(t, entry{golearn.CARTManifestName, good}, entry{golearn.CARTSchemaName, `{"features":[]}`}), "schema.json: cannot be used"},
		{"another format", manifest(strings.Replace(good, "golearn", "other", 1)), "format is not"},
		{"a later version", manifest(strings.Replace(good, `:1`, `:2`, 1)), "version 2 is not supported"},
		{"another task", manifest(strings.Replace(good, `classifier`, `cluster`, 1)), "task is neither"},
		{"another member", manifest(strings.Replace(good, `"task"`, `"taste"`, 1)), "version 1 does not have"},
		{"no trees listed", manifest(good[:strings.Index(good, "[")] + "[]}"), "lists no trees"},
		{"a file listed twice", manifest(strings.Replace(good, "[{", `[{"file":"t","features":["x"]},{`, 1)), "lists a file twice"},
		{"a feature that the schema has not", cartArchive(t, golearn.Classifier, labelled, [][]string{{"y"}}, []string{root}), `"y"`},
		{"a feature beyond the list", cartArchive(t, golearn.Classifier, labelled, [][]string{{}}, []string{root}), "feature 0 of 0"},
		{"a label beyond the list", cartArchive(t, golearn.Classifier, labelled, x, []string{strings.Replace(root, `"RightLabel":1`, `"RightLabel":2`, 1)}), "label 2 of 2"},
		{"a negative label", cartArchive(t, golearn.Classifier, labelled, x, []string{strings.Replace(root, `"RightLabel":1`, `"RightLabel":-1`, 1)}), "whole number"},
		{"no labels", cartArchive(t, golearn.Classifier, doc, x, []string{root}), "needs its labels"},
		{"labels of a number", cartArchive(t, golearn.Regressor, labelled, x, []string{number}), "no labels"},
		{"numbers in a classifier", cartArchive(t, golearn.Classifier, labelled, x, []string{number}), "not of a classifier"},
		{"labels in a regressor", cartArchive(t, golearn.Regressor, doc, x, []string{root}), "not of a regressor"},
		{"too deep", cartArchive(t, golearn.Classifier, labelled, x, []string{nested}), "deeper than"},
		{"null at the root", cartArchive(t, golearn.Classifier, labelled, x, []string{"null"}), "JSON null"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.data, tt.want) })
	}
}

// TestGzipBomb: kilobytes that inflate to 300 MiB end at the limit. The bomb
// is one gzip member of zeros, many times over.
func TestGzipBomb(t *testing.T) {
	const size = 300 << 20
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	err1 := w.WriteHeader(&tar.Header{Name: "CLS_MANIFEST", Size: 11})
	_, err2 := io.WriteString(w, "golearn 1.0")
	err3 := w.WriteHeader(&tar.Header{Name: "padding", Size: size})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	member := gzipOf(t, make([]byte, 1<<20))
	wantError(t, append(gzipOf(t, head.Bytes()), bytes.Repeat(member, size>>20)...), "once inflated")
}

// sparse is the header of an old GNU sparse entry: size bytes of nothing.
func sparse(name string, size int64) []byte {
	h := make([]byte, 512)
	put := func(at int, text string) { copy(h[at:], text) }
	put(0, name)
	put(100, "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00        S")
	put(257, "ustar  \x00")
	put(386, fmt.Sprintf("%011o\x00%011o\x00", size, 0)) // one piece, of no bytes, at the end
	put(483, fmt.Sprintf("%011o", size))
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	put(148, fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// TestSparseEntries: holes cost nothing in the tar, but are bounded.
func TestSparseEntries(t *testing.T) {
	head := tarOf(t, entry{"CLS_MANIFEST", "golearn 1.0"})
	head = head[:1024] // without the tar's end
	one := append(bytes.Clone(head), sparse("tree", 1<<33-1)...)
	wantError(t, one, "tree: larger than")
	some := append(bytes.Clone(head), sparse("tree", 1<<20)...)
	wantError(t, some, "tree: byte 0: not the JSON")
}

// seeds are archives of every kind, for fuzzing and mutation.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"single": single(t, goodTree), "bag": bagOf(t, 2, goodTree, splitOn(catC, `{"p":`+leafA+`,"r":`+leafB+`}`))}
	paths, err := filepath.Glob(filepath.Join(fixtures, "*.golearn"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, path := range append(paths, "../../../model/iris.golearn") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = data
	}
	return all
}

// inflate returns the tar of an archive, whether or not its gzip has an end.
func inflate(data []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data
	}
	out, _ := io.ReadAll(z)
	return out
}

// demand holds what is promised of any input: a typed error, or a sound model
// that answers any row without a panic.
func demand(t testing.TB, data []byte) (sound bool) {
	t.Helper()
	m, doc, err := golearn.Read(data)
	if err != nil {
		if e := (*readerr.Error)(nil); !errors.As(err, &e) {
			t.Fatalf("%T is not a reader's error: %v", err, err)
		}
		return false
	}
	if len(doc.Features) != len(m.FeatureNames) {
		t.Fatalf("the schema has %d features, the model %d", len(doc.Features), len(m.FeatureNames))
	}
	if err := ir.Check(m); err != nil {
		t.Fatalf("read a model that is not sound: %v", err)
	}
	row := make([]float64, len(m.FeatureNames))
	for i := range row {
		row[i] = float64(i%7) - 2.5
	}
	if values := evaluate(m, row...); len(values) != m.Outputs {
		t.Fatalf("%d values, want %d", len(values), m.Outputs)
	}
	return true
}

// TestMutants changes archives at random, in the tar and in the gzip around
// it.
func TestMutants(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	refused, read := 0, 0
	for name, data := range seeds(t) {
		plain := inflate(data)
		for range 150 {
			for _, from := range [][]byte{data, plain} {
				mutant := mutate(rng, from)
				if demand(t, mutant) {
					read++
				} else {
					refused++
				}
			}
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	t.Logf("%d mutants refused, %d read as another sound model", refused, read)
}

func mutate(rng *rand.Rand, data []byte) []byte {
	m := bytes.Clone(data)
	for range 1 + rng.IntN(4) {
		at := rng.IntN(len(m))
		switch rng.IntN(4) {
		case 0:
			m[at] ^= 1 << rng.IntN(8)
		case 1:
			m[at] = byte(rng.IntN(256))
		case 2:
			m = m[:at+1]
		default:
			end := min(len(m), at+rng.IntN(40))
			m = append(m[:at], m[end:]...)
		}
		if len(m) == 0 {
			return m
		}
	}
	return m
}

// FuzzRead is TestMutants without end. The tar is fuzzed bare: behind gzip's
// checksum little else would be reached.
func FuzzRead(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(inflate(data))
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { demand(t, data) })
}

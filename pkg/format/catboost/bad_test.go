package catboost_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/catboost"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

// sound is a file with one feature, one tree and one leaf value a side.
const sound = `{
"features_info":{"float_features":[{"feature_index":0,"flat_feature_index":0,"feature_id":"a","has_nans":false,"nan_value_treatment":"AsIs","borders":[0.5]}]},
"model_info":{"params":{"loss_function":{"type":"RMSE","params":{}}},"catboost_version_info":"Branch: tags/v1.2.10\n"},
"oblivious_trees":[{"leaf_values":[1,2],"splits":[{"border":0.5,"float_feature_index":0,"split_type":"FloatFeature"}]}],
"scale_and_bias":[1,[0]]}`

const soundTrees = `"trees":[{"left":{"value":1},"right":{"value":2},"split":{"border":0.5,"float_feature_index":0,"split_type":"FloatFeature"}}]`

func read(text string) (*ir.Model, error) {
	m, _, err := catboost.Read(bufio.NewReader(strings.NewReader(text)))
	return m, err
}

// nonSymmetric is sound with trees in the place of oblivious_trees.
func nonSymmetric(t *testing.T) string {
	t.Helper()
	from, to := strings.Index(sound, `"oblivious_trees"`), strings.Index(sound, ",\n\"scale")
	return sound[:from] + soundTrees + sound[to:]
}

func TestSoundFiles(t *testing.T) {
	for _, text := range []string{sound, nonSymmetric(t)} {
		m, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Version != "1.2.10" || m.Objective != "RMSE" || m.FeatureNames[0] != "a" || len(m.Labels) != 0 {
			t.Errorf("got version %q, objective %q, names %q, labels %q", m.Version, m.Objective, m.FeatureNames, m.Labels)
		}
		margin, values := []float64{0}, []float64{0}
		for x, want := range map[float64]float64{0.5: 1, 0.50000001: 1, 0.5000001: 2, -7: 1} {
			if m.Eval([]float64{x}, margin, values); margin[0] != want {
				t.Errorf("of %v: got %v, want %v", x, margin[0], want)
			}
		}
	}
}

// TestBadFiles spoils a sound file in one place each.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"not JSON", `{`, `<`, "not the JSON that catboost writes"},
		{"breaks off", `"scale_and_bias":[1,[0]]}`, ``, "breaks off"},
		{"two values", `[1,[0]]}`, `[1,[0]]} {}`, "more than one JSON value"},
		{"a list", sound, `[]`, "is a JSON ["},
		{"no trees", `"oblivious_trees"`, `"other"`, "no trees"},
		{"trees are null", `[{"leaf_values":[1,2],"splits":[{"border":0.5,"float_feature_index":0,"split_type":"FloatFeature"}]}]`, `null`, "no trees"},
		{"member twice", `"model_info"`, `"features_info"`, "duplicate object member name"},
		{"leaves do not fit", `[1,2]`, `[1,2,3]`, "3 leaf values do not fit 1 splits"},
		{"no leaves", `"leaf_values":[1,2],`, ``, "0 leaf values do not fit"},
		{"leaves of other widths", `"oblivious_trees":[`, `"oblivious_trees":[{"leaf_values":[1,2],"splits":null},`, "leaves of 1 numbers, those before had 2"},
		{"leaf of text", `[1,2]`, `["1",2]`, "is a JSON string"},
		{"leaf beyond float64", `[1,2]`, `[1e999,2]`, "float64 cannot hold"},
		{"border beyond float32", `"border":0.5,`, `"border":1e300,`, ""}, // infinite: every number goes left
		{"no border", `"border":0.5,`, ``, "a split without border"},
		{"no feature", `"float_feature_index":0,`, ``, "a split without float_feature_index"},
		{"feature beyond", `"float_feature_index":0,`, `"float_feature_index":1,`, "asks for float feature 1 of 1"},
		{"negative feature", `"float_feature_index":0,`, `"float_feature_index":-1,`, "must be a whole number"},
		{"huge feature", `"float_feature_index":0,`, `"float_feature_index":1e9,`, "must be a whole number"},
		{"categorical split", `"FloatFeature"`, `"OneHotFeature"`, "OneHotFeature: the model has categorical"},
		{"categorical feature", `"features_info":{`, `"features_info":{"categorical_features":[{"feature_id":"city","feature_index":0,"flat_feature_index":1,"values":[1,2]}],`, `feature "city"`},
		{"categorical feature without name", `"features_info":{`, `"features_info":{"categorical_features":[{"flat_feature_index":7}],`, `feature "number 7"`},
		{"ctr data", `"model_info"`, `"ctr_data":{"a":{}},"model_info"`, "categorical"},
		{"no features", `"float_features":[`, `"other":[`, "no float features"},
		{"column out of order", `"feature_index":0,"flat`, `"feature_index":1,"flat`, "stands at place 0"},
		{"gap of columns", `"flat_feature_index":0`, `"flat_feature_index":3`, "categorical"},
		{"nan treatment", `"AsIs"`, `"AsYouLike"`, "none of AsIs"},
		{"bias of other width", `[1,[0]]`, `[1,[3,4]]`, "the bias has 2 numbers, a leaf 1"},
		{"scale of 0", `[1,[0]]`, `[0,[0]]`, "the scale is 0"},
		{"three of two", `[1,[0]]`, `[1,[0],2]`, "more than a scale and a bias"},
		{"uncertainty", `"RMSE"`, `"RMSEWithUncertainty"`, "RMSEWithUncertainty is not supported"},
		{"classes do not fit", `"RMSE"`, `"Logloss"`, ""},
		{"threshold", `"params":{"loss_function":{"type":"RMSE"`, `"binclass_probability_threshold":"0.3","params":{"loss_function":{"type":"Logloss"`, "set_probability_threshold(0.5)"},
		{"threshold of letters", `"params":{"loss`, `"binclass_probability_threshold":"x","params":{"loss`, "no number"},
		{"binary with two numbers", `"RMSE","params":{}}},"catboost_version_info":"Branch: tags/v1.2.10\n"},
"oblivious_trees":[{"leaf_values":[1,2]`, `"Logloss"}}},"oblivious_trees":[{"leaf_values":[1,2,3,4]`, "does not fit the loss function Logloss"},
		{"a class without rows", `"params":{"loss_function":{"type":"RMSE"`, `"class_params":{"class_names":["a","b"],"class_to_label":[1,0]},"params":{"loss_function":{"type":"MultiClass"`, "some classes had no rows"},
		{"too few names", `"params":{"loss_function":{"type":"RMSE"`, `"class_params":{"class_names":["a"]},"params":{"loss_function":{"type":"Logloss"`, "1 names for 2 classes"},
		{"leaf and split", `{"value":1}`, `{"value":1,"left":{"value":3}}`, "must have either"},
		{"half a node", `"right":{"value":2},`, ``, "must have either"},
	} {
		text := sound
		if !strings.Contains(text, c.old) {
			text = nonSymmetric(t)
		}
		spoiled := strings.Replace(text, c.old, c.new, 1)
		if spoiled == text {
			t.Errorf("%s: nothing was replaced", c.name)
			continue
		}
		_, err := read(spoiled)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		checkError(t, c.name, err, c.want)
	}
}

func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*readerr.Error](err)
	if !ok || e.Format != catboost.Library {
		t.Errorf("%s: got %v (%T)", name, err, err)
		return
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %q, want %q in it", name, err, want)
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("%s: more than one line: %q", name, err)
	}
}

// TestDeepTrees: a tree as deep as ir allows is read, a deeper one is refused
// before its nesting costs anything.
func TestDeepTrees(t *testing.T) {
	chain := func(depth int) string {
		const node = `{"right":{"value":2},"split":{"border":0.5,"float_feature_index":0},"left":`
		tree := strings.Repeat(node, depth) + `{"value":1}` + strings.Repeat("}", depth)
		return strings.Replace(nonSymmetric(t), soundTrees, `"trees":[`+tree+`]`, 1)
	}
	m, err := read(chain(ir.MaxDepth))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Trees[0].Nodes); n != 2*ir.MaxDepth+1 {
		t.Errorf("got %d nodes", n)
	}
	_, err = read(chain(ir.MaxDepth + 1))
	checkError(t, "deeper", err, fmt.Sprintf("deeper than %d", ir.MaxDepth))
	_, err = read(chain(1 << 20))
	checkError(t, "hopeless", err, fmt.Sprintf("deeper than %d", ir.MaxDepth))
	_, err = read(`{"a":` + strings.Repeat("[", 1<<22))
	checkError(t, "nested elsewhere", err, "exceeded max depth")
}

func TestDepthOfObliviousTrees(t *testing.T) {
	one := `{"border":0.5,"float_feature_index":0,"split_type":"FloatFeature"}`
	_, err := read(strings.Replace(sound, one, strings.Repeat(one+",", 16)+one, 1))
	checkError(t, "17 splits", err, "more than 16 splits")
}

// TestBrokenOff cuts a real file at every eighth of its length and reads it
// through readers that fail.
func TestBrokenOff(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(casetest.Root(), "catboost", "multiclass-lossguide", "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		_, err := read(string(data[:len(data)*i/8]))
		checkError(t, fmt.Sprintf("%d eighths", i), err, "catboost: ")
	}
	torn := errors.New("the disk is gone")
	_, _, err = catboost.Read(bufio.NewReader(iotest.TimeoutReader(bytes.NewReader(data))))
	checkError(t, "timeout", err, "reading failed")
	_, _, err = catboost.Read(bufio.NewReader(iotest.ErrReader(torn)))
	if !errors.Is(err, torn) {
		t.Errorf("got %v, want the reader's own error in it", err)
	}
	if _, _, err := catboost.Read(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(data)))); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                false,
		"{}":                              false,
		sound:                             true,
		" \n{ \"oblivious_trees\":[":      true,
		`{"learner":{"features_info":1}}`: false,
		`{"features_info":{"other":1}}`:   false,
		`{"version":[3,2,0],"learner":{"scale_and_bias":1`: false,
		`["scale_and_bias"]`: false,
	} {
		if got := catboost.Is([]byte(text)); got != want {
			t.Errorf("%.30q: got %v", text, got)
		}
	}
	for _, path := range casetest.Models(t, catboost.Library) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !catboost.Is(data[:min(len(data), 4096)]) {
			t.Errorf("%s is not told", path)
		}
	}
}

// TestAnyOrder: members may stand in any order.
func TestAnyOrder(t *testing.T) {
	for _, text := range []string{sound, nonSymmetric(t)} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		for first := range members {
			b := fmt.Appendf(nil, "{%q:%s", first, members[first])
			for name, value := range members {
				if name != first {
					b = fmt.Appendf(b, ",%q:%s", name, value)
				}
			}
			if _, err := read(string(append(b, '}'))); err != nil {
				t.Errorf("%s first: %v", first, err)
			}
		}
	}
}

// FuzzRead demands of any text a clean error, or a model that is sound, can be
// compiled and scores.
func FuzzRead(f *testing.F) {
	for _, path := range casetest.Models(f, catboost.Library) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 12<<10 {
			f.Add(data)
		}
	}
	f.Add([]byte(sound))
	f.Add([]byte(strings.Replace(sound, `"RMSE"`, `"Poisson"`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, _, err := catboost.Read(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			checkError(t, "fuzz", err, "catboost: ")
			return
		}
		a, err := engine.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := engine.New(*a); err != nil {
			t.Fatal(err)
		}
		margin, values := make([]float64, m.Outputs), make([]float64, m.Outputs)
		m.Eval(make([]float64, len(m.FeatureNames)), margin, values)
	})
}

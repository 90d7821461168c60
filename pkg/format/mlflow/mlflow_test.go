package mlflow_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/format/mlflow"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

const (
	folders = "../../../testdata/mlflow"
	limit   = 64 << 20
)

var iris = []string{"sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"}

// TestFolders holds folders that MLflow wrote to the library's own answers for
// the rows of their input examples.
func TestFolders(t *testing.T) {
	for _, c := range []struct {
		name, library, source, file string
		names                       []string
		near                        float64 // 0: to the bit
	}{
		{"xgboost-json", "xgboost", "mlflow xgboost", "model.json", iris, 0},
		{"xgboost-ubj", "xgboost", "mlflow xgboost", "model.ubj", iris, 0},
		{"xgboost-xgb", "xgboost", "mlflow xgboost", "model.xgb", iris, 0},
		{"xgboost-booster", "xgboost", "mlflow xgboost", "model.json", iris, 0},
		{"xgboost-types", "xgboost", "mlflow xgboost", "model.json", []string{"b", "n", "x"}, 0},
		{"lightgbm", "lightgbm", "mlflow lightgbm", "model.lgb", iris, 0},
		{"lightgbm-categories", "lightgbm", "mlflow lightgbm", "model.lgb", []string{"color", "x"}, 0},
		{"catboost-json", "catboost", "mlflow catboost", "model.cb", iris, 0},
		{"onnx-tensor", "onnx", "mlflow onnx", "model.onnx", []string{"f0", "f1", "f2", "f3"}, 1e-6},
		{"onnx-named", "onnx", "mlflow onnx", "model.onnx", iris, 1e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := os.DirFS(filepath.Join(folders, c.name))
			if !mlflow.Is(dir) {
				t.Error("is not told")
			}
			m, err := mlflow.Read(dir, limit)
			if err != nil {
				t.Fatal(err)
			}
			if m.IR.Library != c.library || m.Source != c.source || m.File != c.file || len(m.SHA256) != 64 {
				t.Errorf("got library %q, source %q, file %q, digest %q", m.IR.Library, m.Source, m.File, m.SHA256)
			}
			if !slices.Equal(m.IR.FeatureNames, c.names) {
				t.Errorf("names: got %q, want %q", m.IR.FeatureNames, c.names)
			}
			if _, err := schema.New(m.Schema); err != nil {
				t.Error(err)
			}
			hold(t, m.Model, answers(t, filepath.Join(folders, c.name+".csv")), c.near)
		})
	}
}

func answers(t *testing.T, path string) (out [][]float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		row := make([]float64, len(line))
		for i := range line {
			if row[i], err = strconv.ParseFloat(line[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, row)
	}
	return out
}

func hold(t *testing.T, m *format.Model, want [][]float64, near float64) {
	t.Helper()
	n := len(m.IR.FeatureNames)
	if len(m.Rows) != n*len(want) {
		t.Fatalf("the example gave %d numbers, want %d rows of %d", len(m.Rows), len(want), n)
	}
	margin, values := make([]float64, m.IR.Outputs), make([]float64, m.IR.Width())
	for r := range want {
		m.IR.Eval(m.Rows[r*n:][:n], margin, values)
		got := m.IR.Returns.Append(nil, values[:m.IR.Outputs])
		if len(got) != len(want[r]) {
			t.Fatalf("row %d: %d values, want %d", r, len(got), len(want[r]))
		}
		for i := range got {
			if math.Abs(got[i]-want[r][i]) > near {
				t.Errorf("row %d, value %d: got %v, want %v", r, i, got[i], want[r][i])
			}
		}
	}
}

// TestSchema: types and missing values are the signature's, examples the first
// row's.
func TestSchema(t *testing.T) {
	m, err := mlflow.Read(os.DirFS(filepath.Join(folders, "xgboost-types")), limit)
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Feature{
		{Name: "b", Type: schema.Boolean, Missing: schema.Refuse, Example: true},
		{Name: "n", Type: schema.Integer, Missing: schema.Refuse, Example: 5.0},
		{Name: "x", Type: schema.Number, Missing: schema.Allow, Example: nil},
	}
	for i, f := range m.Schema.Features {
		w := want[i]
		if f.Name != w.Name || f.Type != w.Type || f.Missing != w.Missing || f.Example != w.Example {
			t.Errorf("got %+v, want %+v", f, w)
		}
	}
	if !math.IsNaN(m.Rows[2]) {
		t.Errorf("the NaN of the example is %v", m.Rows[2])
	}
	m, err = mlflow.Read(os.DirFS(filepath.Join(folders, "lightgbm-categories")), limit)
	if err != nil {
		t.Fatal(err)
	}
	if f := m.Schema.Features[0]; f.Type != schema.Category || f.Missing != schema.Allow || !slices.Equal(f.Categories, []string{"blue", "green", "red"}) {
		t.Errorf("got %+v", f)
	}
}

// TestRefusedFolders: pickles and other forms, with the line that logs the
// model in a form that is read.
func TestRefusedFolders(t *testing.T) {
	for name, want := range map[string]string{
		"sklearn":          "MLmodel: the flavor sklearn is a pickle, which can run any code and is never read: mlflow.onnx.log_model",
		"lightgbm-sklearn": "model.pkl: is of the kind pickle, which is not read: mlflow.lightgbm.log_model(model.booster_",
		"catboost-cbm":     `model.cb: is of the kind cbm, which is not read: mlflow.catboost.log_model(model, name="model", format="json"`,
		"python-function":  "holds only Python code (python_function, mlflow.pyfunc.model), which is never run",
	} {
		_, err := mlflow.Read(os.DirFS(filepath.Join(folders, name)), limit)
		checkError(t, name, err, want)
	}
}

func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*readerr.Error](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", name, err, want)
		return
	}
	if strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("%s: more than one line: %q", name, err)
	}
}

// folder is a folder of one golearn-free model: CatBoost's, which is small.
func folder(t testing.TB, mlmodel string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{"MLmodel": {Data: []byte(mlmodel)}}
	for _, name := range []string{"model.cb", "input_example.json"} {
		data, err := os.ReadFile(filepath.Join(folders, "catboost-json", name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

const flavors = "flavors:\n  catboost:\n    data: model.cb\n"

// TestBadFolders: paths that leave the folder, YAML and JSON of other forms.
func TestBadFolders(t *testing.T) {
	signature := func(json string) string { return flavors + "signature:\n  inputs: '" + json + "'\n" }
	four := func(kind string) string {
		one := `{"type":` + kind + `,"name":"NAME"}`
		var all []string
		for _, name := range iris {
			all = append(all, strings.Replace(one, "NAME", name, 1))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "is not MLflow's YAML"},
		{"no flavors", "a: 1", "has no flavors"},
		{"no YAML", "flavors: [", "is not MLflow's YAML"},
		{"a list", "- 1", "is not MLflow's YAML"},
		{"aliases that unfold", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\nflavors: {catboost: {data: [*f,*f,*f,*f,*f,*f,*f,*f]}}", ""},
		{"nested", "flavors: " + strings.Repeat("[", 20000), ""},
		{"nested maps", "flavors: " + strings.Repeat("{a: ", 20000), ""},
		{"too long", strings.Repeat("#", 1<<20) + "\n", "has more than 1048576 bytes"},
		{"no data", "flavors:\n  catboost: {}\n", "the flavor catboost has no data"},
		{"data of another type", "flavors:\n  catboost: {data: [a]}\n", "the flavor catboost has no data"},
		{"up", "flavors:\n  catboost: {data: ../model.cb}\n", "does not stay in the folder"},
		{"up after down", "flavors:\n  catboost: {data: a/../../model.cb}\n", "does not stay in the folder"},
		{"absolute", "flavors:\n  catboost: {data: /etc/passwd}\n", "does not stay in the folder"},
		{"backslash", `flavors: {catboost: {data: '..\model.cb'}}`, "does not stay in the folder"},
		{"the folder itself", "flavors:\n  catboost: {data: .}\n", "does not stay in the folder"},
		{"empty", "flavors:\n  catboost: {data: ''}\n", "does not stay in the folder"},
		{"example up", flavors + "saved_input_example_info: {artifact_path: ../x.json}\n", "does not stay in the folder"},
		{"other flavors", "flavors: {spark: {}, keras: {}}", "none of its flavors (keras, spark) can be read"},
		{"python", "flavors: {python_function: {loader_module: my.module}}", "only Python code (python_function, my.module)"},
		{"signature no text", flavors + "signature: {inputs: [1]}\n", "signature.inputs is no text"},
		{"signature no JSON", signature("["), "signature.inputs is not MLflow"},
		{"too few inputs", signature(`[{"type":"double","name":"a"}]`), "the signature has 1 inputs, the model 4 features"},
		{"a text input", signature(four(`"string"`)), "is a text, and the model file has no categories"},
		{"a date", signature(four(`"datetime"`)), "is of the type datetime"},
		{"names twice", signature(strings.ReplaceAll(four(`"double"`), "sepal", "petal")), "the signature does not fit the model"},
	} {
		if strings.Contains(c.want, "does not fit") {
			c.text += "saved_input_example_info: {artifact_path: input_example.json}\n"
		}
		_, err := mlflow.Read(folder(t, c.text), limit)
		checkError(t, c.name, err, c.want)
	}
}

func TestMissingFiles(t *testing.T) {
	if mlflow.Is(fstest.MapFS{}) || mlflow.Is(fstest.MapFS{"MLmodel/a": {}}) {
		t.Error("an empty folder is told as a model")
	}
	if _, err := mlflow.Read(fstest.MapFS{}, limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	dir := folder(t, flavors)
	if _, err := mlflow.Read(dir, 100); err == nil || !strings.Contains(err.Error(), "more than the limit of 100") {
		t.Errorf("got %v", err)
	}
	delete(dir, "model.cb")
	if _, err := mlflow.Read(dir, limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	dir["model.cb/a"] = &fstest.MapFile{}
	_, err := mlflow.Read(dir, limit)
	checkError(t, "folder", err, "model.cb: is a folder")
	dir = folder(t, flavors)
	dir["model.cb"].Data = []byte(`{"features_info":{"float_features":[{"feature_index":1}]}}`)
	_, err = mlflow.Read(dir, limit)
	checkError(t, "bad model", err, "catboost: model.cb: /features_info/float_features/0")
}

// TestEscapes: a root's FS refuses links that lead outside.
func TestEscapes(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.json")
	inside := t.TempDir()
	err := errors.Join(
		os.WriteFile(outside, []byte("{}"), 0o600),
		os.WriteFile(filepath.Join(inside, "MLmodel"), []byte(flavors), 0o600),
		os.Symlink(outside, filepath.Join(inside, "model.cb")))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := mlflow.Read(root.FS(), limit); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("got %v", err)
	}
}

// TestExamples: an example is read in each form that MLflow writes; what does
// not fit is passed over.
func TestExamples(t *testing.T) {
	const row = "[5.1, 3.5, 1.4, 0.2]"
	for _, c := range []struct {
		name, text string
		rows       int
	}{
		{"lists", "[" + row + "," + row + "]", 2},
		{"split", `{"columns":["petal width (cm)","sepal length (cm)","sepal width (cm)","petal length (cm)"],"data":[[0.2,5.1,3.5,1.4]]}`, 1},
		{"records", `[{"sepal length (cm)":5.1,"sepal width (cm)":3.5,"petal length (cm)":1.4,"petal width (cm)":0.2}]`, 1},
		{"served split", `{"dataframe_split":{"data":[` + row + `]}}`, 1},
		{"served inputs", `{"inputs":[` + row + `]}`, 1},
		{"served records", `{"dataframe_records":[{"sepal length (cm)":5.1,"sepal width (cm)":3.5,"petal length (cm)":1.4,"petal width (cm)":0.2}]}`, 1},
		{"NaN", "[[5.1, 3.5, NaN, 0.2]]", 1},
		{"too many", "[" + strings.Repeat(row+",", 99) + row + "]", 64},
		{"of other width", "[[1,2,3]]", 0},
		{"texts", `[["1","2","3","NaN"]]`, 0},
		{"unknown column", `{"columns":["a","b","c","d"],"data":[` + row + `]}`, 0},
		{"no JSON", "{", 0},
		{"a number", "1", 0},
		{"wrapped twice", `{"inputs":{"inputs":[` + row + `]}}`, 0},
	} {
		dir := folder(t, flavors+"saved_input_example_info: {artifact_path: example.json}\n"+
			"signature:\n  inputs: '["+strings.Join([]string{double(iris[0]), double(iris[1]), double(iris[2]), double(iris[3])}, ",")+"]'\n")
		dir["example.json"] = &fstest.MapFile{Data: []byte(c.text)}
		m, err := mlflow.Read(dir, limit)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(m.Rows) != 4*c.rows {
			t.Errorf("%s: got %d numbers, want %d rows", c.name, len(m.Rows), c.rows)
		}
		if c.rows > 0 && m.Rows[3] != 0.2 {
			t.Errorf("%s: got the row %v", c.name, m.Rows[:4])
		}
	}
	delete(folder(t, flavors), "input_example.json")
	if m, err := mlflow.Read(folder(t, flavors+"saved_input_example_info: {artifact_path: gone.json}\n"), limit); err != nil || len(m.Rows) != 0 {
		t.Errorf("without the file: %v", err)
	}
}

func double(name string) string { return `{"type":"double","name":"` + name + `"}` }

// FuzzRead: whatever MLmodel and the example are, the answer is an error or a
// sound model.
func FuzzRead(f *testing.F) {
	dirs, err := filepath.Glob(filepath.Join(folders, "*", "MLmodel"))
	if err != nil || len(dirs) == 0 {
		f.Fatal("no folders", err)
	}
	for _, path := range dirs {
		text, err1 := os.ReadFile(path)
		example, err2 := os.ReadFile(filepath.Join(filepath.Dir(path), "input_example.json"))
		if err := errors.Join(err1, err2); err != nil {
			f.Fatal(err)
		}
		f.Add(text, example)
	}
	dir := folder(f, "")
	f.Fuzz(func(t *testing.T, text, example []byte) {
		m, err := mlflow.Read(fstest.MapFS{
			"MLmodel": {Data: text}, "model.cb": dir["model.cb"], "input_example.json": {Data: example},
		}, limit)
		if err != nil {
			return
		}
		if err := ir.Check(m.IR); err != nil {
			t.Fatal(err)
		}
		if len(m.Rows)%len(m.IR.FeatureNames) != 0 {
			t.Fatalf("%d numbers in the example", len(m.Rows))
		}
	})
}

// TestMissingModelFile: the error names the file as MLmodel does, in one line
// that can be printed.
func TestMissingModelFile(t *testing.T) {
	text := "flavors:\n  xgboost:\n    data: \"m\\x7fdel.json\"\n    model_format: json\n    xgb_version: 3.2.0\n"
	_, err := mlflow.Read(fstest.MapFS{mlflow.Name: &fstest.MapFile{Data: []byte(text)}}, 1<<20)
	if err == nil || !strings.Contains(err.Error(), "m\ufffddel.json") || !strings.Contains(err.Error(), "cannot be opened: file does not exist") {
		t.Errorf("got %v", err)
	}
}

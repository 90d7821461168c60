package mlflow

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
)

// Format is the Format of this package's errors.
const Format = "mlflow"

// Name is the file that makes a folder an MLflow model.
const Name = "MLmodel"

// maxText bounds MLmodel, in bytes: real ones have a few thousand.
const maxText = 1 << 20

// Model is what a folder holds.
type Model struct {
	*format.Model
	// File is the path of the model file in the folder, and SHA256 its digest
	// in hex.
	File   string
	SHA256 string
}

// Is says whether a folder is an MLflow model.
func Is(folder fs.FS) bool {
	info, err := fs.Stat(folder, Name)
	return err == nil && info.Mode().IsRegular()
}

// description is what counts in MLmodel. Values that may have any type in a
// file not written by MLflow are any.
type description struct {
	Flavors   map[string]flavor `yaml:"flavors"`
	Signature struct {
		Inputs any `yaml:"inputs"`
	} `yaml:"signature"`
	Example struct {
		Path any `yaml:"artifact_path"`
	} `yaml:"saved_input_example_info"`
}

type flavor struct {
	Data   any `yaml:"data"`
	Loader any `yaml:"loader_module"`
}

// Read reads the model of a folder. At most maxBytes are read of its model
// file. folder must not lead outside of itself: os.Root.FS is such a one.
// Errors are *readerr.Error with the path in the folder, or fs errors.
func Read(folder fs.FS, maxBytes int64) (*Model, error) {
	d, err := describe(folder)
	if err != nil {
		return nil, err
	}
	name, err := d.choose()
	if err != nil {
		return nil, err
	}
	m, err := readFile(folder, name, maxBytes)
	if err != nil {
		return nil, explain(name, err)
	}
	inputs, err := readInputs(d.Signature.Inputs)
	if err != nil {
		return nil, err
	}
	if err := apply(inputs, m.Model); err != nil {
		return nil, err
	}
	return m, addExample(folder, d.Example.Path, m.Model)
}

func describe(folder fs.FS) (*description, error) {
	text, err := readText(folder, Name, maxText)
	if err != nil {
		return nil, err
	}
	d := new(description)
	if err := load(text, d); err != nil {
		e := readerr.At(Format, Name, "is not MLflow's YAML")
		e.Err = errors.New(jsonscan.Clip(err.Error()))
		return nil, e
	}
	return d, nil
}

// load keeps a panic of the YAML library in.
func load(text []byte, d *description) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return yaml.Load(text, d)
}

func readText(folder fs.FS, name string, most int64) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = readerr.At(Format, name, "has more than %d bytes", most)
	}
	return text, err
}

// flavors are those that can be read.
func flavors() []string { return []string{"xgboost", "lightgbm", "catboost", "onnx"} }

// choose is the path of the model file.
func (d *description) choose() (string, error) {
	for _, name := range flavors() {
		f, ok := d.Flavors[name]
		if !ok {
			continue
		}
		data, ok := f.Data.(string)
		if !ok {
			data, ok = d.Flavors["python_function"].Data.(string) // MLflow before 1.20
		}
		if !ok {
			return "", readerr.At(Format, Name, "the flavor %s has no data, the path of its model file", name)
		}
		return inside(data)
	}
	return "", d.refuse()
}

// inside checks that a path stays in the folder.
func inside(name string) (string, error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || clean == "." || strings.Contains(name, `\`) {
		return "", readerr.At(Format, Name, "the path %q does not stay in the folder", jsonscan.Clip(name))
	}
	return clean, nil
}

// refuse says how to log a model of another flavor.
func (d *description) refuse() error {
	names := make([]string, 0, len(d.Flavors))
	for name := range d.Flavors {
		if name != "python_function" {
			names = append(names, jsonscan.Clip(name))
		}
	}
	slices.Sort(names)
	if _, ok := d.Flavors["sklearn"]; ok {
		return readerr.At(Format, Name, "the flavor sklearn is a pickle, which can run any code and is never read: %s", logSklearn)
	}
	if len(names) > 0 {
		return readerr.At(Format, Name, "none of its flavors (%s) can be read: log the model with mlflow.xgboost, mlflow.lightgbm, mlflow.catboost (format=\"json\") or mlflow.onnx",
			jsonscan.Clip(strings.Join(names, ", ")))
	}
	if f, ok := d.Flavors["python_function"]; ok {
		loader, _ := f.Loader.(string)
		return readerr.At(Format, Name, "holds only Python code (python_function, %s), which is never run: log the model with mlflow.xgboost, mlflow.lightgbm, mlflow.catboost (format=\"json\") or mlflow.onnx",
			jsonscan.Clip(loader))
	}
	return readerr.At(Format, Name, "has no flavors")
}

// How to log what was logged as a pickle.
const (
	logSklearn  = `mlflow.onnx.log_model(skl2onnx.to_onnx(model, X[:1]), name="model", input_example=X[:5])`
	logLightGBM = `mlflow.lightgbm.log_model(model.booster_, name="model", input_example=X[:5])`
	logXGBoost  = `mlflow.xgboost.log_model(model, name="model", model_format="json", input_example=X[:5])`
	logCatBoost = `mlflow.catboost.log_model(model, name="model", format="json", input_example=X[:5])`
)

// explain adds the path to an error of the model file, and how to log it where
// the file is none that can be read.
func explain(name string, err error) error {
	e, ok := errors.AsType[*readerr.Error](err)
	if !ok {
		return err
	}
	log := ""
	switch e.Format {
	case "pickle", "joblib", "zip", "gzip":
		log = logLightGBM
	case "cbm":
		log = logCatBoost
	case "xgboost-binary":
		log = logXGBoost
	}
	if log != "" {
		return readerr.At(Format, name, "is of the kind %s, which is not read: %s", e.Format, log)
	}
	in := *e
	in.Path = strings.TrimSuffix(name+": "+e.Path, ": ")
	return &in
}

func readFile(folder fs.FS, name string, maxBytes int64) (*Model, error) {
	f, err := folder.Open(name)
	if err != nil {
		e := readerr.New(Format, "the model file that MLmodel names cannot be opened")
		e.Err = err
		if bad, ok := errors.AsType[*fs.PathError](err); ok {
			e.Err = bad.Err // without the name, which is told already
		}
		return nil, e
	}
	defer f.Close()
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, readerr.New(Format, "is a folder, not a model file")
	case info.Size() > maxBytes:
		return nil, readerr.New(Format, "has %d bytes, more than the limit of %d", info.Size(), maxBytes)
	}
	sum := sha256.New()
	all := io.TeeReader(io.LimitReader(f, maxBytes), sum)
	m, err := format.Read(all)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, all); err != nil { // what the reader left
		return nil, err
	}
	m.Source = Format + " " + m.Source
	return &Model{Model: m, File: name, SHA256: fmt.Sprintf("%x", sum.Sum(nil))}, nil
}

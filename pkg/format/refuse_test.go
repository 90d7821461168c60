package format_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/pkg/format"
)

const refused = "../../testdata/refused"

// TestRefusedFiles has files that the libraries wrote themselves
// (testdata/make/refused.py): each is told, its library named, and how to save
// the model in a form that is read.
func TestRefusedFiles(t *testing.T) {
	const onnx, txt, json, cat = "skl2onnx.to_onnx", `save_model("model.txt")`, `xgboost: model.save_model("model.json")`, `format="json"`
	for _, c := range []struct{ name, format, of, want string }{
		{"sklearn-protocol-0.pkl", "pickle", "of sklearn", onnx},
		{"sklearn-protocol-1.pkl", "pickle", "of sklearn", onnx},
		{"sklearn-protocol-2.pkl", "pickle", "of sklearn", onnx},
		{"sklearn-protocol-5.pkl", "pickle", "of sklearn", onnx},
		{"sklearn-pipeline.pkl", "pickle", "of sklearn", onnx},
		{"sklearn-plain.joblib", "pickle", "of sklearn", onnx},
		{"sklearn-zlib.joblib", "joblib", "of sklearn", onnx},
		{"sklearn-bz2.joblib", "joblib", "of sklearn", onnx},
		{"sklearn-gzip.joblib", "gzip", "of sklearn", onnx},
		{"sklearn-xz.joblib", "joblib", "looks like", onnx},
		{"sklearn-lzma.joblib", "joblib", "looks like", onnx},
		{"sklearn.skops", "zip", "skops", onnx},
		{"xgboost-sklearn.pkl", "pickle", "of xgboost", json},
		{"xgboost-booster.pkl", "pickle", "of xgboost", json},
		{"xgboost-1.7.model", "xgboost-binary", "old binary form", json},
		{"xgboost-dump.txt", "xgboost", "a dump of trees", json},
		{"xgboost-dump.json", "xgboost", "a dump of trees", json},
		{"lightgbm-sklearn.pkl", "pickle", "of lightgbm", txt},
		{"lightgbm-booster.pkl", "pickle", "of lightgbm", txt},
		{"lightgbm.joblib", "joblib", "of lightgbm", txt},
		{"lightgbm-dump.json", "lightgbm", "a dump of trees", txt},
		{"catboost.pkl", "pickle", "of catboost", cat},
		{"catboost.cbm", "cbm", "binary form", cat},
		{"arrays.npz", "zip", "NumPy's archive", onnx},
	} {
		data, err := os.ReadFile(filepath.Join(refused, c.name))
		if err != nil {
			t.Fatal(err)
		}
		_, err = format.Read(bytes.NewReader(data))
		checkRefusal(t, c.name, err, c.format, c.of, c.want)
	}
	files, err := os.ReadDir(refused)
	if err != nil || len(files) != 24+1 {
		t.Errorf("there are %d files, and 24 in the table beside the README: %v", len(files), err)
	}
}

func checkRefusal(t *testing.T, name string, err error, kind string, wants ...string) {
	t.Helper()
	e, ok := errors.AsType[*format.Error](err)
	if !ok || e.Format != kind {
		t.Errorf("%s: got %v, want an error of the format %q", name, err, kind)
		return
	}
	for _, want := range wants {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%s: got %q, want %q in it", name, e, want)
		}
	}
	if strings.ContainsAny(e.Error(), "\r\n") {
		t.Errorf("%s: more than one line: %q", name, e)
	}
}

// TestRefusalsByContent has what no library at hand writes.
func TestRefusalsByContent(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("tree\nversion=v4\n")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	binf, err := os.ReadFile(filepath.Join(refused, "xgboost-1.7.model"))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(name string) string {
		return "PK\x03\x04" + strings.Repeat("\x00", 22) + string(rune(len(name))) + "\x00\x00\x00" + name
	}
	for _, c := range []struct{ name, data, format, want string }{
		{"gzip of a model", packed.String(), "gzip", "unpack it first"},
		{"xgboost without its mark", string(binf[4:]), "xgboost-binary", "old binary form"},
		{"a torch archive", entry("archive/data.pkl"), "zip", "torch.onnx.export"},
		{"a Keras archive", entry("metadata.json"), "zip", "Keras"},
		{"a MOJO", entry("model.ini"), "zip", "MOJO"},
		{"a zip", entry("a.txt"), "zip", "unpack"},
		{"a zip that breaks off", "PK\x03\x04\x00", "zip", "unpack"},
		{"a torch pickle", "\x80\x02ctorch.nn.modules.linear\nLinear\n", "pickle", "of torch"},
		{"a pickle of something else", "\x80\x04\x95\x10\x00\x8c\x08builtins", "pickle", "scikit-learn: "},
		{"a pickle, protocol 0", "cmy.module\nModel\n", "pickle", "never read"},
		{"PMML", "<?xml version=\"1.0\"?>\n<PMML xmlns=", "pmml", "PMML"},
		{"a web page", "<!DOCTYPE html>\n<html>", "html", "download failed"},
		{"R", "X\n\x00\x00\x00\x03", "R", "xgb.save"},
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid", "git-lfs", "git lfs pull"},
		{"zstd", "\x28\xb5\x2f\xfd\x00", "zstd", "zstd -d"},
		{"joblib before 0.10", "ZF0x1000", "joblib", "never read"},
	} {
		_, err := format.Read(strings.NewReader(c.data))
		checkRefusal(t, c.name, err, c.format, c.want)
	}
}

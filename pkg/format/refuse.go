package format

import (
	"bytes"

	"example.com/copse/pkg/format/readerr"
)

// kind is a form of file that is recognised but not read.
type kind struct {
	is     func(head []byte) bool
	format string // for Error.Format
	// advice says what the file is and what to do, or "" for advise's.
	advice string
	advise func(head []byte) string
}

// How to save what was saved in a form that is not read, one line a library.
const (
	saveSklearn  = `scikit-learn: open("model.onnx", "wb").write(skl2onnx.to_onnx(model, X[:1]).SerializeToString())`
	saveXGBoost  = `xgboost: model.save_model("model.json")`
	saveLightGBM = `lightgbm: model.booster_.save_model("model.txt"), or model.save_model("model.txt") of a Booster`
	saveCatBoost = `catboost: model.save_model("model.json", format="json")`
	saveTorch    = `PyTorch: torch.onnx.export(model, x, "model.onnx")`
	saveKeras    = `Keras: model.export("model.onnx", format="onnx")`
	saveAll      = saveSklearn + "; " + saveXGBoost + "; " + saveLightGBM + "; " + saveCatBoost
)

const noFormat = "the file is of no known format: models are read as XGBoost's JSON or UBJSON, LightGBM's text, ONNX, CatBoost's JSON, golearn's archive, or a .copse bundle"

// kinds are tried in order: the surer signs first.
func kinds() []kind {
	return append(fixedKinds(), []kind{
		{is: isPickle, format: "pickle", advise: pickleAdvice},
		{is: isCompressed, format: "joblib", advise: compressedAdvice},
		{is: prefix("\x1f\x8b"), format: "gzip", advise: compressedAdvice}, // joblib's too
		{is: prefix("PK\x03\x04"), format: "zip", advise: zipAdvice},
		{is: oldXGBoost, format: "xgboost-binary", advice: "is XGBoost's old binary form: load it with the version that wrote it and save it again, " + saveXGBoost},
		{is: isTar, format: "archive", advice: "is an archive, but not one of golearn's: it does not open with CLS_MANIFEST"},
		{is: xml("<PMML"), format: "pmml", advice: "is PMML, which is not read: " + saveAll},
		{is: xml("<html", "<!doctype html", "<HTML", "<!DOCTYPE html"), format: "html", advice: "is a web page, not a model: the download failed"},
		{is: jsonWith(`"nodeid"`), format: "xgboost", advice: "is a dump of trees, which is no model: " + saveXGBoost},
		{is: jsonWith(`"tree_info"`, `"max_feature_idx"`), format: "lightgbm", advice: "is a dump of trees, which is no model: " + saveLightGBM},
		{is: jsonWith(), format: "json", advice: "is JSON of no known model: " + saveXGBoost + "; " + saveCatBoost},
	}...)
}

// fixedKinds are told by their first bytes alone.
func fixedKinds() []kind {
	return []kind{
		{is: prefix("\x89COPSE\r\n"), format: "copse", advice: "is a compiled bundle, not a model to compile: load it as it is"},
		{is: prefix("CBM1"), format: "cbm", advice: "is CatBoost's binary form, which is not read: " + saveCatBoost},
		{is: prefix("\x89HDF\r\n\x1a\n"), format: "hdf5", advice: "is HDF5, which Keras writes and is not read: " + saveKeras},
		{is: prefix("booster[0]"), format: "xgboost", advice: "is a dump of trees, which is no model: " + saveXGBoost},
		{is: prefix("RDX2\n", "RDX3\n", "X\n\x00\x00\x00"), format: "R", advice: `is R's own form, which is not read: xgb.save(model, "model.json"), or lgb.save(model, "model.txt")`},
		{is: prefix("version https://git-lfs"), format: "git-lfs", advice: "is a pointer of Git LFS, not the model: run git lfs pull"},
		{is: prefix("\x28\xb5\x2f\xfd"), format: "zstd", advice: "is compressed: unpack it first (zstd -d)"},
	}
}

// refuse says what a file is, as far as its head tells, and what to do with it.
func refuse(data []byte) error {
	if len(data) == 0 {
		return readerr.New("", "the file is empty")
	}
	for _, k := range kinds() {
		if !k.is(data) {
			continue
		}
		advice := k.advice
		if advice == "" {
			advice = k.advise(data)
		}
		return readerr.New(k.format, "the file %s", advice)
	}
	return readerr.New("", noFormat)
}

func prefix(signs ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, s := range signs {
			if bytes.HasPrefix(data, []byte(s)) {
				return true
			}
		}
		return false
	}
}

func top(data []byte) []byte { return data[:min(len(data), head)] }

// xml is a text with a tag near its start, with or without a declaration.
func xml(tags ...string) func([]byte) bool {
	return func(data []byte) bool {
		text := bytes.TrimLeft(bytes.TrimPrefix(top(data), []byte("\ufeff")), " \t\r\n")
		for _, tag := range tags {
			if bytes.HasPrefix(text, []byte("<")) && bytes.Contains(text, []byte(tag)) {
				return true
			}
		}
		return false
	}
}

// jsonWith is an object or a list whose head has all the words.
func jsonWith(words ...string) func([]byte) bool {
	return func(data []byte) bool {
		text := bytes.TrimLeft(top(data), " \t\r\n")
		for _, word := range words {
			if !bytes.Contains(text, []byte(word)) {
				return false
			}
		}
		return prefix("{", "[")(text)
	}
}

// oldXGBoost: "binf", or without that mark its learner's parameters, 136 bytes
// of numbers, and after them the objective's name with its length before it.
func oldXGBoost(data []byte) bool {
	const params, length, longest = 136, 8, 64
	if prefix("binf")(data) {
		return true
	}
	if len(data) < params+length+longest || data[params] == 0 || data[params] > longest ||
		!bytes.Equal(data[params+1:params+length], make([]byte, length-1)) {
		return false
	}
	name := data[params+length:][:data[params]]
	return prefix("reg:", "binary:", "multi:", "rank:", "count:", "survival:")(name)
}

func isTar(data []byte) bool {
	const mark, at = "ustar", 257
	return len(data) > at+len(mark) && string(data[at:at+len(mark)]) == mark
}

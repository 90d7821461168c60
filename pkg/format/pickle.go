package format

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// neverRead is why a pickle is not opened.
const neverRead = "which can run any code when it is opened, so it is never read. Save the model again, "

// isPickle: protocols 2 to 5 begin with their number, 0 and 1 with the name of
// a class or an empty container.
func isPickle(data []byte) bool {
	if prefix("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05", "(dp", "(lp", "ccopy_reg\n", "ccopyreg\n")(data) {
		return true
	}
	line, _, found := bytes.Cut(top(data), []byte("\n"))
	return found && len(line) > 1 && line[0] == 'c' && moduleName(line[1:])
}

// moduleName: a Python module with a dot in its name.
func moduleName(text []byte) bool {
	for _, b := range text {
		if b != '.' && b != '_' && (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z') {
			return false
		}
	}
	return bytes.IndexByte(text, '.') > 0
}

// pickleAdvice tells whose model a pickle is by the first module of a library
// that its head names. Nothing of it is interpreted.
func pickleAdvice(data []byte) string {
	name, save := library(data)
	return "is a pickle" + name + ", " + neverRead + save
}

// library is the library whose module is named first, and how it saves.
func library(data []byte) (of, save string) {
	first := len(data)
	save = saveAll
	for _, l := range [...]struct{ module, save string }{
		{"sklearn", saveSklearn}, {"xgboost", saveXGBoost}, {"lightgbm", saveLightGBM},
		{"catboost", saveCatBoost}, {"torch", saveTorch}, {"keras", saveKeras},
	} {
		at := bytes.Index(data, []byte(l.module+"."))
		if l.module == "catboost" && at < 0 {
			at = bytes.Index(data, []byte("_catboost")) // its C extension, a module without a dot
		}
		if at >= 0 && at < first {
			first, of, save = at, " of "+l.module, l.save
		}
	}
	return of, save
}

// isCompressed: joblib's compressors but for gzip, which others use too, and
// joblib's own form of before 0.10.
func isCompressed(data []byte) bool {
	return prefix("ZF", "\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda", "BZh", "\xfd7zXZ\x00", "\x5d\x00\x00", "\x04\x22\x4d\x18")(data)
}

// compressedAdvice looks at what is inside, as far as the head of the file
// goes and the standard library unpacks it.
func compressedAdvice(data []byte) string {
	inner := unpack(data)
	switch {
	case isPickle(inner):
		name, save := library(inner)
		return "is a compressed pickle (joblib)" + name + ", " + neverRead + save
	case len(inner) > 0 && isTar(inner):
		return "is a compressed archive, but not one of golearn's: if a model file is in it, unpack it first"
	case len(inner) > 0:
		return "is compressed: unpack it first"
	case prefix("\x1f\x8b")(data):
		return "is compressed by gzip and breaks off"
	}
	return "looks like a compressed pickle (joblib), " + neverRead + saveAll
}

// unpack gives the beginning of what is compressed.
func unpack(data []byte) []byte {
	var r io.Reader
	var err error
	switch in := bytes.NewReader(data); {
	case prefix("\x1f\x8b")(data):
		r, err = gzip.NewReader(in)
	case prefix("BZh")(data):
		r = bzip2.NewReader(in)
	case prefix("\x78")(data):
		r, err = zlib.NewReader(in)
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	out := make([]byte, head)
	n, _ := io.ReadFull(r, out) // the head of a file breaks off: what came is enough
	return out[:n]
}

// zipAdvice tells a zip by the name of its first entry.
func zipAdvice(data []byte) string {
	const header, lengthAt = 30, 26 // of a local file header
	name := ""
	if len(data) >= header {
		n := int(binary.LittleEndian.Uint16(data[lengthAt:]))
		name = string(data[header:][:min(n, len(data)-header)])
	}
	ends := func(s string) bool { return bytes.HasSuffix([]byte(name), []byte(s)) }
	switch {
	case ends("data.pkl"):
		return "is a pickle of PyTorch, " + neverRead + saveTorch
	case name == "metadata.json" || name == "config.json":
		return "is Keras's archive, which is not read: " + saveKeras
	case name == "model.ini" || ends("/model.ini"):
		return "is H2O's MOJO, which is not read; H2O's XGBoost models hold a native model, others have no form that is read"
	case name == "schema.json" || ends(".npy"):
		return "is scikit-learn's skops or NumPy's archive, which is not read: " + saveSklearn + "; " + saveLightGBM
	}
	return "is a zip archive; if a model file is in it, unpack it first"
}

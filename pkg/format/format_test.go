package format_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/ir"
)

func TestReadGolearn(t *testing.T) {
	for _, path := range []string{"../../model/iris.golearn", "../../testdata/golearn/forest-iris.golearn"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := format.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(path), err)
		}
		m, doc := f.IR, f.Schema
		if f.Source != "golearn" || m.Library != "golearn" || ir.Check(m) != nil {
			t.Errorf("%s: source %q, library %q", filepath.Base(path), f.Source, m.Library)
		}
		if len(doc.Features) != 4 || len(doc.Labels) != 3 {
			t.Errorf("%s: %d features, %d labels", filepath.Base(path), len(doc.Features), len(doc.Labels))
		}
	}
}

// TestRefusals: a file is told by its content, and the error says which
// format it is of and what to do.
func TestRefusals(t *testing.T) {
	var other bytes.Buffer
	w := tar.NewWriter(&other)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "a"}), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, data, format, want string
	}{
		{"nothing", "", "", "empty"},
		{"noise", "\xff\xfe\x00\x01 noise", "", "no known format"},
		{"text", "hello", "", "no known format"},
		{"a bundle", "\x89COPSE\r\n\x01", "copse", "compiled bundle"},
		{"pickle, protocol 2", "\x80\x02}q\x00.", "pickle", "never read"},
		{"pickle, protocol 5", "\x80\x05\x95\x10", "pickle", "never read"},
		{"joblib, zlib", "\x78\x9c\x01\x02", "joblib", "never read"},
		{"xgboost, JSON", `{"learner":{"attributes":{}}}`, "xgboost", "no member learner_model_param"},
		{"xgboost, JSON with white space", " \n{ \"version\":[3,2,0],\n\"learner\":{}}", "xgboost", "no member learner_model_param"},
		{"xgboost, UBJSON", "{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", "xgboost", "the file ends here"},
		{"xgboost, old binary", "binf\x00\x00\x00\x3f", "xgboost-binary", "save it again"},
		{"lightgbm, cut off", "tree\nversion=v4\n", "lightgbm", "num_class: "},
		{"onnx, skl2onnx", "\x08\x0a\x12\x08skl2onnx", "onnx", "has no graph"},
		{"onnx, graph at once", "\x08\x09\x3a\x05", "onnx", "cut off"},
		{"hdf5", "\x89HDF\r\n\x1a\n", "hdf5", "Keras"},
		{"zip", "PK\x03\x04", "zip", "unpack"},
		{"gzip", "\x1f\x8b\x08\x00", "gzip", "breaks off"},
		{"tar", other.String(), "archive", "not one of golearn's"},
		{"JSON", `{"a":1}`, "json", "no known model"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := format.Read(strings.NewReader(tt.data))
			var e *format.Error
			if !errors.As(err, &e) || e.Format != tt.format || !strings.Contains(e.Error(), tt.want) || f != nil {
				t.Errorf("got %v, want format %q and %q", err, tt.format, tt.want)
			}
		})
	}
}

// FuzzRead: whatever the bytes are, the answer is a sound model or an error.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "{", "\x08\x0a\x12", "{L", "tree\n", "\x1f\x8b", strings.Repeat("\x00", 600)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := format.Read(bytes.NewReader(data))
		var e *format.Error
		if err == nil && ir.Check(m.IR) != nil || err != nil && !errors.As(err, &e) {
			t.Errorf("model %v, error %v", m, err)
		}
	})
}

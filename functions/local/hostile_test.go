package local

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/copse/pkg/bundle"
)

// What the command may need to refuse a file: a second of processor time, and
// memory of hostileFactor bytes a byte of the file beside hostileFixed.
// docs/models.md states them.
const (
	hostileTime   = time.Second
	hostileFactor = 4
	hostileFixed  = 192 << 20
)

// TestHostileFiles: files that lie, break off, nest, or are as large as they
// say they are not. Each is refused with status 2 and one line.
func TestHostileFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string // in the line
	}{
		{"empty", nil, "empty"},
		{"zeros", make([]byte, 32<<20), "no known format"},
		{"deep JSON", nested(`{"version":[3,2,0],"learner":`, "[", 8<<20), ""},
		{"deep objects", nested(`{"learner":`, `{"learner":`, 1<<20), ""},
		{"deep list at once", nested("", "[", 8<<20), "json"},
		{"deep CatBoost", nested(`{"features_info":{"float_features":`, "[", 8<<20), "catboost"},
		{"deep tree of CatBoost", nested(`{"trees":[{"float_feature_index":0,"left":`, `{"left":`, 1<<20), "catboost"},
		{"deep UBJSON", nested("{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x00\x00\x00\x00\x00\x00\x00\x05other", "[", 8<<20), "xgboost"},
		{"long text", nested(`{"learner":{"`, "x", 48<<20), ""},
		{"long number", nested(`{"oblivious_trees":[{"leaf_values":[`, "1", 16<<20), "catboost"},
		{"10^9 trees", xgboostWith("gbtree_model_param", "num_trees"), ""},
		{"10^9 nodes", xgboostWith("tree_param", "num_nodes"), ""},
		{"10^9 features", bytes.Replace(xgboostWith("learner_model_param", "num_feature"), []byte("feature_names"), []byte("no_names"), 1), ""},
		{"10^9 classes", xgboostWith("learner_model_param", "num_class"), ""},
		{"UBJSON of 2^62 numbers", ubjson("[$d#L", 1<<62), "xgboost"},
		{"UBJSON of 2^31 numbers", ubjson("[$l#L", 1<<31), "xgboost"},
		{"UBJSON of 2^62 objects", ubjson("[#L", 1<<62), "xgboost"},
		{"UBJSON text of 2^62", ubjson("SL", 1<<62), "xgboost"},
		{"UBJSON negative count", ubjson("[$d#L", math.MaxUint64), "xgboost"},
		{"LightGBM of 10^9 leaves", lightgbm("num_leaves=", "num_leaves=1000000000\nx="), "lightgbm"},
		{"LightGBM of 10^9 classes", lightgbm("num_class=", "num_class=1000000000\nx="), "lightgbm"},
		{"LightGBM of 10^9 features", lightgbm("max_feature_idx=", "max_feature_idx=999999999\nx="), "lightgbm"},
		{"LightGBM in a cycle", lightgbm("left_child=", "left_child=0 0 0 0 0 0 0 0\nx="), "lightgbm"},
		{"LightGBM's line of 48 MB", nested("tree\nversion=v4\nfeature_names=", "a ", 24<<20), "lightgbm"},
		{"ONNX of 2^60 bytes", varint("\x08\x0a\x3a", 1<<60), "onnx"},
		{"ONNX of graphs in graphs", onnxDeep(), "onnx"},
		{"golearn of 2^60 bytes", hostileTar(1 << 60), "golearn"},
		{"golearn that unfolds", bomb(), ""},
		{"bundle of 2^32 sections", bundleWith(20, math.MaxUint32), ""},
		{"bundle of 2^62 bytes", bundleWith(24, 1<<62), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "model")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, int64(len(c.data)), c.want)
		})
	}
}

// TestHostileFolders: the same of MLflow folders.
func TestHostileFolders(t *testing.T) {
	for name, text := range map[string]string{
		"aliases": "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + func() (all string) {
			for i := range 12 {
				one := string(rune('a' + i))
				all += string(rune('b'+i)) + ": &" + string(rune('b'+i)) + " [" + strings.Repeat("*"+one+",", 9) + "*" + one + "]\n"
			}
			return all
		}(),
		"deep":     "flavors: " + strings.Repeat("[", 500_000),
		"deep map": "flavors: " + strings.Repeat("{a: ", 250_000),
		"large":    strings.Repeat("#", 8<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			if err := os.WriteFile(filepath.Join(path, "MLmodel"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, int64(len(text)), "MLmodel")
		})
	}
}

// refused runs copse inspect on a path and holds it to the bounds.
func refused(t *testing.T, path string, size int64, want string) {
	t.Helper()
	peakFile := filepath.Join(t.TempDir(), "peak")
	c := exec.Command("copse", "inspect", path)
	c.Env = append(os.Environ(), peakFileVariable+"="+peakFile)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 2 || stdout.Len() > 0 {
		t.Fatalf("got %v and the output %q, want exit status 2 and none", err, clipped(stdout.String()))
	}
	line := stderr.String()
	if !strings.HasPrefix(line, "copse: ") || strings.Count(line, "\n") != 1 || len(line) > 1000 || !strings.Contains(line, want) {
		t.Errorf("got %q, want one line with %q", clipped(line), want)
	}
	if took := c.ProcessState.UserTime() + c.ProcessState.SystemTime(); took > hostileTime && !raced {
		t.Errorf("took %v of processor time, the bound is %v: %s", took, hostileTime, clipped(line))
	}
	held, err := os.ReadFile(peakFile)
	if raced || err != nil {
		return // no /proc on this system, or another one's memory
	}
	kilobytes, err := strconv.ParseInt(string(held), 10, 64)
	if most := hostileFactor*size + hostileFixed; err != nil || kilobytes<<10 > most {
		t.Errorf("held %d MB for a file of %d, the bound is %d: %s", kilobytes>>10, size>>20, most>>20, clipped(line))
	}
	t.Logf("%d MB, %v: %s", kilobytes>>10, c.ProcessState.UserTime()+c.ProcessState.SystemTime(), clipped(line))
}

// peakFileVariable names the file into which a copse process writes, in kB, the
// most memory that it held. What the kernel tells of a process that ended
// includes the memory of the one that started it.
const peakFileVariable = "TEST_PEAK_FILE"

func writePeak() {
	path := os.Getenv(peakFileVariable)
	if path == "" {
		return
	}
	text, err := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`).FindSubmatch(text); err == nil && m != nil {
		_ = os.WriteFile(path, m[1], 0o600)
	}
}

func clipped(s string) string { return s[:min(len(s), 300)] }

func nested(head, one string, n int) []byte {
	return append([]byte(head), bytes.Repeat([]byte(one), n)...)
}

// fixture reads one of the tests' model files.
func fixture(name string) []byte {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		panic(err)
	}
	return data
}

// xgboostWith says in a sound file that there are 10^9 of something.
func xgboostWith(object, member string) []byte {
	text := string(fixture("mlflow/xgboost-json/model.json"))
	member = `"` + member + `":"`
	at := strings.Index(text, `"`+object+`"`)
	if at >= 0 {
		at += strings.Index(text[at:], member)
	}
	if at < 0 || !strings.HasPrefix(text[at:], member) {
		panic(member + " is not in the file")
	}
	return []byte(text[:at] + member + `1000000000","x":"` + text[at+len(member):])
}

func ubjson(value string, n uint64) []byte {
	b := append([]byte("{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x00\x00\x00\x00\x00\x00\x00\x05other"), value...)
	return append(binary.BigEndian.AppendUint64(b, n), make([]byte, 64)...)
}

func lightgbm(old, with string) []byte {
	text := string(fixture("mlflow/lightgbm/model.lgb"))
	if !strings.Contains(text, "\n"+old) {
		panic(old + " is not in the file")
	}
	return []byte(strings.Replace(text, "\n"+old, "\n"+with, 1))
}

func varint(head string, n uint64) []byte { return binary.AppendUvarint([]byte(head), n) }

// onnxDeep has a node with a graph with a node with a graph …, 10,000 deep.
func onnxDeep() []byte {
	const nodeOfGraph, attributeOfNode, graphOfAttribute, graphOfModel = 1, 5, 6, 7
	var inner []byte
	for range 10_000 {
		for _, field := range []uint64{graphOfAttribute, attributeOfNode, nodeOfGraph} {
			inner = append(varint(string(binary.AppendUvarint(nil, field<<3|2)), uint64(len(inner))), inner...)
		}
	}
	return append(varint("\x08\x0a"+string(binary.AppendUvarint(nil, graphOfModel<<3|2)), uint64(len(inner))), inner...)
}

// hostileTar is an archive of golearn whose entry says that it has n bytes.
func hostileTar(n int64) []byte {
	return zipped(func(w io.Writer) error {
		return tar.NewWriter(w).WriteHeader(&tar.Header{Name: "CLS_MANIFEST", Size: n, Format: tar.FormatPAX})
	})
}

// bomb is a small archive of golearn whose entry has 2 GB of zeros.
func bomb() []byte {
	const size = 2 << 30
	return zipped(func(w io.Writer) error {
		err := tar.NewWriter(w).WriteHeader(&tar.Header{Name: "CLS_MANIFEST", Size: size, Format: tar.FormatPAX})
		zeros := make([]byte, 1<<20)
		for sent := 0; sent < size && err == nil; sent += len(zeros) {
			_, err = w.Write(zeros)
		}
		return err
	})
}

func zipped(write func(w io.Writer) error) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		err = write(z)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// bundleWith overwrites a number in the header of a sound bundle.
func bundleWith(at int, n uint64) []byte {
	data, err := os.ReadFile(filepath.Join("..", "..", "model", "iris.copse"))
	if err != nil || !bundle.Is(data) {
		panic(err)
	}
	binary.LittleEndian.PutUint64(data[at:], n)
	return data
}

// Package public reads model files of other projects' public tests, as their
// authors saved them, and holds the answers to those that the projects keep.
//
// testdata/public has what a package of that project ships with its licence.
// The rest is read from checkouts, which are not part of this repository:
//
//	go test ./pkg/format/public -checkouts DIR
//
// DIR has the folders leaves (github.com/dmitryikh/leaves at 25d19a787328) and
// treelite (github.com/dmlc/treelite at 35b90e80018d). testdata/public/README.md
// has what came out.
package public_test

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/ir"
)

var checkouts = flag.String("checkouts", "", "folder of checkouts of other projects")

const kept = "../../../testdata/public"

// answer is what of a model's answer a file has.
type answer int

const (
	values answer = iota
	margin
	leaf
)

// file is a model, rows, and the answers that its project has for them.
type file struct {
	model, rows, want string
	answer            answer
	skip              int // lines of rows above the data, or columns before it
	columns           int
	ulp               float64 // relative difference, in units of 2^-53
}

// TestCheckouts: LightGBM's answers, kept by other projects.
func TestCheckouts(t *testing.T) {
	const leaves, examples = "leaves/testdata/", "treelite/tests/examples/"
	files := []file{
		{leaves + "genlin_fmtp_gamma_AvgClaimAmount.model", "genlin_fmtp_gamma_AvgClaimAmount_features.tsv", "genlin_fmtp_gamma_AvgClaimAmount_true_predictions.txt", values, 0, 0, 2},
		{leaves + "genlin_fmtp_poisson_Frequency.model", "genlin_fmtp_poisson_Frequency_features.tsv", "genlin_fmtp_poisson_Frequency_true_predictions.txt", values, 0, 0, 2},
		{leaves + "genlin_fmtp_tweedie_PurePremium.model", "genlin_fmtp_tweedie_PurePremium_features.tsv", "genlin_fmtp_tweedie_PurePremium_true_predictions.txt", values, 0, 0, 2},
		{leaves + "lg_dart_breast_cancer.model", "breast_cancer_test.tsv", "lg_dart_breast_cancer_true_predictions.txt", values, 0, 0, 2},
		{leaves + "lg_kddcup99.model", "kddcup99_test.tsv", "lg_kddcup99_true_predictions.txt", margin, 0, 0, 0},
		{leaves + "lgmulticlass.model", "multiclass_test.tsv", "lgmulticlass_true_raw_predictions.txt", margin, 0, 1, 0},
		{leaves + "lgmulticlass.model", "multiclass_test.tsv", "lgmulticlass_true_predictions.txt", values, 0, 1, 8},
		{leaves + "lg_breast_cancer.txt", "lg_breast_cancer_data.txt", "lg_breast_cancer_data_pred_leaves.txt", leaf, 0, 0, 0},
		{examples + "toy_categorical/toy_categorical_model.txt", "toy_categorical.test", "toy_categorical.test.pred", values, 0, 1, 0},
		{examples + "sparse_categorical/sparse_categorical_model.txt", "sparse_categorical.test", "sparse_categorical.test.margin", margin, 0, 1, 0},
	}
	if *checkouts == "" {
		t.Logf("%d model files are read with -checkouts", len(files))
		return
	}
	for _, f := range files {
		t.Run(filepath.Base(f.want), func(t *testing.T) {
			path := filepath.Join(*checkouts, f.model)
			m := read(t, path)
			rows := table(t, filepath.Join(filepath.Dir(path), f.rows), f.columns, len(m.FeatureNames))
			hold(t, m, rows, table(t, filepath.Join(filepath.Dir(path), f.want), 0, 0), f)
		})
	}
}

func read(t *testing.T, path string) *ir.Model {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, err := format.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	return m.IR
}

// table reads numbers between tabs or spaces, or index:value pairs of libsvm,
// of which those that are absent are missing. It leaves out the first columns.
func table(t *testing.T, path string, skip, width int) (out [][]float64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		cells := strings.Split(strings.ReplaceAll(line, " ", "\t"), "\t")
		row := make([]float64, 0, len(cells))
		if strings.Contains(line, ":") {
			row = sparse(t, cells[skip:], width)
			cells = nil
		}
		for _, cell := range cells {
			row = append(row, number(t, cell))
		}
		if len(cells) > 0 {
			row = row[skip:]
		}
		out = append(out, row)
	}
	return out
}

func sparse(t *testing.T, cells []string, width int) []float64 {
	t.Helper()
	row := make([]float64, width)
	for i := range row {
		row[i] = math.NaN()
	}
	for _, cell := range cells {
		index, value, _ := strings.Cut(cell, ":")
		if i := int(number(t, index)); i < width {
			row[i] = number(t, value)
		}
	}
	return row
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	if cell == "" {
		return math.NaN()
	}
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func hold(t *testing.T, m *ir.Model, rows, want [][]float64, f file) {
	t.Helper()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, %d answers", len(rows), len(want))
	}
	n := len(m.FeatureNames)
	sums, answers, leaves := make([]float64, m.Outputs), make([]float64, m.Width()), make([]int32, len(m.Trees))
	for r, row := range rows {
		m.Eval(row[:n], sums, answers)
		got := answers
		switch f.answer {
		case margin:
			got = sums
		case leaf:
			m.EvalLeaf(row[:n], leaves)
			got = nil
			for _, l := range leaves {
				got = append(got, float64(l))
			}
		}
		for i, w := range want[r] {
			if i >= len(got) || math.Abs(got[i]-w) > f.ulp*0x1p-53*math.Abs(w) {
				t.Fatalf("row %d: got %v, want %v", r, got, want[r])
			}
		}
	}
}

// TestKept: the models that ONNX Runtime's package has as examples.
func TestKept(t *testing.T) {
	for name, want := range map[string]string{
		"logreg_iris": "has 12 coefficients for 3 outputs of 2 features",
		"mul_1":       "rows would be treated differently",
		"sigmoid":     "",
	} {
		r, err := os.Open(filepath.Join(kept, "onnxruntime", name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := format.Read(r)
		_ = r.Close()
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		row := make([]float64, len(m.IR.FeatureNames))
		row[0], row[1], row[2] = 1, -30, -10
		got := make([]float64, m.IR.Width())
		m.IR.Eval(row, make([]float64, m.IR.Outputs), got)
		// What ONNX Runtime 1.32 gives: an approximation, off by up to 1e-8.
		for i, want := range []float64{0.7310585975646973, 0, 4.538893699645996e-05, 0.5} {
			if math.Abs(got[i]-want) > 1e-7 {
				t.Errorf("%s, output %d: got %v, want %v", name, i, got[i], want)
			}
		}
	}
}

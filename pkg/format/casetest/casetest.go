// Package casetest holds a reader of model files to what the model's own
// library answered: the cases in testdata/models, written by the scripts in
// testdata/make.
//
// Rows take the way of every user's rows: CSV → pkg/wire → pkg/schema →
// frame. Each model is then asked by the reference (ir.Eval), by the engine
// at several batch sizes, and through a bundle.
package casetest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Read is a reader of one format.
type Read func(r *bufio.Reader) (*ir.Model, schema.Document, error)

// Case is one folder of testdata/models: its case.json.
type Case struct {
	Library    string `json:"library"`
	Version    string `json:"version"`
	Objective  string `json:"objective"`
	Model      string `json:"model"` // file name
	Rows       int    `json:"rows"`
	Iterations string `json:"iterations"` // "A:B", or ""
	Refused    []int  `json:"refused"`    // rows that the library refuses
	// ULP is how far values may be from the library's, in units in the last
	// place of the precision of the sum; it needs a reason.
	ULP    int    `json:"ulp"`
	ULPWhy string `json:"ulp_why"`
	// Tolerance and Relative stand in its place where the library itself moves:
	// a value may be off by Tolerance plus Relative times its size.
	Tolerance float64 `json:"tolerance"`
	Relative  float64 `json:"relative"`

	dir string
}

// Root is the folder of all cases.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "testdata", "models")
}

// Run runs every case of a library as a subtest.
func Run(t *testing.T, library string, read Read) {
	folders, err := filepath.Glob(filepath.Join(Root(), library, "*", "case.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no cases of %s: %v", library, err)
	}
	for _, path := range folders {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			c := open(t, path)
			m, doc := c.read(t, read)
			c.hold(t, m, doc)
		})
	}
}

// Models lists the model files of a library's cases, for seeds and benchmarks.
func Models(t testing.TB, library string) (paths []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Root(), library, "*", "model.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no models of %s: %v", library, err)
	}
	return files
}

func open(t *testing.T, path string) *Case {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := Case{dir: filepath.Dir(path)}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if c.ULP != 0 && c.ULPWhy == "" {
		t.Error("case.json allows ulp and does not say why")
	}
	return &c
}

func (c *Case) read(t *testing.T, read Read) (*ir.Model, schema.Document) {
	t.Helper()
	f, err := os.Open(filepath.Join(c.dir, c.Model))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, doc, err := read(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Check(m); err != nil {
		t.Fatal(err)
	}
	if c.Iterations == "" {
		return m, doc
	}
	var from, to int
	if _, err := fmt.Sscanf(c.Iterations, "%d:%d", &from, &to); err != nil {
		t.Fatal(err)
	}
	if m, err = m.Slice(from, to); err != nil {
		t.Fatal(err)
	}
	return m, doc
}

// table reads an expected table; nil where the case has none.
func (c *Case) table(t *testing.T, name string) [][]float64 {
	t.Helper()
	var out [][]float64
	for _, line := range c.texts(t, name) {
		row := make([]float64, len(line))
		for i, cell := range line {
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				t.Fatalf("%s: %v", name, err)
			}
			row[i] = x
		}
		out = append(out, row)
	}
	return out
}

func (c *Case) texts(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(c.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(lines) != c.Rows {
		t.Fatalf("%s has %d lines, case.json says %d rows", name, len(lines), c.Rows)
	}
	return lines
}

// near says whether two values are alike as far as the case allows.
func (c *Case) near(got, want float64, p ir.Precision) bool {
	if same(got, want) {
		return true
	}
	if c.Tolerance > 0 || c.Relative > 0 {
		return math.Abs(got-want) <= c.Tolerance+c.Relative*math.Abs(want)
	}
	return c.ULP > 0 && Apart(got, want, p) <= uint64(c.ULP)
}

// same compares bits; all NaN are alike.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// Apart is how many numbers of a precision lie between two.
func Apart(a, b float64, p ir.Precision) uint64 {
	order := func(x float64) int64 {
		bits := int64(math.Float64bits(x))
		if p == ir.Float32 {
			bits = int64(int32(math.Float32bits(float32(x))))
		}
		if bits < 0 {
			bits = -(bits & math.MaxInt64)
			if p == ir.Float32 {
				bits = -int64(math.Float32bits(float32(x)) & math.MaxInt32)
			}
		}
		return bits
	}
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.MaxUint64
	}
	x, y := order(a), order(b)
	return uint64(max(x, y)) - uint64(min(x, y))
}

// refused lists the rows that are bad, as case.json does.
func refused(bad []bool) (rows []int) {
	for i, b := range bad {
		if b {
			rows = append(rows, i)
		}
	}
	return rows
}

func sameRows(a, b []int) bool { return slices.Equal(a, b) || len(a) == 0 && len(b) == 0 }

func text(row []float64) string { return strings.Trim(fmt.Sprint(row), "[]") }

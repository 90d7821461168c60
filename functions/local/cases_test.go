package local

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// libraryCase is what this test needs of a case.json in testdata/models.
type libraryCase struct {
	Model      string  `json:"model"`
	Iterations string  `json:"iterations"`
	Refused    []int   `json:"refused"`
	ULP        uint64  `json:"ulp"`
	Tolerance  float64 `json:"tolerance"`
	Relative   float64 `json:"relative"`
	single     bool
}

// TestScoreGivesTheLibrariesAnswers runs the command on every case that the
// libraries' own answers are known of: `copse score` from file to file.
func TestScoreGivesTheLibrariesAnswers(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/models/*/*/case.json")
	if err != nil || len(folders) < 60 {
		t.Fatalf("got %d cases, %v", len(folders), err)
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c libraryCase
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		m, err := openModel(filepath.Join(folder, c.Model))
		if err != nil {
			if !strings.Contains(err.Error(), "not supported") {
				t.Error(err)
			}
			continue
		}
		c.single = m.Formatter().Single()
		for _, kind := range []string{"values", "margin", "leaf"} {
			want := readTable(t, filepath.Join(folder, kind+".csv"))
			if want == nil {
				continue
			}
			args := []string{"score", "--model", filepath.Join(folder, c.Model), "--output", kind, filepath.Join(folder, "rows.csv")}
			if c.Iterations != "" {
				args = append(args, "--iterations", c.Iterations)
			}
			status, out, log := runCopse(t, nil, args...)
			if status == exitUsage {
				t.Errorf("%s: %s", folder, log)
				continue
			}
			c.hold(t, folder+" "+kind, out, want)
			if kind == "values" {
				_, table, _ := runCopse(t, nil, append(args, "--format", "parquet")...)
				holdTable(t, folder, table, out)
			}
		}
	}
}

// readTable reads numbers without a header; nil where there is no file.
func readTable(t *testing.T, path string) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		all, err = csv.NewReader(bytes.NewReader(text)).ReadAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (c *libraryCase) hold(t *testing.T, name, out string, want [][]string) {
	t.Helper()
	got, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(got) != len(want)+1 {
		t.Errorf("%s: got %d lines, %v, want %d", name, len(got), err, len(want)+1)
		return
	}
	for r, line := range got[1:] {
		if bad := line[len(line)-1] != ""; bad != slices.Contains(c.Refused, r) {
			t.Errorf("%s: row %d: got the error %q", name, r, line[len(line)-1])
		}
		if slices.Contains(c.Refused, r) {
			continue
		}
		if len(line)-1 != len(want[r]) {
			t.Errorf("%s: row %d: got %d numbers, want %d", name, r, len(line)-1, len(want[r]))
			return
		}
		for i, text := range want[r] {
			x, y := parse(t, line[i]), parse(t, text)
			if !c.near(x, y) {
				t.Errorf("%s: row %d, number %d: got %s, want %s", name, r, i, line[i], text)
			}
		}
	}
}

func parse(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		t.Errorf("%q is no number", text)
	}
	return x
}

func (c *libraryCase) near(x, y float64) bool {
	if ulps(x, y, c.single) <= c.ULP {
		return true
	}
	return math.Abs(x-y) <= c.Tolerance+c.Relative*math.Abs(y)
}

// holdTable compares what was written as Parquet with the same as CSV.
func holdTable(t *testing.T, name, table, text string) {
	t.Helper()
	want, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(strings.NewReader(table), int64(len(table)))
	if err != nil {
		t.Fatal(err)
	}
	r := 0
	for _, g := range f.RowGroups() {
		rows := make([]parquet.Row, g.NumRows())
		reader := g.Rows()
		n, _ := reader.ReadRows(rows)
		_ = reader.Close()
		for _, row := range rows[:n] {
			line := want[1+r]
			if len(row) != len(line)+1 || row[0].Int64() != int64(r) {
				t.Errorf("%s: row %d: got %v, want %q", name, r, row, line)
				return
			}
			for i, v := range row[1:] {
				if got := cellText(v); got != line[i] && parseOr(got) != parseOr(line[i]) {
					t.Errorf("%s: row %d, %s: got %s, want %s", name, r, want[0][i], got, line[i])
				}
			}
			r++
		}
	}
	if r != len(want)-1 {
		t.Errorf("%s: got %d rows, want %d", name, r, len(want)-1)
	}
}

func cellText(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	}
	return v.String()
}

// parseOr is a text's number, so that two ways of writing it are equal; NaN is
// written in one way only.
func parseOr(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != x {
		return 0.5
	}
	return x
}

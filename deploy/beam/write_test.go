package copsebeam

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/memfs"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// irisCSV are rows in CSV, of which every hundredth breaks a rule.
func irisCSV(n int) string {
	var b strings.Builder
	b.WriteString("sepal_length,sepal_width,petal_length,petal_width\n")
	for _, row := range irisRows(n) {
		for i, cell := range strings.Split(strings.Trim(row, "{}"), ",") {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(cell[strings.IndexByte(cell, ':')+1:])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func gz(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

type irisRow struct {
	SepalLength float64 `parquet:"sepal_length"`
	SepalWidth  float64 `parquet:"sepal_width"`
	PetalLength float64 `parquet:"petal_length"`
	PetalWidth  float64 `parquet:"petal_width"`
}

// irisParquet has a row group of each hundred rows.
func irisParquet(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[irisRow](&b, parquet.MaxRowsPerRowGroup(100))
	for i := range n {
		row := irisRow{5 + float64(i%30)/10, 3, 1 + float64(i%50)/10, float64(i%25) / 10}
		if i%100 == 99 {
			row.SepalWidth = 40
		}
		if _, err := w.Write([]irisRow{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// uncut is CSV that reads well from within its quotes, too: from the middle of
// so long a file nobody can tell where a record begins. No row of it is one of
// the model's.
func uncut() string {
	record := "\"\n" + strings.Repeat("x", 100_000) + ",\n\"\n"
	return irisCSV(5) + strings.Repeat(record, 400)
}

// TestFilesAreWrittenAsCopseScoreWritesThem is the promise of WriteFiles:
// every form of file, whole and in ranges of any size, gives the bytes of the
// command.
func TestFilesAreWrittenAsCopseScoreWritesThem(t *testing.T) {
	dir := t.TempDir()
	rows := irisRows(3000)
	for name, text := range map[string]string{
		"rows.csv":          irisCSV(3000),
		"rows.jsonl":        strings.Join(rows, "\n") + "\n",
		"end.jsonl":         strings.Join(rows[:100], "\n"), // without a last line end
		"rows.parquet":      irisParquet(t, 3050),
		"rows.csv.gz":       gz(t, irisCSV(2000)),
		"rows.jsonl.zst":    zst(t, strings.Join(rows[:500], "\n")),
		"rows.parquet.gz":   gz(t, irisParquet(t, 250)),
		"crlf.csv":          strings.ReplaceAll(irisCSV(700), "\n", "\r\n"),
		"header.csv":        irisCSV(0),
		"one.csv":           irisCSV(1),
		"noext":             irisCSV(50),
		"broken.jsonl":      strings.Join(rows[:40], "\n") + "\n{\"sepal_length\":\n\n[1]\n" + strings.Join(rows[:40], "\n"),
		"ragged.csv":        irisCSV(30) + "1,2\n1,2,3,4,5\n" + strings.TrimPrefix(irisCSV(30), irisCSV(0)),
		"quoted.csv":        strings.ReplaceAll(irisCSV(300), "sepal_length,", "\"sepal_length\",") + "\"5\n\",3,1,\"0.2\"\n5,3,1,0.2\n",
		"sub/rows.csv":      irisCSV(300),
		"sub/deep/rows.csv": irisCSV(10),
	} {
		writeText(t, filepath.Join(dir, "in", name), text)
	}
	patterns := []string{dir + "/in/", dir + "/in/*.csv", dir + "/in/*/rows.csv", dir + "/in/*/*/rows.csv"}
	for _, c := range []struct {
		format, output, model string
		size                  int64
	}{
		{"jsonl", "", "", 0},
		{"csv", "", "", 0},
		{"jsonl", "", "", 1000},
		{"csv", "prediction", "", 1000},
		{"jsonl", "values", "", leastRange},
		{"csv", "margin", xgboost, 4000},
		{"jsonl", "leaf", xgboost, 20_000},
	} {
		t.Run(fmt.Sprintf("%s of %s in %d", c.format, c.output, c.size), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out", "results") // which is not there yet
			in := patterns
			if c.size == leastRange { // so many parts take long
				in = []string{dir + "/in/[oce]*.*"}
			}
			p, s := beam.NewPipelineWithRoot()
			_, err := WriteFiles(s, mustModel(t, c.model), beam.CreateList(s, in), WriteOptions{
				FileOptions: FileOptions{Output: c.output}, Out: out, Format: c.format, Range: c.size,
			})
			if err != nil {
				t.Fatal(err)
			}
			n := mustRun(t, p)
			files := resultsIn(t, out)
			if int64(len(files)) != n.Files || len(files) == 0 {
				t.Errorf("got %d files, counted %d: %v", len(files), n.Files, files)
			}
			var rows, bad int64
			for _, name := range files {
				args := []string{"--format", c.format, filepath.Join(dir, "in", strings.TrimSuffix(name, "."+c.format))}
				if c.output != "" {
					args = append(args, "--output", c.output)
				}
				if c.model != "" {
					args = append(args, "--model", c.model)
				}
				got, want := readText(t, filepath.Join(out, name)), score(t, args...)
				if !bytes.Equal(got, want) {
					t.Errorf("%s: got %d bytes, want %d: %s", name, len(got), len(want), firstDifference(got, want))
				}
				rows += int64(bytes.Count(want, []byte("\n")))
				if c.format == "csv" {
					rows--
				}
				bad += int64(bytes.Count(want, []byte(`"error":`)))
			}
			if n.Rows != rows || c.format == "jsonl" && n.Bad != bad {
				t.Errorf("got %+v, want %d rows, %d bad", n, rows, bad)
			}
			if ranged := n.Ranges > n.Files; ranged != (c.size != 0) {
				t.Errorf("got %d ranges of %d files", n.Ranges, n.Files)
			}
		})
	}
}

// resultsIn lists the files of a folder, of which none may be a left part or
// one that is not whole.
func resultsIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") {
			t.Errorf("%s stayed", path)
		}
		if !d.IsDir() {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func readText(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func firstDifference(got, want []byte) string {
	g, w := lines(got), lines(want)
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got %s, want %s", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

func TestFilesThatCannotBeCutAreScoredWhole(t *testing.T) {
	dir := t.TempDir()
	path := writeText(t, dir+"/in/uncut.csv", uncut())
	p, s := beam.NewPipelineWithRoot()
	_, err := WriteFiles(s, mustModel(t, ""), beam.Create(s, path), WriteOptions{Out: dir + "/out", Range: 15 << 20, Format: "jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	n := mustRun(t, p)
	got, want := readText(t, dir+"/out/uncut.csv.jsonl"), score(t, "--format", "jsonl", path)
	if !bytes.Equal(got, want) {
		t.Error(firstDifference(got, want))
	}
	if n.Whole != 1 || n.Files != 1 || n.Rows != 405 || n.Bad != 400 {
		t.Errorf("got %+v", n)
	}
	resultsIn(t, dir+"/out")
}

// TestFailuresNameTheFile has pipelines that cannot end, and nothing of the
// file at fault may be seen.
func TestFailuresNameTheFile(t *testing.T) {
	dir := t.TempDir()
	ok := writeText(t, dir+"/ok.csv", irisCSV(10))
	long := irisCSV(200)
	writeText(t, dir+"/a/x.csv", irisCSV(1))
	writeText(t, dir+"/b/x.csv", irisCSV(1))
	for _, c := range []struct {
		name string
		in   []string
		want []string // of the error
	}{
		{"missing", []string{dir + "/nix.csv"}, []string{"nix.csv: ", "no such file"}},
		{"no match", []string{ok, dir + "/*.nix"}, []string{"*.nix: no such file"}},
		{"unknown column", []string{writeText(t, dir+"/columns.csv", "a,b\n1,2\n")}, []string{`columns.csv: unknown column "a"`, "--ignore-extra"}},
		{"empty", []string{writeText(t, dir+"/empty.csv", "")}, []string{"empty.csv: the file is empty"}},
		{"truncated gzip", []string{writeText(t, dir+"/cut.csv.gz", gz(t, long)[:500])}, []string{"cut.csv.gz: ", "breaks off"}},
		{"no Parquet", []string{writeText(t, dir+"/no.parquet", long)}, []string{"no.parquet: is not Parquet"}},
		{"truncated Parquet", []string{writeText(t, dir+"/cut.parquet", irisParquet(t, 500)[:3000])}, []string{"cut.parquet: "}},
		{"broken in the middle", []string{writeText(t, dir+"/quote.csv", long+"\"1,2,3,4\n"+long)}, []string{"quote.csv: "}},
		{"a folder", []string{dir + "/a"}, []string{"/a: ", "director"}},
		{"two of one name", []string{dir + "/a/*.csv", dir + "/b/*.csv"}, []string{"a/x.csv and ", "b/x.csv would both be written to "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			p, s := beam.NewPipelineWithRoot()
			job, err := WriteFiles(s, mustModel(t, ""), beam.CreateList(s, c.in), WriteOptions{Out: out, Range: 1000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = runPrism(t, p)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want …%s…", err, want)
				}
			}
			if err := job.Clean(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range resultsIn(t, out) {
				if name != "ok.csv.csv" {
					t.Errorf("%s was written", name)
				}
			}
		})
	}
}

func TestOptionsAreCheckedAtOnce(t *testing.T) {
	for _, c := range []struct {
		o    WriteOptions
		want string
	}{
		{WriteOptions{}, "out: "},
		{WriteOptions{Out: "o", Format: "parquet"}, "format: must be csv or jsonl"},
		{WriteOptions{Out: "o", Range: 1}, "range: must be at least"},
		{WriteOptions{Out: "o", FileOptions: FileOptions{Output: "leaves"}}, "output: must be"},
		{WriteOptions{Out: "o", FileOptions: FileOptions{InputFormat: "xml"}}, "input format: must be"},
	} {
		p, s := beam.NewPipelineWithRoot()
		_ = p
		_, err := WriteFiles(s, mustModel(t, ""), beam.Create(s, "x"), c.o)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s…", c.o, err, c.want)
		}
	}
}

// TestAnyOfBeamsFilesystems reads and writes one that gives no ranges.
func TestAnyOfBeamsFilesystems(t *testing.T) {
	path := writeText(t, t.TempDir()+"/rows.csv", irisCSV(500))
	memfs.Write("memfs://bucket/in/rows.csv", []byte(irisCSV(500)))
	p, s := beam.NewPipelineWithRoot()
	_, err := WriteFiles(s, mustModel(t, ""), beam.Create(s, "memfs://bucket/in/*.csv"), WriteOptions{Out: "memfs://bucket/out/", Range: 1000})
	if err != nil {
		t.Fatal(err)
	}
	n := mustRun(t, p)
	got, err := readAll(context.Background(), "memfs://bucket/out/rows.csv.csv", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want := score(t, path); !bytes.Equal(got, want) {
		t.Error(firstDifference(got, want))
	}
	if n.Ranges != 1 {
		t.Errorf("got %d ranges", n.Ranges)
	}
}

func TestFilesGiveLines(t *testing.T) {
	dir := t.TempDir()
	var names []string
	var bad int64
	want := map[string][]string{}
	for name, text := range map[string]string{
		"a.csv": irisCSV(300), "b.jsonl.gz": gz(t, strings.Join(irisRows(200), "\n")), "c.parquet": irisParquet(t, 150), "d.csv": irisCSV(0),
	} {
		path := writeText(t, filepath.Join(dir, name), text)
		names = append(names, path)
		if text := score(t, "--format", "jsonl", path); len(text) > 0 {
			want[path] = lines(text)
			bad += int64(bytes.Count(text, []byte(`"error":`)))
		}
	}
	p, s := beam.NewPipelineWithRoot()
	collect(t, s, Files(s, mustModel(t, ""), beam.CreateList(s, names), FileOptions{}))
	n := mustRun(t, p)
	all := map[string][]string{}
	for _, e := range collected(t) {
		all[e.key] = append(all[e.key], e.value)
	}
	for path := range want {
		if !slices.Equal(all[path], want[path]) {
			t.Errorf("%s: got %d lines, want %d", path, len(all[path]), len(want[path]))
		}
	}
	if len(all) != len(want) || n.Files != 4 || n.Rows != 650 || n.Bad != bad {
		t.Errorf("got %d files, %+v", len(all), n)
	}
}

func TestFilesThatCannotBeReadFail(t *testing.T) {
	path := writeText(t, t.TempDir()+"/bad.csv", "a,b\n1,2\n")
	for _, c := range []struct {
		o    FileOptions
		name string
		want string
	}{
		{FileOptions{}, path, "bad.csv: unknown column"},
		{FileOptions{}, path + "x", "bad.csvx: "},
		{FileOptions{Output: "x"}, path, "output: must be"},
	} {
		p, s := beam.NewPipelineWithRoot()
		collect(t, s, Files(s, mustModel(t, ""), beam.Create(s, c.name), c.o))
		if _, err := runPrism(t, p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want …%s…", err, c.want)
		}
	}
}

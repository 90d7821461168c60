package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

const irisHeader = "sepal_length,sepal_width,petal_length,petal_width\n"

// irisRows are lines of CSV, every seventh of which is bad.
func irisRows(n int) string { return makeRows(n, 7) }

// makeRows are lines of CSV; one in so many is bad.
func makeRows(n, bad int) string {
	rng := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for i := range n {
		length := 4 + 4*rng.Float64()
		if i%bad == bad-1 {
			length *= 10
		}
		fmt.Fprintf(&b, "%.1f,%.1f,%.1f,%.1f\n", length, 2+2*rng.Float64(), 1+5*rng.Float64(), 0.1+2*rng.Float64())
	}
	return b.String()
}

// runCopse runs the command in this process.
func runCopse(t *testing.T, in io.Reader, args ...string) (status int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Main(args, in, &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// plainly is the slow twin of the pipeline: one row at a time through the
// decoder of a request, in order.
func plainly(t *testing.T, m *predict.Model, rows string, media wire.Media) string {
	t.Helper()
	var out bytes.Buffer
	if media == wire.CSV {
		out.Write(m.Formatter().AppendHeader(nil, wire.Prediction, m.Engine().Arrays().Outputs))
	}
	for i, line := range strings.Split(strings.TrimSuffix(rows, "\n"), "\n") {
		r := new(predict.Request)
		if _, err := r.Decoder.Batch([]byte(irisHeader+line+"\n"), wire.CSV, m.Schema(), &wire.Options{}, &r.Frame); err != nil {
			t.Fatal(err)
		}
		if err := m.Predict(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := r.Encoder.Lines(&out, media, wire.Prediction, m.Formatter(), &r.Frame, &r.Answers, wire.Part{To: 1, First: i}); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestScoreEqualsOneRowAtATime(t *testing.T) {
	m, err := openModel("")
	if err != nil {
		t.Fatal(err)
	}
	rows := irisRows(3*bulk.BlockRows + 17)
	for _, media := range []wire.Media{wire.CSV, wire.NDJSON} {
		want := plainly(t, m, rows, media)
		format := map[wire.Media]string{wire.CSV: "csv", wire.NDJSON: "jsonl"}[media]
		for _, cores := range []int{1, 2, 8} {
			before := runtime.GOMAXPROCS(cores)
			status, got, log := runCopse(t, strings.NewReader(irisHeader+rows), "score", "--format", format, "-")
			runtime.GOMAXPROCS(before)
			if status != exitFailed || got != want {
				t.Errorf("%s on %d cores: status %d, %d bytes of output, want %d: %s", format, cores, status, len(got), len(want), log)
			}
			if want := fmt.Sprintf("%d of %d rows", (3*bulk.BlockRows+17)/7, 3*bulk.BlockRows+17); !strings.Contains(log, want) {
				t.Errorf("got %q, want %q in it", log, want)
			}
		}
	}
}

// TestRawKindsAreTheEngines holds the two kinds that do not pass
// through predict against the engine, row by row.
func TestRawKindsAreTheEngines(t *testing.T) {
	m, err := openModel("")
	if err != nil {
		t.Fatal(err)
	}
	var f frame.Frame
	var d wire.Decoder
	if _, e := d.Batch([]byte(irisHeader+irisRows(6)), wire.CSV, m.Schema(), &wire.Options{}, &f); e != nil {
		t.Fatal(e)
	}
	m.Schema().Clean(&f, m.Single())
	e := m.Engine()
	for _, kind := range []string{"margin", "leaf"} {
		_, got, _ := runCopse(t, strings.NewReader(irisHeader+irisRows(6)), "score", "--output", kind, "--format", "jsonl", "-")
		var want strings.Builder
		for r := range f.Rows {
			var scratch engine.Scratch
			margin := make([]float64, e.Arrays().Outputs)
			leaves := make([]int32, len(e.Arrays().Roots))
			e.Margin(f.Row(r), 1, margin, &scratch)
			e.Leaf(f.Row(r), 1, leaves, &scratch)
			list := fmt.Sprint(margin)
			if kind == "leaf" {
				list = fmt.Sprint(leaves)
			}
			fmt.Fprintf(&want, "{\"row\":%d,%q:%s}\n", r, kind, strings.ReplaceAll(list, " ", ","))
		}
		if got != want.String() {
			t.Errorf("got\n%s\nwant\n%s", got, want.String())
		}
	}
}

// TestFaultyInput: whatever the reader does, the command ends with a message,
// and what was written before is whole lines.
func TestFaultyInput(t *testing.T) {
	rows := irisHeader + irisRows(2*bulk.BlockRows)
	var cut bytes.Buffer
	z := gzip.NewWriter(&cut)
	_, _ = io.WriteString(z, rows)
	_ = z.Close()
	for _, test := range []struct {
		name   string
		in     io.Reader
		status int
		want   string
	}{
		{"one byte at a time", iotest.OneByteReader(strings.NewReader(irisHeader + irisRows(6))), 0, ""},
		{"data with the end", iotest.DataErrReader(strings.NewReader(irisHeader + irisRows(6))), 0, ""},
		{"an error", io.MultiReader(strings.NewReader(rows), iotest.ErrReader(errors.New("the disk is gone"))), 2, "the disk is gone"},
		{"half a gzip file", bytes.NewReader(cut.Bytes()[:cut.Len()/2]), 2, "the compressed data breaks off"},
		{"not UTF-8", strings.NewReader(irisHeader + "\xff,1,1,1\n"), 2, "copse: -: "},
	} {
		status, out, log := runCopse(t, test.in, "score", "-")
		if status != test.status || !strings.Contains(log, test.want) || test.want == "" && log != "" {
			t.Errorf("%s: got status %d and %q, want %d and %q", test.name, status, log, test.status, test.want)
		}
		if out != "" && !strings.HasSuffix(out, "\n") {
			t.Errorf("%s: the output ends within a line", test.name)
		}
	}
}

// TestSignalLeavesNoHalfFile: interrupted in the middle, the command leaves
// the file that was there before, and no other.
func TestSignalLeavesNoHalfFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.csv")
	if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("copse", "score", "-o", out, "-")
	var log bytes.Buffer
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Once so much is taken that no pipe holds it, the command is at work.
	rows := irisRows(bulk.BlockRows)
	if _, err := io.WriteString(in, irisHeader+strings.Repeat(rows, 10)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = io.WriteString(in, rows)
	}
	err = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitUsage || !strings.Contains(log.String(), "interrupted") {
		t.Errorf("got exit status %d (%v) and %q, want %d and that it was interrupted", got, err, log.String(), exitUsage)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if len(left) != 1 || string(text) != "before" || err != nil {
		t.Errorf("got files %v, out.csv %q, %v", left, text, err)
	}
}

// BenchmarkScore is the whole command but for the start of its process.
func BenchmarkScore(b *testing.B) {
	const n = 200_000
	path := filepath.Join(b.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(irisHeader+makeRows(n, n)), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{"csv", "jsonl"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if got := Main([]string{"score", "--format", format, "-o", os.DevNull, path}, nil, io.Discard, io.Discard); got != exitFailed {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkScoreCores holds one process on all cores against as many processes
// of one core each, at the same time and with as many rows in all: the
// efficiency is told whatever else the machine does.
func BenchmarkScoreCores(b *testing.B) {
	const n = 1_000_000
	folder := b.TempDir()
	csv := filepath.Join(folder, "rows.csv")
	if err := os.WriteFile(csv, []byte(irisHeader+makeRows(n, n+1)), 0o600); err != nil {
		b.Fatal(err)
	}
	inputs := map[string]string{"csv": csv, "jsonl": filepath.Join(folder, "rows.jsonl"), "parquet": filepath.Join(folder, "rows.parquet"), "csv.gz": csv + ".gz"}
	convertRows(b, csv, inputs)
	cores := runtime.NumCPU()
	for _, in := range []string{"csv", "jsonl", "parquet", "csv.gz"} {
		for _, out := range []string{"csv", "jsonl", "parquet"} {
			b.Run(in+"-"+out, func(b *testing.B) {
				together, apart := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				held := filepath.Join(folder, "peak")
				b.Setenv(peakFileVariable, held)
				most := 0.0
				for b.Loop() {
					together = min(together, scoreProcesses(b, 1, cores, out, slices.Repeat([]string{inputs[in]}, cores)))
					most = max(most, peakMB(b, held))
					apart = min(apart, scoreProcesses(b, cores, 1, out, []string{inputs[in]}))
				}
				b.ReportMetric(float64(cores*n)/together.Seconds(), "rows/s")
				b.ReportMetric(100*apart.Seconds()/together.Seconds(), "%efficiency")
				b.ReportMetric(most, "peak-MB")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// scoreProcesses runs so many processes at once, of so many cores each, and
// returns how long all of them took.
func scoreProcesses(b *testing.B, processes, cores int, format string, paths []string) time.Duration {
	b.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			c := exec.Command("copse", append([]string{"score", "--format", format, "-o", os.DevNull}, paths...)...)
			c.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", cores))
			if text, err := c.CombinedOutput(); err != nil {
				b.Errorf("%v: %s", err, text)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// peakMB reads what writePeak wrote.
func peakMB(b *testing.B, path string) float64 {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	kilobytes, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes * 1024 / 1e6
}

// convertRows writes the same rows in the other forms.
func convertRows(b *testing.B, path string, to map[string]string) {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	m, err := openModel("")
	if err != nil {
		b.Fatal(err)
	}
	var d wire.Decoder
	var f frame.Frame
	if _, e := d.Batch(text, wire.CSV, m.Schema(), &wire.Options{}, &f); e != nil {
		b.Fatal(e)
	}
	var lines, table, packed bytes.Buffer
	var columns []parquetfile.Output
	values := make([]parquetfile.Values, f.Cols)
	for c := range f.Cols {
		columns = append(columns, parquetfile.Output{Name: m.Schema().Feature(c).Name, Kind: parquetfile.Float64})
	}
	for r := range f.Rows {
		for c, x := range f.Row(r) {
			fmt.Fprintf(&lines, "%c%q:%v", "{,,,"[c], columns[c].Name, x)
			values[c].Numbers = append(values[c].Numbers, x)
		}
		lines.WriteString("}\n")
	}
	w := parquetfile.NewWriter(&table, columns)
	z := gzip.NewWriter(&packed)
	_, err = z.Write(text)
	err = errors.Join(err, z.Close(), w.Write(f.Rows, values), w.Close(),
		os.WriteFile(to["jsonl"], lines.Bytes(), 0o600),
		os.WriteFile(to["parquet"], table.Bytes(), 0o600),
		os.WriteFile(to["csv.gz"], packed.Bytes(), 0o600))
	if err != nil {
		b.Fatal(err)
	}
}

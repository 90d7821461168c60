package local

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// scoreBytes is how large the inputs are; make check-memory makes them larger.
var scoreBytes = flag.Int("score-bytes", 4<<20, "bytes of each input of TestScoreIsBoundedInMemory")

// scoreMemory is the most that copse score may hold, whatever it reads.
const scoreMemory = 200 << 20

// wideFeatures is more than have room for their pages at once.
const wideFeatures = 300

// repeated writes a line over and over, until the size is reached.
func repeated(head, line string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriter(f)
		_, err = w.WriteString(head)
		for sent := 0; sent < *scoreBytes && err == nil; sent += len(line) {
			_, err = w.WriteString(line)
		}
		if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// wideTable writes random numbers, which no encoding makes smaller, as the
// common libraries do: one row group, pages and dictionaries of 1 MiB.
func wideTable(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	group := parquet.Group{}
	for c := range wideFeatures {
		group[fmt.Sprint("f", c)] = parquet.Optional(parquet.Encoded(parquet.Leaf(parquet.DoubleType), &parquet.RLEDictionary))
	}
	w := parquet.NewGenericWriter[any](f, parquet.NewSchema("wide", group), parquet.PageBufferSize(1<<20), parquet.DictionaryMaxBytes(1<<20))
	rng := rand.New(rand.NewPCG(1, 2))
	some := make([]parquet.Value, 1000)
	for sent := 0; sent < *scoreBytes && err == nil; sent += 8 * len(some) * wideFeatures {
		for c, column := range w.ColumnWriters() {
			for i := range some {
				some[i] = parquet.DoubleValue(rng.NormFloat64()).Level(0, 1, c)
			}
			if _, e := column.WriteRowValues(some); e != nil {
				err = e
			}
		}
	}
	if err = errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// wideModel compiles a forest over the columns of wideTable.
func wideModel(t *testing.T, path string) {
	t.Helper()
	m := irtest.Forest(irtest.Shape{Features: wideFeatures})
	var doc schema.Document
	for c := range wideFeatures {
		m.FeatureNames[c] = fmt.Sprint("f", c)
		doc.Features = append(doc.Features, schema.Feature{Name: m.FeatureNames[c], Missing: schema.Allow})
	}
	data, err := predict.Compile(m, doc, predict.Info{Name: "wide"}, nil)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestScoreIsBoundedInMemory: however large the input, and whatever is wrong
// with it.
func TestScoreIsBoundedInMemory(t *testing.T) {
	needMemory(t)
	folder := t.TempDir()
	wide := filepath.Join(folder, "wide.copse")
	wideModel(t, wide)
	unknown := "{" + strings.TrimSuffix(strings.Repeat(`"a":1,`, 20), ",") + "}\n"
	for i := range 20 {
		unknown = strings.Replace(unknown, `"a"`, fmt.Sprintf(`"unknown_%d"`, i), 1)
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		args []string
	}{
		{"good.csv", repeated(irisHeader, makeRows(1000, 1001)), nil},
		{"good.csv", repeated(irisHeader, makeRows(1000, 1001)), []string{"--output", "leaf", "--format", "parquet"}},
		{"bad.csv", repeated(irisHeader, "x,x,x,x\n"), []string{"--format", "jsonl"}},
		{"bad.csv", repeated(irisHeader, "x,x,x,x\n"), []string{"--format", "parquet"}},
		{"short.csv", repeated(irisHeader, "1\n"), nil},
		{"quotes.csv", repeated("note,"+irisHeader, `"`+strings.Repeat("y\n", 7<<20)+`",5.1,3.5,1.4,0.2`+"\n"), []string{"--ignore-extra"}},
		{"unknown.jsonl", repeated("", unknown), []string{"--format", "jsonl"}},
		{"long.jsonl", repeated("", setosa+strings.Repeat(" ", 15<<20)+"\n"), nil},
		{"beyond.jsonl", repeated("", setosa+strings.Repeat(" ", 40<<20)+"\n"), nil},
		{"wide.parquet", wideTable, []string{"--model", wide, "--output", "leaf"}},
		{"wide.parquet", wideTable, []string{"--model", wide, "--format", "parquet"}},
	} {
		path := filepath.Join(folder, c.name)
		if _, err := os.Stat(path); err != nil {
			c.make(t, path)
		}
		got := scorePeak(t, path, c.args)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s: %d MB for %d MB", c.name, strings.Join(c.args, " "), got>>20, info.Size()>>20)
		if got > scoreMemory {
			t.Errorf("%s: got %d MB, want at most %d", c.name, got>>20, scoreMemory>>20)
		}
	}
}

// scorePeak is the most memory that the command held when it had read a file.
// It goes on with standard input: once more of that is taken than a pipe holds,
// the file is done.
func scorePeak(t *testing.T, path string, args []string) int64 {
	t.Helper()
	cmd := exec.Command("copse", append([]string{"score", "-o", os.DevNull, path, "-"}, args...)...)
	var log strings.Builder
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const more = 4 << 20
	_, err = io.WriteString(in, "{}\n"+strings.Repeat(" ", more)+"\n")
	got := peak(t, cmd.Process.Pid)
	err = errors.Join(err, in.Close())
	_ = cmd.Wait() // status 1: there are bad rows
	if err != nil || cmd.ProcessState.ExitCode() != exitFailed && cmd.ProcessState.ExitCode() != exitDone {
		t.Fatalf("%v, %v: %s", err, cmd.ProcessState, log.String())
	}
	return got
}

package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// forest is a small model over features a, b and c, of which each may be
// missing.
func forest(t testing.TB) *predict.Model { return forestOver(t, "a", "b", "c") }

// other is one over other features.
func other(t testing.TB) *predict.Model { return forestOver(t, "a", "b", "d") }

func forestOver(t testing.TB, names ...string) *predict.Model {
	t.Helper()
	m := irtest.Forest(irtest.Shape{Features: len(names)})
	var doc schema.Document
	for c, name := range names {
		m.FeatureNames[c] = name
		doc.Features = append(doc.Features, schema.Feature{Name: name, Missing: schema.Allow})
	}
	data, err := predict.Compile(m, doc, predict.Info{Name: "forest"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	model, err := predict.Open("", data, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// numbers are so many lines of CSV.
func numbers(n int) string {
	rng := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "%.3f,%.3f,%.3f\n", rng.Float64(), rng.Float64(), rng.Float64())
	}
	return b.String()
}

const header = "a,b,c\n"

// scored is what Score writes of a file.
func scored(t testing.TB, f *File, o Options) (string, Summary, error) {
	t.Helper()
	var out bytes.Buffer
	sum, err := Score(t.Context(), f, NewOutput(o.Model, o.Kind, JSONL, &out), o)
	return out.String(), sum, err
}

func packWith(t testing.TB, pack func(io.Writer) io.WriteCloser, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := pack(&b)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gz(w io.Writer) io.WriteCloser  { return gzip.NewWriter(w) }
func zst(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }

// bytesOf is a file in memory, as a store has it.
func bytesOf(name, text string) *File {
	return &File{Name: name, Size: int64(len(text)), At: strings.NewReader(text)}
}

func TestInputIsToldByNameAndContent(t *testing.T) {
	for _, test := range []struct {
		name, kind, text string
		want             wire.Media
		plain            string
	}{
		{"a.csv", "", "x\n1\n", wire.CSV, "x\n1\n"},
		{"a.jsonl", "", "{}\n", wire.NDJSON, "{}\n"},
		{"a.NDJSON.gz", "", packWith(t, gz, "{}\n"), wire.NDJSON, "{}\n"},
		{"a.csv.zst", "", packWith(t, zst, "x\n1\n"), wire.CSV, "x\n1\n"},
		{"a.gz", "", "x\n1\n", wire.CSV, "x\n1\n"}, // the name lies: it is not packed
		{"skipped.csv.zst", "", "\x5a\x2a\x4d\x18\x02\x00\x00\x00hi" + packWith(t, zst, "x\n1\n"), wire.CSV, "x\n1\n"},
		{"a.csv", "", packWith(t, gz, "x\n") + packWith(t, gz, "1\n"), wire.CSV, "x\n1\n"},
		{"a", "", " \n{\"x\":1}\n", wire.NDJSON, " \n{\"x\":1}\n"},
		{"a", "", "\ufeffx\n", wire.CSV, "\ufeffx\n"},
		{"a.csv", "jsonl", "{}\n", wire.NDJSON, "{}\n"},
		{"a.jsonl", "csv", "x\n", wire.CSV, "x\n"},
	} {
		for _, f := range []*File{
			{Name: test.name, Size: -1, Stream: strings.NewReader(test.text)},
			bytesOf(test.name, test.text),
		} {
			in, err := Open(t.Context(), f, &Options{Format: test.kind})
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			got, err := io.ReadAll(in)
			if err = errors.Join(err, in.Close()); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			if in.Media != test.want || string(got) != test.plain {
				t.Errorf("%s %q: got %v %q, want %v %q", test.name, test.text, in.Media, got, test.want, test.plain)
			}
			if in.bytes() != int64(len(test.text)) {
				t.Errorf("%s: read %d of %d bytes", test.name, in.bytes(), len(test.text))
			}
		}
	}
}

// failing is a writer that fails after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func TestAFullDiskEndsTheWork(t *testing.T) {
	m := forest(t)
	o := Options{Model: m}
	text := header + numbers(20*BlockRows)
	_, err := Score(t.Context(), bytesOf("a.csv", text), NewOutput(m, o.Kind, CSV, &failing{left: 100_000}), o)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want %v", err, syscall.ENOSPC)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Score(ctx, bytesOf("a.csv", text), NewOutput(m, o.Kind, CSV, io.Discard), o)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

package objectscore_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/copse/model"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/filestore"
	"example.com/copse/pkg/ingest/objectscore"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

type models struct{ m *predict.Model }

func (m models) Get(context.Context, string) (*predict.Model, func(), error) {
	return m.m, func() {}, nil
}

// setUp returns a handler that reads objects of a folder's bucket "in" and
// writes to its bucket "out", the folder, and the model.
func setUp(t testing.TB) (*ingest.Handler, string, *predict.Model) {
	t.Helper()
	m, err := predict.Open(model.Name, model.Bundle(), predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	folder, err := filestore.New(dir, filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() }) // it was only read
	return ingest.New(ingest.Options{
		Models: models{m}, Log: slog.New(slog.DiscardHandler),
		Sink:    ingest.NewBucket(folder.Bucket("out"), "file", "out", "", ingest.BucketOptions{}),
		Objects: func(string) (ingest.Objects, error) { return folder, nil }, Score: objectscore.Score,
	}), dir, m
}

func rows(n int) string {
	var b strings.Builder
	b.WriteString("petal_width,petal_length,sepal_width,sepal_length\n")
	for i := range n {
		length := 4 + float64(i%40)/10
		if i%97 == 96 {
			length = 100 // out of range
		}
		fmt.Fprintf(&b, "%.1f,%.1f,%.1f,%.1f\n", 0.1+float64(i%24)/10, 1+float64(i%59)/10, 2+float64(i%24)/10, length)
	}
	return b.String()
}

// plainly is the slow twin: all rows as one batch, decoded and written at once.
func plainly(t *testing.T, m *predict.Model, text string) string {
	t.Helper()
	r := new(predict.Request)
	if _, err := r.Decoder.Batch([]byte(text), wire.CSV, m.Schema(), &wire.Options{}, &r.Frame); err != nil {
		t.Fatal(err)
	}
	if err := m.Predict(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Encoder.Lines(&out, wire.NDJSON, wire.Prediction, m.Formatter(), &r.Frame, &r.Answers, wire.All(&r.Frame)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// answer scores an object, or a range of it, and returns its result.
func answer(t *testing.T, h *ingest.Handler, dir, key string, from, to int64) string {
	t.Helper()
	got := h.Report(t.Context(), []ingest.Record{{Source: ingest.Source{Kind: "test"},
		Object: &ingest.Object{Scheme: "file", Bucket: "in", Key: key, Size: -1, From: from, To: to}}})[0]
	if got.Outcome != ingest.Done || got.Fault != nil {
		t.Fatalf("%s %d-%d: got %+v", key, from, to, got)
	}
	text, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(got.Result, "file://")))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestScore: a file's result is what the slow twin says, packed or not.
func TestScore(t *testing.T) {
	h, dir, m := setUp(t)
	text := rows(20_000)
	want := plainly(t, m, text)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string]string{"a.csv": text, "a.csv.gz": zipped.String(), "deep/a b": text} {
		path := filepath.Join(dir, "in", key)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := answer(t, h, dir, key, 0, 0); got != want {
			t.Errorf("%s: %d bytes, want %d:\n%.200s\n%.200s", key, len(got), len(want), got, want)
		}
	}
}

// TestRanges: the results of ranges, one after the other, are those of the
// whole, but for their rows' numbers.
func TestRanges(t *testing.T) {
	h, dir, m := setUp(t)
	text := rows(1000)
	if err := os.WriteFile(filepath.Join(dir, "in", "a.csv"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`"row":\d+,`)
	want := number.ReplaceAllString(plainly(t, m, text), "")
	for _, parts := range []int{2, 3, 7} {
		var got strings.Builder
		for i := range parts {
			from, to := len(text)*i/parts, len(text)*(i+1)/parts
			if i == parts-1 {
				to = 0
			}
			got.WriteString(answer(t, h, dir, "a.csv", int64(from), int64(to)))
		}
		if all := number.ReplaceAllString(got.String(), ""); all != want {
			t.Errorf("%d parts: %d bytes, want %d", parts, len(all), len(want))
		}
	}
}

// TestUnreadable: what is wrong with an object is told by a fault that is final.
func TestUnreadable(t *testing.T) {
	h, dir, _ := setUp(t)
	for _, c := range []struct {
		key, body string
		code      fault.Code
	}{
		{"ragged.csv", "sepal_length,sepal_width,petal_length,petal_width\n1,2,3\n", fault.InvalidRows},
		{"field.csv", "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,\"" + strings.Repeat("x", 10<<20) + "\"\n", fault.InvalidRows},
		{"utf16.csv", "\xff\xfes\x00e\x00p\x00a\x00l\x00", fault.UnsupportedMedia},
		{"latin1.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n5,3,1,gr\xf6\xdfe\n", fault.Malformed},
		{"image.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", fault.UnsupportedMedia},
		{"list.json", `[{"sepal_length":1}]`, fault.UnsupportedMedia},
		{"cut.csv.gz", "\x1f\x8b\x08\x00\x00", fault.BadEncoding},
		{"zip.csv", "PK\x03\x04\x14\x00", fault.UnsupportedMedia},
	} {
		if err := os.WriteFile(filepath.Join(dir, "in", c.key), []byte(c.body), 0o666); err != nil {
			t.Fatal(err)
		}
		got := h.Report(t.Context(), []ingest.Record{{Source: ingest.Source{Kind: "test"},
			Object: &ingest.Object{Scheme: "file", Bucket: "in", Key: c.key, Size: -1}}})[0]
		if got.Outcome != ingest.Failed || got.Fault == nil || got.Fault.Code.Outcome() != fault.DeadLetter || got.Fault.Code != c.code || strings.HasPrefix(got.Fault.Message, "is ") {
			t.Errorf("%s: got %+v, %v", c.key, got, got.Fault)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "out")); err == nil {
		t.Errorf("unreadable objects left something: %v", left)
	}
}

// BenchmarkObject is an object's way from one folder's bucket to another.
func BenchmarkObject(b *testing.B) {
	h, dir, _ := setUp(b)
	text := rows(500_000)
	if err := os.WriteFile(filepath.Join(dir, "in", "a.csv"), []byte(text), 0o666); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for i := 0; b.Loop(); i++ {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			b.Fatal(err)
		}
		got := h.Handle(b.Context(), []ingest.Record{{Source: ingest.Source{Kind: "test"},
			Object: &ingest.Object{Scheme: "file", Bucket: "in", Key: "a.csv", Size: -1}}})
		if got[0] != ingest.Done {
			b.Fatal(got)
		}
	}
}

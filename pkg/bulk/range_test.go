package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
)

// rangeFiles are small files that are cut everywhere. The column "note" is no
// feature.
var rangeFiles = []struct{ name, text string }{
	{"plain.csv", "a,b,c\n1,2,3\n4,5,6\n7,8,9\n"},
	{"open end.csv", "a,b,c\n1,2,3\n4,5,6"},
	{"crlf.csv", "a,b,c\r\n1,2,3\r\n4,5,6\r\n\r\n7,8,9"},
	{"return at the end.csv", "a,b,c\n1,2,3\n4,5,6\r"},
	{"bom.csv", "\ufeffa,b,c\n1,2,3\n4,5,6\n"},
	{"blank.csv", "\n\r\n\na,b,c\n\n1,2,3\n\n\n4,5,6\n\n"},
	{"quoted.csv", "a,note,b,c\n1,\"x\ny\",2,3\n4,\"\",5,6\n7,\"\"\"\n\"\"\",8,9\n1,\"\n\n\",2,3\n"},
	{"quoted crlf.csv", "a,note,b,c\r\n1,\"x\r\ny\",2,3\r\n4,\",\"\"\r\n\",5,6\r\n7,u\rv,8,9\r\n\"1\",\"\",\"2\",\"3\"\r\n"},
	{"rows in quotes.csv", "a,b,c,note\n1,2,3,\"\n1,2,3,4\n5,6,7,8\n\"\n4,5,6,\"\n9,9,9,9\n\"\n"},
	{"all quoted.csv", "\"a\",\"note\",\"b\",\"c\"\n\"1\",\",\",\"2\",\"3\"\n\"4\",\"\n\",\"5\",\"6\"\n"},
	{"header in lines.csv", "a,\"no\nte\",b,c\n1,x,2,3\n4,y,5,6\n"},
	{"header only.csv", "a,b,c\n"},
	{"ragged.csv", "a,b,c\n1,2\n1,2,3,4\nx,y,z\n,,\n1,2,3\n"},
	{"plain.jsonl", `{"a":1,"b":2,"c":3}` + "\n" + `{"a":4}` + "\n" + `{"c":"x"}` + "\n"},
	{"open end.jsonl", `{"a":1,"b":2,"c":3}` + "\n" + `{"a":4}`},
	{"crlf.jsonl", `{"a":1}` + "\r\n" + `  {"b":2}` + "\r\n"},
	{"blank.jsonl", "\n\n" + `{"a":1}` + "\n \n" + `{"b":2}` + "\n\n"},
	{"broken.jsonl", `{"a":1` + "\n" + `nonsense` + "\n" + `{"a":"` + "\n" + `{"a":1}`},
}

var rowNumber = regexp.MustCompile(`"row":\d+,`)

// scoreRange is what is written of a range, without the rows' numbers.
func scoreRange(t testing.TB, m *predict.Model, f *File, from, to int64, change func(*Options)) (string, error) {
	t.Helper()
	o := Options{Model: m, From: from, To: to, IgnoreExtra: true, Cores: 1}
	if change != nil {
		change(&o)
	}
	got, sum, err := scored(t, f, o)
	if lines := strings.Count(got, "\n"); err == nil && lines != sum.Rows {
		t.Fatalf("%d lines of %d rows", lines, sum.Rows)
	}
	return rowNumber.ReplaceAllString(got, ""), err
}

// TestEveryCut: at every offset, the ranges before and behind give together the
// rows of the whole; and so they do with one between, at every pair of offsets
// of the shortest files, and at one of a few pairs of the others.
func TestEveryCut(t *testing.T) {
	m := forest(t)
	for _, file := range rangeFiles {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			f := bytesOf(file.name, file.text)
			whole, err := scoreRange(t, m, f, 0, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			size := int64(len(file.text))
			for _, look := range []int{1, 5, 1000} {
				starts := make([]string, size+1) // of the ranges from 0
				ends := make([]string, size+1)   // and of those to the end
				smaller := func(o *Options) { o.look = look }
				for x := range size + 1 {
					if x > 0 {
						if starts[x], err = scoreRange(t, m, f, 0, x, smaller); err != nil {
							t.Fatalf("0-%d: %v", x, err)
						}
					}
					if ends[x], err = scoreRange(t, m, f, x, 0, smaller); err != nil {
						t.Fatalf("%d-: %v", x, err)
					}
					if starts[x]+ends[x] != whole {
						t.Fatalf("cut at %d, got\n%s---\n%s, want\n%s", x, starts[x], ends[x], whole)
					}
				}
				for from := int64(1); from <= size && look == 5; from++ {
					few := 1 + size/30
					for to := from + from%few; to <= size; to += few {
						got, err := scoreRange(t, m, f, from, to, smaller)
						if err != nil || starts[from]+got+ends[to] != whole {
							t.Fatalf("%d-%d: got\n%s (%v), between\n%s---\n%s of\n%s", from, to, got, err, starts[from], ends[to], whole)
						}
					}
				}
			}
		})
	}
}

// TestManyCuts cuts larger files in many random places.
func TestManyCuts(t *testing.T) {
	m := forest(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, text := range []string{header + numbers(3000), quotedRows(rng, 2000)} {
		f := bytesOf("rows.csv", text)
		whole, err := scoreRange(t, m, f, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			cuts := []int64{0}
			for range rng.IntN(20) {
				cuts = append(cuts, 1+rng.Int64N(f.Size-1))
			}
			slices.Sort(cuts)
			var got strings.Builder
			for i, from := range cuts {
				to := int64(0)
				if i+1 < len(cuts) {
					to = cuts[i+1]
				}
				if to == from && i > 0 {
					continue
				}
				part, err := scoreRange(t, m, f, from, to, func(o *Options) { o.look, o.Cores = 64, 2 })
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString(part)
			}
			if got.String() != whole {
				t.Fatalf("cut at %d, got %d bytes, want %d", cuts, got.Len(), len(whole))
			}
		}
	}
}

// quotedRows are lines of CSV, with notes of what is hard to read.
func quotedRows(rng *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString("a,note,b,c\n")
	for range n {
		fmt.Fprintf(&b, "%.3f,%s,%.3f,%d\n", rng.Float64(), quotedCell(rng), rng.Float64(), rng.IntN(9))
	}
	return b.String()
}

func quotedCell(rng *rand.Rand) string {
	if rng.IntN(3) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('"')
	for range rng.IntN(12) {
		b.WriteString([]string{"x", "\n", ",", `""`, "\r\n", "1,2,3\n", "\r", `"",""`}[rng.IntN(8)])
	}
	b.WriteByte('"')
	return b.String()
}

// TestRangesOfParquet: row groups are shared among ranges as a whole.
func TestRangesOfParquet(t *testing.T) {
	m := forest(t)
	text := parquetRows(t, 500, 3)
	f := bytesOf("rows.parquet", text)
	whole, err := scoreRange(t, m, f, 0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	step := max(1, f.Size/60)
	shared := false
	for x := int64(1); x <= f.Size; x += step {
		before, err1 := scoreRange(t, m, f, 0, x, nil)
		behind, err2 := scoreRange(t, m, f, x, 0, nil)
		if err := errors.Join(err1, err2); err != nil || before+behind != whole {
			t.Fatalf("cut at %d: got %d and %d bytes (%v), want %d", x, len(before), len(behind), err, len(whole))
		}
		shared = shared || before != "" && behind != ""
	}
	if !shared {
		t.Error("all row groups went together: the test shows nothing")
	}
}

// parquetRows is a file of so many row groups.
func parquetRows(t testing.TB, rows, groups int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	var b bytes.Buffer
	w := parquetfile.NewWriter(&b, []parquetfile.Output{{Name: "a"}, {Name: "b", Optional: true}, {Name: "c"}})
	for range groups {
		values := make([]parquetfile.Values, 3)
		for c := range values {
			for range rows {
				values[c].Numbers = append(values[c].Numbers, rng.Float64())
			}
		}
		if err := errors.Join(w.Write(rows, values), w.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRangesOfWhatIsPacked: all rows are in the range that has byte 0.
func TestRangesOfWhatIsPacked(t *testing.T) {
	m := forest(t)
	for name, text := range map[string]string{
		"a.csv.gz":    packWith(t, gz, header+numbers(10)),
		"a.jsonl.zst": packWith(t, zst, strings.Repeat("{\"a\":1}\n", 10)),
	} {
		f := bytesOf(name, text)
		whole, err := scoreRange(t, m, f, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for x := int64(1); x < f.Size; x++ {
			before, err1 := scoreRange(t, m, f, 0, x, nil)
			behind, err2 := scoreRange(t, m, f, x, 0, nil)
			if err := errors.Join(err1, err2); err != nil || before != whole || behind != "" {
				t.Fatalf("%s cut at %d: got %d and %d bytes (%v), want %d and 0", name, x, len(before), len(behind), err, len(whole))
			}
		}
	}
}

func TestNoRange(t *testing.T) {
	m := forest(t)
	text := header + numbers(3)
	for _, test := range []struct {
		from, to int64
		f        *File
	}{
		{-1, 0, bytesOf("a.csv", text)},
		{0, -1, bytesOf("a.csv", text)},
		{5, 4, bytesOf("a.csv", text)},
		{1, 2, &File{Name: "a.csv", Size: -1, Stream: strings.NewReader(text)}},
	} {
		_, err := scoreRange(t, m, test.f, test.from, test.to, nil)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.BadParameter {
			t.Errorf("%d-%d: got %v, want a bad parameter", test.from, test.to, err)
		}
	}
}

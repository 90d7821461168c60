package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// bodies are 1,000 rows in the ways that programs write them.
type bodies struct {
	s     *schema.Schema
	names []string
	rows  [][]string // texts of numbers
}

func newBodies(t testing.TB, names []string, number func(*rand.Rand) string) *bodies {
	b := &bodies{s: flat(t, names...), names: names}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		row := make([]string, len(names))
		for c := range row {
			row[c] = number(rng)
		}
		b.rows = append(b.rows, row)
	}
	return b
}

func features30() []string {
	names := make([]string, 30)
	for i := range names {
		names[i] = fmt.Sprintf("feature_%02d", i)
	}
	return names
}

// six is a number of six significant digits, as sensors and prices have.
func six(rng *rand.Rand) string {
	return strconv.FormatFloat(rng.NormFloat64()*math.Pow10(rng.IntN(4)-1), 'g', 6, 64)
}

// unit6 is a number from 0 to 1 with six digits.
func unit6(rng *rand.Rand) string { return strconv.FormatFloat(rng.Float64(), 'f', 6, 64) }

// full is a float64 as Python prints it: 17 significant digits.
func full(rng *rand.Rand) string { return strconv.FormatFloat(rng.NormFloat64(), 'g', 17, 64) }

func iris(rng *rand.Rand) string { return strconv.FormatFloat(rng.Float64()*8, 'f', 1, 64) }

func (b *bodies) objects(comma, colon string) []byte {
	var out strings.Builder
	for r, row := range b.rows {
		out.WriteString(map[bool]string{true: "[", false: comma}[r == 0])
		for c, text := range row {
			out.WriteString(map[bool]string{true: "{", false: comma}[c == 0])
			out.WriteString(`"` + b.names[c] + `"` + colon + text)
		}
		out.WriteString("}")
	}
	return []byte(out.String() + "]")
}

func (b *bodies) table() []byte {
	var out strings.Builder
	out.WriteString(`{"columns":["` + strings.Join(b.names, `","`) + `"],"data":[`)
	for r, row := range b.rows {
		out.WriteString(map[bool]string{true: "[", false: ",["}[r == 0] + strings.Join(row, ",") + "]")
	}
	return []byte(out.String() + "]}")
}

func (b *bodies) csv() []byte {
	var out strings.Builder
	out.WriteString(strings.Join(b.names, ",") + "\n")
	for _, row := range b.rows {
		out.WriteString(strings.Join(row, ",") + "\n")
	}
	return []byte(out.String())
}

func (b *bodies) lines() []byte {
	return bytes.ReplaceAll(bytes.Trim(b.objects(",", ":"), "[]"), []byte("},{"), []byte("}\n{"))
}

// least runs f until the benchmark is over and reports the least time of one
// run, for each of so many things: on a shared machine the mean says more of
// the neighbours.
func least(bench *testing.B, things int, unit string, f func()) {
	best := time.Duration(math.MaxInt64)
	for bench.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	bench.ReportMetric(float64(best.Nanoseconds())/float64(things), unit)
}

func (b *bodies) decode(bench *testing.B, m Media, body []byte) {
	var d Decoder
	var f frame.Frame
	o := Options{Limits: Limits{Rows: 100_000}}
	bench.SetBytes(int64(len(body)))
	least(bench, len(b.rows)*len(b.names), "min-ns/member", func() {
		if _, err := d.Batch(body, m, b.s, &o, &f); err != nil || len(f.Faults) > 0 {
			bench.Fatal(err, f.Faults)
		}
	})
}

func BenchmarkDecode(bench *testing.B) {
	for _, c := range []struct {
		name   string
		names  []string
		number func(*rand.Rand) string
	}{{"30x6digits", features30(), six}, {"30xunit", features30(), unit6}, {"30x17digits", features30(), full}, {"iris", irisNames, iris}} {
		b := newBodies(bench, c.names, c.number)
		bench.Run(c.name+"/objects", func(bench *testing.B) { b.decode(bench, JSON, b.objects(",", ":")) })
		bench.Run(c.name+"/python", func(bench *testing.B) { b.decode(bench, JSON, b.objects(", ", ": ")) })
		bench.Run(c.name+"/table", func(bench *testing.B) { b.decode(bench, JSON, b.table()) })
		bench.Run(c.name+"/csv", func(bench *testing.B) { b.decode(bench, CSV, b.csv()) })
		bench.Run(c.name+"/lines", func(bench *testing.B) { b.decode(bench, NDJSON, b.lines()) })
	}
}

// BenchmarkDecodeControl is what others take for the same bodies.
func BenchmarkDecodeControl(bench *testing.B) {
	b := newBodies(bench, features30(), six)
	body := b.objects(",", ":")
	bench.Run("encoding-json", func(bench *testing.B) {
		least(bench, 30*1000, "min-ns/member", func() {
			var rows []map[string]any
			if err := json.Unmarshal(body, &rows); err != nil {
				bench.Fatal(err)
			}
		})
	})
	bench.Run("jsontext", func(bench *testing.B) {
		least(bench, 30*1000, "min-ns/member", func() {
			dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
			for {
				if _, err := dec.ReadToken(); err == io.EOF {
					break
				} else if err != nil {
					bench.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkShuffled is a client that sends members in an order of its own.
func BenchmarkShuffled(bench *testing.B) {
	b := newBodies(bench, features30(), six)
	rng := rand.New(rand.NewPCG(7, 8))
	rng.Shuffle(len(b.names), func(i, j int) { b.names[i], b.names[j] = b.names[j], b.names[i] })
	b.decode(bench, JSON, b.objects(",", ":"))
}

// answersOf are n rows of which a share differ, for a model of k classes.
func answersOf(n, distinct, k int, single bool) (*frame.Frame, *frame.Answers) {
	rng := rand.New(rand.NewPCG(9, 10))
	f, a := &frame.Frame{}, &frame.Answers{Outputs: k}
	f.Reset(1)
	for range distinct * k {
		x := rng.Float64()
		if single {
			x = float64(float32(x))
		}
		a.Values = append(a.Values, x)
	}
	for i := range n {
		f.Append()[0] = 0
		a.Index = append(a.Index, int32(i%distinct))
	}
	a.Stats = frame.Stats{Rows: n, Valid: n, Unique: distinct, Scored: distinct}
	return f, a
}

func BenchmarkEncode(bench *testing.B) {
	w := NewFormatter(Shape{Outputs: 3, Labels: []string{"setosa", "versicolor", "virginica"}, Single: true, Name: "iris", Digest: "sha256:00"})
	f, a := answersOf(1000, 600, 3, true)
	var e Encoder
	for _, m := range []Media{JSON, CSV, NDJSON} {
		bench.Run(m.String(), func(bench *testing.B) {
			least(bench, f.Rows, "min-ns/row", func() {
				if err := e.Batch(io.Discard, m, w, f, a); err != nil {
					bench.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkSplitter is the part of reading a file that one goroutine does for
// all others.
func BenchmarkSplitter(b *testing.B) {
	bodies := newBodies(b, features30(), full)
	for _, c := range []struct {
		name string
		m    Media
		text []byte
	}{
		{"csv", CSV, bodies.csv()},
		{"csv-quoted", CSV, bytes.ReplaceAll(bodies.csv(), []byte("\n"), []byte(",\"a,b\"\n"))},
		{"jsonl", NDJSON, append(bodies.lines(), '\n')},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			for b.Loop() {
				s := NewSplitter(bytes.NewReader(c.text), c.m, bodies.s, Options{IgnoreExtra: true}, 192<<10, 4096)
				var block Block
				for s.Next(&block) == nil {
				}
			}
		})
	}
}

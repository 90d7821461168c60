package predict

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// document gives every feature of a model a wide range, and lets it be missing.
func document(m *ir.Model) schema.Document {
	var doc schema.Document
	for _, name := range m.FeatureNames {
		doc.Features = append(doc.Features, schema.Feature{Name: name, Rules: "gte=-1e30,lte=1e30", Missing: schema.Allow})
	}
	return doc
}

func compiled(t testing.TB, m *ir.Model) []byte {
	t.Helper()
	data, err := Compile(m, document(m), Info{Name: "m"}, irtest.Rows(m, 20, 7))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, data []byte, o Options) *Model {
	t.Helper()
	m, err := Open("", data, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fill puts rows into a request, as the decoder would.
func fill(r *Request, rows []float64, cols int) {
	r.Frame.Reset(cols)
	for len(rows) > 0 {
		copy(r.Frame.Append(), rows[:cols])
		rows = rows[cols:]
	}
}

// results predicts and returns a copy of each row's values, nil for bad rows.
func results(t testing.TB, m *Model, r *Request, rows []float64) [][]float64 {
	t.Helper()
	fill(r, rows, m.Schema().NumFeatures())
	if err := m.Predict(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, r.Frame.Rows)
	for i, d := range r.Answers.Index {
		if d != frame.Bad {
			out[i] = append([]float64{}, r.Answers.Value(d)...)
		}
	}
	return out
}

// withTwins repeats some rows, and spoils and empties some.
func withTwins(rng *rand.Rand, rows []float64, cols int) []float64 {
	n := len(rows) / cols
	out := append([]float64{}, rows...)
	for range n {
		i := rng.IntN(n)
		row := append([]float64{}, rows[i*cols:(i+1)*cols]...)
		switch rng.IntN(6) {
		case 0:
			row[rng.IntN(cols)] = math.NaN()
		case 1:
			row[rng.IntN(cols)] = 1e31 // against the rules
		case 2:
			row[rng.IntN(cols)] = math.Copysign(0, -1)
		}
		out = append(out, row...)
	}
	return out
}

// TestInvariant holds the answers bit-identical to the model's slow reference
// evaluation, with the cache on and off, deduplication on and off, at every
// batch size tried, in order and out of order.
func TestInvariant(t *testing.T) {
	for _, p := range []ir.Precision{ir.Float32, ir.Float64} {
		for _, votes := range []bool{false, true} {
			shape := irtest.Shape{Trees: 20, Depth: 5, Features: 6, Outputs: 3, Votes: votes, Precision: p, Missing: true, Seed: 3}
			t.Run(fmt.Sprintf("%d votes %v", p, votes), func(t *testing.T) { invariant(t, irtest.Forest(shape)) })
		}
	}
}

// TestInvariantKinds is TestInvariant for models of other kinds.
func TestInvariantKinds(t *testing.T) {
	shape := irtest.Shape{Trees: 20, Depth: 5, Features: 12, Missing: true, Seed: 3}
	change := func(f func(s *irtest.Shape)) *ir.Model { s := shape; f(&s); return irtest.Forest(s) }
	recoded := irtest.Forest(shape)
	recoded.Recode = make([][]float64, 12)
	recoded.Recode[2] = []float64{0.5, -1, 0.25}
	recoded.Input = ir.Float32
	for name, m := range map[string]*ir.Model{
		"sets":      change(func(s *irtest.Shape) { s.Categories = 9 }),
		"zero band": change(func(s *irtest.Shape) { s.Kind, s.ZeroBand = ir.MissingZero, true }),
		"linear":    change(func(s *irtest.Shape) { s.Linear = 3 }),
		"recoded":   recoded,
	} {
		t.Run(name, func(t *testing.T) { invariant(t, m) })
	}
}

// TestRoundTrip writes and opens models of all kinds.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		m := irtest.Wild(rand.New(rand.NewPCG(seed, 0)))
		rows := irtest.WildRows(rand.New(rand.NewPCG(seed, 1)), m, 5)
		data, err := Compile(m, document(m), Info{Name: "m"}, rows)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := open(t, data, Options{}).Engine().Arrays()
		want, err := engine.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := written(t, got), written(t, want); !bytes.Equal(a, b) {
			t.Fatalf("seed %d: other sections after the round trip", seed)
		}
		if got.Codes != want.Codes || got.Aggregate != want.Aggregate || got.ZeroBand != want.ZeroBand {
			t.Fatalf("seed %d: other rules after the round trip", seed)
		}
	}
}

func invariant(t *testing.T, source *ir.Model) {
	rng := rand.New(rand.NewPCG(5, 6))
	cols := len(source.FeatureNames)
	rows := withTwins(rng, irtest.Rows(source, 150, 9), cols)
	n := len(rows) / cols
	want := reference(source, rows)
	data := compiled(t, source)
	for _, mode := range []CacheMode{CacheOff, CacheOn, CacheAuto} {
		for _, noDedup := range []bool{false, true} {
			m := open(t, data, Options{Cache: NewCache(mode, 1<<16), NoDedup: noDedup})
			r := Get()
			for _, batch := range []int{1, 2, 3, 7, 8, 9, 64, 129, n} {
				order := rng.Perm(n)
				for at := 0; at < n; at += batch {
					part := order[at:min(at+batch, n)]
					var block []float64
					for _, i := range part {
						block = append(block, rows[i*cols:(i+1)*cols]...)
					}
					for j, got := range results(t, m, r, block) {
						if !sameBits(got, want[part[j]]) {
							t.Fatalf("cache %d, no dedup %v, batch %d, row %d: got %v, want %v", mode, noDedup, batch, part[j], got, want[part[j]])
						}
					}
				}
			}
			r.Release()
		}
	}
}

func sameBits(a, b []float64) bool {
	if (a == nil) != (b == nil) || len(a) != len(b) {
		return false
	}
	return differs(a, b) < 0
}

// reference answers rows by ir.Eval; those against the rules are nil.
func reference(m *ir.Model, rows []float64) [][]float64 {
	cols := len(m.FeatureNames)
	var out [][]float64
	for len(rows) > 0 {
		row, bad := rows[:cols], false
		for _, x := range row {
			bad = bad || x > 1e30
		}
		if bad {
			out = append(out, nil)
		} else {
			margin, values := make([]float64, m.Outputs), make([]float64, m.Outputs)
			m.Eval(row, margin, values)
			out = append(out, values)
		}
		rows = rows[cols:]
	}
	return out
}

func TestStats(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2})
	m := open(t, compiled(t, source), Options{Cache: NewCache(CacheOn, 1<<20)})
	r := Get()
	defer r.Release()
	a, b, bad := []float64{1, 2}, []float64{3, 4}, []float64{1e31, 0}
	rows := func(parts ...[]float64) (out []float64) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	steps := []struct {
		rows []float64
		want frame.Stats
	}{
		{rows(a, b, a, bad), frame.Stats{Rows: 4, Valid: 3, Unique: 2, Cached: 0, Scored: 2}},
		{rows(a, a, bad), frame.Stats{Rows: 3, Valid: 2, Unique: 1, Cached: 1, Scored: 0}},
		{rows(b, []float64{5, 6}), frame.Stats{Rows: 2, Valid: 2, Unique: 2, Cached: 1, Scored: 1}},
		{rows(bad), frame.Stats{Rows: 1}},
		{nil, frame.Stats{}},
	}
	for i, step := range steps {
		results(t, m, r, step.rows)
		if r.Answers.Stats != step.want {
			t.Errorf("step %d: got %+v, want %+v", i, r.Answers.Stats, step.want)
		}
	}
}

// TestCacheKeepsModelsApart asks two models that share one cache for the same
// row.
func TestCacheKeepsModelsApart(t *testing.T) {
	cache := NewCache(CacheOn, 1<<20)
	one := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Seed: 1})
	two := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Seed: 2})
	r := Get()
	defer r.Release()
	row := []float64{0.25, 0.5}
	for range 2 {
		for _, source := range []*ir.Model{one, two} {
			m := open(t, compiled(t, source), Options{Cache: cache})
			if got, want := results(t, m, r, row)[0], reference(source, row)[0]; !sameBits(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
}

// TestCacheDoubtsDigests: a bundle that claims another model's digest does not
// get that model's answers.
func TestCacheDoubtsDigests(t *testing.T) {
	cache := NewCache(CacheOn, 1<<20)
	r := Get()
	defer r.Release()
	row := []float64{0.25, 0.5}
	for seed := range uint64(3) {
		source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Seed: seed})
		file, err := bundle.Open(compiled(t, source))
		if err != nil {
			t.Fatal(err)
		}
		sum, _ := file.Section(bundle.Digest)
		clear(sum)
		name := fmt.Sprint("m", seed)
		m, err := OpenFile(name, file, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := results(t, m, r, row)[0], reference(source, row)[0]; !sameBits(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestCacheIsBoundedByBytes(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2})
	const limit = 10_000
	cache := NewCache(CacheOn, limit)
	m := open(t, compiled(t, source), Options{Cache: cache})
	r := Get()
	defer r.Release()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		results(t, m, r, []float64{rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64()})
	}
	held, entries := cache.Size()
	if held > limit || held < limit/2 || entries*entryBytes(make([]float64, 3)) != held {
		t.Errorf("holds %d bytes in %d entries, limit %d", held, entries, limit)
	}
	tiny := NewCache(CacheOn, 10)
	m = open(t, compiled(t, source), Options{Cache: tiny})
	results(t, m, r, []float64{1, 2})
	if held, entries := tiny.Size(); held != 0 || entries != 0 {
		t.Errorf("an entry over the whole limit is held: %d bytes, %d entries", held, entries)
	}
}

// TestHashCollision stores one row and looks up another under the same key:
// what decides is the row.
func TestHashCollision(t *testing.T) {
	c := NewCache(CacheOn, 1<<20)
	k := cacheKey{"sha256:x", 42}
	c.store(k, []float64{1, 2}, []float64{9})
	out := []float64{0}
	if c.lookup(k, []float64{1, 3}, out) || out[0] != 0 {
		t.Error("another row's answer was given")
	}
	if !c.lookup(k, []float64{1, 2}, out) || out[0] != 9 {
		t.Error("the row's own answer was not given")
	}
	c.store(k, []float64{1, 3}, []float64{8})
	if held, entries := c.Size(); entries != 1 || held != entryBytes(make([]float64, 3)) {
		t.Errorf("after a collision: %d bytes in %d entries", held, entries)
	}
}

func TestCacheAuto(t *testing.T) {
	tests := []struct {
		mode     CacheMode
		features int
		cost     float64
		want     bool
	}{
		{CacheAuto, 4, 100, false},
		{CacheAuto, 4, 10_000, true},
		{CacheAuto, 1000, 5_000, false},
		{CacheOn, 4, 1, true},
		{CacheOff, 4, 1e9, false},
	}
	for _, tt := range tests {
		if got := NewCache(tt.mode, 1).serves(tt.features, tt.cost); got != tt.want {
			t.Errorf("mode %d, %d features, %v ns: got %v, want %v", tt.mode, tt.features, tt.cost, got, tt.want)
		}
	}
	if (*Cache)(nil).serves(1, 1e9) {
		t.Error("no cache serves a model")
	}
}

func TestDeadline(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2})
	m := open(t, compiled(t, source), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Get()
	defer r.Release()
	fill(r, []float64{1, 2}, 2)
	err := m.Predict(ctx, r)
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Deadline {
		t.Errorf("got %v, want a deadline", err)
	}
}

// TestOpenRefuses damages a bundle's meaning, not its checksums.
func TestOpenRefuses(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2})
	doc := document(source)
	tests := []struct {
		name string
		make func() ([]byte, error)
		want string
	}{
		{"no bundle", func() ([]byte, error) { return []byte("pickle"), nil }, "not a .copse file"},
		{"another model's self-test", func() ([]byte, error) {
			return swapped(t, source, irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Seed: 9}))
		}, "self-test"},
		{"labels that do not fit", func() ([]byte, error) {
			d := doc
			d.Labels = []string{"a", "b", "c"}
			return Compile(source, d, Info{}, nil)
		}, "3 labels do not fit 1 outputs"},
		{"too few features", func() ([]byte, error) {
			d := doc
			d.Features = d.Features[:1]
			return Compile(source, d, Info{}, nil)
		}, "the schema 1"},
		{"half a self-test row", func() ([]byte, error) { return Compile(source, doc, Info{}, []float64{1}) }, "1 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := tt.make()
			if err == nil {
				_, err = Open("m", data, Options{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

// swapped makes a bundle of one model with another one's self-test.
func swapped(t *testing.T, a, b *ir.Model) ([]byte, error) {
	t.Helper()
	rows := irtest.Rows(a, 20, 7)
	return compileWith(a, document(a), Info{Name: "m"}, selfTestSections(b, 2, rows))
}

func TestSameBytes(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2})
	if !bytes.Equal(compiled(t, source), compiled(t, source)) {
		t.Error("two compilations differ")
	}
}

// TestNoAllocations: a warm request of distinct and equal rows costs none.
func TestNoAllocations(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Precision: ir.Float32})
	m := open(t, compiled(t, source), Options{Cache: NewCache(CacheAuto, 1<<20)})
	rows := irtest.Rows(source, 100, 1)
	rows = append(rows, rows...)
	r := new(Request)
	ctx := t.Context()
	run := func() {
		fill(r, rows, 30)
		if err := m.Predict(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDistinct(b *testing.B) {
	const rows, cols = 1000, 30
	source := irtest.Forest(irtest.Shape{Trees: 1, Depth: 1})
	var r Request
	values := irtest.Rows(source, 600, 1)
	fill(&r, append(values, values[:400*cols]...), cols)
	index := make([]int32, rows)
	for b.Loop() {
		r.distinct.find(&r.Frame, index, true)
	}
	if len(r.distinct.rows) != 600 {
		b.Fatalf("%d distinct rows, want 600", len(r.distinct.rows))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// BenchmarkCache measures what cache.go states as the cost of a look-up, in a
// cache of the default size that is full: half of the rows are found, far
// apart, the others are stored and push old ones out.
func BenchmarkCache(b *testing.B) {
	for _, cols := range []int{4, 30, 200} {
		b.Run(fmt.Sprintf("features=%d", cols), func(b *testing.B) {
			const limit = 32 << 20
			rng := rand.New(rand.NewPCG(1, 1))
			c := NewCache(CacheOn, limit)
			row, out := make([]float64, cols), make([]float64, 1)
			hot := limit / entryBytes(make([]float64, cols+1)) / 4
			fill := func(id int) cacheKey {
				for i := range row {
					row[i] = float64(id * (i + 1))
				}
				return cacheKey{"sha256:x", hashRow(row)}
			}
			next := hot
			ask := func(id int) {
				if k := fill(id); !c.lookup(k, row, out) {
					c.store(k, row, out)
				}
			}
			for range 8 * hot {
				ask(next)
				next++
			}
			for id := range hot {
				ask(id)
			}
			for b.Loop() {
				ask(rng.IntN(hot))
				ask(next)
				next++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/row")
		})
	}
}

// BenchmarkBatch is the pipeline from JSON objects to the reply's last byte:
// 1,000 rows, 600 of them different.
func BenchmarkBatch(b *testing.B) {
	for _, shape := range []irtest.Shape{
		{Trees: 30, Depth: 4, Features: 4, Outputs: 3, Votes: true},
		{Trees: 100, Depth: 6, Features: 30, Precision: ir.Float32},
	} {
		source := irtest.Forest(shape)
		if shape.Votes {
			source.Labels = []string{"setosa", "versicolor", "virginica"}
		}
		m := open(b, compiled(b, source), Options{})
		body := jsonRows(source)
		b.Run(fmt.Sprintf("features=%d", shape.Features), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			r := new(Request)
			o := wire.Options{Limits: wire.Limits{Rows: 100_000}}
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if _, fe := r.Decoder.Batch(body, wire.JSON, m.Schema(), &o, &r.Frame); fe != nil {
					b.Fatal(fe)
				}
				if err := m.Predict(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				if err := r.Encoder.Batch(&out, wire.JSON, m.Formatter(), &r.Frame, &r.Answers); err != nil {
					b.Fatal(err)
				}
			}
			if r.Answers.Stats.Unique != 600 {
				b.Fatalf("%+v", r.Answers.Stats)
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// jsonRows writes 1,000 rows, 600 of them different, with six significant
// digits as measured values have them.
func jsonRows(m *ir.Model) []byte {
	cols := len(m.FeatureNames)
	values := irtest.Rows(m, 600, 1)
	var b bytes.Buffer
	for i := range 1000 {
		b.WriteByte("[,"[min(i, 1)])
		row := values[i%600*cols:][:cols]
		for c, x := range row {
			fmt.Fprintf(&b, "%c%q:%.6g", "{,"[min(c, 1)], m.FeatureNames[c], x)
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes()
}

func TestAnswer(t *testing.T) {
	source := irtest.Forest(irtest.Shape{Trees: 5, Depth: 3, Features: 2, Outputs: 2, Votes: true})
	source.Labels = []string{"no", "yes"}
	m := open(t, compiled(t, source), Options{})
	want := reference(source, []float64{0.25, 0.5})[0]
	values, label, err := m.Answer(t.Context(), 0.25, 0.5)
	if err != nil || !sameBits(values, want) || label != source.Labels[map[bool]int{true: 1}[want[1] > want[0]]] {
		t.Errorf("got %v %q %v, want %v", values, label, err, want)
	}
	for _, tt := range []struct {
		row  []float64
		want string
	}{{[]float64{1}, "wrong_length"}, {[]float64{1e31, 1}, "out_of_range"}} {
		_, _, err := m.Answer(t.Context(), tt.row...)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code.String() != tt.want {
			t.Errorf("%v: got %v, want %s", tt.row, err, tt.want)
		}
	}
}

package copsebeam

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() {
	register.Function1x2[string, string, []byte](keyByText)
	register.Function1x3[string, beam.EventTime, string, []byte](timed)
	register.Function2x2[string, func(*[]byte) bool, string, []byte](firstOf)
	register.Function2x2[[]byte, []byte, string, []byte](textKey)
	register.Iter1[[]byte]()
	register.Function2x0[string, []byte](discard)
}

// keyByText cuts "KEY ROW".
func keyByText(text string) (string, []byte) {
	key, row, _ := strings.Cut(text, " ")
	return key, []byte(row)
}

// timed is keyByText; the key begins with the timestamp, in seconds.
func timed(text string) (beam.EventTime, string, []byte) {
	key, row := keyByText(text)
	var seconds int64
	fmt.Sscan(key, &seconds)
	return mtime.FromMilliseconds(seconds * 1000), key, row
}

func textKey(key, value []byte) (string, []byte) { return string(key), value }

// answersOf are the lines that copse score writes for rows, without their
// numbers.
func answersOf(t *testing.T, rows []string, args ...string) []string {
	t.Helper()
	path := writeText(t, filepath.Join(t.TempDir(), "rows.jsonl"), strings.Join(rows, "\n")+"\n")
	all := lines(score(t, append(args, "--format", "jsonl", path)...))
	for i, line := range all {
		all[i] = strings.Replace(line, fmt.Sprintf(`{"row":%d,`, i), "{", 1)
	}
	return all
}

func TestKeyedRowsAnswerLikeCopseScore(t *testing.T) {
	rows := irisRows(10_000)
	want := answersOf(t, rows)
	elements := make([]string, len(rows))
	for i, row := range rows {
		elements[i] = fmt.Sprintf("%d %s", i, row)
	}
	p, s := beam.NewPipelineWithRoot()
	keyed := beam.ParDo(s, keyByText, beam.CreateList(s, elements))
	collect(t, s, KeyedRows(s, mustModel(t, ""), keyed, RowOptions{}))
	n := mustRun(t, p)

	answers := map[string]string{}
	for _, e := range collected(t) {
		if _, twice := answers[e.key]; twice {
			t.Fatalf("row %s is answered twice", e.key)
		}
		answers[e.key] = e.value
	}
	if len(answers) != len(rows) {
		t.Fatalf("got %d answers, want %d", len(answers), len(rows))
	}
	for i := range rows {
		if got := answers[fmt.Sprint(i)]; got != want[i] {
			t.Fatalf("row %d: got %s, want %s", i, got, want[i])
		}
	}
	// A block is as large as a bundle lets it be.
	if n.Rows != 10_000 || n.Bad != 100 || n.Bundles == 0 || n.Blocks > n.Bundles+n.Rows/blockRows {
		t.Errorf("got %+v", n)
	}
}

func TestRowsComeWithTheirAnswers(t *testing.T) {
	rows := irisRows(50)
	want := answersOf(t, rows)
	p, s := beam.NewPipelineWithRoot()
	var in [][]byte
	for _, row := range rows {
		in = append(in, []byte(row))
	}
	answered := Rows(s, mustModel(t, ""), beam.CreateList(s, in), RowOptions{})
	collect(t, s, beam.ParDo(s, textKey, answered))
	mustRun(t, p)
	all := collected(t)
	if len(all) != len(rows) {
		t.Fatalf("got %d answers, want %d", len(all), len(rows))
	}
	for _, e := range all {
		if i := slices.Index(rows, e.key); i < 0 || e.value != want[i] {
			t.Errorf("row %s: got %s", e.key, e.value)
		}
	}
}

func TestBadRowsAreErrorsInTheirPlace(t *testing.T) {
	good := `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`
	for _, c := range []struct{ name, row, want string }{
		{"good", good, `"prediction":"setosa"`},
		{"spread over lines", strings.ReplaceAll(good, ",", ",\n  "), `"prediction":"setosa"`},
		{"no JSON", `{"sepal_length":`, `"error":{"code":"malformed"`},
		{"empty", ``, `"error":{"code":"empty_body"`},
		{"no object", `[1,2]`, `"error":{"code":`},
		{"two", good + good, `"error":{"code":"malformed"`},
		{"against a rule", `{"sepal_length":5.1,"sepal_width":99,"petal_length":1.4,"petal_width":0.2}`, `"error":{"code":"out_of_range","field":"sepal_width"`},
		{"unknown member", `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2,"x":1}`, `"error":{"code":"unknown_field","field":"x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := beam.NewPipelineWithRoot()
			keyed := beam.ParDo(s, keyByText, beam.Create(s, "a "+good, "b "+c.row, "c "+good))
			collect(t, s, KeyedRows(s, mustModel(t, ""), keyed, RowOptions{}))
			mustRun(t, p)
			all := collected(t)
			if len(all) != 3 {
				t.Fatalf("got %d answers, want 3", len(all))
			}
			for _, e := range all {
				want := `"prediction":"setosa"`
				if e.key == "b" {
					want = c.want
				}
				if !strings.HasPrefix(e.value, "{"+want) || strings.Contains(e.value, "\n") {
					t.Errorf("row %s: got %s, want {%s…", e.key, e.value, want)
				}
			}
		})
	}
}

// firstOf is the first value of a key.
func firstOf(key string, values func(*[]byte) bool) (string, []byte) {
	var v []byte
	values(&v)
	return key, v
}

// TestWindowsAreKept compares where an answer is with where its row is, for
// each function of windows.
func TestWindowsAreKept(t *testing.T) {
	for _, c := range []struct {
		name     string
		fn       *window.Fn
		grouped  bool // rows come out of a GroupByKey, which merges sessions
		together bool // rows are scored in blocks
	}{
		{"global", window.NewGlobalWindows(), false, true},
		{"fixed", window.NewFixedWindows(10 * time.Second), false, true},
		{"sliding", window.NewSlidingWindows(5*time.Second, 20*time.Second), false, true},
		{"sessions", window.NewSessions(3 * time.Second), false, true},
		{"fixed, grouped", window.NewFixedWindows(10 * time.Second), true, true},
		{"sliding, grouped", window.NewSlidingWindows(5*time.Second, 20*time.Second), true, true},
		{"sessions, merged", window.NewSessions(30 * time.Second), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := irisRows(200)
			elements := make([]string, len(rows))
			for i, row := range rows {
				elements[i] = fmt.Sprintf("%d %s", i, row)
				if c.grouped {
					elements[i] = fmt.Sprintf("%d %s", i-i%2, rows[i-i%2]) // twos of a key, with one row
				}
			}
			want := answersOf(t, rows)
			p, s := beam.NewPipelineWithRoot()
			in := beam.WindowInto(s, c.fn, beam.ParDo(s, timed, beam.CreateList(s, elements)))
			if c.grouped {
				in = beam.ParDo(s, firstOf, beam.GroupByKey(s, in))
			}
			beam.ParDo0(s, &collectFn{t.Name() + " in"}, in)
			collect(t, s, KeyedRows(s, mustModel(t, ""), in, RowOptions{}))
			n := mustRun(t, p)

			index := map[string]int{}
			for _, e := range got.of[t.Name()+" in"] {
				index[fmt.Sprintf("%s in %s at %d", e.key, e.window, e.time)]++
			}
			all := collected(t)
			for _, e := range all {
				place := fmt.Sprintf("%s in %s at %d", e.key, e.window, e.time)
				if index[place]--; index[place] < 0 {
					t.Fatalf("an answer is where no row was: %s", place)
				}
				var i int
				fmt.Sscan(e.key, &i)
				if e.value != want[i] {
					t.Fatalf("%s: got %s, want %s", place, e.value, want[i])
				}
			}
			for place, left := range index {
				if left > 0 {
					t.Errorf("no answer where a row was: %s", place)
				}
			}
			if n.Rows != int64(len(all)) || (n.Blocks < n.Rows/8) != c.together {
				t.Errorf("got %+v", n)
			}
		})
	}
}

// TestMakes holds the shortcut against the windows that Beam's function makes,
// one by one.
func TestMakes(t *testing.T) {
	second := func(n float64) mtime.Time { return mtime.FromMilliseconds(int64(n * 1000)) }
	in := func(from, to float64) window.IntervalWindow {
		return window.IntervalWindow{Start: second(from), End: second(to)}
	}
	fixed := carryFn{Kind: string(window.FixedWindows), Size: 10 * time.Second}
	sliding := carryFn{Kind: string(window.SlidingWindows), Size: 10 * time.Second, Period: 5 * time.Second}
	sessions := carryFn{Kind: string(window.Sessions), Gap: 3 * time.Second}
	for _, c := range []struct {
		f    *carryFn
		w    window.IntervalWindow
		at   float64
		want bool
	}{
		{&fixed, in(0, 10), 0, true}, {&fixed, in(0, 10), 9.999, true}, {&fixed, in(0, 10), 10, false},
		{&fixed, in(5, 15), 7, false}, {&fixed, in(0, 20), 7, false}, {&fixed, in(-10, 0), -1, false},
		{&sliding, in(0, 10), 7, true}, {&sliding, in(5, 15), 7, true}, {&sliding, in(-5, 5), 0, true},
		{&sliding, in(-5, 5), 5, false}, {&sliding, in(10, 20), 7, false}, {&sliding, in(1, 11), 7, false}, {&sliding, in(0, 11), 7, false},
		{&sessions, in(7, 10), 7, true}, {&sessions, in(7, 11), 7, false}, {&sessions, in(6, 9), 7, false},
		{&carryFn{Kind: string(window.GlobalWindows)}, in(0, 10), 7, false},
	} {
		if got := c.f.makes(c.w, second(c.at)); got != c.want {
			t.Errorf("%s %v of %v s: got %v, want %v", c.f.Kind, c.w, c.at, got, c.want)
		}
	}
}

func TestFullBlocksAreScoredWithinABundle(t *testing.T) {
	b, err := newBlock(t.Context(), mustModel(t, ""), RowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	row := []byte(irisRows(1)[0])
	n := 0
	for ; !b.full(); n++ {
		b.add(t.Context(), row)
	}
	if n != blockRows {
		t.Errorf("got %d rows, want %d", n, blockRows)
	}
	answers, err := b.answers(t.Context())
	if err != nil || len(answers) != n || b.full() {
		t.Errorf("got %d answers, %v", len(answers), err)
	}
	b.add(t.Context(), []byte(strings.Repeat(" ", blockBytes)))
	if !b.full() {
		t.Error("a block has no bound in bytes")
	}
}

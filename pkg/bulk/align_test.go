package bulk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/fault"
)

// records is the plain twin of cutter: where the records of a whole text of
// CSV begin, byte by byte from the first on, and where the last one ends. ok is
// false where it is no CSV.
func records(text string) (starts []int, ok bool) {
	const (
		start = iota // of a cell
		cell
		quoted
		closed
		returned
	)
	starts = []int{0}
	at := start
	for i := range len(text) {
		b := text[i]
		switch {
		case at == quoted:
			if b == '"' {
				at = closed
			}
		case b == '\n':
			at = start
			starts = append(starts, i+1)
		case at == returned, at == cell && b == '"':
			return nil, false
		case at == closed && b == '"', at == start && b == '"':
			at = quoted
		case b == ',':
			at = start
		case at == closed && b == '\r':
			at = returned
		case at == closed:
			return nil, false
		default:
			at = cell
		}
	}
	return append(starts, len(text)), at != quoted
}

// holdCut holds the cutter to its twin at one offset; it says whether the file
// could be cut there.
func holdCut(t *testing.T, text string, x int64, look, longest int) bool {
	t.Helper()
	c := &cutter{ctx: t.Context(), at: strings.NewReader(text), size: int64(len(text)), look: look, longest: longest}
	got, err := c.csv(x)
	starts, ok := records(text)
	if !ok {
		return false // no panic is enough
	}
	want := int64(-1)
	for i, start := range starts {
		if i > 0 && start-starts[i-1] > longest {
			return false // as of no CSV
		}
		if want < 0 && int64(start) >= x {
			want = int64(start)
		}
	}
	want = max(want, min(x, 0)) // an offset beyond the end is the end
	if x > int64(len(text)) {
		want = int64(len(text))
	}
	if err != nil {
		if !errors.Is(err, errUncut) {
			t.Fatalf("%q at %d, looking at %d, records of %d: %v", text, x, look, longest, err)
		}
		return false
	}
	if got != want {
		t.Fatalf("%q at %d, looking at %d, records of %d: got %d, want %d", text, x, look, longest, got, want)
	}
	return true
}

// TestCutsAreCertain: no offset of any file is a border where no record
// begins, however little is looked at.
func TestCutsAreCertain(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	done, all := 0, 0
	for range 800 {
		var b strings.Builder
		for range rng.IntN(12) {
			if rng.IntN(2) == 0 {
				b.WriteString(quotedCell(rng))
			} else {
				b.WriteString([]string{"1", "22", "", "x\r"}[rng.IntN(4)])
			}
			b.WriteString([]string{",", "\n", "\r\n"}[rng.IntN(3)])
		}
		text := b.String()
		for x := range len(text) {
			all++
			if holdCut(t, text, int64(x), 1+rng.IntN(8), 5+rng.IntN(30)) {
				done++
			}
		}
	}
	t.Logf("%d of %d offsets could be cut", done, all)
	if done < all/20 {
		t.Errorf("only %d of %d offsets could be cut", done, all)
	}
}

// TestWhatCanBeCut: without quotes, and with those of ordinary files, every
// offset can be cut, however long the file is.
func TestWhatCanBeCut(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("1,2,3\n", 30),
		strings.Repeat("1,\"x\",3\n", 30),
		strings.Repeat("\"1\",\"a, b\",\"3\"\r\n", 20),
		strings.Repeat("1,\"x\ny\",3\n", 30),
		strings.Repeat("1,\"she said \"\"no\"\"\",3\n", 20),
	} {
		for x := range len(text) + 3 {
			if !holdCut(t, text, int64(x), 8, 40) {
				t.Errorf("%q cannot be cut at %d", text, x)
			}
		}
	}
}

// TestWhatCannotBeCut: records begin in one place or in another, and both ways
// all the text is CSV. Nothing is guessed.
func TestWhatCannotBeCut(t *testing.T) {
	m := forest(t)
	// Read from within quotes, the notes are what is outside.
	text := "a,note,note2\n" + strings.Repeat("\",\n,\",\",\n,\"\n", 30)
	for _, x := range []int64{200, 211, 223} {
		if holdCut(t, text, x, 8, 40) {
			t.Errorf("was cut at %d", x)
		}
		got, err := scoreRange(t, m, bytesOf("a.csv", text), x, 0, func(o *Options) { o.look, o.longest = 8, 40 })
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Malformed || !strings.Contains(e.Message, "score it whole") || got != "" {
			t.Errorf("got %q and %v, want no rows, and that it cannot be cut", got, err)
		}
	}
	// The range before needs no guess.
	want, err := scoreRange(t, m, bytesOf("a.csv", text), 0, 0, nil)
	got, err2 := scoreRange(t, m, bytesOf("a.csv", text), 0, int64(len(text)-1), func(o *Options) { o.look, o.longest = 8, 40 })
	if err = errors.Join(err, err2); err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

// TestBrokenQuotes: what is no CSV is said to be none.
func TestBrokenQuotes(t *testing.T) {
	text := header + strings.Repeat("1,x\"y,3\n", 20)
	_, err := scoreRange(t, forest(t), bytesOf("a.csv", text), 60, 0, nil)
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Malformed {
		t.Errorf("got %v, want that it is malformed", err)
	}
}

func TestCutsOfLines(t *testing.T) {
	text := "{}\n\n{}\r\n  {}\n{"
	for x := range int64(len(text) + 2) {
		want := int64(len(text))
		if n := strings.IndexByte(text[min(int64(len(text)), max(0, x-1)):], '\n'); x > 0 && n >= 0 {
			want = x + int64(n)
		} else if x == 0 {
			want = 0
		}
		for look := range 4 {
			c := &cutter{ctx: t.Context(), at: strings.NewReader(text), size: int64(len(text)), look: look + 1}
			if got, err := c.lines(x); err != nil || got != want {
				t.Errorf("at %d, looking at %d: got %d (%v), want %d", x, look, got, err, want)
			}
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, file := range rangeFiles {
		f.Add(file.text, uint16(len(file.text)/2), byte(3), byte(40))
	}
	rng := rand.New(rand.NewPCG(11, 12))
	f.Add(quotedRows(rng, 5), uint16(50), byte(1), byte(9))
	f.Fuzz(func(t *testing.T, text string, x uint16, look, longest byte) {
		holdCut(t, text, int64(x), int(look)+1, int(longest)+1)
	})
}

// FuzzRange holds two ranges of any text against the whole.
func FuzzRange(f *testing.F) {
	for _, file := range rangeFiles {
		f.Add(file.text, uint16(len(file.text)/2), strings.HasSuffix(file.name, "csv"))
	}
	m := forest(f)
	f.Fuzz(func(t *testing.T, text string, x uint16, csv bool) {
		if len(text) == 0 || int(x) > len(text) || x == 0 {
			return
		}
		file := bytesOf("a.jsonl", text)
		if csv {
			file.Name = "a.csv"
		}
		whole, err := scoreRange(t, m, file, 0, 0, nil)
		before, err1 := scoreRange(t, m, file, 0, int64(x), nil)
		behind, err2 := scoreRange(t, m, file, int64(x), 0, nil)
		if got := errors.Join(err1, err2); (err == nil) != (got == nil) {
			t.Fatalf("%q at %d: got %v, want %v", text, x, got, err)
		}
		if err == nil && before+behind != whole {
			t.Fatalf("%q at %d: got\n%s---\n%swant\n%s", text, x, before, behind, whole)
		}
	})
}

// BenchmarkCut is the dearest case: without quotes, as much is looked at as the
// longest record may have.
func BenchmarkCut(b *testing.B) {
	for _, line := range []string{"1,2,3\n", "1,\"x\",3\n"} {
		b.Run(fmt.Sprintf("%q", line), func(b *testing.B) {
			text := strings.Repeat(line, (40<<20)/len(line))
			c := &cutter{ctx: b.Context(), at: strings.NewReader(text), size: int64(len(text)), look: firstLook, longest: 16 << 20}
			for b.Loop() {
				if _, err := c.csv(30 << 20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

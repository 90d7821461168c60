package ingest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/frame"
)

// TestShares: a window is read to the same block by any number of cores.
func TestShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	h := New(options(t, new(memory), nil))
	for n := range 40 {
		var records []Record
		bytes := 0
		for i := range 1 + rng.IntN(12) {
			c := cases[rng.IntN(len(cases))]
			r := record(fmt.Sprint(i), c.body)
			r.ContentType = c.contentType
			switch rng.IntN(6) {
			case 0:
				r.Unreadable = true
			case 1:
				r.Object = &Object{Scheme: "s3", Bucket: "b", Key: fmt.Sprint(i)}
			case 2:
				r.Body = []byte("[" + strings.Repeat(`{"x":1},`, rng.IntN(300)) + `{"x":-1}]`)
			case 3:
				r.IgnoreExtra = true
			}
			records = append(records, r)
			bytes += len(r.Body)
		}
		var want string
		for _, workers := range []int{1, 2, 3, 16} {
			b := newBlock(&event{h: h, model: stump(t), records: records}, 0)
			b.req.Frame.Reset(2)
			b.readWindow(0, len(records), workers, bytes)
			got := describe(b)
			if workers == 1 {
				want = got
			}
			if got != want {
				t.Fatalf("case %d, %d workers: got %s\nwant %s", n, workers, got, want)
			}
			b.release()
		}
	}
}

// describe says all of a block that a reader sets.
func describe(b *block) string {
	f := frame.Frame{Cols: b.req.Frame.Cols, Rows: b.req.Frame.Rows, Values: b.req.Frame.Values, Bad: b.req.Frame.Bad, Faults: b.req.Frame.Faults}
	out := fmt.Sprintf("%v %q\n%v %v %v", f.Rows, b.ids, f.Values, f.Bad, f.Faults)
	for _, it := range b.items {
		object := ""
		if it.object != nil {
			object = it.object.Key
		}
		out += fmt.Sprintf("\n%d: %d+%d, ids at %d, batch %v, %v, object %q", it.record, it.row, it.rows, it.firstID, it.batch, it.fault, object)
	}
	return out
}

// TestWindows: records are read until the block is full, a window after the
// other, and none is left out.
func TestWindows(t *testing.T) {
	body := "[" + strings.Repeat(`{"x":1},`, 50_000) + `{"x":1}]`
	var records []Record
	for i := range 16 {
		records = append(records, record(fmt.Sprint(i), body))
	}
	e := &event{h: New(options(t, new(memory), nil)), model: stump(t), records: records}
	var seen []int
	blocks := 0
	for next := 0; next < len(records); blocks++ {
		b := newBlock(e, next)
		b.req.Frame.Reset(2)
		next = b.read(len(records))
		for _, it := range b.items {
			seen = append(seen, it.record)
		}
		if most := blockValues + 3*2*50_001; len(b.req.Frame.Values) > most {
			t.Errorf("a block has %d values, at most %d are wanted", len(b.req.Frame.Values), most)
		}
		b.release()
	}
	want := make([]int, len(records))
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(seen, want) || blocks < 2 {
		t.Errorf("%d blocks with records %v", blocks, seen)
	}
}

// TestShareFails: a panic on another core is one of the block's.
func TestShareFails(t *testing.T) {
	b := newBlock(&event{h: New(options(t, new(memory), nil)), model: stump(t), records: []Record{record("a", `{"x":1}`)}}, 0)
	s := newShare(b)
	s.one = nil
	s.contained(0, 1)
	defer func() {
		p := recover()
		if text, _ := p.(string); !strings.Contains(text, "read.go") {
			t.Errorf("got %v, want the panic and where it was", p)
		}
	}()
	b.add(s)
}

// TestImage: an item of a table is a row, whatever its attributes are called.
func TestImage(t *testing.T) {
	sink := new(memory)
	r := record("a", `{"rows":[1],"columns":{},"ids":[],"object":"s3://b/k","x":7}`)
	r.IgnoreExtra = true
	if got := New(options(t, sink, nil)).Handle(t.Context(), []Record{r}); got[0] != Done || !strings.HasPrefix(sink.bodies()["a"], `{"prediction":2,`) {
		t.Errorf("got %v, %s", got, sink.bodies())
	}
}

package xgboost

import (
	"bufio"
	"bytes"
	"io"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"example.com/copse/pkg/ir"
)

// size of a model's trees in memory.
func modelSize(m *ir.Model) (n uint64) {
	for i := range m.Trees {
		t := &m.Trees[i]
		n += uint64(unsafe.Sizeof(*t)) + uint64(len(t.Nodes))*uint64(unsafe.Sizeof(ir.Node{})) + uint64(len(t.Values))*8
	}
	return n
}

// TestMemory: all that is ever allocated while a model of many trees is read
// is less than twice the model, and so is the peak; a single large tree stays
// within twice its size at the peak.
func TestMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1)) // the peak is what lives
	for _, tt := range []struct {
		name         string
		trees, depth int
		all          bool // count all that is allocated, not what lives
	}{
		{"200 trees", 200, 8, true},
		{"one tree", 1, 17, false},
	} {
		m := makeModel(tt.trees, tt.depth, 50)
		space := bytes.Repeat([]byte(" "), 4*window) // so that the end is read after the trees
		for form, data := range map[string][]byte{"JSON": append(asJSON(m), space...), "UBJSON": asUBJSON(m)} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.GC() // what the last round left
			runtime.ReadMemStats(&before)
			r := &watched{data: data, live: before.HeapAlloc}
			got, _, err := Read(bufio.NewReaderSize(r, 64<<10))
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			size, used := modelSize(got), r.peak
			if tt.all {
				used = after.TotalAlloc - before.TotalAlloc
			}
			t.Logf("%s, %s: a model of %d bytes took %d", tt.name, form, size, used)
			if used > 2*size {
				t.Errorf("%s, %s: a model of %d bytes took %d", tt.name, form, size, used)
			}
			runtime.KeepAlive(data)
		}
		runtime.KeepAlive(m)
	}
}

// watched is a file that looks at the heap each time it is read.
type watched struct {
	data  []byte
	reads int
	live  uint64 // before
	peak  uint64 // above it
}

func (w *watched) Read(p []byte) (int, error) {
	if w.reads++; w.reads%16 == 0 || len(w.data) == 0 {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		w.peak = max(w.peak, now.HeapAlloc-min(w.live, now.HeapAlloc))
	}
	if len(w.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w.data)
	w.data = w.data[n:]
	return n, nil
}

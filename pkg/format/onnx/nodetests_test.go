package onnx

import (
	"archive/zip"
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

var update = flag.Bool("update", false, "write what became of ONNX's node tests anew")

const nodeTests = "../../../testdata/onnx-node-tests/"

// TestNodes runs the backend tests of ONNX itself: see the README beside them.
// What becomes of each is in outcomes.txt, so that none is passed over in
// silence: "ok", or why the graph is refused.
func TestNodes(t *testing.T) {
	files, names := nodeFiles(t)
	var got strings.Builder
	ok := 0
	for _, name := range names {
		outcome := runNode(t, name, files)
		if outcome == "ok" {
			ok++
		}
		fmt.Fprintf(&got, "%s: %s\n", name, outcome)
	}
	if *update {
		if err := os.WriteFile(nodeTests+"outcomes.txt", []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(nodeTests + "outcomes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("outcomes.txt differs (go test -run TestNodes -update writes it):\n%s", firstDifference(got.String(), string(want)))
	}
	t.Logf("%d of %d tests, the others are refused", ok, len(names))
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d: got  %s\n want %s", i+1, a[i], b[min(i, len(b)-1)])
		}
	}
	return "the list is longer than before"
}

func nodeFiles(t *testing.T) (files map[string][]byte, names []string) {
	archive, err := zip.OpenReader(nodeTests + "tests.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files = map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if name := path.Dir(f.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return files, names
}

// nodeTensor is a tensor of a test: its numbers or its texts, row by row.
type nodeTensor struct {
	elem  elem
	rows  int
	data  []float64
	texts []string
}

func readTensor(t *testing.T, data []byte) nodeTensor {
	t.Helper()
	var p tensorProto
	if err := p.read(field{bytes: data}, ""); err != nil {
		t.Fatal(err)
	}
	l := newLowering(&modelProto{}, 1<<20)
	v := l.tensor(&p)
	n := nodeTensor{elem: v.elem, rows: v.dims[0], data: l.constants[v.reg]}
	if v.elem == elemString {
		for _, c := range n.data {
			n.texts = append(n.texts, l.texts[int(c)])
		}
	}
	return n
}

func (n *nodeTensor) width() int { return len(n.data) / n.rows }

// runNode runs one test: "ok", or why its graph is refused.
func runNode(t *testing.T, name string, files map[string][]byte) string {
	m, doc, err := Read(bufio.NewReader(bytes.NewReader(files[name+"/model.onnx"])))
	if err != nil {
		return err.Error()
	}
	list := func(kind string) (out []nodeTensor) {
		for i := 0; files[fmt.Sprintf("%s/%s_%d.pb", name, kind, i)] != nil; i++ {
			out = append(out, readTensor(t, files[fmt.Sprintf("%s/%s_%d.pb", name, kind, i)]))
		}
		return out
	}
	ins, outs := list("input"), list("output")
	for r := range ins[0].rows {
		var row []float64
		for i := range ins {
			for k := range ins[i].width() {
				row = append(row, ins[i].cell(r, k, doc.Features[len(row)]))
			}
		}
		margin, values := make([]float64, m.Outputs), make([]float64, m.Width())
		m.Eval(row, margin, values)
		if wrong := compareRow(m, values, outs, r); wrong != "" {
			t.Errorf("%s: row %d: %s", name, r, wrong)
		}
	}
	return "ok"
}

// cell is a value as a row has it.
func (n *nodeTensor) cell(r, k int, f schema.Feature) float64 {
	at := r*n.width() + k
	if n.elem != elemString {
		return n.data[at]
	}
	if i := slices.Index(f.Categories, n.texts[at]); i >= 0 {
		return float64(i)
	}
	return math.NaN()
}

// compareRow holds an answer to the expected tensors.
func compareRow(m *ir.Model, values []float64, outs []nodeTensor, r int) string {
	class := m.Width() > m.Outputs
	only := len(outs) == 1
	for i := range outs {
		o := &outs[i]
		if class && o.width() == 1 && !o.elem.float() && o.elem != elemBool {
			class = false
			want := fmt.Sprint(int64(o.data[r]))
			if o.elem == elemString {
				want = o.texts[r]
			}
			if got := m.Labels[int(values[m.Outputs])]; got != want {
				return fmt.Sprintf("got the label %q, want %q", got, want)
			}
			if !only || o.elem == elemString {
				continue
			}
		}
		for k := range o.width() {
			got, want := values[0], o.data[r*o.width()+k]
			values = values[1:]
			if got != want && !(got != got && want != want) && !(math.Abs(got-want) <= 1e-7+2e-6*math.Abs(want)) {
				return fmt.Sprintf("output %d, value %d: got %v, want %v", i, k, got, want)
			}
		}
	}
	return ""
}

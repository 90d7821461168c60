package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"example.com/copse/bench/internal/figures"
)

// copse is the name of our side in what measure.py prints.
const copse = "Copse"

// line is one of measure.py's: a case (Title), how far a call's answers are
// from those of the library Of, or a time.
type line struct {
	Case     string
	Title    string
	Trees    int // 0: times are a row's, else a row and tree's
	Peer     string
	Call     string
	Of       string
	Distance float64
	Batch    int
	Round    int
	NS       float64
}

// model is a case's results.
type model struct {
	name, title string
	trees       int
	of          string // the library whose answers are the right ones
	peers       []string
	distance    map[string]float64 // a peer's answers from the right ones, at most
	times       map[turn][]float64 // ns a row, of each round that of the fastest call
}

// turn is a side at a batch size.
type turn struct {
	peer  string
	batch int
}

// parse reads what measure.py prints.
func parse(out []byte) ([]*model, error) {
	var models []*model
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var l line
		err := decoder.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if l.Title != "" {
			models = append(models, &model{name: l.Case, title: l.Title, trees: l.Trees,
				distance: make(map[string]float64), times: make(map[turn][]float64)})
			continue
		}
		if len(models) == 0 || models[len(models)-1].name != l.Case {
			return nil, fmt.Errorf("a line of the case %q does not stand below its title", l.Case)
		}
		if err := models[len(models)-1].add(l); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Case, err)
		}
	}
	if len(models) == 0 {
		return nil, errors.New("nothing was measured")
	}
	return models, nil
}

func (m *model) add(l line) error {
	if !slices.Contains(m.peers, l.Peer) {
		m.peers = append(m.peers, l.Peer)
	}
	if l.Batch == 0 {
		m.of = l.Of
		m.distance[l.Peer] = max(m.distance[l.Peer], l.Distance)
		return nil
	}
	key := turn{l.Peer, l.Batch}
	switch rounds := m.times[key]; {
	case l.NS <= 0:
		return fmt.Errorf("%s took %g ns", l.Peer, l.NS)
	case l.Round == len(rounds):
		m.times[key] = append(rounds, l.NS)
	case l.Round == len(rounds)-1: // another call of the same library
		rounds[l.Round] = min(rounds[l.Round], l.NS)
	default:
		return fmt.Errorf("%s: round %d comes after %d rounds", l.Peer, l.Round, len(rounds))
	}
	return nil
}

// batches are the batch sizes in rising order.
func (m *model) batches() []int {
	sizes := make(map[int]bool)
	for t := range m.times {
		sizes[t.batch] = true
	}
	return slices.Sorted(maps.Keys(sizes))
}

// unit is what times are of.
func (m *model) unit() string {
	if m.trees > 0 {
		return "ns a row and tree"
	}
	return "ns a row"
}

// least is a side's least time in the model's unit, infinite where it was not
// measured.
func (m *model) least(peer string, batch int) float64 {
	rounds := m.times[turn{peer, batch}]
	if len(rounds) == 0 {
		return math.Inf(1)
	}
	return slices.Min(rounds) / float64(max(m.trees, 1))
}

// others are the other libraries, the fastest at the largest batch first.
func (m *model) others() []string {
	sizes := m.batches()
	largest := sizes[len(sizes)-1]
	others := slices.DeleteFunc(slices.Clone(m.peers), func(p string) bool { return p == copse })
	slices.SortStableFunc(others, func(a, b string) int {
		return compareTimes(m.least(a, largest), m.least(b, largest))
	})
	return others
}

func compareTimes(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fastest is the least time of another library.
func (m *model) fastest(batch int) float64 {
	least := math.Inf(1)
	for _, peer := range m.others() {
		least = min(least, m.least(peer, batch))
	}
	return least
}

const head = `Least of all repetitions of all rounds; in brackets, how many times Copse's time that is. **Bold** is the fastest of the other libraries.
Before anything is timed, every side's answers to all rows are held to those of the library that the model is from; the last column says how far they are from them at most, against 1 or the value, whichever is more.

%s
`

// write writes the tables in Markdown.
func write(w io.Writer, models []*model) error {
	if _, err := fmt.Fprintf(w, head, figures.Machine()); err != nil {
		return err
	}
	for _, m := range models {
		if _, err := io.WriteString(w, m.table()); err != nil {
			return err
		}
	}
	if rows := targets(models); len(rows) > 0 {
		return figures.Write(w, "What must be reached (least; ratio: median of the rounds)", rows)
	}
	return nil
}

// table is one model's.
func (m *model) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s (%s)\n\n|", m.name, m.title, m.unit())
	sizes := m.batches()
	for i, size := range sizes {
		fmt.Fprintf(&b, " | %s", thousands(size))
		if i == 0 {
			b.WriteString(map[bool]string{true: " row", false: " rows"}[size == 1])
		}
	}
	b.WriteString(" | answers |\n|---|" + strings.Repeat("--:|", len(sizes)+1) + "\n")
	for _, peer := range append([]string{copse}, m.others()...) {
		fmt.Fprintf(&b, "| %s |", peer)
		for _, size := range sizes {
			fmt.Fprintf(&b, " %s |", m.cell(peer, size))
		}
		fmt.Fprintf(&b, " %s |\n", m.answers(peer))
	}
	return b.String() + "\n"
}

func (m *model) cell(peer string, batch int) string {
	ns := m.least(peer, batch)
	switch {
	case math.IsInf(ns, 1):
		return ""
	case peer == copse:
		return digits(ns)
	case ns == m.fastest(batch):
		return fmt.Sprintf("**%s (%s ×)**", digits(ns), digits(ns/m.least(copse, batch)))
	}
	return fmt.Sprintf("%s (%s ×)", digits(ns), digits(ns/m.least(copse, batch)))
}

func (m *model) answers(peer string) string {
	switch d, measured := m.distance[peer]; {
	case peer == m.of || measured && d == 0:
		return "0"
	case !measured:
		return ""
	default:
		return fmt.Sprintf("%.0e", d)
	}
}

// digits writes a number with three significant digits, or all of those before
// the point.
func digits(x float64) string {
	switch {
	case x >= 99.95:
		return thousands(int(math.Round(x)))
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// target is a ratio to another library's time that must not be exceeded.
type target struct {
	model, peer string
	batch       int
	what        string
	limit       float64
}

var limits = []target{
	{"G", "ONNX Runtime", 1000, "scaler, one-hot and forest of 100 trees, 1,000 rows, against ONNX Runtime", 1},
	{"H", "ONNX Runtime", 1000, "multi-layer perceptron 64-64, 1,000 rows, against ONNX Runtime", 1.5},
	{"I", "ONNX Runtime", 1000, "support vector classifier of 500 vectors, 1,000 rows, against ONNX Runtime", 1.5},
}

// targets are the limits whose models were measured.
func targets(models []*model) []figures.Figure {
	var rows []figures.Figure
	for _, t := range limits {
		for _, m := range models {
			for _, peer := range m.peers {
				ours, theirs := m.times[turn{copse, t.batch}], m.times[turn{peer, t.batch}]
				if m.name != t.model || !strings.HasPrefix(peer, t.peer) || len(ours) == 0 || len(ours) != len(theirs) {
					continue
				}
				f := figures.Figure{What: t.what, Value: digits(slices.Min(ours)) + " ns a row", Control: digits(slices.Min(theirs)) + " ns a row"}
				rows = append(rows, figures.AtMost(f, figures.MedianRatio(ours, theirs), t.limit))
			}
		}
	}
	return rows
}

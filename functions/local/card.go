package local

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"example.com/copse/pkg/schema"
)

// How wide a card is: as the terminal, within bounds; without one, so many
// columns.
const (
	plainWidth = 100
	leastWidth = 40
	mostWidth  = 120
	// cardFeatures is the most features that a card lists.
	cardFeatures = 60
)

// canvas is what is drawn on.
type canvas struct {
	width  int
	colour bool
}

// canvasOf looks at where the card goes.
func canvasOf(out io.Writer) canvas {
	c := canvas{width: plainWidth}
	if f, ok := out.(*os.File); ok && isTerminal(out) {
		c.colour = os.Getenv("NO_COLOR") == ""
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			c.width = w
		}
	}
	if w, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && w > 0 {
		c.width = w
	}
	c.width = max(leastWidth, min(c.width, mostWidth))
	return c
}

// paint colours a text where there are colours.
func (c canvas) paint(s string, colours ...text.Color) string {
	if !c.colour {
		return s
	}
	return text.Colors(colours).Sprint(s)
}

// table begins one with rounded corners, of the card's width, whose columns
// take so many shares of the room; 0 is what the column needs.
func (c canvas) table(shares ...int) table.Writer {
	w := table.NewWriter()
	style := table.StyleRounded
	style.Format.Header = text.FormatDefault
	style.Size.WidthMin = c.width
	w.SetStyle(style)
	var configs []table.ColumnConfig
	for i, share := range shares {
		if share > 0 {
			configs = append(configs, table.ColumnConfig{Number: i + 1, WidthMax: share, WidthMaxEnforcer: text.WrapSoft})
		}
	}
	w.SetColumnConfigs(configs)
	return w
}

// draw writes the card: two tables, one of the model and one of its features.
func (d *description) draw(out io.Writer) error {
	c := canvasOf(out)
	const keys = 10
	w := c.table(keys, c.width-keys-7)
	w.SetTitle(c.paint(clean(d.Name), text.Bold))
	for _, line := range d.lines(c) {
		if line[1] != "" {
			w.AppendRow(table.Row{c.paint(line[0], text.Faint), line[1]})
		}
	}
	if _, err := fmt.Fprintln(out, w.Render()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, d.features(c))
	return err
}

// lines are names and what is to be said.
func (d *description) lines(c canvas) [][2]string {
	return [][2]string{
		{"library", clean(strings.TrimSpace(d.Library + " " + d.Version))},
		{"objective", clean(d.Objective)},
		{"predict", d.Returns},
		{"outputs", d.outputs()},
		{"trees", d.trees(c)},
		{"steps", steps(d.Steps)},
		{"iterations", d.iterations(c)},
		{"kernel", d.kernel()},
		{"file", d.file()},
		{"self-test", d.selfTest()},
		{"digest", d.Digest},
		{"made from", clean(strings.TrimSpace(d.Source + " " + d.SourceSHA256))},
	}
}

func (d *description) outputs() string {
	const most = 10
	labels := make([]string, 0, most)
	for _, label := range d.Labels[:min(len(d.Labels), most)] {
		labels = append(labels, clean(label))
	}
	s := strconv.Itoa(d.Outputs)
	switch {
	case len(labels) == 2 && d.Outputs == 1:
		s += fmt.Sprintf(": the probability of %s against %s", labels[1], labels[0])
	case len(labels) > 0:
		s += ": " + strings.Join(labels, ", ")
	}
	if n := len(d.Labels) - most; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	var lacks []string
	if !d.Margins {
		lacks = append(lacks, "raw scores")
	}
	if !d.HasLeaf {
		lacks = append(lacks, "leaves")
	}
	if len(lacks) > 0 {
		s += " (without " + strings.Join(lacks, " and ") + ")"
	}
	return s
}

// trees are counted and drawn: how many of them are how deep, and how large.
func (d *description) trees(c canvas) string {
	if d.Trees == 0 {
		return ""
	}
	s := fmt.Sprintf("%s, at most %d deep, %s leaves", grouped(d.Trees), d.Depth, grouped(d.Leaves))
	if d.Trees > 1 {
		s += "\ndepth  " + d.Depths.bars(c) + "\nleaves " + d.Sizes.bars(c)
	}
	return s
}

// bars draws a histogram, the highest bin in full.
func (h *histogram) bars(c canvas) string {
	const levels = "▁▂▃▄▅▆▇█"
	most := 0
	for _, n := range h.Trees {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range h.Trees {
		if n == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(string([]rune(levels)[(n*8-1)/most]))
	}
	return fmt.Sprintf("%d %s %d", h.Least, c.paint(b.String(), text.FgCyan), h.Most)
}

// steps counts a program's steps by kind, in the order of their first.
func steps(kinds []string) string {
	counts := make(map[string]int)
	var names []string
	for _, k := range kinds {
		if counts[k]++; counts[k] == 1 {
			names = append(names, k)
		}
	}
	for i, name := range names {
		if n := counts[name]; n > 1 {
			names[i] = fmt.Sprintf("%s × %d", name, n)
		}
	}
	return strings.Join(names, ", ")
}

func (d *description) iterations(c canvas) string {
	if d.BestIteration == nil {
		return ""
	}
	if *d.BestIteration+1 == d.Iterations {
		return fmt.Sprintf("%d, the last of which training found the best", d.Iterations)
	}
	return fmt.Sprintf("%d; training found the best at %d: to use no more, %s", d.Iterations, *d.BestIteration,
		c.paint(fmt.Sprintf("--iterations 0:%d", *d.BestIteration+1), text.Bold))
}

func (d *description) kernel() string {
	if d.Kernel.One == d.Kernel.Many {
		return d.Kernel.One
	}
	return d.Kernel.One + " for one row, " + d.Kernel.Many + " for many"
}

func (d *description) file() string {
	kind := "model file"
	if d.Bundle {
		kind = "compiled bundle"
	}
	return fmt.Sprintf("%s, %s bytes", kind, grouped(int(d.Size)))
}

func (d *description) selfTest() string {
	if !d.Bundle {
		return "none: compile the file to carry rows with their answers"
	}
	return fmt.Sprintf("%d rows with their answers", d.SelfTest)
}

// features is their table. Columns in which nothing would stand are left out,
// and the last one where the card is narrow.
func (d *description) features(c canvas) string {
	const narrow = 72
	shown := d.Features[:min(len(d.Features), cardFeatures)]
	hasRange := slices.ContainsFunc(shown, func(f schema.Feature) bool { return ranges(&f) != "" })
	hasAbout := c.width >= narrow && slices.ContainsFunc(shown, func(f schema.Feature) bool { return about(&f) != "" })
	const types, missings = 8, 9
	columns := 3
	for _, has := range []bool{hasRange, hasAbout} {
		if has {
			columns++
		}
	}
	room := c.width - (3*columns + 1) - types - missings
	name := room * [...]int{10, 4, 3}[columns-3] / 10
	span := name
	if !hasAbout {
		span = room - name
	}
	keep := func(row table.Row) table.Row {
		if !hasAbout {
			row = row[:4]
		}
		if !hasRange {
			row = slices.Delete(row, 2, 3)
		}
		return row
	}
	shares := []int{name, types, span, missings, max(1, room-2*name)}
	if !hasRange {
		shares = []int{name, types, missings, max(1, room-name)}
	}
	w := c.table(shares...)
	head := table.Row{"feature", "type", "range", "missing", "about"}
	w.AppendHeader(keep(head))
	for i := range shown {
		f := &shown[i]
		w.AppendRow(keep(table.Row{c.paint(clean(f.Name), text.FgCyan), string(f.Type), ranges(f), missing(f), about(f)}))
	}
	if n := len(d.Features) - cardFeatures; n > 0 {
		w.AppendRow(keep(table.Row{fmt.Sprintf("… %s more: see --json", grouped(n)), "", "", "", ""}))
	}
	w.SetTitle(fmt.Sprintf("%s features", grouped(len(d.Features))))
	return w.Render()
}

// ranges are a feature's rules and its unit, as people write them.
func ranges(f *schema.Feature) string {
	if f.Type == schema.Category {
		return fmt.Sprintf("%s categories", grouped(len(f.Categories)))
	}
	var parts []string
	for part := range strings.SplitSeq(f.Rules, ",") {
		name, value, _ := strings.Cut(part, "=")
		sign, ok := map[string]string{"gte": "≥", "min": "≥", "gt": ">", "lte": "≤", "max": "≤", "lt": "<", "eq": "="}[name]
		if ok {
			part = sign + " " + value
		}
		if part != "" {
			parts = append(parts, clean(part))
		}
	}
	return strings.TrimSpace(strings.Join(parts, ", ") + " " + clean(f.Unit))
}

func missing(f *schema.Feature) string {
	switch f.Missing {
	case schema.Allow:
		return "allowed"
	case schema.Fill:
		return clean(fmt.Sprint("is ", f.Default))
	}
	return "refused"
}

// about is what else is known: categories, or the description.
func about(f *schema.Feature) string {
	const most = 6
	if f.Type != schema.Category {
		return clean(f.Description)
	}
	texts := make([]string, 0, most)
	for _, t := range f.Categories[:min(len(f.Categories), most)] {
		texts = append(texts, clean(t))
	}
	s := strings.Join(texts, ", ")
	if len(f.Categories) > most {
		s += ", …"
	}
	return s
}

// clean keeps what a file says from drawing on the terminal by itself.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// grouped writes a number with commas.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

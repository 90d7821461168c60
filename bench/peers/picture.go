package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// The picture: a panel a model, rows of a call to the right, time upwards,
// both in steps of equal factors; a line a library.
const (
	panelWidth, panelHeight = 320, 225
	left, right, top, foot  = 52, 20, 34, 30 // around a panel's plot
	columns                 = 3
	legendHeight            = 44
)

// Colours of the libraries: ours thick and first, the others in a fixed order.
var styles = []struct{ peer, class, light, dark, dash string }{
	{copse, "copse", "#1a7f37", "#57ab5a", ""},
	{"XGBoost", "xgboost", "#0969da", "#6cb6ff", ""},
	{"LightGBM", "lightgbm", "#bc4c00", "#f69d50", ""},
	{"CatBoost", "catboost", "#9a6700", "#daaa3f", ""},
	{"ONNX Runtime", "onnx", "#8250df", "#b083f0", ""},
	{"Treelite", "treelite", "#6e7781", "#8b949e", ""},
	{"TL2cgen", "tl2cgen", "#6e7781", "#8b949e", "5 3"},
	{"lleaves", "lleaves", "#bf3989", "#e275ad", "5 3"},
	{"oneDAL", "onedal", "#0a8aa0", "#3dc0d6", "5 3"},
}

// family is a library's name without its version.
func family(peer string) string {
	if i := strings.LastIndexByte(peer, ' '); i >= 0 {
		return peer[:i]
	}
	return peer
}

// class is the class of a side's line; "" of one without a colour.
func class(peer string) string {
	for _, s := range styles {
		if s.peer == peer || s.peer == family(peer) {
			return s.class
		}
	}
	return ""
}

// draw makes the picture, SVG.
func draw(models []*model) []byte {
	var b bytes.Buffer
	rows := (len(models) + columns - 1) / columns
	width, height := columns*panelWidth, rows*panelHeight+legendHeight
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="11" role="img" aria-label="Time to score a row by library, model and rows of one call; the figures stand in bench/peers/README.md">`+"\n", width, height)
	b.WriteString(sheet())
	legend(&b, models)
	for i, m := range models {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, legendHeight+i/columns*panelHeight)
		panel(&b, m)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func sheet() string {
	var light, dark strings.Builder
	for _, s := range styles {
		fmt.Fprintf(&light, ".%s{stroke:%s;fill:%s}", s.class, s.light, s.light)
		fmt.Fprintf(&dark, ".%s{stroke:%s;fill:%s}", s.class, s.dark, s.dark)
		if s.dash != "" {
			fmt.Fprintf(&light, "path.%s{stroke-dasharray:%s}", s.class, s.dash)
		}
	}
	return "<style>\ntext{fill:#1f2328;stroke:none}.s{fill:#59636e}.g{stroke:#d1d9e0;stroke-width:1}path{fill:none!important;stroke-width:1.6}path.copse{stroke-width:3.2}" + light.String() +
		"\n@media (prefers-color-scheme: dark){text{fill:#e6edf3}.s{fill:#9198a1}.g{stroke:#30363d}" + dark.String() + "}\n</style>\n"
}

// legend names the lines that occur.
func legend(b *bytes.Buffer, models []*model) {
	occurs := make(map[string]bool)
	for _, m := range models {
		for _, peer := range m.peers {
			occurs[class(peer)] = true
		}
	}
	x := left
	for _, s := range styles {
		if !occurs[s.class] {
			continue
		}
		fmt.Fprintf(b, `<path class="%s" d="M%d 18h22"/><text x="%d" y="22">%s</text>`+"\n", s.class, x, x+27, s.peer)
		x += 42 + 6*len(s.peer)
	}
	fmt.Fprintf(b, `<text class="s" x="%d" y="38">nanoseconds (upwards) by rows of one call (to the right); lower is faster; one thread</text>`+"\n", left)
}

// scale puts a value between two others on a length, in equal factors.
func scale(x, from, to float64, length int) float64 {
	if from == to {
		return float64(length) / 2
	}
	return math.Log(x/from) / math.Log(to/from) * float64(length)
}

// panel draws one model's lines.
func panel(b *bytes.Buffer, m *model) {
	sizes := m.batches()
	lo, hi := m.decades()
	w, h := panelWidth-left-right, panelHeight-top-foot
	x := func(batch int) float64 {
		return left + scale(float64(batch), float64(sizes[0]), float64(sizes[len(sizes)-1]), w)
	}
	y := func(ns float64) float64 { return float64(top+h) - scale(ns, lo, hi, h) }
	name, rest, _ := strings.Cut(m.title, ", ")
	fmt.Fprintf(b, `<text x="%d" y="14" font-weight="600">%s: %s <tspan class="s" font-weight="400">%s</tspan></text><text class="s" x="%d" y="27" font-size="10">%s</text>`+"\n",
		left, m.name, name, m.unit(), left, cut(rest, 50))
	for ns := lo; ns <= hi*1.001; ns *= 10 {
		fmt.Fprintf(b, `<line class="g" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="s" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, left+w, y(ns), y(ns), left-5, y(ns)+4, tick(ns))
	}
	for _, size := range sizes {
		fmt.Fprintf(b, `<line class="g" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="s" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x(size), x(size), top, top+h, x(size), top+h+15, thousands(size))
	}
	// Ours last, above the others.
	for _, peer := range append(m.others(), copse) {
		var points []string
		for _, size := range sizes {
			if ns := m.least(peer, size); !math.IsInf(ns, 1) {
				points = append(points, fmt.Sprintf("%.1f %.1f", x(size), y(ns)))
			}
		}
		if len(points) == 0 {
			continue
		}
		fmt.Fprintf(b, `<path class="%s" d="M%s"/>`, class(peer), strings.Join(points, "L"))
		for _, p := range points {
			cx, cy, _ := strings.Cut(p, " ")
			fmt.Fprintf(b, `<circle class="%s" cx="%s" cy="%s" r="2"/>`, class(peer), cx, cy)
		}
		b.WriteString("\n")
	}
}

// decades are the powers of ten around all times.
func (m *model) decades() (lo, hi float64) {
	lo, hi = math.Inf(1), 0
	for _, peer := range m.peers {
		for _, size := range m.batches() {
			if ns := m.least(peer, size); !math.IsInf(ns, 1) {
				lo, hi = min(lo, ns), max(hi, ns)
			}
		}
	}
	return math.Pow(10, math.Floor(math.Log10(lo))), math.Pow(10, math.Ceil(math.Log10(hi)))
}

// tick writes a power of ten.
func tick(ns float64) string {
	if ns >= 1 {
		return thousands(int(math.Round(ns)))
	}
	return fmt.Sprintf("%.3g", ns)
}

// cut shortens a text to about so many characters.
func cut(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

package main

import (
	"bytes"
	"fmt"
	"strings"
)

// Sizes of the picture, in pixels.
const (
	cell   = 110
	margin = 130 // left of the cells, for the true labels
	header = 70  // above them, for the answers
)

// matrix draws a confusion matrix, true label × answer, as an SVG that reads
// on a light and on a dark page: it brings its own ground, and the shade of a
// cell is its share of the row.
func matrix(labels []string, counts [][]int) []byte {
	width, height := margin+cell*len(labels)+20, header+cell*len(labels)+20
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`+"\n",
		width, height, width, height)
	b.WriteString("<title id=\"t\">Confusion matrix</title>\n")
	fmt.Fprintf(&b, "<desc id=\"d\">%s</desc>\n", spoken(labels, counts))
	b.WriteString(`<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
.ground { fill: #ffffff } .cell { fill: #2f7d4f; stroke: #d0d7de } .miss { fill: #b3541e; stroke: #d0d7de }
.count { font-size: 22px; font-weight: 600 } .small { font-size: 12px } .strong { fill: #ffffff } .side { text-anchor: end }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ground { fill: #0d1117 } .cell { fill: #3fa06a; stroke: #30363d } .miss { fill: #d9773f; stroke: #30363d } .strong { fill: #04130a }
}
</style>
`)
	fmt.Fprintf(&b, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", width, height)
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"24\">answer</text>\n", margin+cell*len(labels)/2)
	fmt.Fprintf(&b, "<text class=\"side\" x=\"%d\" y=\"%d\">species</text>\n", margin-12, header-14)
	for i, label := range labels {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", margin+cell*i+cell/2, header-14, label)
		fmt.Fprintf(&b, "<text class=\"side\" x=\"%d\" y=\"%d\">%s</text>\n", margin-12, header+cell*i+cell/2+5, label)
		drawRow(&b, i, counts[i])
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func drawRow(b *bytes.Buffer, i int, counts []int) {
	total := 0
	for _, n := range counts {
		total += n
	}
	for j, n := range counts {
		share := 0.0
		if total > 0 {
			share = float64(n) / float64(total)
		}
		class, strong := "cell", ""
		if i != j {
			class = "miss"
		}
		if share > 0.5 {
			strong = " strong"
		}
		x, y := margin+cell*j, header+cell*i
		fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill-opacity=\"%.3f\"/>\n", class, x, y, cell, cell, share)
		fmt.Fprintf(b, "<text class=\"count%s\" x=\"%d\" y=\"%d\">%d</text>\n", strong, x+cell/2, y+cell/2+4, n)
		fmt.Fprintf(b, "<text class=\"small%s\" x=\"%d\" y=\"%d\">%.1f %%</text>\n", strong, x+cell/2, y+cell/2+26, 100*share)
	}
}

// spoken is the matrix for who cannot see it.
func spoken(labels []string, counts [][]int) string {
	var rows []string
	for i, label := range labels {
		var cells []string
		for j, n := range counts[i] {
			cells = append(cells, fmt.Sprintf("%d %s", n, labels[j]))
		}
		rows = append(rows, fmt.Sprintf("%s was answered as %s", label, strings.Join(cells, ", ")))
	}
	return strings.Join(rows, "; ") + "."
}

package wire

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ir"
)

// Shape is what a formatter needs to know of a model.
type Shape struct {
	Outputs int
	// Labels are the class labels: one per output, or two with a single output
	// that is the second's probability. Empty for a regressor.
	Labels []string
	// Classed says that an answer has one more number after the outputs: the
	// index of the label that the model itself predicts. Labels are then as many
	// as there are, whatever the outputs.
	Classed bool
	// Returns is what the library's own predict makes of the outputs.
	Returns ir.Returns
	// Single writes numbers as the shortest text of a float32.
	Single bool
	// Name and Digest identify the model in replies.
	Name, Digest string
}

// Kind is what of a model is told of a row.
type Kind uint8

const (
	Prediction Kind = iota // label or number, and probabilities
	Values                 // the library's own predict
	Margin                 // raw scores before the transform
	Leaf                   // leaf index of every tree
)

// String is the kind's name, which is its member in JSON and the beginning of
// its columns in CSV.
func (k Kind) String() string {
	return [...]string{"prediction", "values", "margin", "leaf"}[k]
}

// Formatter writes answers of one model. It is immutable; its fragments of
// text are made once.
type Formatter struct {
	outputs int
	labels  []string
	binary  bool // one output is the probability of the second of two labels
	classed bool
	returns ir.Returns
	single  bool
	heads   []string // of each label: `"prediction":"setosa"`, and `,"probabilities":{` if there are some
	keys    []string // of each label that has a probability: `"setosa":`, with a comma before all but the first
	cells   []string // of each label, as a cell of CSV
	model   string   // `,"model":{"name":…,"digest":…}`
}

// NewFormatter prepares the fragments. Labels that fit none of Shape's forms
// are not used.
func NewFormatter(s Shape) *Formatter {
	w := &Formatter{outputs: s.Outputs, single: s.Single, classed: s.Classed, returns: s.Returns}
	w.binary = s.Outputs == 1 && len(s.Labels) == 2
	if s.Classed || w.binary || s.Outputs == len(s.Labels) {
		w.labels = append(w.labels, s.Labels...)
	}
	rest := ""
	if w.Probable() {
		rest = `,"probabilities":{`
	}
	for i, label := range w.labels {
		text := string(AppendJSONString(nil, label))
		w.heads = append(w.heads, `"prediction":`+text+rest)
		comma := ","
		if i == 0 {
			comma = ""
		}
		if w.Probable() {
			w.keys = append(w.keys, comma+text+`:`)
		}
		w.cells = append(w.cells, csvCell(label))
	}
	model := append([]byte(`,"model":{"name":`), AppendJSONString(nil, s.Name)...)
	model = append(model, `,"digest":`...)
	w.model = string(append(AppendJSONString(model, s.Digest), '}'))
	return w
}

// Probable says whether each label has a probability.
func (w *Formatter) Probable() bool {
	return len(w.labels) > 0 && (w.binary || w.outputs == len(w.labels))
}

// Prediction is the index of the predicted label, and its label; for a
// regressor -1 and "". Where the model does not say it itself, it is of two
// classes with one output the second if its probability is above one half, and
// of several outputs the largest, the first of equals.
func (w *Formatter) Prediction(values []float64) (int, string) {
	if len(w.labels) == 0 {
		return -1, ""
	}
	best := 0
	switch {
	case w.classed:
		best = min(max(0, int(values[w.outputs])), len(w.labels)-1)
	case w.binary:
		if values[0] > 0.5 {
			best = 1
		}
	default:
		for i, x := range values[:w.outputs] {
			if x > values[best] || values[best] != values[best] && x == x {
				best = i
			}
		}
	}
	return best, w.labels[best]
}

// probability is that of label i.
func (w *Formatter) probability(values []float64, i int) float64 {
	switch {
	case !w.binary:
		return values[i]
	case i == 1:
		return values[0]
	case w.single:
		return float64(1 - float32(values[0]))
	}
	return 1 - values[0]
}

// AppendAnswer appends one answer as a JSON object.
func (w *Formatter) AppendAnswer(dst []byte, values []float64) []byte {
	dst = append(dst, '{')
	return append(w.appendMembers(dst, Prediction, values), '}')
}

// appendMembers appends the members of an answer, without the braces.
func (w *Formatter) appendMembers(dst []byte, k Kind, values []float64) []byte {
	if k != Prediction || len(w.labels) == 0 {
		dst = append(dst, '"')
		dst = append(dst, k.String()...)
		dst = append(dst, '"', ':')
		if k == Prediction && w.outputs == 1 {
			return w.appendNumber(dst, k, values[0])
		}
		var few [8]float64
		return w.appendList(dst, k, w.numbers(few[:0], k, values))
	}
	best, _ := w.Prediction(values)
	dst = append(dst, w.heads[best]...)
	if !w.Probable() {
		return dst
	}
	for i, key := range w.keys {
		dst = append(dst, key...)
		dst = w.appendNumber(dst, k, w.probability(values, i))
	}
	return append(dst, '}')
}

// numbers are the numbers of an answer of a kind, in dst where they must be
// made.
func (w *Formatter) numbers(dst []float64, k Kind, values []float64) []float64 {
	switch {
	case k == Values && w.returns != ir.ReturnsValues:
		return w.returns.Append(dst, values[:w.outputs])
	case k == Values || k == Prediction:
		return values[:w.outputs] // without the class
	}
	return values
}

func (w *Formatter) appendList(dst []byte, k Kind, values []float64) []byte {
	dst = append(dst, '[')
	for i, x := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = w.appendNumber(dst, k, x)
	}
	return append(dst, ']')
}

// appendNumber appends the shortest text that reads back to the same bits in
// the model's own precision; leaves are whole numbers. JSON has no text for
// what is not finite, which becomes null.
func (w *Formatter) appendNumber(dst []byte, k Kind, x float64) []byte {
	switch {
	case math.IsInf(x, 0) || math.IsNaN(x):
		return append(dst, "null"...)
	case k == Leaf:
		return strconv.AppendInt(dst, int64(x), 10)
	}
	if w.single {
		if out, ok := appendSingle(dst, float32(x)); ok {
			return out
		}
	}
	if out, ok := appendFew(dst, x, w.single); ok {
		return out
	}
	return appendShortest(dst, x, w.single)
}

// appendFew appends a number from 0 to 1 that four digits behind the point
// hold, as shares of votes and certain answers are: a multiplication and a
// division in the place of the search for the shortest text, its twin
// appendShortest. With so few digits no shorter text can read back to the same
// bits, of either precision.
func appendFew(dst []byte, x float64, single bool) ([]byte, bool) {
	const scale = 1e4
	if !(x >= 0 && x <= 1) {
		return dst, false
	}
	n := uint(x*scale + 0.5)
	back := float64(n) / scale
	if single {
		back = float64(float32(back))
	}
	if math.Float64bits(back) != math.Float64bits(x) {
		return dst, false
	}
	if n%scale == 0 {
		return append(dst, byte('0'+n/scale)), true
	}
	dst = append(dst, '0', '.', byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst, true
}

// appendShortest chooses between digits and an exponent as encoding/json does.
func appendShortest(dst []byte, x float64, single bool) []byte {
	form, bits := byte('f'), 64
	small, large := 1e-6, 1e21
	if single {
		bits, small, large = 32, float64(float32(1e-6)), float64(float32(1e21))
	}
	if abs := math.Abs(x); abs != 0 && (abs < small || abs >= large) {
		form = 'e'
	}
	dst = strconv.AppendFloat(dst, x, form, -1, bits)
	if n := len(dst); form == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 to e-9
		dst = dst[:n-1]
	}
	return dst
}

// appendLine appends the cells of an answer in CSV, without the last, which is
// the error's.
func (w *Formatter) appendLine(dst []byte, k Kind, values []float64) []byte {
	if k == Prediction && len(w.labels) > 0 {
		best, _ := w.Prediction(values)
		dst = append(dst, w.cells[best]...)
		dst = append(dst, ',')
		for i := range w.keys {
			dst = append(w.appendCell(dst, k, w.probability(values, i)), ',')
		}
		return dst
	}
	var few [8]float64
	for _, x := range w.numbers(few[:0], k, values) {
		dst = append(w.appendCell(dst, k, x), ',')
	}
	return dst
}

// appendCell is appendNumber for CSV, where nan and inf read back as such.
func (w *Formatter) appendCell(dst []byte, k Kind, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "nan"...)
	case math.IsInf(x, 1):
		return append(dst, "inf"...)
	case math.IsInf(x, -1):
		return append(dst, "-inf"...)
	}
	return w.appendNumber(dst, k, x)
}

// columns is the number of cells of appendLine for answers of so many numbers.
func (w *Formatter) columns(k Kind, width int) int {
	switch {
	case k == Prediction && len(w.labels) > 0:
		return 1 + len(w.keys)
	case k == Values || k == Prediction:
		return len(w.numbers(nil, k, make([]float64, width)))
	}
	return width
}

// AppendHeader appends the header line of CSV for answers of so many numbers.
func (w *Formatter) AppendHeader(dst []byte, k Kind, width int) []byte {
	switch {
	case k == Prediction && len(w.labels) > 0:
		dst = append(dst, "prediction,"...)
		for i := range w.keys {
			dst = append(dst, csvCell("probability_"+w.labels[i])...)
			dst = append(dst, ',')
		}
	case k == Prediction && w.outputs == 1:
		dst = append(dst, "prediction,"...)
	default:
		for i := range w.columns(k, width) {
			dst = append(dst, k.String()...)
			dst = append(dst, '_')
			dst = append(strconv.AppendInt(dst, int64(i), 10), ',')
		}
	}
	return append(dst, "error\n"...)
}

// csvCell quotes a text if CSV needs it.
func csvCell(text string) string {
	if text == "" || strings.ContainsAny(text, "\",\r\n") || text[0] == ' ' {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// AppendFaults appends the faults of one row, the first of which leads, as the
// object {"error":{…}}. A fault's row is not repeated, so that equal bad rows
// have equal answers.
func AppendFaults(dst []byte, faults []fault.Error) []byte {
	dst = append(dst, '{')
	return append(appendError(dst, faults), '}')
}

// appendError appends the member "error".
func appendError(dst []byte, faults []fault.Error) []byte {
	dst = append(dst, `"error":`...)
	dst = AppendFault(dst, &faults[0])
	if len(faults) == 1 {
		return dst
	}
	dst = append(dst[:len(dst)-1], `,"more":[`...)
	for i := range faults[1:] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendFault(dst, &faults[1+i])
	}
	return append(dst, ']', '}')
}

// AppendFault appends one fault as the object that errors are made of.
func AppendFault(dst []byte, e *fault.Error) []byte {
	dst = append(dst, `{"code":"`...)
	dst = append(dst, e.Code.String()...)
	dst = append(dst, '"')
	if e.Field != "" {
		dst = AppendJSONString(append(dst, `,"field":`...), e.Field)
	}
	if e.Rule != "" {
		dst = AppendJSONString(append(dst, `,"rule":`...), e.Rule)
	}
	dst = AppendJSONString(append(dst, `,"message":`...), e.Message)
	return append(dst, '}')
}

// appendErrorCell appends the faults of one row as a cell of CSV.
func appendErrorCell(dst []byte, faults []fault.Error) []byte {
	return append(dst, csvCell(ErrorText(faults))...)
}

// ErrorText is what a table's error column says of one row's faults.
func ErrorText(faults []fault.Error) string {
	var b strings.Builder
	for i := range faults {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(faults[i].Code.String())
		b.WriteString(": ")
		b.WriteString(faults[i].Message)
	}
	return b.String()
}

// AppendJSONString appends a text in quotes, escaped as RFC 8259 asks. Bytes
// that are not UTF-8 become U+FFFD.
func AppendJSONString(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return append(dst, '"')
}

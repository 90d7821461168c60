package wire

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

func (t *twin) lines(body []byte) []string {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		fail(fault.EmptyBody)
	}
	if bytes.HasPrefix(body, bom) {
		fail(fault.Malformed)
	}
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if len(bytes.Trim(line, " \t\r\n")) == 0 {
			continue
		}
		row, r := t.newRow()
		one := twin{s: t.s, o: t.o, f: &frame.Frame{}}
		_, err := one.run(func() []string {
			one.open(line)
			row := one.f.Append()
			blank(row)
			one.row(row, 0)
			one.close()
			return nil
		})
		if err != nil {
			t.keep(r, fault.NotAnObject, "", "json")
			continue
		}
		copy(row, one.f.Row(0))
		for _, e := range one.f.Faults {
			e.Row = r
			t.f.Fail(e)
		}
	}
	return nil
}

func (t *twin) csv(body []byte) []string {
	if len(body) == 0 {
		fail(fault.EmptyBody)
	}
	if !utf8.Valid(body) {
		fail(fault.Malformed)
	}
	body, returns := keepReturns(bytes.TrimPrefix(body, bom))
	in := csv.NewReader(bytes.NewReader(body))
	in.FieldsPerRecord = -1
	if t.o.NoHeader {
		for c := range t.s.NumFeatures() {
			t.names = append(t.names, c)
		}
	} else {
		header, err := in.Read()
		if err == io.EOF {
			fail(fault.EmptyBody)
		}
		// Names before a broken cell are judged before it.
		for _, name := range header {
			t.column(returns.Replace(name))
		}
		if err != nil {
			fail(fault.Malformed)
		}
	}
	for {
		cells, err := in.Read()
		if err == io.EOF {
			return nil
		}
		row, r := t.newRow()
		if err != nil {
			fail(fault.Malformed)
		}
		mark := len(t.f.Faults)
		for n, cell := range cells {
			if n < len(t.names) && t.names[n] >= 0 {
				row[t.names[n]] = t.cell(returns.Replace(cell), t.names[n], r)
			}
		}
		t.length(row, r, len(cells), mark)
	}
}

// keepReturns has another text in the place of carriage returns in quotes, which
// encoding/csv leaves out before line ends, and tells how they come back.
func keepReturns(body []byte) ([]byte, *strings.Replacer) {
	mark := "\ue000"
	for bytes.Contains(body, []byte(mark)) {
		mark += "\ue000"
	}
	var out []byte
	quoted := false
	for _, b := range body {
		switch {
		case b == '\r' && quoted:
			out = append(out, mark...)
			continue
		case b == '"':
			quoted = !quoted
		}
		out = append(out, b)
	}
	return out, strings.NewReplacer(mark, "\r")
}

var decimalRE = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

func (t *twin) cell(text string, c, r int) float64 {
	f := t.s.Feature(c)
	special := map[string]float64{"": math.NaN()}
	if f.Type != schema.Category {
		text = strings.Trim(text, " \t")
	}
	switch f.Type {
	case schema.Category:
		if text == "" {
			return math.NaN()
		}
		return t.code(text, c, r)
	case schema.Boolean:
		for _, s := range []string{"1", "true", "True", "TRUE"} {
			special[s] = 1
		}
		for _, s := range []string{"0", "false", "False", "FALSE"} {
			special[s] = 0
		}
	default:
		special["nan"], special["NaN"] = math.NaN(), math.NaN()
		special["inf"], special["Infinity"], special["-inf"] = math.Inf(1), math.Inf(1), math.Inf(-1)
		if decimalRE.MatchString(text) {
			return t.number(text, c, r)
		}
	}
	if x, ok := special[text]; ok {
		return x
	}
	t.keep(r, fault.WrongType, f.Name, string(f.Type))
	return math.NaN()
}

package bulk

import (
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// Header is the text that an output of NewOutput begins with: the names of
// CSV's columns, nothing in other forms. Who joins the outputs of the ranges of
// a file keeps the first one.
func Header(m *predict.Model, kind wire.Kind, form Form) []byte {
	if form != CSV {
		return nil
	}
	return m.Formatter().AppendHeader(nil, kind, width(m, kind))
}

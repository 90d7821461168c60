// Package wire is the only door through which text comes in and goes out:
// JSON, CSV and NDJSON rows into a frame, answers into JSON, CSV and NDJSON.
//
// A body that cannot be read is a *fault.Error of the whole request. A row
// that cannot be read is marked in the frame, alone. Whether values are
// missing, out of range or fractional is not judged here: an absent value is
// NaN in the frame, and package schema judges it.
//
// Question: a scanner of our own, or a JSON library? Choice: our own for rows,
// since for cheap models reading decides, not scoring; the tests hold it equal
// to a plain twin on go-json-experiment/json's jsontext and encoding/csv. What
// would change it: a library that reads numbers into columns as fast.
package wire

import (
	"mime"
	"strings"
)

// Media is a form in which rows come or answers go.
type Media uint8

const (
	JSON Media = iota
	CSV
	NDJSON
)

// String is the media type that the form is sent with.
func (m Media) String() string {
	switch m {
	case CSV:
		return "text/csv"
	case NDJSON:
		return "application/x-ndjson"
	}
	return "application/json"
}

// MediaType finds the form of a Content-Type. The table is closed: anything
// else, and any charset but UTF-8, is not ok.
func MediaType(contentType string) (m Media, ok bool) {
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, false
	}
	if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "utf8") {
		return 0, false
	}
	switch name {
	case "application/json":
		return JSON, true
	case "text/csv":
		return CSV, true
	case "application/x-ndjson", "application/ndjson", "application/jsonl":
		return NDJSON, true
	}
	return 0, false
}

// Limits bound what a decoder takes. Zero means no limit for Rows and Values,
// and DefaultDepth and DefaultText for the others.
type Limits struct {
	Rows   int // rows of a batch
	Values int // rows × features of a batch
	Depth  int // nesting of JSON that is skipped over, counted from the body's own brackets
	Text   int // bytes of one string that is a value
}

// Defaults of Limits: both far beyond what a row of a schema can need.
const (
	DefaultDepth = 64
	DefaultText  = 4096
)

// Options are what a decoder needs to know beside the schema.
type Options struct {
	Limits Limits
	// ByID takes {"id":…} and {"ids":[…]} in place of rows.
	ByID bool
	// IgnoreExtra passes over members and columns that are no feature.
	IgnoreExtra bool
	// NoHeader reads CSV columns by position.
	NoHeader bool
}

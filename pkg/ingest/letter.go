package ingest

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
)

// letter is a dead letter: where the record came from, why no one can answer
// it, and what it said.
type letter struct {
	Source Source `json:"source"`
	Reason reason `json:"reason"`
	Body   string `json:"body,omitempty"`
	// Base64 stands in Body's place where the body is no text.
	Base64 []byte `json:"body_base64,omitempty"`
}

type reason struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Errors  []rowError `json:"errors,omitempty"`
}

type rowError struct {
	Row     int    `json:"row"`
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

// maxErrors caps the errors of a dead letter, as of a reply.
const maxErrors = 100

func (e *event) deadLetter(it *item, fe *fault.Error) Message {
	r := &e.records[it.record]
	l := letter{Source: e.source(it), Reason: reason{Code: fe.Code.String(), Message: fe.Message}}
	for i := range it.faults[:min(len(it.faults), maxErrors)] {
		f := &it.faults[i]
		l.Reason.Errors = append(l.Reason.Errors, rowError{f.Row - it.row, f.Code.String(), f.Field, f.Rule, f.Message})
	}
	if utf8.Valid(r.Body) {
		l.Body = string(r.Body)
	} else {
		l.Base64 = r.Body
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	// Strings and numbers only: it cannot fail.
	_ = enc.Encode(l)
	return Message{Source: l.Source, Group: r.Group, ID: e.id(it), Dead: true, Body: bytes.TrimRight(out.Bytes(), "\n")}
}

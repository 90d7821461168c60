// Package readerr is the error of every model reader: which format, where in
// the file, what is wrong and what to do about it.
package readerr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Nowhere is the Offset of an error that has no place of its own.
const Nowhere = -1

// Error says why a model file cannot be read.
type Error struct {
	Format string // "golearn", or "" where the file is of no known format
	Path   string // of the part concerned: an archive's entry, then a JSON pointer
	Offset int64  // in bytes, inside that part; Nowhere if unknown
	Reason string
	Err    error // cause, or nil
}

// New returns an error without a place.
func New(format, reason string, args ...any) *Error {
	return &Error{Format: format, Offset: Nowhere, Reason: fmt.Sprintf(reason, args...)}
}

// At returns an error with a path.
func At(format, path, reason string, args ...any) *Error {
	e := New(format, reason, args...)
	e.Path = path
	return e
}

// Error names format, path and offset, then the reason and its cause, in one
// line: what a file brings with it, such as a name, may hold any bytes.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Format == "" {
		b.WriteString("model file: ")
	} else {
		b.WriteString(e.Format + ": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Offset != Nowhere {
		fmt.Fprintf(&b, "byte %d: ", e.Offset)
	}
	b.WriteString(e.Reason)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return Plain(b.String())
}

// Clip is at most so many bytes of a text from a file, for an error.
func Clip(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// Plain is a text that can be printed: one line, without control characters.
func Plain(text string) string {
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strings.Map(plain, text)
		}
	}
	return text
}

func plain(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return utf8.RuneError
}

func (e *Error) Unwrap() error { return e.Err }

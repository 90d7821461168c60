// Package fault holds the closed catalogue of what can be wrong with a
// request, a row or an event, and the one table that says what each outside
// world is told about it.
//
// Question: where do error codes live? Choice: at the bottom of the house, so
// that the reader of bytes (wire), the judge of values (schema) and the
// adapters share one type; package predict re-exports it as predict.Error.
// What would change it: a code that only one room could ever understand.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Code says what is wrong. The list is closed and append-only: numbers and
// names are a contract with callers' scripts.
type Code uint8

// Codes of a whole request, then codes of one row.
const (
	Internal         Code = iota // a defect of ours; details stay in the log
	Malformed                    // the body cannot be read as what it says it is
	EmptyBody                    // no body where one is needed
	BadEncoding                  // content-encoding cannot be undone
	TooLarge                     // body, or inflated body, over its limit
	TooManyRows                  // more rows or values than the limit
	TooDeep                      // nesting over its limit
	ReplyTooLarge                // the answer is larger than the platform carries
	UnsupportedMedia             // media type of the body
	NotAcceptable                // media type of the answer
	NotFound                     // no such route
	ModelNotFound                // no such model
	MethodNotAllowed             // the route has other methods
	InvalidRows                  // readable, but rows are invalid
	Overloaded                   // over capacity for now: retry later
	RateLimited                  // too many requests: retry later
	Unavailable                  // not ready, or stopping: retry later
	Deadline                     // the time of the request is over
	NoFeatureSource              // rows by id, but no source is configured
	BadParameter                 // a query parameter has no such value
	SlowBody                     // the body did not arrive in time
	Missing                      // row: a required feature has no value
	UnknownField                 // row: a member that is no feature
	DuplicateField               // row: a member that stands twice
	WrongType                    // row: a value of another type
	OutOfRange                   // row: a value against its rule
	NotInteger                   // row: an integer feature with a fraction
	NotFinite                    // row: a number that float64, or the model's precision, cannot hold
	UnknownCategory              // row: a category the model was not trained on
	WrongLength                  // row: more or fewer cells than columns
	TextTooLong                  // row: a text over its limit
	NotAnObject                  // row: is not of the form a row has
	FeaturesNotFound             // row: the source knows no such id
	FeaturesFailed               // row: the source failed for this id, after its retry
	ObjectNotFound               // no such object, or no longer
	ObjectChanged                // the object was replaced since its event, or while it was read
	TooSlow                      // an object's work would not end in the time left
	Refused                      // the receiver of results will never take this one
	ObjectRefused                // an object that this function is not to read
	numCodes
)

// Outcome is what happens to a queued record that meets the error.
type Outcome uint8

const (
	// DeadLetter: the record can never be answered.
	DeadLetter Outcome = iota
	// Retry: the platform should deliver it again.
	Retry
)

// entry is one row of the table: code → name, status, queue outcome, title.
type entry struct {
	name    string
	status  int
	outcome Outcome
	title   string
}

var table = [numCodes]entry{
	Internal:         {"internal", 500, Retry, "Internal error"},
	Malformed:        {"malformed", 400, DeadLetter, "The body cannot be read"},
	EmptyBody:        {"empty_body", 400, DeadLetter, "The body is empty"},
	BadEncoding:      {"bad_encoding", 400, DeadLetter, "The content encoding cannot be undone"},
	TooLarge:         {"too_large", 413, DeadLetter, "The body is too large"},
	TooManyRows:      {"too_many_rows", 413, DeadLetter, "Too many rows"},
	TooDeep:          {"too_deep", 400, DeadLetter, "The body is nested too deeply"},
	ReplyTooLarge:    {"reply_too_large", 413, DeadLetter, "The answer is too large for one reply"},
	UnsupportedMedia: {"unsupported_media_type", 415, DeadLetter, "Unsupported media type"},
	NotAcceptable:    {"not_acceptable", 406, DeadLetter, "No answer in an acceptable media type"},
	NotFound:         {"not_found", 404, DeadLetter, "No such route"},
	ModelNotFound:    {"model_not_found", 404, DeadLetter, "No such model"},
	MethodNotAllowed: {"method_not_allowed", 405, DeadLetter, "Method not allowed"},
	InvalidRows:      {"invalid_rows", 422, DeadLetter, "Invalid rows"},
	Overloaded:       {"overloaded", 503, Retry, "Over capacity"},
	RateLimited:      {"rate_limited", 429, Retry, "Too many requests"},
	Unavailable:      {"unavailable", 503, Retry, "Not ready"},
	Deadline:         {"deadline", 504, Retry, "Out of time"},
	NoFeatureSource:  {"no_feature_source", 422, DeadLetter, "No feature source"},
	BadParameter:     {"bad_parameter", 400, DeadLetter, "A query parameter is wrong"},
	SlowBody:         {"slow_body", 408, Retry, "The body did not arrive in time"},
	Missing:          {"missing", 422, DeadLetter, "A feature is missing"},
	UnknownField:     {"unknown_field", 422, DeadLetter, "Unknown field"},
	DuplicateField:   {"duplicate_field", 422, DeadLetter, "Duplicate field"},
	WrongType:        {"wrong_type", 422, DeadLetter, "Wrong type"},
	OutOfRange:       {"out_of_range", 422, DeadLetter, "Out of range"},
	NotInteger:       {"not_an_integer", 422, DeadLetter, "Not an integer"},
	NotFinite:        {"not_finite", 422, DeadLetter, "Not a finite number"},
	UnknownCategory:  {"unknown_category", 422, DeadLetter, "Unknown category"},
	WrongLength:      {"wrong_length", 422, DeadLetter, "Wrong number of values"},
	TextTooLong:      {"text_too_long", 422, DeadLetter, "Text too long"},
	NotAnObject:      {"not_an_object", 422, DeadLetter, "Not a row"},
	FeaturesNotFound: {"features_not_found", 422, DeadLetter, "No features for this id"},
	FeaturesFailed:   {"features_failed", 422, Retry, "The feature source failed"},
	ObjectNotFound:   {"object_not_found", 404, DeadLetter, "No such object"},
	ObjectChanged:    {"object_changed", 409, DeadLetter, "The object was replaced"},
	TooSlow:          {"too_slow", 504, Retry, "The work does not end in time"},
	Refused:          {"refused", 422, DeadLetter, "The receiver refuses the result"},
	ObjectRefused:    {"object_refused", 403, DeadLetter, "The object is not to be read"},
}

// String is the code's name in errors of every protocol.
func (c Code) String() string { return table[c].name }

// Title is a short sentence, the same for every error of the code.
func (c Code) Title() string { return table[c].title }

// Status is the HTTP status of a request that fails as a whole with c.
func (c Code) Status() int { return table[c].status }

// Outcome is what a queue does with a record that fails with c.
func (c Code) Outcome() Outcome { return table[c].outcome }

// Codes lists every code, in order.
func Codes() []Code {
	all := make([]Code, numCodes)
	for i := range all {
		all[i] = Code(i)
	}
	return all
}

// Whole is the Row of an error that concerns the whole request.
const Whole = -1

// Error is one thing that is wrong. Message is for people and never echoes
// the caller's input, but for an unknown field's name (see Quote); Err is the
// cause, for logs only.
type Error struct {
	Code    Code
	Row     int    // index of the row, or Whole
	Field   string // feature, or "" where none is concerned
	Rule    string // the schema's rule that was broken, such as "lte=10"
	Message string
	Err     error
}

// New returns an error of a whole request.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Row: Whole, Message: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that only the log sees.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.Err = cause
	return e
}

// From turns any error into one of the catalogue: the end of a context into
// Deadline, which says whose time ended, and what is not of the catalogue into
// Internal with advice, the cause of which only the log sees.
func From(err error, whose, advice string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Wrap(Deadline, err, "the time of the %s ended", whose)
	}
	return Wrap(Internal, err, "an internal error: %s", advice)
}

// Error names the place, then the message, then the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code.String())
	if e.Row != Whole {
		b.WriteString(": row ")
		b.WriteString(strconv.Itoa(e.Row))
	}
	if e.Field != "" {
		b.WriteString(": ")
		b.WriteString(e.Field)
	}
	b.WriteString(": ")
	b.WriteString(e.Message)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// maxEcho bounds the one piece of input that an error may repeat.
const maxEcho = 64

// Quote escapes an unknown field's name for an error: printable ASCII only,
// at most 64 characters.
func Quote(name []byte) string {
	var b strings.Builder
	for i := 0; i < len(name) && b.Len() < maxEcho; {
		r, size := utf8.DecodeRune(name[i:])
		i += size
		var esc string
		switch {
		case r == utf8.RuneError:
			esc = "\\ufffd"
		case r > 0xffff:
			esc = fmt.Sprintf("\\U%08x", r)
		case r < 0x20 || r > 0x7e || strings.ContainsRune(`"\<>&`, r):
			esc = fmt.Sprintf("\\u%04x", r)
		default:
			esc = string(r)
		}
		if b.Len()+len(esc) > maxEcho {
			break
		}
		b.WriteString(esc)
	}
	return b.String()
}

package httpapi

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/wire"
)

// Header values are shared slices: setting them costs no memory.
var (
	jsonType     = []string{"application/json"}
	problemType  = []string{"application/problem+json"}
	metricsType  = []string{"text/plain; version=0.0.4; charset=utf-8"}
	htmlType     = []string{"text/html; charset=utf-8"}
	gzipHeader   = []string{"gzip"}
	noStore      = []string{"no-store"}
	revalidate   = []string{"no-cache"}
	noSniff      = []string{"nosniff"}
	varyEncoding = []string{"Accept, Accept-Encoding"}
	retrySoon    = []string{"1"}
	mediaHeaders = [...][]string{
		wire.JSON:   jsonType,
		wire.CSV:    {"text/csv; charset=utf-8; header=present"},
		wire.NDJSON: {"application/x-ndjson"},
	}
)

// begin writes the head of a reply.
func (x *exchange) begin(status int, contentType []string) {
	h := x.w.Header()
	h["Content-Type"] = contentType
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
	h["X-Content-Type-Options"] = noSniff
	if x.route == routeBatch {
		h["Vary"] = append(h["Vary"], varyEncoding...)
	}
	x.status = status
	x.w.WriteHeader(status)
}

func (x *exchange) bytes(status int, contentType []string, body []byte) {
	x.begin(status, contentType)
	_, _ = x.w.Write(body) // an error means that the client is gone
}

func (x *exchange) text(status int, contentType []string, body string) {
	x.bytes(status, contentType, []byte(body))
}

// maxErrors caps the list of errors in a problem; its detail then says how
// many there are.
const maxErrors = 100

// problem is the body of an error reply, RFC 9457.
type problem struct {
	Type      string     `json:"type"`
	Title     string     `json:"title"`
	Status    int        `json:"status"`
	Code      string     `json:"code"`
	Detail    string     `json:"detail,omitempty"`
	RequestID string     `json:"request_id"`
	Errors    []rowError `json:"errors,omitempty"`
}

type rowError struct {
	Row     *int   `json:"row,omitempty"` // none where a column of all rows is wrong
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

func newRowError(f *fault.Error) rowError {
	e := rowError{Code: f.Code.String(), Field: f.Field, Rule: f.Rule, Message: f.Message}
	if f.Row != fault.Whole {
		e.Row = &f.Row
	}
	return e
}

// problemURN is the type of every problem: a name, not an address.
const problemURN = "urn:copse:problem:"

// fail replies with an error of the whole request.
func (x *exchange) fail(fe *fault.Error) { x.failRows(fe, new(frame.Frame)) }

// failRows replies with an error and the faults of its rows. An error of the
// whole that knows the row or field where it lies is the only one listed.
func (x *exchange) failRows(fe *fault.Error, f *frame.Frame) {
	faults := f.Faults
	if fe.Row != fault.Whole || fe.Field != "" {
		faults = []fault.Error{*fe}
	}
	p := problem{
		Type: problemURN + fe.Code.String(), Title: fe.Code.Title(), Status: fe.Code.Status(),
		Code: fe.Code.String(), Detail: fe.Message, RequestID: x.id,
	}
	for i := range faults[:min(len(faults), maxErrors)] {
		p.Errors = append(p.Errors, newRowError(&faults[i]))
	}
	if n := len(faults) + f.Dropped; n > len(p.Errors) {
		p.Detail = fmt.Sprintf("%s: %d errors, of which the first %d are listed", fe.Message, n, len(p.Errors))
	}
	if fe.Err != nil || p.Status >= http.StatusInternalServerError {
		x.h.o.Log.Warn("request failed", "request_id", x.id, "route", x.route.String(), "code", p.Code, "error", fe.Error())
	}
	if s := p.Status; s == http.StatusServiceUnavailable || s == http.StatusTooManyRequests {
		x.w.Header()["Retry-After"] = retrySoon
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers only: cannot happen
		body = []byte("{}")
	}
	x.bytes(p.Status, problemType, body)
}

// document is a page or file made once from the models, as it is and gzipped,
// each with its ETag.
type document struct {
	plain, zipped    []byte
	etag, zippedETag string
	contentType      []string
	policy           string // Content-Security-Policy
}

func newDocument(body []byte, contentType []string, policy string) document {
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:12])
	var zipped buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is a valid one
	_, _ = z.Write(body)                                       // a buffer takes everything
	_ = z.Close()
	return document{plain: body, zipped: zipped, contentType: contentType, policy: policy,
		etag: `"` + name + `"`, zippedETag: `"` + name + `-gzip"`}
}

// document replies with a document, or with 304 where the client has it.
func (x *exchange) document(d document) {
	h := x.w.Header()
	body, etag := d.plain, d.etag
	h["Vary"] = append(h["Vary"], "Accept-Encoding")
	if acceptsGzip(x.r.Header["Accept-Encoding"]) {
		body, etag = d.zipped, d.zippedETag
	}
	h["Etag"] = []string{etag}
	h["Cache-Control"] = revalidate
	if d.policy != "" {
		h["Content-Security-Policy"] = []string{d.policy}
		h["Referrer-Policy"] = []string{"no-referrer"}
	}
	if matches(x.r.Header["If-None-Match"], etag) {
		x.status = http.StatusNotModified
		x.w.WriteHeader(http.StatusNotModified)
		return
	}
	if etag == d.zippedETag {
		h["Content-Encoding"] = gzipHeader
	}
	x.bytes(http.StatusOK, d.contentType, body)
}

// matches compares ETags weakly, as RFC 9110 asks for If-None-Match.
func matches(lines []string, etag string) bool {
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}

// maxRequestID bounds an id that is taken from a header.
const maxRequestID = 256

// idHeaders are where a request's id may come from, in this order.
var idHeaders = [...]string{"X-Request-Id", "X-Amzn-Trace-Id", "Traceparent"}

// requestID takes the caller's or the platform's id, or makes one.
func requestID(h http.Header) string {
	for _, name := range idHeaders {
		if v := h[name]; len(v) > 0 && validID(v[0]) {
			return v[0]
		}
	}
	const hexDigits = "0123456789abcdef"
	var b [32]byte
	for i := 0; i < len(b); i += 16 {
		n := rand.Uint64()
		for j := range 16 {
			b[i+j] = hexDigits[n&15]
			n >>= 4
		}
	}
	return string(b[:])
}

// validID keeps what could break a log line or a header out of both.
func validID(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

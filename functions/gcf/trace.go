package gcf

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// trace is the part of a distributed trace that a request belongs to.
type trace struct {
	id      string // 32 hexadecimal digits
	span    string // 16 hexadecimal digits, or ""
	sampled bool
}

type traceKey struct{}

// withTrace puts the request's trace where the log finds it.
func withTrace(r *http.Request) *http.Request {
	t, ok := traceOf(r.Header)
	if !ok {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
}

// traceOf reads the W3C's traceparent or, where that is absent or odd, Google's
// older header.
func traceOf(h http.Header) (trace, bool) {
	if t, ok := parseTraceparent(h.Get("Traceparent")); ok {
		return t, true
	}
	return parseCloudTrace(h.Get("X-Cloud-Trace-Context"))
}

// parseTraceparent reads "00-<trace>-<span>-<flags>" (W3C Trace Context §3.2);
// later versions may append more.
func parseTraceparent(s string) (trace, bool) {
	const size = 55
	if len(s) < size || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return trace{}, false
	}
	version, id, span, flags := s[:2], s[3:35], s[36:52], s[53:size]
	if version == "ff" || version == "00" && len(s) != size || len(s) > size && s[size] != '-' {
		return trace{}, false
	}
	bits, ok := hexDigit(flags[1])
	if _, ok2 := hexDigit(flags[0]); !ok || !ok2 || !isHex(version) || !isID(id) || !isID(span) {
		return trace{}, false
	}
	return trace{id: id, span: span, sampled: bits&1 == 1}, true
}

// parseCloudTrace reads "<trace>/<span in decimal>;o=<options>"
// (cloud.google.com/trace/docs/trace-context); all but the trace may be absent.
func parseCloudTrace(s string) (trace, bool) {
	s, options, _ := strings.Cut(s, ";")
	id, span, _ := strings.Cut(s, "/")
	id = strings.ToLower(id)
	if len(id) != 32 || !isID(id) {
		return trace{}, false
	}
	t := trace{id: id, sampled: options == "o=1" || options == "o=3"}
	if n, err := strconv.ParseUint(span, 10, 64); err == nil && n != 0 {
		const zeros = "0000000000000000"
		hex := strconv.FormatUint(n, 16)
		t.span = zeros[len(hex):] + hex
	}
	return t, true
}

// isID says whether s is lower-case hexadecimal and not all zeros.
func isID(s string) bool { return isHex(s) && strings.Trim(s, "0") != "" }

func isHex(s string) bool {
	for i := range len(s) {
		if _, ok := hexDigit(s[i]); !ok {
			return false
		}
	}
	return true
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

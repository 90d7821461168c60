package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"example.com/copse/pkg/wire"
)

// offers are the forms of an answer, the preferred one first.
var offers = [...]struct {
	media         wire.Media
	kind, subtype string
}{
	{wire.JSON, "application", "json"},
	{wire.CSV, "text", "csv"},
	{wire.NDJSON, "application", "x-ndjson"},
	{wire.NDJSON, "application", "ndjson"},
	{wire.NDJSON, "application", "jsonl"},
}

// accepted chooses the form of the answer that the client weighs most (RFC
// 9110, section 12.5.1): of one weight, the more specific range, then the
// order of offers.
func accepted(lines []string) (wire.Media, bool) {
	if len(lines) == 0 || len(lines) == 1 && (lines[0] == "*/*" || lines[0] == "application/json" || lines[0] == "") {
		return wire.JSON, true
	}
	best, bestQ := wire.JSON, 0.0
	for _, o := range offers {
		if q := weight(lines, o.kind, o.subtype); q > bestQ {
			best, bestQ = o.media, q
		}
	}
	return best, bestQ > 0
}

// weight is the q of the most specific range that covers a media type.
func weight(lines []string, kind, subtype string) float64 {
	q, specific := 0.0, 0
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			k, s, _ := strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
			level := 0
			switch {
			case k == kind && s == subtype:
				level = 3
			case k == kind && s == "*":
				level = 2
			case k == "*" && s == "*":
				level = 1
			}
			if level > specific {
				q, specific = quality(params), level
			}
		}
	}
	return q
}

// quality reads the q parameter; one that cannot be read counts as 0.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// acceptsGzip says whether the client takes gzip; "gzip;q=0" is a refusal.
func acceptsGzip(lines []string) bool {
	q, named := 0.0, false
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			switch name = strings.ToLower(strings.TrimSpace(name)); {
			case name == "gzip" || name == "x-gzip":
				q, named = quality(params), true
			case name == "*" && !named:
				q = quality(params)
			}
		}
	}
	return q > 0
}

// corsMaxAge is how long a browser may remember a preflight: Chromium's own
// upper bound.
const corsMaxAge = "7200"

// cors adds the headers that let pages of the allowed origins call, and
// answers preflights. It says whether the request is done.
func (h *Handler) cors(x *exchange) bool {
	header := x.w.Header()
	header["Vary"] = []string{"Origin"}
	origin := x.r.Header.Get("Origin")
	if origin == "" || !h.originAllowed(origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, ETag")
	if x.r.Method != http.MethodOptions || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
	header.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Encoding, Content-Type, Traceparent, X-Api-Key, X-Request-Id")
	header.Set("Access-Control-Max-Age", corsMaxAge)
	x.status = http.StatusNoContent
	x.w.WriteHeader(http.StatusNoContent)
	return true
}

func (h *Handler) originAllowed(origin string) bool {
	for _, o := range h.o.CORS {
		if o == "*" || o == origin {
			return true
		}
	}
	return false
}

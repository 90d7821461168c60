package lambda

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// replyCap is the largest reply of a synchronous invocation, in bytes of the
// whole envelope: 6 MB and 100 bytes. One more, and the platform answers 502
// in our name.
const replyCap = 6_291_556

// albCap is the largest reply that a load balancer takes from a function.
const albCap = 1 << 20

func capOf(k kind) int {
	if k == alb {
		return albCap
	}
	return replyCap
}

// envelope writes the reply as the platform's JSON. It is nil where that would
// be larger than the platform carries.
func (x *exchange) envelope(k kind, method string) []byte {
	w := &x.reply
	limit := capOf(k)
	if w.over || len(w.body) > limit {
		return nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if method == http.MethodHead || w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		w.body = w.body[:0]
	} else if len(w.body) > 0 && len(w.header["Content-Type"]) == 0 {
		// Without a type, HTTP APIs would call anything JSON.
		w.header.Set("Content-Type", http.DetectContentType(w.body))
	}
	binary := len(w.header["Content-Encoding"]) > 0 || !utf8.Valid(w.body)
	size := len(w.body) + len(w.body)/8 + 512
	if binary {
		size = base64.StdEncoding.EncodedLen(len(w.body)) + 512
	}
	dst := make([]byte, 0, size)
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(w.status), 10)
	if k == alb {
		dst = append(dst, `,"statusDescription":"`...)
		dst = strconv.AppendInt(dst, int64(w.status), 10)
		dst = append(append(append(dst, ' '), http.StatusText(w.status)...), '"')
	}
	dst = x.appendHeaders(dst, k)
	dst = append(dst, `,"body":`...)
	if binary {
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, w.body)
		dst = append(dst, `","isBase64Encoded":true}`...)
	} else {
		dst = appendQuoted(dst, w.body)
		dst = append(dst, `,"isBase64Encoded":false}`...)
	}
	if len(dst) > limit {
		return nil
	}
	return dst
}

// appendHeaders writes the headers in the shapes that the source reads:
// format 2.0 one value each and cookies apart; REST one value in headers, and
// several in multiValueHeaders; a target group either, by an attribute of its
// own, so both.
func (x *exchange) appendHeaders(dst []byte, k kind) []byte {
	names := x.sortedNames()
	v2 := k == http2 || k == funcURL
	dst = append(dst, `,"headers":{`...)
	first := len(dst)
	for _, n := range names {
		values := x.reply.header[n]
		if v2 && n == "Set-Cookie" || k == rest && len(values) > 1 {
			continue
		}
		dst = appendName(dst, first, n)
		if len(values) == 1 {
			dst = appendQuoted(dst, values[0])
		} else {
			dst = appendQuoted(dst, strings.Join(values, ", "))
		}
	}
	dst = append(dst, '}')
	if v2 {
		if cookies := x.reply.header["Set-Cookie"]; len(cookies) > 0 {
			dst = append(dst, `,"cookies":`...)
			dst = appendStrings(dst, cookies)
		}
		return dst
	}
	from := len(dst)
	dst = append(dst, `,"multiValueHeaders":{`...)
	first = len(dst)
	for _, n := range names {
		if values := x.reply.header[n]; k == alb || len(values) > 1 {
			dst = appendStrings(appendName(dst, first, n), values)
		}
	}
	if len(dst) == first {
		return dst[:from]
	}
	return append(dst, '}')
}

// appendName writes a member's name into the object that began at first.
func appendName(dst []byte, first int, name string) []byte {
	if len(dst) > first {
		dst = append(dst, ',')
	}
	return append(appendQuoted(dst, name), ':')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, s)
	}
	return append(dst, ']')
}

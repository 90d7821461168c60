package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// span is a part of exchange.text.
type span struct{ from, to int }

// request makes an ordinary request of an event. Names and values of headers,
// path and query are parts of one string, made once; the body is decoded into
// pooled memory. Both the map of headers and the body are the exchange's: a
// handler that keeps them after it has returned must copy them.
func (x *exchange) request(ctx context.Context, k kind) (*http.Request, error) {
	x.text, x.pairs = x.text[:0], x.pairs[:0]
	if !x.readHeaders() || !x.readCookies() {
		return nil, invalidEvent("headers or cookies are of another type than the platform's")
	}
	method := x.event.method
	if k == http2 || k == funcURL {
		method = x.event.contextMethod
	}
	m, okMethod := x.optional(method)
	path, encoded, okPath := x.path(k)
	query, okQuery := x.query(k)
	ip, okIP := x.optional(x.event.sourceIP)
	domain, okDomain := x.optional(x.event.domain)
	if !okMethod || !okPath || !okQuery || !okIP || !okDomain {
		return nil, invalidEvent("method, path or query are of another type than the platform's")
	}
	if !x.readBody() {
		return nil, invalidEvent("the body is no text, or no base64 though it is said to be")
	}

	text := string(x.text)
	x.setHeaders(text)
	x.url = url.URL{Path: text[path.from:path.to], RawQuery: text[query.from:query.to]}
	if encoded && strings.IndexByte(x.url.Path, '%') >= 0 {
		if plain, err := url.PathUnescape(x.url.Path); err == nil {
			x.url.RawPath, x.url.Path = x.url.Path, plain
		}
	}
	x.body.Reset(x.bodyBytes)
	base := http.Request{
		Method: text[m.from:m.to], URL: &x.url,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: x.header, Body: &x.body, ContentLength: int64(len(x.bodyBytes)),
		Host: text[domain.from:domain.to], RemoteAddr: text[ip.from:ip.to],
		RequestURI: text[path.from:path.to],
	}
	if host := x.header["Host"]; len(host) > 0 {
		base.Host = host[0]
		delete(x.header, "Host") // where net/http has it
	}
	return base.WithContext(ctx), nil
}

// body is a request's body in memory.
type body struct{ bytes.Reader }

// Close does nothing: the memory is the exchange's.
func (*body) Close() error { return nil }

// add appends the text of a string of the event.
func (x *exchange) add(raw []byte) (span, bool) {
	if !isText(raw) {
		return span{}, false
	}
	from := len(x.text)
	x.text = appendText(x.text, raw)
	return span{from, len(x.text)}, true
}

// optional is add for a member that may be null or absent.
func (x *exchange) optional(raw []byte) (span, bool) {
	if isNull(raw) {
		return span{}, true
	}
	return x.add(raw)
}

// pair is a header's name and value, in order of the event.
type pair struct{ name, value span }

// readHeaders takes the multi-value form where it has values. Either map may
// be null, as nil maps of Go are written.
func (x *exchange) readHeaders() bool {
	var n span
	good := true
	one := func(_, value []byte) {
		v, ok := x.optional(value)
		x.pairs = append(x.pairs, pair{n, v})
		good = good && ok
	}
	if !isNull(x.event.multiHeaders) {
		ok := walkObject(x.event.multiHeaders, func(name, values []byte) {
			n = x.name(name)
			good = good && (isNull(values) || walkList(values, one))
		})
		if !ok || !good || len(x.pairs) > 0 {
			return ok && good
		}
	}
	return isNull(x.event.headers) || walkObject(x.event.headers, func(name, value []byte) {
		n = x.name(name)
		one(nil, value)
	}) && good
}

// name adds a header's name in its canonical form.
func (x *exchange) name(raw []byte) span {
	from := len(x.text)
	x.text = appendText(x.text, raw)
	canonical(x.text[from:])
	return span{from, len(x.text)}
}

// canonical is textproto.CanonicalMIMEHeaderKey in place: a name with a byte
// that no name may have stays as it is.
func canonical(name []byte) {
	for _, c := range name {
		if !tokenByte(c) {
			return
		}
	}
	upper := true
	for i, c := range name {
		if upper && c >= 'a' && c <= 'z' {
			name[i] = c - 'a' + 'A'
		} else if !upper && c >= 'A' && c <= 'Z' {
			name[i] = c - 'A' + 'a'
		}
		upper = c == '-'
	}
}

// tokenByte says whether c may stand in a header's name (RFC 9110, 5.6.2).
func tokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// readCookies joins the cookies that format 2.0 sends apart from the headers.
func (x *exchange) readCookies() bool {
	if isNull(x.event.cookies) {
		return true
	}
	from, good := len(x.text), true
	x.text = append(x.text, "Cookie"...)
	name := span{from, len(x.text)}
	from = len(x.text)
	ok := walkList(x.event.cookies, func(_, cookie []byte) {
		if len(x.text) > from {
			x.text = append(x.text, "; "...)
		}
		_, isString := x.optional(cookie)
		good = good && isString
	})
	if len(x.text) > from {
		x.pairs = append(x.pairs, pair{name, span{from, len(x.text)}})
	}
	return ok && good
}

// setHeaders fills the pooled map. Values of one name stay in the event's
// order.
func (x *exchange) setHeaders(text string) {
	clear(x.header)
	x.values = slices.Grow(x.values[:0], len(x.pairs))
	for _, p := range x.pairs {
		name, value := text[p.name.from:p.name.to], text[p.value.from:p.value.to]
		if have := x.header[name]; have != nil {
			x.header[name] = append(have, value)
			continue
		}
		x.values = append(x.values, value)
		n := len(x.values)
		x.header[name] = x.values[n-1 : n : n]
	}
}

// path adds the path that routes are found by, and says whether it is still
// percent-encoded: REST, Function URLs and target groups send it as it came,
// HTTP APIs send it decoded.
func (x *exchange) path(k kind) (s span, encoded, ok bool) {
	switch k {
	case funcURL:
		s, ok = x.optional(x.event.rawPath)
		return s, true, ok
	case http2:
		s, ok = x.optional(x.event.rawPath)
		return x.stripStage(s), false, ok
	case rest:
		if s, ok = x.resourcePath(); ok {
			return s, false, true
		}
		s, ok = x.optional(x.event.path)
		if string(x.event.version) == `"1.0"` {
			return x.stripStage(s), false, ok
		}
	default:
		s, ok = x.optional(x.event.path)
	}
	return s, true, ok
}

// stripStage cuts the stage off, once. The stage $default is not in the path.
func (x *exchange) stripStage(s span) span {
	if !isText(x.event.stage) {
		return s
	}
	from := len(x.text)
	x.text = appendText(x.text, x.event.stage)
	stage := x.text[from:]
	path := x.text[s.from:s.to]
	if len(path) > 0 && path[0] == '/' && len(stage) > 0 && bytes.HasPrefix(path[1:], stage) {
		switch rest := path[1+len(stage):]; {
		case len(rest) == 0:
			s.from += len(stage)
			x.text[s.from] = '/' // the last byte of the stage gives way to the root
		case rest[0] == '/':
			s.from += 1 + len(stage)
		}
	}
	x.text = x.text[:from]
	return s
}

// resourcePath is the path without the base path of a custom domain, which
// REST's own path carries: the resource, its parameters filled in. It fails
// where a parameter is missing, as for a resource that is no path.
func (x *exchange) resourcePath() (span, bool) {
	if !isText(x.event.resource) {
		return span{}, false
	}
	from := len(x.text)
	x.text = appendText(x.text, x.event.resource)
	template := x.text[from:]
	if len(template) == 0 || template[0] != '/' {
		x.text = x.text[:from]
		return span{}, false
	}
	start := len(x.text)
	for i := 0; i < len(template); {
		open := bytes.IndexByte(template[i:], '{')
		if open < 0 {
			x.text = append(x.text, template[i:]...)
			break
		}
		x.text = append(x.text, template[i:i+open]...)
		i += open + 1
		end := bytes.IndexByte(template[i:], '}')
		if end < 0 || !x.addParameter(bytes.TrimSuffix(template[i:i+end], []byte("+"))) {
			x.text = x.text[:from]
			return span{}, false
		}
		i += end + 1
	}
	return span{start, len(x.text)}, true
}

// addParameter adds the value of a path parameter.
func (x *exchange) addParameter(name []byte) bool {
	var value []byte
	walkObject(x.event.pathParameters, func(n, v []byte) {
		if bytes.Equal(plainName(n), name) {
			value = v
		}
	})
	_, ok := x.optional(value)
	return ok && value != nil
}

// query adds the query. REST sends it decoded, so it is encoded again; target
// groups send it as it came.
func (x *exchange) query(k kind) (span, bool) {
	if k == http2 || k == funcURL {
		return x.optional(x.event.rawQuery)
	}
	from, good := len(x.text), true
	x.queryFrom = from
	var name []byte
	one := func(_, value []byte) {
		good = good && (isText(value) || isNull(value))
		if good {
			x.addQuery(name, value, k == rest)
		}
	}
	if !isNull(x.event.multiQuery) {
		ok := walkObject(x.event.multiQuery, func(n, values []byte) {
			name = n
			good = good && (isNull(values) || walkList(values, one))
		})
		if !ok || !good || len(x.text) > from {
			return span{from, len(x.text)}, ok && good
		}
	}
	ok := isNull(x.event.queryMap) || walkObject(x.event.queryMap, func(n, value []byte) {
		name = n
		one(nil, value)
	})
	return span{from, len(x.text)}, ok && good
}

func (x *exchange) addQuery(name, value []byte, encode bool) {
	if len(x.text) > x.queryFrom {
		x.text = append(x.text, '&')
	}
	for i, raw := range [...][]byte{name, value} {
		if i > 0 {
			x.text = append(x.text, '=')
		}
		if isNull(raw) {
			continue
		}
		from := len(x.text)
		x.text = appendText(x.text, raw)
		if encode && !plainQuery(x.text[from:]) {
			x.text = append(x.text[:from], url.QueryEscape(string(x.text[from:]))...)
		}
	}
}

// plainQuery says whether encoding would change nothing.
func plainQuery(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// readBody decodes the body into the exchange's memory.
func (x *exchange) readBody() bool {
	x.bodyBytes = x.bodyBytes[:0]
	if isNull(x.event.body) {
		return true
	}
	if !isText(x.event.body) {
		return false
	}
	x.bodyBytes = appendText(x.bodyBytes, x.event.body)
	if string(x.event.isBase64) != "true" {
		return true
	}
	// In place: decoded text is shorter, and written behind the read position.
	n, err := base64.StdEncoding.Decode(x.bodyBytes, x.bodyBytes)
	x.bodyBytes = x.bodyBytes[:n]
	return err == nil
}

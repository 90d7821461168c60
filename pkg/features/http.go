package features

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"example.com/copse/pkg/wire"
)

// placeholder stands for the id in a source's URL.
const placeholder = "{id}"

// marker takes its place while the URL is parsed: braces would make net/url
// escape the path anew and forget how it was written.
const marker = "~copse~id~"

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 16 << 10

// maxReuse is the largest read buffer that is kept for the next call.
const maxReuse = 64 << 10

// httpSource asks one host, by GET, for a JSON object per id. 200 is a row,
// 404 and 410 an unknown id; 429, 5xx and network errors are tried again,
// anything else is final. Redirects are not followed and no proxy is used:
// only the configured host is ever called.
type httpSource struct {
	target    target
	header    http.Header
	transport *http.Transport
	maxBody   int64
	buffers   sync.Pool // of *bytes.Buffer
}

func newHTTPSource(uri string, o Options) (*httpSource, error) {
	t, err := parseTarget(uri)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"copse"}}
	if user := t.base.User; user != nil {
		password, _ := user.Password()
		auth := http.Request{Header: header}
		auth.SetBasicAuth(user.Username(), password)
		t.base.User = nil
	}
	return &httpSource{
		target:    t,
		header:    header,
		transport: newTransport(o),
		maxBody:   o.MaxBody,
		buffers:   sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}, nil
}

// newTransport keeps a connection open for every call that may be under way,
// so that a full round of calls finds all of them warm.
func newTransport(o Options) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    o.Timeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        o.Concurrency,
		MaxIdleConns:           o.Concurrency,
		MaxIdleConnsPerHost:    o.Concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // a row is a few hundred bytes
	}
}

// Fetch implements Source.
func (s *httpSource) Fetch(ctx context.Context, id string) (Row, error) {
	u, err := s.target.url(id)
	if err != nil {
		return Row{}, err
	}
	request := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: s.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	// RoundTrip, not a Client: it follows no redirect.
	reply, err := s.transport.RoundTrip(request)
	if err != nil {
		return Row{}, withoutURL(err)
	}
	defer reply.Body.Close()
	if err := judgeStatus(reply.StatusCode); err != nil {
		// What is left of a short body is read so that the connection lives.
		_, _ = io.CopyN(io.Discard, reply.Body, maxHeader)
		return Row{}, err
	}
	return s.read(reply.Body)
}

func (s *httpSource) close() { s.transport.CloseIdleConnections() }

// judgeStatus sorts answers into rows, unknown ids and failures.
func judgeStatus(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusNotFound || status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusTooManyRequests || status >= 500:
		return fmt.Errorf("the source answered with status %d", status)
	case status >= 300 && status < 400:
		return fmt.Errorf("%w: the source answered with a redirect (status %d), which is not followed", ErrFinal, status)
	}
	return fmt.Errorf("%w: the source answered with status %d", ErrFinal, status)
}

func (s *httpSource) read(body io.Reader) (Row, error) {
	b := s.buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxReuse {
			b.Reset()
			s.buffers.Put(b)
		}
	}()
	n, err := b.ReadFrom(io.LimitReader(body, s.maxBody+1))
	if err != nil {
		return Row{}, withoutURL(err)
	}
	if n > s.maxBody {
		return Row{}, fmt.Errorf("%w: the source's answer is larger than %d bytes", ErrFinal, s.maxBody)
	}
	return Row{Media: wire.JSON, Body: bytes.Clone(b.Bytes())}, nil
}

// withoutURL keeps an id, which may be a person's, out of the log.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// around is the text before and after the id.
type around struct{ before, after string }

func (a around) put(id string) string { return a.before + id + a.after }

// target is a URL with a place for the id, in its path or its query.
type target struct {
	base    url.URL
	path    around // decoded
	rawPath around // encoded
	inQuery bool   // the id stands in the query instead
	query   around
}

// parseTarget reads "https://host/path/{id}". http is for the own machine
// only: features are data of people, as a rule.
func parseTarget(uri string) (target, error) {
	const form = "features: a source is https://host/path/{id}"
	u, err := url.Parse(strings.ReplaceAll(uri, placeholder, marker))
	if err != nil {
		return target{}, errors.New(form + ": this is no URL")
	}
	switch {
	case u.Host == "" || u.Opaque != "":
		return target{}, errors.New(form + ": the host is missing")
	case strings.Count(uri, placeholder) != 1 || strings.Contains(uri, marker):
		return target{}, errors.New(form + ": it needs {id} once")
	case u.Fragment != "":
		return target{}, errors.New(form + ": it takes no fragment")
	case u.Scheme != "https" && !loopback(u.Hostname()):
		return target{}, errors.New(form + ": http is allowed for the own machine only")
	}
	t := target{base: *u}
	var inPath bool
	t.path.before, t.path.after, inPath = strings.Cut(u.Path, marker)
	t.rawPath.before, t.rawPath.after, _ = strings.Cut(u.EscapedPath(), marker)
	t.query.before, t.query.after, t.inQuery = strings.Cut(u.RawQuery, marker)
	if inPath == t.inQuery {
		return target{}, errors.New(form + ": {id} belongs into the path or the query")
	}
	return t, nil
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// url returns the URL of an id. The id is one segment, or one query value,
// whatever it holds. A path with the segments "." or ".." is refused, also
// where the slashes around them are escaped: some servers unescape before
// they resolve.
func (t *target) url(id string) (*url.URL, error) {
	u := t.base
	if t.inQuery {
		u.RawQuery = t.query.put(url.QueryEscape(id))
		return &u, nil
	}
	u.Path = t.path.put(id)
	u.RawPath = t.rawPath.put(url.PathEscape(id))
	if dotted(u.Path) {
		return nil, ErrNotFound
	}
	return &u, nil
}

func dotted(path string) bool {
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

package features

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"example.com/copse/pkg/wire"
)

// placeholder stands for the id in a source's URL.
const placeholder = "{id}"

// marker takes its place while the URL is parsed: braces would make net/url
// escape the path anew and forget how it was written.
const marker = "~copse~id~"

// httpSource asks one host, by GET, for a JSON object per id. 200 is a row,
// 404 and 410 an unknown id; 429, 5xx and network errors are tried again,
// anything else is final. Redirects are not followed and no proxy is used:
// only the configured host is ever called.
type httpSource struct {
	target target
	tail   string // of every request, from the HTTP version on
	dialer *dialer
}

func newHTTPSource(uri string, o Options) (*httpSource, error) {
	t, err := parseTarget(uri)
	if err != nil {
		return nil, err
	}
	tail := " HTTP/1.1\r\nHost: " + t.base.Host + "\r\nUser-Agent: copse\r\nAccept: application/json\r\n"
	if user := t.base.User; user != nil {
		password, _ := user.Password()
		tail += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	d := &dialer{addr: t.addr(), keep: o.Concurrency, maxBody: o.MaxBody,
		dialer: net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}}
	if t.base.Scheme == "https" {
		d.tls = &tls.Config{ServerName: t.base.Hostname(), MinVersion: tls.VersionTLS12}
	}
	return &httpSource{target: t, tail: tail + "\r\n", dialer: d}, nil
}

// Fetch implements Source.
func (s *httpSource) Fetch(ctx context.Context, id string) (Row, error) {
	u, err := s.target.url(id)
	if err != nil {
		return Row{}, err
	}
	reply, err := s.dialer.do(ctx, []byte("GET "+u.RequestURI()+s.tail))
	if err != nil {
		return Row{}, err
	}
	if err := judgeStatus(reply.status); err != nil {
		return Row{}, err
	}
	if reply.body == nil {
		return Row{}, fmt.Errorf("%w: the source's answer is larger than %d bytes", ErrFinal, s.dialer.maxBody)
	}
	return Row{Media: wire.JSON, Body: reply.body}, nil
}

func (s *httpSource) close() { s.dialer.close() }

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

// addr is where to dial.
func (t *target) addr() string {
	port := t.base.Port()
	if port == "" {
		port = t.base.Scheme // net knows both as names of their ports
	}
	return net.JoinHostPort(t.base.Hostname(), port)
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

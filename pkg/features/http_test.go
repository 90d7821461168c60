package features

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzURL: whatever an id holds, the URL names the configured host, its path
// or query is the configured one around exactly this id, and nothing climbs.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"a", "", ".", "..", "a/../b", "%2e%2e", "a?b#c", "@host", "//host", `\\host`, "é\x00\r\n", "{id}", ":80", "a b+c", "\xff"} {
		f.Add(seed)
	}
	var targets []target
	for _, uri := range []string{"https://host:8443/a/{id}", "https://host/a%2Fb/x.{id}./c?d=e", "https://host/a?k={id}&l=m", "https://host/.{id}"} {
		t, err := parseTarget(uri)
		if err != nil {
			f.Fatal(err)
		}
		targets = append(targets, t)
	}
	f.Fuzz(func(t *testing.T, id string) {
		for i := range targets {
			checkURL(t, &targets[i], id)
		}
	})
}

func checkURL(t *testing.T, target *target, id string) {
	t.Helper()
	u, err := target.url(id)
	if err != nil {
		return
	}
	// What the server sees is the text, so judge the text read back.
	r, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatalf("%q: %v", id, err)
	}
	got := r.URL
	if got.Scheme != "https" || got.Host != target.base.Host || got.User != nil || got.Fragment != "" {
		t.Errorf("%q: leads to %v", id, got)
	}
	if strings.ContainsAny(u.RequestURI(), " \r\n\x00") {
		t.Errorf("%q: the request line has white space or a zero: %q", id, u.RequestURI())
	}
	if target.inQuery {
		if got.Path != "/a" || got.Query().Get("k") != id || got.Query().Get("l") != "m" || len(got.Query()) != 2 {
			t.Errorf("%q: got %v", id, got)
		}
		return
	}
	middle, ok := strings.CutPrefix(got.EscapedPath(), target.rawPath.before)
	middle, ok2 := strings.CutSuffix(middle, target.rawPath.after)
	back, err := url.PathUnescape(middle)
	if !ok || !ok2 || err != nil || back != id || strings.Contains(middle, "/") {
		t.Errorf("%q: got path %q", id, got.EscapedPath())
	}
	if got.RawQuery != target.base.RawQuery {
		t.Errorf("%q: got query %q", id, got.RawQuery)
	}
	for segment := range strings.SplitSeq(got.Path, "/") {
		if segment == "." || segment == ".." {
			t.Errorf("%q: the path %q climbs", id, got.Path)
		}
	}
}

func TestCredentialsOfTheURLBecomeAHeader(t *testing.T) {
	source, err := newHTTPSource("https://user:p%40ss@host/{id}", Options{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /x" + source.tail)))
	if err != nil {
		t.Fatal(err)
	}
	user, password, ok := r.BasicAuth()
	if !ok || user != "user" || password != "p@ss" {
		t.Errorf("got %q, %q, %v", user, password, ok)
	}
	if u, err := source.target.url("x"); err != nil || u.RequestURI() != "/x" || r.Host != "host" {
		t.Errorf("got %v, %v", u, err)
	}
}

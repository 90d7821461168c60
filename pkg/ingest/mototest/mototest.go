// Package mototest starts moto's server (PyPI), which imitates AWS, for tests
// that call it with the clouds' own SDKs.
package mototest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The module's folders of environments and of what is installed in this one.
const (
	program      = ".venv/moto/bin/moto_server"
	requirements = "functions/lambda/testdata/requirements.txt"
)

// Start starts a server and returns its address, "http://127.0.0.1:PORT". It
// ends with the test. Where moto is not installed, the test is skipped; in CI,
// where it must be, it fails.
//
// The server works on several requests at once without locks: of two writers
// that check, at once, that an object does not exist, both may write it, and
// some calls answer with status 500. OneAtATime is for tests of such.
func Start(t testing.TB) string {
	t.Helper()
	path := filepath.Join(root(t), program)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("moto is not installed: see .ci/run")
		}
		t.Skipf("moto is not installed (pip install -r %s into .venv/moto)", requirements)
	}
	return Serve(t, exec.CommandContext(t.Context(), path, "-H", "127.0.0.1", "-p", "0"))
}

// Serve starts a command that is a server of moto's, until the test ends, and
// returns the address that it says it listens on.
func Serve(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	lines := bufio.NewScanner(out)
	var log strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&log, lines.Text())
		if found := address.FindString(lines.Text()); found != "" {
			go func() {
				for lines.Scan() { // so that it never waits for its log to be read
				}
			}()
			return found
		}
	}
	t.Fatalf("moto ended before it listened:\n%s", &log)
	return ""
}

// root finds the module's folder, above the test's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the test's folder")
	return ""
}

// OneAtATime returns the address of a proxy that hands requests to a server
// one after the other, as if each had a lock on all that is stored.
func OneAtATime(t testing.TB, address string) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

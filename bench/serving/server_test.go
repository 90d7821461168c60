package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	tests := []struct {
		name, stat string
		want       time.Duration
		bad        bool
	}{
		{"plain", "7 (copse) S 1 7 7 0 -1 4194560 1 0 0 0 120 30 0 0 20 0 1 0 5 1 1", 1500 * time.Millisecond, false},
		{"name with parentheses", "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20", 30 * time.Millisecond, false},
		{"short", "7 (copse) S 1", 0, true},
		{"no number", "7 (copse) S 1 7 7 0 -1 4194560 1 0 0 0 x 30 0 0 20", 0, true},
		{"empty", "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseStat(tt.stat)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %v, %v, want %v, bad %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

// counter answers every request and remembers the bodies.
type counter struct {
	mu     sync.Mutex
	bodies map[string]int
	status int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	c.bodies[string(body)]++
	c.mu.Unlock()
	w.WriteHeader(c.status)
	io.WriteString(w, "answer")
}

func serve(t *testing.T, status int) (*counter, *server) {
	t.Helper()
	c := &counter{bodies: map[string]int{}, status: status}
	h := httptest.NewServer(c)
	t.Cleanup(h.Close)
	return c, &server{name: "test", addr: strings.TrimPrefix(h.URL, "http://")}
}

func TestPost(t *testing.T) {
	_, s := serve(t, http.StatusOK)
	c, err := dial(s, "/predict")
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	for _, keep := range []bool{true, false, true} {
		length, text, err := c.post([]byte("{}"), keep)
		if err != nil || length != 6 || keep && string(text) != "answer" {
			t.Errorf("keep %v: got %d, %q, %v", keep, length, text, err)
		}
	}
	_, s = serve(t, http.StatusUnprocessableEntity)
	if c, err = dial(s, "/predict"); err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	if _, _, err := c.post([]byte("{}"), false); err == nil || !strings.Contains(err.Error(), "422") {
		t.Errorf("status 422: got error %v", err)
	}
}

// TestDrive: all requests are sent, and each once.
func TestDrive(t *testing.T) {
	c, s := serve(t, http.StatusOK)
	l := load{path: "/predict", connections: 4, requests: 100, body: singleRows}
	if err := l.send(s); err != nil {
		t.Fatal(err)
	}
	if got, want := len(c.bodies), l.requests; got != want {
		t.Errorf("got %d different bodies, want %d", got, want)
	}
}

func TestChecks(t *testing.T) {
	good := `{"prediction":"a","probabilities":{"a":0.5,"b":0.25,"c":0.25}}`
	if err := checkOne([]byte(good)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{``, `{}`, `{"prediction":"d","probabilities":{"a":0.5,"b":0.25,"c":0.25}}`, `{"prediction":"a","probabilities":{"a":0.5,"b":0.25}}`} {
		if checkOne([]byte(bad)) == nil {
			t.Errorf("%q passed", bad)
		}
	}
	batch := func(n int) []byte {
		return []byte(`{"predictions":[` + strings.TrimSuffix(strings.Repeat(good+",", n), ",") + `]}`)
	}
	if err := checkBatch(batch(batchRows)); err != nil {
		t.Error(err)
	}
	if checkBatch(batch(batchRows-1)) == nil {
		t.Error("a batch with a row less passed")
	}
}

func TestWideModel(t *testing.T) {
	bundle, err := wideModel()
	if err != nil {
		t.Fatal(err)
	}
	if len(bundle) == 0 {
		t.Error("an empty bundle")
	}
}

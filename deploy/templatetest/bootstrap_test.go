package templatetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/copse/functions/lambda/runtimetest"
)

// bootstrap is the binary that is deployed, behind the engine, with the settings
// of the template. Its calls to S3 go through a gate.
type bootstrap struct {
	*runtimetest.Process
	binary  string
	env     []string
	timeout time.Duration

	mu      sync.Mutex
	faults  []gateFault
	written map[string]int // how often a result was written
	scored  []scored       // what was answered, over all calls
}

// gateFault happens once, to the first result of a name that is to be written.
type gateFault struct {
	name    *regexp.Regexp
	happens func(*bootstrap, http.ResponseWriter)
}

func forbid(_ *bootstrap, w http.ResponseWriter) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code></Error>")) // the function then sees another error
}

// kill ends the process, as when its memory is used up.
func kill(f *bootstrap, _ http.ResponseWriter) { f.Stop() }

// scored is the answer to one object or range.
type scored struct {
	Object, Version string
	From, To        int64
	Rows, Bad       int
	Result          string
	Error           *struct{ Code string }
}

// startBootstrap builds and starts it for the engine's S3.
func startBootstrap(t *testing.T, c *cloud, given map[string]string) *bootstrap {
	t.Helper()
	binary, err := runtimetest.Build(t.Context(), t.TempDir(), root+"/functions/lambda/events")
	if err != nil {
		t.Fatal(err)
	}
	deployed := deployedMap(t, given).resources(functionType)["EventsFunction"]
	f := &bootstrap{binary: binary, timeout: time.Duration(deployed.number("Timeout")) * time.Second, written: make(map[string]int)}
	gate := httptest.NewServer(f.gate(t, c.address))
	t.Cleanup(gate.Close)
	f.env = []string{"AWS_ENDPOINT_URL=" + gate.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}
	for name, value := range deployed.node("Environment", "Variables") {
		f.env = append(f.env, fmt.Sprintf("%s=%v", name, value))
	}
	if err := f.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() }) // of the last process
	return f
}

func (f *bootstrap) start() (err error) {
	f.Process, err = runtimetest.Start(f.binary, f.env...)
	return err
}

// gate hands on what is not refused, and counts results.
func (f *bootstrap) gate(t *testing.T, address string) http.Handler {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			query := r.Request.URL.Query()
			whole := r.Request.Method == http.MethodPut && !query.Has("partNumber") ||
				r.Request.Method == http.MethodPost && query.Has("uploadId")
			if whole && r.StatusCode == http.StatusOK {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.written[r.Request.URL.Path]++
			}
			return nil
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if happens := f.fault(r); happens != nil {
			_, _ = io.Copy(io.Discard, r.Body) // or the function sees a broken connection, and no reply
			happens(f, w)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// fault is what happens to a call instead of being handed on, or nil.
func (f *bootstrap) fault(r *http.Request) (happens func(*bootstrap, http.ResponseWriter)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.faults, func(one gateFault) bool { return r.Method == http.MethodPut && one.name.MatchString(r.URL.Path) })
	if i >= 0 {
		happens = f.faults[i].happens
		f.faults = slices.Delete(f.faults, i, i+1)
	}
	return happens
}

// answer hands a call to the process, as Lambda does: one that ends is followed
// by another, for the next call.
func (f *bootstrap) answer(one call) (int, any) {
	ctx, cancel := context.WithTimeout(context.Background(), f.timeout)
	defer cancel()
	ended := f.Done()
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	reply, err := f.InvokeUntil(ctx, one.raw, time.Now().Add(f.timeout))
	switch {
	case err != nil:
		f.Close()
		return http.StatusInternalServerError, runtimetest.Error{Type: "Runtime.ExitError", Message: errors.Join(err, f.start()).Error()}
	case reply.Error != nil:
		return http.StatusInternalServerError, reply.Error
	}
	var body struct{ Predictions []scored }
	if err := json.Unmarshal(reply.Body, &body); err != nil {
		return http.StatusInternalServerError, runtimetest.Error{Type: "Runtime.Reply", Message: err.Error()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scored = append(f.scored, body.Predictions...)
	return http.StatusOK, json.RawMessage(reply.Body)
}

// forget begins the counts anew.
func (f *bootstrap) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scored = nil
	clear(f.written)
}

package templatetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/copse/pkg/ingest/mototest"
)

// states returns a program of .venv/states.
func states(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".venv/states/bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("moto's engine for state machines is not installed: see .ci/run")
		}
		t.Skip("moto's engine is not installed (pip install -r deploy/templatetest/requirements-states.txt into .venv/states)")
	}
	return path
}

// cloud is moto's server with its engine, and the function that it calls.
type cloud struct {
	t       *testing.T
	address string

	mu    sync.Mutex
	calls []call
	// answer is the function: a status other than 200 is an error, whose body
	// names it.
	answer func(call) (int, any)
}

// call is a payload that the function was given.
type call struct {
	Items []item
	Batch struct {
		Execution string `json:"execution"`
	} `json:"BatchInput"`
	raw []byte
}

type item struct {
	Object  string `json:"object"`
	Version string `json:"version"`
	ETag    string `json:"etag"`
	From    *int64 `json:"from"`
	To      *int64 `json:"to"`
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var one call
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(raw, &one)
	}
	if one.raw = raw; err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.mu.Lock()
	c.calls = append(c.calls, one)
	status, body := c.answer(one)
	c.mu.Unlock()
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// begin starts the engine.
func begin(t *testing.T) *cloud {
	t.Helper()
	python := states(t, "python")
	c := &cloud{t: t}
	function := httptest.NewServer(c)
	t.Cleanup(function.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	cmd := exec.Command(python, "engine.py", "-H", "127.0.0.1", "-p", port)
	cmd.Env = append(offline(), "MOTO_PORT="+port, "LAMBDA_URL="+function.URL)
	c.address = mototest.Serve(t, cmd)
	return c
}

// run runs a part of the test, whose failures are its own.
func (c *cloud) run(name string, test func(t *testing.T)) {
	whole := c.t
	defer func() { c.t = whole }()
	whole.Run(name, func(t *testing.T) {
		c.t = t
		test(t)
	})
}

func (c *cloud) request(method, service, path string, body []byte, header ...string) []byte {
	c.t.Helper()
	text, _ := c.exchange(method, service, path, body, header...)
	return text
}

// exchange is request for who wants the reply's header too.
func (c *cloud) exchange(method, service, path string, body []byte, header ...string) ([]byte, http.Header) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.address+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	// moto tells by the signature which service is meant, and checks no more.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode >= 300 {
		c.t.Fatalf("%s %s: %d %s %v", method, path, reply.StatusCode, text, err)
	}
	return text, reply.Header
}

func (c *cloud) put(path string, body string) { c.request(http.MethodPut, "s3", path, []byte(body)) }

func (c *cloud) states(action string, in, out any) {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	reply := c.request(http.MethodPost, "states", "/", body, "X-Amz-Target", "AWSStepFunctions."+action, "Content-Type", "application/x-amz-json-1.0")
	if err := json.Unmarshal(reply, out); err != nil {
		c.t.Fatalf("%s: %v in %s", action, err, reply)
	}
}

// execution is how one ended.
type execution struct {
	Status, Output, Error, Cause string
}

// execute runs a machine to its end.
func (c *cloud) execute(definition []byte, input string) execution {
	c.t.Helper()
	var made struct{ StateMachineArn string }
	name := fmt.Sprintf("m%d", time.Now().UnixNano())
	c.states("CreateStateMachine", map[string]string{"name": name, "definition": string(definition),
		"roleArn": "arn:aws:iam::123456789012:role/r"}, &made)
	var started struct{ ExecutionArn string }
	c.states("StartExecution", map[string]string{"stateMachineArn": made.StateMachineArn, "name": "run", "input": input}, &started)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var e execution
		c.states("DescribeExecution", map[string]string{"executionArn": started.ExecutionArn}, &e)
		if e.Status != "RUNNING" {
			if e.Status != "SUCCEEDED" && e.Error == "" {
				var history any
				c.states("GetExecutionHistory", map[string]any{"executionArn": started.ExecutionArn}, &history)
				text, _ := json.MarshalIndent(history, "", " ")
				c.t.Logf("%s", text)
			}
			return e
		}
	}
	return execution{}
}

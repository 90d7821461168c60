package local

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const setosa = `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`

// process is a running `copse serve`.
type process struct {
	*exec.Cmd
	addr string
	log  *bytes.Buffer // complete after end
	done chan struct{}
}

var readyLine = regexp.MustCompile(`ready: listening on http://([^"\s]+)`)

// startServe runs the command on any free port and returns once its log has
// the line with the address.
func startServe(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("copse", append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...),
		log: new(bytes.Buffer), done: make(chan struct{})}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); <-p.done; _ = p.Wait() })
	ready := make(chan string, 1)
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(p.log, lines.Text())
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
	}()
	select {
	case p.addr = <-ready:
	case <-p.done:
		t.Fatalf("the server ended: %s", p.log)
	}
	return p
}

// end waits for the process and returns its exit status.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the server did not end")
	}
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

func (p *process) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	r, err := http.Post("http://"+p.addr+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func TestServeAnswersAndStops(t *testing.T) {
	t.Parallel()
	p := startServe(t)
	status, body := p.post(t, "/predict", setosa)
	if status != 200 || !strings.HasPrefix(body, `{"prediction":"setosa","probabilities":{"setosa":`) {
		t.Errorf("got %d %s", status, body)
	}
	for _, path := range []string{"/docs", "/openapi.json", "/models", "/healthz", "/readyz", "/metrics"} {
		r, err := http.Get("http://" + p.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 200 {
			t.Errorf("%s: got %d", path, r.StatusCode)
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := p.end(t); got != 0 {
		t.Errorf("got exit status %d, want 0: %s", got, p.log)
	}
	if n := strings.Count(p.log.String(), "ready:"); n != 1 {
		t.Errorf("the log says %d times that it is ready: %s", n, p.log)
	}
}

// TestStopLetsWorkEnd: a request that is under way when the signal comes gets
// its answer, and readiness is off until then.
func TestStopLetsWorkEnd(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startServe(t)
			body, write := io.Pipe()
			answer := make(chan string, 1)
			go func() {
				r, err := http.Post("http://"+p.addr+"/predict", "application/json", body)
				if err != nil {
					answer <- err.Error()
					return
				}
				defer r.Body.Close()
				text, _ := io.ReadAll(r.Body)
				answer <- r.Status + " " + string(text)
			}()
			if _, err := io.WriteString(write, setosa[:20]); err != nil {
				t.Fatal(err)
			}
			waitInFlight(t, p)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			waitStatus(t, p, "/readyz", 503)
			if _, err := io.WriteString(write, setosa[20:]); err != nil {
				t.Fatal(err)
			}
			write.Close()
			if got := <-answer; !strings.HasPrefix(got, `200 OK {"prediction":"setosa"`) {
				t.Errorf("the work in flight got %s", got)
			}
			if got := p.end(t); got != 0 {
				t.Errorf("got exit status %d, want 0: %s", got, p.log)
			}
		})
	}
}

var inFlightLine = regexp.MustCompile(`(?m)^copse_\S*in_?flight\S* (\d+)`)

// waitInFlight returns when the server counts another request than the one
// that asks for the count.
func waitInFlight(t *testing.T, p *process) {
	t.Helper()
	for range 1000 {
		r, err := http.Get("http://" + p.addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		m := inFlightLine.FindSubmatch(text)
		if m == nil {
			t.Fatalf("the metrics have no count of requests in flight:\n%s", text)
		}
		if n, _ := strconv.Atoi(string(m[1])); n > 1 {
			return
		}
	}
	t.Fatal("the request does not arrive")
}

func waitStatus(t *testing.T, p *process, path string, want int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		r, err := http.Get("http://" + p.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == want {
			return
		}
	}
	t.Fatalf("%s does not become %d", path, want)
}

func TestServeTakesSettingsAsFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := dir + "/features.csv"
	text := "id,sepal_length,sepal_width,petal_length,petal_width\nflower,5.1,3.5,1.4,0.2\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startServe(t, "--max-rows", "1", "--features", "file:"+file,
		"--model", "a=../../model/iris.copse", "--model", "../../model/iris.golearn")
	for _, test := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/predict", setosa, 200, `"model":{"name":"a"`},
		{"/models/iris/predict", setosa, 200, `"model":{"name":"iris"`},
		{"/batch-predict", "[" + setosa + "," + setosa + "]", 413, `"code":"too_many_rows"`},
		{"/predict", `{"id":"flower"}`, 200, `{"prediction":"setosa"`},
		{"/predict", `{"id":"weed"}`, 422, `"code":"features_not_found"`},
		{"/batch-predict", `{"ids":["flower"]}`, 200, `[{"prediction":"setosa"`},
	} {
		status, body := p.post(t, test.path, test.body)
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", test.path, test.body, status, body, test.status, test.want)
		}
	}
}

func TestServeSpeaksHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	p := startServe(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	r, err := client.Post("http://"+p.addr+"/predict", "application/json", strings.NewReader(setosa))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.ProtoMajor != 2 || r.StatusCode != 200 {
		t.Errorf("got %s %s, want HTTP/2 200", r.Proto, r.Status)
	}
}

// TestDrippingIsCut: a header has 10 seconds and a body 30.
func TestDrippingIsCut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 seconds")
	}
	t.Parallel()
	p := startServe(t)
	for _, test := range []struct {
		name, head string
		most       time.Duration
	}{
		{"header", "POST /predict HTTP/1.1\r\nHost: x\r\nX-Drip: ", 12 * time.Second},
		{"body", "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", 33 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			drip(t, p.addr, test.head)
			if took := time.Since(start); took > test.most {
				t.Errorf("the connection was cut after %v, want at most %v", took, test.most)
			}
		})
	}
}

// drip sends a byte every 100 ms until the server closes the connection.
func drip(t *testing.T, addr, head string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, closed := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		closed()
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for text := head; ; text = " " {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func needMemory(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("memory is measured without the race detector")
	}
}

// peak is the most memory that a process held, in bytes.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("no /proc on this system: %v", err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatal("the process has ended")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// TestServeStaysUnder300MB: one client sends the largest bodies, many at once,
// of the forms that unfold most.
func TestServeStaysUnder300MB(t *testing.T) {
	needMemory(t)
	p := startServe(t)
	const size = 15 << 20
	bodies := map[string]string{
		"rows":     "[" + strings.Repeat(setosa+",", size/(len(setosa)+1)) + setosa + "]",
		"columns":  `{"columns":["sepal_length","sepal_width","petal_length","petal_width"],"data":[` + strings.Repeat("[5,3,1,1],", size/10) + "[5,3,1,1]]}",
		"bad rows": "[" + strings.Repeat("0,", size/2) + "0]",
		"unknown":  "[" + strings.Repeat(`{"a":1,"b":2,"c":3},`, size/20) + "{}]",
		"brackets": strings.Repeat("[", size),
		"empty":    "[" + strings.Repeat("{},", 99_999) + "{}]",
		"scalars":  "[" + strings.Repeat("0,", 99_999) + "0]",
		"a text":   `{"sepal_length":"` + strings.Repeat("x", size) + `"}`,
	}
	for name, body := range bodies {
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				r, err := http.Post("http://"+p.addr+"/batch-predict", "application/json", strings.NewReader(body))
				if err != nil {
					return // refused while the body was being sent
				}
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
			})
		}
		all.Wait()
		t.Logf("%s: peak %d MB", name, peak(t, p.Process.Pid)>>20)
	}
	if got := peak(t, p.Process.Pid); got >= 300<<20 {
		t.Errorf("the server held %d MB, want less than 300", got>>20)
	}
	if status, body := p.post(t, "/predict", setosa); status != 200 {
		t.Errorf("afterwards: got %d %s", status, body)
	}
}

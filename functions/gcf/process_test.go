package gcf

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// buildFlags are those of the build that is deployed.
var buildFlags = []string{
	"-trimpath", "-buildvcs=false", "-tags=validator_novalidatefn,grpcnotrace", "-ldflags=-s -w -buildid=",
}

// builtIn is the folder of the server that the tests share.
var builtIn string

var (
	makeFolder = sync.OnceValues(func() (_ string, err error) {
		builtIn, err = os.MkdirTemp("", "copse-gcf-")
		return builtIn, err
	})
	buildServer     = sync.OnceValues(func() (string, error) { return buildNamed("server") })
	buildHTTPServer = sync.OnceValues(func() (string, error) { return buildNamed("http", httpTag) })
)

func buildNamed(name string, tags ...string) (string, error) {
	folder, err := makeFolder()
	if err != nil {
		return "", err
	}
	return build(".", filepath.Join(folder, name), "example.com/copse/functions/gcf/server", tags...)
}

// httpTag is what function.yaml builds with beside buildFlags.
const httpTag = "copse_http"

func build(dir, out, target string, tags ...string) (string, error) {
	flags := slices.Clone(buildFlags)
	flags[2] = strings.Join(append([]string{flags[2]}, tags...), ",")
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, flags...), target)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return out, nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// serverBinary is the path of functions/gcf/server, built as it is deployed.
func serverBinary(t testing.TB) string {
	t.Helper()
	server, err := buildServer()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  logged
	line chan string // lines of its log; closed at its end
}

// launch starts a server and waits until it answers. Its environment holds
// what is given, and nothing of this process but PATH.
func launch(t testing.TB, binary string, environ ...string) *process {
	t.Helper()
	p := &process{url: "http://" + freeAddr(t), line: make(chan string, 1000)}
	_, port, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), ":")
	p.cmd = exec.Command(binary)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PORT=" + port}, environ...)
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.line)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			fmt.Fprintln(&p.log, lines.Text())
			p.line <- lines.Text()
		}
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
			conn.Close()
			return p
		}
	}
	t.Fatalf("the server does not listen: %s", p.log.String())
	return nil
}

func freeAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// await waits for a line of the log.
func (p *process) await(t testing.TB, text string) {
	t.Helper()
	for line := range p.line {
		if strings.Contains(line, text) {
			return
		}
	}
	t.Fatalf("the log never says %q: %s", text, p.log.String())
}

func (p *process) post(t testing.TB, path, media, body string) (status int, reply string) {
	t.Helper()
	r, err := http.Post(p.url+path, media, strings.NewReader(body))
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

// topics is the SDK's fake of Pub/Sub, and a client of it.
type topics struct {
	*pstest.Server
	client *pubsub.TopicAdminClient
}

func startPubSub(t testing.TB) *topics {
	t.Helper()
	server := pstest.NewServer()
	t.Cleanup(func() { server.Close() })
	t.Setenv("PUBSUB_EMULATOR_HOST", server.Addr)
	client, err := pubsub.NewTopicAdminClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &topics{server, client}
}

func (p *topics) create(t testing.TB, name string) {
	t.Helper()
	if _, err := p.client.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name}); err != nil {
		t.Fatal(err)
	}
}

const (
	answers = "projects/p/topics/answers"
	dead    = "projects/p/topics/dead"
)

// TestServerEvents sends events with the CloudEvents SDK's own client to the
// server as a process, which writes to a fake Pub/Sub.
func TestServerEvents(t *testing.T) {
	ps := startPubSub(t)
	ps.create(t, answers)
	ps.create(t, dead)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "PUBSUB_EMULATOR_HOST="+ps.Addr,
		"COPSE_SINK=pubsub:"+answers, "COPSE_DEAD_LETTER=pubsub:"+dead, "GOOGLE_CLOUD_PROJECT=garden")
	client, err := cloudevents.NewClientHTTP()
	if err != nil {
		t.Fatal(err)
	}
	for i, mode := range []func(context.Context) context.Context{cloudevents.WithEncodingBinary, cloudevents.WithEncodingStructured} {
		ctx := cloudevents.ContextWithTarget(mode(t.Context()), p.url)
		if result := client.Send(ctx, published(t, "1", fixture(t, "push-row.json"))); !cloudevents.IsACK(result) {
			t.Fatalf("got %v; log: %s", result, p.log.String())
		}
		if got := ps.Messages(); len(got) != i+1 {
			t.Fatalf("%d messages after %d events", len(got), i+1)
		}
	}
	first, second := ps.Messages()[0], ps.Messages()[1]
	if first.Attributes["copse_id"] != "1" || second.Attributes["copse_id"] != "1" || !bytes.Equal(first.Data, second.Data) {
		t.Errorf("got %v and %v", first, second)
	}
	var reply struct {
		Prediction string
		Source     struct{ Attributes map[string]string }
	}
	if err := json.Unmarshal(first.Data, &reply); err != nil || reply.Prediction != "setosa" || !strings.HasPrefix(reply.Source.Attributes["note"], "50% off") {
		t.Errorf("got %s, %v", first.Data, err)
	}
	poison := published(t, "5", fixture(t, "push-binary.json"))
	if result := client.Send(cloudevents.ContextWithTarget(t.Context(), p.url), poison); !cloudevents.IsACK(result) {
		t.Fatalf("got %v", result)
	}
	if got := ps.Messages(); len(got) != 3 || got[2].Attributes["copse_dead_letter"] != "true" {
		t.Errorf("got %v", got)
	}
	var status *cehttp.Result
	broken := published(t, "9", []byte(`{"no":"message"}`))
	result := client.Send(cloudevents.ContextWithTarget(t.Context(), p.url), broken)
	if !cloudevents.ResultAs(result, &status) || status.StatusCode != http.StatusBadRequest {
		t.Errorf("got %v", result)
	}
}

// TestServerRetries: while the topic of the results is missing, an event is not
// done; delivered again when the topic is there, it is.
func TestServerRetries(t *testing.T) {
	ps := startPubSub(t)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "PUBSUB_EMULATOR_HOST="+ps.Addr,
		"COPSE_SINK=pubsub:"+answers, "COPSE_TIMEOUT=5s")
	push := string(fixture(t, "push-row.json"))
	if status, reply := p.post(t, "/", "application/json", push); status != http.StatusServiceUnavailable {
		t.Fatalf("got %d %s", status, reply)
	}
	ps.create(t, answers)
	if status, reply := p.post(t, "/", "application/json", push); status != http.StatusOK {
		t.Fatalf("delivered again: got %d %s; log: %s", status, reply, p.log.String())
	}
	if got := ps.Messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestServerRefusesToStart: what is wrong is said at start, by name.
func TestServerRefusesToStart(t *testing.T) {
	tests := []struct {
		environ []string
		want    string
	}{
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=s3://bucket/results/"}, `no sink \"s3\"`},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=gs:bucket/results/"}, `must be \"SCHEME://BUCKET/PREFIX/\"`},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=gs://bucket/in/", "COPSE_OBJECTS=gs://bucket/", "STORAGE_EMULATOR_HOST=127.0.0.1:1"}, "results would trigger the function again"},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=sqs:https://sqs.example/q"}, `no sink \"sqs\"`},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=events:bus"}, `no sink \"events\"`},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=http://host.example/path"}, "https"},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=pubsub:answers"}, "pubsub:projects/PROJECT/topics/TOPIC"},
		{[]string{"FUNCTION_TARGET=OnEvent", "COPSE_DEAD_LETTER=s3://bucket/"}, `COPSE_DEAD_LETTER: `},
		{[]string{"FUNCTION_TARGET=Train"}, "the entry points are Predict and OnEvent"},
		{[]string{"COPSE_MODEL=nowhere.copse"}, "nowhere.copse"},
		{[]string{"COPSE_MAX_ROW=1"}, "did you mean COPSE_MAX_ROWS?"},
		{[]string{"PORT=http"}, "PORT: must be a port number"},
	}
	for _, tt := range tests {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		cmd := exec.CommandContext(ctx, serverBinary(t)) // one that starts all the same must not run on
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, tt.environ...)
		text, err := cmd.CombinedOutput()
		cancel()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 1 || !bytes.Contains(text, []byte(tt.want)) || !bytes.Contains(text, []byte(`"severity":"ERROR"`)) {
			t.Errorf("%v: got %v, %s, want %s", tt.environ, err, text, tt.want)
		}
	}
}

// halfway is a request whose header is sent and whose handler waits for the
// body: the server has said 100 Continue, which it does at the first read.
type halfway struct {
	conn   net.Conn
	reader *bufio.Reader
	body   string
}

func sendHalf(t testing.TB, url, path, body string) *halfway {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, len(body))
	h := &halfway{conn, bufio.NewReader(conn), body}
	if line, err := h.reader.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := h.reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return h
}

// finish sends the body and reads the reply to its end.
func (h *halfway) finish(t testing.TB) (status int, body string) {
	t.Helper()
	io.WriteString(h.conn, h.body)
	reply, err := http.ReadResponse(h.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

// checkStop sends SIGTERM while a request is half-way: readiness turns 503,
// the request is answered, the process ends with 0.
func checkStop(t *testing.T, p *process, path, body, want string) {
	t.Helper()
	if status, _ := p.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz before: got %d", status)
	}
	h := sendHalf(t, p.url, path, body)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for status := http.StatusOK; status != http.StatusServiceUnavailable; {
		status, _ = p.get(t, "/readyz") // until the signal has arrived
	}
	if status, reply := h.finish(t); status != http.StatusOK || !strings.Contains(reply, want) {
		t.Errorf("the request in flight: got %d %s", status, reply)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the process ends with %v: %s", err, p.log.String())
	}
}

func (p *process) get(t testing.TB, path string) (status int, reply string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(p.url + path)
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

func TestServerStops(t *testing.T) {
	p := launch(t, serverBinary(t))
	p.await(t, "listening on http://")
	checkStop(t, p, "/predict", row, `"prediction":"setosa"`)
}

func TestServerStopsAfterEvent(t *testing.T) {
	ps := startPubSub(t)
	ps.create(t, answers)
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "PUBSUB_EMULATOR_HOST="+ps.Addr, "COPSE_SINK=pubsub:"+answers)
	checkStop(t, p, "/", string(fixture(t, "push-row.json")), "")
	if got := ps.Messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestServerLogsTrace: a line about a request links to its trace.
func TestServerLogsTrace(t *testing.T) {
	p := launch(t, serverBinary(t), "FUNCTION_TARGET=OnEvent", "GOOGLE_CLOUD_PROJECT=garden")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, bytes.NewReader(fixture(t, "push-row.json")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Cloud-Trace-Context", traceID+"/67667974448284343;o=1")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	p.await(t, `"logging.googleapis.com/trace":"projects/garden/traces/`+traceID+`"`)
	for _, want := range []string{`"severity":"INFO"`, `"message":"result"`, `"logging.googleapis.com/spanId":"` + spanID + `"`, `"logging.googleapis.com/trace_sampled":true`} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, p.log.String())
		}
	}
}

// TestServerCutsWhatDrips: a header has 10 seconds and a body 30, whatever
// trickles in meanwhile.
func TestServerCutsWhatDrips(t *testing.T) {
	if testing.Short() || os.Getenv("CI") == "" {
		t.Skip("skipped: takes 30 seconds (set CI)")
	}
	for name, begin := range map[string]string{
		"10s": "POST /predict HTTP/1.1\r\nHost: h\r\nX-Drip: ",
		"30s": "POST /predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, serverBinary(t))
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start := time.Now()
			io.WriteString(conn, begin)
			drip := time.NewTicker(100 * time.Millisecond)
			defer drip.Stop()
			go func() {
				for range drip.C {
					if _, err := io.WriteString(conn, " "); err != nil {
						return
					}
				}
			}()
			_, _ = io.Copy(io.Discard, conn) // until the server closes it
			want, err := time.ParseDuration(name)
			if took := time.Since(start); err != nil || took < want-time.Second || took > want+5*time.Second {
				t.Errorf("cut after %v, want %v", took, want)
			}
		})
	}
}

// TestServerSize reports what is deployed, and holds it under a bound: a
// binary that grows by a quarter has linked something new.
func TestServerSize(t *testing.T) {
	small, err := buildHTTPServer()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		most       int64
	}{{"all", serverBinary(t), 34 << 20}, {httpTag, small, 15 << 20}} {
		info, err := os.Stat(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("functions/gcf/server, %s: %.1f MB", tt.name, float64(info.Size())/1e6)
		if info.Size() > tt.most {
			t.Errorf("%s: %d bytes, want at most %d", tt.name, info.Size(), tt.most)
		}
	}
}

// TestHTTPBuild: with the tag of function.yaml nothing of the clouds' clients is
// linked, and Predict answers; OnEvent says what it lacks.
func TestHTTPBuild(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-tags="+strings.TrimPrefix(buildFlags[2], "-tags=")+","+httpTag, "example.com/copse", "example.com/copse/functions/gcf/server")
	deps, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(deps)) {
		for _, not := range []string{"google.golang.org/grpc", "google.golang.org/api", "cloud.google.com/", "github.com/parquet-go", "github.com/klauspost/compress/zstd"} {
			if strings.HasPrefix(dep, not) {
				t.Errorf("%s is linked", strings.TrimSpace(dep))
			}
		}
	}
	binary, err := buildHTTPServer()
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, binary, "COPSE_SINK=gs://answers/")
	if status, reply := p.post(t, "/predict", "application/json", row); status != http.StatusOK || !strings.Contains(reply, `"prediction":"setosa"`) {
		t.Errorf("got %d %s", status, reply)
	}
	start := exec.Command(binary)
	start.Env = []string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=gs://answers/"}
	if text, err := start.CombinedOutput(); err == nil || !bytes.Contains(text, []byte(`no sink \"gs\"`)) {
		t.Errorf("got %v, %s", err, text)
	}
}

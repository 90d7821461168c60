package pagetest

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
	"syscall"
	"testing"
	"time"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

const root = "../../.."

// lack skips a test for which something is not installed, but fails it in CI,
// where everything is.
func lack(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// built is the copse command, built once for all tests.
var built struct {
	sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

func copse(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		var dir string
		if dir, built.err = os.MkdirTemp("", "copse-page"); built.err != nil { //nolint:usetesting // outlives the test that comes first
			return
		}
		built.path = filepath.Join(dir, "copse")
		out, err := exec.Command("go", "build", "-o", built.path, root+"/functions/local/copse").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

var listening = regexp.MustCompile(`listening on (http://[0-9.:]+)`)

// serve runs copse serve on a free port of the loopback until the test ends,
// and returns its address.
func serve(t testing.TB, args ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the server is another process: nothing here for a short run")
	}
	command := exec.Command(copse(t), append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	command.Env = append(command.Environ(), "COPSE_CACHE=off")
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := command.Wait(); err != nil {
			t.Errorf("copse serve: %v\n%s", err, log.String())
		}
	})
	select {
	case a := <-address:
		return a
	case <-ended:
		t.Fatalf("copse serve ended before it was ready:\n%s", log.String())
	case <-time.After(time.Minute):
		t.Fatal("copse serve was not ready within a minute")
	}
	return ""
}

// behindStage puts a proxy before a server that takes away the prefix of a
// stage, as API Gateway does, and returns the stage's address.
func behindStage(t testing.TB, address string) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/prod", &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL + "/prod"
}

// hostile is text that would become HTML, or end a script, if the page let it.
const hostile = `</script><img src=x onerror="document.title='broken'">`

// houses is a schema with everything that one can say.
func houses() schema.Document {
	return schema.Document{
		Name: "houses", Title: "House prices", Target: "price", Unit: "EUR",
		Description: "Made of random trees. " + hostile,
		Features: []schema.Feature{
			{Name: "area", Unit: "m²", Rules: "gte=10,lte=1000", Example: 120.0, Description: "Living area"},
			{Name: "rooms", Type: schema.Integer, Rules: "gte=1,lte=20", Example: 4.0, Missing: schema.Allow},
			{Name: "garden", Type: schema.Boolean, Example: true},
			{Name: "heating", Type: schema.Category, Categories: []string{"gas", "heat pump", hostile}, Missing: schema.Allow},
			{Name: "age", Unit: "years", Rules: "gte=0", Missing: schema.Fill, Default: 30.0},
			{Name: "depth", Rules: "gt=0,lt=100,ne=50"},
			{Name: "__proto__", Description: hostile},
			{Name: "submit", Type: schema.Category, Categories: []string{"addEventListener", "a,\"b\""}},
			// Bounded, since beyond 2^53 JSON Schema counts integers one by one
			// and numbers of 64 bits do not.
			{Name: "floor", Type: schema.Integer, Rules: "gte=-5,lt=200"},
		},
	}
}

// schemaOf is a schema of n numbers.
func schemaOf(n int) schema.Document {
	doc := schema.Document{Name: "many", Title: "Many features", Labels: []string{"no", "yes"}}
	for i := range n {
		doc.Features = append(doc.Features, schema.Feature{Name: fmt.Sprintf("f%d", i), Example: float64(i)})
	}
	return doc
}

// writeBundle compiles a random forest for a schema and returns its file.
func writeBundle(t testing.TB, doc schema.Document) string {
	t.Helper()
	m := irtest.Forest(irtest.Shape{Trees: 20, Depth: 4, Features: len(doc.Features), Precision: ir.Float32, Missing: true, Seed: 7})
	bundle, err := predict.Compile(m, doc, predict.Info{Name: doc.Name}, irtest.Rows(m, 5, 1))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), doc.Name+".copse")
	if err := os.WriteFile(path, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// installed finds a file of a virtual environment below .venv.
func installed(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, ".venv", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		lack(t, "no .venv/"+pattern+": make the environment from the requirements file here")
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

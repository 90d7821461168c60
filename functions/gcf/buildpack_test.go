package gcf

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	// The main that the build pack writes imports it, so go.mod has to know it.
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

// buildPackMain is what Google's build pack writes beside the function's source
// where the root package registers declaratively
// (GoogleCloudPlatform/buildpacks, cmd/go/functions_framework): a main that
// imports the root package for its registrations and starts the framework.
const buildPackMain = `package main

import (
	"log"
	"os"

	_ "example.com/copse"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := funcframework.Start(port); err != nil {
		log.Fatal(err)
	}
}
`

// mainDir is where the build pack puts it.
const mainDir = "functions.local/app"

// TestRootPackage: the build pack takes one package from the root, tests
// included, and recognises registration by the import of functions.
func TestRootPackage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	registers := false
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Name.Name != "copse" {
			t.Errorf("%s is of package %s", file, parsed.Name.Name)
		}
		for _, i := range parsed.Imports {
			registers = registers || i.Path.Value == `"github.com/GoogleCloudPlatform/functions-framework-go/functions"`
		}
	}
	if !registers {
		t.Error("the root package itself does not import the framework's functions")
	}
	if _, err := os.Stat(filepath.Join(root, "copse")); err == nil {
		t.Error("a file or folder called like the root package would be taken for it")
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !bytes.Contains(mod, []byte("\ngo 1.26.0\n")) || !bytes.HasPrefix(mod, []byte("module example.com/")) {
		t.Errorf("go.mod: want a module path with a dot and go 1.26.0: %v", err)
	}
}

// ignored reads .gcloudignore. Its lines here have four forms: "/path" from the
// root, "name/" anywhere, "*.suffix", and ".*" for hidden files and folders.
func ignored(t *testing.T) func(path string, dir bool) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".gcloudignore"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return func(path string, dir bool) bool {
		return slices.ContainsFunc(lines, func(line string) bool {
			if rooted, ok := strings.CutPrefix(line, "/"); ok {
				return path == strings.TrimSuffix(rooted, "/")
			}
			if line == ".*" {
				return filepath.Base(path)[0] == '.'
			}
			if suffix, ok := strings.CutPrefix(line, "*"); ok {
				return strings.HasSuffix(path, suffix)
			}
			return dir && filepath.Base(path) == strings.TrimSuffix(line, "/")
		})
	}
}

// uploaded lists the files that gcloud uploads, relative to the root.
func uploaded(t *testing.T) []string {
	t.Helper()
	skip := ignored(t)
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return err
		}
		switch {
		case skip(rel, d.IsDir()) && d.IsDir():
			return fs.SkipDir
		case !skip(rel, d.IsDir()) && d.Type().IsRegular():
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestUpload holds uploaded against gcloud's own list, and looks at what is
// in it.
func TestUpload(t *testing.T) {
	files := uploaded(t)
	for _, want := range []string{"function.go", "go.mod", "go.sum", "model/iris.copse", "functions/gcf/gcf.go"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is not uploaded", want)
		}
	}
	if i := slices.IndexFunc(files, func(f string) bool { return strings.HasPrefix(f, ".") || strings.Contains(f, "testdata/") }); i >= 0 {
		t.Errorf("%s is uploaded", files[i])
	}
	cmd := exec.Command(need(t, "gcloud"), "meta", "list-files-for-upload", ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir())
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	real := strings.Fields(string(list))
	slices.Sort(real)
	slices.Sort(files)
	if !slices.Equal(files, real) {
		t.Errorf("got\n%v\ngcloud says\n%v", files, real)
	}
}

// buildPackTree is a clean copy of what is uploaded, with the build pack's main.
func buildPackTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range uploaded(t) {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file), content)
	}
	write(t, filepath.Join(dir, mainDir, "main.go"), []byte(buildPackMain))
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBuildPack builds and runs what Google would: both entry points, through
// the framework's own server.
func TestBuildPack(t *testing.T) {
	dir := buildPackTree(t)
	binary, err := build(dir, filepath.Join(t.TempDir(), "main"), "./"+mainDir)
	if err != nil {
		t.Fatal(err)
	}
	// As function.yaml says it.
	small, err := build(dir, filepath.Join(t.TempDir(), "main"), "./"+mainDir, httpTag)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("tidy", func(t *testing.T) { checkTidy(t, dir) })
	t.Run("Predict", func(t *testing.T) {
		p := launch(t, small, "FUNCTION_TARGET=Predict")
		if status, reply := p.post(t, "/predict", "application/json", row); status != http.StatusOK || !strings.Contains(reply, `"prediction":"setosa"`) {
			t.Errorf("got %d %s", status, reply)
		}
		checkStop(t, p, "/predict", row, `"prediction":"setosa"`)
	})
	t.Run("no target", func(t *testing.T) {
		p := launch(t, small)
		if status, reply := p.post(t, "/predict", "application/json", row); status != http.StatusOK {
			t.Errorf("got %d %s", status, reply)
		}
	})
	t.Run("OnEvent", func(t *testing.T) { checkBuildPackEvents(t, binary) })
	t.Run("a failed load", func(t *testing.T) {
		cmd := exec.Command(binary)
		cmd.Env = []string{"FUNCTION_TARGET=OnEvent", "COPSE_SINK=s3://bucket/", "PORT=1"}
		if text, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(text, []byte(`no sink \"s3\"`)) {
			t.Errorf("got %v, %s", err, text)
		}
	})
}

// checkTidy: the build pack runs go mod tidy with its main in place, which
// must find nothing to change. That needs the modules of all tests of all
// dependencies; only CI may fetch what the module cache lacks.
func checkTidy(t *testing.T, dir string) {
	cmd := exec.Command("go", "mod", "tidy", "-diff")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	if os.Getenv("CI") == "" {
		cmd.Env = append(cmd.Env, "GOPROXY=off")
	}
	text, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case bytes.Contains(text, []byte("GOPROXY=off")):
		t.Skipf("skipped: the module cache lacks a module: %s", text)
	default:
		t.Errorf("go mod tidy would change go.mod or go.sum: %s", text)
	}
}

func checkBuildPackEvents(t *testing.T, binary string) {
	ps := startPubSub(t)
	ps.create(t, answers)
	p := launch(t, binary, "FUNCTION_TARGET=OnEvent", "PUBSUB_EMULATOR_HOST="+ps.Addr, "COPSE_SINK=pubsub:"+answers)
	for _, tt := range []struct {
		name, media, body string
		status            int
	}{
		{"push", "application/json", string(fixture(t, "push-row.json")), http.StatusOK},
		{"broken CloudEvent", "application/cloudevents+json", `{"specversion":"1.0","id":"50%d off`, http.StatusBadRequest},
		{"poison", "application/json", string(fixture(t, "push-binary.json")), http.StatusBadRequest},
	} {
		if status, reply := p.post(t, "/", tt.media, tt.body); status != tt.status || strings.Contains(reply, "%!") {
			t.Errorf("%s: got %d %s", tt.name, status, reply)
		}
	}
	if got := ps.Messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
	checkStop(t, p, "/", string(fixture(t, "push-row.json")), "")
}

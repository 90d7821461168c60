package templatetest

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a program of .venv/sam in the repository's root.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	command := exec.Command(tool(t, name), args...)
	command.Dir = root
	// The tool's own notes go elsewhere than into the home folder.
	command.Env = append(offline(), "__SAM_CLI_APP_DIR="+t.TempDir())
	out, err := command.CombinedOutput()
	return string(out), err
}

// TestLint: the linters pass both templates, and see a fault in one.
func TestLint(t *testing.T) {
	t.Parallel()
	faulty := filepath.Join(t.TempDir(), "faulty.yaml")
	text := strings.Replace(source(t, mainTemplate), "maxReceiveCount: 5", "maxReceiveCounts: 5", 1)
	if err := os.WriteFile(faulty, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// One process for all, since each takes seconds to begin.
	out, err := run(t, "cfn-lint", "--non-zero-exit-code", "informational", "--format", "parseable", "--", mainTemplate, mapTemplate, faulty)
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, faulty+":") {
			t.Errorf("cfn-lint: %s", line)
		}
	}
	if err == nil || !strings.Contains(out, "maxReceiveCounts") {
		t.Errorf("a misspelt property passed: %v\n%s", err, out)
	}
	for _, template := range []string{mainTemplate, mapTemplate} {
		if out, err := run(t, "sam", "validate", "--lint", "--template-file", template); err != nil {
			t.Errorf("sam validate: %s: %v\n%s", template, err, out)
		}
	}
}

// TestBuild builds the functions of both templates as `sam build` does, with
// make and no container, and looks at what Lambda would be given.
func TestBuild(t *testing.T) {
	t.Parallel()
	for template, functions := range map[string][]string{
		mainTemplate: {"PredictFunction", "EventsFunction"},
		mapTemplate:  {"EventsFunction"},
	} {
		t.Run(template, func(t *testing.T) {
			folder := t.TempDir()
			out, err := run(t, "sam", "build", "--template-file", template,
				"--build-dir", filepath.Join(folder, "build"), "--cache-dir", filepath.Join(folder, "cache"))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, function := range functions {
				checkBootstrap(t, function, filepath.Join(folder, "build", function, "bootstrap"))
			}
		})
	}
}

// checkBootstrap: it runs where Lambda runs it, and tells nothing of where it
// was built.
func checkBootstrap(t *testing.T, function, path string) {
	t.Helper()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 != 0o111 {
		t.Errorf("%s: bootstrap is not executable: %v %v", function, info.Mode(), err)
	}
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("%s: built for %v, want arm64", function, f.Machine)
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) != 0 {
		t.Errorf("%s: needs shared libraries %v %v", function, libraries, err)
	}
	if bytes.Contains(binary, []byte(here)) || f.Section(".symtab") != nil {
		t.Errorf("%s: carries symbols or paths of the machine that built it", function)
	}
}

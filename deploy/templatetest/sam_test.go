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

// lint names the linters; both must pass the template and see a fault in it.
var lint = []struct {
	name string
	run  func(t *testing.T, template string) (string, error)
}{
	{"cfn-lint", func(t *testing.T, template string) (string, error) {
		return run(t, "cfn-lint", "--non-zero-exit-code", "informational", template)
	}},
	{"sam validate", func(t *testing.T, template string) (string, error) {
		return run(t, "sam", "validate", "--lint", "--template-file", template)
	}},
}

func TestLint(t *testing.T) {
	faulty := filepath.Join(t.TempDir(), "faulty.yaml")
	text := strings.Replace(source(t), "maxReceiveCount: 5", "maxReceiveCounts: 5", 1)
	if err := os.WriteFile(faulty, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range lint {
		t.Run(l.name, func(t *testing.T) {
			for _, template := range []string{"template.yaml", mapTemplate} {
				if out, err := l.run(t, template); err != nil {
					t.Errorf("%s: %v\n%s", template, err, out)
				}
			}
			if out, err := l.run(t, faulty); err == nil || !strings.Contains(out, "maxReceiveCounts") {
				t.Errorf("a misspelt property passed: %v\n%s", err, out)
			}
		})
	}
}

// TestBuild builds both functions as `sam build` does, with make and no
// container, and looks at what Lambda would be given.
func TestBuild(t *testing.T) {
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if out, err := run(t, "sam", "build", "--build-dir", filepath.Join(folder, "build"), "--cache-dir", filepath.Join(folder, "cache")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, function := range []string{"PredictFunction", "EventsFunction"} {
		path := filepath.Join(folder, "build", function, "bootstrap")
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
}

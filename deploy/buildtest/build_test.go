// Package buildtest builds what is deployed twice, in two folders, and holds
// the bytes equal: whoever has the sources can check a binary.
package buildtest

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// copySources copies what builds need to another folder: Go packages with what
// they embed, and the Makefile.
func copySources(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"functions", "model", "pkg", "deploy"} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// built makes everything that is deployed from the sources in folder, into out.
func built(t *testing.T, folder, out string) map[string][]byte {
	t.Helper()
	command := exec.Command("make", "copse", "lambda", "server", "zip",
		"BIN="+filepath.Join(out, "bin"), "DIST="+filepath.Join(out, "dist"), "VERSION=v1.2.3", "COMMIT=0123456789abcdef")
	command.Dir = folder
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, text)
	}
	files := make(map[string][]byte)
	for _, name := range []string{
		"bin/copse", "bin/server", "bin/predict/bootstrap", "bin/events/bootstrap",
		"dist/predict-arm64.zip", "dist/predict-amd64.zip", "dist/events-arm64.zip", "dist/events-amd64.zip",
	} {
		content, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
	}
	return files
}

func TestBuildsAreReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("builds all binaries twice")
	}
	one, other := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	copySources(t, root, one)
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	copySources(t, one, other)
	here, there := built(t, one, t.TempDir()), built(t, other, t.TempDir())
	for name, content := range here {
		if !bytes.Equal(content, there[name]) {
			t.Errorf("%s: the same sources gave other bytes in another folder (%d and %d)", name, len(content), len(there[name]))
		}
	}
	checkFlags(t, here)
	checkVersion(t, here["bin/copse"])
}

// checkFlags looks at what the linker wrote down of how a binary was built.
func checkFlags(t *testing.T, files map[string][]byte) {
	for name, tags := range map[string]string{
		"bin/copse":             "lambda.norpc,validator_novalidatefn",
		"bin/predict/bootstrap": "lambda.norpc,validator_novalidatefn",
		"bin/events/bootstrap":  "lambda.norpc,validator_novalidatefn",
		"bin/server":            "lambda.norpc,validator_novalidatefn,grpcnotrace",
	} {
		info, err := buildinfo.Read(bytes.NewReader(files[name]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := make(map[string]string)
		for _, s := range info.Settings {
			got[s.Key] = s.Value
		}
		for key, want := range map[string]string{"CGO_ENABLED": "0", "-trimpath": "true", "-tags": tags} {
			if got[key] != want {
				t.Errorf("%s: %s is %q, want %q", name, key, got[key], want)
			}
		}
	}
}

func checkVersion(t *testing.T, copse []byte) {
	path := filepath.Join(t.TempDir(), "copse")
	if err := os.WriteFile(path, copse, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"v1.2.3", "0123456789abcdef"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("copse version says %q, want it to hold %s", out, want)
		}
	}
}

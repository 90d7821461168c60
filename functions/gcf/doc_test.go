package gcf

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const noAccount = "do not currently have an active account selected"

// dryRun says what gcloud says of each command, without an account.
func dryRun(t *testing.T, commands [][]string) []string {
	t.Helper()
	program, err := filepath.EvalSymlinks(need(t, "gcloud"))
	if err != nil {
		t.Fatal(err)
	}
	sdk := filepath.Dir(filepath.Dir(program))
	python := filepath.Join(sdk, "platform/bundledpythonunix/bin/python3")
	if _, err := os.Stat(python); err != nil {
		python = need(t, "python3")
	}
	var lines bytes.Buffer
	for _, command := range commands {
		if err := json.NewEncoder(&lines).Encode(command); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/dryrun.py", sdk)
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	cmd.Stdin = &lines
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	said := strings.Split(string(text), "=== ")[1:]
	if len(said) != len(commands) {
		t.Fatalf("gcloud says %d things of %d commands: %s", len(said), len(commands), text)
	}
	return said
}

// documented are the blocks of shell commands in docs/google.md.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/google.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(text, -1) {
		script.Write(block[1])
	}
	return script.String()
}

// expand runs a script with a program in gcloud's place that notes its
// arguments, and says something where it is asked for a value.
func expand(t *testing.T, script string) [][]string {
	t.Helper()
	bin, notes := t.TempDir(), filepath.Join(t.TempDir(), "notes")
	const stub = "#!/bin/sh\nfor a; do printf '%s\\0' \"$a\" >>\"$NOTES\"; done\nprintf '\\n' >>\"$NOTES\"\necho said-by-gcloud\n"
	if err := os.WriteFile(filepath.Join(bin, "gcloud"), []byte(stub), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = root
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "NOTES=" + notes}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	noted, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	var commands [][]string
	for line := range strings.Lines(string(noted)) {
		args := strings.Split(line, "\x00")
		commands = append(commands, args[:len(args)-1])
	}
	return commands
}

// TestDocumentedCommands: every command of docs/google.md has the flags that
// gcloud knows, and flags files that are there.
func TestDocumentedCommands(t *testing.T) {
	commands := expand(t, documented(t))
	if len(commands) < 30 {
		t.Fatalf("%d commands", len(commands))
	}
	for i, args := range commands {
		for j, a := range args {
			if file, ok := strings.CutPrefix(a, "--flags-file="); ok {
				if _, err := os.Stat(filepath.Join(root, file)); err != nil {
					t.Error(err)
				}
				commands[i][j] = "--flags-file=" + filepath.Join(root, file)
			}
		}
	}
	for i, said := range dryRun(t, commands) {
		if !strings.Contains(said, noAccount) {
			t.Errorf("gcloud %q: %s", commands[i], said)
		}
	}
}

// TestDryRunChecks proves that the check above checks.
func TestDryRunChecks(t *testing.T) {
	for i, said := range dryRun(t, [][]string{
		{"pubsub", "topics", "creat", "rows"},
		{"tasks", "queues", "create", "rows", "--location=l", "--max-atempts=3"},
		{"pubsub", "subscriptions", "create", "rows", "--topic=rows", "--min-retry-delay=soon"},
	}) {
		if strings.Contains(said, noAccount) || !strings.Contains(said, "ERROR") {
			t.Errorf("%d: %s", i, said)
		}
	}
}

// TestDocumentedSettings: settings in the commands exist and go together, and
// every flags file is used.
func TestDocumentedSettings(t *testing.T) {
	used := map[string]bool{"function.yaml": true}
	for _, args := range expand(t, documented(t)) {
		var environ []string
		for _, a := range args {
			if list, ok := strings.CutPrefix(a, "--set-env-vars="); ok {
				environ = strings.Split(list, ",")
			}
			if file, ok := strings.CutPrefix(a, "--flags-file="); ok {
				used[file] = true
			}
		}
		if environ == nil {
			continue
		}
		if !slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "COPSE_SINK=") }) {
			t.Errorf("%q: no sink", args)
			continue
		}
		launch(t, serverBinary(t), append(environ, "FUNCTION_TARGET=OnEvent",
			"STORAGE_EMULATOR_HOST=127.0.0.1:1", "PUBSUB_EMULATOR_HOST=127.0.0.1:1")...)
	}
	for _, f := range flagFiles {
		if !used[f.file] {
			t.Errorf("docs/google.md does not use %s", f.file)
		}
	}
}

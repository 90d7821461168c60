package templatetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the documents that tell how to deploy.
var pages = map[string]string{"docs/aws.md": "template.yaml", "docs/scale.md": mapTemplate}

// commands are the lines of a page's code that begin with a word.
func commands(t *testing.T, page, word string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "\n```") {
		if i%2 == 0 {
			continue
		}
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(line, word+" ") {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		t.Fatalf("%s has no %s commands", page, word)
	}
	return lines
}

// TestDocumentedCommands: the aws commands of the pages are ones that AWS's
// services know, with options that they have.
func TestDocumentedCommands(t *testing.T) {
	python := states(t, "python")
	wrong := []string{
		"aws sqs start-message-moving-task --source-arn A",
		"aws sqs start-message-move-task --source A",
		"aws sqs start-message-move-task",
		`aws s3api put-bucket-notification-configuration --bucket b --notification-configuration '{"EventBridge":{}}'`,
	}
	all := slices.Clone(wrong)
	for page := range pages {
		all = append(all, commands(t, page, "aws")...)
	}
	command := exec.Command(python, "commands.py")
	command.Stdin = strings.NewReader(strings.Join(all, "\n"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Each problem begins with its command.
	for _, line := range wrong {
		if !strings.Contains(string(out), line+": ") {
			t.Errorf("no problem was found in %s", line)
		}
	}
	for _, line := range all[len(wrong):] {
		if _, problem, found := strings.Cut(string(out), line+": "); found {
			t.Errorf("%s: %s", line, problem)
		}
	}
}

var setting = regexp.MustCompile("(?:^|[ `])([A-Z][A-Za-z]+)=")

// TestDocumentedParameters: what the pages set are parameters of the templates,
// and docs/aws.md names every one that switches something on.
func TestDocumentedParameters(t *testing.T) {
	for page, path := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(source), "\nConditions:")
		for _, m := range setting.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(head, "\n  "+m[1]+":\n") {
				t.Errorf("%s sets %s, which is no parameter of %s", page, m[1], path)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		for name := range s.given {
			if name != "ResultName" && name != "CorsOrigins" && !strings.Contains(string(text), name) {
				t.Errorf("docs/aws.md does not name %s", name)
			}
		}
	}
}

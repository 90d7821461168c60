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

var (
	setting   = regexp.MustCompile("(?:^|[ `])([A-Z][A-Za-z]+)=")
	parameter = regexp.MustCompile(`(?m)^  ([A-Z][A-Za-z]+):$`)
)

// TestDocumentedParameters: what the pages set are parameters of the templates,
// and docs/aws.md names every one.
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
	text := source(t, "docs/aws.md")
	head, _, _ := strings.Cut(source(t, mainTemplate), "\nMappings:")
	_, parameters, _ := strings.Cut(head, "\nParameters:")
	names := parameter.FindAllStringSubmatch(parameters, -1)
	if len(names) < 30 {
		t.Errorf("%d parameters", len(names))
	}
	for _, m := range names {
		if !regexp.MustCompile("`[^`\n]*\\b" + m[1] + "\\b").MatchString(text) {
			t.Errorf("docs/aws.md does not name %s", m[1])
		}
	}
}

// TestDocumentedSam: sam knows the options of its commands on the pages, and
// the state machine never goes into the build folder or the stack of
// template.yaml.
func TestDocumentedSam(t *testing.T) {
	help := make(map[string]string)
	for _, command := range []string{"build", "deploy"} {
		out, err := run(t, "sam", command, "--help")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		help[command] = out
	}
	for page := range pages {
		for _, line := range append(commands(t, page, "sam"), commands(t, page, "BUNDLES=$PWD/my.copse")...) {
			words := strings.Fields(line[strings.Index(line, "sam "):])
			for _, word := range words[2:] {
				option := regexp.MustCompile(`(?:^|[\s,])` + regexp.QuoteMeta(word) + `(?:[\s,]|$)`)
				if strings.HasPrefix(word, "-") && !option.MatchString(help[words[1]]) {
					t.Errorf("%s: sam %s has no %s", page, words[1], word)
				}
			}
			if page != "docs/scale.md" {
				continue
			}
			for _, want := range map[string][]string{"build": {"-b"}, "deploy": {"-t", "--stack-name", "--config-env"}}[words[1]] {
				if !slices.Contains(words, want) {
					t.Errorf("%s: %s without %s", page, line, want)
				}
			}
		}
	}
}

// Package templatetest holds template.yaml against what the linters miss: the
// SAM transform is run over it, as CloudFormation would, its parameters and
// conditions are worked out for every switch and every pair of them, and the
// result is checked for what would fail, or lose messages, only once it is
// deployed. Each check has a mutation of the template that it must catch.
//
// The state machine of deploy/distributed-map is linted, and executed on moto's
// engine (see engine.py for what it lacks and what is added), with the binary
// that is deployed behind it, between two buckets of moto's.
//
// It needs the Python packages of requirements.txt in .venv/sam, and those of
// requirements-states.txt in .venv/states:
//
//	python3 -m venv .venv/sam && .venv/sam/bin/pip install -r deploy/templatetest/requirements.txt
//	python3 -m venv .venv/states && .venv/states/bin/pip install -r deploy/templatetest/requirements-states.txt
package templatetest

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	root         = "../.."
	mainTemplate = "template.yaml"
	mapTemplate  = "deploy/distributed-map/template.yaml"
)

// tool returns the absolute path of a program of .venv/sam.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".venv", "sam", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		const how = "%s is not installed: see the package's document for the two commands"
		if os.Getenv("CI") != "" {
			t.Fatalf(how, path)
		}
		t.Skipf(how, path)
	}
	return path
}

// offline is the environment of the tools: no telemetry, no account.
func offline() []string {
	return append(os.Environ(), "SAM_CLI_TELEMETRY=0", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_EC2_METADATA_DISABLED=true")
}

func source(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

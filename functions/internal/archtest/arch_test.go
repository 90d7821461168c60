// Package archtest fails when the code goes against the map of the packages,
// map.txt, which ARCHITECTURE.md shows. Standard library only.
package archtest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "example.com/copse"
	root   = "../../.."
)

// arrows are the map's lines of one kind ("->" or "!!"), in its order.
type arrows []struct {
	from string
	to   []string
}

// read returns the map's lines whose second word is kind.
func read(t *testing.T, kind string) arrows {
	t.Helper()
	text, err := os.ReadFile("map.txt")
	if err != nil {
		t.Fatal(err)
	}
	return parse(string(text), kind)
}

func parse(text, kind string) (lines arrows) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 1 && words[1] == kind {
			lines = append(lines, struct {
				from string
				to   []string
			}{words[0], words[2:]})
		}
	}
	return lines
}

// list runs go list in the repository's root; a line of its answer is a package.
// It opens the folders that go list reads, so that go test sees what its own
// memory of results depends on.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	for _, folder := range []string{"functions", "model", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", append([]string{"list"}, args...)...)
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// imports returns what each package of functions, model, pkg and the root
// imports of this module, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, ".", "./functions/...", "./model/...", "./pkg/...") {
		words := strings.Fields(line)
		from := short(words[0])
		found[from] = []string{}
		for _, path := range words[1:] {
			if path == module || strings.HasPrefix(path, module+"/") {
				found[from] = append(found[from], short(path))
			}
		}
	}
	return found
}

// short is a package's name on the map.
func short(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// disagreements says where the code and the map differ.
func disagreements(lines arrows, code map[string][]string) (wrong []string) {
	place := make(map[string]int)
	for i, line := range lines {
		if _, twice := place[line.from]; twice {
			wrong = append(wrong, line.from+" has two lines")
		}
		place[line.from] = i
	}
	for i, line := range lines {
		imported, exists := code[line.from]
		if !exists {
			wrong = append(wrong, line.from+" is on the map but not in the code")
		}
		for _, to := range line.to {
			if below, known := place[to]; !known || below <= i {
				wrong = append(wrong, "the arrow "+line.from+" -> "+to+" does not go down")
			}
			if exists && !slices.Contains(imported, to) {
				wrong = append(wrong, line.from+" does not import "+to+": take the arrow off the map")
			}
		}
		for _, to := range imported {
			if !slices.Contains(line.to, to) {
				wrong = append(wrong, line.from+" imports "+to+", which the map does not allow")
			}
		}
	}
	for from, imported := range code {
		// A package that holds tests only has no place on the map.
		if _, known := place[from]; !known && len(imported) > 0 {
			wrong = append(wrong, from+" is not on the map: give it a line")
		}
	}
	return wrong
}

func TestImports(t *testing.T) {
	for _, wrong := range disagreements(read(t, "->"), imports(t)) {
		t.Error(wrong)
	}
}

// TestImportsCanFail shows each kind of disagreement.
func TestImportsCanFail(t *testing.T) {
	code := map[string][]string{"functions/a": {"pkg/b"}, "pkg/b": {}}
	tests := []struct{ name, text, want string }{
		{"agrees", "functions/a -> pkg/b\npkg/b ->", ""},
		{"not allowed", "functions/a ->\npkg/b ->", "functions/a imports pkg/b, which the map does not allow"},
		{"goes up", "pkg/b ->\nfunctions/a -> pkg/b", "the arrow functions/a -> pkg/b does not go down"},
		{"stale arrow", "functions/a -> pkg/b pkg/c\npkg/b ->\npkg/c ->", "functions/a does not import pkg/c: take the arrow off the map"},
		{"stale package", "functions/a -> pkg/b\npkg/b ->\npkg/c ->", "pkg/c is on the map but not in the code"},
		{"new package", "pkg/b ->", "functions/a is not on the map: give it a line"},
		{"two lines", "functions/a -> pkg/b\npkg/b ->\npkg/b ->", "pkg/b has two lines"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := disagreements(parse(tt.text, "->"), code)
			if tt.want == "" && len(got) != 0 || tt.want != "" && !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// tags are those that functions are built with; the Makefile says why.
const tags = "lambda.norpc,validator_novalidatefn,grpcnotrace"

// linked returns the packages of links that start with one of the prefixes.
func linked(links, prefixes []string) (found []string) {
	for _, path := range links {
		for _, prefix := range prefixes {
			if path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") {
				found = append(found, path)
			}
		}
	}
	return found
}

func TestLinks(t *testing.T) {
	binaries := make(map[string][]string)
	for _, line := range read(t, "!!") {
		if binaries[line.from] == nil {
			binaries[line.from] = list(t, "-deps", "-tags", tags, "./"+line.from)
		}
		for _, path := range linked(binaries[line.from], line.to) {
			t.Errorf("%s links %s", line.from, path)
		}
	}
	if len(binaries) < 4 {
		t.Errorf("the map speaks of %d binaries", len(binaries))
	}
	// The same look finds what is there, so an empty finding means something.
	if len(linked(binaries["functions/lambda/events"], []string{"github.com/aws/aws-sdk-go-v2"})) == 0 {
		t.Error("no SDK found in the binary that has one")
	}
}

// TestArchitectureShowsTheMap: the document's map is this one, whole.
func TestArchitectureShowsTheMap(t *testing.T) {
	text, err := os.ReadFile("map.txt")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), string(text)) {
		t.Error("ARCHITECTURE.md does not show functions/internal/archtest/map.txt as it is now: copy it there")
	}
}

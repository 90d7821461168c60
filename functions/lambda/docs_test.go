package lambda_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs: every test that the tables of events name is there: a case of the
// events of a cloud, or a test.
func TestDocs(t *testing.T) {
	const root = "../.."
	var pages []byte
	for _, name := range []string{"README.md", "docs/events.md"} {
		page, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(append(pages, page...), '\n')
	}
	known := map[string]bool{}
	test := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, dir := range []string{"functions", "pkg", "deploy", "testdata/events"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case strings.HasSuffix(path, ".txtar"):
				known[strings.TrimSuffix(filepath.Base(path), ".txtar")] = true
			case strings.HasSuffix(path, "_test.go"):
				code, err := os.ReadFile(path)
				for _, m := range test.FindAllSubmatch(code, -1) {
					known[string(m[1])] = true
				}
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	name := regexp.MustCompile("`([\\w-]+)`")
	named := 0
	tests := false // in a table whose last column is called so
	for line := range strings.Lines(string(pages)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			tests = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		last := strings.TrimSpace(cells[len(cells)-1])
		if tests = tests || last == "test"; !tests {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(last, -1) {
			if named++; !known[m[1]] {
				t.Errorf("a table of events names the test %s, which is nowhere", m[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("the tables name %d tests only", named)
	}
}

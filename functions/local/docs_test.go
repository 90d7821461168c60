package local

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestInspectIsDocumented holds the table of docs/command.md to the members of
// inspect --json.
func TestInspectIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/command.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## `inspect --json`")
	if !ok {
		t.Fatal("no section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(section, -1) {
		for _, m := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(row[1], -1) {
			told = append(told, m[1])
		}
	}
	var members []string
	for i := range reflect.TypeFor[description]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[description]().Field(i).Tag.Get("json"), ",")
		members = append(members, name)
	}
	slices.Sort(told)
	slices.Sort(members)
	if !slices.Equal(told, members) {
		t.Errorf("docs/command.md tells of %q, and the members are %q", told, members)
	}
}

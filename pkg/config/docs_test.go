package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

// TestDocument holds docs/settings.md to the list.
func TestDocument(t *testing.T) {
	const path = "../../docs/settings.md"
	var b strings.Builder
	b.WriteString(`# Settings

<!-- Written by go test ./pkg/config -update. Do not edit: change pkg/config/settings.go. -->

A function reads these from its environment; ` + "`copse serve`" + ` takes the same as flags (` + "`COPSE_MAX_ROWS`" + ` is ` + "`--max-rows`" + `). All are checked at start, and a ` + "`COPSE_`" + ` name that is not in this table is refused.

| setting | default | unit | what it is | why so |
|---|---|---|---|---|
`)
	for _, s := range Settings() {
		value := "none"
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, value, s.Unit, s.Help, s.Reason)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the list says: run go test ./pkg/config -update", path)
	}
}

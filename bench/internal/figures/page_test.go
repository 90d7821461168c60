package figures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	from, to := marks("bench")
	page := "a\n" + from + "old\n" + to + "b\n"
	got, err := replace(page, "bench", "new\n")
	if want := "a\n" + from + "new\n" + to + "b\n"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	again, err := replace(got, "bench", "new\n")
	if again != got || err != nil {
		t.Errorf("a second time: got %q, %v, want %q", again, err, got)
	}
	other, _ := marks("bench-peers")
	for _, bad := range []string{"", from, to, to + from, other + to} {
		if _, err := replace(bad, "bench", "new\n"); err == nil {
			t.Errorf("replace(%q): got no error", bad)
		}
	}
}

func TestDeliver(t *testing.T) {
	from, to := marks("bench")
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("a\n"+from+to), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Deliver(page, "bench", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if want := "a\n" + from + "new\n" + to; string(got) != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if err := Deliver(page, "other", "new\n"); err == nil || !strings.Contains(err.Error(), page) {
		t.Errorf("a page without the marks: got %v, want an error that names it", err)
	}
	if err := Deliver(page+".none", "bench", ""); err == nil {
		t.Error("no page: got no error")
	}
}

func TestMachine(t *testing.T) {
	if got := Machine(); !strings.HasPrefix(got, "Machine: ") || !strings.Contains(got, " cores, ") {
		t.Errorf("got %q", got)
	}
}

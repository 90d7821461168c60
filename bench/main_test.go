package main

import "testing"

func TestReplace(t *testing.T) {
	page := "a\n" + from + "old\n" + to + "b\n"
	got, err := replace(page, "new\n")
	if want := "a\n" + from + "new\n" + to + "b\n"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	again, err := replace(got, "new\n")
	if again != got || err != nil {
		t.Errorf("a second time: got %q, %v, want %q", again, err, got)
	}
	for _, bad := range []string{"", from, to, to + from} {
		if _, err := replace(bad, "new\n"); err == nil {
			t.Errorf("replace(%q): got no error", bad)
		}
	}
}

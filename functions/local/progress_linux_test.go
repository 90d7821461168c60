package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal of 80 columns: what is written to tty comes
// out of screen.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this system has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return screen, tty
}

// TestProgressIsForTerminals: a bar on a terminal,
// nothing on a pipe, and nothing where the rows themselves fill the terminal.
func TestProgressIsForTerminals(t *testing.T) {
	dir := t.TempDir()
	rows := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(rows, []byte(irisHeader+makeRows(100_000, 1<<30)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		args     []string
		toScreen bool // standard output too
		want     bool
	}{
		{"to a file", []string{"-o", filepath.Join(dir, "out.csv")}, false, true},
		{"to the terminal", nil, true, false},
	} {
		screen, tty := terminal(t)
		cmd := exec.Command("copse", append([]string{"score", rows}, test.args...)...)
		cmd.Stderr = tty
		if test.toScreen {
			cmd.Stdout = tty
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = tty.Close()
		shown, _ := io.ReadAll(screen) // ends with an error when the last writer is gone
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := bytes.Contains(shown, []byte("% |")); got != test.want {
			t.Errorf("%s: got a bar: %v, want %v:\n%.500q", test.name, got, test.want, shown)
		}
	}
	out, err := exec.Command("copse", "score", rows, "-o", filepath.Join(dir, "quiet.csv")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("on a pipe: got %q, %v, want nothing", out, err)
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/copse/bench/internal/figures"
)

// peers compares `copse score`, from the start of its process to its end, with
// pandas and XGBoost whose process has started, on all cores.
func peers(ctx context.Context, rounds int) ([]figures.Figure, error) {
	const least = 8
	model, csv := filepath.Join(cache, "model.json"), filepath.Join(cache, "rows.csv")
	python, err := startPeer(ctx, model, csv, filepath.Join(cache, "peer.csv"))
	if err != nil {
		return nil, err
	}
	defer python.stop()
	if _, err := python.turn(); err != nil { // not counted: the first turn finds the memory
		return nil, err
	}
	var ours, theirs []float64
	for range rounds {
		seconds, err := python.turn()
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, seconds)
		if seconds, err = scoreOnce(ctx, model, csv, filepath.Join(cache, "copse.csv")); err != nil {
			return nil, err
		}
		ours = append(ours, seconds)
	}
	if err := sameAnswers(filepath.Join(cache, "copse.csv"), filepath.Join(cache, "peer.csv")); err != nil {
		return nil, err
	}
	f := figures.Figure{What: "`copse score`, CSV → CSV, all cores, from the start of its process (control: pandas `read_csv` → XGBoost `predict` → `to_csv`, imports and loading of the model not counted)",
		Value: fmt.Sprintf("%.2f s", slices.Min(ours)), Control: fmt.Sprintf("%.2f s", slices.Min(theirs))}
	return []figures.Figure{figures.AtLeast(f, figures.MedianRatio(theirs, ours), least)}, nil
}

func scoreOnce(ctx context.Context, model, in, out string) (float64, error) {
	command := exec.CommandContext(ctx, filepath.Join("bin", "copse"), "score", "--model", model, "-o", out, in)
	start := time.Now()
	text, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("copse score: %w: %s", err, text)
	}
	return time.Since(start).Seconds(), nil
}

// peer is the process of peer.py.
type peer struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startPeer(ctx context.Context, args ...string) (*peer, error) {
	p := &peer{command: exec.CommandContext(ctx, filepath.Join(venv, "bin", "python"), append([]string{filepath.Join(here, "peer.py")}, args...)...)}
	p.command.Stderr = os.Stderr
	in, err1 := p.command.StdinPipe()
	out, err2 := p.command.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	return p, p.command.Start()
}

// turn returns the seconds that one turn took.
func (p *peer) turn() (float64, error) {
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		return 0, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("peer.py: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(line), 64)
}

func (p *peer) stop() {
	_ = p.in.Close()
	_ = p.command.Wait() // it ends with its input
}

// sameAnswers makes sure that both did the same work: the first rows' classes
// and probabilities are equal, but for how a number is written.
func sameAnswers(ours, theirs string) error {
	const some = 1000
	a, err1 := firstLines(ours, some)
	b, err2 := firstLines(theirs, some)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for i := 1; i < min(len(a), len(b)); i++ {
		x, y := strings.Split(a[i], ","), strings.Split(b[i], ",")
		p, err1 := strconv.ParseFloat(x[2], 32)
		q, err2 := strconv.ParseFloat(y[2], 32)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if x[0] != y[0] || float32(p) != float32(q) {
			return fmt.Errorf("row %d: copse answers %s, XGBoost %s", i-1, a[i], b[i])
		}
	}
	if len(a) != some || len(b) != some {
		return fmt.Errorf("copse answers %d rows and XGBoost %d, want %d at least", len(a), len(b), some)
	}
	return nil
}

func firstLines(path string, n int) (lines []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for scanner := bufio.NewScanner(f); len(lines) < n && scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines, nil
}

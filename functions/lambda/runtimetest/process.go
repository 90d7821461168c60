package runtimetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Build compiles a main package with the flags that are deployed and returns
// the path of the binary, called bootstrap, in dir.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	out := filepath.Join(dir, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-tags", "lambda.norpc,validator_novalidatefn", "-ldflags", "-s -w -buildid=", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return out, nil
}

// Process is a running bootstrap with a Runtime API of its own.
type Process struct {
	*Server
	Begin time.Time // just before exec
	cmd   *exec.Cmd
	log   lockedBuffer
	done  chan struct{} // closed when it has ended
}

// Start runs a bootstrap. It sees the variables of env, "NAME=value" each, and
// none of the caller's, as on the platform.
func Start(binary string, env ...string) (*Process, error) {
	p := &Process{Server: NewServer(), cmd: exec.Command(binary), done: make(chan struct{})}
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + p.Addr(), "AWS_LAMBDA_FUNCTION_NAME=test", "AWS_REGION=eu-west-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_FORMAT=JSON", "PATH=/usr/bin:/bin",
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.Begin = time.Now()
	if err := p.cmd.Start(); err != nil {
		p.Server.Close()
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // the status is in ProcessState
		close(p.done)
	}()
	return p, nil
}

// Close ends the process and its Runtime API.
func (p *Process) Close() {
	p.Stop()
	p.Server.Close()
}

// Done is closed when the process has ended; ExitCode is its status then.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the status of a process that has ended.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Log is what the process has written so far: a reply may arrive before what
// was logged with it.
func (p *Process) Log() string { return p.log.String() }

// WaitLog waits until the process has written n lines.
func (p *Process) WaitLog(ctx context.Context, n int) error {
	for {
		have, more := p.log.lines()
		if have >= n {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("%d lines of %d: %w", have, n, ctx.Err())
		}
	}
}

// Stop ends the process and waits until all that it wrote is there.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// WaitReady waits for the first /next.
func (p *Process) WaitReady(ctx context.Context) error {
	select {
	case <-p.Ready():
		return nil
	case <-p.done:
		return fmt.Errorf("the process ended before its first /next, with status %d:\n%s", p.ExitCode(), p.Log())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RSS is the resident memory of the process, in bytes.
func (p *Process) RSS() (int64, error) { return p.memory("VmRSS:") }

// PeakRSS is the most that RSS has been.
func (p *Process) PeakRSS() (int64, error) { return p.memory("VmHWM:") }

func (p *Process) memory(line string) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(text, line); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no " + line + " in /proc/PID/status")
}

// StartUp is how long a bootstrap took.
type StartUp struct {
	Next   time.Duration // exec → first /next
	Answer time.Duration // exec → first reply, where there was an event
}

// Measure starts a bootstrap once and ends it. With an event it also waits for
// the reply, which must not be an error.
func Measure(ctx context.Context, binary string, event []byte, env ...string) (StartUp, error) {
	p, err := Start(binary, env...)
	if err != nil {
		return StartUp{}, err
	}
	defer p.Close()
	var s StartUp
	if event == nil {
		err := p.WaitReady(ctx)
		s.Next = time.Since(p.Begin)
		return s, err
	}
	ready := make(chan error, 1)
	go func() {
		err := p.WaitReady(ctx)
		s.Next = time.Since(p.Begin)
		ready <- err
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	reply, err := p.Invoke(ctx, event)
	s.Answer = time.Since(p.Begin)
	if e := <-ready; e != nil {
		return s, e
	}
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	return s, err
}

// Compare measures several bootstraps in turn, so that what else the machine
// does falls on all alike, and returns the times of each, in order of runs.
func Compare(ctx context.Context, runs int, event []byte, binaries []string, env ...string) ([][]StartUp, error) {
	times := make([][]StartUp, len(binaries))
	for range runs {
		for i, b := range binaries {
			s, err := Measure(ctx, b, event, env...)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b, err)
			}
			times[i] = append(times[i], s)
		}
	}
	return times, nil
}

// lockedBuffer collects what two streams write.
type lockedBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	grown chan struct{} // closed at the next write, if someone waits for it
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines counts whole lines, and returns what is closed when there are more.
func (l *lockedBuffer) lines() (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return bytes.Count(l.b.Bytes(), []byte{'\n'}), l.grown
}

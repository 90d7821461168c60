package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// server is one side's process.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when the process has ended
}

// startLimit is how long a server may take until it is ready; Python imports
// its libraries meanwhile.
const startLimit = 60 * time.Second

// start runs a server; ADDR, HOST and PORT in its arguments become a free
// loopback address and its parts. It returns when /readyz answers 200.
func start(ctx context.Context, name string, env []string, program string, args ...string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	places := strings.NewReplacer("ADDR", addr, "HOST", host, "PORT", port)
	for i := range args {
		args[i] = places.Replace(args[i])
	}
	s := &server{name: name, addr: addr, cmd: exec.CommandContext(ctx, program, args...), done: make(chan struct{})}
	if s.log, err = os.CreateTemp("", "copse-serving-"); err != nil {
		return nil, err
	}
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.log.Close(), os.Remove(s.log.Name()))
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in ProcessState
		close(s.done)
	}()
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// freeAddr is a loopback address that nobody listened on a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready asks until the server answers; there is no event to wait for, since the
// servers are other people's programs.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.done:
			text, err := os.ReadFile(s.log.Name())
			return errors.Join(fmt.Errorf("ended before it was ready: %v\n%s", s.cmd.ProcessState, text), err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stop ends the server.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.done
	_ = errors.Join(s.log.Close(), os.Remove(s.log.Name())) // only a log is left behind
}

// clockTicks a second, in which Linux reports times of processes on every
// architecture that Go knows.
const clockTicks = 100

// cpu is the processor time that the server has used so far, user and system,
// of all its threads.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat reads utime and stime, fields 14 and 15 of proc(5)'s stat. The
// second field is a name in parentheses that may hold anything.
func parseStat(stat string) (time.Duration, error) {
	_, rest, _ := cutLast(stat, ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has too few fields")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * (time.Second / clockTicks), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// connection sends requests over one connection that is kept.
type connection struct {
	conn   net.Conn
	reader *bufio.Reader
	head   []byte
	buffer []byte
}

func dial(s *server, path string) (*connection, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	return &connection{
		conn: conn, reader: bufio.NewReaderSize(conn, 64<<10),
		head: []byte("POST " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nContent-Type: application/json\r\nContent-Length: "),
	}, nil
}

// post sends a body and returns the answer's length, or its text where keep is
// set. Any status but 200 is an error.
func (c *connection) post(body []byte, keep bool) (length int64, text []byte, err error) {
	c.buffer = append(c.buffer[:0], c.head...)
	c.buffer = strconv.AppendInt(c.buffer, int64(len(body)), 10)
	c.buffer = append(c.buffer, "\r\n\r\n"...)
	c.buffer = append(c.buffer, body...)
	if _, err := c.conn.Write(c.buffer); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if keep || response.StatusCode != http.StatusOK {
		text, err = io.ReadAll(response.Body)
		length = int64(len(text))
	} else {
		length, err = io.Copy(io.Discard, response.Body)
	}
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	return length, text, err
}

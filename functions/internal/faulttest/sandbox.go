package faulttest

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"example.com/copse/functions/lambda/runtimetest"
)

// fleet is the function as Lambda runs it: sandboxes, each with a process that
// is started again after its end.
type fleet struct {
	binary string
	env    func(front string) []string
	cloud  *Cloud
	idle   chan *sandbox
	all    []*sandbox
	plan   *Plan
	mu     sync.Mutex
	count  int
}

// sandbox is one process at a time.
type sandbox struct {
	number int
	fleet  *fleet
	front  *httptest.Server
	mu     sync.Mutex
	proc   *runtimetest.Process // nil: none runs
	logs   strings.Builder      // of the processes that ended
}

// newFleet returns the sandboxes of a plan, each as often as it has loops.
func newFleet(binary string, p *Plan, cloud *Cloud, env func(front string) []string) *fleet {
	f := &fleet{binary: binary, env: env, cloud: cloud, idle: make(chan *sandbox, p.Sandboxes*p.Loops), plan: p}
	for i := range p.Sandboxes {
		s := &sandbox{number: i, fleet: f}
		s.front = cloud.front(s)
		f.all = append(f.all, s)
		for range p.Loops {
			f.idle <- s
		}
	}
	return f
}

func (f *fleet) close() {
	for _, s := range f.all {
		f.cloud.settle(s.number)
		s.kill()
		s.front.CloseClientConnections()
		s.front.Close()
	}
}

// process is the running one, or a new one.
func (s *sandbox) process() (*runtimetest.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc, nil
	}
	p, err := runtimetest.Start(s.fleet.binary, s.fleet.env(s.front.URL)...)
	s.proc = p
	return p, err
}

// kill ends the process that runs now with SIGKILL.
func (s *sandbox) kill() {
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	s.end(p)
}

// end ends p, unless another one runs by now.
func (s *sandbox) end(p *runtimetest.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == nil || s.proc != p {
		return
	}
	s.proc.Stop()
	s.fleet.cloud.forget(s.number)
	s.logs.WriteString(s.proc.Log())
	s.proc.Close()
	s.proc = nil
}

// log is what all processes of the sandbox wrote.
func (s *sandbox) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.logs.String() + s.proc.Log()
	}
	return s.logs.String()
}

// Times of invocations. Where a call is to hang, it takes the whole time, so
// that this is short; elsewhere no machine is so slow that the time plays a
// part.
const (
	shortTime = 2 * time.Second
	longTime  = 60 * time.Second
	// grace is what the process has after its deadline until Lambda kills it.
	grace = 2 * time.Second
)

var errLost = errors.New("the invocation has no answer")

// invoke hands an event to a free sandbox, and returns the reply or the
// function's error; errLost where Lambda would see neither.
func (f *fleet) invoke(ctx context.Context, what string, payload []byte) ([]byte, error) {
	var s *sandbox
	select {
	case s = <-f.idle:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { f.idle <- s }()
	f.mu.Lock()
	number := f.count
	f.count++
	f.mu.Unlock()
	f.cloud.note("invocation %d in sandbox %d: %s", number, s.number, what)
	p, err := s.process()
	if err != nil {
		return nil, err
	}
	reply, err := s.invoke(ctx, p, payload)
	switch {
	case err == nil && f.plan.Killed[number]:
		s.end(p)
		f.cloud.note("invocation %d: killed before its reply", number)
		return nil, errLost
	case err != nil:
		s.end(p)
		f.cloud.note("invocation %d: %v", number, err)
		return nil, errLost
	case reply.Error != nil:
		f.cloud.note("invocation %d: failed: %v", number, reply.Error)
		return nil, reply.Error
	}
	f.cloud.note("invocation %d: %s", number, reply.Body)
	if f.plan.Ended[number] {
		s.end(p)
		f.cloud.note("invocation %d: killed after its reply", number)
	}
	return reply.Body, nil
}

func (s *sandbox) invoke(ctx context.Context, p *runtimetest.Process, payload []byte) (runtimetest.Reply, error) {
	left := longTime
	if s.fleet.cloud.pending() {
		left = shortTime
	}
	deadline := time.Now().Add(left)
	ctx, cancel := context.WithDeadlineCause(ctx, deadline.Add(grace), fmt.Errorf("no reply %v after the deadline", grace))
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	return p.InvokeUntil(ctx, payload, deadline)
}

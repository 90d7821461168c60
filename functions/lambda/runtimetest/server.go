// Package runtimetest drives a real bootstrap binary as Lambda does: a fake of
// the Runtime API hands out events and takes replies, so that what is tested
// and measured is the process that is deployed.
//
// The API is that of
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
package runtimetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxLoops is more loops than any process has.
const maxLoops = 1000

const prefix = "/2018-06-01/runtime/"

// Reply is how an invocation ended.
type Reply struct {
	Body  []byte
	Error *Error // nil: a response
}

// Error is an error as the platform is told of it.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Server is the fake.
type Server struct {
	http  *httptest.Server
	queue chan *invocation
	first chan struct{} // closed at the first /next
	once  sync.Once
	initE chan *Error

	loops chan int // how many loops wait in /next, at each new one

	mu      sync.Mutex
	open    map[string]*invocation
	count   int
	waiting int
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	reply    chan Reply
}

// NewServer starts a fake on a loopback port.
func NewServer() *Server {
	s := &Server{
		queue: make(chan *invocation), first: make(chan struct{}),
		initE: make(chan *Error, 1), loops: make(chan int, maxLoops), open: map[string]*invocation{},
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Addr is the value for AWS_LAMBDA_RUNTIME_API.
func (s *Server) Addr() string { return strings.TrimPrefix(s.http.URL, "http://") }

// Close cuts all connections and ends the fake.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Ready is closed when the process asks for its first event.
func (s *Server) Ready() <-chan struct{} { return s.first }

// InitError receives the error that the process reports of its start.
func (s *Server) InitError() <-chan *Error { return s.initE }

// WaitLoops waits until n loops of the process wait for an event at once.
func (s *Server) WaitLoops(ctx context.Context, n int) error {
	for {
		select {
		case k := <-s.loops:
			if k >= n {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// timeout is the time of an invocation of which no other is said.
const timeout = 30 * time.Second

// Invoke hands an event to the process and waits for its reply.
func (s *Server) Invoke(ctx context.Context, payload []byte) (Reply, error) {
	return s.InvokeUntil(ctx, payload, time.Now().Add(timeout))
}

// InvokeUntil is Invoke with the deadline that the process is told.
func (s *Server) InvokeUntil(ctx context.Context, payload []byte, deadline time.Time) (Reply, error) {
	s.mu.Lock()
	s.count++
	in := &invocation{id: fmt.Sprintf("request-%d", s.count), payload: payload, deadline: deadline, reply: make(chan Reply, 1)}
	s.open[in.id] = in
	s.mu.Unlock()
	select {
	case s.queue <- in:
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	select {
	case r := <-in.reply:
		return r, nil
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	switch id, verb, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/"); {
	case path == "invocation/next":
		s.next(w, r)
	case path == "init/error":
		e := new(Error)
		_ = json.NewDecoder(r.Body).Decode(e) // an unreadable report stays empty, which tests see
		select {
		case s.initE <- e:
		default:
		}
		w.WriteHeader(http.StatusAccepted)
	case verb == "response", verb == "error":
		s.finish(w, r, id, verb == "error")
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	s.once.Do(func() { close(s.first) })
	s.wait(1)
	defer s.wait(-1)
	select {
	case in := <-s.queue:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:test")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
		_, _ = w.Write(in.payload) // a process that is gone shows in the missing reply
	case <-r.Context().Done():
	}
}

func (s *Server) wait(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += n
	select {
	case s.loops <- s.waiting:
	default: // nobody listens any more
	}
}

func (s *Server) finish(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	s.mu.Lock()
	in := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if in == nil || err != nil {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	reply := Reply{Body: body}
	if failed {
		reply.Error = new(Error)
		if err := json.Unmarshal(body, reply.Error); err != nil {
			reply.Error.Message = string(body)
		}
	}
	w.WriteHeader(http.StatusAccepted)
	in.reply <- reply
}

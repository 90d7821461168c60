// Package serve is the HTTP server of every adapter that has one: where it
// listens, what it waits for, and how it stops.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/copse/functions/internal/env"
)

// Times that a client may take, and that stopping may take.
const (
	ReadHeaderTimeout = 10 * time.Second  // a header that drips holds nothing but its connection
	ReadTimeout       = 30 * time.Second  // a body at the largest size needs 0.5 MB/s
	IdleTimeout       = 120 * time.Second // longer than the 60 s that load balancers keep a connection
	WriteGrace        = 30 * time.Second  // to read the answer, beside the time to make it
	StopTimeout       = 8 * time.Second   // Cloud Run kills 10 s after SIGTERM

	// drainTimeout leaves half of StopTimeout to what is in work when no more
	// connections are taken.
	drainTimeout = StopTimeout / 2
	// farewell is how long connections are told to end with their next reply
	// before those that are idle are closed: a client that sends on a connection
	// at the moment of its closing loses a request.
	farewell = 300 * time.Millisecond
)

// maxHeader bounds a request's header; net/http adds 4 KiB. It is as much as
// Node.js takes, and small enough for MaxConnections of them to drip at once.
const maxHeader = 16 << 10

// Addr says where to listen: at addr where it is given; else at the port that
// a variable of the environment gives, on all interfaces, since a platform
// that gives a port calls from outside; else at port 8080 on the loopback.
func Addr(addr string, environ []string) (string, error) {
	if addr != "" {
		return addr, nil
	}
	// Azure Functions, Vertex AI, then Cloud Run and whoever follows it.
	for _, name := range [...]string{"FUNCTIONS_CUSTOMHANDLER_PORT", "AIP_HTTP_PORT", "PORT"} {
		text := env.Lookup(environ, name)
		if text == "" {
			continue
		}
		if port, err := strconv.ParseUint(text, 10, 16); err != nil || port == 0 {
			return "", fmt.Errorf("%s: must be a port number from 1 to 65535", name)
		}
		return net.JoinHostPort("0.0.0.0", text), nil
	}
	return "127.0.0.1:8080", nil
}

// Options say what is served.
type Options struct {
	Listener net.Listener
	Handler  http.Handler
	// MaxConnections bounds the open connections. 0: the constant of that name.
	MaxConnections int
	// Timeout is the time that a request may take, see WriteGrace. 0: no limit.
	Timeout time.Duration
	// Drain is called once when the server is to stop. It turns readiness off
	// and returns when no request is in work, or when ctx ends. Until then new
	// connections are taken, so that whoever asks sees that it is not ready.
	Drain func(ctx context.Context)
	Log   *slog.Logger
}

// Run serves until ctx ends, or SIGTERM or an interrupt comes, then lets the
// work in flight end, for StopTimeout at most. A second signal ends the
// process at once. Its error is one of listening.
func Run(ctx context.Context, o Options) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	var stopping atomic.Bool
	o.Handler = lastReplies(o.Handler, &stopping)
	server := newServer(o)
	failed := make(chan error, 1)
	listener := limitConnections(o.Listener, o.MaxConnections)
	go func() { failed <- server.Serve(listener) }()
	o.Log.Info("ready: listening on http://" + o.Listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop()
	o.Log.Info("stopping: work in flight ends")
	limit, cancel := context.WithTimeout(context.Background(), StopTimeout)
	defer cancel()
	stopping.Store(true)
	drain(limit, o.Drain)
	// net/http drops what it reads after Shutdown was called, so the listener is
	// closed first and those who came in time are waited for.
	err := listener.Close()
	if failure := <-failed; !errors.Is(failure, net.ErrClosed) {
		err = errors.Join(err, failure)
	}
	listener.quiet(limit)
	if err = errors.Join(err, server.Shutdown(limit)); err != nil {
		o.Log.Warn("stopped before all work was done", "error", err.Error())
		return ignoreClosed(server.Close())
	}
	return nil
}

// drain waits for the farewell and for what was in work.
func drain(ctx context.Context, wait func(context.Context)) {
	bye := time.NewTimer(farewell)
	defer bye.Stop()
	if wait != nil {
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		wait(ctx)
	}
	<-bye.C
}

// lastReplies ends each connection with its next reply once the server stops.
func lastReplies(next http.Handler, stopping *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			w.Header()["Connection"] = []string{"close"}
		}
		next.ServeHTTP(w, r)
	})
}

func newServer(o Options) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{
		Handler:           o.Handler,
		Protocols:         protocols,
		ReadHeaderTimeout: ReadHeaderTimeout,
		ReadTimeout:       ReadTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnState:         observe,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	if o.Timeout > 0 {
		s.WriteTimeout = ReadTimeout + o.Timeout + WriteGrace
	}
	return s
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

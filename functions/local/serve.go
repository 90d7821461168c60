package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"example.com/copse/functions/internal/serve"
	"example.com/copse/functions/internal/setup"
)

// memoryLimit makes the collector work harder as the heap comes near it, so
// that a server stays under 300 MB whatever one client sends. What a request
// may hold is bounded by the settings; this bounds what has not been collected
// yet. GOMEMLIMIT replaces it.
const memoryLimit = 240 << 20

func newServe() *cobra.Command {
	var addr string
	var models []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve models over HTTP on one port",
		Long: `serve answers /predict, /batch-predict, /docs, /openapi.json, /models, /healthz,
/readyz and /metrics on one port. It logs one line with the address once it is
ready. SIGTERM or an interrupt turns readiness off, lets the work in flight
end, and exits with 0.

The port is that of --addr, else of the variable FUNCTIONS_CUSTOMHANDLER_PORT,
AIP_HTTP_PORT or PORT (then on all interfaces), else 8080 on the loopback.
Every setting can be given as a flag or in the environment; the flag wins.`,
		Example: `  copse serve
  copse serve --model xgboost.json
  copse serve --addr 127.0.0.1:9000 --model churn=lightgbm.txt
  copse serve --model a=first.copse --model b=second.copse --max-rows 1000
  curl -H 'content-type: application/json' -d '{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}' 127.0.0.1:8080/predict`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return runServe(c, addr, models) },
	}
	c.Flags().StringVar(&addr, "addr", "", "address to listen on (default 127.0.0.1:8080; port 0: any free one)")
	c.Flags().StringArrayVar(&models, "model", nil, "model as [NAME=]PATH; may be given several times, the first is the default (default: the built-in iris model)")
	addSettings(c)
	return c
}

func runServe(c *cobra.Command, addr string, models []string) error {
	environ := os.Environ()
	settings, err := readSettings(c, environ, len(models) > 0)
	if err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if addr, err = serve.Addr(addr, environ); err != nil {
		return err
	}
	sources, err := modelSources(models, settings)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
	// The port first: that it is taken shows before a large model is loaded,
	// and connections wait until it is.
	listener, err := listen(c.Context(), addr)
	if err != nil {
		return err
	}
	app, err := setup.New(c.Context(), setup.Options{Config: settings, Log: log, Models: sources, Version: buildVersion().Version})
	if err != nil {
		return errors.Join(inFlags(c, err), listener.Close())
	}
	var work inFlight
	return serve.Run(c.Context(), serve.Options{
		Listener: listener,
		Handler:  work.count(app.HTTP),
		Timeout:  settings.Timeout,
		Log:      log,
		Drain: func(ctx context.Context) {
			app.HTTP.SetReady(false)
			work.wait(ctx)
		},
		MaxConnections: settings.MaxConnections,
	})
}

// listen says in one line what to do about a port that is taken.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process: choose another port with --addr, or end that process", addr)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return listener, nil
}

// inFlight counts requests in work.
type inFlight struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0, while somebody waits
}

func (f *inFlight) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.add(1)
		defer f.add(-1)
		next.ServeHTTP(w, r)
	})
}

func (f *inFlight) add(d int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n += d; f.n == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// wait returns when no request is in work, or when ctx ends.
func (f *inFlight) wait(ctx context.Context) {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	f.idle = idle
	f.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// Command server is the Google function on a server of its own, for a
// container (Cloud Run, Vertex AI): FUNCTION_TARGET chooses Predict or OnEvent.
// Beside the framework's server it has time limits, HTTP/2 in the clear and a
// graceful stop.
package main

import (
	"context"
	"log/slog"
	"net"
	"os"

	"example.com/copse/functions/gcf"
	"example.com/copse/functions/gcf/drivers"
	"example.com/copse/functions/internal/serve"
)

func main() {
	environ := os.Environ()
	log := gcf.Logger(environ)
	if err := run(context.Background(), environ, log); err != nil {
		log.Error("cannot serve", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string, log *slog.Logger) error {
	target, err := gcf.Target(environ)
	if err != nil {
		return err
	}
	addr, err := serve.Addr("", environ)
	if err != nil {
		return err
	}
	f, err := gcf.Open(ctx, environ, log, drivers.All())
	if err != nil {
		return err
	}
	serve.LimitMemory(environ)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return serve.Run(ctx, serve.Options{
		Listener: listener, Handler: f.Handler(target), Timeout: f.Timeout(), Drain: f.Drain, Log: log,
		MaxConnections: f.MaxConnections(),
	})
}

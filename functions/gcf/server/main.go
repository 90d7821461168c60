// Command server is the Google function on a server of its own, for a
// container (Cloud Run, Vertex AI): FUNCTION_TARGET chooses Predict or OnEvent.
// Beside the framework's server it has time limits, HTTP/2 in the clear and a
// graceful stop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"example.com/copse/functions/gcf"
	"example.com/copse/functions/gcf/drivers"
	"example.com/copse/functions/internal/serve"
)

const usage = `server

serves the Google function on a server of its own. It takes no arguments; its
environment says what it does:

  PORT             the port, 8080 where it is not set
  FUNCTION_TARGET  Predict (the default) or OnEvent
  COPSE_…          settings: docs/settings.md
`

func main() {
	switch err := arguments(os.Args[1:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "server: %v (see server --help)\n", err)
		os.Exit(2)
	}
	environ := os.Environ()
	log := gcf.Logger(environ)
	if err := run(context.Background(), environ, log); err != nil {
		log.Error("cannot serve", "error", err.Error())
		os.Exit(1)
	}
}

// arguments refuses all but a question for help, which it answers.
func arguments(args []string, to io.Writer) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(to, usage)
		return err
	}
	if err != nil || flags.NArg() > 0 {
		return fmt.Errorf("it takes no arguments, and was given %q", args)
	}
	return nil
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

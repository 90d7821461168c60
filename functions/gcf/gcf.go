// Package gcf is Copse on Google Cloud: an HTTP function and a function for
// events of Pub/Sub, Cloud Storage and Cloud Tasks, mounted on the Functions Framework by the build pack (see
// function.go at the root), or by functions/gcf/server on a server of its own.
//
// Question: is OnEvent registered as functions.CloudEvent? Choice: no, it is
// an HTTP function that reads CloudEvents itself, with the CloudEvents SDK.
// Version 1.9.2 of the framework reads the body before it calls a CloudEvent
// function: without a limit, with 500 for a broken body where 400 is due, and
// it passes the function's error to Fprintf as the format. On the wire nothing
// differs: both are a POST to "/", and the build pack's main serves both. What
// would change it: a framework that leaves these three to the function.
package gcf

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

	"example.com/copse/functions/internal/env"
	"example.com/copse/functions/internal/serve"
	"example.com/copse/functions/internal/setup"
	"example.com/copse/pkg/config"
)

// Entry points, as --entry-point and FUNCTION_TARGET name them.
const (
	TargetPredict = "Predict"
	TargetOnEvent = "OnEvent"
)

// Driver opens a sink by its URI, ObjectsDriver a store whose objects are read;
// Options say which of them a main links (package drivers).
type (
	Driver        = setup.Driver
	ObjectsDriver = setup.ObjectsDriver
	Options       = setup.Options
)

// Function is one loaded function. Its methods Predict and OnEvent are what is
// registered; they are safe for concurrent use.
type Function struct {
	app    *setup.App
	work   work
	events *semaphore.Weighted // bytes of events now in memory
}

// New makes a function of what was assembled. Without app.Ingest, OnEvent
// answers 404.
func New(app *setup.App) *Function {
	return &Function{app: app, events: semaphore.NewWeighted(eventBudget(app.Config))}
}

// Target is the entry point that the environment chooses: Predict where it
// chooses none.
func Target(environ []string) (string, error) {
	switch target := env.Lookup(environ, "FUNCTION_TARGET"); target {
	case "":
		return TargetPredict, nil
	case TargetPredict, TargetOnEvent:
		return target, nil
	}
	return "", fmt.Errorf("FUNCTION_TARGET: the entry points are %s and %s", TargetPredict, TargetOnEvent)
}

// Logger is the logger that the environment asks for: on standard error, with
// traces of the project in GOOGLE_CLOUD_PROJECT.
func Logger(environ []string) *slog.Logger {
	return NewLogger(os.Stderr, env.Lookup(environ, "GOOGLE_CLOUD_PROJECT"))
}

// Open loads the function that an environment describes, models and all; of o
// it sets the settings and the log. Sinks are opened for OnEvent only: an HTTP
// function needs no right to write.
func Open(ctx context.Context, environ []string, log *slog.Logger, o Options) (*Function, error) {
	target, err := Target(environ)
	if err != nil {
		return nil, err
	}
	c, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	if env.Lookup(environ, "FUNCTION_TARGET") != "" {
		modelsFromSource(c)
	}
	o.Config, o.Log = c, log
	if target != TargetOnEvent {
		o.Sinks = nil
	}
	app, err := setup.New(ctx, o)
	if err != nil {
		return nil, err
	}
	return New(app), nil
}

// Start is Open for the main that the build pack writes: called from init, it
// loads at cold start, and ends the process when that fails. Since that main
// knows no graceful stop, Start sees to it.
func Start(o Options) *Function {
	environ := os.Environ()
	log := Logger(environ)
	f, err := Open(context.Background(), environ, log, o)
	if err != nil {
		log.Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	serve.LimitMemory(environ)
	if env.Lookup(environ, "FUNCTION_TARGET") == "" {
		// Without a target the framework serves each function at its own name's
		// path only, and /predict would be 404. An error is no more than that.
		_ = os.Setenv("FUNCTION_TARGET", TargetPredict)
	}
	go f.exitOnSignal()
	return f
}

// sendGrace is for the framework's server, which sends the end of a reply after
// the function has returned, and cannot be asked whether it has.
const sendGrace = 100 * time.Millisecond

// exitOnSignal ends the process after SIGTERM, once its work is done.
func (f *Function) exitOnSignal() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	signal.Stop(stop)
	ctx, cancel := context.WithTimeout(context.Background(), serve.StopTimeout)
	defer cancel()
	f.Drain(ctx)
	time.Sleep(sendGrace)
	os.Exit(0)
}

// Handler is the function of a target.
func (f *Function) Handler(target string) http.Handler {
	if target == TargetOnEvent {
		return http.HandlerFunc(f.OnEvent)
	}
	return http.HandlerFunc(f.Predict)
}

// Drain turns readiness off and returns when no request is in work, or when
// ctx ends.
func (f *Function) Drain(ctx context.Context) {
	f.app.HTTP.SetReady(false)
	f.work.drain(ctx)
}

// Predict answers the native HTTP interface, all its routes.
func (f *Function) Predict(w http.ResponseWriter, r *http.Request) {
	f.contain(w, r, f.app.HTTP.ServeHTTP)
}

// MaxConnections bounds the open connections of a server.
func (f *Function) MaxConnections() int { return f.app.Config.MaxConnections }

// Timeout is the time that one request may take.
func (f *Function) Timeout() time.Duration { return f.app.Config.Timeout }

// Package boot starts the functions: everything is loaded and checked at cold
// start, where Lambda gives full CPU, and whatever is wrong ends the process
// then, not at the first request.
package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/pkg/config"
)

// Main runs a function until the platform ends it. With sinks it answers
// events, without it answers requests and direct invocations. Of o it sets the
// settings and the log.
func Main(o setup.Options) {
	log := lambda.NewLog()
	f, err := load(context.Background(), log, os.Environ(), o)
	if err != nil {
		log.Error("the function cannot start", "error", err.Error())
		report(os.Getenv("AWS_LAMBDA_RUNTIME_API"), err)
		os.Exit(1)
	}
	runtime.Start(f)
}

func load(ctx context.Context, log *slog.Logger, environ []string, o setup.Options) (*lambda.Function, error) {
	c, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	o.Config, o.Log = c, log
	app, err := setup.New(ctx, o)
	if err != nil {
		return nil, err
	}
	if app.Ingest != nil {
		limitMemory(environ)
		return lambda.New(lambda.Options{Records: app.Ingest, Log: log}), nil
	}
	return lambda.New(lambda.Options{API: app.HTTP, Log: log}), nil
}

// report tells the Runtime API why the start failed, so that the platform
// shows it: the exit status alone would say Runtime.ExitError. It is a
// courtesy: the log has the same.
func report(api string, cause error) {
	if api == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"errorType": "InitError", "errorMessage": cause.Error()})
	if err != nil {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+api+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Lambda-Runtime-Function-Error-Type", "InitError")
	if reply, err := http.DefaultClient.Do(r); err == nil {
		_ = reply.Body.Close()
	}
}

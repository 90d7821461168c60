// Package setup assembles what every adapter mounts: settings → warm models →
// features by id → the HTTP handler and, for events, the ingest handler. It
// does so at cold start; whatever is wrong is an error then.
package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/features"
	"example.com/copse/pkg/httpapi"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/wire"
)

// Options say what is assembled.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Sinks are the drivers by scheme: "log", "sqs", "s3". Nil: no events.
	Sinks map[string]Driver
	// Objects are the stores that objects are read from, by scheme: "s3". Score
	// scores them (objectscore.Score); without it none is read.
	Objects map[string]ObjectsDriver
	Score   ingest.Score
	// Models replace those of the configuration (copse serve --model).
	Models []registry.Source
	// NoDedup and Cache are for tests of the invariant.
	NoDedup bool
	Version string
}

// App is what an adapter mounts.
type App struct {
	Config *config.Config
	Log    *slog.Logger
	Models *registry.Registry
	HTTP   *httpapi.Handler
	Ingest *ingest.Handler // nil without sinks
}

// New assembles an App.
func New(ctx context.Context, o Options) (*App, error) {
	c := o.Config
	sources := o.Models
	open := newStores(ctx, &o)
	var err error
	if len(sources) == 0 {
		if sources, err = open.sources(c, ModelOptions(c, o.NoDedup)); err != nil {
			return nil, err
		}
	}
	a := &App{Config: c, Log: o.Log}
	if a.Models, err = registry.Open(ctx, sources, max(c.MaxModels, 1)); err != nil {
		return nil, err
	}
	limits := wire.Limits{Rows: c.MaxRows, Values: c.MaxValues, Depth: c.MaxDepth, Text: int(c.MaxText)}
	fetcher, err := openFeatures(ctx, &o, a.Models, limits)
	if err != nil {
		return nil, err
	}
	a.HTTP = httpapi.New(httpapi.Options{
		Models: a.Models, Features: httpFeatures(fetcher), Wire: limits,
		MaxBody: c.MaxBody, MaxInflight: c.MaxInflight, CORS: c.CORS, Timeout: c.Timeout,
		Log: o.Log, Version: o.Version,
	})
	p, err := readPlaces(c)
	if err != nil {
		return nil, err
	}
	if o.Sinks == nil {
		// Nothing is written, but a setting that means nothing is refused.
		return a, p.knownSinks(c)
	}
	io := ingest.Options{Models: a.Models, Wire: limits, Log: o.Log,
		Objects: open.get, Score: o.Score, Readable: p.readable}
	if fetcher != nil {
		io.Features = fetcher
	}
	if err := errors.Join(p.readableBy(o.Objects), openSinks(ctx, &o, &p, &io)); err != nil {
		return nil, err
	}
	a.Ingest = ingest.New(io)
	return a, nil
}

// httpFeatures keeps a nil fetcher a nil interface.
func httpFeatures(f *features.Fetcher) httpapi.Features {
	if f == nil {
		return nil
	}
	return f
}

// ModelOptions are the options of every model: the package-level memory of
// answers among them.
func ModelOptions(c *config.Config, noDedup bool) predict.Options {
	mode := predict.CacheAuto
	switch c.Cache.Mode {
	case "on":
		mode = predict.CacheOn
	case "off":
		mode = predict.CacheOff
	}
	return predict.Options{Cache: predict.NewCache(mode, int(c.Cache.Bytes)), NoDedup: noDedup}
}

// ValidName says whether a model's name can stand in a route.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '.' {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r) {
			return false
		}
	}
	return true
}

// openFeatures opens the source of features by id, and refuses it together
// with a model whose rows could be taken for keys.
func openFeatures(ctx context.Context, o *Options, models *registry.Registry, limits wire.Limits) (*features.Fetcher, error) {
	c := o.Config
	if c.Features == "" {
		return nil, nil
	}
	for _, name := range models.Names() {
		m, release, err := models.Get(ctx, name)
		if err != nil {
			return nil, err
		}
		err = features.Check(m.Schema())
		release()
		if err != nil {
			return nil, fmt.Errorf("COPSE_FEATURES: %w", err)
		}
	}
	f, err := features.Open(c.Features, features.Options{
		Timeout: c.FeaturesTimeout, Concurrency: c.FeaturesConcurrency,
		TTL: c.FeaturesTTL, Remember: c.FeaturesCache, Limits: limits, Log: o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("COPSE_FEATURES: %w", err)
	}
	return f, nil
}

// Package registry holds the warm models: the package-level LRU that survives
// from one invocation of a function to the next.
//
// Models are named at start and loaded then, so that a model that cannot be
// loaded is an error of the cold start and not of the first request. A model
// that the LRU has put out (many models, little memory) is loaded again when
// it is asked for, once, however many requests wait for it.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
)

// Load makes a model ready. It is called with the registry's name for it.
type Load func(ctx context.Context, name string) (*predict.Model, error)

// Source is a model by name, and how to load it.
type Source struct {
	Name string
	Load Load
}

// Registry finds models by name. Loading is single-flight; a model in use is
// never torn down: what the LRU drops lives on in the requests that hold it.
type Registry struct {
	names   []string
	sources map[string]Load

	mu      sync.Mutex
	warm    *simplelru.LRU[string, *predict.Model]
	loading map[string]*flight
}

// flight is one load that several requests may wait for.
type flight struct {
	done  chan struct{}
	model *predict.Model
	err   error
}

// Open loads the models, the first of which is the default one, and keeps at
// most warm of them in memory.
func Open(ctx context.Context, sources []Source, warm int) (*Registry, error) {
	if len(sources) == 0 || warm < 1 {
		return nil, errors.New("registry: no model")
	}
	r := &Registry{sources: make(map[string]Load), loading: make(map[string]*flight)}
	var err error
	if r.warm, err = simplelru.NewLRU[string, *predict.Model](warm, nil); err != nil {
		return nil, err
	}
	for _, s := range sources {
		if _, twice := r.sources[s.Name]; twice {
			return nil, fmt.Errorf("registry: two models are called %q", s.Name)
		}
		r.names = append(r.names, s.Name)
		r.sources[s.Name] = s.Load
	}
	// Backwards, so that the default model is the most recent one; on this
	// goroutine, since another one costs a cold start a thread.
	for i := len(r.names) - 1; i >= 0; i-- {
		name := r.names[i]
		f := &flight{done: make(chan struct{})}
		if r.load(ctx, name, r.sources[name], f); f.err != nil {
			return nil, fmt.Errorf("model %q: %w", name, f.err)
		}
	}
	return r, nil
}

// Names lists the models, the default one first. It is shared.
func (r *Registry) Names() []string { return r.names }

// Get returns a model, and the function that lets go of it; name "" is the
// default model. Its error is a *predict.Error.
func (r *Registry) Get(ctx context.Context, name string) (*predict.Model, func(), error) {
	if name == "" {
		name = r.names[0]
	}
	r.mu.Lock()
	if m, ok := r.warm.Get(name); ok {
		r.mu.Unlock()
		return m, release, nil
	}
	load, known := r.sources[name]
	if !known {
		r.mu.Unlock()
		return nil, nil, fault.New(fault.ModelNotFound, "there is no model of this name: see /models")
	}
	f, waiting := r.loading[name]
	if !waiting {
		f = &flight{done: make(chan struct{})}
		r.loading[name] = f
	}
	r.mu.Unlock()
	if !waiting {
		// The load outlives the request that began it: others wait for it.
		go r.load(context.WithoutCancel(ctx), name, load, f)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, nil, fault.Wrap(fault.Deadline, ctx.Err(), "the model was not loaded in time: try again")
	}
	if f.err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, f.err, "the model cannot be loaded")
	}
	return f.model, release, nil
}

// release has nothing to do while models are plain memory: the collector knows
// when the last request lets go. A mapped file will need it.
func release() {}

func (r *Registry) load(ctx context.Context, name string, load Load, f *flight) {
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("panic while loading: %v", p)
			slog.Error("a model's loading panicked", "model", name, "panic", fmt.Sprint(p))
		}
		r.mu.Lock()
		if f.err == nil {
			r.warm.Add(name, f.model)
		}
		delete(r.loading, name)
		r.mu.Unlock()
		close(f.done)
	}()
	f.model, f.err = load(ctx, name)
}

// Package registry holds the warm models: the package-level LRU that survives
// from one invocation of a function to the next.
package registry

import (
	"context"

	"example.com/copse/pkg/predict"
)

// Registry finds models by name. Loading is single-flight; a model in use is
// never torn down.
type Registry struct{}

// Get returns a model, and the function that lets go of it; name "" is the
// default model. Its error is a *predict.Error.
func (r *Registry) Get(ctx context.Context, name string) (*predict.Model, func(), error) {
	return nil, nil, nil
}

// Names lists the models, the default one first.
func (r *Registry) Names() []string { return nil }

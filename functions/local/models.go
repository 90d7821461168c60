package local

import (
	"fmt"
	"strings"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/model"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// maxModel is the bound of COPSE_MAX_MODEL for the commands that read no
// settings.
const maxModel = 512 << 20

const modelHelp = "model file or bundle (default: the built-in iris model)"

// openModel opens a model by its path; "" is the built-in one.
func openModel(path string) (*predict.Model, error) {
	if path == "" {
		return predict.Open(model.Name, model.Bundle(), predict.Options{})
	}
	f, err := readModel(path)
	if err != nil {
		return nil, err
	}
	return openRead(path, f)
}

// openRead opens what was read of a path.
func openRead(path string, f *registry.Opened) (*predict.Model, error) {
	m, err := f.Open(registry.NameOf(path), predict.Options{})
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return m, nil
}

// readModel reads what a path holds: a file, or an MLflow folder.
func readModel(path string) (*registry.Opened, error) {
	read := registry.Read
	if isFolder(path) {
		read = readFolder
	}
	f, err := read(path, maxModel)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return f, nil
}

// modelSources reads the values of serve's --model: PATH or NAME=PATH.
func modelSources(values []string, c *config.Config) ([]registry.Source, error) {
	if len(values) == 0 {
		return nil, nil
	}
	options := setup.ModelOptions(c, false)
	sources := make([]registry.Source, 0, len(values))
	for _, value := range values {
		name, path, named := strings.Cut(value, "=")
		if !named || !setup.ValidName(name) {
			name, path = registry.NameOf(value), value
		}
		if !setup.ValidName(name) {
			return nil, fmt.Errorf("--model %s: this name cannot stand in a URL: give one, as in --model NAME=PATH, of letters, digits, '-', '_' and '.'", value)
		}
		sources = append(sources, registry.Source{Name: name, Load: loadPath(path, c.MaxModel, options)})
	}
	return sources, nil
}

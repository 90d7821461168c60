package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"example.com/copse/model"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// sources are the models that the settings name.
func (s *stores) sources(c *config.Config, o predict.Options) ([]registry.Source, error) {
	switch {
	case c.Model != "":
		return []registry.Source{{Name: registry.NameOf(c.Model), Load: s.load(c.Model, c.MaxModel, o)}}, nil
	case c.Models == "":
		return []registry.Source{{Name: model.Name, Load: registry.Bundle(model.Bundle(), o)}}, nil
	}
	var sources []registry.Source
	for item := range strings.SplitSeq(c.Models, ",") {
		name, uri, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok || uri == "" || !ValidName(name) {
			return nil, errors.New("COPSE_MODELS: must be name=path,… with names of letters, digits, '-', '_' and '.'")
		}
		sources = append(sources, registry.Source{Name: name, Load: s.load(uri, c.MaxModel, o)})
	}
	return sources, nil
}

// load loads a model from a path, or from an object of a store that the binary
// links.
func (s *stores) load(uri string, maxBytes int64, o predict.Options) registry.Load {
	scheme, _, object := strings.Cut(uri, "://")
	switch {
	case !object:
		return registry.File(uri, maxBytes, o)
	case s.drivers[scheme] == nil:
		return func(context.Context, string) (*predict.Model, error) {
			return nil, noModels(scheme)
		}
	}
	return registry.Object(uri, func(ctx context.Context, uri string) ([]byte, error) {
		return s.fetch(ctx, uri, maxBytes)
	}, o)
}

func noModels(scheme string) error {
	where := ""
	switch scheme {
	case "s3":
		where = ", or take functions/lambda/events"
	case "gs":
		where = ", or take a function on Google Cloud that is built without the tag copse_http"
	}
	return fmt.Errorf("this function does not read models from %s://: put the file beside the binary%s", fault.Quote([]byte(scheme)), where)
}

// fetch reads an object whole.
func (s *stores) fetch(ctx context.Context, uri string, maxBytes int64) (data []byte, err error) {
	scheme, rest, _ := strings.Cut(uri, "://")
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" || key == "" {
		return nil, errors.New("must be SCHEME://BUCKET/KEY, optionally with #sha256=…")
	}
	store, err := s.get(scheme)
	if err != nil {
		return nil, err
	}
	in, err := store.Open(ctx, ingest.Object{Scheme: scheme, Bucket: bucket, Key: key, Size: -1})
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // nothing is written to it
	switch size := in.Object().Size; {
	case size == 0:
		return nil, errors.New("the object is empty")
	case size > maxBytes:
		return nil, fmt.Errorf("the object has more than %d bytes: raise COPSE_MAX_MODEL", maxBytes)
	default:
		data = make([]byte, size)
	}
	if n, err := in.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("the object breaks off after %d bytes of %d: %w", n, len(data), err)
	} else if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data, nil
}

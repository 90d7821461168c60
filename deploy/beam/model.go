package copsebeam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"example.com/copse/model"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

const (
	// carriedBytes is the largest bundle that travels inside the pipeline, in
	// bytes. It stands there once for each step that scores, in base64, and
	// Dataflow takes job requests of up to 20 MB
	// (cloud.google.com/dataflow/docs/request-quotas).
	carriedBytes = 1 << 20
	// maxModel is the largest model file that is read, in bytes.
	maxModel = 512 << 20
)

// Model is a model as a pipeline carries it to its workers: its bundle, or
// where that is to be found. Its fields are what is sent; OpenModel fills them.
type Model struct {
	Name   string
	Digest string // of the bundle, as predict.Model.Digest
	Bundle []byte // nil: see URI
	URI    string // of a file with the bundle
}

// OpenModel reads a model: a bundle, or any model file that Copse reads, from
// any of Beam's filesystems that is linked. The uri may end in #sha256=… of the
// file; "" is the built-in iris model. The model is opened and tested here, so
// that one that cannot be used fails before any worker starts.
func OpenModel(ctx context.Context, uri string) (*Model, error) {
	if uri == "" {
		return newModel(model.Name, model.Bundle())
	}
	m, err := readModel(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", uri, err)
	}
	return m, nil
}

func readModel(ctx context.Context, uri string) (*Model, error) {
	path, want, _ := strings.Cut(uri, "#sha256=")
	data, err := readAll(ctx, path, maxModel)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); want != "" && !strings.EqualFold(want, hex.EncodeToString(sum[:])) {
		return nil, fmt.Errorf("the file's digest is sha256:%x, not the one that was asked for", sum)
	}
	f, err := registry.ReadFrom(data)
	if err != nil {
		return nil, err
	}
	name, bundle := registry.NameOf(path), f.Bundle
	if bundle == nil {
		if bundle, err = f.Compile(predict.Info{Name: name}, f.Model.Rows); err != nil {
			return nil, err
		}
	}
	return newModel(name, bundle)
}

func newModel(name string, bundle []byte) (*Model, error) {
	opened, err := predict.Open(name, bundle, predict.Options{})
	if err != nil {
		return nil, err
	}
	return &Model{Name: name, Digest: opened.Digest(), Bundle: bundle}, nil
}

// Stage puts the bundle into a file in a folder that all workers can read,
// unless it is small enough to travel inside the pipeline. The file is named
// by the digest, and stays: pipelines of the same model share it.
func (m *Model) Stage(ctx context.Context, dir string) error {
	if len(m.Bundle) <= carriedBytes {
		return nil
	}
	uri := join(dir, ".copse-model-"+strings.TrimPrefix(m.Digest, "sha256:")+".copse")
	err := writeFile(ctx, uri, func(w io.Writer) error {
		_, err := w.Write(m.Bundle)
		return err
	})
	if err != nil {
		return fmt.Errorf("the model cannot be put where the workers find it: %w", err)
	}
	m.Bundle, m.URI = nil, uri
	return nil
}

// warm are the models of this process, by name and digest. A worker is one
// process with many bundles at once, and each DoFn is made anew for each of
// them: they all share one model.
var warm struct {
	sync.Mutex
	models map[string]*loading
}

type loading struct {
	sync.Mutex
	model *predict.Model
}

// load returns the model, which is opened once in a process. What failed is
// tried again by who asks next: a bucket may be away for a moment.
func (m *Model) load(ctx context.Context) (*predict.Model, error) {
	warm.Lock()
	if warm.models == nil {
		warm.models = map[string]*loading{}
	}
	key := m.Digest + " " + m.Name
	l := warm.models[key]
	if l == nil {
		l = &loading{}
		warm.models[key] = l
	}
	warm.Unlock()

	l.Lock()
	defer l.Unlock()
	if l.model == nil {
		opened, err := m.open(ctx)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
		l.model = opened
		loads.Inc(ctx, 1)
	}
	return l.model, nil
}

func (m *Model) open(ctx context.Context) (*predict.Model, error) {
	data := m.Bundle
	if data == nil {
		if m.URI == "" {
			return nil, errors.New("no model: make one with OpenModel")
		}
		var err error
		if data, err = readAll(ctx, m.URI, maxModel); err != nil {
			return nil, err
		}
	}
	opened, err := predict.Open(m.Name, data, predict.Options{})
	if err != nil {
		return nil, err
	}
	if opened.Digest() != m.Digest {
		return nil, fmt.Errorf("%s is another model than when the pipeline was started", m.URI)
	}
	return opened, nil
}

// Package predict is the pipeline: validate → clean → deduplicate → look up →
// score the misses together → store → scatter, as one straight function.
package predict

import (
	"context"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Error is what a request, a row or a record fails with.
type Error = fault.Error

// Options say which stages run.
type Options struct {
	Cache   *Cache // nil: answers are not remembered
	NoDedup bool
}

// Model ties a schema, an engine and a formatter together.
type Model struct {
	name      string
	digest    string
	schema    *schema.Schema
	engine    *engine.Engine
	formatter *wire.Formatter
}

// Open reads a bundle, checks it and runs its self-test rows.
func Open(name string, data []byte, o Options) (*Model, error) { return nil, nil }

// Name is the model's name in routes and replies.
func (m *Model) Name() string { return m.name }

// Digest is "sha256:" and the hexadecimal digest of the bundle.
func (m *Model) Digest() string { return m.digest }

// Schema is the model's schema.
func (m *Model) Schema() *schema.Schema { return m.schema }

// Engine scores the model.
func (m *Model) Engine() *engine.Engine { return m.engine }

// Formatter writes the model's answers.
func (m *Model) Formatter() *wire.Formatter { return m.formatter }

// Info is what a bundle says about where the model comes from.
type Info struct {
	Name         string   `json:"name"`
	Library      string   `json:"library"`
	Version      string   `json:"version,omitempty"`
	Objective    string   `json:"objective,omitempty"`
	Labels       []string `json:"labels,omitempty"`
	Source       string   `json:"source,omitempty"`        // format of the source file
	SourceSHA256 string   `json:"source_sha256,omitempty"` // of the source file
}

// Info returns the model's provenance.
func (m *Model) Info() Info { return Info{} }

// Cache remembers answers of all models, bounded by bytes.
type Cache struct{}

// Request is all the memory that one request needs. Get one, Release it after
// the last byte of the answer is written.
type Request struct {
	Frame   frame.Frame
	Answers frame.Answers
	Decoder wire.Decoder
	Encoder wire.Encoder
	Body    []byte // what was read
	Out     []byte // what is to be written
}

// Get takes a request from the pool.
func Get() *Request { return &Request{} }

// Release gives it back.
func (r *Request) Release() {}

// Predict answers the rows of r.Frame in r.Answers. Bad rows are in
// r.Frame.Faults. The error concerns the request as a whole.
func (m *Model) Predict(ctx context.Context, r *Request) error { return nil }

// Compile makes a bundle of a model: ir → engine's arrays, the schema, and
// self-test rows (row-major) with the reference evaluation's answers.
func Compile(m *ir.Model, doc schema.Document, info Info, rows []float64) ([]byte, error) {
	return nil, nil
}

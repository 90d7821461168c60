// Package httpapi is the native HTTP interface as one http.Handler, which
// every adapter mounts.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Models is where the handler finds its models.
type Models interface {
	Get(ctx context.Context, name string) (*predict.Model, func(), error)
	Names() []string
}

// Features fills frames by id.
type Features interface {
	Fill(ctx context.Context, ids []string, s *schema.Schema, f *frame.Frame) error
}

// Options configure a handler.
type Options struct {
	Models   Models
	Features Features // nil: rows by id are refused
	Wire     wire.Limits
	MaxBody  int64    // bytes, before and after inflating
	CORS     []string // allowed origins, "*" for all
	Timeout  time.Duration
	Log      *slog.Logger
	Version  string
}

// Handler serves the interface. Ready turns readiness on and off.
type Handler struct{}

// New returns a handler that is ready.
func New(o Options) *Handler { return &Handler{} }

// ServeHTTP routes one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// SetReady makes /readyz answer 200 or 503.
func (h *Handler) SetReady(ready bool) {}

// Invoke answers a bare JSON payload, as a direct invocation sends it: an
// object is a row and gets the reply of /predict, a list, or an object with
// rows, columns or ids, is a batch and gets the reply of /batch-predict. Its
// error is a *predict.Error.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return nil, nil }

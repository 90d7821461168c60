package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// modelEntry is one model of GET /models.
type modelEntry struct {
	predict.Info
	Digest  string           `json:"digest"`
	Default bool             `json:"default"`
	Trees   int              `json:"trees"`
	Schema  *schema.Document `json:"schema"`

	compiled *schema.Schema
	single   bool // features are float32
	shares   bool // labels have probabilities
	outputs  int
}

// describe lists the models, the default one first. One that cannot be loaded
// just now is left out.
func (h *Handler) describe(ctx context.Context) []modelEntry {
	names := h.o.Models.Names()
	list := make([]modelEntry, 0, len(names))
	for i, name := range names {
		m, release, err := h.o.Models.Get(ctx, name)
		if err != nil {
			h.o.Log.Warn("model left out", "model", name, "error", err)
			continue
		}
		e := modelEntry{Info: m.Info(), Digest: m.Digest(), Default: i == 0,
			Trees: m.Engine().Trees(), Schema: m.Schema().Document(),
			compiled: m.Schema(), single: m.Single(), shares: m.Formatter().Probable(), outputs: m.Engine().Arrays().Outputs}
		e.Name = m.Name()
		list = append(list, e)
		release()
	}
	return list
}

// models answers GET /models.
func (h *Handler) models(x *exchange) {
	body, err := json.Marshal(map[string]any{"models": h.describe(x.r.Context())})
	if err != nil {
		x.fail(asFault(err))
		return
	}
	x.bytes(http.StatusOK, jsonType, body)
}

func (h *Handler) readiness(x *exchange) {
	if !h.ready.Load() {
		x.fail(fault.New(fault.Unavailable, "not ready, or about to stop"))
		return
	}
	x.text(http.StatusOK, jsonType, `{"status":"ready"}`+"\n")
}

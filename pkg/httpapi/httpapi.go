// Package httpapi is the native HTTP interface as one http.Handler, which
// every adapter mounts: routing, media types, limits, errors and the pages
// made from the models' schemas. Rows are read and written by package wire and
// answered by package predict; nothing here knows a cloud.
//
// Question: a router, middlewares? Choice: eight fixed routes are one switch,
// and what surrounds them (request id, CORS, recover, metrics) is one function
// read from top to bottom: a request costs no closures and few allocations.
// What would change it: routes that users add.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"example.com/copse/pkg/fault"
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
	Models      Models
	Features    Features // nil: rows by id are refused
	Wire        wire.Limits
	MaxBody     int64         // bytes, before and after inflating
	MaxInflight int64         // bytes of all bodies held at once
	CORS        []string      // allowed origins, "*" for all
	Timeout     time.Duration // of one request; 0: none
	Log         *slog.Logger
	Version     string
}

// Handler serves the interface.
type Handler struct {
	o       Options
	wire    wire.Options
	ready   atomic.Bool
	held    atomic.Int64        // bytes of bodies now in memory
	work    *semaphore.Weighted // memory of batches now being answered
	small   *semaphore.Weighted // and the rest of it, for small ones
	metrics metrics
	openAPI func() document
	docs    func() document
}

// New returns a handler that is ready.
func New(o Options) *Handler {
	h := &Handler{
		o:    o,
		wire: wire.Options{Limits: o.Wire, ByID: o.Features != nil},
		work: semaphore.NewWeighted(workBudget), small: semaphore.NewWeighted(smallBudget),
	}
	h.openAPI = sync.OnceValue(h.makeOpenAPI)
	h.docs = sync.OnceValue(h.makeDocs)
	h.ready.Store(true)
	return h
}

// SetReady makes /readyz answer 200 or 503.
func (h *Handler) SetReady(ready bool) { h.ready.Store(ready) }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	x := exchange{h: h, w: w, r: r, id: requestID(r.Header)}
	header := w.Header()
	header["X-Request-Id"] = []string{x.id}
	h.metrics.inflight.Add(1)
	defer h.finish(&x, begin)
	if len(h.o.CORS) > 0 && h.cors(&x) {
		return
	}
	h.route(&x)
}

// finish contains a panic and counts the request.
func (h *Handler) finish(x *exchange, begin time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			panic(p)
		}
		h.o.Log.Error("panic", "request_id", x.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if x.status == 0 {
			x.fail(fault.New(fault.Internal, "an internal error: quote the request id to whoever runs this service"))
		} else {
			// Half a reply must not look like a whole one.
			h.metrics.inflight.Add(-1)
			panic(http.ErrAbortHandler)
		}
	}
	h.metrics.inflight.Add(-1)
	h.metrics.request(x.route, x.status, time.Since(begin))
	if h.o.Log.Enabled(x.r.Context(), slog.LevelDebug) {
		h.o.Log.Debug("request", "request_id", x.id, "method", x.r.Method, "route", x.route.String(),
			"status", x.status, "ms", float64(time.Since(begin).Microseconds())/1000)
	}
}

// exchange is one request and its reply.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	id     string
	model  string // name in the path, "" for the default model
	route  route
	status int
}

// route is a path's meaning.
type route uint8

const (
	routeNone route = iota
	routePredict
	routeBatch
	routeDocs
	routeOpenAPI
	routeModels
	routeHealth
	routeReady
	routeMetrics
	numRoutes
)

var routeNames = [numRoutes]string{"none", "/predict", "/batch-predict", "/docs", "/openapi.json",
	"/models", "/healthz", "/readyz", "/metrics"}

func (r route) String() string { return routeNames[r] }

// find tells the route of a path; /models/NAME may stand before the two that
// predict.
func find(path string) (r route, model string) {
	if rest, ok := strings.CutPrefix(path, "/models/"); ok {
		name, tail, ok := strings.Cut(rest, "/")
		switch {
		case !ok || name == "":
		case tail == "predict":
			return routePredict, name
		case tail == "batch-predict":
			return routeBatch, name
		}
		return routeNone, ""
	}
	switch path {
	case "/predict":
		return routePredict, ""
	case "/batch-predict":
		return routeBatch, ""
	case "/docs":
		return routeDocs, ""
	case "/openapi.json":
		return routeOpenAPI, ""
	case "/models":
		return routeModels, ""
	case "/healthz":
		return routeHealth, ""
	case "/readyz":
		return routeReady, ""
	case "/metrics":
		return routeMetrics, ""
	}
	return routeNone, ""
}

func (h *Handler) route(x *exchange) {
	x.route, x.model = find(x.r.URL.Path)
	if x.r.URL.Path == "/" && (x.r.Method == http.MethodGet || x.r.Method == http.MethodHead) {
		// Whoever opens the bare address in a browser wants the page.
		x.w.Header()["Location"] = []string{"docs"}
		x.text(http.StatusFound, htmlType, `<a href="docs">docs</a>`+"\n")
		return
	}
	if x.route == routeNone {
		x.fail(fault.New(fault.NotFound, "there is no such route: see /docs"))
		return
	}
	if !x.methodAllowed() {
		x.w.Header()["Allow"] = []string{x.route.methods()}
		x.fail(fault.New(fault.MethodNotAllowed, "%s takes %s", x.route, x.route.methods()))
		return
	}
	switch x.route {
	case routePredict:
		h.predict(x)
	case routeBatch:
		h.batch(x)
	case routeDocs:
		x.document(h.docs())
	case routeOpenAPI:
		x.document(h.openAPI())
	case routeModels:
		h.models(x)
	case routeHealth:
		x.text(http.StatusOK, jsonType, `{"status":"alive"}`+"\n")
	case routeReady:
		h.readiness(x)
	case routeMetrics:
		h.exposition(x)
	}
}

func (r route) methods() string {
	if r == routePredict || r == routeBatch {
		return "POST"
	}
	return "GET, HEAD"
}

func (x *exchange) methodAllowed() bool {
	if x.route == routePredict || x.route == routeBatch {
		return x.r.Method == http.MethodPost
	}
	return x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
}

// asFault turns any error into one of the catalogue; what is not of it is an
// internal error whose text only the log sees.
func asFault(err error) *fault.Error {
	return fault.From(err, "request", "quote the request id to whoever runs this service")
}

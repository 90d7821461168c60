package gcf

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// Members that Cloud Logging takes out of a line of JSON
// (cloud.google.com/logging/docs/structured-logging).
const (
	keySeverity = "severity"
	keyMessage  = "message"
	keyTrace    = "logging.googleapis.com/trace"
	keySpan     = "logging.googleapis.com/spanId"
	keySampled  = "logging.googleapis.com/trace_sampled"
)

// NewLogger writes lines as Cloud Logging reads them. Lines that are written
// with a request's context carry its trace, which the project's id ("" where
// it is not known) makes into a link.
func NewLogger(w io.Writer, project string) *slog.Logger {
	inner := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: rename})
	prefix := ""
	if project != "" {
		prefix = "projects/" + project + "/traces/"
	}
	return slog.New(&logHandler{root: inner, inner: inner, prefix: prefix})
}

// rename gives slog's own members the names and values of Cloud Logging.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String(keySeverity, severity(level))
		}
	case slog.MessageKey:
		a.Key = keyMessage
	}
	return a
}

func severity(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	}
	return "ERROR"
}

// logHandler adds the trace of a line's context. It must stand at the root of
// the line, also where a group is open: then the steps that led to inner are
// done again behind it.
type logHandler struct {
	root, inner slog.Handler
	prefix      string
	steps       []func(slog.Handler) slog.Handler
	grouped     bool
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	t, ok := ctx.Value(traceKey{}).(trace)
	if !ok {
		return h.inner.Handle(ctx, r)
	}
	attrs := []slog.Attr{slog.String(keyTrace, h.prefix+t.id), slog.Bool(keySampled, t.sampled)}
	if t.span != "" {
		attrs = append(attrs, slog.String(keySpan, t.span))
	}
	if !h.grouped {
		r = r.Clone()
		r.AddAttrs(attrs...)
		return h.inner.Handle(ctx, r)
	}
	inner := h.root.WithAttrs(attrs)
	for _, step := range h.steps {
		inner = step(inner)
	}
	return inner.Handle(ctx, r)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(false, func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return h.with(name != "", func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h *logHandler) with(group bool, step func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{
		root: h.root, inner: step(h.inner), prefix: h.prefix,
		steps: append(slices.Clip(h.steps), step), grouped: h.grouped || group,
	}
}
